"""Time how many neighbors a second the incremental evaluator counts exactly, against three ways to do it in PyTorch.

Networks: those of the settings (config/config.yaml, or a study in --configfile): random ternary ones, equally sparse in
all layers, drawn by seed; with --results FOLDER (results/paper), those that p-SIREN made for seed 0 of the first task
that has the network.
Images: the test images of that task in --results, and its training images where more are asked for. Without --results,
MNIST's for `static`, and random integers by seed for others.

Contenders, all of which count the same neighbors' correct images, or this stops with an error:

  aann                    a grid of evenly spread non-zeros and zeros, which shares halves of swaps much as a whole
                          neighborhood does, in a size that takes about --seconds on the least threads (where that is
                          few swaps, they share less). In the last layer: every zero for the first non-zeros.
  aann, consecutive swaps 2^21 swaps as they stand in the whole neighborhood, which is what the grid stands for; this
                          takes long, so only in layer 2.0 of the static network, at 90 % and at most 1,000 images
  aann, random swaps      20,000 random swaps of that layer, at 90 % and at most 10,000 images
  aann, 64 random swaps   as a search draws them, which share few halves: in layer 1.0 of the static network, at 90 %
                          and at most 10,000 images
  full forward pass       float32, at the best batch size, channels-last if faster
  from cached features    the same from the inputs of the swapped layer (in the first layer that is the full pass)
  vmap                    torch.func.vmap over the weights of the swapped layer, from its cached inputs, which never
                          takes longer than from the images; the best numbers of images and neighbors at once

The three in PyTorch depend on no sparsity, so they are timed at --baseline-sparsities only, and on more than 10,000
images on the most threads only: there they take minutes. All take turns, so that a machine whose speed drifts treats
them alike. Other work beside this slows PyTorch on two threads several times, so there should be none.

Writes the medians to docs/tables/neighbors.csv and .json, or another --name (also compile times, memory, and a profile:
what must be read and added for a neighbor, and what this core could do) and draws docs/images/neighbors.png.

Usage: python benchmarks/neighbors.py [--networks static] [--layers 2.0 fc] [--sparsities 90] [--images 1000]
       [--threads 1] [--seconds 0.7] [--runs 3] [--results results/paper] [--output docs] [--name neighbors]
       [--configfile study.yaml]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numba
import numpy as np
import pandas
import torch
import torch.nn.functional as F

from aann.artifacts import atomic_path, write_table
from aann.builds.machine import processors
from aann.datasets import archives, splits
from aann.evaluation import lanes, scores
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import ACCURACY
from aann.evaluation.reference import channels_last
from aann.figures import style
from aann.layers import Convolution, Layer
from aann.networks import Architecture, TernaryNetwork
from aann.settings.study import Settings, load
from aann.swaps import Swaps, apply_swap, neighborhood_size, sample_swaps, swaps_at

SEED = 0
AANN, CONSECUTIVE = "aann", "aann, consecutive swaps"
SAMPLED, FEW = "aann, random swaps", "aann, 64 random swaps"
FULL, CACHED, VMAP = "full forward pass", "from cached features", "vmap"
SAMPLES, FEW_SAMPLES = 20_000, 64
BATCH = 2**21
COMPILE_LIMIT = 20
BATCHES = (50, 100, 250, 500, 1000)
TOGETHER = (2, 8, 32, 128, 512)
VMAP_BYTES = 2**26
SHORTEST, LONGEST = 0.1, 3
"""Seconds: shorter runs are repeated, and vmap takes no more neighbors at once than fit the longest, but for 2."""
LOAD = round(os.getloadavg()[0], 2)
CELL = ["network", "weights", "layer", "sparsity", "images", "threads"]


@dataclass(frozen=True)
class Problem:
    """A network, images and labels, with the words for them in the table."""

    name: str
    weights: str
    sparsity: int
    network: TernaryNetwork
    images: np.ndarray
    labels: np.ndarray


@dataclass
class Contender:
    """One way to count; ``run`` returns the counts of neighbors, ``seconds`` are what its runs took."""

    name: str
    layer: str
    swaps: Swaps
    run: Callable[[Swaps], np.ndarray]
    setup: str = ""
    seconds: list[float] = field(default_factory=list)

    @property
    def speeds(self) -> list[float]:
        """Neighbors a second of each run."""
        return [len(self.swaps.from_index) / seconds for seconds in self.seconds]


# --- networks and images ----------------------------------------------------------------------------------------------


@cache
def settings() -> Settings:
    """Return the settings of the study."""
    return load([parsed().configfile])


def architecture(name: str) -> Architecture:
    """Return a network of the settings."""
    return Architecture.from_dict(settings().networks[name].model_dump())


def task(name: str) -> str | None:
    """Return the first task that has a network; None if no task has it."""
    return next((key for key, entry in settings().tasks.items() if entry.network == name), None)


def random_network(specification: Architecture, sparsity: int) -> TernaryNetwork:
    """Return a network with this share of zeros in each layer and random signs, by seed."""
    random = np.random.default_rng([SEED, sparsity])
    weights = {}
    for name, shape in specification.weight_shapes.items():
        flat = random.choice(np.array([-1, 1], np.int8), math.prod(shape))
        flat[random.permutation(flat.size)[: round(flat.size * sparsity / 100)]] = 0
        weights[name] = flat.reshape(shape)
    return TernaryNetwork(specification, weights)


def network(name: str, sparsity: int, results: Path | None) -> tuple[TernaryNetwork, str]:
    """Return a network, and whether it is random or trained."""
    file = results / f"psiren/{task(name)}/p{sparsity}/seed0.safetensors" if results else None
    if file and file.is_file():
        return TernaryNetwork.load(file, architecture(name)), "trained"
    return random_network(architecture(name), sparsity), "random"


def images_of(name: str, count: int, results: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return images for a network, and their labels."""
    file = results / f"datasets/{task(name)}.safetensors" if results else None
    if file and file.is_file():
        read = splits.load(file)
        chosen = read["test"] if count <= len(read["test"]) else read["train"]
        return chosen.images[:count], chosen.labels[:count]
    if name == "static":
        folder = Path(settings().downloads.folder) / "mnist"
        archives.fetch("mnist", folder, settings().downloads.mirrors)
        train_images, train_labels, *test = archives.load("mnist", folder)
        images, labels = test if count <= len(test[1]) else (train_images, train_labels)
        return images[:count], labels[:count]
    shape, scale = architecture(name).input_shape, architecture(name).input_scale
    lowest = -scale if architecture(name).signed else 0
    random = np.random.default_rng(SEED)
    images = random.integers(lowest, scale, (count, *shape), dtype=np.int16, endpoint=True)
    return images, random.integers(0, architecture(name).classes, count)


