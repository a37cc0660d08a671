"""Releases: what figures and claims were drawn from, so that they can be drawn again without training anything.

A release is a folder with every file that a drawn result names as its input, all ternary networks, and a manifest. The
manifest has the hash of each file, of each drawn result, and of the files that these came from and that are too large
to ship. Files have their paths below the folder of their scale. Networks are gzip files, a fifth of their size.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aann import checkout
from aann.artifacts import atomic_path, require_intact, sha256, to_json
from aann.errors import InputError
from aann.lineage import records
from aann.lineage.provenance import versions
from aann.lineage.trace import Search, shown

MANIFEST = "manifest.json"
_COMPRESSED = (".safetensors",)
_DRAWN = ("figures", "claims", "report")
"""Folders of a scale that hold what is drawn again."""

_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)
"""A path below the folder of a scale, as the workflow writes it; it cannot lead out of that folder."""


def pack(
    results: Path, drawn: Sequence[Path], networks: Sequence[Path], folder: Path, replace: bool = False
) -> dict[str, Any]:
    """Write a release of the results of a scale, and return its manifest.

    ``drawn`` are the results that can be drawn again; each says what it came from. ``networks`` are shipped too. With
    ``replace``, the new release replaces an intact one at ``folder`` once it is complete. It keeps the earlier one's
    hashes of sources that are missing here, since the results may have been unpacked from that release.

    Raises ``InputError`` if ``folder`` exists and may not be replaced, or if a file is missing, is not what its seal
    says or lies outside of ``results``. It also does so if an input has changed since a result was drawn from it, or is
    not found. What is read from the checkout is no part of a release, such as the file of claims.
    """
    if folder.exists() and not replace:
        raise InputError(f"{folder}: is there already; delete it, or name another folder for the release")
    known: dict[str, str] = verify(folder).get("sources", {}) if folder.exists() else {}
    shipped = {path: _record(path) for path in sorted({*_inputs(drawn, results), *map(shown, networks)})}
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    packed: dict[str, dict[str, Any]] = {}
    for path, record in shipped.items():
        packed |= _pack(path, record, results, partial, shipped)
    manifest = {
        "scale": results.absolute().name,
        "versions": versions(),
        "files": packed,
        "drawn": {_below(path, results): sha256(path) for path in sorted(drawn)},
        "sources": _sources(shipped, known, results),
    }
    with atomic_path(partial / MANIFEST, seal=False) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    partial.replace(folder)
    return manifest


def _inputs(drawn: Iterable[Path], results: Path) -> Iterator[Path]:
    """Yield the files that drawn results came from, but the checkout's own and those that are drawn themselves."""
    place = Search(results).place
    for result in drawn:
        record = _record(result)
        if record is None:
            raise InputError(f"{result}: does not say what it came from; draw it again")
        for recorded, digest in record.provenance.get("inputs", {}).items():
            path = place(recorded)
            if path is None:
                raise InputError(
                    f"{recorded}: is not there, and {result} was drawn from it; draw it again, with 'results' in the "
                    "settings as a path that is not absolute"
                )
            if checkout.within(path.absolute()) or _below(path, results).split("/")[0] in _DRAWN:
                continue
            if sha256(require_intact(path)) != digest:
                raise InputError(f"{path}: was changed after {result} was drawn from it; draw it again")
            yield path


def _pack(
    path: Path, record: records.Record | None, results: Path, folder: Path, shipped: Container[Path]
) -> dict[str, dict[str, Any]]:
    """Copy a file, and its record if that is in a file that is not shipped; return their part of the manifest."""
    name, content = _below(path, results), path.read_bytes()
    contents = {name: content}
    if record and record.source not in shipped:
        written = to_json({"sha256": hashlib.sha256(content).hexdigest(), "provenance": record.provenance})
        contents[name + records.ENDING] = f"{written}\n".encode()
    for name, content in contents.items():
        with atomic_path(folder / _stored(name), seal=False) as temporary:
            temporary.write_bytes(gzip.compress(content, mtime=0) if _stored(name) != name else content)
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }


def _record(path: Path) -> records.Record | None:
    """Return the record of a file; raise ``InputError`` if either is not what its seal says."""
    record = records.find(require_intact(path))
    if record:
        require_intact(record.source)
    return record


