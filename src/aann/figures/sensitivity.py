"""How headline numbers move when one decision at a time is taken the other way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import ACCURACY, OUTCOME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import SensitivityFigureSettings

FILES = PICTURE_AND_TABLE

_DECIDED = "as decided"


def plan(entry: SensitivityFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the accuracies of all networks. A role names the panel and the decision by place."""
    inputs, panels = [], []
    for place, headline in enumerate(entry.headlines):
        for number, one in enumerate((headline.decided, *headline.otherwise)):
            key = f"headlines.{place}.{f'otherwise.{number - 1}' if number else 'decided'}"
            inputs += study.ends(f"{place}.{number}", one.start, one.search, key)
        panels.append({"title": headline.title, "labels": [_DECIDED, *(one.label for one in headline.otherwise)]})
    return Plan(kind=entry.kind, inputs=tuple(inputs), options={"panels": panels})


def read(source: Source) -> dict[str, Any]:
    """Return the test accuracies, with panel, label and seed."""
    tables = []
    for place, panel in enumerate(source.option("panels")):
        for number, label in enumerate(panel["labels"]):
            found = [_accuracy(source.results / one.path, one.keys) for one in source.inputs(f"{place}.{number}")]
            tables.append(pandas.concat(found).assign(panel=panel["title"], label=label))
    return {"accuracies": pandas.concat(tables, ignore_index=True)}


def _accuracy(path: Path, keys: Mapping[str, Any]) -> pandas.DataFrame:
    """Return the seed and the test accuracy of a network, as a fraction."""
    table, column = (OUTCOME, "after_test_accuracy") if "search" in keys else (ACCURACY, "test_accuracy")
    found: pandas.DataFrame = table.read(path, **keys)[["seed", column]].rename(columns={column: "test_accuracy"})
    return found


def draw(accuracies: pandas.DataFrame, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw a panel for each headline: by how many points each decision moves it, seed by seed.

    ``accuracies`` has the columns panel, label, seed and test_accuracy; the label of the number itself is "as decided".
    The table drawn is what ``moved`` returns.

    Raises ``InputError`` if a decision has another seed than the number itself.
    """
    import matplotlib.pyplot as plt

    style.use_style()
    table = moved(accuracies)
    panels = list(table.panel.drop_duplicates())
    rows = [table[table.panel == panel].label.nunique() for panel in panels]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(style.PAGE_WIDTH, 0.6 + 0.75 * len(panels) + 0.2 * sum(rows)),
        height_ratios=rows,
        layout="constrained",
        squeeze=False,
    )
    for axis, panel in zip(axes[:, 0], panels, strict=True):
        _draw_panel(axis, table[table.panel == panel], panel)
    axes[-1, 0].set_xlabel("Difference in test accuracy, network by network (points); the line is the mean")
    style.save(figure, output, table, provenance)


def moved(accuracies: pandas.DataFrame) -> pandas.DataFrame:
    """Return accuracies with ``difference``, from the network of equal seed that is made as decided, as a fraction."""
    decided = accuracies[accuracies.label == _DECIDED].set_index(["panel", "seed"]).test_accuracy
    keys = pandas.MultiIndex.from_frame(accuracies[["panel", "seed"]])
    alone = keys[~keys.isin(decided.index)]
    if len(alone):
        panel, seed = alone[0]
        raise InputError(f"{panel}: only a decision taken the other way has seed {seed}; give all the same seeds")
    return accuracies.assign(difference=accuracies.test_accuracy.to_numpy() - decided.reindex(keys).to_numpy())


def _draw_panel(axis: Axes, table: pandas.DataFrame, panel: str) -> None:
    decided = 100 * table[table.label == _DECIDED].test_accuracy
    labels = [label for label in table.label.drop_duplicates() if label != _DECIDED]
    axis.axvline(0, color="black", linewidth=0.8)
    for place, label in enumerate(labels):
        points = 100 * table[table.label == label].difference
        axis.scatter(points, [place] * len(points), s=12, color=style.BLUE, linewidth=0, zorder=3)
        axis.plot([points.mean()] * 2, [place - 0.3, place + 0.3], color=style.ORANGE, linewidth=1.6)
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.set_title(f"{panel}: {decided.mean():.2f} % as decided (n = {len(decided)})", loc="left")
