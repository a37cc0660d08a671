"""Commands of stage sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("sense", help=HELP["sense"])
_network = options.path("--network", "The ternary network to start from.")


@commands.command("start")
@options.task
@options.sparsity
@options.seed("Draws the network.")
@options.written("--output", "Writes the network, a safetensors file.")
@options.settings
def start(task: str, sparsity: float, seed: int, output: Path, settings: Settings) -> None:
    """Draw a random ternary network."""
    from aann.sense import starts

    starts.make_start(settings, task, sparsity, seed, output)


@commands.command("search")
@options.task
@click.option("--search", "name", required=True, help="A search of the settings.")
@options.sparsity
@options.origin
@options.seed("The seed of all that the search draws.")
@_network
@options.data
@options.written("--trace", "Writes what was accepted and counted, a Parquet table; a checkpoint is kept beside it.")
@options.written("--output", "Writes the network with the best validation accuracy, a safetensors file.")
@options.written("--outcome", "Writes the accuracies before and after, a CSV table of one row.")
@options.threads
@options.settings
def search(
    task: str,
    name: str,
    sparsity: float,
    origin: str,
    seed: int,
    network: Path,
    data: Path,
    trace: Path,
    output: Path,
    outcome: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Search from a network. A stopped search goes on from its checkpoint."""
    from aann.sense import search

    keys = {"task": task, "sparsity": sparsity, "origin": origin, "search": name, "seed": seed}
    search.make_run(settings, keys, network, data, search.Outputs(trace, output, outcome), threads)


options.gathers(commands, "outcomes", "outcomes", "Gather the outcomes of many searches in one table.")


@commands.command("backpropagation")
@options.task
@options.sparsity
@options.origin
@options.seed("The seed of the minibatches.")
@_network
@options.data
@options.written("--output", "Writes the accuracies along the way, a Parquet table.")
@options.threads
@options.settings
def backpropagation(
    task: str,
    sparsity: float,
    origin: str,
    seed: int,
    network: Path,
    data: Path,
    output: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Train the start of a search by backpropagation in two ways: taken literally, and done properly."""
    from aann.sense import backpropagation

    keys = {"task": task, "sparsity": sparsity, "origin": origin, "seed": seed}
    backpropagation.make_baseline(settings, keys, network, data, output, threads)


def _from_psiren(seed: str, output: str) -> options.Option:
    """Return the options of commands that climb from a network of p-SIREN and write one table."""
    return lambda command: options.with_options(
        command,
        options.task,
        options.sparsity,
        options.seed(seed),
        _network,
        options.data,
        options.written("--output", output),
        options.threads,
        options.settings,
    )


@commands.command("climb")
@_from_psiren("Draws the neighbors.", "Writes all surveyed networks with their place in the plane, a Parquet table.")
def climb(network: Path, data: Path, output: Path, threads: int, settings: Settings, **keys: Any) -> None:
    """Figure 5: climb over a few neighborhoods, keep all that was surveyed, and embed it by t-SNE."""
    from aann.sense import climbs

    climbs.make_climb(settings, keys, network, data, output, threads)


@commands.command("selection")
@_from_psiren(
    "Draws the neighbors, and the test images that choose.",
    "Writes the counts after each neighborhood, a Parquet table.",
)
def selection(network: Path, data: Path, output: Path, threads: int, settings: Settings, **keys: Any) -> None:
    """Figure S3: climb by few test images, and by validation images, and count on fresh images, too."""
    from aann.sense import selection

    selection.make_selection(settings, keys, network, data, output, threads)
