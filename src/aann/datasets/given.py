"""Images by split that are given from Python, and how many of them a search or walk looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from aann.arguments import kind, require_mapping
from aann.datasets.splits import SPLITS, Images
from aann.errors import InputError
from aann.settings.named import Placed


def images_by_split(data: Any) -> dict[str, Images]:
    """Return the images of all splits: ``Images`` as they are, and pairs of images and labels as ``Images``.

    Raises ``InputError`` if a split is absent or is something else.
    """
    require_mapping("data", data, f"images by split: {', '.join(SPLITS)}")
    return {split: _images(split, data) for split in SPLITS}


def _images(split: str, data: Mapping[str, Any]) -> Images:
    found = data.get(split)
    if isinstance(found, Images):
        return found
    if isinstance(found, tuple) and len(found) == 2 and all(isinstance(one, np.ndarray) for one in found):
        return Images(*found)
    told = f"is {kind(found)}" if split in data else "is not there"
    raise InputError(f"data[{split!r}]: {told}; expected two arrays (images, labels), or what aann.load_data returns")


def looking_at(chosen: Placed, data: Mapping[str, Images]) -> Placed:
    """Return a search or walk of the settings as it is, or on all images of its split if it asks for more."""
    images = chosen.images
    if images.count == "all" or images.count <= len(data[images.split]):
        return chosen
    return chosen.model_copy(update={"images": images.model_copy(update={"count": "all"})})
