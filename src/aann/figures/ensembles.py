"""Figure S7: test accuracy of networks that vote, by how many they are, and on disturbed images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.families import ONE
from aann.settings.plans import Plan, Study
from aann.tables import ENSEMBLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import EnsemblesFigureSettings

FILES = PICTURE_AND_TABLE

_LOOKS = (
    (style.BLUE, "o", "-"),
    (style.ORANGE, "s", "--"),
    (style.GREEN, "^", "-."),
    (style.VIOLET, "D", ":"),
    (style.RED, "v", "-"),
)
"""Colours, markers and dashes of sets, in the order in which they come; single networks are grey."""


def plan(entry: EnsemblesFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the votes of the networks of a group."""
    votes = [one for one in study.compared(entry.group) if one.role == "ensembles"]
    return Plan(kind=entry.kind, title=study.title(str(votes[0].keys["task"])), inputs=tuple(votes))


def read(source: Source) -> dict[str, Any]:
    """Return the votes, and what the data are."""
    return {"ensembles": source.table("ensembles", ENSEMBLE), "title": source.plan.title}


def draw(ensembles: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw (a) accuracy by the number of voters and (b) what the most voters of each set add on disturbed images.

    ``ensembles`` has the columns ``tables.ENSEMBLE``, which is also the table drawn.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    if ensembles.empty:
        raise InputError("its table has no rows; name 'sizes' of the group")
    style.use_style()
    table = ensembles.assign(percent=100 * ensembles.test_correct / ensembles.test_images)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(style.PAGE_WIDTH, 3.2), width_ratios=(1, 1.3), layout="constrained"
    )
    looks = dict(zip((name for name in dict.fromkeys(table.set) if name != ONE), _LOOKS, strict=False))
    looks |= {ONE: (style.GREY, "x", "-")} if (table.set == ONE).any() else {}
    for name, look in looks.items():
        _draw_sizes(left, table[(table.set == name) & (table.disturbance == "")], name, look)
    _draw_disturbances(right, table, looks)
    left.set(title="(a) Test images as they are", xlabel="Networks that vote", ylabel="Test accuracy (%)")
    left.set_xticks(sorted(set(table["size"])))
    right.set(title="(b) Disturbed test images", ylabel="More than one voter (points)")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(3, len(labels)),
        frameon=False,
        title="(a) Mean and range over n choices of voters, in the order of the points; (b) means",
    )
    figure.suptitle(title)
    style.save(figure, output, ensembles, provenance)


def _draw_sizes(axis: Axes, rows: pandas.DataFrame, name: str, look: Any) -> None:
    color, marker, dashes = look
    groups = rows.groupby("size").percent
    mean = groups.mean()
    counts = ", ".join(map(str, groups.size()))
    label = f"{'one network, as many connections' if name == ONE else name} (n = {counts})"
    axis.fill_between(mean.index, groups.min(), groups.max(), color=color, alpha=0.15, linewidth=0)
    axis.plot(mean.index, mean, color=color, marker=marker, markersize=4, linestyle=dashes, linewidth=1.3, label=label)


def gains(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return by set (rows) and disturbance (columns) what the most voters add to the mean of single ones, in points."""
    means = table.groupby(["set", "disturbance", "size"], sort=False).percent.mean().unstack("size")
    single = means[means.columns.min()]
    most = means.ffill(axis=1)[means.columns.max()]
    return (most - single).unstack("disturbance")


def _draw_disturbances(axis: Axes, table: pandas.DataFrame, looks: Mapping[str, Any]) -> None:
    found = gains(table[table.set != ONE])
    ways = list(dict.fromkeys(table.disturbance))
    width = 0.8 / len(found)
    for number, (name, row) in enumerate(found.reindex([one for one in looks if one != ONE]).iterrows()):
        places = np.arange(len(ways)) + (number - (len(found) - 1) / 2) * width
        axis.bar(places, row[ways], width, color=looks[str(name)][0])
    axis.set_xticks(np.arange(len(ways)), [way or "as they are" for way in ways], rotation=20)
    axis.axhline(0, color=style.GREY, linewidth=0.7)
