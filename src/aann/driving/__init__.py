"""The dynamic task: imitation learning in CarRacing, from an expert to networks that drive (paper, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aann.catalog import ACTIONS
from aann.errors import InputError
from aann.settings.datasets import DrivingDataSettings

if TYPE_CHECKING:
    from aann.settings.study import Settings

CLASSES = ACTIONS
"""What a network chooses between. A tie goes to GO, the first class, which is seldom far wrong."""

GO, LEFT, RIGHT = range(len(CLASSES))


def driven(settings: Settings, task: str) -> DrivingDataSettings:
    """Return the data set of a task that is driven; raise ``InputError`` for a task of other images."""
    data = settings.dataset(task)
    if not isinstance(data, DrivingDataSettings):
        name = settings.task(task).dataset
        raise InputError(f"task {task!r}: its data set {name!r} is not driven; expected one of kind driving")
    return data
