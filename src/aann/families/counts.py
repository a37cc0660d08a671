"""What is counted along a walk, and of a control that moves as many connections, as near as it can, at any cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas

from aann.datasets.splits import Images
from aann.evaluation.evaluator import EvaluatorFactory
from aann.families.moves import in_place, near
from aann.networks import TernaryNetwork
from aann.swaps import apply_swaps, disjoint, neighborhood_size, sample_swaps
from aann.tables import WALK

WALKED, BLIND = "walk", "blind"
"""Lines of the table: the walk and the control."""

_SPLITS = ("train", "validation", "test")

_SURVEYED = ("neighbors", "better", "equal")


@dataclass
class Counts:
    """The counts along a walk from a network: exact, on all images of each split.

    ``survey`` says how many first neighbors of each layer are drawn and counted on validation images. Connections of
    the control move by up to ``reach`` pixels while some can, as those of the walk. ``rows`` are whole numbers, as
    checkpoints keep them: one row for each line and count.
    """

    start: TernaryNetwork
    splits: Mapping[str, Images]
    survey: Mapping[str, int]
    reach: int
    seed: int
    threads: int
    evaluator: EvaluatorFactory
    rows: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def last_step(self) -> int:
        """The step that was counted last, -1 if none was."""
        return self.rows[-1][0] if self.rows else -1

    def add(self, step: int, evaluations: int, networks: int, network: TernaryNetwork) -> None:
        """Count a network of the walk, and one that came as far blindly."""
        there = list(in_place(self.start, network).values())
        surveyed = self._surveyed(network, step)
        none = [0] * len(surveyed)
        for line, (one, neighbors) in enumerate(((network, surveyed), (self.blind(network), none))):
            self.rows.append((step, evaluations, networks, line, *there, *self._correct(one), *neighbors))

    def _correct(self, network: TernaryNetwork) -> list[int]:
        """Return how many images of each split a network gets right."""
        last = network.layers[-1:]
        return [
            self.evaluator(network, images.images, images.labels, last, self.threads).correct_count()
            for images in (self.splits[split] for split in _SPLITS)
        ]

    def _surveyed(self, network: TernaryNetwork, step: int) -> list[int]:
        """Return by layer how many first neighbors were drawn, how many of them are better, and how many as good."""
        counts = {
            layer: min(self.survey.get(layer, 0), neighborhood_size(weights))
            for layer, weights in network.weights.items()
        }
        if not any(counts.values()):
            return [0] * (len(counts) * len(_SURVEYED))
        random, images = np.random.default_rng([self.seed, 8, step]), self.splits["validation"]
        evaluator = self.evaluator(network, images.images, images.labels, None, self.threads)
        before, found = evaluator.correct_count(), []
        for layer, count in counts.items():
            correct = np.empty(0, np.int64)
            if count:
                correct = evaluator.correct_counts(layer, *sample_swaps(network.weights[layer], count, random))
            found += [count, int((correct > before).sum()), int((correct == before).sum())]
        return found

    def blind(self, network: TernaryNetwork) -> TernaryNetwork:
        """Return the start with as many connections moved in each layer as in a network, whatever that costs.

        Controls of one walk share their moves: one that is further away has moved the same connections and more.
        """
        there, random = in_place(self.start, network), np.random.default_rng([self.seed, 6])
        weights = {}
        for layer, array in self.start.weights.items():
            connections, places = self._blind_moves(layer, random)
            moved = np.count_nonzero(array) - there[layer]
            weights[layer] = apply_swaps(array, connections[:moved], places[:moved]) if moved else array
        return TernaryNetwork(self.start.architecture, weights)

    def _blind_moves(self, layer: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return all connections of the start in a layer, as many as have a place, and an empty place for each."""
        array = self.start.weights[layer].ravel()
        connections, places = random.permutation(np.flatnonzero(array)), random.permutation(np.flatnonzero(array == 0))
        pairs = near(self.start.architecture.pixel_shapes[layer], connections, self.reach)
        pairs = pairs.take(random.permutation(np.flatnonzero(array[pairs.to_index] == 0)))
        pairs = pairs.take(disjoint(pairs))
        target = np.full(array.size, -1)
        target[pairs.from_index] = pairs.to_index
        without, left = connections[target[connections] < 0], places[~np.isin(places, pairs.to_index)]
        target[without[: len(left)]] = left[: len(without)]
        connections = connections[target[connections] >= 0]
        return connections, target[connections]

    def table(self) -> pandas.DataFrame:
        """Return what ``tables.WALK`` measures: rows by count, line and layer, the whole network before its layers."""
        rows = [row for one in self.rows for row in self._of_layers(one)]
        return pandas.DataFrame(rows)[list(WALK.measured)]

    def _of_layers(self, row: tuple[int, ...]) -> list[dict[str, object]]:
        depth, layers = len(self.start.layers), self.start.layers
        (step, evaluations, networks, line), there = row[:4], row[4 : 4 + depth]
        correct = row[4 + depth : 4 + depth + len(_SPLITS)]
        surveyed = np.reshape(row[4 + depth + len(_SPLITS) :], (depth, len(_SURVEYED))).tolist()
        common = {"step": step, "evaluations": evaluations, "networks": networks, "line": (WALKED, BLIND)[line]}
        for split, count in zip(_SPLITS, correct, strict=True):
            common |= {f"{split}_correct": count, f"{split}_images": len(self.splits[split])}
        whole = list(in_place(self.start, self.start).values())
        nothing = [0] * len(_SURVEYED)
        return [
            {
                **common,
                "layer": layer,
                "in_place": left,
                "connections": all_of,
                **dict(zip(_SURVEYED, neighbors, strict=True)),
            }
            for layer, left, all_of, neighbors in zip(
                ("", *layers), (sum(there), *there), (sum(whole), *whole), (nothing, *surveyed), strict=True
            )
        ]
