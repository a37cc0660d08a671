"""A forward pass in NumPy alone, for networks that are only used: what trains nothing needs no PyTorch.

It follows the geometry of the layers (``aann.layers``), as the incremental evaluator does, so it knows every kind of
layer. Its integers equal those of the reference evaluator. Sums are added up in float32 if no unit of the network can
go beyond 2^24, else in float64, and both hold them exactly in any order.
"""

from __future__ import annotations

import numpy as np

from aann.evaluation.inputs import check_images
from aann.layers import Geometry
from aann.networks import TernaryNetwork

LARGEST_EXACT = 2**24
"""float32 holds every integer up to this size."""

_INPUTS = 2**22
"""Inputs of sums that are in memory at a time, of all images of a batch."""


def logits(network: TernaryNetwork, images: np.ndarray) -> np.ndarray:
    """Return the int32 logits, shape (images, classes), of integer images of shape (images, channels, height, width).

    Raises ``InputError`` if the images have another shape or a value outside the network's input range.
    """
    check_images(network.architecture, images)
    kind = np.dtype(np.float32 if network.largest_sum <= LARGEST_EXACT else np.float64)
    geometries, weights = _geometries(network), [array.astype(kind) for array in network.weights.values()]
    batch = max(1, _INPUTS // max(geometry.taps.size for geometry in geometries))
    scale, layers = network.architecture.input_scale, network.architecture.layers
    batches = []
    for start in range(0, len(images), batch):
        chosen = images[start : start + batch]
        values = chosen.reshape(len(chosen), -1).T.astype(kind)
        for layer, geometry, array in zip(layers, geometries, weights, strict=True):
            values = _sums(geometry, layer.added, array, values)
            if layer is not layers[-1]:
                np.clip(values, -scale, scale, out=values)
        batches.append(values.T.astype(np.int32))
    return np.concatenate(batches)


def predictions(network: TernaryNetwork, images: np.ndarray) -> np.ndarray:
    """Return the class of the largest logit of each image, int64; a tie goes to the lowest class."""
    classes: np.ndarray = logits(network, images).argmax(axis=1)
    return classes


def _geometries(network: TernaryNetwork) -> list[Geometry]:
    """Return the geometry of each layer."""
    found, inputs = [], tuple(network.architecture.input_shape)
    for layer in network.architecture.layers:
        found.append(layer.geometry(inputs))
        inputs = layer.output_shape(inputs)
    return found


def _sums(geometry: Geometry, added: int, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a layer's sums, the largest of each window, for inputs of shape (features, images): (features, images)."""
    images, places = values.shape[1], geometry.taps.shape[2]
    known = np.concatenate([values, np.zeros((1, images), values.dtype)])  # -1, a tap that meets nothing, is the last
    taps = len(geometry.taps)
    met = known[geometry.taps].reshape(taps, -1, added, places * images)
    met = met[:, :, 0] if added == 1 else met.sum(axis=2)
    sums = weights.reshape(taps, -1, met.shape[1]) @ met
    windows = sums.reshape(-1, geometry.width, images)
    largest: np.ndarray = windows.max(axis=1)
    return largest
