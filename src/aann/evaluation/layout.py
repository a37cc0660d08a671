"""How a layer's weights meet its inputs, as index arrays: what the incremental evaluator needs of an architecture.

A *feature* is one value of an image at one place of the network (an input pixel, or one pooled position of one unit); a
*unit* is a filter or a neuron; a *tap* is one weight of a unit. Convolutions and dense layers, any stride, padding and
pooling, become the same few arrays.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from aann.networks import Convolution, Layer, TernaryNetwork


class LayerLayout(NamedTuple):
    """One layer, in arrays that compiled code reads.

    A *place* is one position of a unit in one pooling window: the places of a window stand together, and a position in
    no window has none.

    taps: int32 (taps of a unit, places), the input feature that a weight meets at a place, or -1 (padding).
    width: the places of a pooling window.
    starts: int32 (units, input units + 1), where a unit's non-zero weights from an input unit start.
    middles: int32 (units, input units), where those of +1 end and those of -1 begin.
    nonzeros: int32, the taps of all non-zero weights.
    features: the features of an input unit.
    """

    taps: np.ndarray
    width: int
    starts: np.ndarray
    middles: np.ndarray
    nonzeros: np.ndarray
    features: int

    @property
    def inputs(self) -> int:
        """The number of input features."""
        return int(self.starts.shape[1] - 1) * self.features

    @property
    def units(self) -> int:
        """The number of units."""
        return len(self.starts)

    @property
    def rows(self) -> int:
        """The number of sums: one for each unit and place."""
        return len(self.starts) * int(self.taps.shape[1])

    @property
    def pooled(self) -> int:
        """The number of outputs of a unit."""
        return int(self.taps.shape[1]) // self.width


class Outgoing(NamedTuple):
    """What the features of a layer's inputs go into.

    starts: int32 (features + 1), where a feature's connections start.
    rows: int32, the sums (unit x places + place) that they lead to.
    signs: int8, their weights.
    """

    starts: np.ndarray
    rows: np.ndarray
    signs: np.ndarray


def outgoing(layer: LayerLayout) -> Outgoing:
    """Return a layer's connections by input feature."""
    counts = np.diff(layer.starts[:, [0, -1]], axis=1).ravel()
    units = np.repeat(np.arange(layer.units), counts)
    bounds = np.stack([layer.starts[:, :-1], layer.middles, layer.starts[:, 1:]], axis=-1)
    lengths = np.diff(bounds, axis=-1).ravel()
    signs = np.repeat(np.tile(np.array([1, -1], np.int8), len(lengths) // 2), lengths)
    features = layer.taps[layer.nonzeros]
    places = layer.taps.shape[1]
    connection, place = np.nonzero(features >= 0)
    order = np.argsort(features[connection, place], kind="stable")
    connection, place = connection[order], place[order]
    starts = np.searchsorted(features[connection, place], np.arange(layer.inputs + 1))
    rows = units[connection] * places + place
    return Outgoing(starts.astype(np.int32), rows.astype(np.int32), signs[connection])


def layouts(network: TernaryNetwork) -> dict[str, LayerLayout]:
    """Return the layout of every layer, by name, from input to output."""
    found, inputs = {}, tuple(network.architecture.input_shape)
    for layer in network.architecture.layers:
        taps, width = _geometry(layer, inputs)
        starts, middles, nonzeros = connections(network.weights[layer.name], inputs[0])
        found[layer.name] = LayerLayout(taps, width, starts, middles, nonzeros, math.prod(inputs[1:]))
        inputs = layer.output_shape(inputs)
    return found


def connections(weights: np.ndarray, input_units: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``starts``, ``middles`` and ``nonzeros`` of a layer's weights, int8 of shape (units, ...)."""
    flat = weights.reshape(len(weights) * input_units, -1)
    groups, taps = np.nonzero(flat)
    negative = flat[groups, taps] < 0
    order = np.lexsort((taps, negative, groups))
    counts, positive = (np.bincount(chosen, minlength=len(flat)) for chosen in (groups, groups[~negative]))
    ends = np.cumsum(counts)
    starts = (ends - counts).reshape(-1, input_units)
    return (
        np.concatenate([starts, ends.reshape(-1, input_units)[:, -1:]], axis=1).astype(np.int32),
        (starts + positive.reshape(-1, input_units)).astype(np.int32),
        (taps + groups % input_units * flat.shape[1])[order].astype(np.int32),
    )


def largest_sum(weights: np.ndarray, input_scale: int) -> int:
    """Return a bound on what a unit can reach, now and in any first neighbor: inputs are within +-``input_scale``."""
    nonzeros = np.count_nonzero(weights.reshape(len(weights), -1), axis=1).max()
    return int(min(nonzeros + 1, weights[0].size)) * input_scale


def _geometry(layer: Layer, inputs: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Return ``taps`` and ``width`` of a layer for inputs of a shape."""
    if not isinstance(layer, Convolution):
        return np.arange(math.prod(inputs), dtype=np.int32)[:, None], 1
    channels = inputs[0]
    features = np.arange(math.prod(inputs), dtype=np.int32).reshape(inputs)
    margins = ((0, 0), (layer.padding, layer.padding), (layer.padding, layer.padding))
    padded = np.pad(features, margins, constant_values=-1)
    views = sliding_window_view(padded, (layer.kernel, layer.kernel), axis=(1, 2))
    views = views[:, :: layer.stride, :: layer.stride]
    positions = np.arange(views.shape[1] * views.shape[2]).reshape(views.shape[1:3])
    pool, stride = (layer.pool, layer.pool_stride or layer.pool) if layer.pool else (1, 1)
    windows = sliding_window_view(positions, (pool, pool))[::stride, ::stride]
    taps = views.transpose(0, 3, 4, 1, 2).reshape(channels * layer.kernel**2, -1)
    return np.ascontiguousarray(taps[:, windows.ravel()]), pool * pool
