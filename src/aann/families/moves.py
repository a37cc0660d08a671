"""Moves of a walk: connections that leave the places of the start, and other swaps that make up for what that costs.

Every swap puts a connection where the start has none, and keeps its sign. So a place that was left is never taken
again, and the network stays in its family.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from aann.errors import InputError
from aann.evaluation.evaluator import Evaluator
from aann.evaluation.objectives import NO_RIVAL, Objective
from aann.networks import TernaryNetwork
from aann.settings.families import MovesSettings
from aann.swaps import Swaps, apply_swaps, disjoint


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

    def move(self, layer: str, moves: MovesSettings, loan: int, reach: int) -> int:
        """Move connections of the start away, the cheapest first, and return how many.

        They move by up to ``reach`` pixels, or anywhere if none can; 0 is anywhere at once. Afterwards the reserve is
        not below minus the ``loan``.
        """
        near = self._near(layer, moves, reach)
        count = self._pay(layer, *self._exact(layer, near), loan) if len(near.from_index) else 0
        places = self._vacant(layer)
        if count or not len(places):
            return count
        return self._pay(layer, *self._best(layer, _staying(self.start, self.network, layer), places, moves), loan)

    def _pay(self, layer: str, swaps: Swaps, changes: np.ndarray, loan: int) -> int:
        """Take those swaps that the reserve and a loan pay for; they are the cheapest first."""
        affordable = np.flatnonzero(np.cumsum(changes) >= -(self.reserve + loan))
        count = int(affordable[-1]) + 1 if len(affordable) else 0
        return self._take(layer, swaps.take(slice(count)), self.floor - loan)

    def repair(self, layer: str, moves: MovesSettings) -> int:
        """Take swaps that raise the objective, the best first, and return by how much it rose.

        They move connections of the start, or any connections where fewer of those are left than are looked at, and
        where those raise nothing.
        """
        places = self._vacant(layer)
        staying = _staying(self.start, self.network, layer)
        of_start = [staying] if len(staying) >= moves.connections else []
        for pool in (*of_start, np.flatnonzero(self.network.weights[layer])):
            gained = self.take_better(layer, pool, places, moves) if len(places) else 0
            if gained:
                return gained
        return 0

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
        """Return swaps from some of a pool to some places that share no index, best first, and their exact changes.

        What a connection costs where it was and what it brings where it goes nearly add up. So one place shows which
        connections are best to move, and one connection shows which places are best to move to.
        """
        weights = self.network.weights[layer].ravel()
        alike = pool[weights[pool] == weights[self.random.choice(pool)]]
        connections, places = self._choice(alike, moves.connections), self._choice(places, moves.places)
        one_place, one_connection = np.full_like(connections, places[0]), np.full_like(places, connections[0])
        cross = Swaps(np.concatenate([connections, one_connection]), np.concatenate([one_place, places]))
        estimates = self._estimates(layer, cross, moves.sample)
        connections = connections[_falling(estimates[: len(connections)])]
        places = places[_falling(estimates[-len(places) :])]
        count = min(moves.most, len(connections), len(places))
        return self._exact(layer, Swaps(connections[:count], places[:count]))

    def _near(self, layer: str, moves: MovesSettings, reach: int) -> Swaps:
        """Return swaps that move some connections of the start by up to ``reach`` pixels, the best of those looked at.

        They share no index.
        """
        connections = self._choice(_staying(self.start, self.network, layer), moves.connections)
        pairs = near(self.start.architecture.pixel_shapes[layer], connections, reach)
        pairs = pairs.take(np.isin(pairs.to_index, self._vacant(layer)))
        if not len(pairs.from_index):
            return pairs
        ordered = pairs.take(_falling(self._estimates(layer, pairs, moves.sample)))
        return ordered.take(disjoint(ordered, moves.most))

    def _estimates(self, layer: str, swaps: Swaps, sample: float) -> np.ndarray:
        """Return by how much swaps would change the objective, on a share of the images."""
        self.evaluations += len(swaps.from_index)
        blocks = self.evaluator.sample(sample, self.random) if sample < 1 else None
        return self.evaluator.changes(layer, *swaps, self.objective, blocks)

    def _exact(self, layer: str, swaps: Swaps) -> tuple[Swaps, np.ndarray]:
        """Return the swaps, best first, and by how much each would change the objective."""
        changes = self._estimates(layer, swaps, 1)
        order = _falling(changes)
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


def near(shape: tuple[int, ...], connections: np.ndarray, reach: int) -> Swaps:
    """Return all swaps of connections to places up to ``reach`` pixels away, with the same unit and channel.

    ``shape`` is that of the layer's weights with pixels in the last two dimensions.
    """
    *channel, row, column = np.unravel_index(connections, shape)
    offsets = range(-reach, reach + 1)
    found = [Swaps(connections[:0], connections[:0])]
    for down, right in itertools.product(offsets, offsets):
        y, x = row + down, column + right
        inside = (y >= 0) & (y < shape[-2]) & (x >= 0) & (x < shape[-1]) & ((down, right) != (0, 0))
        to = np.ravel_multi_index([axis[inside] for axis in (*channel, y, x)], shape)
        found.append(Swaps(connections[inside], to))
    return Swaps(*(np.concatenate(ends) for ends in zip(*found, strict=True)))


def _falling(values: np.ndarray) -> np.ndarray:
    """Return the indices of values, from the largest to the smallest."""
    return np.argsort(-values, kind="stable")
