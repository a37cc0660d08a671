"""Which neighbors of a network are surveyed, and which of them are worth a closer look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from aann.evaluation.evaluator import Evaluator
from aann.evaluation.objectives import Objective
from aann.settings.sense import RacingSettings
from aann.swaps import Swaps, neighborhood_size, sample_swaps

_PARTS = 4
"""Parts of the images of a race; how much they differ says how sure its outcome is."""


@dataclass(frozen=True)
class Neighborhood:
    """Neighbors in a layer: their swaps, and by how much each changes the objective (int64).

    ``exact`` says whether that was counted on all images of the search, or is an estimate from a sample.
    """

    layer: str
    swaps: Swaps
    changes: np.ndarray
    exact: bool

    def __len__(self) -> int:
        return len(self.changes)

    def take(self, chosen: np.ndarray) -> Neighborhood:
        """Return some of the neighbors, in the order of ``chosen``."""
        return Neighborhood(self.layer, self.swaps.take(chosen), self.changes[chosen], self.exact)


def draw(weights: np.ndarray, count: int, sampling: str, random: np.random.Generator) -> Swaps:
    """Return about ``count`` different swaps of a layer in random order.

    ``uniform``: any swaps, or all if there are fewer. ``grid``: all swaps between some weights of equal sign and as
    many zeros, if there are as many. They share their halves, so evaluating all costs little more than evaluating the
    halves.

    The layer has neighbors (``swaps.require_neighbors``).
    """
    if sampling == "uniform":
        count = min(count, neighborhood_size(weights))
        swaps = sample_swaps(weights, count, random)
        return swaps.take(random.permutation(count))
    flat, side = weights.ravel(), max(1, math.isqrt(count))
    nonzeros, zeros = np.flatnonzero(flat), np.flatnonzero(flat == 0)
    alike = nonzeros[flat[nonzeros] == flat[random.choice(nonzeros)]]
    alike = random.choice(alike, min(side, len(alike)), replace=False)
    zeros = random.choice(zeros, min(side, len(zeros)), replace=False)
    return Swaps(np.repeat(alike, len(zeros)), np.tile(zeros, len(alike)))


def survey(
    evaluator: Evaluator,
    layer: str,
    swaps: Swaps,
    objective: Objective,
    racing: RacingSettings,
    random: np.random.Generator,
) -> Neighborhood:
    """Return swaps with the changes they make; those that lose a race on a sample of the images are left out.

    A swap is left out if a t-test over parts of the sample finds, with the error probability of the settings, that it
    makes the objective worse.
    """
    parts = _halved(evaluator.sample(racing.share, random), random) if racing.share < 1 else []
    if len(parts) < 2:  # a t-test needs two
        return Neighborhood(layer, swaps, evaluator.changes(layer, *swaps, objective), exact=True)
    changes = np.stack([evaluator.changes(layer, *swaps, objective, part) for part in parts])
    error = changes.std(axis=0, ddof=1) / math.sqrt(len(parts))
    worse = changes.mean(axis=0) + special.stdtrit(len(parts) - 1, 1 - racing.error) * error < 0
    estimates = np.rint(changes.sum(axis=0) / racing.share).astype(np.int64)
    return Neighborhood(layer, swaps, estimates, exact=False).take(np.flatnonzero(~worse))


def _halved(blocks: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """Return parts of about equal size, among which blocks are divided at random."""
    return [np.sort(part) for part in np.array_split(random.permutation(blocks), min(_PARTS, len(blocks)))]
