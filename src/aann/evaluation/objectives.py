"""What evaluators add up over images: margins, cut off at two bounds.

The margin of an image is an integer: the logit of its label minus the largest other logit, and 1 less where that class
wins a tie, since ties go to the lowest class. So an image is correct exactly if its margin is 0 or more, and accuracy
and the sum of margins are the same thing with other bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from aann.errors import InputError

NO_RIVAL = 2**30
"""The margin of an image where there is only one class."""

_LARGEST = 2**30


@dataclass(frozen=True)
class Objective:
    """The sum over images of their margins, each cut off at ``low`` and ``high`` (in units of the logits).

    Raises ``InputError`` unless ``low`` is below ``high`` and both lie within +-2^30, which no margin exceeds.
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        if not isinstance(self.low, int) or not isinstance(self.high, int):
            raise InputError(f"objective: its bounds are {self.low!r} and {self.high!r}; expected whole numbers")
        if not -_LARGEST <= self.low < self.high <= _LARGEST:
            raise InputError(
                f"objective: its bounds are {self.low} and {self.high}; expected the first below the second, both "
                f"within {-_LARGEST} and {_LARGEST}"
            )


ACCURACY = Objective(-1, 0)
"""Minus the number of wrong images."""


def sum_of_margins(limit: int = _LARGEST, deficit: int | None = None) -> Objective:
    """Return the objective of large margins; beyond ``limit``, more on one image does not make up for another.

    ``deficit`` does the same for images that are wrong by more than that; it is ``limit`` if not given.
    """
    return Objective(-(limit if deficit is None else deficit), limit)
