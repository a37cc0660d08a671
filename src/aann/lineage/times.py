"""The jobs of a run: when each ran, what it took and what it waited for, and how long all would take on other machines.

Times and memory are those of Snakemake's benchmark files. The records of a job's outputs (``aann.lineage.records``)
name their inputs, and so the jobs that it waited for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas

from aann.errors import InputError
from aann.lineage import records, schedules
from aann.lineage import trace as lineage


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
    """Return what a job took, with 0 for what was not measured because the job was too short."""
    try:
        last = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
        return {key: _number(last[key]) for key in ("s", "cpu_time", "max_rss")}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{path}: is not a benchmark of Snakemake; delete it and run its job again") from error


def _observed(seconds: float) -> float:
    """Return when Snakemake last measured a job, in seconds: it does so after 15 seconds, and then every 30."""
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
    """Return how many seconds jobs take together on ``cores``, with ``overhead`` seconds more for each job.

    See ``makespan`` in ``aann.lineage.schedules``. No job waits for one that was never measured.
    """
    rows = jobs.set_index("job").to_dict("index")
    return schedules.makespan(
        {str(job): row["seconds"] + overhead for job, row in rows.items()},
        {str(job): row["cores"] for job, row in rows.items()},
        {str(job): row["after"].split() for job, row in rows.items()},
        cores,
    )
