"""What a network sees: integers made of the frames before a decision, as the data sets of the task say.

``driving-rgb``: the frame now, in color, cropped around the car, as in the paper: (3, 72, 72).
``driving``: where the road is and how it moves: (2, 84, 84). Grass is bright green and everything else is not, so one
    channel is green less what lies half-way, and the other its difference to an earlier frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aann.settings.datasets import SIGNED

LAG = 2
"""The earlier frame is of so many decisions before."""

_HALFWAY = 153
"""Green is 102 to 107 on the road and 204 to 230 on grass."""

_LIMIT = SIGNED["driving"]
"""Half of what lies between them; values beyond it count no more."""


def view(dataset: str, frames: Sequence[np.ndarray]) -> np.ndarray:
    """Return what a network sees, int8 of the shape that belongs to a data set.

    ``frames`` are those of all decisions up to now, uint8 of shape (84, 96, 3); at the start, the first is repeated.
    """
    if dataset == "driving-rgb":
        return _color(frames[-1])
    now, before = _green(frames[-1]), _green(frames[max(0, len(frames) - 1 - LAG)])
    return np.stack([now, now - before]).clip(-_LIMIT, _LIMIT).astype(np.int8)


def _color(frame: np.ndarray) -> np.ndarray:
    """Return the 72 x 72 pixels around the car, channels first, moved to signed integers."""
    return (frame[12:84, 12:84].astype(np.int16) - 128).astype(np.int8).transpose(2, 0, 1)


def _green(frame: np.ndarray) -> np.ndarray:
    """Return 84 x 84 pixels of the green channel, int16, clipped around half-way between road and grass."""
    green: np.ndarray = (frame[:, 6:90, 1].astype(np.int16) - _HALFWAY).clip(-_LIMIT, _LIMIT)
    return green
