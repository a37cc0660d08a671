"""Commands of stage neighbors."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options

commands = click.Group("neighbors", help=HELP["neighbors"])


@commands.command("survey")
@options.task
@options.path("--network", "A ternary network of p-SIREN.")
@options.data
@click.option("--layer", required=True, help="The layer in which a weight moves.")
@click.option("--amount", required=True, help="How many neighbors to draw, or: exhaustive.")
@options.seed("Draws the neighbors, unless all are counted.")
@options.sparsity
@options.written("--output", "Writes the neighbors, a Parquet table; unfinished parts are kept beside it.")
@options.written("--best", "Writes those with the best validation accuracy, a Parquet table.")
@options.written("--histogram", "Writes how many neighbors have each count of correct images, CSV.")
@options.written("--summary", "Writes how many are better, equal and worse, CSV.")
@options.threads
def survey(
    task: str,
    network: Path,
    data: Path,
    layer: str,
    amount: str,
    seed: int,
    sparsity: float,
    output: Path,
    best: Path,
    histogram: Path,
    summary: Path,
    threads: int,
) -> None:
    """Count the correct validation and test images of first neighbors in a layer. A stopped survey goes on."""
    from aann import neighbors

    keys = {"task": task, "sparsity": sparsity, "seed": seed, "layer": layer}
    outputs = neighbors.Outputs(output, best, histogram, summary)
    neighbors.make_survey(network, data, amount, keys, outputs, threads)


options.gathers(commands, "surveys", "summaries", "Gather the summaries of many surveys in one table.")
