"""Commands of stage driving."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("driving", help=HELP["driving"])
_count = click.option("--count", required=True, type=click.IntRange(1), help="How many tracks.")
_train = options.path("--train", "Training frames; may be repeated.", multiple=True)
_validation = options.path("--validation", "Validation frames.")


@commands.command("demonstrate")
@options.task
@click.option("--kind", required=True, help="Whose tracks: train, validation, test, or round1, round2, ...")
@_count
@options.path("--driver", "The network that drives; without one, the expert.", required=False)
@options.written("--output", "Writes the demonstrations, a safetensors file; finished episodes are kept beside it.")
@options.threads
@options.settings
def demonstrate(
    task: str, kind: str, count: int, driver: Path | None, output: Path, threads: int, settings: Settings
) -> None:
    """Record what a network would see on tracks, and what the expert chooses. A stopped recording goes on."""
    from aann.driving import demonstrations

    demonstrations.make_demonstrations(settings, task, kind, count, driver, output, threads)


@commands.command("driver")
@options.task
@_train
@_validation
@options.written("--output", "Writes the ternary network, a safetensors file.")
@options.threads
@options.settings
def driver(
    task: str, train: tuple[Path, ...], validation: Path, output: Path, threads: int, settings: Settings
) -> None:
    """Make the network that drives in a round of demonstrations, by p-SIREN."""
    from aann.driving import drivers

    drivers.make_driver(settings, task, train, validation, output, threads)


@commands.command("split")
@options.task
@_train
@_validation
@options.path("--test", "Test frames.")
@options.written("--output", "Writes the splits, a safetensors file.")
@options.settings
def split(task: str, train: tuple[Path, ...], validation: Path, test: Path, output: Path, settings: Settings) -> None:
    """Gather demonstrations as a task's training, validation and test images."""
    from aann.driving import demonstrations

    demonstrations.make_splits(settings, task, train, validation, test, output)


@commands.command("expert")
@_count
@options.written("--output", "Writes its return on each track, CSV.")
@options.threads
@options.settings
def expert(count: int, output: Path, threads: int, settings: Settings) -> None:
    """Let the expert drive on the tracks for returns."""
    from aann.driving import assessments

    assessments.assess_expert(settings, count, output, threads)


@commands.command("assess")
@options.task
@options.sparsity
@options.origin
@click.option("--search", default="", help="The search that ended with the network, if any.")
@options.seed("The network's seed.")
@options.path("--network", "A ternary network.")
@options.data
@options.path("--expert", "The table of `driving expert`.")
@_count
@options.written("--returns", "Writes its return on each track, CSV.")
@options.written("--confusion", "Writes how many frames of each class it puts into each class, CSV.")
@options.threads
@options.settings
def assess(
    task: str,
    sparsity: float,
    origin: str,
    search: str,
    seed: int,
    network: Path,
    data: Path,
    expert: Path,
    count: int,
    returns: Path,
    confusion: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Let a network drive, and count which classes it takes for which."""
    from aann.driving import assessments

    keys = {"task": task, "sparsity": sparsity, "origin": origin, "search": search, "seed": seed}
    inputs = assessments.Inputs(network, data, expert)
    assessments.assess(settings, keys, inputs, count, returns, confusion, threads)


options.gathers(commands, "returns", "returns", "Gather the returns of many networks in one table.")
options.gathers(
    commands, "confusions", "confusions", "Gather in one table how many frames networks put into each class."
)


@commands.command("video")
@options.task
@options.path("--network", "A ternary network.")
@click.option("--track", type=click.IntRange(0), help="The track's seed.  [default: the first of those for returns]")
@click.option("--title", required=True, help="What the network is, in words.")
@options.written("--output", "Writes the video, MP4.")
@options.settings
def video(task: str, network: Path, track: int | None, title: str, output: Path, settings: Settings) -> None:
    """Film a network's drive: the scene, what the network sees, its outputs and its return so far."""
    from aann.driving import video

    shown, total = video.make_video(settings, task, network, track, title, output)
    click.echo(f"track {shown}: return {total:.1f}", err=True)
