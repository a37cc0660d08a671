"""Commands on settings."""

from __future__ import annotations

import json

import click

from aann import checkout
from aann.addresses import shown
from aann.commands import HELP, options
from aann.settings.study import Settings, require_data

commands = click.Group("settings", help=HELP["settings"])


@commands.command("check")
@options.settings
def check(settings: Settings) -> None:
    """Check settings as the workflow does. Print them with every default, and with *** for passwords in addresses."""
    from aann.claims import models
    from aann.figures import kinds

    require_data(settings)
    kinds.plans(settings)
    if settings.claims.without or settings.claims.without_figures:
        models.load(checkout.find("config/claims.yaml")).without(settings.claims)
    values = settings.model_dump()
    values["downloads"]["mirrors"] = [shown(mirror) for mirror in settings.downloads.mirrors]
    click.echo(json.dumps(values, indent=2))


@commands.command("schema")
def schema() -> None:
    """Print the schema of the settings, as YAML (workflow/schemas/config.schema.yaml)."""
    from aann.settings.reference import schema_yaml

    click.echo(schema_yaml().encode(), nl=False)  # UTF-8, whatever the terminal has


@commands.command("reference")
def reference() -> None:
    """Print the page on all settings, as Markdown (config/README.md)."""
    from aann.settings.reference import markdown

    click.echo(markdown().encode(), nl=False)  # UTF-8, whatever the terminal has
