"""Commands on how long jobs take."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options

commands = click.Group("times", help=HELP["times"])


@commands.command("jobs")
@options.path("--results", "The folder of results of one scale, such as results/paper.")
@options.written("--output", "Writes the table of jobs, CSV.")
def jobs(results: Path, output: Path) -> None:
    """Write when each job of a run began, what it took, and what it waited for."""
    from aann.artifacts import write_table
    from aann.lineage.times import read

    write_table(output, read(results))


@commands.command("forecast")
@options.path(
    "--jobs",
    "The table of `times jobs` of a run; rows of the stage `forecast` are left out. If it is given again, later runs "
    "complete the first: jobs of kinds that it lacks are added, in the time of its machine.",
    multiple=True,
)
@click.option("--scale", required=True, help="The scale of that run, such as paper.")
def forecast(jobs: tuple[Path, ...], scale: str) -> None:
    """Renew the table of one scale from which a build says how long it takes: seconds of each kind of job."""
    from aann.builds import forecast

    measured, kinds = forecast.renew_from(jobs, scale)
    click.echo(f"{forecast.TABLE}: {measured} jobs of the scale {scale!r} are of {kinds} kinds")
