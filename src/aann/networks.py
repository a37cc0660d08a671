"""What a network is: an architecture of convolution and dense layers, and one ternary array of weights per layer.

Integer semantics (paper, section 3.1, made exact): inputs are integers in ``[-input_scale, input_scale]``, weights are
-1, 0 or +1, HardTanh clamps at ``+-input_scale`` instead of +-1, and logits are plain integer sums. Dividing every
value by ``input_scale`` gives the paper's network with activations in [-1, +1]. Without this division, every sum is
exact, in any order and on any machine.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import read_arrays, write_arrays
from aann.errors import InputError
from aann.layers import KINDS, Dense, Layer, require_whole

LARGEST_SUM = 2**29
"""No unit reaches this: logits, and differences of two, fit 32 bits, and float64 holds them exactly."""


@dataclass(frozen=True)
class Architecture:
    """Layer specifications for inputs of shape (channels, height, width); the last layer has one unit for each class.

    Inputs are integers in [0, input_scale], or in [-input_scale, input_scale] if ``signed``.
    Raises ``InputError`` if the layers do not fit each other or a sum could reach ``LARGEST_SUM``.
    """

    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    input_scale: int = 255
    signed: bool = False

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        require_whole("input_shape:", self.input_shape, 1)
        require_whole("input_scale:", [self.input_scale], 1)
        if not isinstance(self.signed, bool):
            raise InputError(f"signed: {self.signed!r}; expected true or false")
        if not names or len(set(names)) < len(names):
            raise InputError(f"network: its layer names {names} must be distinct and at least one")
        if not isinstance(self.layers[-1], Dense):
            raise InputError(f"layer {names[-1]!r}: the last layer must be dense, with one unit per class")
        if self.input_scale >= 2**15:
            raise InputError(f"input_scale {self.input_scale}: expected 1 to {2**15 - 1}, to fit int16")
        for name, shape in self.weight_shapes.items():
            bound = self.input_scale * self.added[name] * math.prod(shape[1:])
            if bound >= LARGEST_SUM:
                raise InputError(
                    f"layer {name!r}: a unit could reach {bound}, but evaluators hold sums below {LARGEST_SUM}; use "
                    "fewer inputs to a unit or a smaller input_scale"
                )

    @property
    def input_range(self) -> tuple[int, int]:
        """The least and the largest value of an input."""
        return -self.input_scale if self.signed else 0, self.input_scale

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every layer's weights, by layer name, from input to output."""
        shapes, inputs = {}, tuple(self.input_shape)
        for layer in self.layers:
            outputs = layer.output_shape(inputs)
            shapes[layer.name] = layer.weight_shape(inputs)
            inputs = outputs
        return shapes

    @property
    def pixel_shapes(self) -> dict[str, tuple[int, ...]]:
        """The same with the pixels that a unit sees in the last two dimensions; without an image, it sees one pixel."""
        shapes, inputs = {}, tuple(self.input_shape)
        for layer in self.layers:
            units, *others = layer.weight_shape(inputs)
            sees = others if len(others) == 3 else inputs if len(inputs) == 3 else (*inputs, 1, 1)
            shapes[layer.name] = (units, *sees)
            inputs = layer.output_shape(inputs)
        return shapes

    @property
    def added(self) -> dict[str, int]:
        """How many features each weight meets at a place, by layer name."""
        return {layer.name: layer.added for layer in self.layers}

    @property
    def classes(self) -> int:
        """The number of logits."""
        return self.weight_shapes[self.layers[-1].name][0]

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as in the settings (section ``networks``)."""
        layers = [layer.to_dict() for layer in self.layers]
        return {**dataclasses.asdict(self), "input_shape": list(self.input_shape), "layers": layers}

    @classmethod
    def from_dict(cls, specification: Mapping[str, Any]) -> Architecture:
        """Build an architecture from settings or from a file's metadata; raise ``InputError`` if it is malformed."""
        try:
            layers = tuple(
                KINDS[layer["type"]](**{key: value for key, value in layer.items() if key != "type"})
                for layer in specification["layers"]
            )
            channels, height, width = specification["input_shape"]
            others = {key: value for key, value in specification.items() if key not in ("layers", "input_shape")}
            return cls((channels, height, width), layers, **others)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise InputError(f"network: cannot read {error!r}; see 'networks' in config/README.md") from error


