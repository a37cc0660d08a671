"""The command that prints what a file came from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from aann.commands import options


@click.command("provenance")
@click.argument("file", type=click.Path(path_type=Path))
@options.path("--results", "Where inputs are looked for.  [default: the folder of the file's scale]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with full hashes.")
def commands(file: Path, results: Path | None, as_json: bool) -> None:
    """Print what FILE came from: inputs and hashes back to the data sets, settings, seeds, code, versions and times.

    FILE is any output: a figure (PNG, PDF, CSV, HTML), a table, a network. The command names each file that was changed
    after it was made or used.
    """
    from aann.lineage import trace
    from aann.lineage.text import to_text

    found = trace.trace(file, results)
    sys.stdout.write(json.dumps(trace.to_dict(found), indent=2) + "\n" if as_json else to_text(found))
