"""The command that prints what a network takes photos for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aann.commands import options
from aann.errors import InputError

if TYPE_CHECKING:
    from aann.prediction import Prediction


@click.command("predict")
@click.argument("network", type=click.Path(path_type=Path))
@options.paths("images")
@options.written("--csv", "Writes a table, too, if all photos can be read.", required=False)
@click.option("--size", nargs=2, type=click.IntRange(1), metavar="HEIGHT WIDTH", help="For networks that do not say.")
@click.option("--channels", type=click.IntRange(1), help="For networks that do not say. 1: grey; 3: color.")
def commands(
    network: Path, images: tuple[Path, ...], csv: Path | None, size: tuple[int, int] | None, channels: int | None
) -> None:
    """Print what NETWORK takes each of the photos IMAGES for: one line each.

    The margin is by how much the class is ahead of the runner-up, an exact integer. In brackets it is in units of the
    input scale, in which a bright pixel is 1. A network file says what its classes are called and how a photo becomes
    its input. A photo that cannot be read is named, and the exit status is 1.
    """
    from aann import prediction
    from aann.export import files

    if csv is not None and csv.suffix != ".csv":
        raise InputError(f"{csv}: expected a name that ends in .csv")
    loaded = files.load(network)
    described = prediction.reading(loaded, size, channels, str(network))
    rows, unread = [], False
    for path, found in prediction.look(loaded, images, described):
        if isinstance(found, InputError):
            unread = True
            click.echo(f"error: {found}", err=True)
        else:
            rows.append((path, found))
            click.echo(f"{path}: {found.name}, margin {found.margin} ({found.share:.3f}), then {found.runner_up}")
    if csv is not None and not unread:
        _write(csv, rows)
    click.get_current_context().exit(int(unread))


def _write(path: Path, rows: list[tuple[Path, Prediction]]) -> None:
    """Write a table of predictions, a row for each photo."""
    import pandas

    from aann.artifacts import atomic_path

    columns = ["image", "class", "margin", "margin_in_input_scale", "runner_up"]
    table = [(str(image), found.name, found.margin, found.share, found.runner_up) for image, found in rows]
    with atomic_path(path, seal=False) as temporary:
        pandas.DataFrame(table, columns=columns).to_csv(temporary, index=False, lineterminator="\n")
