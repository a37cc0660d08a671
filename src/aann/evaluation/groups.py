"""What compiled functions are given, in named groups: they cost nothing, since compiled code sees each field alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aann.evaluation.layout import Incoming, LayerLayout


class Rows(NamedTuple):
    """Rows of an array of shape (rows, LANES), from ``first`` on."""

    array: np.ndarray
    first: int


class Planes(NamedTuple):
    """Outputs of a unit, or changes of them: rows from ``first`` on; those not ``live`` hold only zeros."""

    array: np.ndarray
    live: np.ndarray
    first: int


class Values(NamedTuple):
    """A layer with its integers: inputs, shape (blocks, features, LANES), and sums, (blocks, units x places, LANES)."""

    layout: LayerLayout
    inputs: np.ndarray
    sums: np.ndarray


class Tail(NamedTuple):
    """The layers from the second after a swap's on.

    first: the values of the first of them.
    near: its taps by feature of an input unit (see ``layout.near``).
    layouts, incoming: all of their layouts and connections, tuples.
    zeros: int32, rows of zeros.
    """

    first: Values
    near: np.ndarray
    layouts: tuple[LayerLayout, ...]
    incoming: tuple[Incoming, ...]
    zeros: np.ndarray


class Blocks(NamedTuple):
    """Blocks of images (see ``arrangement``).

    chosen: int64, which of them to work on.
    labels: int64 (blocks,), the labels of all.
    present: int32 (blocks, LANES), -1 for an image and 0 for one that fills up.
    """

    chosen: np.ndarray
    labels: np.ndarray
    present: np.ndarray


class Bounds(NamedTuple):
    """HardTanh limits values to +-``scale``; margins are cut off at ``low`` and ``high``."""

    scale: int
    low: int
    high: int


class Plan(NamedTuple):
    """In which order swaps are worked on.

    halves: int32 (halves, 5), left ones first.
    pairs: int32 (swaps, 3).
    chunks: int64 (chunks, 6).
    slots: the most halves of a chunk.
    longest: the most pairs of a chunk.
    """

    halves: np.ndarray
    pairs: np.ndarray
    chunks: np.ndarray
    slots: int
    longest: int


class Room(NamedTuple):
    """Where one thread keeps what it computes for a chunk; a *slot* is the place of a half.

    used: bool, which slots are in use.
    deltas, live: changes of outputs by slot, and which of them are not zero; in an earlier layer, a slot's last row is
        of zeros.
    near: the taps of the next layer by feature of an input unit (see ``layout.near``).
    sums: by slot, sums (or logits) of the next layer with a left half, or what a right half changes of them.
    zeros: rows of zeros, as wide as ``sums``.
    touched: bool, by slot, whether a half touches a unit of the next layer.
    changes: how two halves change the outputs of that unit, and a row of zeros.
    together: int32, by pair, sums of the layer after that.
    planes: outputs of a layer.
    spare: int32, two sets of sums of a later layer.
    narrow: has integers that hold what one unit contributes to a sum.
    """

    used: np.ndarray
    deltas: np.ndarray
    live: np.ndarray
    near: np.ndarray
    sums: np.ndarray
    zeros: np.ndarray
    touched: np.ndarray
    changes: np.ndarray
    together: np.ndarray
    planes: np.ndarray
    spare: np.ndarray
    narrow: np.ndarray


class Desk(NamedTuple):
    """A few rows of one thread.

    rows, live: outputs of a unit and which of them changed, or logits.
    zeros: rows of zeros, as wide as the sums.
    narrow: has integers that hold what one unit contributes to a sum, or a margin that is cut off.
    """

    rows: np.ndarray
    live: np.ndarray
    zeros: np.ndarray
    narrow: np.ndarray
