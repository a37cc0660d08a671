"""What is given to functions from Python, such as those of ``import aann``: checked, with a line for what is wrong."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aann.errors import InputError
from aann.networks import TernaryNetwork


def require_network(network: Any) -> None:
    """Raise ``InputError`` for anything but a network, such as its path."""
    if not isinstance(network, TernaryNetwork):
        raise InputError(f"network: is {kind(network)}; expected a network, as aann.load_network(path) returns one")


def require_mapping(name: str, value: Any, expected: str) -> None:
    """Raise ``InputError`` with the name of an argument for anything but a mapping."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: is {kind(value)}; expected {expected}")


def listed(name: str, value: Any) -> list[Any]:
    """Return the items of an argument; raise ``InputError`` with its name for one text, and for what has no items."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{name}: is {kind(value)}; expected a list, such as [{value!r}]")
    return list(value)


def whole(name: str, value: Any, least: int = 0) -> int:
    """Return an argument that is a whole number of at least ``least``, or raise ``InputError`` with its name."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(f"{name} {value!r}: expected a whole number of at least {least}")
    return number


def path(name: str, value: Any) -> Path:
    """Return an argument that is a path, or raise ``InputError`` with its name."""
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(f"{name}: is {kind(value)}; expected a path")
    return Path(value)


def kind(value: Any) -> str:
    """Return the type of a value in words."""
    return f"of type {type(value).__name__}"
