"""Figure 8b: SENSE on the driving task, from random networks, and how the networks drive before and after."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib.axes import Axes

from aann.errors import InputError
from aann.figures import climbs, style
from aann.figures.comparison import last_known

_COLORS = (style.BLUE, style.GREEN, style.RED)


def draw(
    traces: pandas.DataFrame,
    baselines: pandas.DataFrame,
    searches: pandas.DataFrame,
    returns: pandas.DataFrame,
    layers: tuple[str, ...],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw (a) a climb in the paper's protocol, (b) all its seeds, (c) other searches, and (d) returns.

    ``traces`` and ``baselines`` are those of ``climbs.draw``; ``searches`` has the columns ``tables.TRACE`` and
    ``start``, ``search`` and ``seed``; ``returns`` has ``tables.RETURNS`` and ``driver``, what drove. The table drawn
    holds the points of (a) to (c), and the rows of (d), which have returns.

    Raises ``InputError`` if nothing was counted.
    """
    table = climbs.points(traces, baselines)
    counted = searches[searches.test_accuracy.notna()]
    if counted.empty:
        raise InputError("figure 8b: its searches have no counted rows; delete them and run the searches again")
    driven = returns.groupby(["driver", "seed"], sort=False)[["return", "expert_return"]].mean().reset_index()
    style.use_style()
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE_WIDTH, 6.2), layout="constrained")
    first = table[table.seed == table.seed.min()]
    climbs.draw_climb(axes[0, 0], first, layers)
    climbs.draw_means(axes[0, 1], table)
    _draw_searches(axes[1, 0], counted)
    _draw_returns(axes[1, 1], driven, returns)
    seeds = table.seed.nunique()
    axes[0, 0].set(title=f"(a) One climb, paper's protocol (seed {first.seed.iloc[0]})", ylabel="Accuracy (%)")
    axes[0, 1].set(title=f"(b) Test accuracy, mean and range, n = {seeds}")
    axes[1, 0].set(title=f"(c) Our searches, mean and range, n = {seeds}", ylabel="Test accuracy (%)")
    for axis in axes[0]:
        axis.set(xlabel="Neighborhood", ylim=(0, 100))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, title="Panels (a) and (b)")
    figure.suptitle(title)
    style.save(figure, output, _drawn(table, counted, driven), provenance)


def _draw_searches(axis: Axes, searches: pandas.DataFrame) -> None:
    """Draw test accuracy against evaluations, a line for each start and search."""
    groups = searches.groupby(["start", "search"], sort=False)
    for color, ((start, search), runs) in zip(cycle(_COLORS), groups, strict=False):
        grid = np.geomspace(runs[runs.evaluations > 0].evaluations.min(), runs.evaluations.max(), 200)
        curves = [last_known(run, grid) for _, run in runs.groupby("seed")]
        axis.fill_between(grid, np.min(curves, axis=0), np.max(curves, axis=0), color=color, alpha=0.2, linewidth=0)
        axis.plot(grid, np.mean(curves, axis=0), color=color, linewidth=1.4, label=f"{start}, {search}")
    axis.set(xscale="log", xlabel="Neighbors evaluated", ylim=(0, 100))
    axis.legend(loc="lower right", frameon=False)


def _draw_returns(axis: Axes, driven: pandas.DataFrame, returns: pandas.DataFrame) -> None:
    """Draw the mean return of each network, by what drove, and the expert's."""
    drivers = list(dict.fromkeys(driven.driver))
    for place, driver in enumerate(drivers):
        rewards = driven[driven.driver == driver]["return"]
        axis.scatter(rewards, np.full(len(rewards), place), s=16, color=style.BLUE, zorder=3)
        axis.plot([rewards.mean()] * 2, [place - 0.3, place + 0.3], color=style.ORANGE, linewidth=1.6)
        axis.annotate(f"{rewards.mean():.0f}", (rewards.mean(), place - 0.33), ha="center", size=7)
    expert = driven.expert_return.mean()
    axis.axvline(expert, color="black", linewidth=1, linestyle=":", zorder=0)
    axis.annotate(
        f"expert {expert:.0f}", (expert, -0.7), xytext=(-3, 0), textcoords="offset points", ha="right", size=7
    )
    axis.set_yticks(range(len(drivers)), [driver.replace(", ", "\n") for driver in drivers])
    counts = sorted(set(returns.groupby(["driver", "seed"]).size()))
    tracks = " or ".join(map(str, counts))
    axis.set(title=f"(d) Return, mean over {tracks} tracks", xlabel="Return", ylim=(len(drivers) - 0.4, -1.0))
    axis.set_xlim(right=1000)


def _drawn(table: pandas.DataFrame, searches: pandas.DataFrame, driven: pandas.DataFrame) -> pandas.DataFrame:
    columns = ["seed", "line", "x", "layer", "validation_accuracy", "test_accuracy"]
    compared = searches.assign(line=searches.start + ", " + searches.search, x=searches.evaluations)[columns]
    driven = driven.rename(columns={"driver": "line"})
    return pandas.concat([table, compared, driven], ignore_index=True)
