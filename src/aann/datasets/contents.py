"""What a folder holds, as one hash of the names and contents of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aann.artifacts import atomic_path, to_json
from aann.errors import InputError


def digest(folder: Path, files: Sequence[Path], memory: Path | None = None) -> str:
    """Return a hash of the names, below a folder, and contents of files; nothing if there are none.

    A ``memory`` is a file that keeps hashes beside sizes and times. With it, contents are read only if one of these
    changed, and the hash of a folder that is gone is the last one. Raises ``InputError`` if a file cannot be read.
    """
    known, place = _recall(memory), str(folder.absolute())
    if not files:
        return "" if folder.is_dir() else str(known.get(place, {}).get("sha256", ""))
    try:
        looks = hashlib.sha256(to_json([_look(folder, path) for path in files]).encode()).hexdigest()
        if known.get(place, {}).get("looks") == looks:
            return str(known[place]["sha256"])
        lines = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    except OSError as error:
        raise InputError(f"{error.filename or folder}: cannot be read ({error.strerror}); make it readable") from error
    found = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    if memory is not None:
        with suppress(InputError), atomic_path(memory, seal=False) as temporary:
            temporary.write_text(to_json(known | {place: {"looks": looks, "sha256": found}}))
    return found


def _look(folder: Path, path: Path) -> list[Any]:
    status = path.stat()
    return [str(path.relative_to(folder)), status.st_size, status.st_mtime_ns]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recall(memory: Path | None) -> dict[str, Any]:
    if memory is not None:
        with suppress(OSError, ValueError):
            known = json.loads(memory.read_text())
            return known if isinstance(known, dict) else {}
    return {}
