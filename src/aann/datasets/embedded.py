"""Data sets that need no download: scikit-learn's digits, and letters drawn from the fonts that Matplotlib ships.

Both come as uint8 images of shape (images, 1, 28, 28), white on black like MNIST, in ten classes.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

DATASETS = ("digits", "letters")
LETTERS = "ABCDEFGHJK"
"""The classes of ``letters``, in order."""

_SIDE = 28
_FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Italic.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)


def load(dataset: str, letters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images and int64 labels of ``digits`` (1,797, real) or of ``letters`` (as many as asked for, drawn)."""
    if dataset == "digits":
        return _digits()
    return _letters(letters, np.random.default_rng(seed))


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = (digits.images * (255 / 16)).round().astype(np.uint8)
    images = [np.asarray(Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)) for image in small]
    return np.stack(images)[:, None], digits.target.astype(np.int64)


def _letters(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    import matplotlib

    folder = f"{matplotlib.get_data_path()}/fonts/ttf"
    fonts = [ImageFont.truetype(f"{folder}/{name}", 4 * _SIDE - 24) for name in _FONTS]
    labels = random.permutation(np.arange(count) % len(LETTERS)).astype(np.int64)
    images = [_draw(LETTERS[label], fonts[random.integers(len(fonts))], random) for label in labels]
    return np.stack(images)[:, None], labels


def _draw(letter: str, font: ImageFont.FreeTypeFont, random: np.random.Generator) -> np.ndarray:
    """Return one letter under a random affine change: rotation, scale, shear and shift."""
    side = 4 * _SIDE
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text((side / 2, side / 2), letter, fill=255, font=font, anchor="mm")
    angle, shear = random.uniform(-0.35, 0.35), random.uniform(-0.25, 0.25)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.array([[1, shear], [0, 1]]) * random.uniform(0.85, 1.3)
    center = np.full(2, side / 2)
    offset = center - matrix @ center + random.uniform(-8, 8, 2)
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    moved = canvas.transform((side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(moved.resize((_SIDE, _SIDE), Image.Resampling.BOX))
