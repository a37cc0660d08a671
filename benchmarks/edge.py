"""What exported networks take: bytes, flash, memory and instructions, and images a second beside float32.

The network is the released one for MNIST, 90 % sparse, of the first seed; images are MNIST's test images. On one
core, C (compiled with -O2, and with all instructions of this processor) is timed against PyTorch and onnxruntime in
float32 on dense weights of the same values, each at its best batch. Contenders take turns, so that a machine whose
speed drifts treats all alike, and the best of all turns counts. All must have the same logits. The emulated boards run
200 images. Prints and writes docs/tables/edge.csv.

Usage: python benchmarks/edge.py [--turns 5] [--output docs/tables/edge.csv]
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
import torch.nn.functional as F

import aann
from aann.artifacts import write_table
from aann.evaluation import reference
from aann.export import board, onnx, packed, source
from aann.networks import TernaryNetwork

NETWORK = "release/psiren/mnist/p90/seed0.safetensors.gz"
LANES = (1, 16, 32, 64)
BATCHES = (1, 16, 64, 250, 1000)
IMAGES = 2000
"""Images of one turn; batches divide them or leave some out."""

Run = Callable[[np.ndarray], np.ndarray]


def native(network: TernaryNetwork, lanes: int, options: list[str], folder: Path) -> Run:
    """Return what runs the C file, compiled as a shared library."""
    source.save(network, folder, np.zeros(network.architecture.input_shape, int), np.zeros(10, int))
    library = folder / f"lanes{lanes}{''.join(options)}.so"
    command = ["gcc", "-std=c99", *options, f"-DAANN_LANES={lanes}", "-shared", "-fPIC", "aann.c", "-o", str(library)]
    subprocess.run(command, cwd=folder, check=True)
    run = ctypes.CDLL(str(library)).aann_run
    memory = ctypes.create_string_buffer(64_000 * lanes)

    def logits(images: np.ndarray) -> np.ndarray:
        found = np.zeros((len(images), 10), np.int32)
        step, row = images[0].nbytes, found[0].nbytes
        first, first_row = images.ctypes.data, found.ctypes.data
        for at in range(0, len(images), lanes):
            run(memory, ctypes.c_void_p(first + at * step), ctypes.c_void_p(first_row + at * row))
        return found

    return logits


Layout = Callable[[torch.Tensor], torch.Tensor]


def plain(network: TernaryNetwork, batch: int, layout: Layout = torch.Tensor.contiguous) -> Run:
    """Return what runs the network in PyTorch on float32, a batch at a time, in a layout of memory."""
    first, second, last = (torch.from_numpy(array.astype(np.float32)) for array in network.weights.values())
    first, second = layout(first), layout(second)

    @torch.inference_mode()
    def logits(images: np.ndarray) -> np.ndarray:
        found = []
        for values in torch.split(torch.from_numpy(images), batch):
            hidden = F.max_pool2d(F.hardtanh(F.conv2d(layout(values.float()), first, padding=2), -255, 255), 2)
            hidden = F.max_pool2d(F.hardtanh(F.conv2d(hidden, second, padding=2), -255, 255), 2)
            found.append(hidden.flatten(1) @ last.T)
        return torch.cat(found).numpy().astype(np.int32)

    return logits


def runtime(network: TernaryNetwork, batch: int, folder: Path) -> Run:
    """Return what runs the ONNX file in onnxruntime, a batch at a time."""
    import onnxruntime

    onnx.save(network, folder / "network.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "network.onnx", options, providers=["CPUExecutionProvider"])

    def logits(images: np.ndarray) -> np.ndarray:
        parts = [images[at : at + batch] for at in range(0, len(images), batch)]
        return np.concatenate([session.run(None, {onnx.INPUT: part})[0] for part in parts])

    return logits


def contenders(network: TernaryNetwork, folder: Path) -> dict[str, Run]:
    """Return what is timed, by name."""
    found = {}
    for lanes in LANES:
        found[f"C, -O2, {lanes} images at a time"] = native(network, lanes, ["-O2"], folder)
        options = ["-O3", "-march=native"]
        found[f"C, {' '.join(options)}, {lanes} images at a time"] = native(network, lanes, options, folder)
    for batch in BATCHES:
        found[f"PyTorch float32, batches of {batch}"] = plain(network, batch)
        found[f"PyTorch float32, channels last, batches of {batch}"] = plain(network, batch, reference.channels_last)
        found[f"onnxruntime float32, batches of {batch}"] = runtime(network, batch, folder)
    return found


def speeds(network: TernaryNetwork, images: np.ndarray, turns: int, folder: Path) -> dict[str, float]:
    """Return images a second on one core, the best of some turns."""
    running = contenders(network, folder)
    expected = reference.logits(network, images)
    best = dict.fromkeys(running, 0.0)
    for _ in range(turns):
        for name, run in running.items():
            count = IMAGES if "of 1" not in name or "of 1000" in name else IMAGES // 10
            chosen = images[: count // 64 * 64]
            began = time.perf_counter()
            found = run(chosen)
            best[name] = max(best[name], len(chosen) / (time.perf_counter() - began))
            assert np.array_equal(found, expected[: len(chosen)]), name
    return best


def sizes(network: TernaryNetwork, images: np.ndarray, folder: Path) -> dict[str, float]:
    """Return bytes and instructions."""
    content = packed.pack(network)
    began = time.perf_counter()
    packed.unpack(content)
    found: dict[str, float] = {
        "packed file, bytes": len(content),
        "entropy of the weights, bytes": round(packed.entropy(network)),
        "unpacking, ms": round(1000 * (time.perf_counter() - began), 1),
        "weights in the C header, bytes": source.weights_bytes(network),
    }
    for processor in board.BOARDS:
        measured = board.measure(network, images[:200], processor, folder / processor)
        assert np.array_equal(measured.logits, reference.logits(network, images[:200]))
        found |= {
            f"{processor}: flash, bytes": measured.flash,
            f"{processor}: memory, bytes": measured.memory,
            f"{processor}: stack, bytes": measured.stack,
            f"{processor}: instructions an image": round(measured.instructions),
        }
    onnx.save(network, folder / "network.onnx")
    return found | {"ONNX file, bytes": (folder / "network.onnx").stat().st_size}


def best_of(found: dict[str, float], kind: str) -> float:
    """Return the most images a second of contenders whose name begins with a kind."""
    return max(speed for name, speed in found.items() if name.startswith(kind))


def parsed() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("docs/tables/edge.csv"))
    return parser.parse_args()


def processor() -> str:
    """Return the name of this processor, where Linux says it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    known: dict[str, Any] = dict(line.replace("\t", "").split(": ", 1) for line in lines if ": " in line)
    return ", ".join(f"{key} {known[key]}" for key in ("model name", "cpu family", "model") if key in known)


def main() -> None:
    """Run the benchmark."""
    arguments = parsed()
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    network = aann.load_network(NETWORK)
    images = aann.load_data("mnist", "datasets")["test"].images
    with tempfile.TemporaryDirectory() as name:
        found = sizes(network, images, Path(name))
        measured = speeds(network, images, arguments.turns, Path(name))
    found |= {f"{name}, images a second": round(speed) for name, speed in measured.items()}
    for kind in ("C, -O2", "C"):
        for other in ("PyTorch", "onnxruntime"):
            ratio = best_of(measured, kind) / best_of(measured, other)
            found[f"best of {kind} over best of {other}, ratio"] = round(ratio, 2)
    print(f"{processor()}; PyTorch {torch.__version__}")
    for name, value in found.items():
        print(f"{value:>12,} {name}")
    write_table(arguments.output, pandas.DataFrame({"what": found.keys(), "value": found.values()}))


if __name__ == "__main__":
    main()
