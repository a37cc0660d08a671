"""Figures 4, 10 and 11: first neighbors in two dimensions, with test accuracy as height and colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any, Literal

import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import ORIGINAL, POINTS

if TYPE_CHECKING:
    from matplotlib.colors import Normalize
    from matplotlib.figure import SubFigure
    from matplotlib.lines import Line2D

    from aann.settings.figures import EmbeddingFigureSettings

FILES = (*PICTURE_AND_TABLE, "html")

_COLORS = "viridis"
_NAMES = {"tsne": "t-SNE", "isomap": "Isomap", "lle": "LLE"}
_WIDTH, _ROW_HEIGHT, _SHARES, _DPI = 7.0, 2.7, {"side": 1.15, "top": 1.0}, 300


@dataclass(frozen=True)
class Panel:
    """One panel: the neighbors of a layer, embedded by a method, seen from the side (in 3-D) or from the top."""

    layer: str
    method: str
    view: Literal["side", "top"] = "top"


def plan(entry: EmbeddingFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the embedded neighbors of each layer."""
    points = study.points(entry.task)
    embedded = study.settings.embeddings[entry.task]
    sample = f", neighbors of {embedded.sources} moving weights" if embedded.drawn == "sources" else ""
    return Plan(
        kind=entry.kind,
        title=f"{study.title(entry.task)}, {embedded.sparsity:g} % sparse{sample}",
        inputs=tuple(points),
        options={
            "sampling": embedded.drawn,
            "panels": [[layer, panel.method, panel.view] for layer in embedded.layers for panel in entry.panels],
        },
        beside=(f"embeddings/{entry.task}/clustering.csv",),
    )


def read(source: Source) -> dict[str, Any]:
    """Return the points of the sampling, the panels, how many images points were tested on, and what the data are."""
    points = source.table("points", POINTS)
    return {
        "points": points[points.sampling == source.option("sampling")],
        "panels": [Panel(*panel) for panel in source.option("panels")],
        "test_images": int(points.test_images.max()),
        "title": source.plan.title,
    }


