"""How long jobs take together on a number of cores, by list scheduling (Graham 1969).

This imports only the standard library, since it runs in the process of the workflow.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

Job = TypeVar("Job", bound=Hashable)


def makespan(
    seconds: Mapping[Job, float],
    needed: Mapping[Job, float],
    after: Mapping[Job, Collection[Job]],
    cores: float,
    running: Collection[Job] = (),
) -> float:
    """Return how many seconds jobs take together. A job has ``needed`` cores, and begins when those in ``after`` ended.

    Of the jobs that wait for nothing, those that are ``running`` begin first, and then the one with the longest way to
    the end (its critical path). With infinitely many cores, the result is the longest such way. Jobs in ``after`` that
    have no ``seconds`` are done.
    """
    waiting = {job: {earlier for earlier in after.get(job, ()) if earlier in seconds} for job in seconds}
    following = _following(waiting)
    ways = _ways_to_the_end(seconds, waiting, following)
    ready: list[tuple[bool, float, Any]] = [
        (job not in running, -ways[job], job) for job, earlier in waiting.items() if not earlier
    ]
    heapq.heapify(ready)
    begun: list[tuple[float, Any]] = []
    free, now = cores, 0.0

    def taken(job: Job) -> float:
        return min(needed[job], cores) if math.isfinite(cores) else 0.0

    while ready or begun:
        while ready and taken(ready[0][2]) <= free:
            job = heapq.heappop(ready)[2]
            free -= taken(job)
            heapq.heappush(begun, (now + seconds[job], job))
        now, ended = heapq.heappop(begun)
        free += taken(ended)
        for job in following[ended]:
            waiting[job].discard(ended)
            if not waiting[job]:
                heapq.heappush(ready, (job not in running, -ways[job], job))
    return now


def _following(after: Mapping[Job, Collection[Job]]) -> dict[Job, list[Job]]:
    """Return for each job those that wait for it."""
    following: dict[Job, list[Job]] = {job: [] for job in after}
    for job, waited in after.items():
        for earlier in waited:
            following[earlier].append(job)
    return following


def _ways_to_the_end(
    seconds: Mapping[Job, float], after: Mapping[Job, Collection[Job]], following: Mapping[Job, Collection[Job]]
) -> dict[Job, float]:
    """Return for each job the seconds of the longest chain of jobs that begins with it."""
    ways: dict[Job, float] = {}
    waiting = {job: len(later) for job, later in following.items()}
    ends = [job for job, number in waiting.items() if number == 0]
    while ends:
        job = ends.pop()
        ways[job] = seconds[job] + max((ways[later] for later in following[job]), default=0.0)
        for earlier in after[job]:
            waiting[earlier] -= 1
            if waiting[earlier] == 0:
                ends.append(earlier)
    return ways
