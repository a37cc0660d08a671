"""Which neighbors of a neighborhood a search goes on to; the first is the paper's Algorithm 2, the others go beyond.

All are free of gradients: they look at nothing but what swaps change of the objective, and stay in the family.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from aann.evaluation.incremental import Evaluator
from aann.evaluation.objectives import Objective
from aann.sense.neighborhoods import Neighborhood


@dataclass(frozen=True)
class Step:
    """A swap that was accepted, and by how much it changed the objective."""

    layer: str
    from_index: int
    to_index: int
    change: int


@dataclass
class Climber:
    """Goes from neighbor to neighbor: accepted swaps update the evaluator in place.

    ``most`` limits the swaps that one neighborhood may give (strategy `greedy`). ``checked`` counts the neighbors that
    were evaluated beyond the survey.
    """

    evaluator: Evaluator
    objective: Objective
    random: np.random.Generator
    most: int
    checked: int = 0

    def climb(self, strategy: str, neighborhood: Neighborhood, temperature: float) -> list[Step]:
        """Accept neighbors as a strategy does, and return them in order."""
        if not len(neighborhood):
            return []
        steps = {"best": self._best, "first": self._first, "annealing": self._annealing, "greedy": self._greedy}
        return list(steps[strategy](neighborhood, temperature))

    def _best(self, neighborhood: Neighborhood, _: float) -> Iterator[Step]:
        """Algorithm 2: go on to the best neighbor if it is not worse than the best network so far."""
        known = neighborhood if neighborhood.exact else self._counted(neighborhood)
        yield from self._accept_if(known, int(known.changes.argmax()), 0.0)

    def _first(self, neighborhood: Neighborhood, _: float) -> Iterator[Step]:
        """Neutral drift: go on to the first neighbor, in random order, that is not worse."""
        yield from self._first_above(neighborhood, np.zeros(len(neighborhood)))

    def _annealing(self, neighborhood: Neighborhood, temperature: float) -> Iterator[Step]:
        """Simulated annealing (Metropolis): the first that is not worse by more than a random threshold."""
        yield from self._first_above(neighborhood, temperature * np.log(1 - self.random.random(len(neighborhood))))

    def _greedy(self, neighborhood: Neighborhood, _: float) -> Iterator[Step]:
        """Go on to many neighbors, from the best on, each if it is not worse than the network that it has become."""
        order = np.argsort(-neighborhood.changes, kind="stable")
        order = order[neighborhood.changes[order] >= 0]
        fresh = neighborhood.exact
        for index in _disjoint(neighborhood.take(order), self.most):
            candidate = neighborhood.take(order[index : index + 1])
            found = list(self._accept_if(candidate if fresh else self._counted(candidate), 0, 0.0))
            fresh = fresh and not found
            yield from found

    def _first_above(self, neighborhood: Neighborhood, thresholds: np.ndarray) -> Iterator[Step]:
        known = neighborhood if neighborhood.exact else self._counted(neighborhood)
        above = np.flatnonzero(known.changes >= thresholds)
        if len(above):
            yield from self._accept_if(known, int(above[0]), float(thresholds[above[0]]))

    def _counted(self, neighborhood: Neighborhood) -> Neighborhood:
        """Return neighbors with their changes on all images, from the network as it is now."""
        self.checked += len(neighborhood)
        layer, swaps = neighborhood.layer, neighborhood.swaps
        return Neighborhood(layer, swaps, self.evaluator.changes(layer, *swaps, self.objective), exact=True)

    def _accept_if(self, known: Neighborhood, index: int, threshold: float) -> Iterator[Step]:
        change = int(known.changes[index])
        if change >= threshold:
            from_index, to_index = (int(indices[index]) for indices in known.swaps)
            step = Step(known.layer, from_index, to_index, change)
            self.evaluator.accept(step.layer, step.from_index, step.to_index)
            yield step


def _disjoint(neighborhood: Neighborhood, most: int) -> list[int]:
    """Return the first neighbors that share no weight and no place with one before them, ``most`` at most."""
    touched: set[int] = set()
    chosen: list[int] = []
    swaps = zip(*(indices.tolist() for indices in neighborhood.swaps), strict=True)
    for index, ends in enumerate(swaps):
        if len(chosen) == most:
            break
        if touched.isdisjoint(ends):
            touched.update(ends)
            chosen.append(index)
    return chosen
