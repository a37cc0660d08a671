"""What data of a user's own hold: where images are, their sizes, colors and classes, and how they are split."""

from __future__ import annotations

import itertools
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from pydantic import TypeAdapter, ValidationError

from aann.catalog import PARTS, SPLIT_NAMES
from aann.datasets import arrays, folder, parquet, sources
from aann.datasets.sources import Found
from aann.errors import AdvisedError, InputError
from aann.settings.datasets import (
    LONGEST_CLASS_NAME,
    ArraysDataSettings,
    ClassName,
    FolderDataSettings,
    ImagesSettings,
    ParquetDataSettings,
)
from aann.settings.messages import first_problem, require
from aann.settings.types import Folder

KINDS: dict[str, type[ImagesSettings]] = {
    "folder": FolderDataSettings,
    "arrays": ArraysDataSettings,
    "parquet": ParquetDataSettings,
}
_GLANCED, _DECODED = 2000, 60
"""Of so many images the sizes are looked at, and of so many the colors."""
_COLORFUL = 2
"""By how much the colors of a pixel differ, of 255, on the average of a picture that is not grey."""
_CHANNELS = (1, 3, 4)
_SMALL, _SIDE = 40, 32
"""Images up to this many pixels a side stay as they are; others get this longer side."""
_SHORTEST = 8
_ENOUGH_FOR_COLORS = 5000
"""Images; with fewer, a network learns colors of backgrounds by heart."""
_TURNED = (5, 6, 7, 8)
"""Orientations of EXIF in which height and width change places."""
_EXPECTED = "expected a folder of images, an .npz or .npy file, a Parquet file, or a folder of Parquet files"


@dataclass(frozen=True)
class Seen:
    """What data hold. ``entry`` is theirs under `datasets`; ``counts`` are images of each class, by split."""

    entry: dict[str, Any]
    classes: list[str]
    counts: dict[str, np.ndarray]
    own_parts: tuple[str, ...]
    sizes: Counter[tuple[int, int]]
    colored: bool
    noted: dict[str, int]

    @property
    def images(self) -> int:
        """How many images there are."""
        return int(sum(counts.sum() for counts in self.counts.values()))

    @property
    def of_classes(self) -> np.ndarray:
        """How many images each class has."""
        total: np.ndarray = np.sum(list(self.counts.values()), axis=0)
        return total


@dataclass(frozen=True)
class Asked:
    """What is asked for in place of what is found: an image's size and channels, and how data are read.

    ``image`` and ``label`` are names of columns or arrays, and ``axis`` says which of an array's has the channels.
    """

    size: Sequence[int] | None = None
    channels: int | None = None
    image: str | None = None
    label: str | None = None
    axis: str | None = None
    skip_unreadable: bool = False


def look(path: Path, asked: Asked | None = None) -> Seen:
    """Return what the data at a path hold, as a data set of what is asked for, and of what fits where nothing is.

    Raises ``InputError`` with one line if there is something else, or if it cannot be split.
    """
    try:
        return _look(path, asked or Asked())
    except AdvisedError as error:
        raise InputError(error.with_options) from error


def _look(path: Path, asked: Asked) -> Seen:
    entry = _entry(path, asked)
    with_any = _validated(path, entry | {"size": [1, 1], "channels": 1, "classes": 2})
    sizes, colored, count = _glance(with_any)
    entry |= {
        "size": list(asked.size or _fitting(sizes)),
        "channels": asked.channels or (3 if colored and count >= _ENOUGH_FOR_COLORS else 1),
    }
    found = sources.read(_validated(path, entry | {"classes": 2}), Path())
    classes = _classes(path, entry["kind"], found)
    entry["classes"], own = classes, tuple(found.parts)
    parts, described = sources.divide(str(path), _validated(path, entry), found)
    counts = {part: np.bincount(images.labels, minlength=len(classes)) for part, images in parts.items()}
    return Seen(entry, classes, counts, own, sizes, colored, described["counts"])


def _validated(path: Path, entry: dict[str, Any]) -> ImagesSettings:
    try:
        return KINDS[entry["kind"]].model_validate(entry)
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, KINDS[entry['kind']])}") from error


def _classes(path: Path, kind: str, found: Found) -> list[str]:
    """Return the names of the classes; raise ``InputError`` unless there are two or more that settings can hold."""
    labels = found.parts["train"].labels
    highest = int(labels.max()) if len(labels) else -1
    names = [str(name) for name in found.classes or range(highest + 1)]
    for name in names:
        _require_a_name(path, kind, name)
    if len(names) < 2:
        raise InputError(f"{path}: has images of {len(names)} class ({', '.join(names)}); expected two classes or more")
    return names


