"""Arrays of NumPy: an ``.npz`` file, or pairs of ``.npy`` files. Python objects in them are never read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from aann.artifacts import require_file
from aann.catalog import PARTS, SPLIT_NAMES
from aann.datasets import values
from aann.datasets.sources import Found
from aann.errors import AdvisedError, InputError
from aann.settings.datasets import ArraysDataSettings

_IMAGES = ("images", "image", "x", "data")
_LABELS = ("labels", "label", "y", "targets", "target")

_DAMAGED = (ValueError, ArithmeticError, EOFError, MemoryError, OSError, SyntaxError, zlib.error, zipfile.BadZipFile)
"""What NumPy raises for a file that is damaged; for a header of a huge shape, that there is no memory for it."""


def read(data: ArraysDataSettings, archives: Path) -> Found:
    """Return images and labels of files; raise ``InputError`` that names a file in which something is wrong."""
    where = data.file or ", ".join(pair.images for pair in data.pairs.values())
    return values.found(pairs(data), data, data.axis, where)


def pairs(data: ArraysDataSettings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images and labels by split, as they are in the files. Raises ``InputError`` as ``read`` does."""
    if data.file is not None:
        return _unpacked(data, Path(data.file))
    named = {str(part): (Path(pair.images), Path(pair.labels)) for part, pair in data.pairs.items()}
    return {part: (_read_npy(images), _read_npy(labels)) for part, (images, labels) in named.items()}


def files(data: ArraysDataSettings, archives: Path) -> list[Path]:
    """Return the files."""
    return [Path(path) for path in data.places.values()]


def _read_npy(path: Path) -> np.ndarray:
    with require_file(path).open("rb") as file:
        return _array(file, str(path))


def _array(file: IO[bytes], where: str) -> np.ndarray:
    """Return an array; NumPy refuses objects unless it is told to read them."""
    try:
        found: np.ndarray = np.lib.format.read_array(file)
    except _DAMAGED as error:
        objects = "Object arrays" in str(error)
        reason = "it holds Python objects, which are never read" if objects else " ".join(str(error).split())
        raise InputError(
            f"{where}: cannot be read as an array of numbers ({reason}); save it again with numpy.save"
        ) from error
    return found


def _unpacked(data: ArraysDataSettings, path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    try:
        with zipfile.ZipFile(require_file(path)) as archive:
            members = {Path(name).stem if name.endswith(".npy") else name: name for name in archive.namelist()}
            chosen = _named(data, members, path) or dict(_usual(members, path))
            made = {}
            for part, names in chosen.items():
                pair = []
                for name in names:
                    with archive.open(members[name]) as file:
                        pair.append(_array(file, f"{path}: {name}"))
                made[part] = (pair[0], pair[1])
            return made
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"{path}: cannot be read as an .npz file ({error}); expected one of numpy.savez") from error


def _named(data: ArraysDataSettings, members: Mapping[str, str], path: Path) -> dict[str, tuple[str, str]]:
    """Return the arrays that the settings name."""
    chosen = {str(part): (pair.images, pair.labels) for part, pair in data.pairs.items()}
    for part, pair in chosen.items():
        absent = [name for name in pair if name not in members]
        if absent:
            raise InputError(f"{path}: has no array {absent[0]!r} of pairs.{part}; it has {', '.join(members)}")
    if chosen and "train" not in chosen:
        raise InputError(f"{path}: pairs has no train; name its images and labels")
    return chosen


def _usual(members: Mapping[str, str], path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each split and its arrays, found by their usual names."""
    known = {name.lower(): name for name in members}
    for part in PARTS:
        words = tuple(word for word, meant in SPLIT_NAMES.items() if meant == part)
        images, labels = (_first(known, kinds, words, part) for kinds in (_IMAGES, _LABELS))
        if images and labels:
            yield part, (images, labels)
        elif images or labels or part == "train":
            raise AdvisedError(
                f"{path}: holds {', '.join(members) or 'no arrays'}; expected images and labels, x_train and y_train, "
                "or train_images and train_labels",
                "or name them with pairs",
                "or name them with --image and --label",
            )


def _first(known: Mapping[str, str], kinds: tuple[str, ...], words: tuple[str, ...], part: str) -> str | None:
    names = [name for kind in kinds for word in words for name in (f"{kind}_{word}", f"{word}_{kind}")]
    names += kinds if part == "train" else ()
    return next((known[name] for name in names if name in known), None)
