"""What the page says in numbers: few rows, or one number, of the tables behind the figures.

Tables are those that figures draw (``results/<scale>/figures/figure_<name>.csv``) and those they are drawn from. All
functions return text for readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas

from aann.claims.pages import chance
from aann.figures.comparison import start_in_words
from aann.figures.path import path
from aann.report.words import number, percent, plain, points, whole

RUNS = ["task", "sparsity", "origin", "search"]
"""The keys of runs that rows of tables are about; they differ in their seeds alone."""


def data_in_words(task: Any, titles: Mapping[str, str]) -> dict[str, str]:
    """Return the column that says whose data a row is on, from the titles of a figure's tasks; none for one task."""
    return {"Data": titles[str(task)]} if len(titles) > 1 else {}


def network_in_words(sparsity: Any, origin: Any, search: Any) -> str:
    """Return what a network is: where it starts, and the search after that, if there was one."""
    return start_in_words(sparsity, origin) + (f", after {search}" if search else "")


def sparsities(networks: pandas.DataFrame, studied: float) -> list[float]:
    """Return the sparsities that the page names: the lowest and highest of a table, and what is studied further."""
    found = set(networks.sparsity)
    return sorted({min(found), max(found)} | ({studied} & found))


def accuracies(tables: dict[str, pandas.DataFrame], studied: float) -> pandas.DataFrame:
    """Return the test accuracy at few sparsities, by what the data are (Figures 2a, 2b and 12)."""
    rows = [
        {
            "Data": data,
            "Sparsity": f"{sparsity:g} %",
            "Test accuracy": percent(networks[networks.sparsity == sparsity].test_accuracy),
        }
        for data, networks in tables.items()
        for sparsity in sparsities(networks, studied)
    ]
    return pandas.DataFrame(rows)


def by_sparsity(networks: pandas.DataFrame) -> pandas.DataFrame:
    """Return accuracies at all sparsities of a task, and by how much the mean is away from that at the lowest."""
    lowest = networks[networks.sparsity == networks.sparsity.min()].test_accuracy.mean()
    rows = [
        {
            "Sparsity": f"{sparsity:g} %",
            "Validation accuracy": percent(group.validation_accuracy),
            "Test accuracy": percent(group.test_accuracy),
            "Against the lowest sparsity": points(group.test_accuracy.mean() - lowest),
        }
        for sparsity, group in networks.groupby("sparsity")
    ]
    return pandas.DataFrame(rows)


def driving(networks: pandas.DataFrame, shown: Iterable[float]) -> pandas.DataFrame:
    """Return accuracy, balanced accuracy and returns at the sparsities that are shown (Figure 2b)."""
    rows = [
        {
            "Sparsity": f"{sparsity:g} %",
            "Test accuracy": percent(group.test_accuracy),
            "Balanced": percent(group.balanced_accuracy),
            "Return": plain(group["return"]),
            "Expert, same tracks": plain(group.expert_return.mean()),
            "Tracks": number(group.tracks.iloc[0]),
            "Return where all drive": plain(group.shared_return),
        }
        for sparsity in shown
        for group in [networks[networks.sparsity == sparsity]]
    ]
    return pandas.DataFrame(rows)


def better(surveys: pandas.DataFrame) -> pandas.DataFrame:
    """Return which share of first neighbors is better than its network, by sparsity and layer (Figures 3 and 9)."""
    test = surveys[surveys.split == "test"]
    rows = []
    for (sparsity, layer), group in test.groupby(["sparsity", "layer"]):
        first = group[group.seed == group.seed.min()].iloc[0]
        rows.append(
            {
                "Sparsity": f"{sparsity:g} %",
                "Layer": layer,
                "First neighbors": number(first.neighborhood),
                "Counted": "all" if first.neighbors == first.neighborhood else number(first.neighbors),
                "Better": percent(first.better / first.neighbors),
                "Equal": percent(first.equal / first.neighbors),
                "Better, all networks": percent(group.better / group.neighbors),
            }
        )
    return pandas.DataFrame(rows)


def clustering(statistics: pandas.DataFrame, sampling: str) -> pandas.DataFrame:
    """Return the mean silhouette of clusters by layer (rows) and space (columns); Figures 4, 10 and 11."""
    chosen = statistics[statistics.sampling == sampling]
    names = {"original": "Weights", "tsne": "t-SNE", "isomap": "Isomap", "lle": "LLE"}
    rows = [
        {
            "Layer": layer,
            **{name: plain(group[group.space == space].silhouette) for space, name in names.items() if space in spaces},
        }
        for spaces in [set(chosen.space)]
        for layer, group in chosen.groupby("layer")
    ]
    return pandas.DataFrame(rows)


def ends(points_of_figure: pandas.DataFrame, line: str, split: str = "test") -> tuple[str, str]:
    """Return where the runs of a line start and end, over seeds (Figures 6 to 8b); accuracies of a split in words."""
    column = f"{split}_accuracy"
    rows = points_of_figure[(points_of_figure.line == line) & points_of_figure[column].notna()]
    by_seed = rows.sort_values("x", kind="stable").groupby("seed")[column]
    return percent(by_seed.first()), percent(by_seed.last())


