"""What is given to functions from Python, such as those of ``import aann``: checked, with a line for what is wrong."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from aann.datasets.splits import SPLITS, Images
from aann.errors import InputError
from aann.networks import TernaryNetwork
from aann.settings.named import Placed


def require_network(network: Any) -> None:
    """Raise ``InputError`` for anything but a network, such as its path."""
    if not isinstance(network, TernaryNetwork):
        raise InputError(f"network: is {_kind(network)}; expected a network, as aann.load_network(path) returns one")


def whole(name: str, value: Any, least: int = 0) -> int:
    """Return an argument that is a whole number of at least ``least``, or raise ``InputError`` with its name."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(f"{name} {value!r}: expected a whole number of at least {least}")
    return number


def images_by_split(data: Any) -> dict[str, Images]:
    """Return the images of all splits: ``Images`` as they are, and pairs of images and labels as ``Images``.

    Raises ``InputError`` if a split is absent or is something else.
    """
    if not isinstance(data, Mapping):
        raise InputError(f"data: is {_kind(data)}; expected images by split: {', '.join(SPLITS)}")
    return {split: _images(split, data) for split in SPLITS}


def _images(split: str, data: Mapping[str, Any]) -> Images:
    found = data.get(split)
    if isinstance(found, Images):
        return found
    if isinstance(found, tuple) and len(found) == 2 and all(isinstance(one, np.ndarray) for one in found):
        return Images(*found)
    told = f"is {_kind(found)}" if split in data else "is not there"
    raise InputError(f"data[{split!r}]: {told}; expected two arrays (images, labels), or what aann.load_data returns")


def looking_at(chosen: Placed, data: Mapping[str, Images]) -> Placed:
    """Return a search or walk of the settings as it is, or on all images of its split if it asks for more."""
    images = chosen.images
    if images.count == "all" or images.count <= len(data[images.split]):
        return chosen
    return chosen.model_copy(update={"images": images.model_copy(update={"count": "all"})})


def _kind(value: Any) -> str:
    return f"of type {type(value).__name__}"
