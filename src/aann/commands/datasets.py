"""Commands of stage datasets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("datasets", help=HELP["datasets"])


@commands.command("fetch")
@click.argument("dataset")
@click.argument("archive", nargs=-1)
@options.path("--folder", "The folder that keeps the archives.")
@click.option("--mirror", "mirrors", multiple=True, help="A folder or URL to try; may be repeated.")
def fetch(dataset: str, archive: tuple[str, ...], folder: Path, mirrors: tuple[str, ...]) -> None:
    """Fetch archives of DATASET (mnist, fashion-mnist or kmnist), verified: those named, or all four.

    The environment variable AANN_DATA_MIRROR is tried first, then the mirrors given, then torchvision's addresses. An
    address may have a user and password, https://user:password@host, and end in a query, which no message shows.
    """
    from aann.datasets import archives

    mirrors += tuple(json.loads(os.environ.get(archives.SETTINGS_VARIABLE, "[]")))
    archives.fetch(dataset, folder, mirrors, archive)


@commands.command("split")
@options.task
@options.path("--archives", "Where archives are kept, in a folder for each data set.", required=False)
@options.written("--output", "Writes the splits, a safetensors file.")
@options.settings
def split(task: str, archives: Path | None, output: Path, settings: Settings) -> None:
    """Split a task's data set into training, validation and test images."""
    from aann.datasets import sources

    sources.make(settings, task, archives, output)
