"""Which images a search counts on: a part of a split, drawn again now and then, and moved by some pixels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aann.datasets.splits import Images
from aann.errors import InputError
from aann.settings.sense import SearchImagesSettings


class SearchImages:
    """The images of a search, by the number of their draw.

    ``splits`` holds images by split. Equal seeds give equal images, whatever was drawn before.

    Raises ``InputError`` if the split has fewer images than the settings ask for.
    """

    def __init__(self, splits: Mapping[str, Images], settings: SearchImagesSettings, seed: int) -> None:
        self._source, self._settings, self._seed = splits[settings.split], settings, seed
        count = len(self._source) if settings.count == "all" else settings.count
        if count > len(self._source):
            raise InputError(
                f"images.count {count}: the {settings.split} split has {len(self._source)} images; ask for fewer or all"
            )
        self._count = count

    def are_all_of(self, split: str) -> bool:
        """Return whether every draw is the whole split, unchanged."""
        return self._settings.split == split and self._count == len(self._source) and self._settings.shift == 0

    def generator(self, draw: int) -> np.random.Generator:
        """Return the random generator of a draw, for others that need one."""
        return np.random.default_rng([self._seed, 1, draw])

    def drawn(self, draw: int) -> Images:
        """Return the images of a draw, from 0 on."""
        random = self.generator(draw)
        chosen = self._source
        if self._count < len(chosen):
            chosen = chosen.take(random.choice(len(chosen), self._count, replace=False))
        return Images(shifted(chosen.images, self._settings.shift, random), chosen.labels)


def shifted(images: np.ndarray, pixels: int, random: np.random.Generator) -> np.ndarray:
    """Return images (count, channels, height, width), each moved at random by up to ``pixels``; zeros fill the gaps.

    With 0 pixels they are returned as they are.
    """
    if pixels == 0:
        return images
    height, width = images.shape[2:]
    padded = np.pad(images, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
    moved = np.empty_like(images)
    offsets = random.integers(0, 2 * pixels + 1, (len(images), 2))
    for row, column in np.unique(offsets, axis=0):
        here = (offsets == (row, column)).all(axis=1)
        moved[here] = padded[here, :, row : row + height, column : column + width]
    return moved
