"""The dynamic task: imitation learning in CarRacing, from an expert to networks that drive (paper, section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aann.errors import InputError

if TYPE_CHECKING:
    from aann.settings.study import Settings

DATASETS = ("driving", "driving-rgb")
"""Names of what a network may see (``views``)."""

CLASSES = ("GO", "LEFT", "RIGHT")
"""What a network chooses between; its logits stand in this order, and a tie is for GO, which is seldom far wrong."""

GO, LEFT, RIGHT = range(len(CLASSES))


def driven(settings: Settings, task: str) -> str:
    """Return the data set of a task that is driven; raise ``InputError`` for a task of other images."""
    dataset = settings.task(task).dataset
    if dataset not in DATASETS:
        raise InputError(f"task {task!r}: its data set {dataset!r} is not driven; expected {' or '.join(DATASETS)}")
    return dataset
