"""Commands of stage claims."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("claims", help=HELP["claims"])


@commands.command("judge")
@options.path("--claims", "The claims, such as config/claims.yaml.")
@options.path("--results", "The folder of results of one scale, such as results/paper.")
@options.path("--output", "Writes the verdicts, JSON, and for readers as Markdown and HTML beside it.")
@options.settings
def judge(claims: Path, results: Path, output: Path, settings: Settings) -> None:
    """Judge every claim: reproduced, exceeded, not reproduced, or not measured at this scale."""
    from aann.claims.jobs import make_verdicts

    make_verdicts(settings, claims, results, output)


@commands.command("check")
@click.argument("verdicts", type=click.Path(path_type=Path))
def check(verdicts: Path) -> None:
    """Fail, with a line for each, if claims that were reproduced no longer are; only at the paper's scale."""
    from aann.claims.verdicts import failures, read_verdicts, surprises

    read = read_verdicts(verdicts)
    failed = failures(read)
    for line in (*failed, *surprises(read)):
        click.echo(line, err=True)
    if failed and read["enforced"]:
        sys.exit(1)
