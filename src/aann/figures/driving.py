"""Figure 2b: what networks learn from demonstrations against sparsity, and how well they then drive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import CONFUSION, RETURNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import DrivingFigureSettings

FILES = PICTURE_AND_TABLE


def plan(entry: DrivingFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the confusions of a task's networks, and their returns."""
    inputs = (study.driven(entry.task, "confusions"), study.driven(entry.task, "returns"))
    return Plan(kind=entry.kind, title=study.title(entry.task), inputs=inputs)


def read(source: Source) -> dict[str, Any]:
    """Return both tables, and what the data are."""
    return {
        "confusions": source.table("confusions", CONFUSION),
        "returns": source.table("returns", RETURNS),
        "title": source.plan.title,
    }


def draw(
    confusions: pandas.DataFrame, returns: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Draw (a) accuracy, balanced accuracy and the share of the largest class, and (b) returns beside the expert's.

    ``confusions`` has the columns ``tables.CONFUSION``, ``returns`` those of ``tables.RETURNS``. The table drawn holds
    one row a network. Where some networks drive on more tracks, (b) has those that all networks drive on.
    """
    import matplotlib.pyplot as plt

    table = networks(confusions, returns)
    if table.empty:
        raise InputError("no network has both test frames and returns; delete its tables and run again")
    style.use_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE_WIDTH, 3.1), layout="constrained")
    _draw_line(left, table, 100 * table.test_accuracy, style.BLUE, "o", "-", "Accuracy")
    _draw_line(
        left, table, 100 * table.balanced_accuracy, style.ORANGE, "D", "--", "Balanced accuracy (mean of classes)"
    )
    majority = 100 * table.majority.iloc[0]
    left.axhline(majority, color=style.GREY, linewidth=1, label=f"Always the most frequent class ({majority:.1f} %)")
    left.set(ylabel="Test accuracy (%)", title="(a) Choosing as the expert does")
    _draw_line(right, table, table.shared_return, style.BLUE, "o", "-", "Network")
    expert, tracks = table.shared_expert_return.mean(), table.shared_tracks.iloc[0]
    right.axhline(expert, color="black", linewidth=1, linestyle=":", label="Expert, same tracks")
    right.set(ylabel="Return, mean over tracks", title=f"(b) Driving, the same {tracks} tracks for all")
    right.set_ylim(min(0.0, table.shared_return.min()), 1000)
    for axis in (left, right):
        axis.set_xlim(-2, 101)
        axis.set_xlabel("Sparsity (% of weights that are 0)")
        axis.legend(loc="best", frameon=False)
    figure.suptitle(f"{title}: mean and range, n = {table.groupby('sparsity').size().min()} networks a point")
    style.save(figure, output, table, provenance)


def networks(confusions: pandas.DataFrame, returns: pandas.DataFrame) -> pandas.DataFrame:
    """Return a row for each network: accuracies on test frames (fractions), mean returns, and the number of tracks.

    The latter two are also those on tracks that all networks drive on.
    """
    names = ["sparsity", "seed"]
    test = confusions[confusions.split == "test"]
    right = test[test.label == test.prediction]
    labels = test.groupby([*names, "label"]).frames.sum()
    recall = right.set_index([*names, "label"]).frames / labels
    scored = pandas.DataFrame(
        {
            "test_correct": right.groupby(names).frames.sum(),
            "test_images": test.groupby(names).frames.sum(),
            "balanced_accuracy": recall.groupby(names).mean(),
            "majority": labels.groupby(names).max() / labels.groupby(names).sum(),
        }
    )
    scored["test_accuracy"] = scored.test_correct / scored.test_images
    all_tracks, shared = (_means(rows, names) for rows in (returns, on_shared_tracks(returns, names)))
    return scored.join(all_tracks, how="inner").join(shared.add_prefix("shared_")).reset_index()


def _means(returns: pandas.DataFrame, names: list[str]) -> pandas.DataFrame:
    groups = returns.groupby(names)
    return groups[["return", "expert_return"]].mean().assign(tracks=groups.size())


def on_shared_tracks(returns: pandas.DataFrame, names: list[str]) -> pandas.DataFrame:
    """Return the rows on tracks that all networks drive on, so that means compare networks and not tracks.

    ``names`` are the columns that tell networks apart.
    """
    networks = returns.groupby("track")[names].apply(lambda rows: len(rows.drop_duplicates()))
    return returns[returns.track.isin(networks.index[networks == networks.max()])]


def _draw_line(
    axis: Axes, table: pandas.DataFrame, values: pandas.Series, color: str, marker: str, dashes: str, label: str
) -> None:
    """Draw every network as a point, their mean as a line and their range as a band."""
    by_sparsity = values.groupby(table.sparsity)
    mean = by_sparsity.mean()
    axis.fill_between(mean.index, by_sparsity.min(), by_sparsity.max(), color=color, alpha=0.2, linewidth=0)
    axis.plot(mean.index, mean, color=color, linestyle=dashes, linewidth=1.3, label=label)
    axis.scatter(table.sparsity, values, s=6, color=color, marker=marker, linewidth=0, zorder=3)
