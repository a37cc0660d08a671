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

    Raises ``InputError`` if a split is absent, is empty or is something else, or if it has not a label for each image.
    """
    require_mapping("data", data, f"images by split: {', '.join(SPLITS)}")
    return {split: _images(split, data) for split in SPLITS}


def _images(split: str, data: Mapping[str, Any]) -> Images:
    found = data.get(split)
    pair = (found.images, found.labels) if isinstance(found, Images) else found
    if not (isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(one, np.ndarray) for one in pair)):
        told = f"is {kind(found)}" if split in data else "is not there"
        raise InputError(
            f"data[{split!r}]: {told}; expected two arrays (images, labels), or what aann.load_data returns"
        )
    images, labels = pair
    if images.ndim != 4 or len(images) == 0 or labels.shape != images.shape[:1]:
        raise InputError(
            f"data[{split!r}]: has images of shape {images.shape} and labels of shape {labels.shape}; expected "
            "(1 or more, channels, height, width), and a label for each image"
        )
    return Images(images, labels)


def looking_at(chosen: Placed, data: Mapping[str, Images]) -> Placed:
    """Return a search or walk of the settings as it is, or on all images of its split if it asks for more."""
    images = chosen.images
    if images.count == "all" or images.count <= len(data[images.split]):
        return chosen
    return chosen.model_copy(update={"images": images.model_copy(update={"count": "all"})})
