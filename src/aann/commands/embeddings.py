"""Commands of stage embeddings."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("embeddings", help=HELP["embeddings"])


@commands.command("embed")
@options.task
@click.option("--layer", required=True, help="The layer in which a weight moves.")
@options.path("--neighbors", "The neighbors of a survey.")
@options.path("--summary", "The summary of that survey.")
@options.written("--points", "Writes the embedded points, a Parquet table.")
@options.written("--statistics", "Writes how clustered they are, CSV.")
@options.settings
def embed(
    task: str, layer: str, neighbors: Path, summary: Path, points: Path, statistics: Path, settings: Settings
) -> None:
    """Embed a sample of the neighbors of a layer, drawn uniformly and from few moving weights."""
    from aann import embeddings

    embeddings.make_embedding(settings, task, layer, neighbors, summary, points, statistics)


options.gathers(
    commands, "clustering", "clustering", "Gather in one table how clustered the neighbors of several layers are."
)
