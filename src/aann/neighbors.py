"""Stage neighbors: the exact accuracies of a network's first neighbors in one layer (paper, section 3.2, Figure 3).

A neighborhood is counted in parts, each a file of its own until all are written. So memory does not grow with the
neighborhood, and an interrupted survey goes on where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from tqdm import tqdm

from aann.artifacts import read_table_metadata, write_table, write_tables
from aann.datasets import splits
from aann.errors import InputError
from aann.evaluation.evaluator import Evaluator, EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.lineage import provenance
from aann.networks import TernaryNetwork, require_layer
from aann.swaps import neighborhood_size, require_neighbors, sample_numbers, swaps_at
from aann.tables import HISTOGRAM, NEIGHBORS, SPLITS, SURVEY

EXHAUSTIVE = "exhaustive"
"""In place of a number of neighbors: all of them."""

BEST = 1000
"""Neighbors in the table of the best."""

_PARTS = (2**20, 2**18, 2**13)
"""Neighbors in a part, by the number of layers after theirs (0, 1, 2 or more): seconds to two minutes of work."""

Counted = tuple[np.ndarray, np.ndarray]
"""Images, integers of shape (images, channels, height, width), and their labels."""


@dataclass
class Survey:
    """First neighbors of a network in a layer, and how many images each gets right.

    ``images`` holds images and labels by split. ``amount`` is how many different neighbors are drawn with ``seed``; if
    it is `exhaustive` or there are not more, all are counted. ``identity`` says what else the counts depend on:
    unfinished work of another identity is not used. ``threads`` and ``evaluator`` change the speed only.

    Raises ``InputError`` for a layer that is not there or has no neighbors, and for a wrong amount.
    """

    network: TernaryNetwork
    images: Mapping[str, Counted]
    layer: str
    amount: str | int
    seed: int
    identity: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    evaluator: EvaluatorFactory = IncrementalEvaluator

    def __post_init__(self) -> None:
        require_layer(self.layer, self.network.layers)
        require_neighbors(self.layer, self.weights)
        if self.amount != EXHAUSTIVE and (not isinstance(self.amount, int) or self.amount < 1):
            raise InputError(f"neighbors {self.amount!r}: expected {EXHAUSTIVE!r} or a positive number")

    @property
    def weights(self) -> np.ndarray:
        """The layer's weights."""
        return self.network.weights[self.layer]

    @cached_property
    def numbers(self) -> range | np.ndarray:
        """The numbers of the swaps to count, rising (see ``swaps.swaps_at``)."""
        size = neighborhood_size(self.weights)
        if isinstance(self.amount, str) or self.amount >= size:
            return range(size)
        return sample_numbers(self.weights, self.amount, np.random.default_rng(self.seed))

    @cached_property
    def evaluators(self) -> dict[str, Evaluator]:
        """An evaluator for each split."""
        return {
            split: self.evaluator(self.network, *self.images[split], layers=[self.layer], threads=self.threads)
            for split in SPLITS
        }

    def run(self, output: Path, metadata: Mapping[str, Any]) -> Summary:
        """Write the table of neighbors (Parquet, columns ``NEIGHBORS``, by number) and return what it adds up to.

        Parts are kept in a folder beside ``output`` until ``discard_parts`` deletes them.
        """
        parts = self._make_parts(_folder(output))
        original = {split: self.evaluators[split].correct_count() for split in SPLITS}
        images = {split: len(self.images[split][1]) for split in SPLITS}
        summary = Summary(self.layer, neighborhood_size(self.weights), original, images)
        write_tables(output, summary.watch(NEIGHBORS.read(part) for part in parts), metadata)
        return summary

    def _make_parts(self, folder: Path) -> list[Path]:
        """Count the neighbors of all parts that are not there yet, and return the files."""
        after = len(self.network.layers) - 1 - self.network.layers.index(self.layer)
        size = _PARTS[min(after, len(_PARTS) - 1)]
        parts = {}
        for start in range(0, len(self.numbers), size):
            numbers = self.numbers[start : start + size]
            described = {"first": int(numbers[0]), "count": len(numbers), **self.identity}
            parts[folder / f"{start:012d}.parquet"] = (numbers, described)
        missing = [path for path, (_, described) in parts.items() if not _is_part(path, described)]
        done = len(self.numbers) - sum(len(parts[path][0]) for path in missing)
        with tqdm(
            total=len(self.numbers), initial=done, unit=" neighbors", desc=f"layer {self.layer}", mininterval=1
        ) as progress:
            for path in missing:
                numbers, described = parts[path]
                write_table(path, self.count(np.asarray(numbers, np.int64)), described)
                progress.update(len(numbers))
        return list(parts)

    def count(self, numbers: np.ndarray) -> pandas.DataFrame:
        """Return the table of the neighbors with some numbers, columns ``NEIGHBORS``."""
        swaps = swaps_at(self.weights, numbers)
        counts = {f"{split}_correct": self.evaluators[split].correct_counts(self.layer, *swaps) for split in SPLITS}
        table = pandas.DataFrame({**swaps._asdict(), "sign": self.weights.ravel()[swaps.from_index], **counts})
        return table.astype(dict.fromkeys((*swaps._fields, *counts), np.int32))


