"""Figures 2a and 12: test accuracy of p-SIREN networks against sparsity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import ACCURACY

if TYPE_CHECKING:
    import pandas

    from aann.settings.figures import SparsityFigureSettings

FILES = PICTURE_AND_TABLE


def plan(entry: SparsityFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the accuracies of a task's networks."""
    return Plan(kind=entry.kind, title=study.title(entry.task), inputs=(study.accuracies(entry.task),))


def read(source: Source) -> dict[str, Any]:
    """Return the accuracies, and what the data are."""
    return {"accuracies": source.table("accuracies", ACCURACY), "title": source.plan.title}


def draw(accuracies: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw every network as a point, their mean as a line and their range as a band; write the table drawn.

    ``accuracies`` has one row a network and the columns ``aann.tables.ACCURACY``.
    """
    import matplotlib.pyplot as plt

    style.use_style()
    percent = accuracies.assign(test_percent=100 * accuracies.test_accuracy)
    by_sparsity = percent.groupby("sparsity").test_percent
    mean, low, high, count = by_sparsity.mean(), by_sparsity.min(), by_sparsity.max(), by_sparsity.size()
    figure, axis = plt.subplots(figsize=(style.COLUMN_WIDTH, 2.8), layout="constrained")
    axis.fill_between(mean.index, low, high, color=style.BLUE, alpha=0.2, linewidth=0, label="Range")
    axis.plot(mean.index, mean, color=style.BLUE, linewidth=1.3, label="Mean")
    axis.scatter(
        percent.sparsity, percent.test_percent, s=7, color=style.ORANGE, linewidth=0, zorder=3, label="One network"
    )
    networks = f"{count.min()}" if count.min() == count.max() else f"{count.min()} to {count.max()}"
    axis.set(xlabel="Sparsity (% of weights that are 0)", ylabel="Test accuracy (%)", title=title)
    axis.set_xlim(-2, max(100, mean.index.max() + 2))
    count_title = f"n = {networks} networks a point"
    figure.legend(loc="outside lower center", ncols=3, frameon=False, title=count_title)
    style.save(figure, output, accuracies, provenance)
