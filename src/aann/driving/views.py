"""What a network sees: integers made of the frames before a decision, as the data set of the task says.

``color``: the frame now, in color, cropped around the car, as in the paper: (3, 72, 72).
``two-frames``: where the road is and how it moves: (2, 84, 84). Grass is bright green and everything else is not. So
    one channel is the green value less the middle between road and grass, and the other its difference from an
    earlier frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aann.catalog import HALF
from aann.settings.datasets import DrivingDataSettings

LAG = 2
"""The earlier frame is this many decisions older."""

_HALFWAY = 153
"""Green is 102 to 107 on the road and 204 to 230 on grass."""


def view(data: DrivingDataSettings, frames: Sequence[np.ndarray]) -> np.ndarray:
    """Return what a network sees, int8 of the shape that belongs to a data set.

    ``frames`` are those of all decisions up to now, uint8 of shape (84, 96, 3); at the start, the first is repeated.
    """
    if data.sees == "color":
        return _color(frames[-1])
    limit = data.limit
    now, before = (_green(frame, limit) for frame in (frames[-1], frames[max(0, len(frames) - 1 - LAG)]))
    return np.stack([now, now - before]).clip(-limit, limit).astype(np.int8)


def _color(frame: np.ndarray) -> np.ndarray:
    """Return the 72 x 72 pixels around the car, channels first, moved to signed integers."""
    return (frame[12:84, 12:84].astype(np.int16) - HALF).astype(np.int8).transpose(2, 0, 1)


def _green(frame: np.ndarray, limit: int) -> np.ndarray:
    """Return 84 x 84 pixels of the green channel, int16, clipped around half-way between road and grass."""
    green: np.ndarray = (frame[:, 6:90, 1].astype(np.int16) - _HALFWAY).clip(-limit, limit)
    return green