# --- the incremental evaluator ----------------------------------------------------------------------------------------


def evaluators(problem: Problem, layers: list[str], threads: int) -> dict[str, IncrementalEvaluator]:
    """Return an evaluator by layer: one for the last, which orders images in its own way, and one for all others."""
    last = problem.network.layers[-1]
    groups = [group for group in ([name for name in layers if name != last], [last] * (last in layers)) if group]
    found = {}
    for group in groups:
        built = IncrementalEvaluator(problem.network, problem.images, problem.labels, group, threads)
        found.update(dict.fromkeys(group, built))
    return found


def use_threads(threads: int, found: dict[str, IncrementalEvaluator]) -> None:
    """Let evaluators and PyTorch use so many threads."""
    torch.set_num_threads(threads)
    for evaluator in found.values():
        evaluator.threads = threads


def part(problem: Problem, layer: str, count: int) -> Swaps:
    """Return about ``count`` swaps of a layer that share halves as a whole neighborhood does."""
    weights = problem.network.weights[layer]
    nonzeros = int(np.count_nonzero(weights))
    zeros = weights.size - nonzeros
    if layer == problem.network.layers[-1]:
        return swaps_at(weights, np.arange(min(count, nonzeros * zeros)))
    side = max(1, round(math.sqrt(count)))
    rows = min(side, nonzeros)
    columns = min(max(1, count // rows), zeros)
    chosen = np.linspace(0, nonzeros - 1, rows).astype(np.int64), np.linspace(0, zeros - 1, columns).astype(np.int64)
    return swaps_at(weights, (chosen[0][:, None] * zeros + chosen[1]).ravel())


def calibrated(problem: Problem, layer: str, evaluator: IncrementalEvaluator, seconds: float) -> Swaps:
    """Return swaps whose counts take about so many seconds, after a first call that compiles what is not yet."""
    most = neighborhood_size(problem.network.weights[layer])
    count = min(16, most)
    evaluator.correct_counts(layer, *part(problem, layer, min(4, most)))
    while True:
        swaps = part(problem, layer, count)
        elapsed = timed(evaluator.correct_counts, layer, *swaps)[0]
        if elapsed > 0.6 * seconds or len(swaps.from_index) == most:
            return swaps
        count = min(most, int(count * min(20, 0.9 * seconds / elapsed)) + 1)


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the seconds that a piece of work takes, and its result."""
    start = time.perf_counter()
    result = work(*arguments)
    return time.perf_counter() - start, result


# --- PyTorch ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setup:
    """Images and neighbors at once, and the order of values in memory."""

    batch: int
    channels_last: bool
    together: int = 1

    def __str__(self) -> str:
        order = "channels-last" if self.channels_last else "channels-first"
        return f"{self.batch} images, {order}" + (f", {self.together} neighbors" if self.together > 1 else "")


class Baseline:
    """The network as plain float32 PyTorch, from the inputs of one layer on."""

    def __init__(self, problem: Problem, layer: str, from_images: bool = False) -> None:
        self._problem, self._layer = problem, layer
        self._weights = {name: torch.from_numpy(w.astype(np.float32)) for name, w in problem.network.weights.items()}
        self._scale = problem.network.architecture.input_scale
        layers = problem.network.architecture.layers
        place = 0 if from_images else problem.network.layers.index(layer)
        self._layers = layers[place:]
        self._labels = torch.from_numpy(problem.labels)
        batches = [torch.from_numpy(problem.images[at : at + 500]) for at in range(0, len(problem.images), 500)]
        with torch.no_grad():
            self._values = torch.cat([self._forward(layers[:place], self._weights, x.float()) for x in batches])

    def choose(self, together: tuple[int, ...]) -> Setup:
        """Return the fastest setup per neighbor, among those whose run over all images does not take too long."""
        best, fastest = Setup(BATCHES[0], False, together[0]), math.inf
        orders = (False, True) if self._values.ndim == 4 else (False,)
        most = VMAP_BYTES // (4 * self._activations())
        for k in together:
            sizes = [size for size in BATCHES if k <= 2 or k * size <= most]
            setups = [Setup(size, last, k) for last in orders for size in sizes]
            times = {setup: self._seconds_a_neighbor(setup) for setup in setups}
            setup = min(times, key=times.__getitem__, default=best)
            if k > 2 and k * times.get(setup, math.inf) > LONGEST:
                break
            if times[setup] < fastest:
                best, fastest = setup, times[setup]
        return best

    def _seconds_a_neighbor(self, setup: Setup) -> float:
        """Return about the seconds that all images of a neighbor take, from one batch; the first call is a warm-up."""
        values, labels = self._ordered(self._values[: setup.batch], setup), self._labels[: setup.batch]
        weights = self._moved(part(self._problem, self._layer, setup.together), setup)
        elapsed = timed(self._count, values, labels, weights, setup)[0]
        if elapsed < SHORTEST:
            elapsed = timed(self._count, values, labels, weights, setup)[0]
        return elapsed * len(self._labels) / len(labels) / setup.together

    def arrange(self, setup: Setup) -> None:
        """Put the inputs in the order in memory that a setup asks for."""
        self._values = self._ordered(self._values, setup)

    def counts(self, swaps: Swaps, setup: Setup) -> np.ndarray:
        """Return how many images each neighbor puts into their class."""
        found = []
        for first in range(0, len(swaps.from_index), setup.together):
            weights = self._moved(swaps.take(slice(first, first + setup.together)), setup)
            batches = [slice(at, at + setup.batch) for at in range(0, len(self._labels), setup.batch)]
            parts = [self._count(self._values[batch], self._labels[batch], weights, setup) for batch in batches]
            found.append(np.sum(parts, axis=0))
        return np.concatenate(found)

    @torch.no_grad()
    def _count(self, values: torch.Tensor, labels: torch.Tensor, moved: torch.Tensor, setup: Setup) -> np.ndarray:
        def logits(weights: torch.Tensor) -> torch.Tensor:
            return self._forward(self._layers, {**self._weights, self._layer: weights}, values)

        found = torch.func.vmap(logits)(moved) if setup.together > 1 else logits(moved[0])[None]
        counts: np.ndarray = (found.argmax(2) == labels).sum(1).numpy()
        return counts

    def _forward(
        self, layers: tuple[Layer, ...], weights: dict[str, torch.Tensor], values: torch.Tensor
    ) -> torch.Tensor:
        for layer in layers:
            if isinstance(layer, Convolution):
                values = F.conv2d(values, weights[layer.name], stride=layer.stride, padding=layer.padding)
                if layer.pool and layer.pooling == "average":
                    values = F.avg_pool2d(values, layer.pool, layer.pool_stride or layer.pool, divisor_override=1)
                elif layer.pool:
                    values = F.max_pool2d(values, layer.pool, layer.pool_stride or layer.pool)
            else:
                values = F.linear(values.flatten(1), weights[layer.name])
            if layer.name != self._problem.network.layers[-1]:
                values = values.clamp(-self._scale, self._scale)
        return values

    def _moved(self, swaps: Swaps, setup: Setup) -> torch.Tensor:
        weights = self._problem.network.weights[self._layer]
        neighbors = [
            torch.from_numpy(apply_swap(weights, *swap).astype(np.float32)) for swap in zip(*swaps, strict=True)
        ]
        if setup.together == 1:
            return self._ordered(neighbors[0], setup)[None]
        return torch.stack(neighbors)

    @staticmethod
    def _ordered(values: torch.Tensor, setup: Setup) -> torch.Tensor:
        return channels_last(values) if setup.channels_last and values.ndim == 4 else values.contiguous()

    def _activations(self) -> int:
        """Return the most values that a layer computes for an image."""
        inputs, most = tuple(self._values.shape[1:]), 1
        for layer in self._layers:
            unpooled = replace(layer, pool=0) if isinstance(layer, Convolution) else layer
            most = max(most, math.prod(unpooled.output_shape(inputs)))
            inputs = layer.output_shape(inputs)
        return most


def baseline_contenders(problem: Problem, layer: str) -> Iterator[Contender]:
    """Yield the contenders in PyTorch for a layer, at their best."""
    first = layer == problem.network.layers[0]
    few = 2 if len(problem.labels) <= 10_000 else 1
    for name, together in ((CACHED, (1,)), (VMAP, TOGETHER)):
        if name == CACHED and first:
            continue
        baseline = Baseline(problem, layer)
        setup = baseline.choose(together)
        baseline.arrange(setup)
        yield contender(problem, layer, name, baseline, setup, max(few, setup.together) if name == VMAP else few)


def full_contender(problem: Problem, layer: str) -> Contender:
    """Return the full forward pass, whose time does not depend on the layer."""
    baseline = Baseline(problem, layer, from_images=True)
    setup = baseline.choose((1,))
    baseline.arrange(setup)
    return contender(problem, layer, FULL, baseline, setup, 1)


def contender(problem: Problem, layer: str, name: str, baseline: Baseline, setup: Setup, neighbors: int) -> Contender:
    """Return a contender in PyTorch that counts some random neighbors."""
    weights = problem.network.weights[layer]
    count = min(neighbors, neighborhood_size(weights))
    swaps = sample_swaps(weights, count, np.random.default_rng(SEED))
    return Contender(name, layer, swaps, lambda swaps: baseline.counts(swaps, setup), str(setup))


# --- the contest ------------------------------------------------------------------------------------------------------


def run_problem(problem: Problem, arguments: argparse.Namespace, profiles: list[dict[str, Any]]) -> pandas.DataFrame:
    """Return rows of the table for one network and number of images; add to ``profiles`` where one is asked for."""
    layers = [name for name in problem.network.layers if name in (arguments.layers or problem.network.layers)]
    least = min(arguments.threads)
    found = evaluators(problem, layers, max(arguments.threads))
    use_threads(least, found)
    sizes = {name: calibrated(problem, name, found[name], arguments.seconds) for name in layers}
    rows = []
    for threads in sorted(arguments.threads):
        use_threads(threads, found)
        contenders = list(all_contenders(problem, found, sizes, arguments))
        take_turns(contenders, found, arguments.runs)
        rows += list(table_rows(problem, layers, threads, contenders))
        if threads == 1 and (problem.sparsity, len(problem.labels)) == profiled(arguments):
            profiles += [profile(problem, found[one.layer], one) for one in contenders if one.name == AANN]
    return pandas.DataFrame(rows)


def all_contenders(
    problem: Problem,
    found: dict[str, IncrementalEvaluator],
    sizes: dict[str, Swaps],
    arguments: argparse.Namespace,
) -> Iterator[Contender]:
    """Yield who takes part, in the order of turns."""
    fits = len(problem.labels) <= 10_000 or torch.get_num_threads() == max(arguments.threads)
    in_torch = problem.sparsity in arguments.baseline_sparsities and fits
    if in_torch:
        yield full_contender(problem, next(iter(found)))
    for layer, evaluator in found.items():
        yield Contender(AANN, layer, sizes[layer], counter(evaluator, layer))
        if (problem.name, layer, problem.sparsity) == ("static", "2.0", 90):
            yield from other_parts(problem, layer, evaluator)
        if (problem.name, layer, problem.sparsity) == ("static", "1.0", 90) and len(problem.labels) <= 10_000:
            swaps = sample_swaps(problem.network.weights[layer], FEW_SAMPLES, np.random.default_rng(SEED))
            yield Contender(FEW, layer, swaps, counter(evaluator, layer))
        if in_torch:
            yield from baseline_contenders(problem, layer)


def other_parts(problem: Problem, layer: str, evaluator: IncrementalEvaluator) -> Iterator[Contender]:
    """Yield the evaluator with swaps that share more or less than the grid's."""
    weights = problem.network.weights[layer]
    if len(problem.labels) <= 1000:
        swaps = swaps_at(weights, np.arange(min(BATCH, neighborhood_size(weights))))
        yield Contender(CONSECUTIVE, layer, swaps, counter(evaluator, layer))
    if len(problem.labels) <= 10_000:
        swaps = sample_swaps(weights, SAMPLES, np.random.default_rng(SEED))
        yield Contender(SAMPLED, layer, swaps, counter(evaluator, layer))


def counter(evaluator: IncrementalEvaluator, layer: str) -> Callable[[Swaps], np.ndarray]:
    """Return what counts with the incremental evaluator."""
    return lambda swaps: evaluator.correct_counts(layer, *swaps)


def take_turns(contenders: list[Contender], found: dict[str, IncrementalEvaluator], runs: int) -> None:
    """Let the contenders run in turn, ``runs`` times each; stop the program if one finds other counts."""
    for _ in range(runs):
        for one in contenders:
            elapsed, counts = steady(one)
            one.seconds.append(elapsed)
            if one.name in (AANN, CONSECUTIVE, SAMPLED, FEW):
                continue
            expected = found[one.layer].correct_counts(one.layer, *one.swaps)
            if not np.array_equal(counts, expected):
                sys.exit(f"layer {one.layer}: {one.name} counts {counts.tolist()}, {AANN} {expected.tolist()}")


def steady(one: Contender) -> tuple[float, np.ndarray]:
    """Return the seconds of a run and its counts; where they are few, the mean of as many runs as fill a while."""
    elapsed, counts = timed(one.run, one.swaps)
    more = math.ceil(SHORTEST / elapsed) - 1
    total = elapsed + sum(timed(one.run, one.swaps)[0] for _ in range(more))
    return total / (1 + more), counts


def table_rows(
    problem: Problem, layers: list[str], threads: int, contenders: list[Contender]
) -> Iterator[dict[str, Any]]:
    """Yield one row for each layer and contender, and print it; the full pass stands with every layer."""
    for layer in layers:
        for one in contenders:
            if one.layer != layer and one.name != FULL:
                continue
            cell = (problem.name, problem.weights, layer, problem.sparsity, len(problem.labels), threads)
            speed = statistics.median(one.speeds)
            print(
                *cell,
                f"{one.name}: {speed:,.1f} neighbors/s ({len(one.swaps.from_index)} a run) {one.setup}",
                flush=True,
            )
            yield dict(zip(CELL, cell, strict=True)) | {
                "contender": one.name,
                "neighbors_per_second": round(speed, 3),
                "min": round(min(one.speeds), 3),
                "max": round(max(one.speeds), 3),
                "runs": len(one.speeds),
                "neighbors_per_run": len(one.swaps.from_index),
                "setup": one.setup,
            }


def ratios(table: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return how many times faster the evaluator is than each contender in PyTorch."""
    speeds = table.pivot(index=CELL, columns="contender", values="neighbors_per_second").reset_index()
    found = []
    for row in speeds.to_dict("records"):
        for name in (FULL, CACHED, VMAP):
            if not pandas.isna(row.get(name, math.nan)):
                found.append({key: row[key] for key in CELL} | {"over": name, "ratio": round(row[AANN] / row[name], 1)})
    return found


# --- where the time goes ----------------------------------------------------------------------------------------------


def profiled(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return the sparsity and the number of images of the profile and the figure: 90 % and 10,000 if they are timed."""
    sparsity = 90 if 90 in arguments.sparsities else arguments.sparsities[0]
    return sparsity, max((count for count in arguments.images if count <= 10_000), default=min(arguments.images))


def profile(problem: Problem, evaluator: IncrementalEvaluator, one: Contender) -> dict[str, Any]:
    """Return what a neighbor must read, write and add at least in a layer, beside the time it takes on one thread.

    Halves that neighbors share are left out, so bytes and additions are estimates from below.
    """
    state = evaluator.state
    following = state.names[state.names.index(one.layer) + 1 :]
    blocks = len(state.blocks.chosen)
    if not following:
        blocks = int(scores.within_reach(state, state.blocks.chosen, ACCURACY).sum())
        bytes_, additions = lanes.LANES * 2.0, 2.0
    elif len(following) == 1:
        bytes_ = 2.0 * state.logits[0].nbytes
        additions = 2.0 * state.logits.shape[1] * state.logits.itemsize / 2
    else:
        sums, outputs = state.values(following[0]).sums, state.values(following[1]).inputs
        bytes_ = 2.0 * sums[0].nbytes + 2 * outputs[0].nbytes
        additions = (2.0 * sums.shape[1] * sums.itemsize + outputs.shape[1] * outputs.itemsize) / 2
        additions += np.count_nonzero(problem.network.weights[following[1]]) * state.layouts[following[1]].taps.shape[1]
    return {
        "network": problem.name,
        "layer": one.layer,
        "sparsity": problem.sparsity,
        "images": len(problem.labels),
        "ns": 1e9 / statistics.median(one.speeds),
        "blocks": blocks,
        "bytes": bytes_ * blocks,
        "additions": additions * blocks,
    }


@lanes.compiled
def add_rows(rows: Any, found: Any, times: Any) -> None:
    """Add up rows again and again, in four sums at a time."""
    first, second = lanes.load(found, 0), lanes.load(found, 1)
    third, fourth = lanes.load(found, 2), lanes.load(found, 3)
    for _ in range(times):
        for row in range(0, len(rows), 4):
            first = first + lanes.load(rows, row)
            second = second + lanes.load(rows, row + 1)
            third = third + lanes.load(rows, row + 2)
            fourth = fourth + lanes.load(rows, row + 3)
    lanes.store(found, 0, first)
    lanes.store(found, 1, second)
    lanes.store(found, 2, third)
    lanes.store(found, 3, fourth)


def peaks() -> dict[str, float]:
    """Return what one core can do: 64-lane int16 additions (each with a load from L1) and bytes copied a second."""
    rows, found = np.ones((64, lanes.LANES), np.int16), np.zeros((4, lanes.LANES), np.int16)
    add_rows(rows, found, 1)
    adding = min(timed(add_rows, rows, found, 20_000)[0] for _ in range(5))
    result = {"additions_per_second": 20_000 * len(rows) / adding}
    for name, size, times in (("cache", 2**18, 400), ("memory", 2**27, 1)):
        source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
        copying = min(timed(copy_often, source, target, times)[0] for _ in range(5))
        result[f"{name}_bytes_per_second"] = 2 * size * times / copying
    return result


def copy_often(source: np.ndarray, target: np.ndarray, times: int) -> None:
    """Copy an array again and again."""
    for _ in range(times):
        np.copyto(target, source)


def explain(profiles: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the profile of each layer against what the core could do, and print it."""
    able = peaks()
    print(", ".join(f"{name} {value:.3g}" for name, value in able.items()))
    for one in profiles:
        one["percent_of_additions"] = 100e9 * one["additions"] / able["additions_per_second"] / one["ns"]
        one["percent_of_cache_bandwidth"] = 100e9 * one["bytes"] / able["cache_bytes_per_second"] / one["ns"]
        one["percent_of_memory_bandwidth"] = 100e9 * one["bytes"] / able["memory_bytes_per_second"] / one["ns"]
        print(
            f"{one['network']} {one['layer']}: {one['ns']:,.0f} ns a neighbor; at least {one['bytes']:,.0f} bytes and "
            f"{one['additions']:,.0f} additions of 64 lanes (estimates, without shared halves): "
            f"{one['percent_of_additions']:.0f} % of the lanes' peak, {one['percent_of_cache_bandwidth']:.0f} % of "
            f"a copy in the L2 cache, {one['percent_of_memory_bandwidth']:.0f} % of one in memory"
        )
    return {"one_core": able, "layers": profiles}


# --- in processes of their own ----------------------------------------------------------------------------------------


def child(work: str, name: str) -> dict[str, float]:
    """Do what needs a fresh process: compile, or build an evaluator and see what memory that took."""
    return first_counts(name) if work == "compile" else memory(name)


def first_counts(name: str) -> dict[str, float]:
    """Return the seconds until neighbors in all layers of a network were counted for the first time."""
    found = random_network(architecture(name), 90)
    images, labels = images_of(name, 64)
    start = time.perf_counter()
    evaluator = IncrementalEvaluator(found, images, labels)
    for layer, weights in found.weights.items():
        evaluator.correct_counts(layer, *swaps_at(weights, np.arange(8)))
    return {"seconds": round(time.perf_counter() - start, 3)}


def memory(name: str) -> dict[str, float]:
    """Return MB in use before, and their peak after, an evaluator of 10,000 images that keeps all layers was built."""
    images, labels = images_of(name, 10_000)
    images, labels = images.copy(), labels.copy()
    before = megabytes("VmRSS")
    evaluator = IncrementalEvaluator(random_network(architecture(name), 90), images, labels)
    return {"before": before, "peak": megabytes("VmHWM"), "images": evaluator.images}


def megabytes(kind: str) -> float:
    """Return what memory this process has (VmRSS), or had at most (VmHWM); elsewhere than on Linux always the latter.

    ``getrusage`` would do, but for a new process Linux counts there what its parent has.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) / 1000 for line in status.open() if line.startswith(kind))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def in_process(work: str, name: str, **environment: str) -> dict[str, float]:
    """Return what ``child`` returns in a new process."""
    command = [sys.executable, __file__, "--child", work, name, "--configfile", str(parsed().configfile)]
    done = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compile_times(names: list[str]) -> dict[str, dict[str, float]]:
    """Return the seconds of first calls by network, with an empty cache of compiled code and with a filled one."""
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            first, again = (in_process("compile", name, NUMBA_CACHE_DIR=folder)["seconds"] for _ in range(2))
        found[name] = {"empty_cache": first, "filled_cache": again}
        verdict = "" if first <= COMPILE_LIMIT else f": MORE THAN {COMPILE_LIMIT} s"
        print(f"{name}: first counts {first:.1f} s with an empty cache, {again:.1f} s with a filled one{verdict}")
    return found


# --- output -----------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    versions = {module.__name__: str(module.__version__) for module in (numba, np, pandas, torch)}
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": processors(),
        "load_average_before": LOAD,
        "vector_instructions": torch.backends.cpu.get_cpu_capability(),
        "versions": {"python": platform.python_version(), **versions},
    }


def draw(table: pandas.DataFrame, chosen: tuple[int, int], path: Path) -> None:
    """Draw neighbors a second by layer and contender, one panel a network, with the ratio to the best in PyTorch."""
    style.use_style()
    threads = table.threads.max()
    table = table[(table.sparsity == chosen[0]) & (table.images == chosen[1]) & (table.threads == threads)]
    names = list(dict.fromkeys(table.network))
    looks = {
        AANN: (style.BLUE, "o"),
        SAMPLED: (style.BLUE, "x"),
        VMAP: (style.ORANGE, "s"),
        CACHED: (style.GREEN, "^"),
        FULL: (style.GREY, "D"),
    }
    figure, axes = plt.subplots(
        1, len(names), figsize=(2 * style.COLUMN_WIDTH, 2.7), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes[0], names, strict=True):
        panel = table[table.network == name]
        layers = list(dict.fromkeys(panel.layer))
        for contender_name, (colour, marker) in looks.items():
            rows = panel[panel.contender == contender_name]
            places = [layers.index(layer) for layer in rows.layer]
            axis.plot(places, rows.neighbors_per_second, marker, color=colour, label=contender_name, markersize=5)
        for place, layer in enumerate(layers):
            label_ratio(axis, place, panel[panel.layer == layer].set_index("contender").neighbors_per_second)
        axis.set(yscale="log", xticks=range(len(layers)), xticklabels=layers, xlabel="layer of the swap", title=name)
        axis.margins(x=0.2, y=0.12)
        axis.grid(axis="y", linewidth=0.4)
    axes[0][0].set_ylabel("neighbors a second")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(looks))
    figure.suptitle(f"{chosen[0]} % sparse, {chosen[1]:,} images, {threads} threads", fontsize=8.5)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=300)
    plt.close(figure)


