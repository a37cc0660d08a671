"""Commands for studies of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aann.commands import HELP, options

commands = click.Group("study", help=HELP["study"])


@commands.command("new")
@click.argument("data", type=click.Path(path_type=Path))
@options.written("--output", "Writes the study, a file of settings (YAML) that is not there yet.")
@click.option(
    "--scale",
    type=click.Choice(["quick", "thorough"]),
    default="quick",
    show_default=True,
    help="quick: 2 to 6 minutes on 2 cores for 2,000 images of 32 x 32; thorough: hours.",
)
@click.option("--name", help="What the study is called.  [default: the name of DATA]")
@click.option("--size", nargs=2, type=click.IntRange(1), metavar="HEIGHT WIDTH", help="Pixels.  [default: what fits]")
@click.option("--channels", type=click.Choice(["1", "3"]), help="1: grey; 3: color.  [default: what fits]")
@click.option("--image", metavar="NAME", help="The column or array of images.  [default: one of a usual name]")
@click.option("--label", metavar="NAME", help="The column or array of labels.  [default: one of a usual name]")
@click.option(
    "--axis",
    type=click.Choice(["first", "last"]),
    help="Which axis of an image in an array has its channels.  [default: that of 1, 3 or 4]",
)
@click.option("--skip-unreadable", is_flag=True, help="Passes images over that cannot be read.")
def new(data: Path, output: Path, scale: str, name: str | None, channels: str | None, **asked: Any) -> None:
    """Look at DATA, print what is seen, and write a study of it with comments.

    DATA is a folder of images, an .npz file, .npy files, or Parquet files as model hubs hold sets of images. A folder
    has a sub-folder for each class, in train, validation and test if the images are split.
    """
    from aann.studies import writing
    from aann.studies.looking import Asked

    wanted = Asked(channels=None if channels is None else int(channels), **asked)
    for line in writing.new(data, output, scale, name, wanted):
        click.echo(line)
