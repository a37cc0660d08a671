"""Figure 3: how accurate the first neighbors of a network are, by sparsity and layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import HISTOGRAM, SURVEY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import HistogramsFigureSettings

FILES = PICTURE_AND_TABLE

Panel = tuple[float, str]
"""Sparsity in percent, and layer."""

_BINS = 60
_SHOWN = 0.99
"""The share of neighbors that a panel shows; the worst would squeeze all others together."""


def plan(entry: HistogramsFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the histograms of the first seed's networks, and the summaries of all surveys."""
    surveys = study.surveys(entry.task)
    return Plan(
        kind=entry.kind,
        title=study.title(entry.task),
        inputs=(surveys, *study.histograms(entry.task)),
        options={"seed": study.task(entry.task).seeds[0]},
        beside=(surveys.path,),
    )


def read(source: Source) -> dict[str, Any]:
    """Return the histograms by panel, the summaries, whose networks are in the panels, and what the data are."""
    histograms = source.tables("histograms", HISTOGRAM)
    return {
        "histograms": {(table.sparsity.iloc[0], table.layer.iloc[0]): table for table in histograms},
        "summaries": source.table("surveys", SURVEY),
        "seed": source.option("seed"),
        "title": source.plan.title,
    }


def draw(
    histograms: Mapping[Panel, pandas.DataFrame],
    summaries: pandas.DataFrame,
    seed: int,
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw a panel for each sparsity (rows) and layer (columns): neighbors by test accuracy, the network in red.

    ``histograms`` have the columns ``aann.tables.HISTOGRAM`` and are those of the network with ``seed``; ``summaries``
    has the columns ``aann.tables.SURVEY`` and says which share of each network's neighbors is better.
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    style.use_style()
    sparsities, layers = (list(dict.fromkeys(keys)) for keys in zip(*histograms, strict=True))
    figure, grid = plt.subplots(
        len(sparsities),
        len(layers),
        figsize=(style.PAGE_WIDTH, 2.25 * len(sparsities) + 0.4),
        layout="constrained",
        squeeze=False,
    )
    test = summaries[summaries.split == "test"]
    tables = []
    for (sparsity, layer), histogram in histograms.items():
        axis = grid[sparsities.index(sparsity), layers.index(layer)]
        networks = test[(test.sparsity == sparsity) & (test.layer == layer)]
        counted = histogram[histogram.split == "test"]
        if counted.empty or seed not in networks.seed.to_numpy():
            raise InputError(
                f"nothing is known of seed {seed}, sparsity {sparsity:g} and layer {layer!r}; delete the summaries of "
                "its surveys and run again"
            )
        _draw_panel(axis, counted, networks, seed)
        tables.append(counted)
    for axis in grid[:, 0]:
        axis.set_ylabel("First neighbors (%)")
    for axis in grid[-1]:
        axis.set_xlabel("Test accuracy (%)")
    figure.suptitle(f"{title}: first neighbors, one bit-swap away", fontsize=9)
    lines = [Line2D([], [], color=style.RED, linewidth=1.2, label="The network itself")]
    note = f"best {100 * _SHOWN:g} % of neighbors shown"
    figure.legend(handles=lines, loc="outside lower center", frameon=False, title=note)
    style.save(figure, output, pandas.concat(tables), provenance)


def _draw_panel(axis: Axes, histogram: pandas.DataFrame, networks: pandas.DataFrame, seed: int) -> None:
    from matplotlib.ticker import MaxNLocator

    own = networks[networks.seed == seed].iloc[0]
    low, high = _shown(histogram, own.original_correct)
    width = max(1, round((high - low) / _BINS))  # whole numbers, so that no bar has more counts than another
    start = own.original_correct - width * (-(-(own.original_correct - histogram.correct.min()) // width)) - 0.5
    edges = np.arange(start, histogram.correct.max() + width + 0.5, width)
    counts, _ = np.histogram(histogram.correct, edges, weights=histogram.neighbors)
    percent = 100 * edges / own.images
    axis.stairs(100 * counts / own.neighbors, percent, fill=True, color=style.BLUE, alpha=0.85)
    original = 100 * own.original_correct / own.images
    axis.axvline(original, color=style.RED, linewidth=1.2)
    axis.set_xlim(100 * (low - 2 * width) / own.images, 100 * (high + 2 * width) / own.images)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.set_title(_words(own, networks), fontsize=7, loc="left")


def _shown(histogram: pandas.DataFrame, original: int) -> tuple[int, int]:
    """Return the range of counts that a panel shows."""
    rising = histogram.sort_values("correct")
    below = rising.neighbors.cumsum() / rising.neighbors.sum()
    low = rising.correct[below > 1 - _SHOWN].min()
    return min(int(low), original), max(int(rising.correct.max()), original)


def _words(own: pandas.Series, networks: pandas.DataFrame) -> str:
    shares = 100 * networks.better / networks.neighbors
    number = "all" if own.neighbors == own.neighborhood else "a sample of"
    others = f"\n(n = {len(shares)}: {shares.min():.1f} to {shares.max():.1f} %)" if len(shares) > 1 else ""
    better, equal = 100 * own.better / own.neighbors, 100 * own.equal / own.neighbors
    heading = f"Layer {own.layer}, {own.sparsity:g} % sparse,\n{number} {own.neighbors:,} neighbors:"
    return f"{heading}\n{better:.1f} % better, {equal:.1f} % equal{others}"
