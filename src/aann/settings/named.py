"""Entries of the paper's settings by name, for Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from aann import checkout
from aann.errors import InputError
from aann.settings.families import WalkSettings
from aann.settings.messages import refused_at, suggestion
from aann.settings.sense import SearchSettings
from aann.settings.study import Settings, load

Entry = TypeVar("Entry")
Placed = TypeVar("Placed", SearchSettings, WalkSettings)


def paper() -> Settings:
    """Return the settings of the paper's scale: ``config/config.yaml`` here, or else beside this package."""
    return load([checkout.find("config/config.yaml")])


def entry(known: Mapping[str, Entry], name: str, word: str, key: str) -> Entry:
    """Return an entry of a section of the settings; ``word`` is what an entry is, ``key`` that of the section.

    Raises ``InputError`` for a name that is not there.
    """
    if name not in known:
        hint = suggestion(name, known)
        raise InputError(f"unknown {word} {name!r}{hint}; the setting {key!r} has {', '.join(known)}")
    return known[name]


def placed(known: Mapping[str, Placed], which: str | Placed, word: str, key: str, layers: Sequence[str]) -> Placed:
    """Return a search or walk, given by its name or itself, for a network with these layers, from input to output.

    ``known``, ``word`` and ``key`` are as for ``entry``. Raises ``InputError`` for a name that is not there, and for
    layers that the network does not have.
    """
    found = entry(known, which, word, key) if isinstance(which, str) else which
    with refused_at(f"{word} {which!r}" if isinstance(which, str) else word):
        return found.named(layers)
