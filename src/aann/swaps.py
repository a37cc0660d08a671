"""What a move is: a bit-swap puts a non-zero weight, with its sign, where a zero weight was (paper, section 3.2).

Indices are flat, in C order, into the weights of one layer, so a swap keeps the family: equal counts of -1, 0 and +1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aann.errors import InputError


class Swaps(NamedTuple):
    """Swaps in one layer, as two int64 arrays with one entry a swap.

    from_index: where each takes a non-zero weight.
    to_index: where each puts it, in place of a zero.
    """

    from_index: np.ndarray
    to_index: np.ndarray

    def take(self, chosen: np.ndarray | slice) -> Swaps:
        """Return some of the swaps, in the order of ``chosen``."""
        return Swaps(self.from_index[chosen], self.to_index[chosen])


def check_swaps(weights: np.ndarray, from_index: np.ndarray, to_index: np.ndarray) -> Swaps:
    """Return swaps by their indices, which may be of any integer type.

    Raises ``InputError`` unless there is at least one swap and, for each, both indices lie within the layer,
    ``from_index`` holds a non-zero weight and ``to_index`` a zero.
    """
    swaps = Swaps(np.asarray(from_index), np.asarray(to_index))
    shapes = [indices.shape for indices in swaps]
    if len(shapes[0]) != 1 or shapes[0] != shapes[1] or shapes[0] == (0,):
        raise InputError(f"swaps: have shapes {shapes[0]} and {shapes[1]}, expected two arrays of one or more indices")
    for name, indices in swaps._asdict().items():
        if not np.issubdtype(indices.dtype, np.integer):
            raise InputError(f"{name}: has type {indices.dtype}, expected integers")
        outside = indices[(indices < 0) | (indices >= weights.size)]
        if outside.size:
            raise InputError(f"{name} {outside[0]}: out of range, expected 0 to {weights.size - 1}")
    flat = weights.ravel()
    empty, filled = swaps.from_index[flat[swaps.from_index] == 0], swaps.to_index[flat[swaps.to_index] != 0]
    if empty.size:
        raise InputError(f"from_index {empty[0]}: holds 0, expected a non-zero weight to move")
    if filled.size:
        raise InputError(f"to_index {filled[0]}: holds {flat[filled[0]]}, expected a zero weight to fill")
    return Swaps(*(indices.astype(np.int64, copy=False) for indices in swaps))


def apply_swap(weights: np.ndarray, from_index: int, to_index: int) -> np.ndarray:
    """Return a copy of ``weights`` (int8, any shape) in which one weight has moved: a first neighbor.

    Raises ``InputError`` if an index is out of range, ``from_index`` holds 0, or ``to_index`` does not.
    """
    return apply_swaps(weights, np.array([from_index]), np.array([to_index]))


def apply_swaps(weights: np.ndarray, from_index: np.ndarray, to_index: np.ndarray) -> np.ndarray:
    """Return a copy of ``weights`` in which k weights have moved: a k-th neighbor.

    Raises ``InputError`` as ``check_swaps`` does, and if two swaps share an index.
    """
    swaps = check_swaps(weights, from_index, to_index)
    for name, indices in swaps._asdict().items():
        distinct, counts = np.unique(indices, return_counts=True)
        if len(distinct) < len(indices):
            raise InputError(f"{name} {distinct[counts > 1][0]}: is in two swaps of one neighbor")
    moved = weights.copy()
    moved.flat[swaps.to_index] = weights.ravel()[swaps.from_index]
    moved.flat[swaps.from_index] = 0
    return moved


def neighborhood_size(weights: np.ndarray) -> int:
    """Return the number of first neighbors in a layer: non-zeros x zeros."""
    nonzeros = int(np.count_nonzero(weights))
    return nonzeros * (weights.size - nonzeros)


def require_neighbors(layer: str, weights: np.ndarray) -> None:
    """Raise ``InputError`` with the name of a layer if its weights have no first neighbors."""
    if neighborhood_size(weights) == 0:
        raise InputError(
            f"layer {layer!r}: has no neighbors, since all or none of its weights are 0; choose another layer"
        )


def swaps_at(weights: np.ndarray, numbers: np.ndarray) -> Swaps:
    """Return swaps by their numbers in the order of ``all_swaps``, without making all of them.

    Raises ``InputError`` if a number is not from 0 to the size of the neighborhood - 1.
    """
    size = neighborhood_size(weights)
    outside = numbers[(numbers < 0) | (numbers >= size)]
    if outside.size:
        raise InputError(f"swap {outside[0]}: there is no such swap, expected 0 to {size - 1}")
    nonzeros, zeros = _ends(weights)
    return Swaps(nonzeros[numbers // len(zeros)], zeros[numbers % len(zeros)])


def all_swaps(weights: np.ndarray) -> Swaps:
    """Return every swap of a layer, ordered by from_index, then to_index.

    Their length is the size of the first neighborhood.
    """
    return swaps_at(weights, np.arange(neighborhood_size(weights)))


def sample_numbers(weights: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return the numbers of ``count`` different swaps of a layer, all equally likely, int64 and rising.

    Raises ``InputError`` if the layer has fewer.
    """
    size = neighborhood_size(weights)
    if not 1 <= count <= size:
        raise InputError(f"sample of {count} swaps: the layer has {size} first neighbors; expected 1 to that many")
    return np.sort(random.choice(size, count, replace=False, shuffle=False))


def sample_swaps(weights: np.ndarray, count: int, random: np.random.Generator) -> Swaps:
    """Return the swaps of ``sample_numbers``."""
    return swaps_at(weights, sample_numbers(weights, count, random))


def sample_neighbor(weights: np.ndarray, k: int, random: np.random.Generator) -> Swaps:
    """Return the k swaps that lead to a random k-th neighbor, for ``apply_swaps``: no index is in two of them.

    Raises ``InputError`` if the layer has too few non-zeros or zeros for k swaps.
    """
    nonzeros, zeros = _ends(weights)
    most = min(len(nonzeros), len(zeros))
    if not 1 <= k <= most:
        raise InputError(f"{k} swaps: the layer has {len(nonzeros)} non-zeros and {len(zeros)} zeros, so 1 to {most}")
    return Swaps(random.choice(nonzeros, k, replace=False), random.choice(zeros, k, replace=False))


def _ends(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where swaps can begin and end: the indices of non-zeros and of zeros, int64 and rising."""
    return np.flatnonzero(weights), np.flatnonzero(weights.ravel() == 0)


def disjoint(swaps: Swaps, most: int | None = None) -> np.ndarray:
    """Return which swaps share no index with another one before them that is returned, in order, at most ``most``."""
    used: set[int] = set()
    found: list[int] = []
    for number, ends in enumerate(zip(swaps.from_index.tolist(), swaps.to_index.tolist(), strict=True)):
        if len(found) == most:
            break
        if used.isdisjoint(ends):
            used.update(ends)
            found.append(number)
    return np.array(found, np.int64)
