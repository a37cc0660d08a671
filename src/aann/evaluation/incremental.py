"""The incremental evaluator: the exact count of a neighbor's correct images, at the cost of what its swap changes.

It keeps the integers that a forward pass computes, and for a swap computes again only what depends on it. Its results
equal those of the reference evaluator, integer for integer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from aann.errors import InputError
from aann.evaluation import kernels
from aann.evaluation.arrangement import Order, arrange, at_random, by_margin, by_similarity
from aann.evaluation.evaluator import sample_by_label
from aann.evaluation.inputs import check_architecture, check_images, check_labels
from aann.evaluation.kernels import Plan, Room
from aann.evaluation.lanes import LANES
from aann.evaluation.layout import connections, largest_sum, layouts, outgoing
from aann.evaluation.objectives import ACCURACY, Objective
from aann.networks import TernaryNetwork, require_layer
from aann.swaps import Swaps, apply_swap, check_swaps

_BATCH = 2**21
"""Swaps whose tables are in memory at a time."""

_SLAB = 16
"""Blocks of images that a forward pass works on at a time."""

_HALVES_BYTES = 32 * 2**20
"""What the halves of a swap before the last layer may take: each is worth computing only once."""

_TOGETHER_BYTES = 5 * 2**19
"""What the sums of pairs may take that are worked on together: with their halves they should stay in a core's cache."""

_MANY = 2**17
"""Swaps of the last layer that a thread works on at a time; with fewer, threads share images instead."""

_TILE = (8, 16)
"""Left and right halves whose pairs are worked on one after the other."""


