"""Pictures as networks take them: decoded by Pillow, of one size, grey or colored, in bytes.

Transparent parts are white. A picture is turned as its EXIF data say, 16 bits become 8, and of moving pictures the
first is taken. Resizing is Pillow's, which smooths what gets smaller.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from aann.catalog import BRIGHTEST, HALF
from aann.datasets.splits import Images
from aann.errors import AdvisedError, InputError
from aann.settings.datasets import ImagesSettings

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp"})
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_DEEP = 65_535
"""White in 16 bits."""
_SPARE = 2
"""JPEG files are decoded at this many times the size that is asked for, or more."""


class UnreadableError(Exception):
    """A file or its bytes are no picture that can be read."""


def read(source: Path | BinaryIO, data: ImagesSettings) -> np.ndarray:
    """Return a picture, uint8 of shape (channels, height, width). Raises ``UnreadableError``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source, formats=_FORMATS) as image:
                least = _SPARE * max(data.size)
                image.draft(None, (least, least))
                return fitted(ImageOps.exif_transpose(image), data)
    except Exception as error:  # Pillow raises whatever it meets in a damaged file
        raise UnreadableError(" ".join(str(error).split()) or type(error).__name__) from error


def fitted(image: Image.Image, data: ImagesSettings) -> np.ndarray:
    """Return a picture in the size and colors of a data set, uint8 of shape (channels, height, width)."""
    plain, size = _plain(image, data.channels), (data.size[1], data.size[0])
    if plain.size != size:
        if data.fit == "crop":
            plain = ImageOps.fit(plain, size, Image.Resampling.BICUBIC)
        elif data.fit == "pad":
            plain = ImageOps.pad(plain, size, Image.Resampling.BICUBIC)
        else:
            plain = plain.resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(plain)
    return pixels[None] if data.channels == 1 else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image, channels: int) -> Image.Image:
    """Return a picture in grey or in color, of 8 bits, without transparent parts."""
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.float64).clip(0, _DEEP)
        deep[deep == image.info.get("transparency", -1)] = _DEEP
        image = Image.fromarray((deep * (BRIGHTEST / _DEEP)).round().astype(np.uint8))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image.convert("L" if channels == 1 else "RGB")


def centered(images: np.ndarray, data: ImagesSettings) -> np.ndarray:
    """Return bytes as the data set has them: as they are, or int8 after 128 is subtracted."""
    return (images ^ HALF).view(np.int8) if data.centered else images


class Pictures:
    """Pictures that are read one after the other into one array, each with its label."""

    def __init__(self, count: int, data: ImagesSettings, skip_unreadable: bool) -> None:
        self._data, self._skip = data, skip_unreadable
        self._images, self._labels = room(count, data), np.empty(count, np.int64)
        self._kept = 0
        self.unreadable = 0

    def add(self, source: Path | BinaryIO, label: int, where: str) -> None:
        """Read a picture; raise ``InputError`` that says where it is if it cannot be read, unless such are skipped."""
        try:
            self._images[self._kept] = read(source, self._data)
        except UnreadableError as error:
            if not self._skip:
                raise AdvisedError(
                    f"{where}: cannot be read as an image ({error})",
                    "replace it, or set skip_unreadable: true for the data set",
                    "replace it, or pass such images over with --skip-unreadable",
                ) from error
            self.unreadable += 1
        else:
            self._labels[self._kept] = label
            self._kept += 1

    def images(self) -> Images:
        """Return what was read, as the data set has it."""
        return Images(centered(self._images[: self._kept], self._data), self._labels[: self._kept])


def room(count: int, data: ImagesSettings) -> np.ndarray:
    """Return an array for ``count`` pictures; raise ``InputError`` if there is no memory for it."""
    try:
        return np.empty((count, *data.shape), np.uint8)
    except (MemoryError, ValueError) as error:
        raise InputError(
            f"{count} images of {data.channels} x {data.size[0]} x {data.size[1]} do not fit into memory; choose a "
            "smaller size"
        ) from error
