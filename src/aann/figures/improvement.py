"""Figure S2: what a search adds to networks of p-SIREN, by sparsity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from aann.errors import InputError
from aann.figures import style
from aann.figures.kinds import PICTURE_AND_TABLE, Source
from aann.settings.plans import Plan, Study
from aann.tables import OUTCOME

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aann.settings.figures import ImprovementFigureSettings

FILES = PICTURE_AND_TABLE

_SIGNIFICANT = 0.05


def plan(entry: ImprovementFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the outcomes of the search that the settings name, for all their tasks."""
    outcomes, improvement = study.outcomes(), study.settings.sense.improvement
    titles = study.titles(improvement.tasks if improvement else [])
    return Plan(kind=entry.kind, inputs=(outcomes,), options={"titles": titles})


def read(source: Source) -> dict[str, Any]:
    """Return the outcomes, and what the data of each task are."""
    return {"outcomes": source.table("outcomes", OUTCOME), "titles": source.option("titles")}


def draw(outcomes: pandas.DataFrame, titles: Mapping[str, str], output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw a column for each task: test accuracy before and after, and the difference.

    ``outcomes`` has the columns ``tables.OUTCOME``; ``titles`` say what the data of each task are. The table drawn has
    one row a network, with the paired statistics of its sparsity beside it.

    Raises ``InputError`` if there are no outcomes, or if a task has no title.
    """
    import matplotlib.pyplot as plt

    if outcomes.empty:
        raise InputError("its table has no rows; delete it and run the searches again")
    untitled = set(outcomes.task) - set(titles)
    if untitled:
        raise InputError(f"no title for task {', '.join(sorted(untitled))}; give one for each task")
    style.use_style()
    tested = paired(outcomes)
    tasks = [task for task in titles if task in set(outcomes.task)]
    figure, axes = plt.subplots(
        2,
        len(tasks),
        figsize=(style.PAGE_WIDTH if len(tasks) > 1 else style.COLUMN_WIDTH, 4.4),
        height_ratios=(1.4, 1),
        sharex="col",
        layout="constrained",
        squeeze=False,
    )
    for column, task in enumerate(tasks):
        here = outcomes[outcomes.task == task]
        _draw_accuracies(axes[0, column], here)
        _draw_differences(axes[1, column], here, tested[tested.task == task])
        axes[0, column].set_title(f"{titles[task]}\n{_overall(tested[tested.task == task])}")
        axes[1, column].set_xlabel("Sparsity (% of weights that are 0)")
    axes[0, 0].set_ylabel("Test accuracy (%)")
    axes[1, 0].set_ylabel("After \N{MINUS SIGN} before (points)")
    seeds = outcomes.groupby(["task", "sparsity"]).seed.nunique().min()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    more_handles, more_labels = axes[1, 0].get_legend_handles_labels()
    figure.legend(
        handles + more_handles,
        labels + more_labels,
        loc="outside lower center",
        ncols=3,
        frameon=False,
        title=f"n = {seeds} networks a sparsity; paired t-tests, those of single sparsities uncorrected",
    )
    style.save(figure, output, outcomes.merge(tested, on=["task", "sparsity"], how="outer"), provenance)


def paired(outcomes: pandas.DataFrame) -> pandas.DataFrame:
    """Return how networks differ before and after, by task and sparsity, and by task alone (a sparsity of NaN).

    Columns: task, sparsity, n, difference and deviation (mean and standard deviation over networks, in percentage
    points), t and p of a paired two-sided t-test; these are NaN where there is one network, or no spread. The tests
    of single sparsities are not corrected for their number; the one over all is the one to quote.
    """
    rows = []
    for task, of_task in outcomes.groupby("task", sort=False):
        rows += [_tested(task, sparsity, group) for sparsity, group in of_task.groupby("sparsity")]
        rows.append(_tested(task, math.nan, of_task))
    return pandas.DataFrame(rows)


def _tested(task: Any, sparsity: Any, group: pandas.DataFrame) -> dict[str, Any]:
    difference = 100 * (group.after_test_accuracy - group.before_test_accuracy).to_numpy()
    spread = float(difference.std(ddof=1)) if len(difference) > 1 else math.nan
    statistic, probability = math.nan, math.nan
    if spread > 1e-9:
        from scipy import stats

        statistic, probability = stats.ttest_1samp(difference, 0.0)
    return {
        "task": task,
        "sparsity": sparsity,
        "n": len(difference),
        "difference": float(difference.mean()),
        "deviation": spread,
        "t": float(statistic),
        "p": float(probability),
    }


def _overall(tested: pandas.DataFrame) -> str:
    overall = tested[tested.sparsity.isna()].iloc[0]
    chance = "" if math.isnan(overall.p) else f", p {'< 0.001' if overall.p < 0.001 else f'= {overall.p:.3f}'}"
    return f"{overall.difference:+.2f} points (n = {overall.n}{chance})"


def _draw_accuracies(axis: Axes, here: pandas.DataFrame) -> None:
    for name, color, marker in (("before", style.ORANGE, "o"), ("after", style.BLUE, "s")):
        percent = 100 * here[f"{name}_test_accuracy"]
        mean = percent.groupby(here.sparsity).mean()
        label = "p-SIREN" if name == "before" else "then SENSE"
        axis.plot(mean.index, mean, color=color, linewidth=1.3, label=label)
        axis.scatter(here.sparsity, percent, s=8, color=color, marker=marker, linewidth=0, alpha=0.7)


def _draw_differences(axis: Axes, here: pandas.DataFrame, tested: pandas.DataFrame) -> None:
    difference = 100 * (here.after_test_accuracy - here.before_test_accuracy)
    single = tested[tested.sparsity.notna()]
    axis.axhline(0, color=style.GREY, linewidth=0.7)
    axis.scatter(here.sparsity, difference, s=8, color=style.GREY, linewidth=0, label="one network")
    axis.plot(single.sparsity, single.difference, color="black", linewidth=1.2, label="mean difference")
    sure = single[single.p < _SIGNIFICANT]
    top = np.full(len(sure), difference.max())
    axis.scatter(sure.sparsity, top, marker="*", s=22, color=style.RED, linewidth=0, label=f"p < {_SIGNIFICANT}")
