"""Plots to point at: what figures show as means and bands, here with every network and every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas

from aann.figures import style
from aann.figures.comparison import start_in_words
from aann.report.summaries import data_in_words

_COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.VIOLET, style.RED, style.GREY)
_POINTS = 300
"""Points that a line has at most."""

_HEIGHT = 460

_CELL, _WRITTEN = 40, 26
"""Pixels of a class in a matrix, and with how many classes numbers are written into it."""


def sparsity(networks: Mapping[str, pandas.DataFrame]) -> Any:
    """Return test accuracy against sparsity, a point for each network (Figures 2a, 2b and 12), by what the data are.

    Tables have the columns ``sparsity``, ``seed``, ``test_correct``, ``test_images`` and ``test_accuracy``.
    """
    figure = _plot("Sparsity (% of weights that are 0)")
    for color, (data, table) in zip(cycle(_COLORS), networks.items(), strict=False):
        mean = 100 * table.groupby("sparsity").test_accuracy.mean()
        shared = {"legendgroup": data, "name": data}
        figure.add_scatter(
            x=mean.index.to_list(),
            y=mean.to_list(),
            mode="lines",
            line={"color": color},
            showlegend=False,
            hoverinfo="skip",
            **shared,
        )
        figure.add_scatter(
            x=table.sparsity.to_list(),
            y=(100 * table.test_accuracy).to_list(),
            mode="markers",
            marker={"color": color, "size": 7},
            text=[f"{data}<br>{_describe(row)}" for row in table.itertuples()],
            hoverinfo="text",
            **shared,
        )
    return figure


def confusion(counts: np.ndarray, names: Sequence[str]) -> Any:
    """Return how many images of each class (rows) are taken for each class (columns), as colors to point at."""
    figure = _plot("Taken for")
    text = [
        [f"{true}, taken for {taken}: {counts[i, j]:,}" for j, taken in enumerate(names)]
        for i, true in enumerate(names)
    ]
    figure.add_heatmap(
        z=counts.tolist(),
        x=list(names),
        y=list(names),
        hovertext=text,
        hoverinfo="text",
        texttemplate="%{z}" if len(names) <= _WRITTEN else None,
        colorscale="Blues",
        showscale=False,
    )
    side = max(_HEIGHT, _CELL * len(names))
    figure.update_layout(height=side, width=side + 2 * _CELL)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="Class", type="category", autorange="reversed")
    return figure


def _describe(row: Any) -> str:
    right = f"{row.test_correct:,} of {row.test_images:,} test images right ({100 * row.test_accuracy:.2f} %)"
    return f"{row.sparsity:g} % sparse, seed {row.seed}<br>{right}"


def climbs(figures: Mapping[str, pandas.DataFrame]) -> Any:
    """Return test accuracy along climbs and backpropagation from the same networks, every seed (Figures 6 to 8b).

    Tables are those of the figures, by their names; a menu chooses between them.
    """
    looks = {"SENSE": style.ORANGE, "straight-through": style.VIOLET, "literal": style.GREY}
    runs = {
        f"Figure {name}": [
            (line, color, _thinned(run), f"{line}, seed {seed:g}")
            for line, color in looks.items()
            for seed, run in drawn[(drawn.line == line) & drawn.test_accuracy.notna()].groupby("seed")
        ]
        for name, drawn in figures.items()
    }
    return _chosen(runs, "Neighborhood (minibatches over the width of the climb)", "linear")


def searches(traces: pandas.DataFrame, titles: Mapping[str, str]) -> Any:
    """Return test accuracy against neighbors evaluated, every run (Figure S1); a menu chooses where they start.

    ``titles`` say what the data of each task are; the menu names them if there are several.
    """
    counted = traces[traces.test_accuracy.notna() & (traces.evaluations > 0)].assign(x=lambda table: table.evaluations)
    looks = dict(zip(dict.fromkeys(counted.search), cycle(_COLORS), strict=False))
    runs = {
        ", ".join([*data_in_words(task, titles).values(), start_in_words(sparsity, origin)]): [
            (str(search), looks[search], _thinned(run), f"{search}, seed {seed}")
            for (search, seed), run in here.groupby(["search", "seed"], sort=False)
        ]
        for (task, sparsity, origin), here in counted.groupby(["task", "sparsity", "origin"], sort=False)
    }
    return _chosen(runs, "Neighbors evaluated", "log")


def _chosen(runs: Mapping[str, list[tuple[str, str, pandas.DataFrame, str]]], x_title: str, x_type: str) -> Any:
    """Return a plot with a menu of groups, for lines by group: the legend, colour, points and name of each."""
    figure = _plot(x_title, x_type)
    groups = [group for group, lines in runs.items() for _ in lines]
    first = groups[0]
    for group, lines in runs.items():
        seen: set[str] = set()
        for legend, color, run, name in lines:
            figure.add_scatter(
                x=run.x.to_list(),
                y=(100 * run.test_accuracy).to_list(),
                mode="lines",
                line={"color": color},
                name=legend,
                legendgroup=legend,
                showlegend=legend not in seen,
                visible=group == first,
                hovertemplate=f"{name}<br>%{{x:,.0f}}: %{{y:.2f}} %<extra></extra>",
            )
            seen.add(legend)
    buttons = [
        {"label": group, "method": "restyle", "args": [{"visible": [other == group for other in groups]}]}
        for group in runs
    ]
    menu = {"buttons": buttons, "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(updatemenus=[menu])
    return figure


def _thinned(run: pandas.DataFrame) -> pandas.DataFrame:
    """Return at most ``_POINTS`` rows, the first and the last among them."""
    places = np.unique(np.linspace(0, len(run) - 1, min(len(run), _POINTS)).round().astype(int))
    return run.iloc[places]


def _plot(x_title: str, x_type: str = "linear") -> Any:
    from plotly.graph_objects import Figure

    figure: Any = Figure()
    figure.update_layout(template="plotly_white", height=_HEIGHT, margin={"t": 60, "r": 20, "b": 60, "l": 60})
    figure.update_xaxes(title=x_title, type=x_type)
    figure.update_yaxes(title="Test accuracy (%)")
    return figure
