"""The command line: a group of commands for each stage, in ``aann.commands``, loaded when it is called."""

from __future__ import annotations

import io
import signal
import sys
from importlib import import_module
from typing import Any

import click

from aann import __version__, extras
from aann.commands import HELP
from aann.errors import InputError

_INTERRUPTED = 128 + signal.SIGINT
"""The exit status of a command that Ctrl-C ended, as a shell has it."""


class _Stages(click.Group):
    """Groups of commands. An ``InputError``, or an extra that is missing, is printed as one line and exits with 1."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of the groups, in the order of the stages."""
        return list(HELP)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a group; its module is loaded for it."""
        group: click.Command | None = import_module(f"aann.commands.{name}").commands if name in HELP else None
        return group

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of groups without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))

    def invoke(self, context: click.Context) -> Any:
        """Run a command."""
        try:
            with extras.named():
                return super().invoke(context)
        except InputError as error:
            said, status = f"error: {error}", 1
        except KeyboardInterrupt:
            said, status = "interrupted", _INTERRUPTED
        click.echo(said, err=True)
        raise click.exceptions.Exit(status)


@click.group(cls=_Stages, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def main() -> None:
    """Architecture agnostic neural networks, a group of commands for each stage.

    Settings come from config/config.yaml (here, or else beside this package), or from files given with --configfile,
    each laid over those before it. The workflow gives all settings with --settings instead. A job of the workflow shows
    its progress in its log: tail -f results/<scale>/logs/<stage>/...
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding shows question marks
