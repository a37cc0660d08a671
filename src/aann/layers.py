"""Kinds of layers: the shapes of their weights and outputs, and which inputs each weight meets."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from aann.errors import InputError

Sides = int | tuple[int, int]
"""A number of pixels, or two: the vertical one and the horizontal one."""


class Geometry(NamedTuple):
    """Which inputs of a layer each weight meets.

    A *tap* is one weight of a unit. A *place* is one position of a unit in one max-pooling window: the places of a
    window are side by side. Without pooling, each position is a window of one place.

    taps: int32 (units, taps of a unit, places), or (1, ...) if all units have the same. The input feature that a tap
    meets at a place (an index into the inputs, flattened in C order), or -1 for none (padding). All features that a tap
    meets are of one input unit: they have the same index along the first axis of the inputs. A tap that meets the sum
    of several features (``Layer.added``) has as many rows in place of one, side by side.
    width: how many places a window has.
    """

    taps: np.ndarray
    width: int


@dataclass(frozen=True)
class Layer(ABC):
    """One layer: the shapes of its weights and outputs, and which inputs each weight meets.

    A kind of layer is a class here with a ``type`` (its name in settings and files), a model of its settings
    (``aann.settings.networks``), and a forward pass in PyTorch (``aann.evaluation.reference``).
    """

    name: str
    type: ClassVar[str]

    @abstractmethod
    def weight_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (units, ...) for inputs of a shape; what follows the units is flattened to taps in C order."""

    @abstractmethod
    def output_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (units, ...), whose size is the number of windows of all units; raise ``InputError`` if none is."""

    @abstractmethod
    def geometry(self, inputs: tuple[int, ...]) -> Geometry:
        """Return which inputs each weight meets."""

    @property
    def added(self) -> int:
        """How many features a weight meets at one place: it is multiplied by their sum."""
        return 1

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as in the settings."""
        values = dataclasses.asdict(self)
        lists = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        return {"type": self.type, **lists}


def _require_image(layer: Layer, inputs: tuple[int, ...]) -> None:
    if len(inputs) != 3:
        raise InputError(f"layer {layer.name!r}: a {layer.type} cannot follow a dense layer; move it before it")


def _require_outputs(layer: Layer, inputs: tuple[int, ...], sides: list[int]) -> None:
    if min(sides) < 1:
        raise InputError(
            f"layer {layer.name!r}: nothing is left of inputs of shape {inputs}; use a smaller kernel, stride or pool"
        )


def require_whole(words: str, values: Iterable[Any], least: int) -> None:
    """Raise ``InputError``, which begins with ``words``, unless all values are whole numbers of at least ``least``."""
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{words} {value!r}; expected a whole number of at least {least}")


def both(sides: Sides) -> tuple[int, int]:
    """Return pixels vertically and horizontally."""
    return (sides, sides) if isinstance(sides, int) else sides


def patches(inputs: tuple[int, ...], kernel: Sides, stride: Sides = 1, padding: Sides = 0) -> np.ndarray:
    """Return which features a kernel meets at each position, int32 (channels, *kernel, rows, columns).

    Features are indices into inputs of shape (channels, height, width), or -1 in the padding.
    """
    features = np.arange(math.prod(inputs), dtype=np.int32).reshape(inputs)
    margins = [(pixels, pixels) for pixels in (0, *both(padding))]
    views = _windows(np.pad(features, margins, constant_values=-1), kernel, stride)
    return views.transpose(0, 3, 4, 1, 2)


def _windows(images: np.ndarray, size: Sides, stride: Sides) -> np.ndarray:
    """Return the windows of arrays of two axes, (arrays, rows, columns, *size)."""
    down, right = both(stride)
    return sliding_window_view(images, both(size), axis=(1, 2))[:, ::down, ::right]