def label_ratio(axis: Any, place: int, speeds: pandas.Series[float]) -> None:
    """Write over the evaluator's mark how many times faster it is than the fastest in PyTorch."""
    others = [speeds[name] for name in (FULL, CACHED, VMAP) if name in speeds]
    if others:
        text = f"{speeds[AANN] / max(others):,.0f}x"
        axis.annotate(text, (place, speeds[AANN]), (0, 5), textcoords="offset points", ha="center", fontsize=7)


def parsed() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["static", "dynamic"], help="names in the settings")
    parser.add_argument("--layers", nargs="+", help="layers to swap in; all if not given")
    parser.add_argument("--sparsities", nargs="+", type=int, default=[50, 90, 95])
    parser.add_argument("--images", nargs="+", type=int, default=[1000, 10_000, 60_000], help="60,000: static only")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--baseline-sparsities", nargs="*", type=int, default=[90])
    parser.add_argument("--seconds", type=float, default=0.7, help="about what a run of the evaluator takes")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--results", type=Path, help="folder of a scale, with trained networks and images")
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"), help="settings of a study")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    parser.add_argument("--name", default="neighbors", help="what its files are called")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    arguments = parsed()
    if arguments.child:
        print(json.dumps(child(*arguments.child)))
        return
    began = time.perf_counter()
    if LOAD > 0.5:
        print(f"other work keeps {LOAD} cores busy: numbers on more than one thread will be off, PyTorch's most of all")
    compiling = compile_times(arguments.networks)
    used = in_process("memory", arguments.networks[0])
    print(f"memory: {used['before']:.0f} MB before, {used['peak']:.0f} MB at most with an evaluator of 10,000 images")
    profiles: list[dict[str, Any]] = []
    tables = []
    for name in arguments.networks:
        for count in arguments.images:
            if name != "static" and count > 10_000:
                continue
            images, labels = images_of(name, count, arguments.results)
            for sparsity in arguments.sparsities:
                found, kind = network(name, sparsity, arguments.results)
                tables.append(run_problem(Problem(name, kind, sparsity, found, images, labels), arguments, profiles))
    table = pandas.concat(tables)
    write_table(arguments.output / "tables" / f"{arguments.name}.csv", table)
    content = {
        "machine": machine(),
        "seconds_of_first_counts": compiling,
        f"peak_megabytes_{arguments.networks[0]}": used,
        "profile": explain(profiles),
        "rows": table.to_dict("records"),
        "ratios": ratios(table),
    }
    with atomic_path(arguments.output / "tables" / f"{arguments.name}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    draw(table, profiled(arguments), arguments.output / "images" / f"{arguments.name}.png")
    print(f"all in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
