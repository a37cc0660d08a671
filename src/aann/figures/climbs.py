"""Figures 6, 7 and 8: accuracy along climbs from random networks, and backpropagation from the same networks."""

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
from aann.tables import BASELINE, RUN, TRACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import ClimbsFigureSettings

FILES = PICTURE_AND_TABLE

_LAYER_COLORS = (style.RED, style.GREEN, style.BLUE, style.GREY, style.SKY, style.YELLOW)
"""By depth, as in the paper: red, green, blue."""

_DEEPER = "#BBBBBB"
"""The colour of all layers that are deeper."""

_METHODS = {"literal": ("literal backpropagation", "none"), "straight-through": ("straight-through", style.VIOLET)}
"""Methods of backpropagation: what they are called, and what fills their violet markers."""

_APART = 6.0
"""Percentage points between two labels at the ends of lines."""

POINT = (*RUN, "line", "x", "layer", "validation_accuracy", "test_accuracy")
"""Columns of the table drawn: the keys of the run, the line, and the point."""

_MARKERS = 12
"""Markers along a line."""


def plan(entry: ClimbsFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the traces of a search and backpropagation, from one start, of all seeds."""
    start = entry.start
    traces, baselines = study.traces("traces", start, entry.search), study.baselines(start)
    origin = "random start" if start.origin == "random" else "start from p-SIREN"
    return Plan(
        kind=entry.kind,
        title=f"{study.title(start.task)}, {origin}, {start.sparsity:g} % sparse",
        inputs=(*traces, *baselines),
        options={"layers": study.settings.layers(start.task)},
    )


def read(source: Source) -> dict[str, Any]:
    """Return the traces, backpropagation, the layers from input to output, and what the data and the start are."""
    return {
        "traces": source.table("traces", TRACE),
        "baselines": source.table("baselines", BASELINE),
        "layers": tuple(source.option("layers")),
        "title": source.plan.title,
    }


def draw(
    traces: pandas.DataFrame,
    baselines: pandas.DataFrame,
    layers: tuple[str, ...],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw (a) the first seed in the paper's style, with validation accuracy coloured by layer, and (b) all seeds.

    ``traces`` has the columns ``tables.TRACE``, ``baselines`` those of ``tables.BASELINE``; ``layers`` are those of the
    network, from input to output. Minibatches are drawn over the width of the climb. The table drawn holds one row a
    point: the keys of its run, line, x (neighborhood), layer and both accuracies.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    table = points(traces, baselines)
    style.use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, 3.3), sharey=True, layout="constrained")
    first = table[table.seed == table.seed.min()]
    draw_climb(left, first, layers)
    draw_means(right, table)
    figure.suptitle(title)
    left.set_title(f"(a) One climb (seed {first.seed.iloc[0]})")
    right.set_title(f"(b) Test accuracy, mean and range, n = {table.seed.nunique()}")
    left.set_ylabel("Accuracy (%)")
    for axis in (left, right):
        axis.set_xlabel("Neighborhood")
        axis.set_ylim(0, max(40.0, min(100.0, 103 * table[["validation_accuracy", "test_accuracy"]].max().max())))
    handles, labels = left.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=3,
        frameon=False,
        title=scale_in_words(baselines),
    )
    style.save(figure, output, table, provenance)


def points(traces: pandas.DataFrame, baselines: pandas.DataFrame) -> pandas.DataFrame:
    """Return all points of the figure, climbs with the line `SENSE`; where only validation was counted, test is NaN."""
    climbs = traces[traces.validation_accuracy.notna()]
    if climbs.test_accuracy.notna().sum() == 0 or baselines.empty:
        raise InputError("its tables have no counted rows; delete them and run the searches again")
    climbs = climbs.assign(line="SENSE", x=climbs.neighborhood.astype(float))
    width = climbs.x.max()
    scaled = baselines.assign(
        line=baselines.method, x=width * baselines.step / baselines.step.max(), layer="", search=""
    )
    columns = list(POINT)
    return pandas.concat([climbs[columns], scaled[columns]], ignore_index=True)


def scale_in_words(baselines: pandas.DataFrame) -> str:
    """Return what the width of ``points`` is for backpropagation, which has no neighborhoods."""
    return f"Backpropagation: {int(baselines.step.max()):,} minibatches over the width of the climb"


def draw_climb(axis: Axes, table: pandas.DataFrame, layers: tuple[str, ...]) -> None:
    """Draw one seed of ``points``: validation accuracy coloured by layer, test accuracy, and backpropagation."""
    from matplotlib.collections import LineCollection

    climb = table[table.line == "SENSE"]
    colors = dict(zip(layers, _LAYER_COLORS, strict=False))
    points = np.column_stack([climb.x, 100 * climb.validation_accuracy])
    segments = np.stack([points[:-1], points[1:]], axis=1)  # each has the colour of the layer in which it ends
    edges = [colors.get(layer, _DEEPER) for layer in climb.layer[1:]]
    axis.add_collection(LineCollection(list(segments), colors=edges, linewidths=2.2, capstyle="round", zorder=2))
    moved = set(climb.layer[1:])
    shown = {layer: color for layer, color in colors.items() if layer in moved}
    shown |= {"deeper layers": _DEEPER} if moved - set(colors) else {}
    for layer, color in shown.items():
        axis.plot([], [], color=color, linewidth=2.2, label=f"validation, swaps in {layer}")
    _draw_line(axis, climb, style.ORANGE, "test (SENSE)", "o", "-")
    for method, (name, fill) in _METHODS.items():
        line = table[table.line == method]
        if not line.empty:
            _draw_line(axis, line, fill, f"test ({name})", "s" if fill == "none" else "D", "--")


def _draw_line(axis: Axes, line: pandas.DataFrame, fill: str, label: str, marker: str, dashes: str) -> None:
    line = line[line.test_accuracy.notna()]
    edge = style.VIOLET if fill == "none" else fill
    axis.plot(
        line.x,
        100 * line.test_accuracy,
        color="black",
        linestyle=dashes,
        linewidth=0.9,
        marker=marker,
        markersize=4,
        markerfacecolor=fill,
        markeredgecolor=edge,
        markevery=max(1, len(line) // _MARKERS),
        label=label,
        zorder=3,
    )


def draw_means(axis: Axes, table: pandas.DataFrame) -> None:
    """Draw mean and range of the test accuracy of all seeds of ``points``, by line."""
    grid = np.linspace(0, table.x.max(), 200)
    looks = {"SENSE": (style.ORANGE, "-"), "straight-through": (style.VIOLET, "--"), "literal": (style.VIOLET, ":")}
    ends = []
    for line, (color, dashes) in looks.items():
        rows = table[(table.line == line) & table.test_accuracy.notna()]
        curves = [np.interp(grid, seed.x, 100 * seed.test_accuracy) for _, seed in rows.groupby("seed")]
        if curves:
            axis.fill_between(grid, np.min(curves, axis=0), np.max(curves, axis=0), color=color, alpha=0.2, linewidth=0)
            axis.plot(grid, np.mean(curves, axis=0), color=color, linestyle=dashes, linewidth=1.5)
            ends.append(float(np.mean(curves, axis=0)[-1]))
    for end, height in zip(sorted(ends), spread(sorted(ends), _APART), strict=True):
        axis.annotate(f"{end:.1f}", (grid[-1], height), xytext=(3, 0), textcoords="offset points", va="center", size=7)


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """Return rising heights, moved as little as possible, each at least ``apart`` above the one before."""
    groups: list[tuple[float, int]] = []  # the middle of heights that had to move, and their number
    for height in heights:
        middle, number = height, 1
        while groups and middle - groups[-1][0] < apart * (number + groups[-1][1]) / 2:
            before, others = groups.pop()
            middle, number = (middle * number + before * others) / (number + others), number + others
        groups.append((middle, number))
    return [middle + apart * (place - (number - 1) / 2) for middle, number in groups for place in range(number)]
