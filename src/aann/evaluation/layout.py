"""How a layer's weights meet its inputs, as index arrays: what the incremental evaluator needs of an architecture.

A *feature* is one value of an image at one place of the network: an input pixel, or one pooled position of one unit.
A *unit* is a filter or a neuron. A *tap* is one weight of a unit. All kinds of layers (``aann.layers.Layer``) become
the same few arrays.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from aann.errors import InputError
from aann.networks import TernaryNetwork, most_nonzeros


class LayerLayout(NamedTuple):
    """One layer, in arrays that compiled code reads.

    A *place* is one position of a unit in one pooling window. The places of a window are side by side, and a position
    in no window has none.

    taps: int32 (rows, places), the input feature that a weight meets at a place, or -1 (padding).
    added: how many features a tap meets at a place: it takes their sum. So many rows are one tap.
    own: the taps of a unit if each unit has taps of its own, one unit after the other, or 0 if all have the same.
    sources: int32 (taps), the input unit that a tap meets.
    width: the places of a pooling window.
    starts: int32 (units, input units + 1), where a unit's non-zero weights from an input unit start.
    middles: int32 (units, input units), where those of +1 end and those of -1 begin.
    nonzeros: int32, the rows of the taps of all non-zero weights.
    features: the features of an input unit.
    """

    taps: np.ndarray
    added: int
    own: int
    sources: np.ndarray
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


class Incoming(NamedTuple):
    """What all the sums of a unit are made of.

    starts: int32 (units + 1), where a unit's non-zero weights start.
    middles: int32 (units), where those of +1 end and those of -1 begin.
    rows: int32, their rows of ``LayerLayout.taps``.
    run: so many inputs may be added up in integers as wide as they are.
    """

    starts: np.ndarray
    middles: np.ndarray
    rows: np.ndarray
    run: int


def incoming(layer: LayerLayout, run: int) -> Incoming:
    """Return a layer's connections by unit."""
    units, signs = _units_and_signs(layer)
    starts = np.append(layer.starts[:, 0], layer.starts[-1, -1])
    middles = starts[:-1] + np.bincount(units[signs > 0], minlength=layer.units)
    return Incoming(starts, middles.astype(np.int32), layer.nonzeros[np.lexsort((signs < 0, units))], run)


def _units_and_signs(layer: LayerLayout) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit and the sign, int8, of each of a layer's ``nonzeros``."""
    counts = np.diff(layer.starts[:, [0, -1]], axis=1).ravel()
    units = np.repeat(np.arange(layer.units), counts)
    bounds = np.stack([layer.starts[:, :-1], layer.middles, layer.starts[:, 1:]], axis=-1)
    lengths = np.diff(bounds, axis=-1).ravel()
    return units, np.repeat(np.tile(np.array([1, -1], np.int8), len(lengths) // 2), lengths)


def near(layer: LayerLayout) -> np.ndarray:
    """Return a layer's ``taps`` with features numbered within their input unit, and ``features`` for padding."""
    found: np.ndarray = np.where(layer.taps < 0, layer.features, layer.taps % layer.features).astype(np.int32)
    return found


def layouts(network: TernaryNetwork) -> dict[str, LayerLayout]:
    """Return the layout of every layer, by name, from input to output."""
    found, inputs = {}, tuple(network.architecture.input_shape)
    for layer in network.architecture.layers:
        geometry = layer.geometry(inputs)
        units, rows, places = geometry.taps.shape
        taps, features = np.array(geometry.taps, np.int32, order="C").reshape(-1, places), math.prod(inputs[1:])
        blank = LayerLayout(
            taps=taps,
            added=layer.added,
            own=rows // layer.added if units > 1 else 0,
            sources=_sources(taps.reshape(-1, layer.added * places), features, layer.name),
            width=geometry.width,
            starts=np.empty((0, inputs[0] + 1), np.int32),
            middles=np.empty((0, inputs[0]), np.int32),
            nonzeros=np.empty(0, np.int32),
            features=features,
        )
        found[layer.name] = connected(blank, network.weights[layer.name])
        inputs = layer.output_shape(inputs)
    return found


def _sources(taps: np.ndarray, features: int, name: str) -> np.ndarray:
    """Return the input unit that each tap meets, 0 where it meets nothing."""
    last = taps.max(axis=1)
    first = np.where(taps < 0, last[:, None], taps).min(axis=1)
    if (first // features != last // features).any():
        raise InputError(f"layer {name!r}: a weight meets several input units; its kind must give each unit its own")
    sources: np.ndarray = np.maximum(last // features, 0)
    return sources


def connected(layer: LayerLayout, weights: np.ndarray) -> LayerLayout:
    """Return a layout with the connections of other weights, int8 of shape (units, ...)."""
    flat, input_units = weights.reshape(len(weights), -1), layer.starts.shape[1] - 1
    units, taps = np.nonzero(flat)
    met = taps + units * layer.own
    negative = flat[units, taps] < 0
    groups = units * input_units + layer.sources[met]
    order = np.lexsort((taps, negative, groups))
    rows = met[order, None] * layer.added + np.arange(layer.added)
    size = len(flat) * input_units
    counts, positive = (layer.added * np.bincount(chosen, minlength=size) for chosen in (groups, groups[~negative]))
    ends = np.cumsum(counts)
    starts = (ends - counts).reshape(-1, input_units)
    return layer._replace(
        starts=np.concatenate([starts, ends.reshape(-1, input_units)[:, -1:]], axis=1).astype(np.int32),
        middles=(starts + positive.reshape(-1, input_units)).astype(np.int32),
        nonzeros=rows.ravel().astype(np.int32),
    )


def largest_sum(weights: np.ndarray, input_scale: int, added: int) -> int:
    """Return a bound on what a unit can reach, now and in any first neighbor.

    Its inputs are within +-``input_scale``, and each weight meets the sum of so many ``added``.
    """
    return min(most_nonzeros(weights) + 1, math.prod(weights.shape[1:])) * input_scale * added
