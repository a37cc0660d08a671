"""Tasks: a data set, a network, and the sparsities and seeds that are studied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from aann.errors import InputError
from aann.settings.files import merge
from aann.settings.psiren import PSirenSettings
from aann.settings.types import Name, Section, Seed, Sparsity, require_distinct


def _complete_or_like_another(schema: dict[str, Any]) -> None:
    schema |= {"if": {"required": ["like"]}, "else": {"required": schema.pop("required")}}


class TaskSettings(Section):
    """A data set, the network that learns it, and the sparsities at which it is studied."""

    model_config = ConfigDict(json_schema_extra=_complete_or_like_another)

    like: Name | None = Field(
        None,
        exclude=True,  # since all that it stands for is there by then
        description="Another task, for what is not given here: nothing else is required then. In `psiren`, that task's "
        "values stay where no others are given. Steps of p-SIREN that are equal there run once for both.",
    )
    dataset: Name = Field(description="A name in `datasets`.")
    network: Name = Field(description="A name in `networks`.")
    sparsities: list[Sparsity] = Field(default=[90.0], min_length=1, description="Percentages of zero weights.")
    seeds: list[Seed] = Field(
        default=[0, 1, 2], min_length=1, description="One network for each seed at every sparsity."
    )
    psiren: PSirenSettings | None = Field(None, description="p-SIREN for this task, instead of section `psiren`.")

    @model_validator(mode="after")
    def _distinct(self) -> TaskSettings:
        require_distinct(self.sparsities, "sparsities")
        require_distinct(self.seeds, "seeds")
        return self


def written_out(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings with each task that is `like` another laid over that one, key by key.

    Raises ``InputError`` for a task that is not there, and for one that is like another itself.
    """
    tasks = values.get("tasks")
    if not isinstance(tasks, Mapping):
        return dict(values)
    return {**values, "tasks": {name: _written_out(name, task, values) for name, task in tasks.items()}}


def _written_out(name: str, task: Any, values: Mapping[str, Any]) -> Any:
    if not isinstance(task, Mapping) or task.get("like") is None:
        return task
    like, tasks = task["like"], values["tasks"]
    other = tasks.get(like) if isinstance(like, str) and like != name else None
    if not isinstance(other, Mapping):
        known = ", ".join(key for key in tasks if key != name)
        raise InputError(f"setting 'tasks.{name}.like': no such task {like!r}; expected one of {known}")
    if other.get("like") is not None:
        raise InputError(f"setting 'tasks.{name}.like': {like} is like {other['like']} itself; name that one")
    psiren = other.get("psiren") or values.get("psiren") or {}
    return merge({**other, "psiren": psiren} if "psiren" in task else other, task)
