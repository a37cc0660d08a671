"""What the page is made of: the figures of a study, the tables beside them, and the claims."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from aann.errors import InputError
from aann.figures import kinds
from aann.settings.messages import first_problem
from aann.settings.study import Settings
from aann.settings.types import Section

CLAIMS = "claims/claims.json"

_READ = ("png", "csv", "mp4")
"""Endings of the files of a figure that the page is made of."""


class Shown(Section):
    """A figure as the page knows it."""

    kind: str = Field(description="Its kind.")
    shows: str = Field(description="What it shows, in a few words.")
    title: str = Field(description="What its data are.")
    options: dict[str, Any] = Field(description="How it looks.")
    files: dict[str, str] = Field(description="Its files by their endings, below the results of the scale.")


class Contents(Section):
    """All that the page is made of. Paths are below the results of its scale."""

    figures: dict[str, Shown] = Field(default={}, description="Figures by name.")
    tables: list[str] = Field(default=[], description="Tables beside figures.")
    data: dict[str, str] = Field(default={}, description="What the data of each task are that figures show.")

    @property
    def files(self) -> list[str]:
        """All files that the page is made of."""
        drawn = [path for one in self.figures.values() for ending, path in one.files.items() if ending in _READ]
        return [*drawn, *self.tables, CLAIMS]


def contents_of(settings: Settings) -> Contents:
    """Return what the page of a study is made of. Raises ``InputError`` for a figure that the study cannot serve."""
    plans = kinds.plans(settings)
    shown = {
        name: Shown(
            kind=plan.kind,
            shows=settings.figures[name].shows,
            title=plan.title,
            options=plan.options,
            files=kinds.files(name, plan.kind),
        )
        for name, plan in plans.items()
    }
    tables = dict.fromkeys(path for plan in plans.values() for path in plan.beside)
    tasks = {one.keys.get("task") for plan in plans.values() for one in plan.inputs}
    tasks |= {task for plan in plans.values() for task in plan.options.get("titles", ())}
    data = {task: settings.data_title(task) for task in settings.tasks if task in tasks}
    return Contents(figures=shown, tables=list(tables), data=data)


def read_contents(text: str, source: str) -> Contents:
    """Return what is written as JSON; raise ``InputError`` with one line if it is something else."""
    try:
        return Contents.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, Contents, page='rules/report.smk')}") from error