def _sources(shipped: Iterable[Path], known: Mapping[str, str], results: Path) -> dict[str, str]:
    """Return the hashes of the files that shipped files came from but that are not shipped, by recorded path.

    A missing source cannot say what it came from. If ``known``, the sources of an earlier release, has it by the same
    hash, all of ``known`` are returned as well, except those in whose place another file is today.
    """
    place = Search(results).place
    found: dict[str, str] = {}
    reached, waiting = set(shipped), list(shipped)
    while waiting:
        record = records.find(waiting.pop())
        for recorded, digest in (record.provenance.get("inputs", {}) if record else {}).items():
            path = place(recorded)
            if path not in reached:
                found[recorded] = digest
            if path and path not in reached:
                reached.add(path)
                waiting.append(path)
    if any(known.get(recorded) == digest and not place(recorded) for recorded, digest in found.items()):
        for recorded, digest in known.items():
            path = place(recorded)
            if path not in reached and not (path and sha256(path) != digest):
                found[recorded] = digest
    return found


def unpack(folder: Path, results: Path) -> int:
    """Verify a release and put its files below ``results``. Files that are there already stay as they are.

    Returns how many files the release has. Raises ``InputError`` as ``verify`` does, before anything is written. It
    also does so if ``results`` is the folder of another scale, or if a file there differs from that of the release.
    """
    manifest = verify(folder)
    if results.absolute().name != manifest["scale"]:
        raise InputError(f"{results}: is not the folder of the scale {manifest['scale']!r}, which {folder} belongs to")
    missing = [name for name, entry in manifest["files"].items() if not _is_there(results / name, entry["sha256"])]
    for name in missing:
        with atomic_path(results / name) as temporary:
            temporary.write_bytes(_content(folder, name))
    return len(manifest["files"])


def _is_there(path: Path, digest: str) -> bool:
    if not path.exists():
        return False
    if sha256(path) != digest:
        raise InputError(f"{path}: differs from that of the release; move these results away, or name another folder")
    return True


def verify(folder: Path) -> dict[str, Any]:
    """Return the manifest of a release, after every file was found to have the hash that the manifest says.

    Raises ``InputError`` with the name of a file that is missing, damaged, a link, or not in the manifest.
    """
    manifest = read_manifest(folder)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InputError(f"{path}: is a link, and a release has none; {_GET_AGAIN}")
    for name, entry in manifest["files"].items():
        if hashlib.sha256(_content(folder, name)).hexdigest() != entry["sha256"]:
            raise InputError(f"{folder / _stored(name)}: is damaged: not what {folder / MANIFEST} says; {_GET_AGAIN}")
    known = {folder / MANIFEST, *(folder / _stored(name) for name in manifest["files"])}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in known:
            raise InputError(f"{path}: is not in {folder / MANIFEST}; {_GET_AGAIN}")
    return manifest


_GET_AGAIN = "get the release again, as a whole"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a release; raise ``InputError`` if there is none, or if it is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{path}: there is no such file, so {folder} is no release; {_GET_AGAIN}")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = [*manifest["files"], *manifest["drawn"]]
        hashes = [entry["sha256"] for entry in manifest["files"].values()]
        intact = all(isinstance(text, str) for text in (*hashes, manifest["scale"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is not the manifest of a release; {_GET_AGAIN}") from error
    if not intact or not all(map(_NAME.fullmatch, names)):
        raise InputError(f"{path}: is not the manifest of a release; {_GET_AGAIN}")
    return manifest


def differing(folder: Path, results: Path) -> list[str]:
    """Return a line for each drawn result of a release that is missing below ``results`` or has other bytes there.

    Raises ``InputError`` as ``read_manifest`` does.
    """
    found = []
    for name, digest in read_manifest(folder)["drawn"].items():
        path = results / name
        if not path.is_file():
            found.append(f"{path}: is missing")
        elif sha256(path) != digest:
            found.append(f"{path}: differs from that of the release")
    return found


def _content(folder: Path, name: str) -> bytes:
    path = folder / _stored(name)
    if not path.is_file():
        raise InputError(f"{path}: is missing, but {folder / MANIFEST} names it; {_GET_AGAIN}")
    content = path.read_bytes()
    if path.name == Path(name).name:
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is damaged: not a whole gzip file; {_GET_AGAIN}") from error


def _stored(name: str) -> str:
    return f"{name}.gz" if name.endswith(_COMPRESSED) else name


def _below(path: Path, folder: Path) -> str:
    if not path.absolute().is_relative_to(folder.absolute()):
        raise InputError(f"{path}: lies outside of {folder}, so it cannot be part of its release")
    return path.absolute().relative_to(folder.absolute()).as_posix()
