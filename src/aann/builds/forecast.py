"""How long a build takes: said when it begins, from earlier times of jobs, and corrected as jobs end.

The benchmark of a job says what it took on this machine before. If there is none, a table beside this module says what
jobs of its kind took on another machine; ``make forecast`` renews it. ``aann.lineage.schedules`` then schedules the
build. This imports little, since it runs in the process of the workflow.
"""

from __future__ import annotations

import csv
import json
import logging
import re
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aann.artifacts import atomic_path
from aann.lineage.schedules import makespan

TABLE = Path(__file__).with_name("forecast.csv")
"""Seconds and cores of each kind of job of a scale (medians over seeds), and the number of its jobs."""

COLUMNS = ("scale", "kind", "jobs", "cores", "seconds")

_SEED = re.compile(r"\bseed\d+")
_SPARSITY = re.compile(r"(?<![a-z0-9])p[\d.]*\d(?![\d.])")
_TASK = re.compile(r"^([a-z]+)/[^/]*?(?=/|-p\*)")
_TRUSTED_SECONDS = 20.0
"""So many seconds of measured work count as much as the table."""
_FIRST_SECONDS, _EVERY_SECONDS, _EVERY_SHARE = 20.0, 300.0, 0.1
"""When the time left is said: after so many seconds, and again after so many or after that share of the work."""


def kind_of(name: str) -> str:
    """Return the kind of a job from the name of its benchmark. Jobs of one kind differ only in their seeds."""
    return _SEED.sub("seed*", name)


def wider(kind: str) -> list[str]:
    """Return a kind and wider ones: the same for any sparsity, and then for any task as well."""
    any_sparsity = _SPARSITY.sub("p*", kind)
    return list(dict.fromkeys((kind, any_sparsity, _TASK.sub(r"\1/*", any_sparsity))))


@dataclass(frozen=True)
class Kind:
    """What a job of a kind takes: seconds, and the cores that it keeps busy."""

    seconds: float
    cores: float


class Table:
    """The kinds of jobs that were measured at one scale, and wider kinds."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        found: dict[str, list[Kind]] = {}
        for name, kind in kinds.items():
            for known in wider(name):
                found.setdefault(known, []).append(kind)
        self._kinds = {name: _median(alike) for name, alike in found.items()}

    @classmethod
    def read(cls, scale: str, path: Path = TABLE) -> Table:
        """Return the table of a scale; an empty one if no job of it was measured."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["scale"] == scale]
        return cls({row["kind"]: Kind(float(row["seconds"]), float(row["cores"])) for row in rows})

    def find(self, name: str) -> Kind | None:
        """Return what a job takes, by the name of its benchmark; None if nothing like it was measured."""
        return next((self._kinds[kind] for kind in wider(kind_of(name)) if kind in self._kinds), None)


def _median(kinds: Iterable[Kind]) -> Kind:
    alike = list(kinds)
    return Kind(statistics.median(kind.seconds for kind in alike), statistics.median(kind.cores for kind in alike))


