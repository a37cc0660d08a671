"""What the page is made of: the figures of a study, the tables beside them, and the claims of the paper.

The page of a study of one's own shows its data and networks in place of claims.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from aann.errors import InputError
from aann.figures import kinds
from aann.settings import work
from aann.settings.messages import first_problem
from aann.settings.plans import Plan
from aann.settings.study import Settings
from aann.settings.types import Section

CLAIMS = "claims/claims.json"

_FOCUS = 90
"""The sparsity that the paper looks at."""

_EXPLORER = "export/{task}/p{sparsity}/seed{seed}.html"

_READ = ("png", "csv", "mp4")
"""Endings of the files of a figure that the page is made of."""


class Shown(Section):
    """A figure as the page knows it."""

    kind: str = Field(description="Its kind.")
    shows: str = Field(description="What it shows, in a few words.")
    title: str = Field(description="What its data are.")
    options: dict[str, Any] = Field(description="How it looks.")
    files: dict[str, str] = Field(description="Its files by their endings, below the results of the scale.")


class Examined(Section):
    """A task as the page of a study of one's own looks at it. Paths are below the results of the scale."""

    title: str = Field(description="What its data are.")
    data: str = Field(description="Its splits.")
    accuracies: str = Field(description="The accuracies of its networks.")
    network: str = Field(description="The network in focus, whose mistakes are shown.")
    sparsity: float = Field(description="That network's.")
    seed: int = Field(description="That network's.")


class Contents(Section):
    """All that the page is made of. Paths are below the results of its scale."""

    figures: dict[str, Shown] = Field(default={}, description="Figures by name.")
    tables: list[str] = Field(default=[], description="Tables beside figures.")
    data: dict[str, str] = Field(default={}, description="What the data of each task are that figures show.")
    explorers: list[str] = Field(default=[], description="Pages on which connections of a network are moved by hand.")
    claims: bool = Field(True, description="Whether it tells the claims of the paper.")
    tasks: dict[str, Examined] = Field(default={}, description="Tasks of a study of one's own.")
    settings: dict[str, Any] = Field(default={}, description="What a study of one's own sets.")

    @property
    def files(self) -> list[str]:
        """All files that the page is made of."""
        drawn = [path for one in self.figures.values() for ending, path in one.files.items() if ending in _READ]
        looked_at = [path for one in self.tasks.values() for path in (one.data, one.accuracies, one.network)]
        claims = [CLAIMS] if self.claims else []
        return [*dict.fromkeys([*drawn, *self.tables, *looked_at, *self.explorers]), *claims]


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
    shown_tasks = [task for plan in plans.values() for task in _tasks(plan)]
    data = {task: settings.data_title(task) for task in dict.fromkeys(shown_tasks)}
    explorers = [_EXPLORER.format(**row) for row in work.exports(settings, "page")]
    own = _own(settings) if settings.standalone else {}
    return Contents(figures=shown, tables=list(tables), data=data, explorers=explorers, **own)


def _own(settings: Settings) -> dict[str, Any]:
    """Return what the page of a study of one's own has in place of claims."""
    tasks = {task: _examined(settings, task) for task in settings.tasks}
    values = settings.model_dump(mode="json", exclude_unset=True, exclude={"downloads"})
    return {"claims": False, "tasks": tasks, "settings": values}


def _examined(settings: Settings, task: str) -> Examined:
    """Return how a task is looked at: by the network whose neighbors are, or by one that is about as sparse."""
    studied, chosen = settings.neighbors.get(task), settings.task(task)
    known = chosen.sparsities if studied is None else studied.sparsities
    sparsity, seed = min(known, key=lambda one: abs(one - _FOCUS)), chosen.seeds[0]
    return Examined(
        title=settings.data_title(task),
        data=f"datasets/{task}.safetensors",
        accuracies=f"psiren/{task}/accuracies.csv",
        network=f"psiren/{task}/p{sparsity:g}/seed{seed}.safetensors",
        sparsity=sparsity,
        seed=seed,
    )


def _tasks(plan: Plan) -> list[str]:
    """Return whose data a figure shows; in the order of its plan, since that of settings depends on who reads them."""
    return [*(str(one.keys["task"]) for one in plan.inputs if "task" in one.keys), *plan.options.get("titles", ())]


def read_contents(text: str, source: str) -> Contents:
    """Return what is written as JSON; raise ``InputError`` with one line if it is something else."""
    try:
        return Contents.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, Contents, page='rules/report.smk')}") from error