def discard_parts(output: Path) -> None:
    """Delete the parts of a survey whose tables are all written."""
    shutil.rmtree(_folder(output))


def _folder(output: Path) -> Path:
    return output.with_name(f"{output.name}.parts")


def _is_part(path: Path, described: Mapping[str, Any]) -> bool:
    """Return whether a file holds the neighbors that it should."""
    try:
        return read_table_metadata(path) == described and len(NEIGHBORS.read(path)) == described["count"]
    except InputError:
        return False


class Summary:
    """What tables of neighbors add up to: histograms, the best neighbors, and how many beat the network.

    ``original`` holds the network's counts of correct images by split, ``images`` the number of images.
    """

    def __init__(self, layer: str, neighborhood: int, original: Mapping[str, int], images: Mapping[str, int]) -> None:
        self.layer, self.neighborhood, self.original, self.images = layer, neighborhood, original, images
        self._counts = {split: np.zeros(images[split] + 1, np.int64) for split in SPLITS}
        self._best = pandas.DataFrame()

    def watch(self, tables: Iterable[pandas.DataFrame]) -> Iterator[pandas.DataFrame]:
        """Yield tables as they are, and add them up."""
        for table in tables:
            for split in SPLITS:
                self._counts[split] += np.bincount(table[f"{split}_correct"], minlength=self.images[split] + 1)
            leading = pandas.concat([self._best, table.nlargest(BEST, "validation_correct")])
            self._best = leading.nlargest(BEST, "validation_correct")
            yield table

    @property
    def best(self) -> pandas.DataFrame:
        """The neighbors with the most correct validation images, columns ``NEIGHBORS``; the first number wins a tie."""
        return self._best.reset_index(drop=True)

    @property
    def histogram(self) -> pandas.DataFrame:
        """How many neighbors have each count of correct images: what ``HISTOGRAM`` measures."""
        tables = [
            pandas.DataFrame({"split": split, "correct": np.flatnonzero(counts), "neighbors": counts[counts > 0]})
            for split, counts in self._counts.items()
        ]
        return pandas.concat(tables)

    @property
    def rows(self) -> pandas.DataFrame:
        """A row for each split: what ``SURVEY`` measures."""
        rows = []
        for split, counts in self._counts.items():
            original = self.original[split]
            better, equal, worse = counts[original + 1 :].sum(), counts[original], counts[:original].sum()
            found = (self.images[split], original, self.neighborhood, counts.sum(), better, equal, worse)
            rows.append((split, *found))
        return pandas.DataFrame(rows, columns=["split", *SURVEY.measured])


@dataclass(frozen=True)
class Outputs:
    """The files that a survey writes."""

    neighbors: Path
    best: Path
    histogram: Path
    summary: Path


def make_survey(
    network: Path, data: Path, amount: str, keys: Mapping[str, Any], outputs: Outputs, threads: int
) -> None:
    """Survey the first neighbors of a network in a layer, and write all tables; goes on where it was stopped.

    ``keys`` are those of ``tables.HISTOGRAM``. ``amount`` is `exhaustive` or how many neighbors are drawn.

    Raises ``InputError`` for a layer that is not there, a wrong amount, data that do not fit the network, and a file of
    neighbors that is not named as Parquet.
    """
    if outputs.neighbors.suffix != ".parquet":
        raise InputError(f"{outputs.neighbors}: expected a name that ends in .parquet")
    number = int(amount) if amount.isdecimal() else amount
    recorded = provenance.describe("aann.neighbors", [network, data], amount=number, **keys)
    read = splits.load(data)
    images = {split: (read[split].images, read[split].labels) for split in SPLITS}
    ternary = TernaryNetwork.load(network)
    survey = Survey(ternary, images, keys["layer"], number, keys["seed"], recorded, threads)
    found = survey.run(outputs.neighbors, {"provenance": recorded})
    write_table(outputs.best, found.best, {"provenance": recorded})
    write_table(outputs.histogram, HISTOGRAM.make(found.histogram, **keys))
    write_table(outputs.summary, SURVEY.make(found.rows, **keys))
    discard_parts(outputs.neighbors)
