"""Figure S5: networks of one task side by side: how far apart, on what they disagree, and what all get wrong."""

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
from aann.tables import ENSEMBLE, PAIR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import MembersFigureSettings

FILES = PICTURE_AND_TABLE

_LOOKS = (
    (style.BLUE, "o"),
    (style.ORANGE, "s"),
    (style.GREEN, "^"),
    (style.VIOLET, "D"),
    (style.RED, "v"),
    (style.GREY, "P"),
)
"""Colours and markers of kinds of pairs, in the order in which they come; the last is for all that follow."""

_MEASURED = {
    "discrepancy": ("largest disagreement of two", style.SKY),
    "ambiguity": ("not all agree", style.BLUE),
    "all_wrong": ("all are wrong", style.ORANGE),
}
"""What is counted of a whole set: its name and its colour."""


def plan(entry: MembersFigureSettings, study: Study) -> Plan:
    """Return a plan that needs both tables of the comparison of a group."""
    inputs = study.compared(entry.group)
    return Plan(kind=entry.kind, title=study.title(str(inputs[0].keys["task"])), inputs=tuple(inputs))


def read(source: Source) -> dict[str, Any]:
    """Return how any two networks differ, what sets have in common, and what the data are."""
    return {
        "pairs": source.table("pairs", PAIR),
        "ensembles": source.table("ensembles", ENSEMBLE),
        "title": source.plan.title,
    }


def draw(
    pairs: pandas.DataFrame, ensembles: pandas.DataFrame, title: str, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Draw (a) disagreement against distance, before and after matching, and (b) what sets have in common.

    ``pairs`` has the columns ``tables.PAIR``, which is the table drawn, ``ensembles`` those of ``tables.ENSEMBLE``.

    Raises ``InputError`` if there are no two networks.
    """
    import matplotlib.pyplot as plt

    if pairs.empty:
        raise InputError("its group has no two networks; name more sets, seeds or walks")
    style.use_style()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(style.PAGE_WIDTH, 3.4), width_ratios=(1.5, 1), layout="constrained"
    )
    _draw_pairs(left, pairs.assign(pair=named(pairs)))
    _draw_sets(right, whole_sets(ensembles))
    left.set_title("(a) Every two networks")
    right.set_title("(b) Whole sets")
    figure.suptitle(title)
    style.save(figure, output, pairs, provenance)


def named(pairs: pandas.DataFrame) -> pandas.Series:
    """Return what kind of pair each row is: `walkers`, or `seeds and walkers`."""
    both = pairs[["first_set", "second_set"]].apply(lambda row: " and ".join(dict.fromkeys(row)), axis=1)
    renamed: pandas.Series = both
    return renamed


def whole_sets(ensembles: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row for each set: its largest choice of voters, on images as they are."""
    plain = ensembles[(ensembles.disturbance == "") & (ensembles.set != "one")]
    largest: pandas.DataFrame = plain.loc[plain.groupby("set", sort=False)["size"].idxmax()]
    return largest


def _draw_pairs(axis: Axes, pairs: pandas.DataFrame) -> None:
    for number, (name, here) in enumerate(pairs.groupby("pair", sort=False)):
        color, marker = _LOOKS[min(number, len(_LOOKS) - 1)]
        percent = 100 * here.disagreement / here.test_images
        far, near = (100 * here[column] / (2 * here.connections) for column in ("distance", "matched_distance"))
        axis.hlines(percent, near, far, color=color, linewidth=0.5, alpha=0.5)
        axis.scatter(far, percent, s=16, color=color, marker=marker, linewidth=0.8, label=str(name))
        axis.scatter(near, percent, s=10, marker=marker, linewidth=0.8, facecolors="white", edgecolors=color)
    axis.set(xlim=(0, 104), ylim=(0, None))
    axis.set_xlabel("Connections that differ (%); small markers: after matching units")
    axis.set_ylabel("Test images on which they disagree (%)")
    axis.legend(frameon=False, loc="lower left", ncols=2)


def _draw_sets(axis: Axes, sets: pandas.DataFrame) -> None:
    places = np.arange(len(sets))
    width = 0.8 / len(_MEASURED)
    for number, (column, (name, color)) in enumerate(_MEASURED.items()):
        axis.bar(places + (number - 1) * width, 100 * sets[column] / sets.test_images, width, color=color, label=name)
    axis.set_xticks(places, [f"{name}\n(n = {size})" for name, size in zip(sets.set, sets["size"], strict=True)])
    axis.set_ylabel("Test images (%)")
    axis.set_ylim(top=1.4 * axis.get_ylim()[1])  # room for the legend
    axis.legend(frameon=False)
