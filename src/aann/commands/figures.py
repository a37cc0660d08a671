"""Commands of stage figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from aann.commands import HELP, options
from aann.errors import InputError
from aann.settings.study import Settings

commands = click.Group("figures", help=HELP["figures"])


@commands.command("draw")
@click.argument("name")
@options.path("--results", "The results of a scale.  [default: those of the settings]", required=False)
@options.written(
    "--output", "Writes its picture, and its other files beside it.  [default: in these results]", required=False
)
@click.option("--plan", "plan_json", metavar="JSON", help="What it is drawn from and how it looks; replaces settings.")
@options.settings_when_asked
def draw(
    name: str, results: Path | None, output: Path | None, plan_json: str | None, settings: Callable[[], Settings]
) -> None:
    """Draw the figure NAME of the settings from the tables of a scale."""
    from aann.figures import kinds
    from aann.settings.figures import picture
    from aann.settings.plans import read_plan

    plan = kinds.plan(settings(), name) if plan_json is None else read_plan(plan_json, "--plan")
    folder = Path(settings().results, settings().scale) if results is None else results
    kinds.make(name, plan, folder, output or folder / picture(name))


@commands.command("list")
@click.option(
    "--show",
    type=click.Choice(["names", "targets", "files"]),
    default="names",
    show_default=True,
    help="Their names, what Snakemake's targets are called, or all their files below the results of a scale.",
)
@options.settings
def list_figures(show: str, settings: Settings) -> None:
    """List the figures of the settings."""
    from aann.figures import kinds
    from aann.settings.figures import in_order, target

    for name in in_order(settings.figures):
        files = kinds.files(name, settings.figures[name].kind)
        shown = {"names": [name], "targets": [target(name)], "files": files.values()}[show]
        click.echo("\n".join(shown))


@commands.command("jobs")
@options.path("--jobs", "The table of `jobs`.")
@click.option("--cores", required=True, type=click.IntRange(1), help="Cores that the run had.")
@click.option("--title", required=True, help="What ran.")
@options.written("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def jobs(jobs: Path, cores: int, title: str, output: Path) -> None:
    """Draw where the time went: jobs over time, memory, and a forecast for other machines."""
    from aann.figures import jobs as drawing
    from aann.lineage import provenance
    from aann.tables import JOBS

    table = JOBS.read(jobs)
    drawing.draw(table, cores, title, output, provenance.describe("aann.figures.jobs", [jobs], cores=cores))


@commands.command("rules")
@options.path("--graph", "What `snakemake --rulegraph mermaid-js` printed.")
@options.written("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def rules(graph: Path, output: Path) -> None:
    """Draw the rule graph of the workflow."""
    from aann.artifacts import require_file
    from aann.figures import rules as drawing
    from aann.lineage import provenance

    text = require_file(graph).read_text(encoding="utf-8", errors="replace")
    try:
        read = drawing.read(text)
    except InputError as error:
        raise InputError(f"{graph}: {error}") from error
    drawing.draw(read, output, provenance.describe("aann.figures.rules", [graph]))


@commands.command("sheet")
@options.paths("pictures")
@options.written("--output", "Writes the sheet, a PNG.")
def sheet(pictures: tuple[Path, ...], output: Path) -> None:
    """Put PICTURES of figures into one picture, each small and under its name, as the README shows them."""
    from aann.figures import sheet as drawing
    from aann.lineage import provenance

    drawing.draw(pictures, output, provenance.describe("aann.figures.sheet", pictures))
