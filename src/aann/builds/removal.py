"""Removing the results of a scale: all that the workflow made, and nothing else.

`snakemake --delete-all-output` deletes only what rules name. It leaves seals, records of provenance, checkpoints of
searches, parts of surveys, logs and benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aann.artifacts import is_sealed
from aann.builds.safeguards import LOCK, hold_lock, remove_unfinished
from aann.errors import InputError

_BESIDE = ("logs", "benchmarks")
"""Folders of a scale in which nothing is sealed."""
_UNSEALED = ("report.html", "jobs/rules.mmd")
"""What Snakemake itself writes to the folder of a scale: its report, and its graph of rules."""


@dataclass(frozen=True)
class Removed:
    """How many files were removed, and which files stay because the workflow did not make them."""

    files: int
    kept: list[Path]


def remove(results: Path) -> Removed:
    """Remove what the workflow made in the folder of a scale, and then the folders that this left empty.

    The folder itself stays if it is a link, such as to another disk, or the one that this runs in (`.`).

    Raises ``InputError`` if the folder is not that of a scale, or if a build is at work in it.
    """
    if not (results / LOCK).is_file():
        raise InputError(
            f"{results}: has no {LOCK}, which every build leaves; name the folder of a scale, such as results/quick"
        )
    hold_lock(results / LOCK)
    before = _files(results)
    remove_unfinished(results)
    made = [path for path in _files(results) if _is_made_here(path, results)]
    for path in sorted(made, key=lambda path: path == results / LOCK):  # no build starts before all are gone
        path.unlink()
    kept = _files(results)
    for folder in sorted({folder for path in before for folder in _up_to(results, path)}, reverse=True):
        if not any(folder.iterdir()) and _may_go(folder):
            folder.rmdir()
    return Removed(len(before) - len(kept), kept)


def _up_to(results: Path, path: Path) -> list[Path]:
    """Return the folders that a file below ``results`` is in, and ``results`` itself."""
    return [folder for folder in path.parents if folder.is_relative_to(results)]


def _may_go(folder: Path) -> bool:
    """Return whether an empty folder has a name of its own: it is not a link to another, and not named by dots."""
    return not folder.is_symlink() and folder.name not in ("", "..")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _is_made_here(path: Path, results: Path) -> bool:
    """Return whether a file is a result with a seal, a seal, or a file that the workflow writes beside results."""
    relative = path.relative_to(results)
    is_seal = path.name.startswith(".") and path.suffix == ".sha256"
    return relative.parts[0] in _BESIDE or relative.as_posix() in _UNSEALED or is_seal or is_sealed(path)
