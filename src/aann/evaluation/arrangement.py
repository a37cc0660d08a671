"""Which images are in a row together: images of one label, alike in what saves work."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aann.evaluation.lanes import LANES

Order = Callable[[np.ndarray], np.ndarray]

_POWER_STEPS = 8
"""Steps towards the axis of largest variance; halving a group needs it only roughly."""


class Arrangement(NamedTuple):
    """Blocks of ``LANES`` images.

    order: int64 (blocks, LANES), which image is where; the last block of a label is filled up with its last image.
    present: int32 (blocks, LANES), -1 for an image and 0 for one that fills up.
    labels: int64 (blocks,), the label of a block.
    """

    order: np.ndarray
    present: np.ndarray
    labels: np.ndarray


def arrange(labels: np.ndarray, order: Order) -> Arrangement:
    """Put images in blocks of one label; ``order`` takes the images of a label and returns them in an order."""
    orders, present, of_block = [], [], []
    for label in np.unique(labels):
        chosen = order(np.flatnonzero(labels == label))
        missing = -len(chosen) % LANES
        orders.append(np.pad(chosen, (0, missing), mode="edge"))
        present.append(np.pad(np.full(len(chosen), -1, np.int32), (0, missing)))
        of_block += [label] * (len(orders[-1]) // LANES)
    shape = (-1, LANES)
    return Arrangement(
        np.concatenate(orders).reshape(shape), np.concatenate(present).reshape(shape), np.array(of_block, np.int64)
    )


def at_random(random: np.random.Generator) -> Order:
    """Return a random order, so that any block is a sample of a label's images."""
    return random.permutation


def by_margin(margins: np.ndarray) -> Order:
    """Return the order of rising margins, so that blocks out of a swap's reach are left out as a whole."""
    return lambda chosen: chosen[np.argsort(margins[chosen], kind="stable")]


def by_similarity(pixels: np.ndarray) -> Order:
    """Return an order in which similar images are side by side, so that a swap changes the same places of a block.

    ``pixels`` has shape (images, features). Images are halved along their axis of largest variance, again and again.
    """

    def order(chosen: np.ndarray) -> np.ndarray:
        if len(chosen) <= LANES:
            return chosen
        centered = pixels[chosen].astype(np.float32)
        centered -= centered.mean(axis=0)
        along = centered @ _main_axis(centered)
        ranked = chosen[np.argsort(along, kind="stable")]
        middle = max(1, -(-len(chosen) // LANES) // 2) * LANES
        return np.concatenate([order(ranked[:middle]), order(ranked[middle:])])

    return order


def _main_axis(centered: np.ndarray) -> np.ndarray:
    """Return about the axis of largest variance, by power iteration."""
    axis: np.ndarray = centered[np.square(centered).sum(axis=1).argmax()]
    for _ in range(_POWER_STEPS):
        axis = (centered @ axis) @ centered
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
    return axis
