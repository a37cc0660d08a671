"""Commands for results that are moved or removed."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options

commands = click.Group("results", help=HELP["results"])


@commands.command("touch")
@options.path(
    "--configfile",
    "A file of settings, laid over config/config.yaml; may be repeated.",
    multiple=True,
    required=False,
)
def touch(configfile: tuple[Path, ...]) -> None:
    """Prove that copied results are what a build would make, so that the next build keeps them.

    Run this in the folder of the workflow, with the settings of the build.

    Copies have other times than their originals, and no records of Snakemake. Files are proven by their seals, and by
    what they record of their inputs, settings and code. Other files are named, and the next build makes them again.
    """
    from aann.builds.touch import touch

    done = touch(configfile)
    for line in done.doubts:
        click.echo(f"{line}; it is made again", err=True)
    click.echo(f"{done.results}: {done.files} files are intact; {done.fresh} of {done.jobs} jobs need not run again")


@commands.command("remove")
@options.path("--results", "The folder of results of one scale, such as results/quick.")
def remove(results: Path) -> None:
    """Remove what the workflow made at one scale: results, their seals, logs and benchmarks. Other files stay."""
    from aann.builds.removal import remove

    removed = remove(results)
    for path in removed.kept:
        click.echo(f"{path}: was not made by the workflow, so it stays", err=True)
    click.echo(f"{results}: {removed.files} files were removed")