def _require_a_name(path: Path, kind: str, name: str) -> None:
    """Raise ``InputError`` unless settings can hold the name of a class."""
    try:
        _CLASS_NAME.validate_python(name)
    except ValidationError as error:
        named = "folder" if kind == "folder" else "class"
        raise InputError(
            f"{path}: its {named} {name[:_SHOWN]!r} cannot be the name of a class; expected 1 to {LONGEST_CLASS_NAME} "
            "characters that can be printed; rename it"
        ) from error


_CLASS_NAME = TypeAdapter(ClassName)
_SHOWN = 100
"""Characters of a wrong name that are shown."""


# --- where images are -------------------------------------------------------------------------------------------------


def _entry(path: Path, asked: Asked) -> dict[str, Any]:
    """Return the entry of the data at a path, without what their images say."""
    require(Folder, str(path), str(path))
    entry = _place(path, asked)
    kind = entry["kind"]
    given = {key: getattr(asked, key) for key in _OPTIONS if getattr(asked, key)}
    for key in given:
        if kind not in _OPTIONS[key]:
            option = key.replace("_", "-")
            raise InputError(f"{path}: is read as data of kind {kind}, for which there is no --{option}; leave it out")
    return entry | {key: value for key, value in given.items() if key in KINDS[kind].model_fields}


_OPTIONS = {
    "image": ("arrays", "parquet"),
    "label": ("arrays", "parquet"),
    "axis": ("arrays",),
    "skip_unreadable": ("folder", "parquet", "arrays"),
}
"""Kinds of data that each option of how data are read is for."""


def _place(path: Path, asked: Asked) -> dict[str, Any]:
    """Return the kind of the data at a path, and where they are."""
    if path.suffix == ".npz" and path.is_file():
        pair = _pair(path, asked)
        named = {"pairs": {"train": {"images": pair[0], "labels": pair[1]}}} if pair else {}
        return {"kind": "arrays", "file": str(path), **named}
    if path.suffix == ".npy" and path.is_file():
        return {"kind": "arrays", "pairs": _pairs([path, *sorted(path.parent.glob("*.npy"))], _pair(path, asked))}
    if path.suffix == ".parquet" and path.is_file():
        return {"kind": "parquet", "files": {"train": [str(path)]}}
    if not path.is_dir():
        there = "is of another kind" if path.exists() else "is not there"
        raise InputError(f"{path}: {there}; {_EXPECTED}")
    files = sorted(path.glob("*.parquet")) or sorted(path.glob("*/*.parquet"))
    if files:
        return {"kind": "parquet", "files": _by_part(path, files)}
    found = sorted(path.glob("*.npy"))
    if found:
        return {"kind": "arrays", "pairs": _pairs(found, _pair(path, asked))}
    return {"kind": "folder", "folder": str(path)}


def _by_part(root: Path, files: Sequence[Path]) -> dict[str, list[str]]:
    """Return files by split, as their names and the names of their folders say; all are training files without."""
    parts: dict[str, list[str]] = {}
    for file in files:
        words = re.split(r"[^a-z]+", str(file.relative_to(root)).lower())
        part = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "train")
        parts.setdefault(part, []).append(str(file))
    if "train" not in parts:
        raise InputError(f"{root}: has no file of training images; found {', '.join(sorted(parts))}")
    return {part: parts[part] for part in PARTS if part in parts}


def _pair(path: Path, asked: Asked) -> tuple[str, str] | None:
    """Return the names of the arrays of images and of labels that are asked for, if any are."""
    if bool(asked.image) != bool(asked.label):
        raise InputError(f"{path}: holds arrays; expected the names of two, so give both --image and --label")
    return (asked.image, asked.label) if asked.image and asked.label else None


_USUAL = (("x", "y"), ("images", "labels"), ("image", "label"), ("data", "labels"), ("data", "targets"))
_EXPECTED_FILES = "images.npy and labels.npy, or x_train.npy and y_train.npy; or name them with --image and --label"


def _pairs(files: Sequence[Path], pair: tuple[str, str] | None) -> dict[str, dict[str, str]]:
    """Return pairs of files of images and labels by split, found by the names of a pair, or else by usual names."""
    names = {path.stem.lower(): str(path) for path in files}
    parts: dict[str, dict[str, str]] = {}
    asked = tuple(name.lower().removesuffix(".npy") for name in pair or ())
    for kinds in (asked,) if asked else _USUAL:
        for word, part in {"": "train", **SPLIT_NAMES}.items():
            for images, labels in _named(kinds, word):
                if images in names and labels in names:
                    parts.setdefault(part, {"images": names[images], "labels": names[labels]})
    if "train" not in parts:
        expected = f"{' and '.join(pair)} of --image and --label" if pair else _EXPECTED_FILES
        raise InputError(f"{files[0].parent}: has the arrays {', '.join(sorted(names))}; expected {expected}")
    for kinds in (asked,) if asked else _USUAL:
        _require_both(names, kinds, parts)
    return parts


