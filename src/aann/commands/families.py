"""Commands of stage families."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import HELP, options
from aann.settings.study import Settings

commands = click.Group("families", help=HELP["families"])


@commands.command("walk")
@options.task
@click.option("--walk", "name", required=True, help="A walk of the settings.")
@options.sparsity
@options.origin
@click.option("--search", default="", help="The search whose result it starts from, if any.")
@options.seed("The seed of all that the walk draws.")
@options.path("--network", "The ternary network to start from.")
@options.data
@options.written("--table", "Writes what was counted along the way, a Parquet table; a checkpoint is kept beside it.")
@options.written("--output", "Writes the last network, a safetensors file.")
@options.threads
@options.settings
def walk(
    task: str,
    name: str,
    sparsity: float,
    origin: str,
    search: str,
    seed: int,
    network: Path,
    data: Path,
    table: Path,
    output: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Move connection after connection until none is where it was. A stopped walk goes on from its checkpoint."""
    from aann.families import walks

    keys = {"task": task, "sparsity": sparsity, "origin": origin, "search": search, "seed": seed, "walk": name}
    walks.make_walk(settings, keys, network, data, walks.Outputs(table, output), threads)


@commands.command("compare")
@click.option("--group", required=True, help="A group of the settings.")
@options.task
@options.paths("networks")
@options.data
@options.written("--pairs", "Writes how any two networks differ, a CSV table.")
@options.written("--ensembles", "Writes how good networks are when they vote, a CSV table.")
@options.settings
def compare(
    group: str, task: str, networks: tuple[Path, ...], data: Path, pairs: Path, ensembles: Path, settings: Settings
) -> None:
    """Compare the networks of a group and let them vote; small sets come first, and equal ones by their names."""
    from aann.families import members

    members.compare(settings, task, group, networks, data, members.Outputs(pairs, ensembles))


@commands.command("path")
@click.option("--path", "name", required=True, help="A path of the settings.")
@options.path("--start", "The ternary network that it begins with.")
@options.path("--end", "The ternary network that it ends with.")
@options.data
@options.written("--output", "Writes what was counted on the way, a Parquet table.")
@options.settings
def path(name: str, start: Path, end: Path, data: Path, output: Path, settings: Settings) -> None:
    """Go from one network of a family to another: straight, with matched units, and with detours."""
    from aann.families import paths

    paths.make_path(settings, name, start, end, data, output)


@commands.command("transfer")
@click.option("--transfer", "name", required=True, help="A transfer of the settings.")
@options.seed("The seed of the networks, and of all that searches draw.")
@options.paths("networks")
@options.data
@options.written("--output", "Writes correct images of the new task before and after, a CSV table.")
@options.threads
@options.settings
def transfer(
    name: str, seed: int, networks: tuple[Path, ...], data: Path, output: Path, threads: int, settings: Settings
) -> None:
    """Adapt networks to another task by searches; give them in the order of the names of the starts."""
    from aann.families import transfers

    transfers.make_transfer(settings, name, seed, networks, data, output, threads)
