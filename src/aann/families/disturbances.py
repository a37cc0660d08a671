"""Disturbed images: moved, turned, noisy, blurred, or with a hole.

All of it is in integers, so that images are equal on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from aann.sense.images import shifted
from aann.settings.families import DisturbancesSettings

_ONE = 2**14
"""What stands for 1 in rotations."""

Disturb = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def rotated(images: np.ndarray, degrees: int, random: np.random.Generator) -> np.ndarray:
    """Return images, each turned by up to so many degrees either way; see ``turned``."""
    return turned(images, random.integers(-degrees, degrees + 1, len(images)))


def turned(images: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return images, each turned to the left by its angle, in whole degrees, about its middle.

    Every pixel is that nearest to its source. Zeros come in from outside.
    """
    height, width = images.shape[2:]
    row, column = 2 * np.arange(height)[:, None] - (height - 1), 2 * np.arange(width)[None] - (width - 1)
    found = np.zeros_like(images)
    for angle in np.unique(angles):
        cosine, sine = (round(_ONE * turn(math.radians(angle))) for turn in (math.cos, math.sin))
        rows = (cosine * row + sine * column + (height - 1) * _ONE + _ONE) // (2 * _ONE)
        columns = (cosine * column - sine * row + (width - 1) * _ONE + _ONE) // (2 * _ONE)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        here = np.flatnonzero(angles == angle)
        turned = images[here][:, :, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
        found[here] = np.where(inside, turned, 0)
    return found


def noisy(images: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """Return images, int16, with up to so much added to or taken from every pixel."""
    found: np.ndarray = images + random.integers(-most, most + 1, images.shape, dtype=np.int16)
    return found


def blurred(images: np.ndarray, times: int, random: np.random.Generator) -> np.ndarray:
    """Return images in which each pixel was averaged so often with those around it, by weights 1 2 1 each way."""
    found = images.astype(np.int32)
    for _ in range(times):
        for axis in (2, 3):
            padded = np.pad(found, [(1, 1) if place == axis else (0, 0) for place in range(4)])
            size = found.shape[axis]
            before, middle, after = (np.take(padded, range(at, at + size), axis) for at in range(3))
            found = before + 2 * middle + after
        found = (found + 8) // 16
    return found.astype(images.dtype)


def occluded(images: np.ndarray, side: int, random: np.random.Generator) -> np.ndarray:
    """Return images, each with a square of zeros at a random place inside."""
    height, width = images.shape[2:]
    side = min(side, height, width)
    top, left = (random.integers(0, size - side + 1, len(images))[:, None] for size in (height, width))
    rows, columns = np.arange(height), np.arange(width)
    hidden = ((rows >= top) & (rows < top + side))[:, :, None] & ((columns >= left) & (columns < left + side))[:, None]
    return np.where(hidden[:, None], 0, images).astype(images.dtype)


DISTURBANCES: dict[str, Disturb] = {
    "shifted": shifted,
    "rotated": rotated,
    "noisy": noisy,
    "blurred": blurred,
    "occluded": occluded,
}
"""How images are disturbed, by the names of the settings."""


def disturbed(
    images: np.ndarray, settings: DisturbancesSettings, lowest: int = 0, highest: int = 255
) -> Mapping[str, np.ndarray]:
    """Return the images as they are, under an empty name, and in each other way, uint8 or int8 as before.

    Pixels stay from ``lowest`` to ``highest``, as a network's inputs are.
    """
    ways = {}
    for number, (name, disturb) in enumerate(DISTURBANCES.items()):
        found = disturb(images, getattr(settings, name), np.random.default_rng([settings.seed, number]))
        ways[name] = np.clip(found, lowest, highest).astype(images.dtype)
    return {"": images, **ways}
