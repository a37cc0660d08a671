"""Figure S1: test accuracy against neighbors evaluated, by search, from random and from trained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import TRACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import ComparisonFigureSettings

FILES = PICTURE_AND_TABLE

_COLORS = (style.GREY, style.ORANGE, style.BLUE, style.VIOLET, style.GREEN, style.RED)
"""Colours of searches, in the order in which they come."""

_START = ["task", "sparsity", "origin"]
"""The keys of a start."""

_POINTS = 200


def plan(entry: ComparisonFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the traces of all searches from all starts, of all seeds."""
    traces = [
        trace
        for place, run in enumerate(entry.runs)
        for number, search in enumerate(run.searches)
        for trace in study.traces("traces", run.start, search, f"runs.{place}", f"searches.{number}")
    ]
    titles = study.titles(run.start.task for run in entry.runs)
    marks = [{**mark.start.keys, "percent": mark.percent, "label": mark.label} for mark in entry.marks]
    return Plan(
        kind=entry.kind,
        title=" and ".join(titles.values()),
        inputs=tuple(traces),
        options={"marks": marks, "titles": titles},
    )


def read(source: Source) -> dict[str, Any]:
    """Return the traces, the accuracies to compare with, and what the data are."""
    return {
        "traces": source.table("traces", TRACE),
        "marks": source.option("marks"),
        "titles": source.option("titles"),
        "title": source.plan.title,
    }


def draw(
    traces: pandas.DataFrame,
    marks: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw a panel for each start: mean test accuracy over seeds, and its range, as far as all seeds have come.

    ``traces`` has the columns ``tables.TRACE``; only counted rows are drawn. ``marks`` are lines across the panel of
    their start, with ``percent`` and ``label``. ``titles`` say what the data of each task are, if there are several.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    table = traces[traces.test_accuracy.notna()]
    if table.empty:
        raise InputError("its traces have no counted rows; delete them and run the searches again")
    style.use_style()
    starts = list(table.groupby(_START, sort=False))
    looks = dict(zip(dict.fromkeys(table.search), style.looks(*_COLORS), strict=False))
    figure, axes = plt.subplots(1, len(starts), figsize=(style.PAGE_WIDTH, 3.2), layout="constrained", squeeze=False)
    for axis, (start, here) in zip(axes[0], starts, strict=True):
        task, sparsity, origin = start
        heading = f"{titles[str(task)]}\n" if len(titles) > 1 else ""
        for search, look in looks.items():
            _draw_search(axis, here[here.search == search], search, look)
        _draw_marks(axis, [mark for mark in marks if tuple(mark[key] for key in _START) == start])
        axis.set(xscale="log", xlabel="Neighbors evaluated", title=f"{heading}{start_in_words(sparsity, origin)}")
    axes[0, 0].set_ylabel("Test accuracy (%)")
    lines = {line.get_label(): line for axis in axes[0] for line in axis.lines if line.get_label() in looks}
    seeds = table.groupby([*_START, "search"]).seed.nunique()
    figure.legend(
        [lines[name] for name in looks],
        list(looks),
        loc="outside lower center",
        ncols=len(looks),
        frameon=False,
        title=f"Mean and range, n = {seeds.min()} seeds",
    )
    figure.suptitle(title)
    style.save(figure, output, table.reset_index(drop=True), provenance)


def _draw_search(axis: Axes, runs: pandas.DataFrame, name: str, look: Any) -> None:
    if runs.empty:
        return
    color, dashes = look
    ends = runs.groupby("seed").evaluations.max()
    first = runs[runs.evaluations > 0].evaluations.min()
    grid = np.geomspace(first, ends.min(), _POINTS)
    curves = [last_known(seed, grid) for _, seed in runs.groupby("seed")]
    axis.fill_between(grid, np.min(curves, axis=0), np.max(curves, axis=0), color=color, alpha=0.15, linewidth=0)
    axis.plot(grid, np.mean(curves, axis=0), color=color, linestyle=dashes, linewidth=1.4, label=name)


def last_known(run: pandas.DataFrame, grid: np.ndarray) -> np.ndarray:
    """Return the test accuracy (%) of one run that was counted last at each number of evaluations."""
    places = np.searchsorted(run.evaluations.to_numpy(), grid, side="right") - 1
    found: np.ndarray = 100 * run.test_accuracy.to_numpy()[places]
    return found


def _draw_marks(axis: Axes, marks: Sequence[Mapping[str, Any]]) -> None:
    """Draw lines across a panel, the name of the highest above its line and others below, so that two do not meet."""
    from matplotlib.patheffects import withStroke

    for index, mark in enumerate(sorted(marks, key=lambda one: one["percent"])):
        accuracy, name = mark["percent"], mark["label"]
        axis.axhline(accuracy, color=style.GREY, linewidth=0.7, zorder=0)
        above = index == len(marks) - 1
        axis.annotate(
            f"{name}: {accuracy:g} %",
            (0.98, accuracy),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2 if above else -2),
            textcoords="offset points",
            va="bottom" if above else "top",
            ha="right",
            size=6.5,
            color=style.GREY,
            path_effects=[withStroke(linewidth=2, foreground="white")],  # curves cross it
            zorder=4,
        )


def start_in_words(sparsity: Any, origin: Any) -> str:
    """Return where a search starts, in words."""
    return f"{'Random start' if origin == 'random' else 'p-SIREN'}, {sparsity:g} % sparse"