def climbs(figures: dict[str, pandas.DataFrame]) -> pandas.DataFrame:
    """Return where climbs and backpropagation end from the same random networks, by figure (Figures 6 to 8b)."""
    rows = []
    for name, drawn in figures.items():
        start, end = ends(drawn, "SENSE")
        validation = ends(drawn, "SENSE", "validation")[1]
        rows.append(
            {
                "Figure": name,
                "Start": start,
                "Climb, validation": validation,
                "Climb, test": end,
                "Backpropagation, literal": ends(drawn, "literal")[1],
                "Straight-through": ends(drawn, "straight-through")[1],
            }
        )
    return pandas.DataFrame(rows)


def searches(traces: pandas.DataFrame, titles: Mapping[str, str]) -> pandas.DataFrame:
    """Return where searches end, by task if there are several, start and search (Figure S1)."""
    counted = traces[traces.test_accuracy.notna()]
    rows = []
    for (task, sparsity, origin, search), group in counted.groupby(RUNS, sort=False):
        by_seed = group.sort_values("evaluations", kind="stable").groupby("seed")
        rows.append(
            {
                **data_in_words(task, titles),
                "Start": start_in_words(sparsity, origin),
                "Search": search,
                "Neighbors evaluated": number(by_seed.evaluations.last().mean()),
                "Start, test": percent(by_seed.test_accuracy.first()),
                "End, test": percent(by_seed.test_accuracy.last()),
            }
        )
    return pandas.DataFrame(rows)


def drives(drawn: pandas.DataFrame, titles: Mapping[str, str]) -> pandas.DataFrame:
    """Return how networks drive before and after searches, by task if there are several (Figure 8b, panel d)."""
    driven = drawn[drawn.line == "drive"].fillna({"search": ""})
    rows = [
        {
            **data_in_words(task, titles),
            "Driver": network_in_words(sparsity, origin, search),
            "Return": plain(group["return"]),
            "Expert, same tracks": plain(group.expert_return.mean()),
            "Share of the expert's": percent(group["return"] / group.expert_return),
        }
        for (task, sparsity, origin, search), group in driven.groupby(RUNS, sort=False)
    ]
    return pandas.DataFrame(rows)


def gains(drawn: pandas.DataFrame) -> pandas.DataFrame:
    """Return what whole climbs gain on the images that choose and on fresh ones, by size (Figure S3)."""
    ends = drawn[drawn.neighborhood == drawn.neighborhood.max()]
    rows = [
        {
            "Chosen by": f"{images:,} {chosen_by} images",
            "Neighbors in a neighborhood": number(size),
            "Gain there": points(group.choosing_gain),
            "Gain on fresh images": points(group.fresh_gain),
        }
        for (chosen_by, images, size), group in ends.groupby(["chosen_by", "choosing_images", "size"], sort=False)
    ]
    return pandas.DataFrame(rows)


def sizes(drawn: pandas.DataFrame) -> pandas.DataFrame:
    """Return the bytes of packed networks, the entropy of their weights, and their accuracy (Figure S9)."""
    rows = [
        {
            "Sparsity": f"{sparsity:g} %",
            "Bytes": whole(group.bytes),
            "Entropy, bytes": whole(group.entropy_bytes),
            "Test accuracy": percent(group.test_accuracy),
        }
        for sparsity, group in drawn.groupby("sparsity")
    ]
    return pandas.DataFrame(rows)


def improvement(outcomes: pandas.DataFrame, titles: dict[str, str]) -> pandas.DataFrame:
    """Return what a search adds to networks of p-SIREN over all sparsities, by task (Figure S2)."""
    networks = outcomes[outcomes.seed.notna()]
    overall = outcomes[outcomes.sparsity.isna()].set_index("task")
    rows = [
        {
            "Data": title,
            "Networks": number(len(networks[networks.task == task])),
            "Mean difference": points(overall.difference[task] / 100),
            "p (paired t-test)": chance(overall.p[task]),
        }
        for task, title in titles.items()
        if task in overall.index
    ]
    return pandas.DataFrame(rows)


def climb(surveyed: pandas.DataFrame) -> dict[str, str]:
    """Return in words how many neighborhoods a climb has, how many neighbors each, and where it starts and ends.

    ``surveyed`` is the table of Figure 5; accuracies are of test images.
    """
    walked = path(surveyed)
    accuracy = (walked.test_correct / walked.test_images).to_list()
    sizes = surveyed[surveyed.neighborhood > 0].groupby("neighborhood").size()
    return {
        "neighborhoods": number(sizes.size),
        "neighbors": number(sizes.max()),
        "start": percent(accuracy[0]),
        "end": percent(accuracy[-1]),
        "gain": points(accuracy[-1] - accuracy[0]),
    }
