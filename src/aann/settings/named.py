"""Entries of the paper's settings by name, for Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aann import checkout
from aann.errors import InputError
from aann.settings.messages import suggestion
from aann.settings.study import Settings, load

Entry = TypeVar("Entry")


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


def chosen(known: Mapping[str, Entry], which: str | Entry, word: str, key: str) -> Entry:
    """Return an entry that is given by its name, or itself; the rest as for ``entry``."""
    return entry(known, which, word, key) if isinstance(which, str) else which
