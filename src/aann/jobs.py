"""The jobs of a run: when each ran, what it took and what it waited for, and how long all would take on other machines.

Times and memory are those of Snakemake's benchmark files. What a job waited for is read off the records of its outputs
(``aann.records``), which name their inputs.
"""

from __future__ import annotations

import heapq
import json
import math
from pathlib import Path
from typing import Any

import pandas

from aann import lineage, records
from aann.errors import InputError

NUMBERS = ("start", "seconds", "cores", "memory_mb")
TEXT = ("job", "stage", "after")
"""Columns of the table of jobs: name and stage; seconds after the first job began, and of the job; cores that it kept
busy; most memory; and the names of the jobs that it waited for, with blanks between them."""


def read(results: Path) -> pandas.DataFrame:
    """Return the jobs that have benchmarks below the results of a scale, in the order in which they began.

    Raises ``InputError`` if there are none, or if a benchmark or an output is damaged.
    """
    folder = results / "benchmarks"
    benchmarks = sorted(folder.rglob("*.jsonl"))
    if not benchmarks:
        raise InputError(f"{folder}: has no benchmarks; run the workflow first")
    after = _dependencies(results)
    rows = []
    for path in benchmarks:
        name, taken = _name(path, folder), _taken(path)
        rows.append(
            {
                "job": name,
                "stage": name.split("/")[0],
                "start": path.stat().st_mtime - taken["s"],
                "seconds": taken["s"],
                "cores": max(1, round(taken["cpu_time"] / _observed(taken["s"]))),
                "memory_mb": taken["max_rss"],
                "after": " ".join(sorted(after.get(name, ()))),
            }
        )
    table = pandas.DataFrame(rows).sort_values(["start", "job"], ignore_index=True)
    return table.assign(start=table.start - table.start.min())


def _name(benchmark: Path, folder: Path) -> str:
    return benchmark.relative_to(folder).with_suffix("").as_posix()


def _taken(path: Path) -> dict[str, float]:
    """Return what a job took; what was not measured, since the job was too short, counts as nothing."""
    try:
        last = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
        return {key: _number(last[key]) for key in ("s", "cpu_time", "max_rss")}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{path}: is no benchmark of Snakemake; delete it and run its job again") from error


def _observed(seconds: float) -> float:
    """Return for how long Snakemake measured a job: for 15 seconds, and until the last of looks 30 seconds apart."""
    return max(1e-9, seconds if seconds < 15 else 15 + (seconds - 15) // 30 * 30)


def _number(value: Any) -> float:
    return 0.0 if value in (None, "NA", "-") else float(value)


def _dependencies(results: Path) -> dict[str, set[str]]:
    """Return for each job the jobs that made the inputs of its outputs."""
    found: dict[str, set[str]] = {}
    for path in records.recorded(results):
        record, maker = records.find(path), _maker(path, results)
        if record is not None and maker is not None:
            makers = {_maker(Path(name), results) for name in record.provenance.get("inputs", {})}
            found.setdefault(maker, set()).update(makers - {None, maker})  # type: ignore[arg-type]
    return found


def _maker(path: Path, results: Path) -> str | None:
    benchmark = lineage.benchmark_of(path, results)
    return None if benchmark is None else _name(benchmark, results / "benchmarks")


def makespan(jobs: pandas.DataFrame, cores: float, overhead: float = 0.0) -> float:
    """Return how many seconds jobs take on so many cores, each with ``overhead`` seconds more (Graham 1969).

    Of the jobs that wait for nothing, the one with the longest way to the end begins first (its critical path); with
    infinitely many cores, the result is the longest such way.
    """
    rows = jobs.set_index("job").to_dict("index")
    seconds = {str(job): row["seconds"] + overhead for job, row in rows.items()}
    needed = {str(job): min(row["cores"], cores) for job, row in rows.items()}
    after = {str(job): seconds.keys() & row["after"].split() for job, row in rows.items()}
    ways = _ways_to_the_end(seconds, after)
    ready = [(-ways[job], job) for job, waited in after.items() if not waited]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    free, now = cores, 0.0
    while ready or running:
        while ready and needed[ready[0][1]] <= free:
            _, job = heapq.heappop(ready)
            free -= needed[job] if math.isfinite(cores) else 0
            heapq.heappush(running, (now + seconds[job], job))
        now, ended = heapq.heappop(running)
        free += needed[ended] if math.isfinite(cores) else 0
        for job, waited in after.items():
            if ended in waited:
                waited.discard(ended)
                if not waited:
                    heapq.heappush(ready, (-ways[job], job))
    return now


def _ways_to_the_end(seconds: dict[str, float], after: dict[str, set[str]]) -> dict[str, float]:
    """Return for each job the seconds of the longest chain of jobs that begins with it."""
    ways: dict[str, float] = {}
    following: dict[str, list[str]] = {job: [] for job in seconds}
    for job, waited in after.items():
        for earlier in waited:
            following[earlier].append(job)
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
