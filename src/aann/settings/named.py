"""The paper's settings, and its searches and walks by name, for Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from aann import checkout
from aann.settings.families import WalkSettings
from aann.settings.messages import lookup, refused_at
from aann.settings.sense import SearchSettings
from aann.settings.study import Settings, load

Placed = TypeVar("Placed", SearchSettings, WalkSettings)
"""What has a place in layers and on images of a split."""


def paper() -> Settings:
    """Return the settings of the paper's scale: ``config/config.yaml`` here, or else beside this package."""
    return load([checkout.find("config/config.yaml")])


def search(which: str | SearchSettings, layers: Sequence[str]) -> SearchSettings:
    """Return a search, given by its name or itself, for a network with these layers, from input to output.

    Raises ``InputError`` for a name that is not there, and for layers that the network does not have.
    """
    if isinstance(which, SearchSettings):
        return _placed(which, "search", layers)
    return _placed(lookup(paper().sense.searches, which, "search", "sense.searches"), f"search {which!r}", layers)


def walk(which: str | WalkSettings, layers: Sequence[str]) -> WalkSettings:
    """Return a walk in the same way."""
    if isinstance(which, WalkSettings):
        return _placed(which, "walk", layers)
    return _placed(lookup(paper().families.walks, which, "walk", "families.walks"), f"walk {which!r}", layers)


def _placed(chosen: Placed, words: str, layers: Sequence[str]) -> Placed:
    with refused_at(words):
        return chosen.named(layers)
