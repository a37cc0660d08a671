"""Threads that share work; compiled functions let go of the interpreter's lock, so they run side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from aann.arguments import whole

Part = TypeVar("Part")
Result = TypeVar("Result")


class Threads:
    """So many threads; their number changes the speed, never results.

    Raises ``InputError`` for fewer than 1, and for what is no whole number.
    """

    def __init__(self, number: int) -> None:
        self.number = whole("threads", number, 1)
        self._pool = ThreadPoolExecutor(self.number)

    def map(self, work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
        """Return what work makes of each part, in order."""
        return list(self._pool.map(work, parts))

    def over(self, count: int, kernel: Callable[..., Any], *arguments: Any) -> None:
        """Call a kernel with arguments and a range of blocks, for ranges that make up all ``count`` blocks."""
        bounds = np.linspace(0, count, self.number + 1).astype(int).tolist()
        self.map(lambda ends: kernel(*arguments, *ends), pairwise(bounds))
