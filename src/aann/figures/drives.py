"""Figure 8b: SENSE on the driving task, from random networks, and how the networks drive before and after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import climbs, style
from aann.figures.comparison import last_known
from aann.figures.driving import on_shared_tracks
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.panels import RunSettings
from aann.settings.plans import Input, Plan, Study
from aann.tables import BASELINE, RETURNS, TRACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import DrivesFigureSettings

FILES = PICTURE_AND_TABLE

_RUN = ["task", "sparsity", "origin", "search"]
"""The keys of runs that differ in their seeds alone."""


def plan(entry: DrivesFigureSettings, study: Study) -> Plan:
    """Return a plan that needs climbs, backpropagation and other searches, and how their networks drive."""
    start = entry.start
    study.require_driven(start.task, "start.task")
    for place, run in enumerate(entry.runs):
        study.require_driven(run.start.task, f"runs.{place}.start.task")
    traces, baselines = study.traces("traces", start, entry.search), study.baselines(start)
    searches = [
        trace
        for place, run in enumerate(entry.runs)
        for trace in study.traces("searches", run.start, run.search, f"runs.{place}")
    ]
    titles = study.titles([start.task, *(run.start.task for run in entry.runs)])
    return Plan(
        kind=entry.kind,
        title=study.title(start.task),
        inputs=(*traces, *baselines, *searches, *_returns(entry, study)),
        options={"layers": study.settings.layers(start.task), "titles": titles},
    )


def _returns(entry: DrivesFigureSettings, study: Study) -> list[Input]:
    """Return the returns of networks: those of each start, then those that each search from it ended with."""
    runs = [RunSettings(start=entry.start, search=entry.search), *entry.runs]
    starts = {run.start.run: run.start for run in runs}
    searches = {name: dict.fromkeys(run.search for run in runs if run.start.run == name) for name in starts}
    return [
        returns
        for name, start in starts.items()
        for search in ("", *searches[name])
        for returns in study.returns(start, search)
    ]


def read(source: Source) -> dict[str, Any]:
    """Return all four tables, the layers from input to output, and what the data of each task are."""
    return {
        "traces": source.table("traces", TRACE),
        "baselines": source.table("baselines", BASELINE),
        "searches": source.table("searches", TRACE),
        "returns": source.table("returns", RETURNS),
        "layers": tuple(source.option("layers")),
        "titles": source.option("titles"),
        "title": source.plan.title,
    }


def draw(
    traces: pandas.DataFrame,
    baselines: pandas.DataFrame,
    searches: pandas.DataFrame,
    returns: pandas.DataFrame,
    layers: tuple[str, ...],
    titles: Mapping[str, str],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw (a) a climb in the paper's protocol, (b) all its seeds, (c) other searches, and (d) returns.

    ``traces`` and ``baselines`` are those of ``climbs.draw``; ``searches`` has the columns ``tables.TRACE``, and
    ``returns`` those of ``tables.RETURNS``. ``titles`` say what the data of each task are, if there are several. The
    table drawn holds the points of (a) and (b), those of (c) with the line `search`, and the rows of (d) with the line
    `drive`, which have returns. Those are of the tracks that all networks drive on.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    table = climbs.points(traces, baselines)
    counted = searches[searches.test_accuracy.notna()]
    if counted.empty:
        raise InputError("its searches have no counted rows; delete them and run the searches again")
    networks = [*_RUN, "seed"]
    shared = on_shared_tracks(returns, networks)
    driven = shared.groupby(networks, sort=False)[["return", "expert_return"]].mean().reset_index()
    style.use_style()
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE_WIDTH, 6.2), layout="constrained")
    first = table[table.seed == table.seed.min()]
    climbs.draw_climb(axes[0, 0], first, layers)
    climbs.draw_means(axes[0, 1], table)
    _draw_searches(axes[1, 0], counted, titles)
    _draw_returns(axes[1, 1], driven, shared.track.nunique(), titles)
    seeds, searched = table.seed.nunique(), counted.seed.nunique()
    axes[0, 0].set(title=f"(a) One climb, paper's protocol (seed {first.seed.iloc[0]})", ylabel="Accuracy (%)")
    axes[0, 1].set(title=f"(b) Test accuracy, mean and range, n = {seeds}")
    axes[1, 0].set(title=f"(c) Our searches, mean and range, n = {searched}", ylabel="Test accuracy (%)")
    for axis in axes[0]:
        axis.set(xlabel="Neighborhood", ylim=(0, 100))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    named = f"Panels (a) and (b). {climbs.scale_in_words(baselines)}"
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, title=named)
    figure.suptitle(title)
    style.save(figure, output, _drawn(table, counted, driven), provenance)


def _draw_searches(axis: Axes, searches: pandas.DataFrame, titles: Mapping[str, str]) -> None:
    """Draw test accuracy against evaluations, a line for each start and search."""
    looks = style.looks(style.BLUE, style.GREEN, style.RED, style.VIOLET, style.ORANGE, style.GREY)
    for (color, dashes), (run, runs) in zip(looks, searches.groupby(_RUN, sort=False), strict=False):
        grid = np.geomspace(runs[runs.evaluations > 0].evaluations.min(), runs.evaluations.max(), 200)
        curves = [last_known(run, grid) for _, run in runs.groupby("seed")]
        axis.fill_between(grid, np.min(curves, axis=0), np.max(curves, axis=0), color=color, alpha=0.2, linewidth=0)
        mean, label = np.mean(curves, axis=0), _named(run, titles)
        axis.plot(grid, mean, color=color, linestyle=dashes, linewidth=1.4, label=label)
    axis.set(xscale="log", xlabel="Neighbors evaluated", ylim=(0, 100))
    axis.legend(loc="lower right", frameon=False)


def _draw_returns(axis: Axes, driven: pandas.DataFrame, tracks: int, titles: Mapping[str, str]) -> None:
    """Draw the mean return of each network, by what drove, the mean over networks, and the expert's."""
    groups = dict(list(driven.groupby(_RUN, sort=False)))
    beside = ("axes fraction", "data")
    networks = min(len(rows) for rows in groups.values())
    labels = ["one network", f"mean, n = {networks} networks"]
    for place, rows in enumerate(groups.values()):
        rewards, (one, mean) = rows["return"], labels if place == 0 else (None, None)
        axis.scatter(rewards, np.full(len(rewards), place), s=16, color=style.BLUE, zorder=3, label=one)
        axis.plot([rewards.mean()] * 2, [place - 0.3, place + 0.3], color=style.ORANGE, linewidth=1.6, label=mean)
        axis.annotate(f"{rewards.mean():.0f}", (1.02, place), xycoords=beside, va="center", size=7, color=style.ORANGE)
    expert = driven.expert_return.mean()
    axis.axvline(expert, color="black", linewidth=1, linestyle=":", zorder=0)
    axis.annotate(
        f"expert {expert:.0f}", (expert, -0.7), xytext=(-3, 0), textcoords="offset points", ha="right", size=7
    )
    axis.set_yticks(range(len(groups)), [_named(run, titles).replace(", ", "\n") for run in groups])
    axis.set(title=f"(d) Return, mean over the same {tracks} tracks", xlabel="Return", ylim=(len(groups) - 0.4, -1.0))
    axis.set_xlim(right=1000)
    axis.legend(loc="best", frameon=False)


def _drawn(table: pandas.DataFrame, searches: pandas.DataFrame, driven: pandas.DataFrame) -> pandas.DataFrame:
    compared = searches.assign(line="search", x=searches.evaluations)[list(climbs.POINT)]
    return pandas.concat([table, compared, driven.assign(line="drive")], ignore_index=True)


def _named(run: Any, titles: Mapping[str, str]) -> str:
    """Return what a search from a start is called, and without a search the start; its data, too, if they differ."""
    task, sparsity, origin, search = run
    data = [titles[str(task)]] if len(titles) > 1 else []
    start = f"{'random' if origin == 'random' else 'p-SIREN'} {sparsity:g} %"
    return ", ".join([*data, start, *([search] if search else [])])