def draw(
    points: pandas.DataFrame,
    panels: Sequence[Panel],
    test_images: int,
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw a row of panels for each layer, the original network as a blue dot; write the table drawn.

    Beside it is a page to turn it and point at it. ``points`` has the columns ``aann.tables.POINTS``. Panels of a layer
    share a scale of colours.

    Raises ``InputError`` if a panel has no points.
    """
    import matplotlib.pyplot as plt

    style.use_style()
    rows = [[panel for panel in panels if panel.layer == layer] for layer in dict.fromkeys(p.layer for p in panels)]
    figure = plt.figure(figsize=(_WIDTH, _ROW_HEIGHT * len(rows) + 0.5), dpi=_DPI, layout="constrained")
    figure.suptitle(title)
    letters = iter(ascii_lowercase)
    for row, subfigure in zip(rows, figure.subfigures(len(rows), squeeze=False)[:, 0], strict=True):
        _draw_row(subfigure, row, [_percent(points, panel, test_images) for panel in row], letters)
    figure.legend(handles=[_original_dot()], loc="outside lower center", frameon=False)
    style.save(figure, output, _drawn(points, panels), provenance)
    write_html(points, panels, test_images, title, output.with_suffix(".html"))


def write_html(
    points: pandas.DataFrame,
    panels: Sequence[Panel],
    test_images: int,
    title: str,
    output: Path,
) -> None:
    """Write a page that works offline, with what ``interactive`` returns. Equal tables give equal bytes.

    Raises ``InputError`` if a panel has no points.
    """
    style.save_page(interactive(points, panels, test_images, title), "embedding", output)


def interactive(points: pandas.DataFrame, panels: Sequence[Panel], test_images: int, title: str) -> Any:
    """Return a figure of plotly with a scatter in 3-D for each layer and method of ``panels``.

    Hovering over a point names its swap and how many test images are right. Raises ``InputError`` if a panel has no
    points.
    """
    from plotly.graph_objects import Figure
    from plotly.subplots import make_subplots

    shown = list(dict.fromkeys((panel.layer, panel.method) for panel in panels))
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    tables = [_percent(points, Panel(layer, method), test_images) for layer, method in shown]
    figure: Figure = make_subplots(
        rows,
        columns,
        specs=[[{"type": "scene"}] * columns] * rows,
        subplot_titles=[
            _caption(Panel(*pair), table).replace("\n", "<br>") for pair, table in zip(shown, tables, strict=True)
        ],
        horizontal_spacing=0.02,
        vertical_spacing=0.06,
    )
    for index, (pair, table) in enumerate(zip(shown, tables, strict=True)):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        for trace in _traces(table, test_images):
            figure.add_trace(trace, **place)
        x, y = _axis_labels(pair[1])
        labels = {"xaxis_title": x, "yaxis_title": y, "zaxis_title": "Test accuracy (%)"}
        figure.update_scenes(aspectmode="cube", camera_eye=style.EYE, **labels, **place)
    figure.update_layout(title=title, height=620 * rows, showlegend=False, template="plotly_white")
    return figure


def _percent(points: pandas.DataFrame, panel: Panel, test_images: int) -> pandas.DataFrame:
    """Return the points of a panel with their test accuracy in percent; raise ``InputError`` if there are none."""
    table = points[(points.layer == panel.layer) & (points.method == panel.method)]
    if table.empty:
        raise InputError(
            f"has no points of layer {panel.layer!r} by method {panel.method!r}; "
            "add them to the settings of the embeddings stage, or leave the panel out"
        )
    return table.assign(percent=100 * table.test_correct / test_images)


def _drawn(points: pandas.DataFrame, panels: Sequence[Panel]) -> pandas.DataFrame:
    pairs = {(panel.layer, panel.method) for panel in panels}
    chosen = [pair in pairs for pair in zip(points.layer, points.method, strict=True)]
    return points[chosen].reset_index(drop=True)


def _caption(panel: Panel, table: pandas.DataFrame) -> str:
    neighbors = (table.from_index != ORIGINAL).sum()
    return f"Layer {panel.layer}, {_NAMES.get(panel.method, panel.method)}\nn = {neighbors:,} neighbors"


def _axis_labels(method: str) -> tuple[str, str]:
    name = _NAMES.get(method, method)
    return f"{name} 1 (arb. unit)", f"{name} 2 (arb. unit)"


def _draw_row(
    figure: SubFigure, panels: Sequence[Panel], tables: Sequence[pandas.DataFrame], letters: Iterator[str]
) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    percent = pandas.concat([table.percent for table in tables])
    colors = Normalize(percent.min(), percent.max())
    grid = figure.add_gridspec(1, len(panels), width_ratios=[_SHARES[panel.view] for panel in panels])
    axes = []
    for column, (panel, table) in enumerate(zip(panels, tables, strict=True)):
        axes.append(figure.add_subplot(grid[0, column], projection="3d" if panel.view == "side" else None))
        (_draw_side if panel.view == "side" else _draw_top)(axes[-1], table, colors)
        x, y = _axis_labels(panel.method)
        axes[-1].set(xlabel=x, ylabel=y, title=f"({next(letters)}) {_caption(panel, table)}")
    pad = 0.16 if panels[-1].view == "side" else 0.03  # the layout ignores the labels of axes in 3-D
    bar = ScalarMappable(colors, _COLORS)
    figure.colorbar(bar, ax=axes[-1], label="Test accuracy (%)", shrink=0.8, aspect=22, pad=pad)


def _draw_top(axis: Any, table: pandas.DataFrame, colors: Normalize) -> None:
    neighbors, center = _parts(table)
    axis.scatter(
        neighbors.x, neighbors.y, c=neighbors.percent, cmap=_COLORS, norm=colors, s=5, linewidth=0, rasterized=True
    )
    axis.scatter(center.x, center.y, s=36, color=style.BLUE, edgecolor="black", linewidth=0.8, zorder=10)
    axis.set_aspect("equal", adjustable="datalim")


def _draw_side(axis: Any, table: pandas.DataFrame, colors: Normalize) -> None:
    from matplotlib.ticker import MaxNLocator

    neighbors, center = _parts(table)
    values = (neighbors.x, neighbors.y, neighbors.percent)
    look = {"cmap": _COLORS, "norm": colors, "s": 5, "linewidth": 0}
    axis.scatter(*values, c=neighbors.percent, depthshade=False, rasterized=True, **look)
    look = {"color": style.BLUE, "edgecolor": "black", "linewidth": 0.8, "s": 36, "zorder": 10}
    axis.scatter(center.x, center.y, center.percent, depthshade=False, **look)
    axis.computed_zorder = False  # else Matplotlib may hide the original behind its neighbors
    axis.view_init(elev=14, azim=-60)
    axis.set_box_aspect((1, 1, 0.85), zoom=0.95)
    axis.set_zlabel("Test accuracy (%)")
    axis.tick_params(pad=-2, labelsize=6.5)
    for side, ticks in ((axis.xaxis, 5), (axis.yaxis, 3), (axis.zaxis, 5)):
        side.set_major_locator(MaxNLocator(ticks))
        side.labelpad = -3
        side.pane.set_facecolor("white")


def _parts(table: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Return the neighbors and the original network."""
    original = table.from_index == ORIGINAL
    return table[~original], table[original]


def _original_dot() -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        linestyle="none",
        marker="o",
        markersize=6,
        markerfacecolor=style.BLUE,
        markeredgecolor="black",
        markeredgewidth=0.8,
        label="Original network",
    )


def _traces(table: pandas.DataFrame, test_images: int) -> list[Any]:
    """Return the neighbors and the original of one scene."""
    from plotly.graph_objects import Scatter3d

    neighbors, original = _parts(table)
    looks: tuple[dict[str, Any], ...] = (
        {"size": 2.5, "color": neighbors.percent.to_list(), "colorscale": _COLORS},
        {"size": 7, "color": style.BLUE, "line": {"color": "black", "width": 2}},
    )
    return [
        Scatter3d(
            x=rows.x.to_list(),
            y=rows.y.to_list(),
            z=rows.percent.to_list(),
            mode="markers",
            marker=look,
            text=[_describe(row, test_images) for row in rows.itertuples()],
            hoverinfo="text",
        )
        for rows, look in zip((neighbors, original), looks, strict=True)
    ]


def _describe(row: Any, test_images: int) -> str:
    sign = "+1" if row.sign > 0 else "\N{MINUS SIGN}1"
    swap = f"swap {row.from_index} \N{RIGHTWARDS ARROW} {row.to_index}, sign {sign}"
    name = "original network" if row.from_index == ORIGINAL else swap
    return f"{name}<br>test: {row.test_correct:,} of {test_images:,} right ({row.percent:.2f} %)"
