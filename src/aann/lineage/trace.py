"""What a result came from, followed back from file to file to the data sets.

A file's record names its inputs with their hashes (``aann.lineage.records``). Each is looked for where it was, and then
under the results folder: first among files of its name, then among all of its kind. An input with another hash was
changed since, and is reported. Times are those of Snakemake's benchmark files; no record holds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aann import checkout
from aann.artifacts import is_intact, require_file, sha256
from aann.lineage import records

_FOLDERS_OF_A_SCALE = ("benchmarks", "figures", "datasets")
"""Folders in the folder of a scale. No folder further down has such a name."""


@dataclass(frozen=True)
class Input:
    """An input as a record names it, and the file that it is today, or None.

    ``state`` is `same`, `moved` (the same content at another path), `changed` (other content at the same path) or
    `absent`.
    """

    recorded: str
    sha256: str
    path: Path | None
    state: str


@dataclass(frozen=True)
class File:
    """A file and what is known of how it was made. A file without a record is a source, or was not made here."""

    path: Path
    sha256: str
    record: records.Record | None
    inputs: list[Input]
    made: str | None
    seconds: float | None


@dataclass
class Lineage:
    """A file, all files that it came from, and a line for each thing that does not fit together."""

    root: Path
    files: dict[Path, File] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def trace(path: Path, results: Path | None = None) -> Lineage:
    """Return what a file came from. ``results`` is the folder of its scale, by default the one that it is in.

    Raises ``InputError`` if there is no such file, or if a file on the way is damaged.
    """
    root = shown(require_file(path))
    search = Search(results or results_of(path))
    lineage = Lineage(root)
    waiting = [root]
    while waiting:
        current = waiting.pop()
        if current not in lineage.files:
            found = _file(current, search)
            lineage.files[current] = found
            lineage.problems += _problems(found)
            waiting += [known.path for known in reversed(found.inputs) if known.path is not None]
    return lineage


def results_of(path: Path) -> Path:
    """Return the folder of the scale that a file is in, known by the folders in it; or else the file's own folder."""
    holders = (
        folder for folder in path.absolute().parents if any((folder / name).is_dir() for name in _FOLDERS_OF_A_SCALE)
    )
    return next(holders, path.parent)


def scales(paths: list[Path], results: Path) -> dict[Path, set[str]]:
    """Return the scales of the settings that each file came from. This reads records only, and hashes nothing."""
    search = Search(results)

    @cache
    def recorded(path: Path) -> tuple[str | None, list[Path]]:
        record = records.find(path)
        provenance = record.provenance if record else {}
        placed = [search.place(name) for name in provenance.get("inputs", {})]
        return provenance.get("settings", {}).get("scale"), [found for found in placed if found is not None]

    def scales_of(path: Path) -> set[str]:
        reached, waiting = {path}, [path]
        while waiting:
            above = set(recorded(waiting.pop())[1]) - reached
            reached |= above
            waiting += above
        found = {recorded(file)[0] for file in reached}
        return {scale for scale in found if scale is not None}

    return {path: scales_of(path) for path in paths}


def shown(path: Path) -> Path:
    """Return a path relative to the current folder if it is below that, so that each file has one name."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


class Search:
    """Finds the inputs that records name."""

    def __init__(self, results: Path) -> None:
        self.results = results

    def place(self, recorded: str) -> Path | None:
        """Return the file at a recorded path, below the current folder, one above the results, or the checkout."""
        bases = [Path(), *self.results.absolute().parents, checkout.ROOT]
        return next((shown(base / recorded) for base in bases if (base / recorded).is_file()), None)

    def find(self, recorded: str, digest: str) -> Input:
        """Return an input as it is today."""
        placed = self.place(recorded)
        if placed is not None and sha256(placed) == digest:
            return Input(recorded, digest, placed, "same")
        for candidate in self._candidates(Path(recorded), everywhere=placed is None):
            if sha256(candidate) == digest:
                return Input(recorded, digest, candidate, "moved")
        return Input(recorded, digest, placed, "absent" if placed is None else "changed")

    def _candidates(self, recorded: Path, everywhere: bool) -> Iterator[Path]:
        """Yield files of the same name and then, if ``everywhere``, of the same kind."""
        for pattern in (recorded.name, f"*{recorded.suffix}") if everywhere else (recorded.name,):
            for folder in (self.results, self.results.parent / "datasets"):
                yield from sorted(shown(path) for path in folder.rglob(pattern) if path.is_file())


def benchmark_of(path: Path, results: Path) -> Path | None:
    """Return the benchmark of the job that made a file, below the results of a scale; None if there is none.

    It has the folder and the name of the file, up to a dot. A job for all sparsities at once has no folder for each.
    """
    try:
        relative = path.absolute().relative_to(results.absolute())
    except ValueError:
        return None
    folders = [relative.parent, *([relative.parent.parent] if relative.parent.name.startswith("p") else [])]
    stems = (relative.stem, Path(relative.stem).stem)
    paths = [results / "benchmarks" / folder / f"{stem}.jsonl" for folder in folders for stem in stems]
    return next((benchmark for benchmark in paths if benchmark.is_file()), None)


def _file(path: Path, search: Search) -> File:
    record = records.find(path)
    named = record.provenance.get("inputs", {}) if record else {}
    inputs = [search.find(recorded, digest) for recorded, digest in named.items()]
    return File(path, sha256(path), record, inputs, *_times(benchmark_of(path, search.results)))


def _times(benchmark: Path | None) -> tuple[str | None, float | None]:
    """Return when a job ended, and how many seconds it took; None for what is not known."""
    if benchmark is None:
        return None, None
    made = datetime.fromtimestamp(benchmark.stat().st_mtime, UTC).isoformat(timespec="seconds")
    try:
        return made, float(json.loads(benchmark.read_text(encoding="utf-8").splitlines()[-1])["s"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return made, None


def _problems(file: File) -> Iterator[str]:
    record = file.record
    if record and record.sha256 not in (None, file.sha256):
        yield f"{file.path}: was changed after it was made; its hash differs from what {record.source} recorded"
    elif not is_intact(file.path):
        yield f"{file.path}: was changed after it was made; its hash differs from that of its seal"
    for known in file.inputs:
        if known.state == "changed":
            recorder = record.source if record else file.path
            yield f"{known.path}: was changed after it was used; its hash differs from what {recorder} recorded"
        elif known.state == "absent":
            yield f"{known.recorded}: is an input of {file.path} and is missing; no file has its content"


def to_dict(lineage: Lineage) -> dict[str, Any]:
    """Return a lineage for machines: every file by path, with full hashes and its whole record."""
    return {
        "file": str(lineage.root),
        "files": {str(path): _file_to_dict(file) for path, file in lineage.files.items()},
        "problems": lineage.problems,
    }


def _file_to_dict(file: File) -> dict[str, Any]:
    provenance = dict(file.record.provenance) if file.record else None
    if provenance is not None:
        provenance.pop("inputs", None)
    inputs = [
        {
            "recorded": known.recorded,
            "sha256": known.sha256,
            "path": None if known.path is None else str(known.path),
            "state": known.state,
        }
        for known in file.inputs
    ]
    return {
        "sha256": file.sha256,
        "record": str(file.record.source) if file.record else None,
        "provenance": provenance,
        "inputs": inputs,
        "made": file.made,
        "seconds": file.seconds,
    }
