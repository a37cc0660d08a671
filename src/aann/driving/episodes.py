"""Episodes: a driver sees, chooses a class, and the car goes on with its action for a few steps."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import torch

from aann.driving import GO
from aann.driving.expert import Expert, actions
from aann.driving.simulator import Simulator
from aann.driving.views import LAG, view
from aann.errors import InputError
from aann.evaluation import reference
from aann.networks import TernaryNetwork
from aann.settings.datasets import DrivingDataSettings
from aann.settings.driving import DrivingSettings

Result = TypeVar("Result")

_COAST = np.zeros(3)
"""The action of neither steering nor gas nor brake."""


class Episode:
    """A drive on one track, from its start until ``over``; at each decision, ``seen`` is what a network sees.

    Without ``data``, nothing is drawn and there is nothing to see, which takes a tenth of the time.
    """

    def __init__(self, track: int, data: DrivingDataSettings | None, settings: DrivingSettings) -> None:
        self.simulator = Simulator(track, settings.steps)
        self._data, self._repeat = data, settings.repeat
        self._actions, self._top_speed = actions(settings.expert), settings.expert.top_speed
        self._frames: list[np.ndarray] = []
        self._look()

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.simulator.over

    @property
    def frame(self) -> np.ndarray:
        """The frame at this decision, uint8 of shape (84, 96, 3)."""
        return self._frames[-1]

    def act(self, choice: int) -> None:
        """Go on until the next decision with the action of a class; above the top speed, GO gives no gas."""
        fast = self._top_speed is not None and self.simulator.state[2] > self._top_speed
        self.simulator.advance(_COAST if fast and choice == GO else self._actions[choice], self._repeat)
        if not self.over:
            self._look()

    def _look(self) -> None:
        if self._data is None:
            return
        self._frames = [*self._frames[-LAG:], self.simulator.frame()]
        self.seen = view(self._data, self._frames)


class Driver(Protocol):
    """Whoever chooses a class at each decision."""

    def choose(self, episode: Episode) -> int:
        """Return the class of the action to take now."""


class ExpertDriver:
    """The expert drives."""

    def __init__(self, settings: DrivingSettings) -> None:
        self._expert = Expert(settings.expert)

    def choose(self, episode: Episode) -> int:
        """Return the expert's class."""
        return self._expert.choose(episode.simulator)


class NetworkDriver:
    """A ternary network drives: it chooses the class of its largest logit, the first of equals, as everywhere."""

    def __init__(self, network: TernaryNetwork) -> None:
        self._network = network

    def logits(self, episode: Episode) -> np.ndarray:
        """Return the network's logits now, int32 of shape (3,)."""
        found: np.ndarray = reference.logits(self._network, episode.seen[None])[0]
        return found

    def choose(self, episode: Episode) -> int:
        """Return the network's class."""
        return int(self.logits(episode).argmax())


def returned(driver: Driver, data: DrivingDataSettings | None, settings: DrivingSettings, track: int) -> float:
    """Return the sum of rewards of a drive on a track: 1000 for touching all its tiles, less a tenth for each step."""
    episode = Episode(track, data, settings)
    while not episode.over:
        episode.act(driver.choose(episode))
    return episode.simulator.total


def each(work: Callable[[int], Result], tracks: Sequence[int], processes: int) -> Iterator[Result]:
    """Yield the result of ``work`` for each track, in order, from several processes, or from this one for 1.

    Processes need semaphores. On a system without them, the work runs in this process, and a line on stderr says so.
    Raises ``InputError`` for an episode that fails; it names the track. Episodes that had begun are finished first.
    """
    pool = _pool(processes) if processes > 1 else None
    if pool is None:
        yield from (_result(track, partial(work, track)) for track in tracks)
        return
    with pool:
        jobs = [pool.submit(work, track) for track in tracks]
        try:
            for track, job in zip(tracks, jobs, strict=True):
                yield _result(track, job.result)
        finally:
            pool.shutdown(cancel_futures=True)


def _pool(processes: int) -> ProcessPoolExecutor | None:
    """Return processes to drive in, or None if the system cannot have them."""
    try:
        return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,))
    except (OSError, ImportError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        print(
            f"warning: one process drives in place of {processes}, since others need semaphores ({reason}); on Linux, "
            "make /dev/shm a folder that can be written",
            file=sys.stderr,
        )
        return None


def _result(track: int, wait: Callable[[], Result]) -> Result:
    try:
        return wait()
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"track {track}: its episode failed ({type(error).__name__}: {error}); see the log") from error