def renewed(rows: Iterable[Mapping[str, Any]], scale: str, jobs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a table, with those of one scale made again from ``jobs`` (job, seconds, cores)."""
    made = [
        {
            "scale": scale,
            "kind": name,
            "jobs": len(alike),
            "cores": f"{_median(alike).cores:g}",
            "seconds": f"{_median(alike).seconds:.3g}",
        }
        for name, alike in _by_kind(jobs).items()
    ]
    kept = [dict(row) for row in rows if row["scale"] != scale]
    return sorted(kept + made, key=lambda row: (row["scale"], row["kind"]))


def _by_kind(jobs: Iterable[Mapping[str, Any]]) -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = {}
    for job in jobs:
        found.setdefault(kind_of(str(job["job"])), []).append(Kind(float(job["seconds"]), float(job["cores"])))
    return found


def completed(jobs: Sequence[Mapping[str, Any]], later: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return jobs with those of a later run whose kinds they lack, in seconds of the machine of the first.

    What jobs took there and here, of the kinds that both runs have, says how fast one machine is against the other.
    """
    known, found = _by_kind(jobs), _by_kind(later)
    both = [
        (len(alike) * _median(known[kind]).seconds, len(alike) * _median(alike).seconds)
        for kind, alike in found.items()
        if kind in known
    ]
    here, there = (sum(seconds) for seconds in zip(*both, strict=True)) if both else (1.0, 1.0)
    new = [job for job in later if kind_of(str(job["job"])) not in known]
    return [*map(dict, jobs), *({**job, "seconds": float(job["seconds"]) * here / there} for job in new)]


def renew(scale: str, jobs: Iterable[Mapping[str, Any]], path: Path = TABLE) -> int:
    """Make the rows of one scale in the table again from its ``jobs``; return the number of its kinds."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = renewed(csv.DictReader(file), scale, jobs)
    with atomic_path(path, seal=False) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return sum(row["scale"] == scale for row in rows)


def renew_from(files: Iterable[Path], scale: str) -> tuple[int, int]:
    """Make the rows of one scale in the table again from files of jobs; return the numbers of jobs and kinds.

    Later files complete the first, as ``completed`` does. Raises ``InputError`` for a file that is no table of jobs.
    """
    from aann.tables import JOBS

    jobs: list[dict[str, Any]] = []
    for path in files:
        table = JOBS.read(path)
        jobs = completed(jobs, table[table.stage != "forecast"].to_dict("records"))
    return len(jobs), renew(scale, jobs)


@dataclass
class Job:
    """A job that will run: its threads, the jobs that it waits for, and its seconds.

    The seconds are None if nothing like it was measured. ``here`` says that they were measured on this machine.
    """

    threads: int
    after: frozenset[int]
    seconds: float | None
    here: bool = False


@dataclass
class Forecast:
    """The jobs of a build by number, when those that have begun did so, and how long those that have ended took."""

    jobs: dict[int, Job]
    cores: int
    begun: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)

    def begin(self, number: int, now: float) -> None:
        """Note that a job begins."""
        self.begun[number] = now

    def end(self, number: int, now: float) -> None:
        """Note that a job has ended; one that never began took no time."""
        self.ended[number] = now - self.begun.get(number, now)

    @property
    def unknown(self) -> int:
        """The number of jobs whose length is not known."""
        return sum(job.seconds is None for job in self.jobs.values())

    @property
    def here(self) -> bool:
        """Whether most of the work was measured on this machine before."""
        return 2 * sum(job.seconds or 0 for job in self.jobs.values() if job.here) > self._work(self.jobs)

    @property
    def share(self) -> float:
        """The share of the work that is done, from 0 to 1."""
        return self._work(self.ended) / max(1e-9, self._work(self.jobs))

    def _work(self, numbers: Iterable[int]) -> float:
        return sum(self.jobs[number].seconds or 0 for number in numbers)

    def left(self, now: float) -> float:
        """Return the seconds until all jobs of known length have ended."""
        ratios = {here: self._ratio(here, now) for here in (False, True)}
        seconds = {
            number: (job.seconds or 0) * ratios[job.here]
            for number, job in self.jobs.items()
            if number not in self.ended
        }
        running = self.begun.keys() & seconds.keys()
        for number in running:
            seconds[number] = max(0.0, seconds[number] - (now - self.begun[number]))
        needed = {number: self.jobs[number].threads for number in seconds}
        return makespan(seconds, needed, {number: self.jobs[number].after for number in seconds}, self.cores, running)

    def _ratio(self, here: bool, now: float) -> float:
        """Return how many times longer than expected jobs take. A running job counts once it is late."""
        taken = dict(self.ended)
        for number in self.begun.keys() - taken.keys():
            if now - self.begun[number] > (self.jobs[number].seconds or 0):
                taken[number] = now - self.begun[number]
        known = [number for number in taken if self.jobs[number].seconds is not None and self.jobs[number].here is here]
        measured, expected = sum(taken[number] for number in known), self._work(known)
        return (measured + _TRUSTED_SECONDS) / (expected + _TRUSTED_SECONDS)


def announcement(forecast: Forecast) -> str:
    """Return the line that a build says when it begins."""
    cores = "1 core" if forecast.cores == 1 else f"{forecast.cores} cores"
    jobs = sum(job.seconds != 0 for job in forecast.jobs.values())
    if not jobs:
        return "Nothing is to be made."
    if forecast.unknown == jobs:
        return "How long this takes is not known, since nothing like it was measured. The next build will know."
    measured = "measured here before" if forecast.here else "measured on another machine"
    unknown = "1 that was" if forecast.unknown == 1 else f"{forecast.unknown} that were"
    without = f", without {unknown} never measured" if forecast.unknown else ""
    return f"{in_words(forecast.left(0)).capitalize()} on {cores} ({measured}; corrected as jobs end{without})."


def in_words(seconds: float) -> str:
    """Return a time for readers: `about 2 h 40 min`, `about 12 min`, `less than a minute`."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return "less than a minute"
    if minutes < 100:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60:02d} min"


