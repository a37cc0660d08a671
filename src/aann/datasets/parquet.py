"""Parquet files as model hubs hold sets of images: a column of encoded images, and one of labels.

An image is bytes, or a struct of bytes and a path. Names of classes are in the schema's metadata (key ``huggingface``),
or labels are names themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from tqdm import tqdm

from aann.artifacts import require_file
from aann.datasets import values
from aann.datasets.pictures import Pictures
from aann.datasets.sources import Found
from aann.errors import AdvisedError, InputError
from aann.settings.datasets import ParquetDataSettings

_IMAGES = ("image", "images", "img")
_LABELS = ("label", "labels", "class", "target", "fine_label")
_AT_ONCE = 256
_SHOWN = 12
"""Names of classes that a message lists."""


def read(data: ParquetDataSettings, archives: Path) -> Found:
    """Return the images of Parquet files; raise ``InputError`` that names a file in which something is wrong."""
    paths = {str(part): [Path(path) for path in listed] for part, listed in data.files.items() if listed}
    where = {part: f"{', '.join(map(str, listed))}" for part, listed in paths.items()}
    columns = {path: Columns(path, data) for listed in paths.values() for path in listed}
    labels = {part: [label for path in listed for label in columns[path].labels()] for part, listed in paths.items()}
    numbers, names = values.classes_of(labels, data, where["train"])
    counts = {"images": 0, "unreadable": 0}
    parts = {}
    for part, listed in paths.items():
        pictures = Pictures(len(numbers[part]), data, data.skip_unreadable)
        images = (image for path in listed for image in columns[path].images())
        for (content, place), label in tqdm(
            zip(images, numbers[part].tolist(), strict=True), unit=" images", mininterval=5, desc=part
        ):
            pictures.add(BytesIO(content), label, place)
        parts[part] = pictures.images()
        counts["images"] += len(parts[part])
        counts["unreadable"] += pictures.unreadable
    return Found(parts, names or _names_of(columns), counts)


def _names_of(columns: Mapping[Path, Columns]) -> list[str] | None:
    """Return the names of the classes that files have; raise ``InputError`` if two files number classes otherwise."""
    found = {path: names for path, one in columns.items() if (names := one.names())}
    first = next(iter(found), None)
    for path, names in found.items():
        if first and names != found[first]:
            raise InputError(
                f"{path}: numbers the classes {', '.join(names[:_SHOWN])}, but {first} numbers them "
                f"{', '.join(found[first][:_SHOWN])}; number them the same in all files"
            )
    return found[first] if first else None


def files(data: ParquetDataSettings, archives: Path) -> list[Path]:
    """Return the files."""
    return [Path(path) for path in data.places.values()]


class Columns:
    """The columns of a file that have images and labels."""

    def __init__(self, path: Path, data: ParquetDataSettings) -> None:
        self._path = require_file(path)
        with self._opened() as file:
            self._schema = file.schema_arrow
        self._image = self._find("image", data.image, self._images(data.image))
        numbered = [name for name in _LABELS if name in self._schema.names]
        self._label = self._find("label", data.label, numbered)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with self._path.open("rb") as file:
                yield pyarrow.parquet.ParquetFile(file)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{self._path}: cannot be read as Parquet ({reason}); get it again") from error

    def _images(self, named: str) -> list[str]:
        """Return the columns of images, those of usual names first."""
        found = [field.name for field in self._schema if _is_image(field.type)]
        usual = [name for name in _IMAGES if name in found]
        if len(found) > 1 and not (usual or named):
            problem = f"{self._path}: has several columns of images: {', '.join(found)}"
            raise AdvisedError(problem, "name one with image", "name one with --image")
        return [*usual, *found]

    def _find(self, kind: str, named: str, candidates: list[str]) -> str:
        names = self._schema.names
        if (named and named not in names) or not (named or candidates):
            lacks = f"has no column {named!r}" if named else f"has no column of {kind}s that is known as one"
            raise AdvisedError(
                f"{self._path}: {lacks}",
                f"name one with {kind}: it has {', '.join(names)}",
                f"name one with --{kind}: it has {', '.join(names)}",
            )
        if kind == "image" and named and not candidates.count(named):
            raise InputError(f"{self._path}: column {named!r} is of {self._schema.field(named).type}, not of images")
        return named or candidates[0]

    def _rows(self, column: str) -> Iterator[tuple[int, Any]]:
        with self._opened() as file:
            batches = file.iter_batches(_AT_ONCE, columns=[column])
            yield from enumerate(value for batch in batches for value in batch.column(0).to_pylist())

    def labels(self) -> Iterator[Any]:
        """Yield the labels."""
        for row, label in self._rows(self._label):
            if label is None:
                raise InputError(f"{self._path}: row {row} has no {self._label}; expected a class for each image")
            yield label

    def images(self) -> Iterator[tuple[bytes, str]]:
        """Yield the bytes of each image, and where it is."""
        for row, value in self._rows(self._image):
            content = value.get("bytes") if isinstance(value, dict) else value
            if not content:
                raise InputError(f"{self._path}: row {row} has no bytes in {self._image}; expected images in the file")
            yield content, f"{self._path}: row {row}"

    def names(self) -> list[str] | None:
        """Return the names of the classes that the schema's metadata has, if it has any."""
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            described = json.loads((self._schema.metadata or {})[b"huggingface"])
            names = described["info"]["features"][self._label]["names"]
            return [str(name) for name in names] if isinstance(names, list) else None
        return None


def _is_image(kind: Any) -> bool:
    if pyarrow.types.is_struct(kind):
        return any(field.name == "bytes" and _is_image(field.type) for field in kind.fields)
    return bool(pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind))
