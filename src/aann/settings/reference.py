"""What documents the settings, written from their models: a schema and a page of tables."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from aann.settings.study import Settings

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")

_SCHEMA_HEADER = """\
# The settings of the workflow: keys, types, allowed values, defaults and units.
# Written by `python -m aann settings schema` from src/aann/settings/, which validates them; a test holds both equal.
"""

_PAGE_HEADER = """\
# Settings

This page answers: which settings are there, what do they mean, and which values may they have?

`config.yaml` is the paper at full scale. `quick.yaml` holds only what differs at the quick scale, and is laid over it:

```
snakemake all_figures --cores 8                                 # the paper
snakemake all_figures --cores 8 --configfile config/quick.yaml  # the quick scale
```

To change a setting, edit `config.yaml`, lay a file of your own over it with `--configfile`, or name it on the command
line (`--config psiren='{batch_size: 256}'`). A wrong key or value stops the workflow before any job, with one line that
names it; `python -m aann settings check` does the same by hand and prints every setting with its default filled in.

**Another network** is an entry in `networks` and its name in a task. **Another seed** is a number in a task's list, and
only what is new runs. **Another sparsity** is a number in a task's list too; it repeats step 2 and what follows.

**A task like another** says which, and what is otherwise: `noisy: {like: mnist, psiren: {shift: 0}}`. What it does not
say is that task's.

**Another figure** is an entry in `figures`: a name, a kind, and whose data. `snakemake figure_NAME` draws it. `null` in
the place of an entry takes it away.

The tables below are written by `python -m aann settings reference` from `src/aann/settings/`; a test holds them equal.
"""


def schema_yaml() -> str:
    """Return the JSON schema of the settings, as YAML."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    return _SCHEMA_HEADER + yaml.safe_dump(schema, sort_keys=False, width=110, allow_unicode=True)


def markdown() -> str:
    """Return the page on all settings: a table for every model, from the whole to its parts."""
    schema = Settings.model_json_schema()
    models = {"Settings": schema, **schema["$defs"]}
    return "\n".join([_PAGE_HEADER, *(_section(name, models) for name in _order(models))])


def _order(models: dict[str, Any]) -> list[str]:
    """Return model names, each after the model that first refers to it."""
    order = ["Settings"]
    for name in order:
        for field in models[name]["properties"].values():
            order += [part for part in _references(field) if part not in order]
    return order


def _references(field: Any) -> list[str]:
    if isinstance(field, list):
        return [name for part in field for name in _references(part)]
    if isinstance(field, dict):
        own = [field["$ref"].rsplit("/", 1)[1]] if "$ref" in field else []
        return own + [name for key, part in field.items() if key != "discriminator" for name in _references(part)]
    return []


def _title(name: str) -> str:
    return (
        "All settings"
        if name == "Settings"
        else f"{_WORDS.sub(' ', name.removesuffix('Settings')).capitalize()} settings"
    )


def _section(name: str, models: dict[str, Any]) -> str:
    model = models[name]
    rows = [
        f"| `{key}` | {_type(field)} | {_default(field)} | {field.get('description', '')} |"
        for key, field in model["properties"].items()
    ]
    header = ["| key | type and values | default | meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([f"## {_title(name)}", "", model["description"], "", *header, *rows, ""])


def _default(field: dict[str, Any]) -> str:
    if "default" not in field:
        return "required"
    default = field["default"]
    return "see its table" if isinstance(default, dict) else f"`{json.dumps(default)}`"


def _type(field: dict[str, Any]) -> str:
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in field:
            return " or ".join(_type(part) for part in field[choice])
    if "$ref" in field:
        title = _title(_references(field)[0])
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"list of {_count(field)}{_type(field['items'])}"
    if field["type"] == "object":
        (value,) = field.get("patternProperties", {"": field.get("additionalProperties")}).values()
        return f"mapping from names to {_type(value)}"
    return f"{field['type']}{_range(field)}{_pattern(field)}"


def _pattern(field: dict[str, Any]) -> str:
    return f", matching `{field['pattern'].replace('|', chr(92) + '|')}`" if "pattern" in field else ""


def _count(field: dict[str, Any]) -> str:
    fewest, most = field.get("minItems", 0), field.get("maxItems")
    return f"{most} x " if fewest == most else f"{fewest} or more x " if fewest else ""


def _range(field: dict[str, Any]) -> str:
    names = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]}" for key, sign in names.items() if key in field]
    return f", {' and '.join(bounds)}" if bounds else ""
