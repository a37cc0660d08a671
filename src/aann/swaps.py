"""What a move is: a bit-swap puts a non-zero weight, with its sign, where a zero weight was (paper, section 3.2).

Indices are flat, in C order, into the weights of one layer, so a swap keeps the family: equal counts of -1, 0 and +1.
"""

from __future__ import annotations

import numpy as np

from aann.errors import InputError


def apply_swap(weights: np.ndarray, from_index: int, to_index: int) -> np.ndarray:
    """Return a copy of ``weights`` (int8, any shape) in which one weight has moved: a first neighbor.

    Raises ``InputError`` if an index is out of range, ``from_index`` holds 0, or ``to_index`` does not.
    """
    for name, index in (("from_index", from_index), ("to_index", to_index)):
        if not 0 <= index < weights.size:
            raise InputError(f"{name} {index}: out of range, expected 0 to {weights.size - 1}")
    if weights.flat[from_index] == 0:
        raise InputError(f"from_index {from_index}: holds 0, expected a non-zero weight to move")
    if weights.flat[to_index] != 0:
        raise InputError(f"to_index {to_index}: holds {weights.flat[to_index]}, expected a zero weight to fill")
    neighbor = weights.copy()
    neighbor.flat[to_index] = weights.flat[from_index]
    neighbor.flat[from_index] = 0
    return neighbor


def all_swaps(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every swap of a layer as two int64 arrays, from_index and to_index, ordered by the first, then the second.

    Their length is non-zeros x zeros: the size of the first neighborhood.
    """
    sources, targets = np.flatnonzero(weights), np.flatnonzero(weights.ravel() == 0)
    return np.repeat(sources, targets.size), np.tile(targets, sources.size)
