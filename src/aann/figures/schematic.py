"""Figure 1: a network N0 with six weights and four of its first neighbors, drawn from the code that makes swaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.swaps import all_swaps, apply_swap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import SchematicFigureSettings

FILES = PICTURE_AND_TABLE

ORIGINAL = np.array([1, 0, -1, 0, 1, -1], np.int8)
"""w0 of section 3.2: the weights of three inputs to a first unit, then to a second."""

SWAPS = ((0, 1), (4, 3), (5, 3), (2, 1))
"""(from_index, to_index) of the swaps that give N1 to N4 of section 3.2."""

_LINES: dict[int, tuple[str, Any, float]] = {
    -1: (style.ORANGE, "-", 1.8),
    0: (style.GREY, (0, (2, 2)), 0.9),
    1: (style.BLUE, "-", 1.8),
}
_MOVED = "#F0E442"
_INPUTS, _UNITS = 3, 2


def plan(entry: SchematicFigureSettings, study: Study) -> Plan:
    """Return a plan that needs no file: the figure is drawn from the code that makes swaps."""
    return Plan(kind=entry.kind)


def read(source: Source) -> dict[str, Any]:
    """Return nothing."""
    return {}


def draw(output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw N0 and its neighbors N1 to N4, each with its vector of weights and the swap that leads to it."""
    import matplotlib.pyplot as plt

    style.use_style()
    networks = [ORIGINAL, *(apply_swap(ORIGINAL, from_index, to_index) for from_index, to_index in SWAPS)]
    figure, axes = plt.subplots(2, 3, figsize=(style.COLUMN_WIDTH, 2.7), layout="constrained")
    *panels, key = axes.flat
    for index, (axis, weights) in enumerate(zip(panels, networks, strict=True)):
        swap = SWAPS[index - 1] if index else None
        _draw_network(axis, weights, swap)
        values = ", ".join(f"{weight:d}".replace("-", "\N{MINUS SIGN}") for weight in weights)
        move = "original" if swap is None else f"{swap[0]} \N{RIGHTWARDS ARROW} {swap[1]}"
        axis.set_title(f"$N_{index}$: {move}")
        axis.text(0.5, -0.02, f"[{values}]", ha="center", va="top", fontsize=6, transform=axis.transAxes)
    _draw_key(key)
    style.save(figure, output, _table(networks), provenance)


def _draw_key(axis: Axes) -> None:
    from matplotlib.lines import Line2D

    neighbors = len(all_swaps(ORIGINAL)[0])
    lines = [
        Line2D([], [], color=color, linestyle=line, linewidth=width, label=label)
        for (color, line, width), label in zip(_LINES.values(), ("\N{MINUS SIGN}1", "0 (none)", "+1"), strict=True)
    ]
    lines.append(Line2D([], [], color=_MOVED, linewidth=6, label="moved"))
    axis.legend(handles=lines, loc="center", frameon=False, title="Weight")
    axis.text(0.5, -0.02, f"4 of {neighbors} neighbors", ha="center", va="top", fontsize=6, transform=axis.transAxes)
    axis.axis("off")


def _draw_network(axis: Axes, weights: np.ndarray, swap: tuple[int, int] | None) -> None:
    inputs = [(0.0, y) for y in np.linspace(1, 0, _INPUTS)]
    units = [(1.0, y) for y in np.linspace(0.8, 0.2, _UNITS)]
    for index, weight in enumerate(weights):
        start, end = inputs[index % _INPUTS], units[index // _INPUTS]
        color, line, width = _LINES[int(weight)]
        if swap and index in swap:
            axis.plot(*zip(start, end, strict=True), color=_MOVED, linewidth=6, solid_capstyle="round", zorder=1)
        axis.plot(*zip(start, end, strict=True), color=color, linestyle=line, linewidth=width, zorder=2)
    x, y = zip(*inputs, *units, strict=True)
    axis.scatter(x, y, s=45, color="white", edgecolor="black", zorder=3)
    axis.set(xlim=(-0.2, 1.2), ylim=(-0.15, 1.15))
    axis.axis("off")


def _table(networks: list[np.ndarray]) -> pandas.DataFrame:
    rows = [
        {"network": f"N{index}", **{f"w{position}": int(weight) for position, weight in enumerate(weights)}}
        for index, weights in enumerate(networks)
    ]
    return pandas.DataFrame(rows)
