"""Figure S1: test accuracy against neighbors evaluated, by search, from random and from trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib.axes import Axes

from aann.errors import InputError
from aann.figures import style

_LOOKS = (
    (style.GREY, "-"),
    (style.ORANGE, "--"),
    (style.BLUE, "-."),
    (style.VIOLET, ":"),
    (style.GREEN, (0, (5, 1, 1, 1, 1, 1))),
    (style.RED, "-"),
)
"""Colour and dashes of searches, in the order in which they come."""

_PAPER = {
    "-p90-random": ((25.68, "paper, Figure 6"), (27.73, "paper, Figure 7")),
    "-p80-random": ((63.4, "paper, Figure 8a"),),
}
"""Where the paper's searches ended (test accuracy, captions of Figures 6 to 8), by where they started."""

_POINTS = 200


def draw(traces: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw a panel for each start: mean test accuracy over seeds, and its range, as far as all seeds have come.

    ``traces`` has the columns ``tables.TRACE`` and ``start``, ``search``, ``seed``; drawn are the counted rows.

    Raises ``InputError`` if nothing was counted.
    """
    table = traces[traces.test_accuracy.notna()]
    if table.empty:
        raise InputError("figure S1: its traces have no counted rows; delete them and run the searches again")
    style.use_style()
    starts = list(dict.fromkeys(table.start))
    looks = dict(zip(dict.fromkeys(table.search), _LOOKS, strict=False))
    figure, axes = plt.subplots(1, len(starts), figsize=(style.PAGE_WIDTH, 3.2), layout="constrained", squeeze=False)
    for axis, start in zip(axes[0], starts, strict=True):
        here = table[table.start == start]
        for search, look in looks.items():
            _draw_search(axis, here[here.search == search], search, look)
        _draw_paper(axis, start)
        axis.set(xscale="log", xlabel="Neighbors evaluated", title=start_in_words(start))
    axes[0, 0].set_ylabel("Test accuracy (%)")
    lines = {line.get_label(): line for axis in axes[0] for line in axis.lines if line.get_label() in looks}
    seeds = table.groupby(["start", "search"]).seed.nunique()
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


def _draw_paper(axis: Axes, start: str) -> None:
    lines = next((lines for ending, lines in _PAPER.items() if start.endswith(ending)), ())
    for index, (accuracy, name) in enumerate(lines):
        axis.axhline(accuracy, color=style.GREY, linewidth=0.7, zorder=0)
        above = index == len(lines) - 1
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
        )


def start_in_words(start: str) -> str:
    """Return what a start such as mnist-p80-random is in words."""
    _, sparsity, origin = start.rsplit("-", 2)
    return f"{'Random start' if origin == 'random' else 'p-SIREN'}, {sparsity.removeprefix('p')} % sparse"
