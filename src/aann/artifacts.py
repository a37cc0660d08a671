"""Files that are complete or absent: atomic writing, hashes, and metadata that travels inside the file.

Every output is written under a temporary name beside its own, and then renamed. So an interrupted job leaves nothing
that could be taken for a result. Each output has a seal beside it: a hidden file with its hash, as ``sha256sum`` writes
it. Whatever reads the output compares the two, and reports a damaged or swapped file instead of using it. Networks and
arrays are safetensors, tables are Parquet or CSV; nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aann.errors import InputError

_METADATA_KEY = "aann"
_UNFINISHED = ".unfinished."
"""How names of files begin that are not complete yet."""


@contextmanager
def atomic_path(path: Path | str, seal: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path``. It replaces ``path`` if the block ends well, and is deleted if not.

    The file gets a seal, unless ``seal`` is False, for files whose hash is known elsewhere. Raises ``InputError`` if
    the folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{_UNFINISHED}{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InputError(
            f"{path.parent}: cannot write here ({error.strerror}); make the folder writable or choose another"
        ) from error
    os.close(handle)
    temporary = Path(name)
    temporary_seal = seal_of(temporary)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        if seal:
            temporary_seal.write_bytes(_seal(path.name, sha256(temporary)))
            _flush(temporary_seal)
        # In this order, a kill may leave a complete file without a seal, but never a file with the seal of another.
        seal_of(path).unlink(missing_ok=True)
        temporary.replace(path)
        if seal:
            temporary_seal.replace(seal_of(path))
    except OSError as error:
        raise InputError(f"{path}: could not be written ({error.strerror or error}); nothing was kept of it") from error
    finally:
        temporary.unlink(missing_ok=True)
        temporary_seal.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with path.open("rb") as written:
        os.fsync(written.fileno())


def discard(path: Path | str) -> None:
    """Delete a file and its seal, if they are there."""
    Path(path).unlink(missing_ok=True)
    seal_of(path).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def require_writable(folder: Path | str, setting: str) -> None:
    """Raise ``InputError`` unless files can be made in the folder of a setting, or that folder if it is missing."""
    existing = next(path for path in (Path(folder).absolute(), *Path(folder).absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        reason = "is not writable" if existing.is_dir() else "is not a folder"
        raise InputError(
            f"{existing}: {reason}, so nothing can be made in {folder}; make it writable or choose another folder with "
            f"the setting '{setting}'"
        )


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file, in hexadecimal; raise ``InputError`` if there is no such file.

    A process hashes a file again only if it was written to since.
    """
    path = require_file(path)
    status = path.stat()
    return _sha256(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _sha256(path: Path, *version: int) -> str:
    """Return the SHA-256 of one version of a file. Its inode, size and times tell versions apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_unfinished(name: str) -> bool:
    """Return whether a name is one that ``atomic_path`` gives a file, or its seal, until it is complete."""
    return name.startswith((_UNFINISHED, seal_of(_UNFINISHED).name.removesuffix(".sha256")))


def seal_of(path: Path | str) -> Path:
    """Return the path of a file's seal: `.name.sha256` beside `name`."""
    path = Path(path)
    return path.with_name(f".{path.name}.sha256")


def _seal(name: str, digest: str) -> bytes:
    """Return the content of a seal, a line that ``sha256sum --check`` reads."""
    return f"{digest}  {name}\n".encode()


def is_sealed(path: Path | str) -> bool:
    """Return whether a file has a seal."""
    return seal_of(path).is_file()


def is_intact(path: Path | str) -> bool:
    """Return whether a file is what its seal says. A file without a seal was not written here, and counts as intact.

    Raises ``InputError`` if there is no such file.
    """
    path = require_file(path)
    try:
        sealed = seal_of(path).read_bytes()
    except FileNotFoundError:
        return True
    return sealed == _seal(path.name, sha256(path))


def remedy(path: Path | str, rebuild: str = "delete it and run again to rebuild it") -> str:
    """Return what to do about a file that is of no use; only one that was written here, with a seal, may be deleted."""
    return rebuild if is_sealed(path) else "name a file that this package wrote, or make that again"


def require_intact(path: Path | str) -> Path:
    """Return ``path`` if a file is there and is what its seal says; raise ``InputError`` if not."""
    path = Path(path)
    if not is_intact(path):
        raise InputError(
            f"{path}: is not what was written there (damaged, swapped or of an older version); delete it and run again "
            f"to rebuild it, or delete its seal {seal_of(path).name} to use it as it is"
        )
    return path


def to_json(value: Any) -> str:
    """Return ``value`` as JSON that depends on nothing but ``value``."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def write_arrays(path: Path | str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write named arrays and JSON metadata as one safetensors file.

    All metadata is under one key, since safetensors does not keep the order of several keys. So equal content gives
    equal bytes.
    """
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(contiguous, {_METADATA_KEY: to_json(metadata)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_arrays(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what ``write_arrays`` wrote: the arrays by name, and the metadata.

    Raises ``InputError`` if the file is missing, is not what its seal says, is not a safetensors file, or was not
    written by this package.
    """
    return _read_arrays(path, with_arrays=True)


def read_array_metadata(path: Path | str) -> dict[str, Any]:
    """Read the metadata that ``write_arrays`` wrote, and no arrays. Raises ``InputError`` as ``read_arrays`` does."""
    return _read_arrays(path, with_arrays=False)[1]


def _read_arrays(path: Path | str, with_arrays: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    path = require_intact(path)
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in (file.keys() if with_arrays else ())}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise InputError(f"{path}: truncated or not a safetensors file ({error}); {remedy(path)}") from error
    if _METADATA_KEY not in header:
        raise InputError(f"{path}: has no metadata of this package; {remedy(path)}")
    try:
        return arrays, json.loads(header[_METADATA_KEY])
    except ValueError as error:
        raise InputError(f"{path}: its metadata is not JSON; {remedy(path)}") from error


def require_file(path: Path | str) -> Path:
    """Return ``path`` if a file is there; raise ``InputError`` if not."""
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a file, so name one in it")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; run the stage that makes it first")
    return path


def write_table(path: Path | str, table: Any, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a pandas table as Parquet (with ``metadata`` in its schema) or as CSV, by the ending of ``path``.

    Raises ``InputError`` for another ending.
    """
    if Path(path).suffix == ".parquet":
        write_tables(path, [table], metadata)
    elif Path(path).suffix == ".csv":
        with atomic_path(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
    else:
        raise InputError(f"{path}: expected a name that ends in .csv or .parquet")


def write_tables(path: Path | str, tables: Iterable[Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Write one or more pandas tables of the same columns as one Parquet file, one after the other.

    Python opens the file, here and where Parquet is read. Pyarrow would take the path for UTF-8, which the locale may
    not use.
    """
    import pyarrow
    import pyarrow.parquet

    described = {_METADATA_KEY.encode(): to_json(metadata or {}).encode()}
    with atomic_path(path) as temporary, temporary.open("wb") as file, ExitStack() as stack:
        writer = None
        for table in tables:
            arrow = pyarrow.Table.from_pandas(table, preserve_index=False)
            arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **described})
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(file, arrow.schema, compression="zstd")
                stack.enter_context(writer)
            writer.write_table(arrow.cast(writer.schema))


def read_table_metadata(path: Path | str) -> dict[str, Any]:
    """Return the metadata of a Parquet table that ``write_table`` wrote; raise ``InputError`` if it cannot be read."""
    import pyarrow.parquet

    path = require_file(path)
    try:
        with path.open("rb") as file:
            header = pyarrow.parquet.read_metadata(file).metadata or {}
        found: dict[str, Any] = json.loads(header[_METADATA_KEY.encode()])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as a table of this package; {remedy(path)}") from error
    return found


def read_table(
    path: Path | str, columns: tuple[str, ...] = (), text: tuple[str, ...] = (), optional_text: tuple[str, ...] = ()
) -> Any:
    """Read a Parquet or CSV table with pandas. It must have ``columns``, which hold numbers, and columns of ``text``.

    Columns of ``optional_text`` are text, too, but may be missing.

    Raises ``InputError`` if the file is missing, unreadable or empty, or is not what its seal says. It also does so if
    a column is missing, or holds no numbers.
    """
    import pandas

    path, words = require_intact(path), (*text, *optional_text)
    try:
        with path.open("rb") as file:
            table = (
                pandas.read_csv(file, dtype=dict.fromkeys(words, str)).fillna(dict.fromkeys(words, ""))
                if path.suffix == ".csv"
                else pandas.read_parquet(file)
            )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table ({reason}); {remedy(path)}") from error
    missing = [column for column in (*columns, *text) if column not in table.columns]
    if missing:
        raise InputError(f"{path}: lacks the column {missing[0]!r}; {remedy(path)}")
    wrong = [column for column in columns if not pandas.api.types.is_numeric_dtype(table[column])]
    if table.empty or wrong:
        reason = f"its column {wrong[0]!r} holds no numbers" if wrong and not table.empty else "has no rows"
        raise InputError(f"{path}: {reason}; {remedy(path)}")
    return table