class IncrementalEvaluator:
    """An ``Evaluator`` that computes only what a swap changes.

    ``images`` are integers of shape (images, channels, height, width), ``labels`` integers of shape (images,). The
    network's intermediate values are kept from the first of ``layers`` on (all by default); only swaps there can be
    evaluated. ``threads`` changes speed, never results, and neither does the order of images: with ``shuffled`` it is
    random, so that a ``sample`` of blocks stands for all images; else it saves work.

    >>> import aann, numpy as np
    >>> network = aann.random_network("static", sparsity=90, seed=0)
    >>> random = np.random.default_rng(0)
    >>> images, labels = random.integers(0, 256, (200, 1, 28, 28)), random.integers(0, 10, 200)
    >>> evaluator = aann.Evaluator(network, images, labels)
    >>> evaluator.correct_count()
    17
    >>> evaluator.correct_counts("fc", from_index=np.array([6457, 3872]), to_index=np.array([847, 715]))
    array([20, 13])
    >>> evaluator.accept("fc", from_index=6457, to_index=847)
    >>> evaluator.correct_count()
    20

    Raises ``InputError`` for images or labels that do not fit the network, unknown layers, and no threads.
    """

    def __init__(
        self,
        network: TernaryNetwork,
        images: np.ndarray,
        labels: np.ndarray,
        layers: Sequence[str] | None = None,
        threads: int = 1,
        shuffled: np.random.Generator | None = None,
    ) -> None:
        check_images(network.architecture, images)
        check_labels(network.architecture, images, labels)
        if threads < 1:
            raise InputError(f"threads {threads}: expected at least 1")
        for name in layers or ():
            require_layer(name, network.layers)
        self.architecture = network.architecture
        self.images = len(images)
        self._limit = network.architecture.input_scale
        self._weights = {name: array.copy() for name, array in network.weights.items()}
        self._layouts = layouts(network)
        self._names = network.layers
        self._first = min(network.layers.index(name) for name in layers or network.layers)
        self._pool = ThreadPoolExecutor(threads)
        self._threads = threads
        most = max(layout.rows for layout in self._layouts.values())
        self._zeros = {np.dtype(kind): np.zeros((most, LANES), kind) for kind in (np.int16, np.int32)}
        self._output_type = np.int16 if 4 * self._limit < 2**15 else np.int32
        self._build(images, labels, shuffled)

    # --- the network as it is -----------------------------------------------------------------------------------------

    @property
    def network(self) -> TernaryNetwork:
        """The network with all accepted swaps."""
        return TernaryNetwork(self.architecture, self._weights)

    def logits(self) -> np.ndarray:
        """Return the int32 logits, shape (images, classes), in the order the images were given in."""
        logits = np.empty((self.images, self.architecture.classes), np.int32)
        here = self._present < 0
        logits[self._order[here]] = self._sums[self._names[-1]].transpose(0, 2, 1)[here]
        return logits

    def correct_count(self) -> int:
        """Return how many images the network puts into their labelled class."""
        return self.images + self.value(ACCURACY)

    def value(self, objective: Objective) -> int:
        """Return the objective of the network as it is."""
        return self._sum_scores(self._blocks, objective)

    def sample(self, share: float, random: np.random.Generator) -> np.ndarray:
        """Return blocks of images for ``changes``: of each label about this share, at least one, drawn at random."""
        return sample_by_label(self._labels, share, random)

    # --- its neighbors ------------------------------------------------------------------------------------------------

    def correct_counts(self, layer: str, from_index: np.ndarray, to_index: np.ndarray) -> np.ndarray:
        """Return how many images each neighbor puts into their labelled class, int64, one a swap.

        ``from_index`` and ``to_index`` are flat indices, in C order, into the layer's weights.

        Raises ``InputError`` for a layer that is not there or not kept, no swaps at all, an index out of range, a swap
        from a zero weight or to a non-zero one.
        """
        counts = self._scores(layer, from_index, to_index, ACCURACY, self._blocks)
        counts += self.images
        return counts

    def changes(
        self,
        layer: str,
        from_index: np.ndarray,
        to_index: np.ndarray,
        objective: Objective,
        blocks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return by how much each swap would change the objective, int64; arguments as in ``correct_counts``.

        With ``blocks``, from ``sample``, it is the change over their images alone.
        """
        chosen = self._blocks if blocks is None else blocks
        return self._scores(layer, from_index, to_index, objective, chosen) - self._sum_scores(chosen, objective)

    def _scores(
        self, layer: str, from_index: np.ndarray, to_index: np.ndarray, objective: Objective, blocks: np.ndarray
    ) -> np.ndarray:
        place = self._kept_position(layer)
        swaps = check_swaps(self._weights[layer], from_index, to_index)
        score = (self._last_layer_scores, self._next_to_last_scores, self._earlier_scores)[
            min(len(self._names) - 1 - place, 2)
        ]
        batches = [slice(first, first + _BATCH) for first in range(0, len(swaps.from_index), _BATCH)]
        return np.concatenate([score(place, swaps.take(batch), objective, blocks) for batch in batches])

    def _last_layer_scores(self, place: int, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
        reach = 2 * self._limit
        margins = self._margins[chosen]
        safe = (margins >= objective.high + reach) | (margins <= objective.low - reach)
        out_of_reach = (safe | (self._present[chosen] == 0)).all(axis=1)
        reachable = chosen[~out_of_reach]

        def score(part: slice, blocks: np.ndarray) -> np.ndarray:
            return self._scores_in_reach(place, swaps.take(part), blocks, objective)

        count = len(swaps.from_index)
        if count < _MANY * self._threads:
            parts = np.array_split(reachable, self._threads)
            scores: np.ndarray = np.sum(list(self._pool.map(lambda blocks: score(slice(None), blocks), parts)), axis=0)
        else:
            shares = [slice(first, first + _MANY) for first in range(0, count, _MANY)]
            scores = np.concatenate(list(self._pool.map(lambda part: score(part, reachable), shares)))
        scores += self._sum_scores(chosen[out_of_reach], objective)
        return scores

    def _scores_in_reach(self, place: int, swaps: Swaps, blocks: np.ndarray, objective: Objective) -> np.ndarray:
        """Return the objective over some blocks after each swap of the last layer."""
        name = self._names[place]
        weights, logits = self._weights[name], self._sums[name]
        taps = weights[0].size
        reach = 2 * self._limit
        from_unit, from_tap = np.divmod(swaps.from_index, taps)
        to_unit, to_tap = np.divmod(swaps.to_index, taps)
        order = np.argsort(swaps.from_index * len(weights) + to_unit, kind="stable")
        columns = (from_unit, from_tap, to_unit, to_tap, weights.ravel()[swaps.from_index])
        table = np.stack([column[order] for column in columns], axis=1).astype(np.int32)
        fits = max(-objective.low, objective.high) + 2 * reach < 2**15
        found = np.zeros(len(table), np.int64)
        kernels.last_layer_scores(
            self._inputs[name],
            logits,
            self._zeros[logits.dtype],
            self._labels,
            self._present,
            blocks,
            table,
            reach,
            np.empty(logits.shape[1:], logits.dtype),
            np.empty((1, LANES), np.int16 if fits else np.int32),
            objective.low,
            objective.high,
            found,
        )
        scores = np.empty_like(found)
        scores[order] = found
        return scores

    def _next_to_last_scores(self, place: int, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
        name, last = self._names[place:]
        slots = max(64, _HALVES_BYTES // self._sums[last][0].nbytes)
        plan = _plan(self._weights[name], swaps, slots // 4, slots - slots // 4)

        def work(blocks: np.ndarray, scores: np.ndarray) -> None:
            kernels.next_to_last_scores(
                self._layouts[name],
                self._layouts[last],
                self._inputs[name],
                self._sums[name],
                self._inputs[last],
                self._sums[last],
                self._limit,
                self._labels,
                self._present,
                blocks,
                plan,
                self._room(plan, name, last),
                objective.low,
                objective.high,
                scores,
            )

        return self._in_parallel(len(swaps.from_index), work, chosen)

    def _earlier_scores(self, place: int, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
        name, following, *after = self._names[place:]
        tail = tuple(self._layouts[each] for each in after)
        leads_to = outgoing(tail[0])
        side = max(2, math.isqrt(_TOGETHER_BYTES // (2 * tail[0].rows * LANES * 4)))
        plan = _plan(self._weights[name], swaps, side, 2 * side)

        def work(blocks: np.ndarray, scores: np.ndarray) -> None:
            kernels.earlier_scores(
                self._layouts[name],
                self._layouts[following],
                tail,
                leads_to,
                self._inputs[name],
                self._sums[name],
                self._inputs[following],
                self._sums[following],
                self._inputs[after[0]],
                self._sums[after[0]],
                self._zeros[np.dtype(np.int32)],
                self._limit,
                self._labels,
                self._present,
                blocks,
                plan,
                self._room(plan, name, following, *after),
                objective.low,
                objective.high,
                scores,
            )

        return self._in_parallel(len(swaps.from_index), work, chosen)

    def _room(self, plan: Plan, layer: str, following: str, *after: str) -> Room:
        """Return room for a thread to work on a plan for a layer that others follow."""
        before, *layouts = [self._layouts[name] for name in (layer, following, *after)]
        places, pooled = layouts[0].taps.shape[1], max(each.pooled for each in layouts)
        size = layouts[1].rows if after else 0
        touched = plan.slots * layouts[0].pooled if after else 0

        def rows(count: int, kind: Any = self._output_type) -> np.ndarray:
            return np.empty((count, LANES), kind)

        return Room(
            used=np.empty(plan.slots, np.bool_),
            deltas=rows(plan.slots * before.pooled if after else before.pooled),
            live=np.empty(plan.slots * before.pooled, np.bool_),
            sums=rows(plan.slots * (places if after else layouts[0].rows), self._sums[following].dtype),
            touched=np.empty(touched, np.bool_),
            changes=rows(touched),
            alone=rows(plan.slots * size, np.int32),
            together=rows(plan.longest * size, np.int32),
            planes=rows(pooled),
            everywhere=np.ones(pooled, np.bool_),
            spare=rows(2 * max((each.rows for each in layouts[2:]), default=0), np.int32),
            narrow=self._narrow,
        )

    # --- accepted swaps -----------------------------------------------------------------------------------------------

    def accept(self, layer: str, from_index: int, to_index: int) -> None:
        """Go on to a neighbor: all that is kept is brought up to date in place.

        Raises ``InputError`` as ``correct_counts`` does.
        """
        self._kept_position(layer)
        self._change(layer, apply_swap(self._weights[layer], from_index, to_index))
        self._compute_margins()

    def move_to(self, network: TernaryNetwork) -> None:
        """Go on to any network of the architecture, such as a k-th neighbor, all in place.

        Raises ``InputError`` for another architecture, or other weights in a layer whose values are not kept.
        """
        check_architecture(network, self.architecture)
        for layer, weights in network.weights.items():
            if not np.array_equal(weights, self._weights[layer]):
                self._kept_position(layer)
                self._change(layer, weights.copy())
        self._compute_margins()

    def _change(self, layer: str, weights: np.ndarray) -> None:
        """Give a layer other weights, and bring all sums up to date."""
        place = self._names.index(layer)
        halves = _differences(self._weights[layer], weights)
        self._weights[layer] = weights
        old = self._layouts[layer]
        self._sums[layer] = self._sums[layer].astype(self._sum_type(layer, self._sums[layer].dtype), copy=False)
        self._over_blocks(kernels.change_sums, old, halves, self._inputs[layer], self._sums[layer])
        starts, middles, nonzeros = connections(weights, old.starts.shape[1] - 1)
        self._layouts[layer] = old._replace(starts=starts, middles=middles, nonzeros=nonzeros)
        units = np.unique(halves[:, kernels.UNIT])
        for name, following in zip(self._names[place:-1], self._names[place + 1 :], strict=True):
            self._carry_on(name, following, units)
            units = np.arange(len(self._weights[following]), dtype=units.dtype)

    def _carry_on(self, name: str, following: str, units: np.ndarray) -> None:
        layout, sums = self._layouts[name], self._sums[name]

        def work(first: int, last: int) -> None:
            pooled = layout.pooled
            kernels.carry_on(
                layout,
                self._layouts[following],
                units,
                sums,
                self._zeros[sums.dtype],
                self._limit,
                self._inputs[following],
                self._sums[following],
                np.empty((pooled, LANES), self._output_type),
                np.empty(pooled, np.bool_),
                self._narrow,
                first,
                last,
            )

        self._over_blocks(work)

    # --- state --------------------------------------------------------------------------------------------------------

    def _build(self, images: np.ndarray, labels: np.ndarray, shuffled: np.random.Generator | None) -> None:
        """Compute all that is kept, with the images of a label shuffled, or arranged to save work."""
        flat = images.reshape(len(images), -1)
        if shuffled is not None:
            self._arranged(labels, at_random(shuffled))
        elif self._first < len(self._names) - 1:
            self._arranged(labels, by_similarity(flat))
        else:
            self._arranged(labels, by_margin(np.zeros(self.images)))
            self._forward(flat, keep=False)
            margins = np.empty(self.images, np.int64)
            here = self._present < 0
            margins[self._order[here]] = self._margins[here]
            self._arranged(labels, by_margin(margins))
        self._forward(flat, keep=True)

    def _arranged(self, labels: np.ndarray, order: Order) -> None:
        self._order, self._present, self._labels = arrange(labels, order)
        self._blocks = np.arange(len(self._labels))

    def _forward(self, flat: np.ndarray, keep: bool) -> None:
        """Compute the network's integers and margins; keep what swaps need, or the margins alone."""
        blocks = len(self._order)
        kept_from = self._first if keep else len(self._names)
        self._inputs, self._sums = {}, {}
        for name in self._names[kept_from:]:
            layout = self._layouts[name]
            self._inputs[name] = np.empty((blocks, layout.inputs, LANES), self._output_type)
            self._sums[name] = np.empty((blocks, layout.rows, LANES), self._sum_type(name))
        self._margins = np.empty((blocks, LANES), np.int32)
        slabs = [slice(at, min(at + _SLAB, blocks)) for at in range(0, blocks, _SLAB)]
        list(self._pool.map(lambda slab: self._forward_slab(flat, slab), slabs))

    def _forward_slab(self, flat: np.ndarray, slab: slice) -> None:
        """Compute the integers of some blocks, layer by layer."""
        inputs = np.ascontiguousarray(flat[self._order[slab]].transpose(0, 2, 1)).astype(self._output_type)
        blocks = len(inputs)
        for name, layout in self._layouts.items():
            sums = np.empty((blocks, layout.rows, LANES), self._sum_type(name))
            kernels.forward_sums(layout, inputs, np.ones(layout.inputs, np.bool_), self._narrow, sums, 0, blocks)
            if name in self._sums:
                self._inputs[name][slab], self._sums[name][slab] = inputs, sums
            if name != self._names[-1]:
                inputs = np.empty((blocks, layout.units * layout.pooled, LANES), self._output_type)
                kernels.forward_outputs(layout, sums, self._zeros[sums.dtype], self._limit, inputs, 0, blocks)
        zeros = self._zeros[sums.dtype]
        kernels.forward_margins(sums, zeros, self._labels[slab], self._margins[slab], 0, blocks)

    def _sum_type(self, name: str, at_least: Any = np.int16) -> np.dtype[Any]:
        """Return the integers that hold whatever a unit of a layer can reach, now or after one more swap."""
        fits = largest_sum(self._weights[name], self._limit) < 2**15 - 1
        return np.promote_types(np.int16 if fits else np.int32, at_least)

    @property
    def _narrow(self) -> np.ndarray:
        """An array of integers that hold what a unit, or a swap's change of it, contributes to a sum of a layer."""
        most = max(int(np.diff(layout.starts, axis=1).max()) for layout in self._layouts.values())
        fits = (most + 1) * 4 * self._limit < 2**15
        return np.empty((1, LANES), np.int16 if fits else np.int32)

    def _compute_margins(self) -> None:
        logits = self._sums[self._names[-1]]
        self._over_blocks(kernels.forward_margins, logits, self._zeros[logits.dtype], self._labels, self._margins)

    def _sum_scores(self, blocks: np.ndarray, objective: Objective) -> int:
        clipped = np.clip(self._margins[blocks], objective.low, objective.high)
        return int(clipped[self._present[blocks] < 0].sum(dtype=np.int64))

    # --- threads ------------------------------------------------------------------------------------------------------

    def _in_parallel(self, size: int, work: Callable[[np.ndarray, np.ndarray], None], blocks: np.ndarray) -> np.ndarray:
        """Let each thread work on its share of blocks and add up ``size`` scores, int64; return their sum."""

        def share(part: np.ndarray) -> np.ndarray:
            scores = np.zeros(size, np.int64)
            work(part, scores)
            return scores

        parts = np.array_split(blocks, self._threads)
        total: np.ndarray = np.sum(list(self._pool.map(share, parts)), axis=0)
        return total

    def _over_blocks(self, kernel: Callable[..., None], *arguments: Any) -> None:
        bounds = np.linspace(0, len(self._labels), self._threads + 1).astype(int)
        list(self._pool.map(lambda ends: kernel(*arguments, *ends), pairwise(bounds.tolist())))

    def _kept_position(self, layer: str) -> int:
        require_layer(layer, self._names)
        place = self._names.index(layer)
        if place < self._first:
            raise InputError(f"layer {layer!r}: its values were not kept; name it in `layers` of the evaluator")
        return place


def _differences(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the halves that lead from some weights of a layer to others; a weight that changes its sign has two."""
    change = new.ravel().astype(np.int32) - old.ravel()
    index = np.repeat(np.arange(change.size), np.abs(change))
    return _halves(index // old[0].size, index % old[0].size, np.sign(change[index]))


def _plan(weights: np.ndarray, swaps: Swaps, lefts: int, rights: int) -> Plan:
    """Return a plan for swaps, in which a chunk has at most so many left and right halves.

    A chunk has halves of one sign, so that they make many pairs: a swap takes and gives the same sign.
    """
    taps = weights[0].size
    from_index, to_index = swaps
    signs = weights.ravel()[from_index].astype(np.int32)
    single = from_index // taps == to_index // taps
    positive = np.where(signs[~single] > 0, weights.size, 0)
    left_keys, left = _ranks(from_index[~single] + positive, 2 * weights.size)
    right_keys, right = _ranks(to_index[~single] + positive, 2 * weights.size)
    alone = np.flatnonzero(single)
    removed = _halves(*_unit_tap_sign(left_keys, weights))
    removed[:, kernels.SIGN] *= -1
    units, from_taps = np.divmod(from_index[alone], taps)
    moved = _halves(units, from_taps, -signs[alone], to_index[alone] % taps, signs[alone])
    added = _halves(*_unit_tap_sign(right_keys, weights))
    nothing = _halves(np.array([-1]), 0, 0)
    halves = np.concatenate([removed, moved, added, nothing])
    offset = len(removed) + len(moved)
    negative_lefts, negative_rights = (int((keys < weights.size).sum()) for keys in (left_keys, right_keys))
    left_bounds = _bounds(0, (negative_lefts, len(removed) - negative_lefts, len(moved)), lefts)
    right_bounds = _bounds(offset, (negative_rights, len(added) - negative_rights, 1), rights)
    pairs = np.empty((len(signs), 3), np.int32)
    pairs[: len(left)] = np.stack([left, offset + right, np.flatnonzero(~single)], axis=1)
    pairs[len(left) :, kernels.LEFT] = len(removed) + np.arange(len(alone))
    pairs[len(left) :, kernels.RIGHT] = len(halves) - 1
    pairs[len(left) :, kernels.SWAP] = alone
    return _chunked(halves, pairs, left_bounds, right_bounds)


def _unit_tap_sign(keys: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what keys stand for: an index for -1 at that index, and the number of weights more for +1."""
    index = keys % weights.size
    return index // weights[0].size, index % weights[0].size, np.where(keys < weights.size, -1, 1)


def _ranks(keys: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct keys, in order, and the rank of each key among them; keys are from 0 to ``size`` - 1."""
    seen = np.zeros(size, np.bool_)
    seen[keys] = True
    ranks = np.cumsum(seen) - 1
    return np.flatnonzero(seen), ranks[keys]


def _halves(unit: Any, tap: Any, sign: Any, second_tap: Any = 0, second_sign: Any = 0) -> np.ndarray:
    columns = np.broadcast_arrays(unit, tap, sign, second_tap, second_sign)
    return np.stack(columns, axis=1).astype(np.int32)


def _chunked(halves: np.ndarray, pairs: np.ndarray, left_bounds: np.ndarray, right_bounds: np.ndarray) -> Plan:
    """Return a plan in which pairs stand by chunk, and within a chunk by tiles that stay in the cache."""
    left, right = pairs[:, kernels.LEFT], pairs[:, kernels.RIGHT]
    left_chunk = np.searchsorted(left_bounds, left, side="right") - 1
    right_chunk = np.searchsorted(right_bounds, right, side="right") - 1
    left_tile = (left - left_bounds[left_chunk]) // _TILE[0]
    right_tile = (right - right_bounds[right_chunk]) // _TILE[1]
    chunk = left_chunk * len(right_bounds) + right_chunk
    tile = (chunk * (left_tile.max() + 1) + left_tile) * (right_tile.max() + 1) + right_tile
    order = np.argsort(tile, kind="stable")
    chunk = chunk[order]
    firsts = np.flatnonzero(np.diff(chunk, prepend=-1))
    lasts = np.append(firsts[1:], len(chunk))
    lefts, rights = np.divmod(chunk[firsts], len(right_bounds))
    bounds = (left_bounds[lefts], left_bounds[lefts + 1], right_bounds[rights], right_bounds[rights + 1])
    chunks = np.stack([*bounds, firsts, lasts], axis=1).astype(np.int64)
    slots = chunks[:, kernels.LAST_LEFT] - chunks[:, kernels.FIRST_LEFT]
    slots = slots + chunks[:, kernels.LAST_RIGHT] - chunks[:, kernels.FIRST_RIGHT]
    return Plan(halves, pairs[order], chunks, int(slots.max()), int((lasts - firsts).max()))


def _bounds(first: int, groups: Sequence[int], limit: int) -> np.ndarray:
    """Return where chunks of at most ``limit`` begin and end if each group, from ``first`` on, is split evenly."""
    bounds = [first]
    for size in groups:
        parts = -(-size // limit)
        start = bounds[-1]
        bounds += [start + size * part // parts for part in range(1, parts + 1)]
    return np.array(bounds)
