"""The objective of each neighbor, from the integers of the network: a way for each place of a swap's layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from aann.evaluation import kernels
from aann.evaluation.groups import Blocks, Bounds, Desk, Plan, Room, Tail
from aann.evaluation.lanes import LANES, empty
from aann.evaluation.layout import near
from aann.evaluation.objectives import Objective
from aann.evaluation.plans import plan, unit_and_tap
from aann.evaluation.state import State
from aann.swaps import Swaps

_HALVES_BYTES = 32 * 2**20
"""What the halves of a swap before the last layer may take: each is worth computing only once."""

_TOGETHER_BYTES = 5 * 2**19
"""What the sums of pairs may take that are worked on together: with their halves they should stay in a core's cache."""

_MANY = 2**17
"""Swaps of the last layer that a thread works on at a time; with fewer, threads share images instead."""


def scores(state: State, layer: str, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
    """Return the objective over some blocks after each swap in a layer, int64; swaps must be possible."""
    after = len(state.names) - 1 - state.names.index(layer)
    ways = (_last_layer_scores, _next_to_last_scores, _earlier_scores)
    return ways[min(after, 2)](state, layer, swaps, objective, chosen)


def _bounds(state: State, objective: Objective) -> Bounds:
    return Bounds(state.scale, objective.low, objective.high)


# --- the last layer ---------------------------------------------------------------------------------------------------


def within_reach(state: State, chosen: np.ndarray, objective: Objective) -> np.ndarray:
    """Return for each block whether a swap of the last layer may change its part of the objective, bool."""
    margins, reach = state.margins[chosen], 2 * state.scale
    safe = (margins >= objective.high + reach) | (margins <= objective.low - reach)
    found: np.ndarray = ~(safe | (state.blocks.present[chosen] == 0)).all(axis=1)
    return found


def _last_layer_scores(state: State, layer: str, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
    reachable = within_reach(state, chosen, objective)
    count, threads = len(swaps.from_index), state.threads

    def score(part: slice, blocks: np.ndarray) -> np.ndarray:
        return _scores_in_reach(state, layer, swaps.take(part), objective, blocks)

    if count < _MANY * threads.number:
        parts = np.array_split(chosen[reachable], threads.number)
        found: np.ndarray = np.sum(threads.map(lambda blocks: score(slice(None), blocks), parts), axis=0)
    else:
        shares = [slice(first, first + _MANY) for first in range(0, count, _MANY)]
        found = np.concatenate(threads.map(lambda part: score(part, chosen[reachable]), shares))
    found += state.sum_scores(chosen[~reachable], objective)
    return found


def _scores_in_reach(state: State, layer: str, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
    """Return the objective over some blocks after each swap of the last layer."""
    weights, logits = state.weights[layer], state.logits
    ends = [end for indices in swaps for end in unit_and_tap(indices, weights)]
    order = np.argsort(swaps.from_index * len(weights) + ends[kernels.TO_UNIT], kind="stable")
    columns = (*ends, weights.ravel()[swaps.from_index])
    table = np.stack([column[order] for column in columns], axis=1).astype(np.int32)
    fits = max(-objective.low, objective.high) + 4 * state.scale < 2**15
    desk = Desk(
        rows=empty(logits.shape[1:], logits.dtype),
        live=np.empty(0, np.bool_),
        zeros=state.zeros[logits.dtype],
        narrow=np.empty((1, LANES), np.int16 if fits else np.int32),
    )
    found = np.zeros(len(table), np.int64)
    blocks = state.blocks._replace(chosen=chosen)
    kernels.last_layer_scores(state.values(layer), blocks, table, desk, _bounds(state, objective), found)
    ordered = np.empty_like(found)
    ordered[order] = found
    return ordered


# --- earlier layers ---------------------------------------------------------------------------------------------------


def _next_to_last_scores(
    state: State, layer: str, swaps: Swaps, objective: Objective, chosen: np.ndarray
) -> np.ndarray:
    last = state.names[-1]
    slots = max(64, _HALVES_BYTES // state.logits[0].nbytes)
    order = plan(state.weights[layer], swaps, slots // 4, slots - slots // 4)
    bounds = _bounds(state, objective)

    def work(blocks: Blocks, found: np.ndarray) -> None:
        room = _room(state, order, layer, last)
        kernels.next_to_last_scores(state.values(layer), state.values(last), blocks, order, room, bounds, found)

    return _in_parallel(state, len(swaps.from_index), work, chosen)


def _earlier_scores(state: State, layer: str, swaps: Swaps, objective: Objective, chosen: np.ndarray) -> np.ndarray:
    following, *after = state.names[state.names.index(layer) + 1 :]
    first = state.values(after[0])
    layouts, sources = tuple(state.layouts[name] for name in after), tuple(state.incoming(name) for name in after)
    tail = Tail(first, near(first.layout), layouts, sources, state.zeros[np.dtype(np.int32)])
    side = max(2, math.isqrt(_TOGETHER_BYTES // (2 * first.layout.rows * LANES * 4)))
    order = plan(state.weights[layer], swaps, side, 2 * side)
    bounds = _bounds(state, objective)

    def work(blocks: Blocks, found: np.ndarray) -> None:
        room = _room(state, order, layer, following, *after)
        kernels.earlier_scores(state.values(layer), state.values(following), tail, blocks, order, room, bounds, found)

    return _in_parallel(state, len(swaps.from_index), work, chosen)


def _in_parallel(
    state: State, count: int, work: Callable[[Blocks, np.ndarray], None], chosen: np.ndarray
) -> np.ndarray:
    """Let each thread work on its share of blocks and add up ``count`` scores, int64; return their sum."""

    def share(part: np.ndarray) -> np.ndarray:
        found = np.zeros(count, np.int64)
        work(state.blocks._replace(chosen=part), found)
        return found

    parts = np.array_split(chosen, state.threads.number)
    total: np.ndarray = np.sum(state.threads.map(share, parts), axis=0)
    return total


def _room(state: State, order: Plan, layer: str, following: str, *after: str) -> Room:
    """Return room for a thread to work on a plan for a layer that others follow."""
    before, *layouts = [state.layouts[name] for name in (layer, following, *after)]
    places, outputs = layouts[0].taps.shape[1], max(each.units * each.pooled for each in layouts)
    size, kind = layouts[1].rows if after else 0, state.values(following).sums.dtype
    deltas = order.slots * (before.pooled + 1) if after else before.pooled

    def rows(count: int, kind: Any = state.output_type) -> np.ndarray:
        return empty((count, LANES), kind)

    room = Room(
        used=np.empty(order.slots, np.bool_),
        deltas=rows(deltas),
        live=np.empty(deltas, np.bool_),
        near=near(layouts[0]) if after else np.empty((0, 0), np.int32),
        sums=rows(order.slots * (places if after else layouts[0].rows), kind),
        zeros=state.zeros[kind],
        touched=np.empty(order.slots, np.bool_),
        changes=rows(layouts[0].pooled + 1),
        together=rows(order.longest * size, np.int32),
        planes=rows(outputs),
        spare=rows(2 * max((each.rows for each in layouts[2:]), default=0), np.int32),
        narrow=state.narrow,
    )
    room.changes[-1] = 0
    if after:
        room.deltas[before.pooled :: before.pooled + 1] = 0
    return room
