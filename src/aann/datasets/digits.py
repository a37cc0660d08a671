"""scikit-learn's digits, which need no download: 1,797 real ones of 8 x 8 pixels, enlarged to look like MNIST's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from aann.catalog import BRIGHTEST, SMALL_GREY
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.settings.datasets import DigitsDataSettings

_BRIGHTEST = 16
"""Of scikit-learn's pixels."""


def read(data: DigitsDataSettings, archives: Path) -> Found:
    """Return all digits as training images: uint8 of shape (1797, 1, 28, 28), white on black."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = (digits.images * (BRIGHTEST / _BRIGHTEST)).round().astype(np.uint8)
    images = [np.asarray(Image.fromarray(image).resize(SMALL_GREY[:0:-1], Image.Resampling.BICUBIC)) for image in small]
    return Found({"train": Images(np.stack(images)[:, None], digits.target.astype(np.int64))})


def files(data: DigitsDataSettings, archives: Path) -> list[Path]:
    """Return no files: the digits are a part of scikit-learn."""
    return []
