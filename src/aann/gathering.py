"""Tables of many jobs, gathered in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aann import tables
from aann.artifacts import write_table
from aann.errors import InputError
from aann.lineage import provenance, records

GATHERED = {
    "accuracies": tables.ACCURACY,
    "surveys": tables.SURVEY,
    "clustering": tables.CLUSTERING,
    "outcomes": tables.OUTCOME,
    "returns": tables.RETURNS,
    "confusions": tables.CONFUSION,
}
"""The tables that are gathered, by the name of the gathered table."""


def gather(name: str, paths: Sequence[Path], output: Path) -> None:
    """Write the tables of several files as one, sorted, and a record of what it came from beside it.

    Raises ``InputError`` if a file is missing, damaged, or another table, and if two have rows of the same keys.
    """
    import pandas

    kind = GATHERED[name]
    recorded = provenance.describe("aann.gathering", paths)
    found = [kind.read(path) for path in paths]
    known: dict[tuple[Any, ...], Path] = {}
    for path, each in zip(paths, found, strict=True):
        keys = set(each[list(kind.keys)].itertuples(index=False, name=None))
        for key in sorted(keys & known.keys()):
            words = ", ".join(f"{name} {value}" for name, value in zip(kind.keys, key, strict=True))
            raise InputError(f"{path}: has rows that {known[key]} has, too ({words}); give each table once")
        known |= dict.fromkeys(keys, path)
    table = pandas.concat(found)
    write_table(output, table.sort_values(list(kind.by), kind="stable"))
    records.write_beside(output, recorded)
