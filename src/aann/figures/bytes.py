"""Figure S9: test error of p-SIREN networks against the bytes of their packed files, beside other projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aann.export import packed
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.networks import TernaryNetwork
from aann.settings.plans import Plan, Study
from aann.tables import ACCURACY, BYTES, NETWORK

if TYPE_CHECKING:
    import pandas
    from matplotlib.axis import Axis

    from aann.settings.figures import BytesFigureSettings

FILES = PICTURE_AND_TABLE

_LOOKS = (
    (style.ORANGE, "s"),
    (style.GREEN, "^"),
    (style.VIOLET, "D"),
    (style.GREY, "v"),
    (style.RED, "X"),
    (style.YELLOW, "P"),
)
"""Colour and mark of other projects, in the order in which they come; they begin again after the last."""


def plan(entry: BytesFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the networks of a task, and their accuracies."""
    return Plan(
        kind=entry.kind,
        title=study.title(entry.task),
        inputs=(study.accuracies(entry.task), *study.networks(entry.task, entry.least)),
        options={"elsewhere": [one.model_dump() for one in entry.elsewhere]},
    )


def read(source: Source) -> dict[str, Any]:
    """Return the size and the accuracy of each network, other projects, and what the data are.

    Raises ``InputError`` if a network has no accuracy in the table.
    """
    import pandas

    rows = []
    for one in source.inputs("networks"):
        network = TernaryNetwork.load(source.results / one.path)
        sizes = {"bytes": len(packed.pack(network)), "entropy_bytes": packed.entropy(network)}
        rows.append({**one.keys, **sizes})
    accuracies = source.table("accuracies", ACCURACY)
    table = pandas.DataFrame(rows).merge(accuracies, on=list(NETWORK), validate="one_to_one")
    return {"sizes": BYTES.make(table), "elsewhere": source.option("elsewhere"), "title": source.plan.title}


def draw(
    sizes: pandas.DataFrame,
    elsewhere: Sequence[Mapping[str, Any]],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw every network as a point, and their mean as a line; points of other projects are joined by their label.

    Errors are what is missing to 100 % accuracy; a logarithmic axis shows small ones apart. ``sizes`` has one row a
    network and the columns ``aann.tables.BYTES``.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patheffects import withStroke

    style.use_style()
    percent = sizes.assign(error=100 * (1 - sizes.test_accuracy))
    mean = percent.groupby("sparsity")[["bytes", "error"]].mean()
    figure, axis = plt.subplots(figsize=(style.COLUMN_WIDTH, 3.4), layout="constrained")
    axis.scatter(percent.bytes, percent.error, s=6, color=style.SKY, linewidth=0, label="One network")
    axis.plot(mean.bytes, mean.error, color=style.BLUE, marker="o", markersize=3, linewidth=1.3, label="Mean")
    look: dict[str, Any] = {"size": 6.5, "color": style.BLUE}
    look["path_effects"] = [withStroke(linewidth=2.5, foreground="white")]
    ends = {mean.index.min(): ((3, 5), "left")}
    ends.setdefault(mean.index.max(), ((-5, -2), "right"))
    for sparsity, (beside, side) in ends.items():
        place = (mean.bytes[sparsity], mean.error[sparsity])
        axis.annotate(f"{sparsity:g} % sparse", place, beside, textcoords="offset points", ha=side, zorder=4, **look)
    for number, (name, points) in enumerate(groupby(elsewhere, key=lambda one: str(one["label"]))):
        color, mark = _LOOKS[number % len(_LOOKS)]
        places = [(one["bytes"], 100 - one["percent"]) for one in points]
        axis.plot(*zip(*places, strict=True), color=color, marker=mark, markersize=4, linewidth=0.8, label=name)
    axis.set(xscale="log", xlabel="Bytes", ylabel="Test error (%)", title=title)
    axis.set_yscale("log", nonpositive="clip")
    for one_axis in (axis.xaxis, axis.yaxis):
        _name_ticks(one_axis)
    seeds = percent.groupby("sparsity").seed.nunique()
    named = f"p-SIREN, n = {seeds.min()} seeds{', and elsewhere' if elsewhere else ''}"
    figure.legend(loc="outside lower center", ncols=2, frameon=False, title=named)
    style.save(figure, output, sizes, provenance)


def _name_ticks(axis: Axis) -> None:
    """Write numbers at the decades of a logarithmic axis, and between them where it shows few decades."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    low, high = axis.get_view_interval()
    axis.set_major_formatter("{x:,g}")
    if high < 5 * low:
        axis.set_major_locator(MaxNLocator(4))
        axis.set_minor_locator(NullLocator())
    elif high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
