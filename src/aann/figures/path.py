"""Figure 5: a climb over a few neighborhoods, with all networks that it surveyed in one plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import CLIMB

if TYPE_CHECKING:
    from aann.settings.figures import PathFigureSettings

FILES = (*PICTURE_AND_TABLE, "html")

_COLORS = (style.ORANGE, style.SKY, style.GREEN, style.YELLOW, style.VIOLET, style.GREY)
"""Of the first to sixth neighborhood."""

_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th", "6th")


def plan(entry: PathFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the networks that the climbs of the settings surveyed."""
    climbs = study.climbs()
    task, sparsity = str(climbs[0].keys["task"]), float(climbs[0].keys["sparsity"])
    layer = study.settings.climb_of(task).layer
    title = f"{study.title(task)}, {sparsity:g} % sparse, layer {layer}"
    return Plan(kind=entry.kind, title=title, inputs=tuple(climbs))


def read(source: Source) -> dict[str, Any]:
    """Return the networks that were surveyed, and what the data and the start are."""
    return {"points": source.table("climbs", CLIMB), "title": source.plan.title}


def draw(points: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw the first climb from the side, with test accuracy as height, and from the top.

    ``points`` has the columns ``tables.CLIMB``, of one climb or more; the table drawn holds all of them. Black dots are
    the best of each neighborhood by validation accuracy, the red line is the path, and the blue dot its start. Beside
    the figure is a page to turn it and point at it.
    """
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    style.use_style()
    figure = plt.figure(figsize=(style.PAGE_WIDTH, 3.6), layout=ConstrainedLayoutEngine(wspace=0.12))
    side, top = figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)
    drawn = first_climb(points)
    table = drawn.assign(percent=100 * drawn.test_correct / drawn.test_images)
    walked = path(table)
    for group, color, label in _neighborhoods(table):
        side.scatter(group.x, group.y, group.percent, s=4, color=color, linewidth=0, depthshade=False, label=label)
        top.scatter(group.x, group.y, s=5, color=color, linewidth=0)
    side.plot(walked.x, walked.y, walked.percent, color=style.RED, linewidth=1.2, zorder=9)
    top.plot(walked.x, walked.y, color=style.RED, linewidth=1.2)
    _dots(side, (walked.x, walked.y, walked.percent))
    _dots(top, (walked.x, walked.y))
    side.computed_zorder = False
    side.view_init(elev=16, azim=-60)
    side.set(xlabel="t-SNE 1 (arb. unit)", ylabel="t-SNE 2 (arb. unit)", zlabel="Test accuracy (%)", title="(a) Side")
    side.tick_params(pad=-2, labelsize=6.5)
    side.tick_params(axis="z", pad=3)
    side.zaxis.labelpad = 6
    side.locator_params(nbins=5)
    top.set(xlabel="t-SNE 1 (arb. unit)", ylabel="t-SNE 2 (arb. unit)", title="(b) Top")
    top.set_aspect("equal", adjustable="datalim")
    figure.suptitle(title)
    size = int(table[table.neighborhood > 0].groupby("neighborhood").size().max())
    figure.legend(
        *side.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=9,
        frameon=False,
        markerscale=2,
        title=f"Neighborhoods of {size:,} neighbors; the best by validation accuracy leads on",
    )
    style.save(figure, output, points, provenance)
    write_html(drawn, title, output.with_suffix(".html"))


def first_climb(points: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows of the first of several climbs."""
    first: pandas.DataFrame = points[points.seed == points.seed.iloc[0]]
    return first


def _neighborhoods(table: pandas.DataFrame) -> Iterator[tuple[pandas.DataFrame, str, str]]:
    """Yield the neighbors of each neighborhood, with its colour and name."""
    for number, (color, name) in enumerate(zip(_COLORS, _ORDINALS, strict=True), start=1):
        here = table[table.neighborhood == number]
        if not here.empty:
            yield here, color, name


def path(points: pandas.DataFrame) -> pandas.DataFrame:
    """Return the start and the best of each neighborhood that led on, in order."""
    return points[(points.neighborhood == 0) | (points.best == 1)].sort_values("neighborhood")


def _dots(axis: Any, coordinates: tuple[pandas.Series, ...]) -> None:
    best = [values.iloc[1:] for values in coordinates]
    start = [values.iloc[:1] for values in coordinates]
    more = {"depthshade": False} if len(coordinates) == 3 else {}
    axis.scatter(*best, s=16, color="black", linewidth=0, zorder=10, label="best", **more)
    look = {"s": 32, "color": style.BLUE, "edgecolor": "black", "linewidth": 0.8, "zorder": 10}
    axis.scatter(*start, label="start", **look, **more)


def write_html(points: pandas.DataFrame, title: str, output: Path) -> None:
    """Write a page that works offline, with what ``interactive`` returns. Equal tables give equal bytes."""
    style.save_page(interactive(points, title), "path", output)


def interactive(points: pandas.DataFrame, title: str) -> Any:
    """Return a figure of plotly with the climb in 3-D. Hovering names a swap and the images right after it."""
    from plotly.graph_objects import Figure, Scatter3d

    table = points.assign(percent=100 * points.test_correct / points.test_images)
    figure: Figure = Figure()
    for group, color, label in _neighborhoods(table):
        figure.add_trace(
            Scatter3d(
                x=group.x.to_list(),
                y=group.y.to_list(),
                z=group.percent.to_list(),
                mode="markers",
                marker={"size": 2.5, "color": color},
                name=f"{label} neighborhood",
                text=[_describe(row) for row in group.itertuples()],
                hoverinfo="text",
            )
        )
    walked = path(table)
    figure.add_trace(
        Scatter3d(
            x=walked.x.to_list(),
            y=walked.y.to_list(),
            z=walked.percent.to_list(),
            mode="lines+markers",
            marker={"size": 5, "color": [style.BLUE, *["black"] * (len(walked) - 1)]},
            line={"color": style.RED, "width": 4},
            name="path",
            text=[_describe(row) for row in walked.itertuples()],
            hoverinfo="text",
        )
    )
    labels = {"xaxis_title": "t-SNE 1", "yaxis_title": "t-SNE 2", "zaxis_title": "Test accuracy (%)"}
    figure.update_scenes(aspectmode="cube", camera_eye=style.EYE, **labels)
    figure.update_layout(title=title, height=760, template="plotly_white")
    return figure


def _describe(row: Any) -> str:
    swap = f"layer {row.layer}, swap {row.from_index} \N{RIGHTWARDS ARROW} {row.to_index}"
    name = "start" if row.neighborhood == 0 else f"neighborhood {row.neighborhood}, {swap}"
    return f"{name}<br>test: {row.test_correct:,} of {row.test_images:,} right ({row.percent:.2f} %)"
