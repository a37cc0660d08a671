"""Where the time goes: the jobs of a run over time, the memory they had together, and the time on other machines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib.axes import Axes

from aann.figures import style
from aann.lineage.times import makespan

_COLORS = {
    "datasets": style.GREY,
    "psiren": style.BLUE,
    "neighbors": style.ORANGE,
    "embeddings": style.YELLOW,
    "sense": style.GREEN,
    "driving": style.VIOLET,
    "figures": style.RED,
}
_REST = style.SKY
CORES = (1, 2, 4, 8, 16, 32)
SUBMISSION_SECONDS = 30.0
"""What a cluster is assumed to add to each job: waiting, starting, and noticing its end."""


def draw(jobs: pandas.DataFrame, cores: int, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw jobs over time, the sum of their memory, and a forecast of the time by number of cores.

    ``jobs`` is the table of ``aann.lineage.times.read``, of a run on ``cores`` cores. The table drawn has a row a job,
    and with the ``stage`` `forecast` a row for each number of cores.
    """
    style.use_style()
    figure, axes = plt.subplots(
        3, 1, figsize=(style.PAGE_WIDTH, 5.6), height_ratios=(1.5, 1, 1.3), layout="constrained"
    )
    figure.suptitle(f"{title}: {len(jobs)} jobs, {jobs.seconds.sum() / 3600:.1f} h of work")
    _draw_jobs(axes[0], jobs)
    _draw_memory(axes[1], jobs)
    axes[1].sharex(axes[0])
    expected = forecast(jobs)
    _draw_forecast(axes[2], expected, (cores, float((jobs.start + jobs.seconds).max())))
    style.save(figure, output, pandas.concat([jobs, expected], ignore_index=True), provenance)


def forecast(jobs: pandas.DataFrame) -> pandas.DataFrame:
    """Return how long jobs take by number of cores, and on a cluster that runs all at once: job, stage, seconds."""
    rows = [(f"{number} cores", makespan(jobs, number)) for number in CORES]
    rows.append(("cluster", makespan(jobs, math.inf, SUBMISSION_SECONDS)))
    return pandas.DataFrame([{"job": name, "stage": "forecast", "seconds": seconds} for name, seconds in rows])


def lanes(jobs: pandas.DataFrame) -> np.ndarray:
    """Return for each job, in the order in which they began, the first lane that was free then; int64."""
    free: list[float] = []
    chosen = []
    for start, seconds in zip(jobs.start, jobs.seconds, strict=True):
        lane = next((number for number, end in enumerate(free) if end <= start + 1e-6), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = start + seconds
        chosen.append(lane)
    return np.array(chosen, np.int64)


def _draw_jobs(axis: Axes, jobs: pandas.DataFrame) -> None:
    lane = lanes(jobs)
    for stage, here in jobs.groupby("stage", sort=False):
        axis.barh(
            lane[here.index],
            here.seconds / 60,
            left=here.start / 60,
            height=0.85,
            color=_COLORS.get(str(stage), _REST),
            edgecolor="white",
            linewidth=0.2,
            label=f"{stage} ({here.seconds.sum() / 60:.0f} min)",
        )
    axis.set_yticks(range(lane.max() + 1), [str(number + 1) for number in range(lane.max() + 1)])
    axis.invert_yaxis()
    axis.set_ylabel("Running at once")
    axis.tick_params(labelbottom=False)
    axis.legend(ncols=5, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False)


def _draw_memory(axis: Axes, jobs: pandas.DataFrame) -> None:
    starts, ends = jobs.start.to_numpy(), (jobs.start + jobs.seconds).to_numpy()
    times = np.sort(np.concatenate([starts, ends]))
    running = (starts <= times[:, None]) & (times[:, None] < ends)
    together = running @ jobs.memory_mb.to_numpy() / 1000
    axis.fill_between(times / 60, together, step="post", color=style.SKY, linewidth=0)
    axis.set_ylabel("Memory (GB)")
    axis.set_xlabel(f"Minutes since the first job; all jobs together at most {together.max():.1f} GB")
    axis.set_ylim(0)


def _draw_forecast(axis: Axes, expected: pandas.DataFrame, run: tuple[int, float]) -> None:
    minutes = expected.set_index("job").seconds / 60
    numbers = np.array(CORES)
    axis.plot(numbers, minutes[[f"{number} cores" for number in CORES]], marker="o", color=style.BLUE, label="forecast")
    axis.plot(
        run[0], run[1] / 60, marker="s", linestyle="", color=style.ORANGE, label=f"this run: {run[1] / 60:.0f} min"
    )
    axis.axhline(minutes["cluster"], color=style.GREY, linestyle="--", linewidth=1)
    axis.annotate(
        f"cluster, all at once, {SUBMISSION_SECONDS:g} s more a job: {minutes['cluster']:.0f} min",
        (numbers[0], minutes["cluster"]),
        xytext=(0, 3),
        textcoords="offset points",
        ha="left",
        fontsize=7,
    )
    axis.set_xscale("log", base=2)
    axis.set_xticks(numbers, [str(number) for number in numbers])
    axis.set_ylim(0)
    axis.set_xlabel("Cores")
    axis.set_ylabel("Minutes")
    axis.legend(frameon=False)