def _positions(sides: Sequence[int], size: Sides, stride: Sides) -> list[int]:
    """Return how many windows there are vertically and horizontally."""
    return [(side - part) // step + 1 for side, part, step in zip(sides, both(size), both(stride), strict=True)]


_BY_SIDE = {"kernel": 1, "stride": 1, "padding": 0, "pool": 0, "pool_stride": 0}
"""Sizes of a convolution that may differ vertically and horizontally, and the least of each; 0 is none."""


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution without bias, then pooling if ``pool`` is not 0, then HardTanh.

    Sizes are in pixels: a number, or a vertical and a horizontal one. Two equal ones become one.
    ``pooling`` is ``max``, or ``average`` for the sum of a window: the average without its division, so that it is
    exact. HardTanh limits that sum as it limits all others. Max-pooling and HardTanh may change places.

    Raises ``InputError`` for sizes that are none, and for another pooling.
    """

    type = "convolution"
    filters: int
    kernel: Sides
    stride: Sides = 1
    padding: Sides = 0
    pool: Sides = 0
    pool_stride: Sides = 0
    pooling: str = "max"

    def __post_init__(self) -> None:
        require_whole(f"layer {self.name!r}: filters", [self.filters], 1)
        for name, least in _BY_SIDE.items():
            pixels = getattr(self, name)
            require_whole(f"layer {self.name!r}: {name}", both(pixels), least)
            if not isinstance(pixels, int):
                vertical, horizontal = pixels
                object.__setattr__(self, name, vertical if vertical == horizontal else (vertical, horizontal))
        if self.pooling not in ("max", "average"):
            raise InputError(f"layer {self.name!r}: pooling {self.pooling!r}; expected max or average")

    def weight_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (filters, channels, *kernel) for inputs of shape (channels, height, width)."""
        return (self.filters, inputs[0], *both(self.kernel))

    def output_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (filters, height, width) after pooling; raise ``InputError`` if nothing is left."""
        _require_image(self, inputs)
        padded = [side + 2 * pixels for side, pixels in zip(inputs[1:], both(self.padding), strict=True)]
        sides = _positions(_positions(padded, self.kernel, self.stride), *self.window)
        _require_outputs(self, inputs, sides)
        return (self.filters, *sides)

    def geometry(self, inputs: tuple[int, ...]) -> Geometry:
        """Return the same taps for all filters; a position in no pooling window has no place.

        A window of average pooling is one place, where each weight meets a feature for each position of the window.
        """
        found = patches(inputs, self.kernel, self.stride, self.padding)
        found = found.reshape(-1, *found.shape[3:])
        windows = _windows(found, *self.window)
        size = math.prod(windows.shape[3:])
        if self.pooling == "max":
            return Geometry(windows.reshape(1, len(found), -1), size)
        return Geometry(windows.transpose(0, 3, 4, 1, 2).reshape(1, len(found) * size, -1), 1)

    @property
    def window(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The sides of a pooling window, and its steps, each vertically and horizontally; all 1 without pooling."""
        return (both(self.pool), both(self.pool_stride or self.pool)) if self.pool else ((1, 1), (1, 1))

    @property
    def added(self) -> int:
        """The positions of a window of average pooling."""
        return math.prod(self.window[0]) if self.pooling == "average" else 1

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as in the settings, without ``pooling`` if it is max: files from before do not name it."""
        found = super().to_dict()
        return {key: value for key, value in found.items() if (key, value) != ("pooling", "max")}


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer without bias; HardTanh follows unless it is the last layer.

    Raises ``InputError`` for a number of units that is none.
    """

    type = "dense"
    units: int

    def __post_init__(self) -> None:
        require_whole(f"layer {self.name!r}: units", [self.units], 1)

    def weight_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (units, features) for inputs of any shape, which are flattened in C order."""
        return (self.units, math.prod(inputs))

    def output_shape(self, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Return (units,)."""
        return (self.units,)

    def geometry(self, inputs: tuple[int, ...]) -> Geometry:
        """Return one place, at which tap number i meets feature number i."""
        return Geometry(np.arange(math.prod(inputs), dtype=np.int32)[None, :, None], 1)


KINDS: dict[str, type[Layer]] = {kind.type: kind for kind in (Convolution, Dense)}
"""Kinds of layers by ``type``."""
