"""Removing the results of a scale: all that the workflow made, and nothing else.

`snakemake --delete-all-output` deletes only what rules name. It leaves seals, records of provenance, checkpoints of
searches, parts of surveys, logs and benchmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aann.artifacts import is_sealed
from aann.builds.safeguards import hold_lock, remove_unfinished
from aann.errors import InputError

LOCK = Path("logs/build.lock")
"""What a build locks in the folder of its scale."""
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
    """Remove what the workflow made in the folder of a scale, and then all empty folders.

    Raises ``InputError`` if the folder is not that of a scale, or if a build is at work in it.
    """
    if not any((results / name).is_dir() for name in _BESIDE):
        raise InputError(
            f"{results}: has no {'/ or '.join(_BESIDE)}/ of builds; name the folder of a scale, such as results/quick"
        )
    hold_lock(results / LOCK)
    before = _files(results)
    remove_unfinished(results)
    made = [path for path in _files(results) if _is_made_here(path, results)]
    for path in sorted(made, key=lambda path: path == results / LOCK):  # no build starts before all are gone
        path.unlink()
    kept = _files(results)
    for folder in sorted((path for path in results.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    if not kept:
        results.rmdir()
    return Removed(len(before) - len(kept), kept)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _is_made_here(path: Path, results: Path) -> bool:
    """Return whether a file is a result with a seal, a seal, or a file that the workflow writes beside results."""
    relative = path.relative_to(results)
    is_seal = path.name.startswith(".") and path.suffix == ".sha256"
    return relative.parts[0] in _BESIDE or relative.as_posix() in _UNSEALED or is_seal or is_sealed(path)
