"""Pruning by magnitude, from dense to the largest sparsity (Algorithm 1, step 2), and weights as arrays and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import torch

from aann import training
from aann.settings.psiren import SparsifySettings
from aann.training import Progress, Weights

RealWeights = dict[str, np.ndarray]
"""One float32 array per layer, by layer name, in the shapes of ``Architecture.weight_shapes``."""


class Pruning:
    """Gradual magnitude pruning of weights in place, with copies of them at each sparsity asked for.

    On the way, the number of zeros in a layer is rounded down, so that pruned weights stay pruned. In a copy, these
    numbers are rounded so that their sum is exact. A copy depends on the largest sparsity, to which the schedule leads,
    but on no other.
    """

    def __init__(self, weights: Weights, sparsities: list[float], settings: SparsifySettings) -> None:
        self.weights = weights
        self.masks = {name: torch.ones_like(tensor) for name, tensor in weights.items()}
        self.remaining, self.largest = sparsities, sparsities[-1]
        self.settings = settings
        self.stops: dict[float, RealWeights] = {}

    @torch.no_grad()
    def advance(self, progress: Progress) -> None:
        """Prune to the sparsity that the schedule has reached, and copy the weights at each stop on the way."""
        if progress.step % self.settings.interval:
            return
        reached = min(1.0, (progress.step + self.settings.interval) / progress.steps)
        target = self.largest * (1 - (1 - reached) ** 3)
        while self.remaining and self.remaining[0] <= target:
            sparsity = self.remaining.pop(0)
            masks = self._masks(sparsity)
            self.stops[sparsity] = to_numpy({name: self.weights[name] * masks[name] for name in masks})
        self.masks = self._masks(target, exact=False)
        self.hold(progress)

    def _masks(self, sparsity: float, exact: bool = True) -> Weights:
        """Return masks of a sparsity; if not ``exact``, a layer may lack one zero, but never has fewer than before."""
        zeros = zero_counts(self.weights, sparsity, self.settings.distribution, exact, self.settings.densities)
        return {name: training.keep_largest(tensor, zeros[name]) for name, tensor in self.weights.items()}

    def hold(self, progress: Progress) -> None:
        """Keep pruned weights at 0, after an optimizer step as well."""
        multiply(self.weights, self.masks)


def zero_counts(
    weights: Mapping[str, torch.Tensor],
    sparsity: float,
    distribution: str = "uniform",
    exact: bool = True,
    densities: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """Return how many weights of each layer are 0 at a sparsity (percent): round(n p / 100) in all.

    ``uniform`` gives every layer the same share, rounded by largest remainder, or down if not ``exact``. ``global``
    prunes the smallest of all weights, in whichever layer they are. ``densities`` make layers of ``uniform`` denser or
    sparser than those that are not named, whose density is 1.
    """
    sizes = np.array([tensor.numel() for tensor in weights.values()])
    total = round(int(sizes.sum()) * sparsity / 100)
    if distribution == "global":
        magnitudes = torch.cat([tensor.detach().abs().flatten() for tensor in weights.values()])
        pruned = torch.argsort(magnitudes, stable=True)[:total].cpu().numpy()
        counts = np.histogram(pruned, bins=np.concatenate([[0], sizes.cumsum()]))[0]
    else:
        shares = _uneven(weights, total, densities) if densities else sizes * total / sizes.sum()
        counts = np.floor(shares).astype(int)
        if exact:
            order = np.argsort(counts - shares, kind="stable")
            counts[order[: total - counts.sum()]] += 1
    return {name: int(count) for name, count in zip(weights, counts, strict=True)}


def _uneven(weights: Mapping[str, torch.Tensor], zeros: int, densities: Mapping[str, float]) -> np.ndarray:
    """Return how many weights of each layer are 0, exact fractions whose sum is ``zeros``.

    The shares of non-zero weights are in the ratio of the densities, but none exceeds 1.
    """
    sizes = {name: tensor.numel() for name, tensor in weights.items()}
    wanted = {name: Fraction(densities.get(name, 1.0)) * size for name, size in sizes.items()}
    kept, left, remaining = {}, Fraction(sum(sizes.values()) - zeros), sum(wanted.values())
    for name in sorted(weights, key=lambda name: -wanted[name] / sizes[name]):  # only the densest can be full
        kept[name] = min(Fraction(sizes[name]), left * wanted[name] / remaining)
        left, remaining = left - kept[name], remaining - wanted[name]
    return np.array([sizes[name] - kept[name] for name in weights])


@torch.no_grad()
def multiply(weights: Weights, masks: Weights) -> None:
    """Set weights to 0 where their mask is 0, in place."""
    for name, tensor in weights.items():
        tensor.mul_(masks[name])


def to_numpy(weights: Weights) -> RealWeights:
    """Return weights as arrays of their own."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in weights.items()}


def to_tensors(weights: RealWeights, device: str) -> Weights:
    """Return arrays as tensors of their own on a device."""
    return {name: torch.from_numpy(array.copy()).to(device) for name, array in weights.items()}
