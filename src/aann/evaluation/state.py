"""The integers of a network's forward pass, kept for all images, and brought up to date when weights move."""

from __future__ import annotations

from typing import Any

import numpy as np

from aann.evaluation import kernels
from aann.evaluation.arrangement import Order, arrange, at_random, by_margin, by_similarity
from aann.evaluation.groups import Blocks, Desk, Values
from aann.evaluation.lanes import LANES, empty
from aann.evaluation.layout import Incoming, connected, incoming, largest_sum, layouts
from aann.evaluation.objectives import Objective
from aann.evaluation.plans import differences
from aann.evaluation.threads import Threads
from aann.networks import TernaryNetwork

_SLAB = 16
"""Blocks of images that a forward pass works on at a time."""


class State:
    """A ternary network and its integers for all images, in blocks of ``LANES`` images of one label.

    names: the layers; the integers of those from number ``first`` on are kept.
    weights, layouts: by layer.
    order: int64 (blocks, LANES), which image is where.
    blocks: all blocks, with their labels and who is present.
    margins: int32 (blocks, LANES).
    scale: what HardTanh limits values to.
    output_type: integers that hold an output, or twice the difference of two.
    zeros: rows of zeros, by type.
    """

    def __init__(
        self,
        network: TernaryNetwork,
        images: np.ndarray,
        labels: np.ndarray,
        first: int,
        threads: Threads,
        shuffled: np.random.Generator | None,
    ) -> None:
        self.names, self.first, self.threads = network.layers, first, threads
        self.scale = network.architecture.input_scale
        self.weights = {name: array.copy() for name, array in network.weights.items()}
        self.layouts = layouts(network)
        self.output_type = np.int16 if 4 * self.scale < 2**15 else np.int32
        most = max(layout.rows for layout in self.layouts.values())
        self.zeros = {np.dtype(kind): np.zeros((most, LANES), kind) for kind in (np.int16, np.int32)}
        self._build(images, labels, shuffled)

    def values(self, name: str) -> Values:
        """Return a layer whose integers are kept."""
        return Values(self.layouts[name], self._inputs[name], self._sums[name])

    def incoming(self, name: str) -> Incoming:
        """Return a layer's connections by unit."""
        return incoming(self.layouts[name], min(np.iinfo(self.output_type).max // self.scale, 2**15))

    @property
    def logits(self) -> np.ndarray:
        """The logits, int16 or int32 (blocks, classes, LANES)."""
        return self._sums[self.names[-1]]

    @property
    def narrow(self) -> np.ndarray:
        """An array of integers that hold what a unit, or a swap's change of it, contributes to a sum of a layer."""
        most = max(int(np.diff(layout.starts, axis=1).max()) + layout.added for layout in self.layouts.values())
        fits = most * 4 * self.scale < 2**15
        return np.empty((1, LANES), np.int16 if fits else np.int32)

    def sum_scores(self, chosen: np.ndarray, objective: Objective) -> int:
        """Return the objective over some blocks."""
        clipped = np.clip(self.margins[chosen], objective.low, objective.high)
        return int(clipped[self.blocks.present[chosen] < 0].sum(dtype=np.int64))

    # --- the forward pass ---------------------------------------------------------------------------------------------

    def _build(self, images: np.ndarray, labels: np.ndarray, shuffled: np.random.Generator | None) -> None:
        """Compute all that is kept, with the images of a label shuffled, or arranged to save work."""
        flat = images.reshape(len(images), -1)
        if shuffled is not None:
            self._arrange(labels, at_random(shuffled))
        elif self.first < len(self.names) - 1:
            self._arrange(labels, by_similarity(flat))
        else:
            self._arrange(labels, by_margin(np.zeros(len(images))))
            self._forward(flat, keep=False)
            margins = np.empty(len(images), np.int64)
            here = self.blocks.present < 0
            margins[self.order[here]] = self.margins[here]
            self._arrange(labels, by_margin(margins))
        self._forward(flat, keep=True)

    def _arrange(self, labels: np.ndarray, order: Order) -> None:
        self.order, present, of_blocks = arrange(labels, order)
        self.blocks = Blocks(np.arange(len(of_blocks)), of_blocks, present)

    def _forward(self, flat: np.ndarray, keep: bool) -> None:
        """Compute the network's integers and margins; keep what swaps need, or the margins alone."""
        count = len(self.order)
        kept_from = self.first if keep else len(self.names)
        self._inputs, self._sums = {}, {}
        for name in self.names[kept_from:]:
            layout = self.layouts[name]
            self._inputs[name] = empty((count, layout.inputs, LANES), self.output_type)
            self._sums[name] = empty((count, layout.rows, LANES), self._sum_type(name))
        self.margins = np.empty((count, LANES), np.int32)
        slabs = [slice(at, min(at + _SLAB, count)) for at in range(0, count, _SLAB)]
        self.threads.map(lambda slab: self._forward_slab(flat, slab), slabs)

    def _forward_slab(self, flat: np.ndarray, slab: slice) -> None:
        """Compute the integers of some blocks, layer by layer."""
        inputs = np.ascontiguousarray(flat[self.order[slab]].transpose(0, 2, 1)).astype(self.output_type)
        count = len(inputs)
        for name, layout in self.layouts.items():
            layer = Values(layout, inputs, empty((count, layout.rows, LANES), self._sum_type(name)))
            kernels.forward_sums(layer, self.incoming(name), 0, count)
            if name in self._sums:
                self._inputs[name][slab], self._sums[name][slab] = layer.inputs, layer.sums
            zeros = self.zeros[layer.sums.dtype]
            if name != self.names[-1]:
                inputs = empty((count, layout.units * layout.pooled, LANES), self.output_type)
                kernels.forward_outputs(layer, zeros, self.scale, inputs, 0, count)
        kernels.forward_margins(layer.sums, zeros, self.blocks.labels[slab], self.margins[slab], 0, count)

    def _sum_type(self, name: str, at_least: Any = np.int16) -> np.dtype[Any]:
        """Return the integers that hold whatever a unit of a layer can reach, now or after one more swap."""
        fits = largest_sum(self.weights[name], self.scale, self.layouts[name].added) < 2**15 - 1
        return np.promote_types(np.int16 if fits else np.int32, at_least)

    # --- weights that move --------------------------------------------------------------------------------------------

    def change(self, name: str, weights: np.ndarray) -> None:
        """Give a layer other weights, and bring all sums up to date; call ``compute_margins`` after the last change."""
        place = self.names.index(name)
        halves = differences(self.weights[name], weights)
        self.weights[name] = weights
        self._sums[name] = self._sums[name].astype(self._sum_type(name, self._sums[name].dtype), copy=False)
        self.threads.over(len(self.order), kernels.change_sums, self.values(name), halves)
        self.layouts[name] = connected(self.layouts[name], weights)
        units = np.unique(halves[:, kernels.UNIT])
        for before, following in zip(self.names[place:-1], self.names[place + 1 :], strict=True):
            self._carry_on(before, following, units)
            units = np.arange(self.layouts[following].units, dtype=units.dtype)

    def _carry_on(self, name: str, following: str, units: np.ndarray) -> None:
        """Bring what follows from some units of a layer up to date, as far as the sums of the next."""
        layer, after = self.values(name), self.values(following)

        def work(first: int, last: int) -> None:
            rows = empty((layer.layout.pooled, LANES), self.output_type)
            desk = Desk(rows, np.empty(len(rows), np.bool_), self.zeros[layer.sums.dtype], self.narrow)
            kernels.carry_on(layer, after, units, desk, self.scale, first, last)

        self.threads.over(len(self.order), work)

    def compute_margins(self) -> None:
        """Bring the margins up to date."""
        zeros = self.zeros[self.logits.dtype]
        kernel, labels = kernels.forward_margins, self.blocks.labels
        self.threads.over(len(self.order), kernel, self.logits, zeros, labels, self.margins)
