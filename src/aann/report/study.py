"""What the cells of the notebook on a study of one's own call: its data, its network in focus, settings and times."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import BytesIO

import numpy as np
import pandas
import yaml

from aann import prediction
from aann.catalog import HALF, PARTS
from aann.datasets import splits
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation import reference
from aann.lineage import times
from aann.networks import TernaryNetwork
from aann.report import plots, summaries, words
from aann.report.contents import Examined
from aann.report.story import Html, Prose, Story

_ROWS, _COLUMNS = 40, 10
"""Classes that are shown, and images of each."""
_MISTAKES = 24
_TILE = 72
"""Pixels of an image on the page, about."""


@dataclass(frozen=True)
class Examination:
    """What the network in focus makes of the test images: their classes, those it takes them for, and by how much."""

    labels: np.ndarray
    taken: np.ndarray
    ahead: np.ndarray
    names: list[str]

    @cached_property
    def confusion(self) -> np.ndarray:
        """How many images of each class (rows) are taken for each class (columns)."""
        counts = np.zeros((len(self.names), len(self.names)), np.int64)
        np.add.at(counts, (self.labels, self.taken), 1)
        return counts

    @property
    def balanced(self) -> float:
        """The mean of the accuracies of the classes that have test images."""
        of_class = self.confusion.sum(axis=1)
        present = of_class > 0
        return float((np.diag(self.confusion)[present] / of_class[present]).mean())

    @property
    def majority(self) -> float:
        """The share of the most frequent class."""
        return float(self.confusion.sum(axis=1).max() / len(self.labels))

    @property
    def mistakes(self) -> list[int]:
        """Images that are taken for another class, the clearest first."""
        wrong = np.flatnonzero(self.labels != self.taken)
        return [int(index) for index in wrong[np.argsort(-self.ahead[wrong], kind="stable")]]


class Study(Story):
    """The results of a study of one's own, as its page shows them. Raises ``InputError`` as ``Story`` does."""

    @cached_property
    def _splits(self) -> dict[str, dict[str, Images]]:
        return {task: splits.load(self.results / one.data) for task, one in self.contents.tasks.items()}

    @cached_property
    def tested(self) -> dict[str, Examination]:
        """What the network in focus of each task makes of the test images."""
        return {task: self._test(task, one) for task, one in self.contents.tasks.items()}

    def _test(self, task: str, one: Examined) -> Examination:
        network, test = TernaryNetwork.load(self.results / one.network), self._splits[task]["test"]
        logits = reference.logits(network, test.images).astype(np.int64)
        taken, rows = logits.argmax(axis=1), np.arange(len(test))
        ahead = (logits[rows, taken] - logits[rows, test.labels]) / network.architecture.input_scale
        return Examination(test.labels, taken, ahead, prediction.class_names(network))

    def _headed(self, task: str) -> str:
        """Return a heading with the title of a task's data; nothing if the study has one task."""
        one = self.contents.tasks[task]
        return f"### {one.title}\n\n" if len(self.contents.tasks) > 1 else ""

    def _networks(self, task: str) -> pandas.DataFrame:
        return self.table(self.contents.tasks[task].accuracies)

    # --- data ---------------------------------------------------------------------------------------------------------

    def counts(self) -> Prose:
        """Return how many images each class has in each split, by task."""
        return Prose("\n\n".join(self._headed(task) + words.table(self._counts(task)) for task in self.contents.tasks))

    def _counts(self, task: str) -> pandas.DataFrame:
        names, found = self.tested[task].names, self._splits[task]
        columns = {part: np.bincount(found[part].labels, minlength=len(names)) for part in PARTS}
        rows = [
            {"Class": name, **{part: words.number(counts[label]) for part, counts in columns.items()}}
            for label, name in enumerate(names)
        ]
        total = {"Class": "all", **{part: words.number(counts.sum()) for part, counts in columns.items()}}
        return pandas.DataFrame([*rows, total])

    def examples(self) -> Html:
        """Return some training images of each class, as the network sees them."""
        return Html("".join(text for task in self.contents.tasks for text in self._examples(task)))

    def _examples(self, task: str) -> Iterator[str]:
        train, names = self._splits[task]["train"], self.tested[task].names
        yield f'<figure id="examples-{task}"><table class="examples">'
        for label, name in list(enumerate(names))[:_ROWS]:
            chosen = train.images[np.flatnonzero(train.labels == label)[:_COLUMNS]]
            images = "".join(_tile(image, f"an image of {name}") for image in chosen)
            yield f"<tr><th>{escape(name)}</th><td>{images}</td></tr>"
        more = f" of the first {_ROWS} classes" if len(names) > _ROWS else ""
        shows = f"<b>Training images{more}</b>, as the network sees them: {escape(self.contents.tasks[task].title)}."
        yield f"</table><figcaption>{shows}</figcaption></figure>"

    # --- networks -----------------------------------------------------------------------------------------------------

    def accuracies(self) -> Prose:
        """Return the accuracies of networks at all sparsities, by task."""
        tables = (self._headed(task) + words.table(summaries.by_sparsity(self._networks(task))) for task in self.tested)
        return Prose("\n\n".join(tables))

    def sparsity_plot(self) -> Html:
        """Return test accuracy against sparsity, every network."""
        found = {one.title: self._networks(task) for task, one in self.contents.tasks.items()}
        shows = "Test accuracy against sparsity: every point is a network, the line is the mean"
        return self.plot("plot-sparsity", plots.sparsity(found), shows)

    def in_focus(self) -> Prose:
        """Return in words how good the network in focus of each task is."""
        return Prose("\n\n".join(self._headed(task) + self._in_focus(task) for task in self.tested))

    def _in_focus(self, task: str) -> str:
        one, tested = self.contents.tasks[task], self.tested[task]
        right = len(tested.labels) - len(tested.mistakes)
        return (
            f"The network in focus is that of seed {one.seed} at {one.sparsity:g} % sparsity, `{one.network}`. It gets "
            f"{right:,} of {len(tested.labels):,} test images right ({words.percent(right / len(tested.labels))}). The "
            f"mean of the accuracies of the classes (balanced accuracy) is {words.percent(tested.balanced)}; always "
            f"naming the most frequent class would get {words.percent(tested.majority)} right."
        )

    def confusion(self) -> Html:
        """Return how many test images of each class the network in focus takes for each class, by task."""
        return Html("".join(self._confusion(task) for task in self.contents.tasks))

    def _confusion(self, task: str) -> str:
        tested, title = self.tested[task], self.contents.tasks[task].title
        shows = f"How many test images of each class (rows) are taken for each class (columns), on {title}"
        return self.plot(f"plot-confusion-{task}", plots.confusion(tested.confusion, tested.names), shows).text

    def mistakes(self) -> Html:
        """Return test images that the network in focus takes for another class, the clearest mistakes first."""
        return Html("".join(text for task in self.contents.tasks for text in self._mistakes(task)))

    def _mistakes(self, task: str) -> Iterator[str]:
        tested, images = self.tested[task], self._splits[task]["test"].images
        shown = tested.mistakes[:_MISTAKES]
        yield f'<figure id="mistakes-{task}"><div class="tiles">'
        for index in shown:
            true, taken = (tested.names[label] for label in (tested.labels[index], tested.taken[index]))
            told, ahead = f"{true}, taken for {taken}", f"{tested.ahead[index]:.2f}"
            yield f"<div>{_tile(images[index], told)}<small>{escape(told)}<br>by {ahead}</small></div>"
        title = escape(self.contents.tasks[task].title)
        heading = f"{len(shown)} of {len(tested.mistakes):,} test images that are taken for another class"
        yield (
            f"</div><figcaption><b>{heading}</b>, the clearest first: by how much the logit of the wrong class is "
            f"ahead of the right one, in units of the input scale. Data: {title}.</figcaption></figure>"
        )

    # --- figures ------------------------------------------------------------------------------------------------------

    def drawn(self, *kinds: str) -> Html:
        """Return the figures of some kinds, in the order of the settings."""
        chosen = [name for name, one in self.contents.figures.items() if one.kind in kinds]
        told = [self.figure(name, _capital(self.contents.figures[name].shows)).text for name in chosen]
        return Html("".join(told) or f"<p>This study has no figures of the kind {escape(words.listed(kinds))}.</p>")

    def neighbors(self) -> Prose:
        """Return which share of first neighbors is better than its network, by task."""
        tables = {task: f"neighbors/{task}/surveys.csv" for task in self.contents.tasks}
        return Prose(
            "\n\n".join(
                self._headed(task) + words.table(summaries.better(self.table(path)))
                for task, path in tables.items()
                if path in self.contents.tables
            )
        )

    def searches(self) -> Prose:
        """Return where searches end that figures of comparisons show."""
        found = [name for name, one in self.contents.figures.items() if one.kind == "comparison"]
        tables = (summaries.searches(self.table(name), self.titles(name)) for name in found)
        return Prose("\n\n".join(map(words.table, tables)))

    # --- settings and times -------------------------------------------------------------------------------------------

    def settings(self) -> Html:
        """Return what the study sets, as its file would have it."""
        text = yaml.safe_dump(self.contents.settings, sort_keys=False, allow_unicode=True, default_flow_style=None)
        return Html(f"<details><summary>All settings of this study</summary><pre>{escape(text)}</pre></details>")

    def times(self) -> Prose:
        """Return how long jobs took, by stage; they may have run at the same time."""
        try:
            jobs = times.read(self.results)
        except InputError:
            return Prose("How long jobs took is not known here: their benchmarks are not beside the results.")
        stages = jobs.groupby("stage", sort=False).seconds
        rows = [
            {
                "Stage": stage,
                "Jobs": words.number(len(taken)),
                "Minutes": f"{taken.sum() / 60:.1f}",
                "Longest, seconds": f"{taken.max():.0f}",
            }
            for stage, taken in stages
        ]
        table = words.table(pandas.DataFrame(rows))
        return Prose(
            f"All jobs together took {jobs.seconds.sum() / 60:.1f} minutes; some ran at the same time.\n\n{table}"
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tile(image: np.ndarray, alt: str) -> str:
    """Return an image of shape (channels, height, width) as HTML, enlarged by a whole number."""
    from PIL import Image

    pixels = (image.astype(np.int16) + HALF).astype(np.uint8) if image.dtype == np.int8 else image
    shown = pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0]
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "PNG", optimize=True)
    height, width = shown.shape[:2]
    factor = max(1, round(_TILE / max(height, width)))
    source = base64.b64encode(buffer.getvalue()).decode()
    size = f'width="{factor * width}" height="{factor * height}"'
    return f'<img class="tile" alt="{escape(alt)}" {size} src="data:image/png;base64,{source}">'
