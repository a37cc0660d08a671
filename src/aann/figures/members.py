"""Figure S5: networks of one task side by side: how far apart, on what they disagree, and what all get wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.families import ONE
from aann.settings.plans import Plan, Study
from aann.settings.work import members
from aann.tables import ENSEMBLE, PAIR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import MembersFigureSettings

FILES = PICTURE_AND_TABLE

_COLORS, _MARKERS = (style.BLUE, style.ORANGE, style.GREEN, style.VIOLET, style.RED, style.GREY), "os^DvPX"
"""Colours and markers of kinds of pairs, in the order in which they come."""

_MEASURED = {
    "discrepancy": ("largest disagreement of two", style.SKY),
    "ambiguity": ("not all agree", style.BLUE),
    "all_wrong": ("all are wrong", style.ORANGE),
}
"""What is counted of a whole set: its name and its colour."""


def plan(entry: MembersFigureSettings, study: Study) -> Plan:
    """Return a plan that needs both tables of the comparison of a group."""
    inputs = study.compared(entry.group, least=2)
    compared = study.settings.group(entry.group).compared
    sets = _called([row for row in members(study.settings, entry.group) if row["set"] in compared])
    title = study.title(str(inputs[0].keys["task"]))
    return Plan(kind=entry.kind, title=title, inputs=tuple(inputs), options={"sets": sets})


def _called(networks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the networks of each set are called in pairs, where one in several sets is in its first.

    ``networks`` are those of ``work.members``. A set that shares some with a set before it has the others.
    """
    first = {str(one["path"]): str(one["set"]) for one in reversed(networks)}
    shared = {one["set"] for one in networks if first[one["path"]] != one["set"]}
    sets = dict.fromkeys(str(one["set"]) for one in networks)
    return {name: f"others of {name}" if name in shared else name for name in sets}


def read(source: Source) -> dict[str, Any]:
    """Return how any two networks differ, what sets have in common, what they are called, and what the data are."""
    return {
        "pairs": source.table("pairs", PAIR),
        "ensembles": source.table("ensembles", ENSEMBLE),
        "title": source.plan.title,
        "sets": source.option("sets"),
    }


def draw(
    pairs: pandas.DataFrame,
    ensembles: pandas.DataFrame,
    sets: Mapping[str, str],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw (a) disagreement against distance, before and after matching, and (b) what sets have in common.

    ``pairs`` has the columns ``tables.PAIR``, which is the table drawn, ``ensembles`` those of ``tables.ENSEMBLE``.
    ``sets`` say what the networks of each set are called in (a). Groups of fewer than two networks have no plan.
    """
    import matplotlib.pyplot as plt

    style.use_style()
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(style.PAGE_WIDTH, 3.4), width_ratios=(1.5, 1), layout="constrained"
    )
    _draw_pairs(left, pairs.assign(pair=named(pairs, sets)))
    _draw_sets(right, whole_sets(ensembles[ensembles.set.isin(list(sets))]))
    left.set_title("(a) Every two networks")
    right.set_title("(b) Whole sets")
    figure.suptitle(title)
    style.save(figure, output, pairs, provenance)


def named(pairs: pandas.DataFrame, sets: Mapping[str, str]) -> pandas.Series:
    """Return what kind of pair each row is: `walkers`, or `seeds and walkers`; ``sets`` say what sets are called."""
    ends = pairs[["first_set", "second_set"]].map(sets.__getitem__)
    both = ends.apply(lambda row: " and ".join(dict.fromkeys(row)), axis=1)
    renamed: pandas.Series = both
    return renamed


def whole_sets(ensembles: pandas.DataFrame) -> pandas.DataFrame:
    """Return one row for each set: its largest choice of voters, on images as they are."""
    plain = ensembles[(ensembles.disturbance == "") & (ensembles.set != ONE)]
    largest: pandas.DataFrame = plain.loc[plain.groupby("set", sort=False)["size"].idxmax()]
    return largest


def _draw_pairs(axis: Axes, pairs: pandas.DataFrame) -> None:
    looks = style.looks(*_COLORS, marks=_MARKERS)
    for (color, marker), (name, here) in zip(looks, pairs.groupby("pair", sort=False), strict=False):
        percent = 100 * here.disagreement / here.test_images
        far, near = (100 * here[column] / (2 * here.connections) for column in ("distance", "matched_distance"))
        axis.hlines(percent, near, far, color=color, linewidth=0.5, alpha=0.5)
        axis.scatter(far, percent, s=16, color=color, marker=marker, linewidth=0.8, label=str(name))
        axis.scatter(near, percent, s=10, marker=marker, linewidth=0.8, facecolors="white", edgecolors=color)
    axis.set(xlim=(0, 104), ylim=(0, None))
    axis.set_xlabel("Places that differ (% of the most possible)\nsmall markers: after matching units")
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
