"""What evaluators refuse: networks, images and labels that do not belong to an architecture."""

from __future__ import annotations

from typing import Any

import numpy as np

from aann.arguments import require_network
from aann.errors import InputError
from aann.networks import Architecture, TernaryNetwork


def check_architecture(network: TernaryNetwork, architecture: Architecture) -> None:
    """Raise ``InputError`` unless a network is of an evaluator's architecture."""
    require_network(network)
    if network.architecture != architecture:
        raise InputError("network: belongs to another architecture than the evaluator's")


def require_array(name: str, value: Any) -> None:
    """Raise ``InputError`` unless images or labels are an array of NumPy."""
    if not isinstance(value, np.ndarray):
        raise InputError(f"{name}: are of type {type(value).__name__}, expected an array, as numpy.asarray returns one")


def check_images(architecture: Architecture, images: np.ndarray) -> None:
    """Raise ``InputError`` unless images are a batch of integers in the architecture's shape and input range."""
    require_array("images", images)
    if images.ndim != 4 or images.shape[1:] != tuple(architecture.input_shape) or len(images) == 0:
        raise InputError(f"images: have shape {images.shape}, expected (1 or more, {architecture.input_shape})")
    if not np.issubdtype(images.dtype, np.integer):
        raise InputError(f"images: have type {images.dtype}, expected integers")
    lowest, highest = architecture.input_range
    if images.min() < lowest or images.max() > highest:
        raise InputError(f"images: hold values from {images.min()} to {images.max()}, expected {lowest} to {highest}")


def check_labels(architecture: Architecture, images: np.ndarray, labels: np.ndarray) -> None:
    """Raise ``InputError`` unless there is one label an image, an integer that is a class of the architecture."""
    require_array("labels", labels)
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels: have shape {labels.shape} and type {labels.dtype}, expected {len(images)} integers")
    if labels.min() < 0 or labels.max() >= architecture.classes:
        raise InputError(f"labels: are from {labels.min()} to {labels.max()}, expected 0 to {architecture.classes - 1}")
