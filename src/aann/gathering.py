"""Tables of many jobs, gathered in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aann import tables
from aann.artifacts import write_table
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

    Raises ``InputError`` if a file is missing, damaged, or another table.
    """
    import pandas

    kind = GATHERED[name]
    recorded = provenance.describe("aann.gathering", paths)
    table = pandas.concat([kind.read(path) for path in paths])
    write_table(output, table.sort_values(list(kind.by), kind="stable"))
    records.write_beside(output, recorded)
