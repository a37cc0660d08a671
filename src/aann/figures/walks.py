"""Figure S4: wrong images against the share of connections that have moved, along walks and moved blindly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import WALK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import WalksFigureSettings

FILES = PICTURE_AND_TABLE

_SPLITS = {"train": ("training", style.GREY, ":"), "validation": ("validation", style.BLUE, "--")}
_SPLITS |= {"test": ("test", style.ORANGE, "-")}
"""What splits are called, and how they look."""

_LAYERS = (style.RED, style.GREEN, style.BLUE, style.VIOLET, style.ORANGE, style.GREY, style.SKY)
"""Colours of layers, from input to output."""

_START = ["task", "sparsity", "origin", "search"]
"""The keys of the networks that walks start from."""

_GRID = np.linspace(0, 100, 101)
"""Percentages of moved connections at which seeds are compared."""


def plan(entry: WalksFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the tables of walks from all starts, of all seeds."""
    walks = [
        one for place, walked in enumerate(entry.starts) for one in study.walks(walked, entry.walk, f"starts.{place}")
    ]
    titles = study.titles(walked.start.task for walked in entry.starts)
    return Plan(kind=entry.kind, title=" and ".join(titles.values()), inputs=tuple(walks), options={"titles": titles})


def read(source: Source) -> dict[str, Any]:
    """Return what walks counted, and what the data are."""
    return {"walks": source.table("walks", WALK), "titles": source.option("titles"), "title": source.plan.title}


def draw(
    walks: pandas.DataFrame, titles: Mapping[str, str], title: str, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Draw a column for each start: wrong images, what has moved in each layer, and how many neighbors are no worse.

    Lines are means over seeds, with the range; the last row is left out if no neighbors were drawn.

    ``walks`` has the columns ``tables.WALK``, which is also the table drawn. ``titles`` say what the data of each task
    are, if there are several.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    if walks.empty:
        raise InputError("its tables have no rows; delete them and walk again")
    style.use_style()
    starts = list(walks.groupby(_START, sort=False))
    wide = style.PAGE_WIDTH if len(starts) > 1 else style.COLUMN_WIDTH
    rows = 3 if walks.neighbors.any() else 2
    figure, axes = plt.subplots(
        rows,
        len(starts),
        figsize=(wide, 3.2 + 1.8 * (rows - 1)),
        height_ratios=[1.5] + [1] * (rows - 1),
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for column, (start, here) in enumerate(starts):
        heading = f"{titles[str(start[0])]}\n" if len(titles) > 1 else ""
        axes[0, column].set_title(f"{heading}{_in_words(start)}")
        _draw_errors(axes[0, column], here[here.layer == ""])
        walked = here[here.line == "walk"]
        _draw_layers(axes[1, column], walked, lambda rows: moved(rows) / 100)
        if rows == 3:
            _draw_layers(axes[2, column], walked, no_worse)
        axes[-1, column].set_xlabel("Connections that have moved (%)")
    axes[0, 0].set_ylabel("Wrong images (%)")
    axes[1, 0].set_ylabel("Moved in the layer (%)")
    if rows == 3:
        axes[2, 0].set_ylabel("Neighbors no worse (%)")
    drawn = [axis.get_legend_handles_labels() for axis in axes[:2, 0]]
    handles, labels = ([one for each in both for one in each] for both in zip(*drawn, strict=True))
    seeds = walks.groupby(_START).seed.nunique().min()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, frameon=False, title=f"Mean and range, n = {seeds} walks"
    )
    figure.suptitle(title)
    style.save(figure, output, walks.reset_index(drop=True), provenance)


def _in_words(start: Any) -> str:
    _, sparsity, origin, search = start
    trained = f"random, then {search}" if origin == "random" else f"p-SIREN{f', then {search}' if search else ''}"
    return f"From {trained}, {sparsity:g} % sparse"


def moved(rows: pandas.DataFrame) -> pandas.Series:
    """Return the percentage of connections that have moved, for each row."""
    return 100 * (1 - rows.in_place / rows.connections)


def _draw_errors(axis: Axes, here: pandas.DataFrame) -> None:
    walked, blind = here[here.line == "walk"], here[here.line == "blind"]
    for split, (name, color, dashes) in _SPLITS.items():
        _draw_mean(axis, _errors(walked, split), color, dashes, name)
    _draw_mean(axis, _errors(blind, "test"), "black", "-", "test, moved blindly")
    axis.set_yscale("log")  # on which 2 instead of 1.8 % is seen beside 90 %
    axis.yaxis.set_major_formatter("{x:g}")


def _errors(rows: pandas.DataFrame, split: str) -> list[np.ndarray]:
    """Return the fraction of a split that is wrong by what has moved, for each seed; none is a tenth of an image."""
    images, correct = rows[f"{split}_images"], rows[f"{split}_correct"]
    wrong = ((images - correct).clip(lower=0.1) / images).to_numpy()
    return [_curve(moved(one), wrong[rows.seed == seed]) for seed, one in rows.groupby("seed")]


def _draw_layers(axis: Axes, walked: pandas.DataFrame, measured: Callable[[pandas.DataFrame], pandas.Series]) -> None:
    """Draw a fraction of each layer that is measured from its rows; a layer without it is left out."""
    layers = [layer for layer in dict.fromkeys(walked.layer) if layer]
    for layer, (color, dashes) in zip(layers, style.looks(*_LAYERS), strict=False):
        curves = [
            _curve(moved(one[one.layer == ""]), measured(one[one.layer == layer])) for _, one in walked.groupby("seed")
        ]
        if np.isfinite(curves).any():
            _draw_mean(axis, curves, color, dashes, f"layer {layer}")


def no_worse(rows: pandas.DataFrame) -> pandas.Series:
    """Return the fraction of first neighbors that are better or equal, NaN where none was drawn."""
    return (rows.better + rows.equal) / rows.neighbors.where(rows.neighbors > 0)


def _curve(x: pandas.Series, y: Any) -> np.ndarray:
    """Return fractions as percentages at the points of the grid, missing where the walk has not come."""
    curve: np.ndarray = np.interp(_GRID, x.to_numpy(), 100 * np.asarray(y), right=np.nan)
    return curve


def _draw_mean(axis: Axes, curves: list[np.ndarray], color: str, dashes: str, label: str) -> None:
    """Draw mean and range as far as all seeds have come."""
    stacked = np.stack(curves)
    low, high = stacked.min(axis=0), stacked.max(axis=0)
    axis.fill_between(_GRID, low, high, color=color, alpha=0.15, linewidth=0)
    axis.plot(_GRID, stacked.mean(axis=0), color=color, linestyle=dashes, linewidth=1.4, label=label)