class TernaryNetwork:
    """A network whose weights are only -1, 0 and +1 (paper, section 3.1).

    ``weights`` holds one int8 array per layer, by layer name, in the order and shapes of the architecture. They are
    copied and cannot be written to: a changed network is a new one.

    ``data`` says what the network was made for, where it is known: the names of the ``classes``, and how a picture
    becomes an ``input`` (``aann.datasets.splits.describe``). Networks that differ only in it are equal.

    Raises ``InputError`` for other values, types, names or shapes.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, np.ndarray],
        source: str = "network",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        expected = architecture.weight_shapes
        found = {name: weights[name].shape for name in expected if name in weights}
        if found != expected or len(weights) != len(expected):
            raise InputError(
                f"{source}: belongs to another architecture: its layers are "
                f"{ {name: array.shape for name, array in weights.items()} }, expected {expected}"
            )
        for name, array in weights.items():
            _require_ternary(array, f"{source}: layer {name!r}")
        self.architecture, self.data = architecture, dict(data or {})
        self.weights = {name: weights[name].copy() for name in expected}
        for array in self.weights.values():
            array.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TernaryNetwork):
            return NotImplemented
        same = (np.array_equal(array, other.weights[name]) for name, array in self.weights.items())
        return self.architecture == other.architecture and all(same)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"TernaryNetwork(layers={list(self.layers)}, weights={self.size}, sparsity={self.sparsity:g} %)"

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names, from input to output."""
        return tuple(self.weights)

    @property
    def size(self) -> int:
        """The number n of weights, zeros included."""
        return sum(array.size for array in self.weights.values())

    @property
    def largest_sum(self) -> int:
        """A bound on what any unit reaches: the most features that one adds, times the input scale."""
        added, scale = self.architecture.added, self.architecture.input_scale
        return scale * max(added[name] * most_nonzeros(array) for name, array in self.weights.items())

    @property
    def sparsity(self) -> float:
        """The percentage of weights that are 0."""
        return 100.0 * sum(int((array == 0).sum()) for array in self.weights.values()) / self.size

    @property
    def family(self) -> dict[str, tuple[int, int, int]]:
        """How many weights are (-1, 0, +1) in each layer: equal counts make a family (paper, section 3.2)."""
        counts = {name: [int((array == value).sum()) for value in (-1, 0, 1)] for name, array in self.weights.items()}
        return {name: (minus, zero, plus) for name, (minus, zero, plus) in counts.items()}

    def predict(self, images: Any) -> np.ndarray:
        """Return the class of each image, int64; ``images`` are an array or files of pictures, as in ``aann.predict``.

        Jobs of stages count by evaluators, so their fingerprints need not know of this function.
        """
        classes: np.ndarray = import_module("aann.prediction").predict(self, images)
        return classes

    def described(self, data: Mapping[str, Any]) -> TernaryNetwork:
        """Return the same network with another description of what it was made for."""
        return TernaryNetwork(self.architecture, self.weights, data=data)

    def save(self, path: Path | str, provenance: Mapping[str, Any] | None = None) -> None:
        """Write the network as safetensors: int8 tensors named by layer; what else is known is metadata."""
        described = {"data": self.data} if self.data else {}
        metadata = {"architecture": self.architecture.to_dict(), "provenance": dict(provenance or {}), **described}
        write_arrays(path, self.weights, metadata)

    @classmethod
    def load(cls, path: Path | str, architecture: Architecture | None = None) -> TernaryNetwork:
        """Read a network that ``save`` wrote.

        Raises ``InputError`` if the file is damaged, holds anything but a ternary network, or belongs to another
        architecture than the one given.
        """
        arrays, metadata = read_arrays(path)
        if not isinstance(metadata, dict) or not isinstance(metadata.get("architecture"), dict):
            raise InputError(f"{path}: holds no network; expected a file of the p-SIREN stage")
        try:
            found = Architecture.from_dict(metadata["architecture"])
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        if architecture is not None and found != architecture:
            raise InputError(
                f"{path}: belongs to another architecture: {json.dumps(found.to_dict())}, expected "
                f"{json.dumps(architecture.to_dict())}"
            )
        described = metadata.get("data")
        return cls(found, arrays, source=str(path), data=described if isinstance(described, dict) else None)


def most_nonzeros(weights: np.ndarray) -> int:
    """Return the largest number of non-zero weights of a unit; weights have shape (units, ...)."""
    return max(int(np.count_nonzero(unit)) for unit in weights)


def require_layer(layer: str, layers: Iterable[str]) -> None:
    """Raise ``InputError`` unless ``layer`` is one of a network's layers."""
    if layer not in layers:
        raise InputError(f"layer {layer!r}: the network has no such layer; expected one of {', '.join(layers)}")


def _require_ternary(array: np.ndarray, source: str) -> None:
    if array.dtype != np.int8:
        raise InputError(f"{source}: has type {array.dtype}, expected int8 weights of -1, 0 and +1")
    wrong = array[(array < -1) | (array > 1)]
    if wrong.size:
        raise InputError(f"{source}: holds the weight {int(wrong[0])}, expected only -1, 0 and +1")
