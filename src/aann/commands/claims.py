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
@options.written("--output", "Writes the verdicts as JSON, and as Markdown and HTML beside it.")
@options.settings
def judge(claims: Path, results: Path, output: Path, settings: Settings) -> None:
    """Judge every claim: reproduced, exceeded, contradicted, inconclusive, or not measured at this scale."""
    from aann.claims.jobs import make_verdicts

    make_verdicts(settings, claims, results, output)


@commands.command("check")
@click.argument("verdicts", type=click.Path(path_type=Path))
def check(verdicts: Path) -> None:
    """Print a line for each claim that was expected to be reproduced and was not. At the paper's scale, fail then."""
    from aann.claims.verdicts import failures, read_verdicts, surprises

    read = read_verdicts(verdicts)
    failed = failures(read)
    for line in (*failed, *surprises(read)):
        click.echo(line, err=True)
    if failed and read["enforced"]:
        sys.exit(1)


@commands.command("changes")
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def changes(one: Path, other: Path) -> None:
    """Compare the verdicts of two runs, such as those of other seeds, on all claims that both judge."""
    from aann.claims.verdicts import changed, read_verdicts

    for line in changed(read_verdicts(one), read_verdicts(other)):
        click.echo(line)
