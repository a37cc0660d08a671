"""The search: neighborhood after neighborhood, with a budget, a trace and a checkpoint (paper, Algorithm 2)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from tqdm import tqdm

from aann.artifacts import discard, write_table
from aann.checkpoints import Checkpoint, State
from aann.datasets.splits import Images, described, load
from aann.evaluation.evaluator import Evaluator, EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import ACCURACY, Objective, sum_of_margins
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.sense.images import SearchImages
from aann.sense.layers import LayerSchedule
from aann.sense.neighborhoods import draw, survey
from aann.sense.strategies import Climber, Step, chosen
from aann.settings.sense import SearchSettings
from aann.settings.study import Settings
from aann.swaps import require_neighbors
from aann.tables import OUTCOME, SPLITS, TRACE

_COLUMNS = tuple(column for column in TRACE.measured if not column.endswith("_accuracy"))
"""What is kept of each row of the trace: a layer is its place in the network, and -1 means that there is no value."""

NOT_COUNTED = -1

_COUNTERS = ("neighborhoods", "evaluations", "accepted", "seconds")
"""What a checkpoint holds of a search, by the names of attributes."""


@dataclass
class Found:
    """What a search found: the network that validation images choose, and the trace (columns ``tables.TRACE``)."""

    network: TernaryNetwork
    trace: pandas.DataFrame


@dataclass
class Search:
    """A climb from a network over its neighbors.

    ``splits`` holds the images by split. The search counts on those that its settings name. Validation images choose
    the network that is kept, and test images are only recorded. ``identity`` says what else the result depends on: a
    checkpoint of another identity is refused. ``threads`` and ``evaluator`` change the speed only, except in races:
    their samples depend on how an evaluator arranges images.

    Raises ``InputError`` for a layer that the network does not have or that has no neighbors, and for images that do
    not fit it.
    """

    start: TernaryNetwork
    splits: Mapping[str, Images]
    settings: SearchSettings
    seed: int
    identity: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    evaluator: EvaluatorFactory = IncrementalEvaluator

    def __post_init__(self) -> None:
        self._images = SearchImages(self.splits, self.settings.images, self.seed)
        self._strategy = chosen(self.settings.strategy)
        self._schedule = LayerSchedule(self.settings.layers, self.start.layers, self.seed)
        for layer in self.settings.layers.names:
            require_neighbors(layer, self.start.weights[layer])
        self._random = np.random.default_rng([self.seed, 3])
        self._on_validation = self.settings.objective == "accuracy" and self._images.are_all_of("validation")
        self._layers = self.start.layers[min(map(self.start.layers.index, self.settings.layers.names)) :]
        self._best = self.start
        self._best_count = NOT_COUNTED
        self._rows: list[tuple[int, ...]] = []
        self._neighborhoods = self._evaluations = self._accepted = 0
        self._seconds = 0.0

    # --- the run ------------------------------------------------------------------------------------------------------

    def run(self, checkpoint: Path) -> Found:
        """Search until the budget is spent, and return what was found.

        The state is written to ``checkpoint`` now and then; if that file is there, the search goes on from it, and
        finds the same as if it had never stopped. The file stays until ``artifacts.discard``.

        Raises ``InputError`` for a checkpoint that is damaged, or of another run or version of the code.
        """
        saved = Checkpoint(checkpoint, "search", self.identity)
        network = self._restore(saved) if checkpoint.exists() else self.start
        counted = SPLITS[1:] if self._on_validation else SPLITS
        self._counting = {split: self._evaluator_of(self.start, self.splits[split]) for split in counted}
        self._searching = self._searching_at(network)
        if not self._rows:
            self._record(0, "", [])
        started = time.monotonic() - self._seconds
        with self._progress() as progress:
            while self._evaluations < self.settings.budget.evaluations and not self._out_of_time():
                self._next_neighborhood()
                self._seconds = time.monotonic() - started
                self._show(progress)
                if saved.is_due:
                    saved.write(self._state())
        self._count_last_row()
        return Found(self._best.described(self.start.data), self._trace())

    def _out_of_time(self) -> bool:
        return self._seconds >= 60 * self.settings.budget.minutes

    def _next_neighborhood(self) -> None:
        """Survey one neighborhood and go on to the neighbors that the strategy accepts."""
        settings = self.settings
        if settings.images.refresh and self._neighborhoods and self._neighborhoods % settings.images.refresh == 0:
            self._searching = self._searching_at(self._searching.network)
        layer = self._schedule.layer(self._neighborhoods)
        spent = min(1.0, self._evaluations / settings.budget.evaluations)
        climber = Climber(self._searching, self._objective, self._random, self._unit, spent)
        weights = self._searching.network.weights[layer]
        swaps = draw(weights, settings.neighbors[layer], settings.draw, self._random)
        candidates = survey(self._searching, layer, swaps, self._objective, settings.racing, self._random)
        steps = climber.climb(self._strategy, candidates)
        self._neighborhoods += 1
        self._evaluations += len(swaps.from_index) + climber.checked
        self._accepted += len(steps)
        self._schedule.learn(layer, sum(step.change for step in steps))
        self._record(self._neighborhoods, layer, steps)

    @property
    def _objective(self) -> Objective:
        if self.settings.objective == "accuracy":
            return ACCURACY
        margin, deficit = (round(bound * self._unit) for bound in (self.settings.margin, self.settings.deficit))
        return sum_of_margins(margin, deficit)

    @property
    def _unit(self) -> int:
        """What one correct image, or a margin of one activation, adds to the objective."""
        return 1 if self.settings.objective == "accuracy" else self.start.architecture.input_scale

    # --- what is counted ----------------------------------------------------------------------------------------------

    def _searching_at(self, network: TernaryNetwork) -> Evaluator:
        """Return the evaluator of a network on the images of the search; these depend on how far it has come."""
        refresh = self.settings.images.refresh
        draw_number = self._neighborhoods // refresh if refresh else 0
        shuffled = self._images.generator(draw_number) if self.settings.racing.share < 1 else None
        return self._evaluator_of(network, self._images.drawn(draw_number), shuffled)

    def _evaluator_of(
        self, network: TernaryNetwork, images: Images, shuffled: np.random.Generator | None = None
    ) -> Evaluator:
        return self.evaluator(network, images.images, images.labels, self._layers, self.threads, shuffled)

    def _record(self, neighborhood: int, layer: str, steps: list[Step]) -> None:
        """Add the rows of a neighborhood to the trace; the last is counted if it is time to."""
        place = self.start.layers.index(layer) if layer else NOT_COUNTED
        value = self._searching.value(self._objective) - sum(step.change for step in steps)
        for step in steps or [Step(layer, -1, -1, 0)]:
            value += step.change
            swap = (step.from_index, step.to_index)
            self._rows.append((neighborhood, self._evaluations, place, *swap, value, self._known(value), NOT_COUNTED))
        if neighborhood % self.settings.record == 0 or neighborhood.bit_count() == 1:
            self._count_last_row()

    def _known(self, value: int) -> int:
        """Return how many validation images are right, if the objective tells."""
        return len(self.splits["validation"]) + value if self._on_validation else NOT_COUNTED

    def _count_last_row(self) -> None:
        """Count the network as it is on validation and test images, and keep it if it is the best by validation."""
        *others, validation, test = self._rows[-1]
        if test != NOT_COUNTED:
            return
        network = self._searching.network
        for evaluator in self._counting.values():
            evaluator.move_to(network)
        counts = {"validation": validation} | {split: found.correct_count() for split, found in self._counting.items()}
        if counts["validation"] > self._best_count:
            self._best, self._best_count = network, counts["validation"]
        self._rows[-1] = (*others, *(counts[split] for split in SPLITS))

    def _trace(self) -> pandas.DataFrame:
        columns = dict(zip(_COLUMNS, np.array(self._rows, np.int64).T, strict=True))
        table = pandas.DataFrame(columns)
        table["layer"] = ["" if place < 0 else self.start.layers[place] for place in table.layer]
        for split in SPLITS:
            counts = table[f"{split}_correct"].astype(float)
            table[f"{split}_correct"] = counts.where(counts != NOT_COUNTED)
            table[f"{split}_accuracy"] = table[f"{split}_correct"] / len(self.splits[split])
        return table[list(TRACE.measured)]

    # --- progress and checkpoints -------------------------------------------------------------------------------------

    def _progress(self) -> Any:
        budget = self.settings.budget.evaluations
        return tqdm(
            total=budget, initial=min(budget, self._evaluations), unit=" neighbors", desc="sense", mininterval=1
        )

    def _show(self, progress: Any) -> None:
        progress.update(min(progress.total, self._evaluations) - progress.n)
        images = self._searching.images
        validation = self._best_count / len(self.splits["validation"])
        progress.set_postfix_str(
            f"search {self._searching.correct_count() / images:.4f}, validation {validation:.4f}, "
            f"{self._accepted} accepted",
            refresh=False,
        )

    def _state(self) -> State:
        counters = {name: getattr(self, f"_{name}") for name in _COUNTERS}
        values = {"random": self._random.bit_generator.state, "gains": self._schedule.gains, **counters}
        return State({"now": self._searching.network, "best": self._best}, self._rows, values)

    def _restore(self, saved: Checkpoint) -> TernaryNetwork:
        """Take over the state of a checkpoint, and return the network that the search had come to."""
        state = saved.read(self.start.architecture, ("now", "best"), ("random", "gains", *_COUNTERS))
        self._best, self._rows = state.networks["best"], state.rows
        self._best_count = max(validation for *_, validation, test in self._rows if test != NOT_COUNTED)
        self._random.bit_generator.state = state.values["random"]
        self._schedule.restore(state.values["gains"])
        for name in _COUNTERS:
            setattr(self, f"_{name}", state.values[name])
        return state.networks["now"]


def outcome_of(trace: pandas.DataFrame, keys: Mapping[str, Any]) -> pandas.DataFrame:
    """Return one row with columns ``tables.OUTCOME``: what a search with this trace started from and what it chose."""
    made: pandas.DataFrame = OUTCOME.make([summary_of(trace, "accuracy")], **keys)
    return made


def summary_of(trace: pandas.DataFrame, measure: str) -> dict[str, Any]:
    """Return what a search with this trace spent, and a measure of each split where it started and where it chose.

    ``measure`` is how columns of the trace end: ``correct`` or ``accuracy``. Validation images choose.
    """
    counted = trace[trace.test_correct.notna()]
    before, after = counted.iloc[0], counted.iloc[int(counted.validation_correct.argmax())]
    row: dict[str, Any] = {
        "evaluations": int(trace.evaluations.iloc[-1]),
        "accepted": int((trace.from_index >= 0).sum()),
    }
    for name, found in (("before", before), ("after", after)):
        row |= {f"{name}_{split}_{measure}": found[f"{split}_{measure}"] for split in SPLITS}
    return row


@dataclass(frozen=True)
class Outputs:
    """The files that a run writes."""

    trace: Path
    network: Path
    outcome: Path


def make_run(
    settings: Settings, keys: Mapping[str, Any], network: Path, data: Path, outputs: Outputs, threads: int
) -> None:
    """Search from a network and write what was found; goes on from a checkpoint where it was stopped.

    ``keys`` are those of ``tables.RUN``.

    Raises ``InputError`` for an unknown search, a network or data that do not fit, and another run's checkpoint.
    """
    task, name, seed = keys["task"], keys["search"], keys["seed"]
    part = settings.search(task, name)
    recorded = provenance.describe("aann.sense.search", [network, data], part, **keys)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    search = Search(start, load(data), settings.search_of(task, name), seed, recorded, threads)
    checkpoint = outputs.trace.with_suffix(".checkpoint.safetensors")
    found = search.run(checkpoint)
    found.network.described(described(data)).save(outputs.network, recorded)
    write_table(outputs.outcome, outcome_of(found.trace, keys))
    write_table(outputs.trace, TRACE.make(found.trace, **keys), {"provenance": recorded})
    discard(checkpoint)
