"""In which order swaps are worked on: as pairs of halves, in chunks whose halves are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aann.evaluation import kernels
from aann.evaluation.groups import Plan
from aann.swaps import Swaps

_TILE = (8, 16)
"""Left and right halves whose pairs are worked on one after the other."""


def differences(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the halves that lead from some weights of a layer to others; a weight that changes its sign has two."""
    change = new.ravel().astype(np.int32) - old.ravel()
    index = np.repeat(np.arange(change.size), np.abs(change))
    return _halves(*unit_and_tap(index, old), np.sign(change[index]))


def plan(weights: np.ndarray, swaps: Swaps, lefts: int, rights: int) -> Plan:
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
    moved = _halves(*unit_and_tap(from_index[alone], weights), -signs[alone], to_index[alone] % taps, signs[alone])
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
    return *unit_and_tap(keys % weights.size, weights), np.where(keys < weights.size, -1, 1)


def unit_and_tap(index: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the units and taps that flat indices into a layer's weights mean; faster than ``np.divmod``."""
    return index // weights[0].size, index % weights[0].size


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
    """Return a plan in which pairs of halves are ordered by chunk, and within a chunk by tiles that stay in the cache.

    ``pairs`` names halves by their rows of the table; those of the plan name them by their slots.
    """
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
    first_left, last_left, first_right, last_right = chunks.T[: kernels.FIRST_PAIR]
    lengths = lasts - firsts
    pairs = pairs[order]
    pairs[:, kernels.LEFT] -= np.repeat(first_left, lengths)
    pairs[:, kernels.RIGHT] -= np.repeat(first_right - (last_left - first_left), lengths)
    slots = last_left - first_left + last_right - first_right
    return Plan(halves, pairs, chunks, int(slots.max()), int(lengths.max()))


def _bounds(first: int, groups: Sequence[int], limit: int) -> np.ndarray:
    """Return where chunks of at most ``limit`` begin and end if each group, from ``first`` on, is split evenly."""
    bounds = [first]
    for size in groups:
        parts = -(-size // limit)
        start = bounds[-1]
        bounds += [start + size * part // parts for part in range(1, parts + 1)]
    return np.array(bounds)
