"""Commands of stage psiren."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

if TYPE_CHECKING:
    from aann.psiren.jobs import Job

commands = click.Group("psiren", help=HELP["psiren"])


def _job(command: options.Command) -> options.Command:
    """Give a command the options that p-SIREN's steps share, and call it with ``job``."""

    @options.settings
    @functools.wraps(command)
    def run(settings: Settings, task: str, seed: int, data: Path, curve: Path, threads: int, **values: Any) -> Any:
        from aann.psiren.jobs import Job

        return command(job=Job(settings, task, seed, data, curve, threads), **values)

    return options.with_options(
        run,
        options.task,
        options.seed("The network's seed."),
        options.data,
        options.written("--curve", "Writes the learning curve, a Parquet table."),
        options.threads,
    )


@commands.command("dense")
@options.written("--output", "Writes the dense weights, a safetensors file.")
@_job
def dense(job: Job, output: Path) -> None:
    """Step 1: train a dense network from random weights."""
    job.train_dense(output)


@commands.command("sparsify")
@options.path("--dense", "The dense weights of step 1.")
@click.option("--sparsity", "sparsities", multiple=True, required=True, type=click.FloatRange(0, 100), help="Percent.")
@options.written("--output", "Writes the weights of that sparsity, a safetensors file.", multiple=True)
@_job
def sparsify(job: Job, dense: Path, sparsities: tuple[float, ...], output: tuple[Path, ...]) -> None:
    """Step 2: prune the smallest weights gradually; repeat --sparsity and --output, in the same order."""
    job.sparsify(dense, sparsities, output)


@commands.command("network")
@options.sparsity
@options.path("--sparse", "The sparse weights of step 2.")
@options.written("--output", "Writes the ternary network, a safetensors file.")
@options.written("--accuracy", "Writes its counts of correct validation and test images, a CSV table of one row.")
@_job
def network(job: Job, sparsity: float, sparse: Path, output: Path, accuracy: Path) -> None:
    """Steps 3 and 4: fine-tune, binarize and train on; then look at the test images, once."""
    job.make_network(sparse, sparsity, output, accuracy)


options.gathers(
    commands, "accuracies", "accuracies", "Gather the accuracies of many networks in one table, by sparsity and seed."
)
