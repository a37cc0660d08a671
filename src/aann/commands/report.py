"""Commands of stage report."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("report", help=HELP["report"])


@commands.command("page")
@options.path("--notebook", "The notebook, such as workflow/notebooks/report.ipynb.")
@options.path("--template", "The template of nbconvert for the page, such as workflow/notebooks/page.html.j2.")
@options.path("--results", "The folder of results of one scale, such as results/paper.")
@options.written("--output", "Writes the page, HTML that needs no other file.")
@click.option(
    "--contents", "contents_json", metavar="JSON", help="What the page is made of.  [default: what the settings say]"
)
@options.settings
def page(
    notebook: Path, template: Path, results: Path, output: Path, contents_json: str | None, settings: Settings
) -> None:
    """Run the notebook on the results of one scale, and write what it shows as a page."""
    from aann.report import page
    from aann.report.contents import contents_of, read_contents

    contents = contents_of(settings) if contents_json is None else read_contents(contents_json, "--contents")
    page.make_page(settings, contents, notebook, template, results, output)


@commands.command("numbers")
@options.written("--output", "Writes the numbers as Markdown.")
@options.settings
def numbers(output: Path, settings: Settings) -> None:
    """Write the numbers behind the figures of a run as a page of tables."""
    from aann.report import numbers
    from aann.report.contents import contents_of
    from aann.report.notebook import Story

    contents = contents_of(settings).model_dump()
    numbers.write(Story(Path(settings.results, settings.scale), settings.scale, contents), output)
