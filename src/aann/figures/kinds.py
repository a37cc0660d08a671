"""Kinds of figures: each is a module of this package, loaded by its name, with three functions.

``plan(entry, study)`` returns what a figure of the kind is drawn from and how it looks, and refuses an entry that the
study cannot serve. It runs whenever Snakemake reads the workflow, so a kind imports plotting only when it draws.
``read(source)`` returns the arguments of ``draw`` beside ``output`` and ``provenance``, from the files of a plan.
``draw(..., output, provenance)`` writes the files of the figure. ``FILES`` are their endings, the picture's first.
``MEMORY_MB`` is the memory that drawing takes, unless it is little.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aann.errors import InputError
from aann.lineage import provenance
from aann.settings.figures import KINDS, in_order, label, target
from aann.settings.messages import suggestion
from aann.settings.plans import Input, Plan, Study

if TYPE_CHECKING:
    from aann.settings.study import Settings
    from aann.tables import Table

PICTURE_AND_TABLE = ("png", "pdf", "csv")
"""The files of most kinds, by their endings."""

_LITTLE_MB = 500


@dataclass(frozen=True)
class Source:
    """The files of a plan, below the results of a scale."""

    plan: Plan
    results: Path

    def inputs(self, role: str) -> list[Input]:
        """Return the inputs of a role, in the order of the plan; raise ``InputError`` if there are none."""
        found = [one for one in self.plan.inputs if one.role == role]
        if not found:
            raise InputError(
                f"--plan: has no inputs of the role {role!r}; the kind {self.plan.kind!r} draws them, so add them"
            )
        return found

    def option(self, name: str) -> Any:
        """Return an option of the plan; raise ``InputError`` if it has no such option."""
        if name not in self.plan.options:
            raise InputError(f"--plan: has no option {name!r}; the kind {self.plan.kind!r} needs it, so add it")
        return self.plan.options[name]

    def paths(self, role: str) -> list[Path]:
        """Return the files of a role. Raises ``InputError`` as ``inputs`` does."""
        return [self.results / one.path for one in self.inputs(role)]

    def tables(self, role: str, table: Table) -> list[Any]:
        """Return the tables of a role; rows have the keys of the plan.

        Raises ``InputError`` as ``inputs`` and ``Table.read`` do.
        """
        return [table.read(self.results / one.path, **one.keys) for one in self.inputs(role)]

    def table(self, role: str, table: Table) -> Any:
        """Return the tables of a role as one, in the order of the plan."""
        import pandas

        return pandas.concat(self.tables(role, table), ignore_index=True)


def load(kind: str) -> Any:
    """Return the module of a kind; raise ``InputError`` if there is none."""
    if kind not in KINDS:
        raise InputError(
            f"unknown kind of figure {kind!r}{suggestion(kind, KINDS)}; expected one of {', '.join(KINDS)}"
        )
    return importlib.import_module(f"aann.figures.{kind}")


def plan(settings: Settings, name: str) -> Plan:
    """Return what a figure of the settings is drawn from, and how it looks.

    Raises ``InputError`` with one line that names the key if there is no such figure, or if the study cannot serve it.
    """
    entry = settings.figure(name)
    found: Plan = load(entry.kind).plan(entry, Study(settings, name))
    return found


def plans(settings: Settings) -> dict[str, Plan]:
    """Return the plans of all figures of the settings, by name and in their order. Raises as ``plan`` does."""
    return {name: plan(settings, name) for name in in_order(settings.figures)}


def files(name: str, kind: str) -> dict[str, str]:
    """Return the files of a figure by their endings, below the results of its scale."""
    return {ending: f"figures/{target(name)}.{ending}" for ending in load(kind).FILES}


def memory_mb(kind: str) -> int:
    """Return the memory that drawing a figure takes."""
    return int(getattr(load(kind), "MEMORY_MB", _LITTLE_MB))


def make(name: str, plan: Plan, results: Path, output: Path) -> None:
    """Draw a figure: write ``output``, which is its picture, and its other files beside it.

    Raises ``InputError`` if a file that it is drawn from is missing, damaged or another one, or has nothing to draw.
    """
    kind = load(plan.kind)
    arguments: Mapping[str, Any] = kind.read(Source(plan, results))
    title = {"title": plan.title} if plan.title else {}
    inputs = [results / path for path in plan.paths]
    recorded = provenance.describe(f"aann.figures.{plan.kind}", inputs, plan.options, **title)
    try:
        kind.draw(**arguments, output=output, provenance=recorded)
    except InputError as error:
        raise InputError(f"figure {label(name)}: {error}") from error
