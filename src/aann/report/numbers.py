"""A page of Markdown with the numbers behind the figures of a run of the paper's scale, so that no page has copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas

from aann.artifacts import atomic_path
from aann.report import families, summaries
from aann.report.notebook import Story
from aann.report.words import listed, table
from aann.settings.figures import label

_OPENING = """\
# The numbers behind the figures

This page answers: which accuracies, shares, and returns do the figures show?

`python -m aann report numbers` wrote it from the tables of a run of the scale *{scale}*. Accuracies are exact counts.
Where there are several networks, climbs or draws, a cell has their mean, and in brackets the range and the number.
Validation images choose; test images are counted once. Figures 6 to 8 and S1 show where searches end, which may be
elsewhere than the network that validation images choose.
[reproduction.md](reproduction.md) and [driving.md](driving.md) say what the numbers mean, and on which machine they
were made.
"""


def write(story: Story, output: Path) -> None:
    """Write the numbers of a run of the paper's scale, or of a stand-in, as ``page`` gives them.

    ``output`` has no seal, since it is for documentation.

    Raises ``InputError`` with one line if a table is missing or damaged, or came from another scale.
    """
    text = page(story)
    with atomic_path(output, seal=False) as temporary:
        temporary.write_text(text, encoding="utf-8")


def page(story: Story) -> str:
    """Return a heading and a table for each figure that the run has and that shows numbers."""
    sections = [
        f"## {_named(*figures)}: {heading}\n\n{table(rows)}\n"
        for figures, heading, find in _SECTIONS
        if all(map(story.has, figures))
        for rows in [find(story)]
    ]
    return "\n".join([_OPENING.format(scale=story.scale), *sections])


def _named(*figures: str) -> str:
    return f"Figure{'s' if len(figures) > 1 else ''} {listed(label(name) for name in figures)}"


_SAMPLINGS = {"sources": "of few moving weights", "uniform": "any"}
"""What samples of neighbors are called."""


def _by_sparsity(figure: str) -> Callable[[Story], pandas.DataFrame]:
    return lambda story: summaries.by_sparsity(story.table(figure))


def _shown_by_task(figure: str, summary: Callable[..., pandas.DataFrame]) -> Callable[[Story], pandas.DataFrame]:
    return lambda story: summary(story.table(figure), story.titles(figure))


def _driving(story: Story) -> pandas.DataFrame:
    networks = story.table("2b")
    return summaries.driving(networks, sorted(set(networks.sparsity)))


def _better(task: str) -> Callable[[Story], pandas.DataFrame]:
    return lambda story: summaries.better(story.table(f"neighbors/{task}/surveys.csv"))


def _clustering(story: Story) -> pandas.DataFrame:
    statistics = {task: story.table(f"embeddings/{task}/clustering.csv") for task in ("mnist", "car")}
    return pandas.concat(
        pandas.DataFrame({"Data": story.data[task], "Neighbors": words, **summaries.clustering(found, sampling)})
        for task, found in statistics.items()
        for sampling, words in _SAMPLINGS.items()
        if sampling in set(found.sampling)
    )


def _climbs(story: Story) -> pandas.DataFrame:
    return summaries.climbs({name: story.table(name) for name in ("6", "7", "8a", "8b")})


def _improvement(story: Story) -> pandas.DataFrame:
    return summaries.improvement(story.table("s2"), story.titles("s2"))


_SECTIONS: tuple[tuple[tuple[str, ...], str, Callable[[Story], pandas.DataFrame]], ...] = (
    (("2a",), "p-SIREN on MNIST", _by_sparsity("2a")),
    (("12",), "p-SIREN on Fashion-MNIST", _by_sparsity("12")),
    (("2b",), "p-SIREN on CarRacing", _driving),
    (("3",), "first neighbors on MNIST, test images", _better("mnist")),
    (("9",), "first neighbors on CarRacing, test frames", _better("car")),
    (("s3b",), "first neighbors of networks that see few images", _better("mnist-few")),
    (("4", "10"), "mean silhouettes of clusters", _clustering),
    (("6", "7", "8a", "8b"), "climbs of Algorithm 2 from random networks", _climbs),
    (("8b",), "returns before and after searches", _shown_by_task("8b", summaries.drives)),
    (("s1",), "other searches", _shown_by_task("s1", summaries.searches)),
    (("s2",), "a brief search from networks of p-SIREN", _improvement),
    (("s3",), "what neighborhoods gain", lambda story: summaries.gains(story.table("s3"))),
    (("s4",), "walks", _shown_by_task("s4", families.walks)),
    (("s5",), "members of a family", lambda story: families.members(story.table("s5"), story.sets("s5"))),
    (("s6",), "paths", lambda story: families.paths(story.table("s6"))),
    (("s7",), "votes", lambda story: families.ensembles(story.table("s7"))),
    (("s8",), "other tasks", lambda story: families.transfers(story.table("s8"), story.panels("s8"))),
    (("s9",), "bytes of packed networks", lambda story: summaries.sizes(story.table("s9"))),
)
"""Figures that a table is about, what it is about, and how it is made; it is left out if the run lacks one of them."""
