"""Figure S8: test accuracy on another task, before and after a search, by where it starts and in which layers it is."""

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
from aann.tables import ACCURACY, TRANSFER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.families import TransferSettings
    from aann.settings.figures import TransfersFigureSettings

FILES = PICTURE_AND_TABLE

_LOOKS = (
    (style.BLUE, "o"),
    (style.ORANGE, "s"),
    (style.GREEN, "^"),
    (style.VIOLET, "D"),
    (style.RED, "v"),
    (style.SKY, "P"),
)
"""Colours and markers of searches, in the order in which they come."""

TRAINED = ""
"""The source of rows on networks that were trained on the new task, which no search has adapted."""


def plan(entry: TransfersFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the transfers that the entry names, and networks trained on their new tasks."""
    found = [one for place, name in enumerate(entry.transfers) for one in study.transferred(name, f"transfers.{place}")]
    inputs = {one.path: one for one in found}  # two transfers to one task are compared with the same networks
    titles = study.titles(str(one.keys["task"]) for one in found)
    searches = dict.fromkeys(search for name in entry.transfers for search in study.settings.transfer(name).searches)
    if len(searches) > len(_LOOKS):
        study.refuse("transfers", f"have {len(searches)} searches; a figure has looks for {len(_LOOKS)}")
    panels = {name: _panel(study, study.settings.transfer(name)) for name in entry.transfers}
    title = " and ".join(titles.values())
    return Plan(kind=entry.kind, title=title, inputs=tuple(inputs.values()), options={"panels": panels})


def _panel(study: Study, transfer: TransferSettings) -> str:
    """Return from where to where a transfer goes, in a few words."""
    first, last = (study.settings.task_title(task) for task in (transfer.task, transfer.to))
    if transfer.rotation is None:
        return f"{first} to\n{last}"
    least, most = transfer.rotation.least, transfer.rotation.most
    by = f"turned by {least}°" if least == most else f"turned by {least}° to {most}°"
    return f"{first},\n{by}" if transfer.to == transfer.task else f"{first} to\n{last}, {by}"


def read(source: Source) -> dict[str, Any]:
    """Return what transfers counted, the accuracies of networks trained on the new tasks, and what the data are."""
    return {
        "transfers": source.table("transfers", TRANSFER),
        "trained": source.table("trained", ACCURACY),
        "title": source.plan.title,
        "panels": source.option("panels"),
    }


def draw(
    transfers: pandas.DataFrame,
    trained: pandas.DataFrame,
    panels: Mapping[str, str],
    title: str,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Draw a panel for each transfer: test accuracy before and after, of each start and search, as mean and seeds.

    ``transfers`` has the columns ``tables.TRANSFER``, and ``trained`` those of ``tables.ACCURACY``. ``panels`` has a
    title for each transfer. The table drawn has rows on trained networks, too, without a source.

    Raises ``InputError`` if nothing was counted.
    """
    import matplotlib.pyplot as plt

    if transfers.empty:
        raise InputError("its tables have no rows; delete them and run the transfers again")
    style.use_style()
    table = pandas.concat([transfers, *(_references(transfers, trained, name) for name in panels)], ignore_index=True)
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(style.PAGE_WIDTH if len(panels) > 1 else style.COLUMN_WIDTH, 3.3),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    sources = list(dict.fromkeys(transfers.source))
    looks = {one: (label, *look) for (one, label), look in zip(_named(transfers).items(), _LOOKS, strict=False)}
    for axis, (name, heading) in zip(axes[0], panels.items(), strict=True):
        axis.set_title(heading)
        here = table[table.transfer == name]
        _draw_panel(axis, here, [source for source in sources if (here.source == source).any()], looks)
    axes[0, 0].set_ylabel("Test accuracy on the new task (%)")
    axes[0, -1].plot([], [], linestyle="", marker="o", color=style.GREY, markerfacecolor="white", label="before")
    seeds = transfers.groupby("transfer").seed.nunique().min()
    named = {label: handle for axis in axes[0] for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        title=f"Mean and networks, n = {seeds}",
    )
    figure.suptitle(title)
    style.save(figure, output, table, provenance)


def _named(transfers: pandas.DataFrame) -> dict[str, str]:
    """Return what each search is called: its name, and its layers, which may have other names in other networks."""
    layers = transfers.groupby("search", sort=False).layers.unique()
    listed = {str(search): " or ".join(one.replace(" ", ", ") for one in found) for search, found in layers.items()}
    return {search: f"after {search} ({words})" for search, words in listed.items()}


def _references(transfers: pandas.DataFrame, trained: pandas.DataFrame, name: str) -> pandas.DataFrame:
    """Return rows on the networks that were trained on the new task of a transfer, as if after a search of nothing."""
    first = transfers[transfers.transfer == name].iloc[0]
    here = trained[(trained.task == first.to) & (trained.sparsity == first.sparsity)]
    rows = [
        {
            **{"source": TRAINED, "sparsity": one.sparsity, "walk": "", "search": "", "layers": ""},
            **{"evaluations": 0, "accepted": 0, "seed": one.seed},
            **{
                f"{when}_{split}_correct": getattr(one, f"{split}_correct")
                for when in ("before", "after")
                for split in ("validation", "test")
            },
            **{f"{split}_images": getattr(one, f"{split}_images") for split in ("validation", "test")},
        }
        for one in here.itertuples()
    ]
    made: pandas.DataFrame = TRANSFER.make(rows, task=first.to, to=first.to, transfer=name)
    return made


def _draw_panel(
    axis: Axes, rows: pandas.DataFrame, sources: list[str], looks: Mapping[str, tuple[str, str, str]]
) -> None:
    """Draw the starts of one transfer side by side, and beside each other what each of its searches makes of them.

    ``looks`` say what searches are called, and their colours and markers.
    """
    reference = _percent(rows[rows.source == TRAINED], "after")
    axis.axhspan(reference.min(), reference.max(), color=style.GREY, alpha=0.25, linewidth=0)
    axis.axhline(
        reference.mean(),
        color=style.GREY,
        linestyle="--",
        linewidth=1,
        label="trained on the new task, images as they are",
    )
    adapted = rows[rows.source != TRAINED]
    searches = [search for search in looks if (adapted.search == search).any()]
    for number, search in enumerate(searches):
        label, color, marker = looks[search]
        here = adapted[adapted.search == search]
        places = np.array([sources.index(one) for one in here.source]) + 0.3 * (number - (len(searches) - 1) / 2)
        before, after = _percent(here, "before"), _percent(here, "after")
        means = pandas.DataFrame({"place": places, "before": before, "after": after}).groupby("place").mean()
        axis.vlines(means.index, means.before, means.after, color=color, linewidth=1)
        axis.plot(places, after, linestyle="", marker=".", markersize=3, color="black", zorder=3)
        look: dict[str, Any] = {"linestyle": "", "marker": marker, "markersize": 5, "color": color}
        axis.plot(means.index, means.before, markerfacecolor="white", **look)
        axis.plot(means.index, means.after, label=label, **look)
    axis.set_xticks(range(len(sources)), sources)
    axis.set_xlim(-0.5, len(sources) - 0.5)
    axis.set_ylim(0, 100)


def _percent(rows: pandas.DataFrame, when: str) -> pandas.Series:
    """Return test accuracies before or after a search, in percent."""
    return 100 * rows[f"{when}_test_correct"] / rows.test_images
