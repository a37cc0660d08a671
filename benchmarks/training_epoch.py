"""Time one epoch of dense training on one thread: this package against a plain eager PyTorch loop.

Both train the same network from the same weights on the same images in the same order, with Adam at the same rate.
They take turns, so that a machine whose speed drifts treats both alike. The plain loop is the network as a tutorial
writes it: nn.Conv2d, Hardtanh, MaxPool2d, nn.Linear, torch.optim.Adam. The package trains with its default settings and
in each precision. All of it runs on this processor, and once more in a process that may use no more instructions than
those of a processor with AVX2 alone. Prints each run and the medians, and writes docs/tables/training_epoch.csv.

Usage: python benchmarks/training_epoch.py [--runs 5] [--images 50000] [--output docs/tables/training_epoch.csv]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import torch
from torch import nn

from aann import devices, training
from aann.artifacts import discard, read_table, write_table
from aann.datasets import archives, sources, splits
from aann.networks import Architecture
from aann.settings.psiren import PSirenSettings
from aann.settings.study import load

LEARNING_RATE = 0.005
BATCH = 64
PLAIN = "plain eager PyTorch"
PRECISIONS = ("default", "float32", "bfloat16")
PROCESSORS: Mapping[str, Mapping[str, str]] = {
    "this": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
}
"""Variables that keep PyTorch and oneDNN to the instructions of a processor."""


def plain_network(weights: training.Weights) -> nn.Module:
    """Return the static network of the paper with given weights, as a tutorial writes it."""
    network = nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2, bias=False),
        nn.Hardtanh(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2, bias=False),
        nn.Hardtanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, 10, bias=False),
    )
    with torch.no_grad():
        for parameter, tensor in zip(network.parameters(), weights.values(), strict=True):
            parameter.copy_(tensor)
    return network


def run_plain(weights: training.Weights, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, nn.Module]:
    """Return the seconds of an epoch of the plain loop, and the network it trained."""
    network = plain_network(weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    for first in range(0, len(order) // BATCH * BATCH, BATCH):
        batch = order[first : first + BATCH]
        optimizer.zero_grad()
        loss = criterion(network(images[batch].float() / 255), labels[batch])
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start, network


def run_package(
    architecture: Architecture, weights: training.Weights, images: torch.Tensor, labels: torch.Tensor, precision: str
) -> tuple[float, training.Weights]:
    """Return the seconds of an epoch of this package's training, and the weights it trained."""
    trained = {name: tensor.clone() for name, tensor in weights.items()}
    phase = training.Phase(
        name="dense",
        epochs=1,
        learning_rate=LEARNING_RATE,
        batch_size=BATCH,
        parameters=list(trained.values()),
        inputs=lambda batch: batch.float() / 255,
        logits=lambda batch: training.forward(architecture, trained, batch),
        validate=lambda: 0.0,
        schedule=training.constant,
    )
    setting = PSirenSettings().precision if precision == "default" else precision
    if devices.precision(setting, "cpu") == "bfloat16":
        phase = replace(phase, precision=torch.bfloat16)
    start = time.perf_counter()
    training.run(phase, images, labels, torch.Generator().manual_seed(0), training.Curve())
    return time.perf_counter() - start, trained


def accuracy(network: nn.Module, test: splits.Images) -> float:
    """Return the test accuracy of real-valued weights, in percent."""
    with torch.no_grad():
        logits = network(torch.from_numpy(test.images).float() / 255)
    return 100 * float((logits.argmax(1) == torch.from_numpy(test.labels)).float().mean())


def measure(processor: str, runs: int, count: int) -> pandas.DataFrame:
    """Return a row for each loop and run: processor, loop, run, seconds, and test accuracy in percent."""
    torch.set_num_threads(1)
    settings = load(["config/config.yaml"])
    folder = Path(settings.downloads.folder)
    archives.fetch("mnist", folder / "mnist", settings.downloads.mirrors)
    data, _ = sources.split("mnist", settings.datasets["mnist"], folder)
    images = torch.from_numpy(data["train"].images[:count])
    labels = torch.from_numpy(data["train"].labels[:count])
    test = data["test"].take(np.arange(min(count, len(data["test"]))))
    architecture = Architecture.from_dict(settings.network("mnist"))
    weights = training.initial_weights(architecture, torch.Generator().manual_seed(0))

    rows = []
    for run in range(runs):
        seconds, network = run_plain(weights, images, labels)
        rows.append((processor, PLAIN, run, seconds, accuracy(network, test)))
        for precision in PRECISIONS:
            seconds, trained = run_package(architecture, weights, images, labels, precision)
            rows.append((processor, f"aann, {precision}", run, seconds, accuracy(plain_network(trained), test)))
        for _, name, _, seconds, percent in rows[-1 - len(PRECISIONS) :]:
            print(f"{processor} run {run}  {name:20s} {seconds:6.2f} s  test accuracy {percent:.2f} %", flush=True)
    return pandas.DataFrame(rows, columns=["processor", "loop", "run", "seconds", "test_accuracy_percent"])


def measure_apart(processor: str, arguments: argparse.Namespace) -> pandas.DataFrame:
    """Return what ``measure`` does, from a process with the instructions of a processor."""
    output = arguments.output.with_suffix(f".{processor}.csv")
    command = [sys.executable, __file__, "--runs", arguments.runs, "--images", arguments.images, "--output", output]
    subprocess.run(
        [str(part) for part in (*command, "--processor", processor)],
        env={**os.environ, **PROCESSORS[processor]},
        check=True,
    )
    table: pandas.DataFrame = read_table(output)
    discard(output)
    return table


def print_ratios(table: pandas.DataFrame) -> None:
    """Print by how much each loop of the package is faster than the plain loop, for each processor."""
    for (processor, name), ours in table[table.loop != PLAIN].groupby(["processor", "loop"], sort=False):
        plain = table[(table.loop == PLAIN) & (table.processor == processor)]
        ratios = [slow / fast for slow, fast in zip(plain.seconds, ours.seconds, strict=True)]
        print(
            f"{processor}, {name}: {statistics.median(ratios):.2f}x faster than plain (median of {len(ratios)} pairs)"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--images", type=int, default=50_000, help="at most so many to train on, and to test on")
    parser.add_argument("--output", type=Path, default=Path("docs/tables/training_epoch.csv"))
    parser.add_argument("--processor", choices=PROCESSORS, help="measure for this one alone, in this process")
    arguments = parser.parse_args()
    if arguments.processor:
        write_table(arguments.output, measure(arguments.processor, arguments.runs, arguments.images))
        return
    table = pandas.concat([measure_apart(processor, arguments) for processor in PROCESSORS])
    write_table(arguments.output, table)
    print_ratios(table)


if __name__ == "__main__":
    main()
