"""A sheet of figures: their pictures, small and named, in one picture for a page that links to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin, UnidentifiedImageError

from aann.artifacts import atomic_path, require_file, to_json
from aann.errors import InputError
from aann.settings.figures import in_order, label, target

WIDTH = 1600
"""Width of a sheet, in pixels."""

_ABOUT_HIGH = 260
"""About how high pictures are. Those of a row are equally high, so that they fill it."""

_GAP = 16
_LETTERS = 17
_LINE = 26
"""The height of letters, and what a name takes above its picture, in pixels."""


class Place(NamedTuple):
    """Where a picture is on a sheet, in pixels from its upper left corner, and how large it is."""

    left: int
    top: int
    width: int
    height: int


def places(shapes: Sequence[float]) -> list[Place]:
    """Return the places of pictures, row by row in their order; a shape is a width divided by a height."""
    middles = np.cumsum(shapes) - np.array(shapes) / 2
    rows = max(1, round(sum(shapes) * _ABOUT_HIGH / WIDTH))
    of_row = (middles * rows / sum(shapes)).astype(int)
    found, top = [], _GAP
    for row in np.unique(of_row):
        here = [shape for shape, other in zip(shapes, of_row, strict=True) if other == row]
        height = int((WIDTH - _GAP * (len(here) + 1)) / sum(here))
        left = _GAP
        for shape in here:
            found.append(Place(left, top + _LINE, round(shape * height), height))
            left += found[-1].width + _GAP
        top += _LINE + height + _GAP
    return found


def names(pictures: Sequence[Path]) -> dict[str, Path]:
    """Return pictures by the names of their figures, in the order of these.

    Raises ``InputError`` if a file has no name of a figure, or if two have the same.
    """
    found: dict[str, Path] = {}
    for path in pictures:
        name = path.stem.removeprefix("figure_")
        if target(name) != path.stem:
            raise InputError(f"{path}: has no name of a figure; expected figure_2a.png or the like")
        if name in found:
            raise InputError(f"{path}: is figure {label(name)}, and so is {found[name]}; name one of them")
        found[name] = path
    return {name: found[name] for name in in_order(found)}


def draw(pictures: Sequence[Path], output: Path, provenance: Mapping[str, Any]) -> None:
    """Write the pictures of figures as one PNG, each under its name and in the order of the figures.

    ``output`` has no seal, since it is for documentation. Raises ``InputError`` as ``names`` does, and for a file that
    is missing or is no picture.
    """
    named = {name: _read(path) for name, path in names(pictures).items()}
    placed = places([image.width / image.height for image in named.values()])
    sheet = Image.new("RGB", (WIDTH, placed[-1].top + placed[-1].height + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans-Bold.ttf"), _LETTERS)
    for (name, image), place in zip(named.items(), placed, strict=True):
        pen.text((place.left, place.top - _LINE), f"Figure {label(name)}", font=font, fill="#333333")
        sheet.paste(image.resize((place.width, place.height), Image.Resampling.LANCZOS), (place.left, place.top))
    described = PngImagePlugin.PngInfo()
    described.add_itxt("Provenance", to_json(dict(provenance)))
    colors = sheet.quantize(256, dither=Image.Dither.NONE)
    with atomic_path(output, seal=False) as temporary:
        colors.save(temporary, "PNG", optimize=True, pnginfo=described)


def _read(path: Path) -> Image.Image:
    """Return a picture on white."""
    try:
        with Image.open(require_file(path), formats=("PNG",)) as image:
            colored = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"{path}: is no PNG that can be read; draw the figure again") from error
    white = Image.new("RGBA", colored.size, "white")
    return Image.alpha_composite(white, colored).convert("RGB")
