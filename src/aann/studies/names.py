"""Names of studies: what they are called by default, and which names other results have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aann.errors import InputError
from aann.lineage import records
from aann.settings.files import read_yaml
from aann.settings.messages import require
from aann.settings.types import Name
from aann.studies.looking import KINDS

TAKEN = ("paper", "quick", "again", "datasets")
"""Folders below `results/` that are not a study's: those of the paper's own scales, and of archives."""


def slug(path: Path) -> str:
    """Return a name for the study of a path: letters, digits and hyphens, as settings have names."""
    plain = re.sub(r"[^a-z0-9]+", "-", path.resolve().stem.lower()).strip("-") or "data"
    named = plain if plain[0].isalpha() else f"data-{plain}"
    return f"{named[:56]}-study" if named in TAKEN else named[:64]


def require_name(name: str) -> None:
    """Raise ``InputError`` unless a study may be called so."""
    require(Name, name, "--name")
    if name in TAKEN:
        raise InputError(f"--name {name}: results/{name}/ has other results than those of a study; give another name")


def require_own(name: str, entry: Mapping[str, Any], folder: Path) -> None:
    """Raise ``InputError`` if a study of other data has the name: one in ``folder``, or one whose results are here.

    ``entry`` are this study's data. A study of the same data may be written again, to change it.
    """
    for source, datasets in (*_written(name, folder), *_built(name)):
        if _places({name: entry}).isdisjoint(_places(datasets)):
            raise InputError(
                f"{source}: is of a study of other data that is called {name!r}, too, so both would have their results "
                f"in results/{name}/; give this one another name with --name"
            )


def _written(name: str, folder: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the files of studies of a name, and the data sets of each."""
    for path in sorted(folder.glob("*.y*ml")):
        with suppress(InputError):
            values = read_yaml(path)
            if values.get("standalone") and values.get("scale") == name:
                yield path, values.get("datasets")


def _built(name: str) -> Iterator[tuple[Path, Any]]:
    """Yield the splits in the results of a name, and the data sets that they were made from."""
    for path in sorted(Path("results", name, "datasets").glob("*.safetensors")):
        with suppress(InputError):
            record = records.find(path)
            if record:
                yield path, record.provenance.get("settings", {}).get("datasets")


def _places(datasets: Any) -> set[Path]:
    """Return where the images of data sets are, as far as they are of kinds that studies are written of."""
    found = set()
    for entry in datasets.values() if isinstance(datasets, Mapping) else ():
        with suppress(KeyError, TypeError, ValidationError):
            found |= {Path(place).resolve() for place in KINDS[entry["kind"]].model_validate(entry).places.values()}
    return found
