"""Where the provenance of a file is: inside it, in an output of the same job, or beside it.

Networks, Parquet tables, PNG, MP4 and JSON results carry it inside. A CSV table cannot. Most CSV tables are written by
a job that also writes a file that can, and share its provenance: `seed0.accuracy.csv` that of `seed0.safetensors`,
`figure_2a.csv` that of `figure_2a.png`. Other CSV tables, such as those that gather others, have a record beside them:
`accuracies.csv.provenance.json`. A record also has the hash of its table, which shows whether it is of that very table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aann import extras
from aann.artifacts import atomic_path, read_table_metadata, remedy, require_file, require_intact, sha256, to_json
from aann.errors import InputError

ENDING = ".provenance.json"
"""The ending that a record adds to the name of its file."""


@dataclass(frozen=True)
class Record:
    """The provenance of a file, the file that holds it, and the first file's hash if the record has it."""

    provenance: dict[str, Any]
    source: Path
    sha256: str | None = None


def write_beside(path: Path | str, provenance: Mapping[str, Any]) -> None:
    """Write a record beside a file that is complete."""
    with atomic_path(_beside(Path(path))) as temporary:
        temporary.write_text(to_json({"sha256": sha256(path), "provenance": dict(provenance)}) + "\n", encoding="utf-8")


def find(path: Path) -> Record | None:
    """Return the record of a file; None if it has none, as a downloaded archive.

    Raises ``InputError`` if the file that holds the record is damaged.
    """
    beside = _beside(path)
    if beside.is_file():
        read = _read_json(require_intact(beside))
        return Record(_provenance(read, beside), beside, str(read.get("sha256")))
    for source in (path, *_siblings(path)):
        metadata = _metadata(source) if source.is_file() else None
        if metadata is not None:
            return Record(_provenance(metadata, source), source)
    return None


def recorded(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that have a record inside or beside them, in order of their paths."""
    for path in sorted(folder.rglob("*")):
        if path.name.endswith(ENDING):
            yield path.with_name(path.name.removesuffix(ENDING))
        elif path.suffix in _READERS:
            yield path


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ENDING)


def _siblings(path: Path) -> Iterator[Path]:
    """Yield what the same job may have written: files of the same name up to its last dot, or to the one before."""
    for stem in dict.fromkeys((path.stem, Path(path.stem).stem)):
        for ending in _READERS:
            yield path.with_name(stem + ending)


def _metadata(path: Path) -> dict[str, Any] | None:
    """Return the metadata inside a file; None if files of its kind have none."""
    reader = _READERS.get(path.suffix)
    return reader(path) if reader else None


def _provenance(metadata: Mapping[str, Any], source: Path) -> dict[str, Any]:
    found = metadata.get("provenance")
    if not isinstance(found, dict) or not isinstance(found.get("inputs", {}), dict):
        raise InputError(f"{source}: does not say what it came from; {remedy(source)}")
    return found


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, Any] = json.loads((file.metadata() or {})["aann"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a file of this package; {remedy(path)}") from error
    return metadata


def _read_png(path: Path) -> dict[str, Any]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return {"provenance": json.loads(image.info["Provenance"])}
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a figure of this package; {remedy(path)}") from error


def _read_mp4(path: Path) -> dict[str, Any]:
    with extras.named():
        import av
    try:
        with av.open(str(path)) as container:
            return {"provenance": json.loads(container.metadata["comment"])}
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a video of this package; {remedy(path)}") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(require_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not JSON; {remedy(path)}") from error
    if not isinstance(read, dict):
        raise InputError(f"{path}: holds no mapping; {remedy(path)}")
    return read


_READERS = {
    ".safetensors": _read_safetensors,
    ".parquet": read_table_metadata,
    ".png": _read_png,
    ".mp4": _read_mp4,
    ".json": _read_json,
}
"""How to read the metadata inside a file, by its ending."""
