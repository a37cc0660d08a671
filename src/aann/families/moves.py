"""Moves of a walk: connections that leave the places of the start, and other swaps that make up for what that costs.

Every swap puts a connection where the start has none, and keeps its sign. So a place that was left is never taken
again, and the network stays in its family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aann.errors import InputError
from aann.evaluation.evaluator import Evaluator
from aann.evaluation.objectives import NO_RIVAL, Objective
from aann.networks import TernaryNetwork
from aann.settings.families import MovesSettings
from aann.swaps import Swaps, apply_swaps


def in_place(start: TernaryNetwork, network: TernaryNetwork) -> dict[str, int]:
    """Return by layer how many connections of ``start`` are still where they were."""
    return {layer: len(_staying(start, network, layer)) for layer in start.layers}


def require_walkable(start: TernaryNetwork, layers: list[str]) -> None:
    """Raise ``InputError`` for a layer without connections, or with too few empty places for all of them."""
    for layer in layers:
        connections, size = int(np.count_nonzero(start.weights[layer])), start.weights[layer].size
        if connections == 0:
            raise InputError(f"layer {layer!r}: has no connections to move; name other layers of the walk")
        if size - connections < connections:
            raise InputError(
                f"layer {layer!r}: has {connections} connections but only {size - connections} zeros to move them to; "
                "start from a network of at least 50 % zeros, or name other layers of the walk"
            )


def _staying(start: TernaryNetwork, network: TernaryNetwork, layer: str) -> np.ndarray:
    return np.flatnonzero((start.weights[layer] != 0) & (network.weights[layer] != 0))


@dataclass
class Walker:
    """A network on its way from ``start``, by the objective of an evaluator.

    ``floor`` is the objective of the start, less a tolerance. ``evaluations`` counts the neighbors that were looked at.
    """

    start: TernaryNetwork
    evaluator: Evaluator
    objective: Objective
    floor: int
    random: np.random.Generator
    evaluations: int = 0

    @property
    def network(self) -> TernaryNetwork:
        """Where it is."""
        return self.evaluator.network

    @property
    def reserve(self) -> int:
        """By how much its objective is above the floor."""
        return self.evaluator.value(self.objective) - self.floor

    def move(self, layer: str, moves: MovesSettings, loan: int) -> int:
        """Move connections of the start away, the cheapest first, and return how many.

        Afterwards the reserve is not below minus the ``loan``.
        """
        pool = _staying(self.start, self.network, layer)
        swaps, changes = self._best(layer, pool, self._vacant(layer), moves)
        affordable = np.flatnonzero(np.cumsum(changes) >= -(self.reserve + loan))
        count = int(affordable[-1]) + 1 if len(affordable) else 0
        return self._take(layer, swaps.take(slice(count)), self.floor - loan)

    def repair(self, layer: str, moves: MovesSettings) -> int:
        """Take swaps of any connections that raise the objective, the best first, and return by how much it rose."""
        places = self._vacant(layer)
        pool = np.flatnonzero(self.network.weights[layer])
        return self.take_better(layer, pool, places, moves) if len(places) else 0

    def take_better(self, layer: str, pool: np.ndarray, places: np.ndarray, moves: MovesSettings) -> int:
        """Take swaps from some connections to some places that raise the objective; return by how much it rose."""
        before = self.evaluator.value(self.objective)
        swaps, changes = self._best(layer, pool, places, moves)
        self._take(layer, swaps.take(changes > 0), before + 1)
        return self.evaluator.value(self.objective) - before

    def take_best(self, layer: str, pool: np.ndarray, places: np.ndarray, moves: MovesSettings) -> None:
        """Take the best swaps from some connections to some places, whatever they cost."""
        swaps, _ = self._best(layer, pool, places, moves)
        self._take(layer, swaps, -NO_RIVAL * self.evaluator.images)

    def _best(self, layer: str, pool: np.ndarray, places: np.ndarray, moves: MovesSettings) -> tuple[Swaps, np.ndarray]:
        """Return swaps from some of a pool to some places that share no index, best first, and their exact changes."""
        weights = self.network.weights[layer].ravel()
        alike = pool[weights[pool] == weights[self.random.choice(pool)]]
        connections = self._choice(alike, moves.connections)
        places = self._choice(places, moves.connections * moves.places // len(connections))
        grid = Swaps(np.repeat(connections, len(places)), np.tile(places, len(connections)))
        blocks = self.evaluator.sample(moves.sample, self.random) if moves.sample < 1 else None
        estimates = self.evaluator.changes(layer, *grid, self.objective, blocks)
        swaps = grid.take(disjoint(estimates.reshape(len(connections), len(places)), moves.most))
        changes = self.evaluator.changes(layer, *swaps, self.objective)
        self.evaluations += len(grid.from_index) + len(changes)
        order = np.argsort(-changes, kind="stable")
        return swaps.take(order), changes[order]

    def _vacant(self, layer: str) -> np.ndarray:
        """Return the places without a connection, here and in the start."""
        return np.flatnonzero((self.network.weights[layer] == 0) & (self.start.weights[layer] == 0))

    def _choice(self, indices: np.ndarray, most: int) -> np.ndarray:
        return self.random.choice(indices, min(most, len(indices)), replace=False)

    def _take(self, layer: str, swaps: Swaps, least: int) -> int:
        """Go to the neighbor by all of some swaps, or by the first half, and so on, whose objective is not too low.

        Returns how many swaps were taken.
        """
        before, count = self.network, len(swaps.from_index)
        while count:
            weights = apply_swaps(before.weights[layer], *swaps.take(slice(count)))
            self.evaluator.move_to(TernaryNetwork(before.architecture, {**before.weights, layer: weights}))
            if self.evaluator.value(self.objective) >= least:
                return count
            count //= 2
        self.evaluator.move_to(before)
        return 0


def disjoint(values: np.ndarray, most: int) -> np.ndarray:
    """Return the flat indices of the largest values of a matrix, one a row and one a column, at most ``most``."""
    left = values.astype(float)
    found = np.empty(min(most, *values.shape), np.int64)
    for number in range(len(found)):
        found[number] = left.argmax()
        row, column = divmod(int(found[number]), values.shape[1])
        left[row], left[:, column] = -np.inf, -np.inf
    return found
