"""Figure S6: accuracy on paths between two networks of one family."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import ROUTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import PathsFigureSettings

FILES = PICTURE_AND_TABLE

_LOOKS = {
    "straight": ("straight", style.GREY, "--"),
    "matched": ("units matched", style.BLUE, "-"),
    "detours": ("units matched, detours", style.ORANGE, "-."),
}
"""What lines are called, and how they look."""

NAMES = {line: name for line, (name, *_) in _LOOKS.items()}
"""What lines are called, for tables beside the figure."""


def plan(entry: PathsFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the paths that the entry names."""
    routes = [study.route(name, f"paths.{place}") for place, name in enumerate(entry.paths)]
    titles = study.titles(str(one.keys["task"]) for one in routes)
    return Plan(kind=entry.kind, title=" and ".join(titles.values()), inputs=tuple(routes))


def read(source: Source) -> dict[str, Any]:
    """Return what was counted on the paths, and what the data are."""
    return {"routes": source.table("routes", ROUTE), "title": source.plan.title}


def draw(routes: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw a panel for each path: test accuracy against the share of the way, and the lowest point of each line.

    ``routes`` has the columns ``tables.ROUTE``, which is also the table drawn.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    if routes.empty:
        raise InputError("its tables have no rows; delete them and run the paths again")
    style.use_style()
    paths = list(routes.groupby("route", sort=False))
    wide = style.PAGE_WIDTH if len(paths) > 1 else style.COLUMN_WIDTH
    figure, axes = plt.subplots(1, len(paths), figsize=(wide, 3.4), sharey=True, layout="constrained", squeeze=False)
    for axis, (name, here) in zip(axes[0], paths, strict=True):
        axis.set(title=str(name).replace("-", " "), xlabel="Share of the way (%)")
        for line, look in _LOOKS.items():
            _draw_line(axis, here[here.line == line], look)
        axis.legend(frameon=False, title="Lowest on the way", loc="upper center", bbox_to_anchor=(0.5, -0.18))
    axes[0, 0].set_ylabel("Test accuracy (%)")
    figure.suptitle(title)
    style.save(figure, output, routes, provenance)


def _draw_line(axis: Axes, line: pandas.DataFrame, look: tuple[str, str, str]) -> None:
    if line.empty:
        return
    name, color, dashes = look
    percent = 100 * line.test_correct / line.test_images
    way = 100 * (1 - line.distance / line.distance.iloc[0])
    label, above = f"{name}: {percent.min():.1f} %", 3 if dashes == "--" else 2  # two lines can be the same
    axis.plot(way, percent, color=color, linestyle=dashes, linewidth=1.3, label=label, zorder=above)
