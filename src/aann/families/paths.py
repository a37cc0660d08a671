"""Paths between two networks of one family: swaps that shrink the distance, each step the best that is found.

Each swap takes a weight from a place where the other network has another, to a place that is empty and where the other
network has it. Where none is possible, since weights of other signs are in the way, one of these goes to an empty place
first. With detours, swaps that keep the distance raise the objective in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.errors import InputError
from aann.evaluation.evaluator import EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import sum_of_margins
from aann.families.distances import hamming, matched, require_family
from aann.families.moves import Walker
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.settings.families import PathSettings
from aann.settings.study import Settings
from aann.tables import ROUTE

STRAIGHT, MATCHED, DETOURS = "straight", "matched", "detours"
"""Lines of the table: to the other network as it is, to it with its units matched, and the same with detours."""


@dataclass
class Route:
    """A way from one network to another of its family; ``splits`` holds images by split.

    Raises ``InputError`` for networks of different families, and for images that do not fit.
    """

    start: TernaryNetwork
    end: TernaryNetwork
    splits: Mapping[str, Images]
    settings: PathSettings
    seed: int
    evaluator: EvaluatorFactory = IncrementalEvaluator

    def __post_init__(self) -> None:
        require_family(self.start, self.end)
        for layer, apart in hamming(self.start, self.end).items():
            if apart and self.start.weights[layer].all():
                raise InputError(f"layer {layer!r}: has no zeros, so there is no swap; name networks with zeros")
        self._random = np.random.default_rng([self.seed, 7])
        images = self.splits["train"]
        if self.settings.images < len(images):
            images = images.take(np.sort(self._random.choice(len(images), self.settings.images, replace=False)))
        unit = self.start.architecture.input_scale
        objective = sum_of_margins(round(self.settings.margin * unit), round(self.settings.deficit * unit))
        evaluator = self.evaluator(self.start, images.images, images.labels, None, 1, self._random)
        self._walker = Walker(self.start, evaluator, objective, 0, self._random)
        self._counting = {
            split: self.evaluator(self.start, self.splits[split].images, self.splits[split].labels)
            for split in ("validation", "test")
        }

    def run(self, detours: int = 0) -> pandas.DataFrame:
        """Return a row for each step: what ``tables.ROUTE`` measures, but the line. ``detours`` follow each step."""
        rows = [self._counted(0)]
        while rows[-1]["distance"]:
            self._step()
            for _ in range(detours):
                self._detour()
            rows.append(self._counted(len(rows)))
        return pandas.DataFrame(rows)

    def _counted(self, step: int) -> dict[str, Any]:
        network = self._walker.network
        row: dict[str, Any] = {"step": step, "distance": sum(hamming(network, self.end).values())}
        for split, evaluator in self._counting.items():
            evaluator.move_to(network)
            row |= {f"{split}_correct": evaluator.correct_count(), f"{split}_images": evaluator.images}
        return row

    def _step(self) -> None:
        """Take the best swaps of all layers that shrink the distance, or make room for one."""
        layers = [layer for layer, apart in hamming(self._walker.network, self.end).items() if apart]
        weights = np.array([len(np.flatnonzero(self._wrong(layer))) for layer in layers])
        layer = str(self._random.choice(layers, p=weights / weights.sum()))
        moves = self.settings.layers[layer]
        for sign in self._random.permutation([-1, 1]).tolist():
            sources, places = self._sources(layer, sign), self._places(layer, sign)
            if len(sources) and len(places):
                self._walker.take_best(layer, sources, places, moves)
                return
        self._make_room(layer)

    def _detour(self) -> None:
        """Move weights that are wrong to other places that are wrong for them, if that raises the objective."""
        layer = str(self._random.choice(list(self.settings.layers)))
        sign = int(self._random.choice([-1, 1]))
        weights, wanted = self._walker.network.weights[layer].ravel(), self.end.weights[layer].ravel()
        sources, places = self._sources(layer, sign, wanted == 0), np.flatnonzero((weights == 0) & (wanted == 0))
        if len(sources) and len(places):
            self._walker.take_better(layer, sources, places, self.settings.layers[layer])

    def _wrong(self, layer: str) -> np.ndarray:
        different: np.ndarray = (self._walker.network.weights[layer] != self.end.weights[layer]).ravel()
        return different

    def _sources(self, layer: str, sign: int, among: np.ndarray | None = None) -> np.ndarray:
        here = self._wrong(layer) & (self._walker.network.weights[layer].ravel() == sign)
        return np.flatnonzero(here if among is None else here & among)

    def _places(self, layer: str, sign: int) -> np.ndarray:
        weights, wanted = self._walker.network.weights[layer].ravel(), self.end.weights[layer].ravel()
        return np.flatnonzero((weights == 0) & (wanted == sign))

    def _make_room(self, layer: str) -> None:
        """Move one of the weights that are in each other's way to a place that is empty in both networks."""
        weights, wanted = self._walker.network.weights[layer].ravel(), self.end.weights[layer].ravel()
        sign = 1 if len(self._sources(layer, 1)) else -1
        places = np.flatnonzero((weights == 0) & (wanted == 0))
        one = self.settings.layers[layer].model_copy(update={"most": 1})
        self._walker.take_best(layer, self._sources(layer, sign), places, one)


def make_path(settings: Settings, name: str, start: Path, end: Path, data: Path, output: Path) -> None:
    """Go from one network to another in three ways, and write what was counted on the way.

    Raises ``InputError`` for an unknown path, networks of different families, and data that do not fit.
    """
    chosen = settings.path_of(name)
    task = chosen.start.start.task
    part = settings.path_part(name)
    recorded = provenance.describe("aann.families.paths", [start, end, data], part, task=task)
    architecture = Architecture.from_dict(settings.network(task))
    first, last = (TernaryNetwork.load(path, architecture) for path in (start, end))
    require_family(first, last)
    nearest, splits = matched(first, last), load(data)
    tables = [
        Route(first, target, splits, chosen, chosen.seed).run(detours).assign(line=line)
        for line, target, detours in (
            (STRAIGHT, last, 0),
            (MATCHED, nearest, 0),
            (DETOURS, nearest, chosen.detours),
        )
    ]
    write_table(output, ROUTE.make(pandas.concat(tables), task=task, route=name), {"provenance": recorded})
