"""Options that several commands have."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from aann import checkout
from aann.builds import machine
from aann.errors import InputError
from aann.settings.study import Settings, load, validate

Command = Callable[..., Any]
Option = Callable[[Command], Command]

_DEFAULT_CONFIG = "config/config.yaml"


def with_options(command: Command, *options: Option) -> Command:
    """Give a command options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def path(name: str, help_text: str, **choices: Any) -> Option:
    """Return an option that names a file or folder, required unless ``choices`` say otherwise."""
    return click.option(name, **{"required": True, "type": click.Path(path_type=Path), "help": help_text, **choices})


def written(name: str, help_text: str, **choices: Any) -> Option:
    """Return an option as ``path`` does, of a file that is written: a folder is refused before any work is done."""
    return path(name, help_text, callback=_no_folder, **choices)


Written = TypeVar("Written", Path, tuple[Path, ...], None)


def _no_folder(context: click.Context, option: click.Parameter, asked: Written) -> Written:
    for one in asked if isinstance(asked, tuple) else (asked,):
        if one is not None:
            require_no_folder(one, option.opts[0])
    return asked


def require_no_folder(named: Path, option: str) -> None:
    """Raise ``InputError`` if a file that an option names for writing is a folder."""
    if os.path.isdir(named):  # noqa: PTH112 - False where the folder above it may not be read
        raise InputError(f"{option} {named}: is a folder; name the file to write")


def paths(name: str) -> Option:
    """Return an argument that names one file or more."""
    return click.argument(name, nargs=-1, required=True, type=click.Path(path_type=Path))


def seed(help_text: str) -> Option:
    """Return the option of a seed."""
    return click.option("--seed", required=True, type=click.IntRange(0, 2**32 - 1), help=help_text)


task = click.option("--task", required=True, help="A task of the settings, such as mnist.")
sparsity = click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="Percentage of zero weights.")
origin = click.option(
    "--origin", required=True, type=click.Choice(["random", "psiren"]), help="Where the start comes from."
)
data = path("--data", "The task's splits.")


def _no_more_than_processors(context: click.Context, option: click.Parameter, asked: int) -> int:
    """Return how many threads a command uses; they change its speed only."""
    allowed, line = machine.fewer_threads(asked, "--threads")
    if line:
        click.echo(line, err=True)
    return allowed


threads = click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    callback=_no_more_than_processors,
    help="CPU threads; no more than there are processors for this process.",
)


def settings(command: Command) -> Command:
    """Give a command the options that name settings, and call it with ``settings``, validated."""

    @functools.wraps(command)
    def run(settings: Callable[[], Settings], **values: Any) -> Any:
        return command(settings=settings(), **values)

    return settings_when_asked(run)


def settings_when_asked(command: Command) -> Command:
    """Give a command the options that name settings, and call it with a function ``settings`` that reads them."""

    @functools.wraps(command)
    def run(configfiles: tuple[Path, ...], settings_json: str | None, **values: Any) -> Any:
        return command(settings=functools.partial(_load_settings, configfiles, settings_json), **values)

    return with_options(
        run,
        click.option(
            "--configfile",
            "configfiles",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"A file of settings; may be repeated.  [default: {_DEFAULT_CONFIG}]",
        ),
        click.option("--settings", "settings_json", metavar="JSON", help="All settings as JSON; replaces the files."),
    )


def _load_settings(configfiles: tuple[Path, ...], settings_json: str | None) -> Settings:
    if settings_json is None:
        return load(configfiles or [checkout.find(_DEFAULT_CONFIG)])
    try:
        values = json.loads(settings_json)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--settings: is not JSON ({error})") from error
    return validate(values, source="--settings")


def gathers(group: click.Group, name: str, command: str, help_text: str) -> None:
    """Add a command to a group that gathers the tables of many jobs in one."""

    @group.command(command, help=help_text)
    @paths("tables")
    @written("--output", "Writes one table, CSV.")
    def run(tables: tuple[Path, ...], output: Path) -> None:
        from aann.gathering import gather

        gather(name, tables, output)