def _require_both(names: Mapping[str, str], kinds: tuple[str, ...], parts: Iterable[str]) -> None:
    """Raise ``InputError`` for the images of a split that is not among ``parts``, or for its labels, without others."""
    for word in (word for word, part in SPLIT_NAMES.items() if part not in parts):
        for pair in _named(kinds, word):
            there, absent = sorted(pair, key=lambda name: name not in names)
            if there in names:
                raise InputError(f"{names[there]}: has no {absent}.npy beside it; add that, or move this elsewhere")


def _named(kinds: tuple[str, ...], word: str) -> Iterator[tuple[str, str]]:
    first, second = kinds
    yield (f"{first}_{word}", f"{second}_{word}") if word else (first, second)
    yield (f"{word}_{first}", f"{word}_{second}") if word else (first, second)


# --- what images look like --------------------------------------------------------------------------------------------

Look = tuple[tuple[int, int], bool]
"""Height and width of an image, and whether it has colors; of most images only the size is looked at."""


def _glance(data: ImagesSettings) -> tuple[Counter[tuple[int, int]], bool, int]:
    """Return heights and widths of images, whether some have colors, and how many images there are."""
    count, looks = _LOOKS[data.kind](data)
    seen = list(looks)
    return Counter(size for size, _ in seen), any(colored for _, colored in seen), count


def _of_folder(data: Any) -> tuple[int, Iterator[Look]]:
    _, paths = folder.listing(data)
    return len(paths), _looks(paths[index] for index in range(0, len(paths), max(1, len(paths) // _GLANCED)))


def _of_parquet(data: Any) -> tuple[int, Iterator[Look]]:
    columns = [parquet.Columns(Path(path), data) for path in data.places.values()]
    count = sum(1 for one in columns for _ in one.labels())
    contents = itertools.islice((content for one in columns for content, _ in one.images()), _GLANCED)
    return count, _looks(BytesIO(content) for content in contents)


def _of_arrays(data: Any) -> tuple[int, Iterator[Look]]:
    pairs = [images for images, _ in arrays.pairs(data).values()]
    images, count = pairs[0], sum(len(each) for each in pairs if each.ndim)
    if images.ndim not in (3, 4) or not images.size:
        return count, iter(())  # what is wrong with them is said when all is read
    if images.ndim == 4 and (data.axis == "first" or (data.axis == "auto" and images.shape[3] not in _CHANNELS)):
        images = np.moveaxis(images, 1, 3)
    some = images[:: max(1, len(images) // _DECODED)]
    colored = images.ndim == 4 and images.shape[3] > 1 and bool((some[..., :3] != some[..., :1]).any())
    return count, iter([((images.shape[1], images.shape[2]), colored)])


_LOOKS = {"folder": _of_folder, "parquet": _of_parquet, "arrays": _of_arrays}


def _looks(files: Iterator[Path | BytesIO]) -> Iterator[Look]:
    """Yield what pictures look like; those that cannot be read are named when all is read."""
    for number, file in enumerate(files):
        with suppress(Exception), warnings.catch_warnings():  # Pillow raises whatever it meets in a damaged file
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                turned = image.getexif().get(ExifTags.Base.Orientation) in _TURNED
                size = image.size if turned else (image.height, image.width)
                yield size, number % (_GLANCED // _DECODED) == 0 and _has_colors(image)


def _has_colors(image: Image.Image) -> bool:
    if image.mode in ("1", "L", "LA") or image.mode.startswith("I"):
        return False
    image.draft("RGB", (_SIDE, _SIDE))
    pixels = np.asarray(image.convert("RGB")).astype(np.int16)
    return bool((pixels.max(axis=-1) - pixels.min(axis=-1)).mean() > _COLORFUL)


def _fitting(sizes: Counter[tuple[int, int]]) -> list[int]:
    """Return the height and width that images get: their own if they are small and equal, else about 32 x 32."""
    if len(sizes) == 1 and max(next(iter(sizes))) <= _SMALL:
        return list(next(iter(sizes)))
    every = np.array([size for size, count in sizes.items() for _ in range(count)] or [(1, 1)], float)
    ratio = float(np.median(every[:, 0] / every[:, 1]))  # of height to width
    if 3 / 4 <= ratio <= 4 / 3:
        return [_SIDE, _SIDE]
    other = max(_SHORTEST, 4 * round(_SIDE * min(ratio, 1 / ratio) / 4))
    return [_SIDE, other] if ratio > 1 else [other, _SIDE]
