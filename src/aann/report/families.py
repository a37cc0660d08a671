"""What the page says in numbers about families: few rows of the tables behind Figures S4 to S8, as text for readers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas

from aann.figures.members import named
from aann.figures.paths import NAMES
from aann.figures.transfers import TRAINED
from aann.report.summaries import RUNS, data_in_words, network_in_words
from aann.report.words import number, percent
from aann.settings.families import ONE


def walks(counted: pandas.DataFrame, titles: Mapping[str, str]) -> pandas.DataFrame:
    """Return how far walks came, and test accuracies at both ends, by task and where they start (Figure S4)."""
    whole = counted[counted.layer == ""]
    rows = []
    for (task, sparsity, origin, search), group in whole.groupby(RUNS, sort=False):
        ends = group.groupby(["line", "seed"], sort=False)
        first, last = ends.first(), ends.last()
        right = {line: last.loc[line].test_correct / last.loc[line].test_images for line in ("walk", "blind")}
        there = last.loc["walk"].in_place / last.loc["walk"].connections
        rows.append(
            {
                **data_in_words(task, titles),
                "Start": network_in_words(sparsity, origin, search),
                "Connections that moved": percent(1 - there),
                "Start, test": percent(first.loc["walk"].test_correct / first.loc["walk"].test_images),
                "End, test": percent(right["walk"]),
                "Moved blindly, test": percent(right["blind"]),
            }
        )
    return pandas.DataFrame(rows)


def members(pairs: pandas.DataFrame, sets: Mapping[str, str]) -> pandas.DataFrame:
    """Return how far apart two networks are, and on how many test images they disagree, by kind of pair (Figure S5).

    ``sets`` say what the networks of each set are called. At most two places differ for each connection.
    """
    rows = [
        {
            "Networks": str(name),
            "Places that differ, of the most possible": percent(group.distance / (2 * group.connections)),
            "After matching": percent(group.matched_distance / (2 * group.connections)),
            "Test images on which they disagree": percent(group.disagreement / group.test_images),
        }
        for name, group in pairs.assign(pair=named(pairs, sets)).groupby("pair", sort=False)
    ]
    return pandas.DataFrame(rows)


def paths(routes: pandas.DataFrame) -> pandas.DataFrame:
    """Return the test accuracy of both ends of each path, and the lowest in between, by line (Figure S6)."""
    rows = [
        {
            "Path": str(route).replace("-", " "),
            "Line": NAMES[str(line)],
            "First": percent(right.iloc[0]),
            "Lowest": percent(right.min()),
            "Last": percent(right.iloc[-1]),
        }
        for (route, line), group in routes.groupby(["route", "line"], sort=False)
        for right in [group.test_correct / group.test_images]
    ]
    return pandas.DataFrame(rows)


def ensembles(votes: pandas.DataFrame) -> pandas.DataFrame:
    """Return the test accuracy of single networks and of the most that vote, by set and way of disturbing (Figure S7).

    Images as they are come first.
    """
    rows = []
    for (way, name), group in votes[votes.set != ONE].groupby(["disturbance", "set"], sort=False):
        right, most = group.test_correct / group.test_images, group["size"].max()
        rows.append(
            {
                "Test images": str(way) or "as they are",
                "Networks": str(name),
                "Single ones": percent(right[group["size"] == 1]),
                "Voters": number(most),
                "Together": percent(right[group["size"] == most]),
            }
        )
    return pandas.DataFrame(rows)


def transfers(counted: pandas.DataFrame, panels: Mapping[str, str]) -> pandas.DataFrame:
    """Return test accuracies on new tasks before and after each search, by transfer and start (Figure S8)."""
    rows = [
        {
            "Transfer": " ".join(panels[str(transfer)].split()),
            "Start": "trained on the new task, images as they are" if source == TRAINED else str(source),
            "Search": str(search),
            "Before, test": percent(group.before_test_correct / group.test_images),
            "After, test": "" if source == TRAINED else percent(group.after_test_correct / group.test_images),
        }
        for (transfer, source, search), group in counted.groupby(["transfer", "source", "search"], sort=False)
    ]
    return pandas.DataFrame(rows)
