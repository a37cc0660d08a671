"""Letters drawn from the fonts that Matplotlib ships: white on black like MNIST, in ten classes, without a download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aann.catalog import LETTERS, SMALL_GREY
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.settings.datasets import LettersDataSettings

_SIDE = SMALL_GREY[-1]
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


def read(data: LettersDataSettings, archives: Path) -> Found:
    """Return letters as training images, as many as asked for: uint8 of shape (images, 1, 28, 28)."""
    import matplotlib

    random = np.random.default_rng(data.seed)
    folder = f"{matplotlib.get_data_path()}/fonts/ttf"
    fonts = [ImageFont.truetype(f"{folder}/{name}", 4 * _SIDE - 24) for name in _FONTS]
    labels = random.permutation(np.arange(data.images) % len(LETTERS)).astype(np.int64)
    images = [_draw(LETTERS[label], fonts[random.integers(len(fonts))], random) for label in labels]
    return Found({"train": Images(np.stack(images)[:, None], labels)})


def files(data: LettersDataSettings, archives: Path) -> list[Path]:
    """Return no files: the fonts are a part of Matplotlib."""
    return []


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
