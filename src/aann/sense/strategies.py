"""Which neighbors of a neighborhood a search goes on to; ``best`` is the paper's Algorithm 2, the others go beyond.

None uses gradients: all look only at how much swaps change the objective, and stay in the family.

A strategy is a dataclass: its fields are the settings that it uses, and ``steps`` yields the swaps that it accepts. To
add one, write such a class, enter it in ``STRATEGIES``, and name it and its settings in ``settings.sense``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aann.evaluation.evaluator import Evaluator
from aann.evaluation.objectives import Objective
from aann.sense.neighborhoods import Neighborhood
from aann.settings.sense import StrategySettings, TemperatureSettings
from aann.swaps import disjoint


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

    ``unit`` is what one correct image, or a margin of one activation, adds to the objective. ``spent`` is the share of
    the budget that is spent. ``checked`` counts the neighbors that were evaluated beyond the survey.
    """

    evaluator: Evaluator
    objective: Objective
    random: np.random.Generator
    unit: int = 1
    spent: float = 0.0
    checked: int = 0

    def climb(self, strategy: Strategy, neighborhood: Neighborhood) -> list[Step]:
        """Accept neighbors as a strategy does, and return them in order."""
        return list(strategy.steps(self, neighborhood)) if len(neighborhood) else []

    def counted(self, neighborhood: Neighborhood) -> Neighborhood:
        """Return neighbors with their changes on all images, from the network as it is now."""
        self.checked += len(neighborhood)
        layer, swaps = neighborhood.layer, neighborhood.swaps
        return Neighborhood(layer, swaps, self.evaluator.changes(layer, *swaps, self.objective), exact=True)

    def surely(self, neighborhood: Neighborhood) -> Neighborhood:
        """Return neighbors with their changes on all images; those known exactly are unchanged."""
        return neighborhood if neighborhood.exact else self.counted(neighborhood)

    def accept_first(self, known: Neighborhood, thresholds: np.ndarray) -> Iterator[Step]:
        """Go on to the first neighbor whose change is not below its threshold, if there is one."""
        above = np.flatnonzero(known.changes >= thresholds)
        if len(above):
            from_index, to_index = (int(indices[above[0]]) for indices in known.swaps)
            self.evaluator.accept(known.layer, from_index, to_index)
            yield Step(known.layer, from_index, to_index, int(known.changes[above[0]]))


class Strategy(Protocol):
    """How a search chooses from a neighborhood."""

    def steps(self, climber: Climber, neighborhood: Neighborhood) -> Iterator[Step]:
        """Accept neighbors of a neighborhood that has at least one, and yield them in order."""
        ...


@dataclass(frozen=True)
class Best:
    """Algorithm 2: go on to the best neighbor if it is not worse than the best network so far."""

    def steps(self, climber: Climber, neighborhood: Neighborhood) -> Iterator[Step]:
        """Accept the best neighbor, or none."""
        known = climber.surely(neighborhood)
        yield from climber.accept_first(known.take(np.array([known.changes.argmax()])), np.zeros(1))


@dataclass(frozen=True)
class First:
    """Neutral drift: go on to the first neighbor, in random order, that is not worse."""

    def steps(self, climber: Climber, neighborhood: Neighborhood) -> Iterator[Step]:
        """Accept the first neighbor that is not worse, or none."""
        yield from climber.accept_first(climber.surely(neighborhood), np.zeros(len(neighborhood)))


@dataclass(frozen=True)
class Annealing:
    """Simulated annealing (Metropolis): go on to the first that is not worse by more than a random threshold."""

    temperature: TemperatureSettings

    def steps(self, climber: Climber, neighborhood: Neighborhood) -> Iterator[Step]:
        """Accept the first neighbor above its threshold, or none."""
        degrees = self._degrees(climber.unit, climber.spent)
        thresholds = degrees * np.log(1 - climber.random.random(len(neighborhood)))
        yield from climber.accept_first(climber.surely(neighborhood), thresholds)

    def _degrees(self, unit: int, spent: float) -> float:
        """Return the temperature, in units of the objective; it falls geometrically with the budget that is spent."""
        return float(unit * self.temperature.first ** (1 - spent) * self.temperature.last**spent)


@dataclass(frozen=True)
class Greedy:
    """Go on to many neighbors, the best first, each if it is not worse than the network by then.

    It tries at most ``most`` neighbors of one neighborhood.
    """

    most: int

    def steps(self, climber: Climber, neighborhood: Neighborhood) -> Iterator[Step]:
        """Accept neighbors that share no weight and no place."""
        order = np.argsort(-neighborhood.changes, kind="stable")
        order = order[neighborhood.changes[order] >= 0]
        fresh = neighborhood.exact
        for index in disjoint(neighborhood.take(order).swaps, self.most).tolist():
            candidate = neighborhood.take(order[index : index + 1])
            found = list(climber.accept_first(candidate if fresh else climber.counted(candidate), np.zeros(1)))
            fresh = fresh and not found
            yield from found


STRATEGIES: dict[str, Callable[..., Strategy]] = {
    "best": Best,
    "first": First,
    "annealing": Annealing,
    "greedy": Greedy,
}
"""The strategies, by their names in the settings."""


def chosen(settings: StrategySettings) -> Strategy:
    """Return the strategy that settings name, with its own settings."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields if name != "kind"}
    return STRATEGIES[settings.kind](**values)
