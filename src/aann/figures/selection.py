"""Figure S3: what climbs gain on the images that choose neighbors, and on fresh ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import SELECTION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import SelectionFigureSettings

FILES = PICTURE_AND_TABLE

_PANELS = {
    "test": "(a) Chosen by {images:,} test images, as printed",
    "validation": "(b) Chosen by {images:,} validation images",
}
_LINES = (
    ("choosing", "images that choose", style.BLUE, "o", 0.97),
    ("fresh", "fresh test images", style.ORANGE, "s", 1.03),
)
_CLIMB = ["task", "sparsity", "seed", "chosen_by", "size"]
"""The keys of a climb."""


def plan(entry: SelectionFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the climbs of the setting `sense.selection`, of all seeds."""
    climbs = study.selections()
    task, sparsity = str(climbs[0].keys["task"]), float(climbs[0].keys["sparsity"])
    layer = study.settings.selection_of(task).layer
    title = f"{study.title(task)}, {sparsity:g} % sparse, layer {layer}"
    return Plan(kind=entry.kind, title=title, inputs=tuple(climbs), options={"paper": entry.paper})


def read(source: Source) -> dict[str, Any]:
    """Return the climbs, the gain to compare with, and what the data and the starts are."""
    return {
        "climbs": source.table("selections", SELECTION),
        "paper": source.option("paper"),
        "title": source.plan.title,
    }


def draw(
    climbs: pandas.DataFrame, paper: float | None, title: str, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Draw the gain of whole climbs against the size of neighborhoods: a panel for each way of choosing.

    ``climbs`` has the columns ``tables.SELECTION``; ``paper`` is a gain in points. The table drawn is what ``gains``
    returns.
    """
    import matplotlib.pyplot as plt

    style.use_style()
    table = gains(climbs)
    figure, axes = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, 3.1), layout="constrained", sharey=True)
    ends = table[table.neighborhood == table.neighborhood.max()]
    for axis, (name, words) in zip(axes, _PANELS.items(), strict=True):
        here = ends[ends.chosen_by == name]
        _draw_gains(axis, here)
        if paper is not None:
            axis.axhline(paper, color=style.GREY, linewidth=1, linestyle=":", label=f"paper, +{paper:g} points")
        axis.set(title=words.format(images=here.choosing_images.iloc[0]), xlabel="Neighbors in a neighborhood")
    axes[0].set_ylabel(f"Gain over {ends.neighborhood.iloc[0]} neighborhoods (points)")
    start = 100 * table[table.neighborhood == 0].groupby("seed").fresh_accuracy.first()
    spread = f"{start.min():.1f} to {start.max():.1f} %"
    figure.suptitle(f"{title}: networks of {spread} (n = {len(start)})")
    handles, labels = axes[0].get_legend_handles_labels()
    named = f"Mean and 95 % interval (Student), n = {len(start)} networks" if len(start) > 1 else "One network"
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, title=named)
    style.save(figure, output, table, provenance)


def gains(climbs: pandas.DataFrame) -> pandas.DataFrame:
    """Return climbs with accuracies and gains since their starts as fractions: ``choosing_gain`` and ``fresh_gain``."""
    table = climbs.copy()
    for name, *_ in _LINES:
        table[f"{name}_accuracy"] = table[f"{name}_correct"] / table[f"{name}_images"]
        first = table.groupby(_CLIMB)[f"{name}_accuracy"].transform("first")
        table[f"{name}_gain"] = table[f"{name}_accuracy"] - first
    return table


def _draw_gains(axis: Axes, ends: pandas.DataFrame) -> None:
    """Draw means with Student's intervals over networks; the two lines are a little apart, so that both are seen."""
    from scipy import stats

    axis.axhline(0, color=style.GREY, linewidth=0.7)
    for name, label, color, marker, apart in _LINES:
        found = 100 * ends.groupby("size")[f"{name}_gain"].agg(["mean", "sem"])
        count = ends.seed.nunique()
        half = found["sem"] * stats.t.ppf(0.975, count - 1) if count > 1 else found["sem"] * math.nan
        axis.errorbar(
            found.index * apart, found["mean"], half, color=color, marker=marker, markersize=4, capsize=2, label=label
        )
    sizes = sorted(ends["size"].unique())
    axis.set(xscale="log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.minorticks_off()
