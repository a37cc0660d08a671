"""Commands for releases."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aann.artifacts import to_json
from aann.commands import HELP, options
from aann.settings.figures import in_order, label
from aann.settings.study import Settings

commands = click.Group("release", help=HELP["release"])
_folder = click.argument("folder", type=click.Path(path_type=Path))


@commands.command("pack")
@options.paths("drawn")
@options.path("--results", "The results of a scale, such as results/paper.")
@options.path("--network", "A network to ship as well; may be repeated.", multiple=True, required=False)
@options.path("--output", "Writes the release, a new folder.")
@click.option(
    "--replace", is_flag=True, help="Replace a release that is there, but keep its hashes of missing sources."
)
def pack(drawn: tuple[Path, ...], results: Path, network: tuple[Path, ...], output: Path, replace: bool) -> None:
    """Write a release with all files that the results DRAWN came from."""
    from aann.lineage.release import pack

    files = pack(results, drawn, network, output, replace)["files"]
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    click.echo(f"{output}: {len(files)} files, {size / 1e6:.1f} MB")


@commands.command("unpack")
@_folder
@options.path("--results", "Where its files go: a folder with the name of its scale, such as results/paper.")
def unpack(folder: Path, results: Path) -> None:
    """Verify the release in FOLDER and put its files in their places."""
    from aann.lineage.release import unpack

    click.echo(f"{folder}: {unpack(folder, results)} files are what the manifest says, and are now in {results}")


@commands.command("lacking")
@_folder
@options.settings
def lacking(folder: Path, settings: Settings) -> None:
    """Print settings for --config that leave out the figures that the release in FOLDER lacks, and name these."""
    from aann.figures import kinds
    from aann.lineage.release import lacking

    files = {name: kinds.files(name, entry.kind).values() for name, entry in settings.figures.items()}
    names = in_order(lacking(folder, files))
    if names:
        click.echo(f"{folder}: has no figure {', '.join(map(label, names))}; left out", err=True)
    click.echo(f"figures={to_json(dict.fromkeys(names))}")


@commands.command("compare")
@_folder
@options.path("--results", "What was drawn again, such as results/paper.")
def compare(folder: Path, results: Path) -> None:
    """Compare results with those that the release in FOLDER was made with. Print each that differs, and fail then."""
    from aann.lineage.release import differing, read_manifest

    lines = differing(folder, results)
    for line in lines:
        click.echo(line, err=True)
    if lines:
        sys.exit(1)
    click.echo(f"{results}: all {len(read_manifest(folder)['drawn'])} drawn results are equal to the last byte")
