"""Figure 3: how accurate the first neighbors of a network are, by sparsity and layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aann.figures import style

Panel = tuple[float, str]
"""Sparsity in percent, and layer."""

_BINS = 60
_SHOWN = 0.9999
"""The share of neighbors that a panel has room for; the worst few would squeeze all others together."""


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
    has the columns ``aann.tables.SURVEY`` and tells of all networks what share of their neighbors is better.
    """
    style.use_style()
    sparsities, layers = (list(dict.fromkeys(keys)) for keys in zip(*histograms, strict=True))
    figure, grid = plt.subplots(
        len(sparsities),
        len(layers),
        figsize=(style.PAGE_WIDTH, 2.1 * len(sparsities) + 0.4),
        layout="constrained",
        squeeze=False,
    )
    test = summaries[summaries.split == "test"]
    tables = []
    for (sparsity, layer), histogram in histograms.items():
        axis = grid[sparsities.index(sparsity), layers.index(layer)]
        networks = test[(test.sparsity == sparsity) & (test.layer == layer)]
        counted = histogram[histogram.split == "test"]
        _draw_panel(axis, counted, networks, seed)
        axis.set_title(f"Layer {layer}, {sparsity:g} % sparse")
        tables.append(counted.assign(sparsity=sparsity, layer=layer, seed=seed))
    for axis in grid[:, 0]:
        axis.set_ylabel("First neighbors")
    for axis in grid[-1]:
        axis.set_xlabel("Test accuracy (%)")
    figure.suptitle(title, fontsize=9)
    style.save(figure, output, pandas.concat(tables), provenance)


def _draw_panel(axis: Axes, histogram: pandas.DataFrame, networks: pandas.DataFrame, seed: int) -> None:
    own = networks[networks.seed == seed].iloc[0]
    width = _bin_width(histogram, own.original_correct)
    start = own.original_correct - width * (-(-(own.original_correct - histogram.correct.min()) // width)) - 0.5
    edges = np.arange(start, histogram.correct.max() + width + 0.5, width)
    counts, _ = np.histogram(histogram.correct, edges, weights=histogram.neighbors)
    percent = 100 * edges / own.images
    axis.stairs(counts, percent, fill=True, color=style.BLUE, alpha=0.85)
    original = 100 * own.original_correct / own.images
    axis.axvline(original, color=style.RED, linewidth=1.2)
    low, high = _shown(histogram, own.original_correct)
    axis.set_xlim(100 * (low - 2 * width) / own.images, 100 * (high + 2 * width) / own.images)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 4), useMathText=True)
    axis.yaxis.get_offset_text().set_fontsize(6.5)
    axis.set_ylim(0, 1.5 * counts.max())
    axis.text(0.03, 0.97, _words(own, networks), transform=axis.transAxes, ha="left", va="top", fontsize=6.2)


def _bin_width(histogram: pandas.DataFrame, original: int) -> int:
    """Return the images a bar stands for: a whole number, so that no bar has more counts than another."""
    low, high = _shown(histogram, original)
    return max(1, round((high - low) / _BINS))


def _shown(histogram: pandas.DataFrame, original: int) -> tuple[int, int]:
    """Return the range of counts that a panel shows."""
    rising = histogram.sort_values("correct")
    below = rising.neighbors.cumsum() / rising.neighbors.sum()
    low = rising.correct[below > 1 - _SHOWN].min()
    return min(int(low), original), max(int(rising.correct.max()), original)


def _words(own: pandas.Series, networks: pandas.DataFrame) -> str:
    shares = 100 * networks.better / networks.neighbors
    number = "all" if own.neighbors == own.neighborhood else "a sample of"
    others = f" ({shares.min():.1f} to {shares.max():.1f} in {len(shares)} networks)" if len(shares) > 1 else ""
    better, equal = 100 * own.better / own.neighbors, 100 * own.equal / own.neighbors
    return f"{better:.1f} % better{others}\n{equal:.1f} % equal\n{number} {own.neighbors:,}"