class Teller(logging.Handler):
    """Listens to what Snakemake logs of its jobs, and says from time to time how much time is left.

    An error here ends no build: ``debug`` gets a line on it.
    """

    def __init__(self, forecast: Forecast, say: Callable[[str], None], debug: Callable[[str], None]) -> None:
        super().__init__()
        self._forecast, self._say, self._debug = forecast, say, debug
        self._began = time.monotonic()
        self._said_at, self._said_share = self._began + _FIRST_SECONDS - _EVERY_SECONDS, 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Note that jobs begin or end. Say how much time is left if this was not said for a while."""
        event = getattr(record, "event", None)
        if event is not None:
            try:
                self._note(event.name, record)
            except Exception as error:
                self._debug(f"No forecast: {error!r}")

    def _note(self, event: str, record: Any) -> None:
        now = time.monotonic()
        if event == "JOB_STARTED":
            for number in record.jobs:
                self._forecast.begin(number, now)
        elif event == "JOB_FINISHED":
            self._forecast.end(record.job_id, now)
        elif event == "PROGRESS" and self._is_time(now, record):
            self._said_at, self._said_share = now, self._forecast.share
            self._say(
                f"{record.done} of {record.total} jobs, {self._forecast.share:.0%} of the work; "
                f"{in_words(self._forecast.left(now))} left"
            )

    def _is_time(self, now: float, record: Any) -> bool:
        known = record.done < record.total and self._forecast.unknown < len(self._forecast.jobs)
        late = now - self._said_at > _EVERY_SECONDS
        much = now - self._began > _FIRST_SECONDS and self._forecast.share - self._said_share > _EVERY_SHARE
        return known and (late or much)


def announce(workflow: Any, results: str) -> None:
    """Say how long the build that begins now takes, and correct this as it goes on. Only a build on one machine does.

    ``results`` is the folder of its scale. An error here ends no build.
    """
    from snakemake.logging import logger
    from snakemake.settings.enums import Quietness

    def say(line: str) -> None:
        logger.info(line, extra={"quietness": Quietness.PROGRESS})

    try:
        if not workflow.is_main_process or not workflow.local_exec or workflow.touch:
            return
        forecast = of_build(workflow.dag.needrun_jobs(), workflow.dag, workflow.resource_settings.cores, Path(results))
        say(announcement(forecast))
        logger.addHandler(Teller(forecast, say, logger.debug))
    except Exception as error:
        logger.debug(f"No forecast: {error!r}")


def of_build(jobs: Iterable[Any], dag: Any, cores: int, results: Path) -> Forecast:
    """Return the forecast of Snakemake's jobs, from its graph ``dag``; ``results`` is the folder of their scale."""
    todo, table = set(jobs), Table.read(results.name)
    return Forecast({job.jobid: _job(job, dag.dependencies[job].keys() & todo, table, results) for job in todo}, cores)


def _job(job: Any, after: Iterable[Any], table: Table, results: Path) -> Job:
    earlier, threads = frozenset(other.jobid for other in after), max(1, int(job.threads))
    if job.benchmark is None:  # a target that only gathers files
        return Job(threads, earlier, 0.0)
    benchmark = Path(str(job.benchmark))
    before = _measured(benchmark)
    if before is not None:
        return Job(threads, earlier, before, here=True)
    kind = table.find(benchmark.relative_to(results / "benchmarks").with_suffix("").as_posix())
    if kind is None:
        return Job(threads, earlier, None)
    # A job that kept several cores busy takes longer on fewer cores, and less time on more.
    return Job(threads, earlier, kind.seconds * (kind.cores / threads if kind.cores > 1 else 1))


def _measured(benchmark: Path) -> float | None:
    """Return the seconds of a job's last run here; None if it never ran."""
    try:
        return float(json.loads(benchmark.read_text(encoding="utf-8").splitlines()[-1])["s"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
