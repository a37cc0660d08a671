"""The walk: connection after connection moves away, until none of the start is where it was.

A step moves some connections of one layer. Where the objective on the training images falls below the start's, other
swaps follow until it is back, or the walk goes back to where the step began. So no network that the walk accepts is
further below its start than the tolerance, on the images that it counts on. Where these are drawn again, what was
accepted on others may be. Steps are neighbors, k-th neighbors for several swaps.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from tqdm import tqdm

from aann.arguments import require_network, whole
from aann.artifacts import discard, write_table
from aann.checkpoints import Checkpoint, State, identity, until_done
from aann.datasets.given import images_by_split, looking_at
from aann.datasets.splits import Images, described, load
from aann.errors import InputError
from aann.evaluation.evaluator import Evaluator, EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import NO_RIVAL, Objective, sum_of_margins
from aann.families.counts import Counts
from aann.families.moves import Walker, in_place, require_walkable
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork, require_layer
from aann.sense.images import SearchImages
from aann.sense.layers import LayerSchedule
from aann.settings import named
from aann.settings.families import WalkSettings
from aann.settings.sense import LayersSettings
from aann.settings.study import Settings
from aann.tables import WALK

_COUNTERS = ("limit", "steps", "evaluations", "draws", "repairs", "afterwards", "networks", "owes", "seconds")
"""What a checkpoint holds of a walk, by the names of attributes."""


@dataclass
class Walked:
    """What a walk came to: the last network that it accepted, and the table (columns ``tables.WALK``)."""

    network: TernaryNetwork
    table: pandas.DataFrame


@dataclass
class Walk:
    """A walk from a network to one that has none of its connections.

    ``splits`` holds the images by split. The walk counts on those that its settings name; all splits are recorded.
    ``identity`` says what else the result depends on: a checkpoint of another identity is refused.

    Raises ``InputError`` for layers that the network does not have, for a layer without connections, or with fewer
    zeros than connections, and for images that do not fit it.
    """

    start: TernaryNetwork
    splits: Mapping[str, Images]
    settings: WalkSettings
    seed: int
    identity: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    evaluator: EvaluatorFactory = IncrementalEvaluator

    def __post_init__(self) -> None:
        for layer in (*self.settings.layers, *self.settings.repairs, *self.settings.survey):
            require_layer(layer, self.start.layers)
        require_walkable(self.start, list(self.settings.layers))
        seed = 2**32 * self.settings.seed + self.seed
        self._images = SearchImages(self.splits, self.settings.images, seed)
        self._random = np.random.default_rng([seed, 5])
        schedule = LayersSettings(names=self.settings.repairs, schedule="gain")
        self._schedule = LayerSchedule(schedule, self.start.layers, seed)
        self._counts = Counts(
            self.start, self.splits, self.settings.survey, self.settings.reach, seed, self.threads, self.evaluator
        )
        self._accepted = self.start
        self._steps = self._evaluations = self._draws = self._repairs = self._afterwards = self._networks = 0
        self._limit = self._value = 0
        self._owes = False
        self._seconds = 0.0

    # --- the run ------------------------------------------------------------------------------------------------------

    def run(self, checkpoint: Path) -> Walked:
        """Walk until no connection is where it was or the budget is spent, and return what was come to.

        The state is written to ``checkpoint`` now and then; if that file is there, the walk goes on from it, and comes
        to the same end as if it had never stopped. The file stays until ``artifacts.discard``.

        Raises ``InputError`` for a checkpoint that is damaged, or of another run or version of the code, and if no
        connection can move.
        """
        saved = Checkpoint(checkpoint, "walk", self.identity)
        network = self._restore(saved) if checkpoint.exists() else self.start
        self._go_on(network)
        if not self._counts.rows:
            self._record()
        started = time.monotonic() - self._seconds
        with self._progress() as progress:
            while self._unfinished and self._evaluations < self.settings.budget.evaluations and not self._out_of_time():
                self._step()
                self._seconds = time.monotonic() - started
                self._show(progress)
                if saved.is_due:
                    saved.write(self._state())
        if in_place(self.start, self._accepted) == in_place(self.start, self.start):
            raise InputError(
                "walk: no connection could move without a loss; give it a larger budget, loan or tolerance"
            )
        self._record()
        return Walked(self._accepted.described(self.start.data), self._counts.table())

    @property
    def _unfinished(self) -> bool:
        """Whether connections are left, or may make up for what the last of them cost."""
        return self._left > 0 or (self._walker.reserve < 0 and self._afterwards < self.settings.afterwards)

    def _out_of_time(self) -> bool:
        return self._seconds >= 60 * self.settings.budget.minutes

    @property
    def _left(self) -> int:
        """How many connections of the start are where they were in the accepted network."""
        return self._in_place(self._accepted)

    @property
    def _connections(self) -> int:
        """How many connections the walk is to move."""
        return self._in_place(self.start)

    def _in_place(self, network: TernaryNetwork) -> int:
        there = in_place(self.start, network)
        return sum(there[layer] for layer in self.settings.layers)

    def _step(self) -> None:
        """Move connections if nothing is owed, else make up for what moved, or go back."""
        self._steps += 1
        if not self._owes:
            self._redraw()
        if self._owes or self._walker.reserve < 0 or not (self._left and self._move()):
            self._repair()
        if self._owes and self._walker.reserve < 0 and self._repairs >= self.settings.patience:
            self._walker.evaluator.move_to(self._accepted)
        if not self._owes or self._walker.reserve >= 0:
            self._accept()
        self._evaluations = self._walker.evaluations

    def _move(self) -> int:
        """Move connections of a layer, drawn by the share of it that is left, and return how many."""
        there = in_place(self.start, self._walker.network)
        of_start = in_place(self.start, self.start)
        shares = np.array([there[layer] / of_start[layer] for layer in self.settings.layers])
        layer = str(self._random.choice(list(self.settings.layers), p=shares / shares.sum()))
        moves, loan = self.settings.layers[layer], self._margins(self.settings.loan)
        moved = self._walker.move(layer, moves, loan, self.settings.reach)
        self._owes, self._repairs = self._walker.reserve < 0, 0
        return moved

    def _repair(self) -> None:
        layer = self._schedule.layer(self._steps)
        moves = self.settings.layers[layer]
        self._schedule.learn(layer, sum(self._walker.repair(layer, moves) for _ in range(moves.repeat)))
        self._repairs += 1
        self._afterwards += not self._left

    def _accept(self) -> None:
        """Note that the walk has come to a network that it may keep, and count it if it is time to."""
        now = self._walker.network
        self._networks += now != self._accepted
        self._accepted, self._owes = now, False
        self._set_floor()
        if self._steps - self._counts.last_step >= self.settings.record:
            self._record()

    # --- what is counted ----------------------------------------------------------------------------------------------

    @property
    def _objective(self) -> Objective:
        return sum_of_margins(self._limit, min(round(self.settings.deficit * self._limit), NO_RIVAL))

    def _margins(self, each: float) -> int:
        """Return what all images add to the objective if each has such a margin, in limits."""
        return round(each * self._limit * self._walker.evaluator.images)

    def _go_on(self, network: TernaryNetwork) -> None:
        """Put a walker at a network, with the images that were drawn last."""
        images = self._images.drawn(self._draws)
        shuffled = self._images.generator(self._draws)
        evaluator = self.evaluator(self.start, images.images, images.labels, None, self.threads, shuffled)
        self._limit = self._limit or weakest(evaluator, self.settings.limit)
        self._value = evaluator.value(self._objective)
        self._walker = Walker(self.start, evaluator, self._objective, self._value, self._random, self._evaluations)
        self._set_floor()
        evaluator.move_to(network)

    def _set_floor(self) -> None:
        """Set the floor; one that is above the start falls to it while the last connections move, and then is back."""
        last, left = self.settings.last * self._connections, self._left
        share = min(1.0, left / last) if last and left and self.settings.tolerance < 0 else 1.0
        self._walker.floor = self._value - self._margins(share * self.settings.tolerance)

    def _redraw(self) -> None:
        """Draw the images again if it is time to."""
        refresh = self.settings.images.refresh
        if refresh and self._steps // refresh > self._draws:
            self._draws = self._steps // refresh
            network = self._walker.network
            del self._walker  # room for the next: the integers of all images are gigabytes
            self._go_on(network)

    def _record(self) -> None:
        """Count the accepted network unless it was counted at this step."""
        if self._counts.last_step != self._steps:
            self._counts.add(self._steps, self._evaluations, self._networks, self._accepted)

    # --- progress and checkpoints -------------------------------------------------------------------------------------

    def _progress(self) -> Any:
        total = self._connections
        return tqdm(total=total, initial=total - self._left, unit=" connections", desc="walk", mininterval=1)

    def _show(self, progress: Any) -> None:
        progress.update(progress.total - self._left - progress.n)
        share = self._walker.evaluator.correct_count() / self._walker.evaluator.images
        progress.set_postfix_str(f"step {self._steps}, images of the walk {share:.4f}", refresh=False)

    def _state(self) -> State:
        counters = {name: getattr(self, f"_{name}") for name in _COUNTERS}
        values = {"random": self._random.bit_generator.state, "gains": self._schedule.gains, **counters}
        return State({"now": self._walker.network, "accepted": self._accepted}, self._counts.rows, values)

    def _restore(self, saved: Checkpoint) -> TernaryNetwork:
        """Take over the state of a checkpoint, and return the network that the walk had come to."""
        state = saved.read(self.start.architecture, ("now", "accepted"), ("random", "gains", *_COUNTERS))
        self._accepted, self._counts.rows = state.networks["accepted"], state.rows
        self._random.bit_generator.state = state.values["random"]
        self._schedule.restore(state.values["gains"])
        for name in _COUNTERS:
            setattr(self, f"_{name}", state.values[name])
        return state.networks["now"]


def weakest(evaluator: Evaluator, share: float) -> int:
    """Return the margin that all but a share of the images that are right have or exceed; at least 1."""

    def reaching(margin: int) -> int:
        return evaluator.value(Objective(margin - 1, margin)) - (margin - 1) * evaluator.images

    enough = max(1, (1 - share) * reaching(0))
    return max(1, bisect_right(range(NO_RIVAL), -enough, key=lambda margin: -reaching(margin + 1)))


def walk(
    start: TernaryNetwork,
    data: Mapping[str, Images | tuple[np.ndarray, np.ndarray]],
    walk: str | WalkSettings = "replace",
    seed: int = 0,
    threads: int = 1,
    checkpoint: Path | str | None = None,
) -> Walked:
    """Move connection after connection until none is where it was; return the ``network`` come to and the ``table``.

    ``data`` is as that of ``aann.search``. ``walk`` is the name of a walk in the settings (``families.walks``), which
    takes all images of its split if it asks for more; or it is a walk. With a file ``checkpoint``, an interrupted walk
    goes on from it; the file is deleted when the walk is done.

    Raises ``InputError`` for another walk, for layers that the network does not have, for a split that is absent, for
    numbers that are none, and as ``Walk`` and its ``run``.
    """
    require_network(start)
    seed, threads = whole("seed", seed), whole("threads", threads, 1)
    chosen = named.walk(walk, start.layers)
    splits = images_by_split(data)
    if isinstance(walk, str):
        chosen = looking_at(chosen, splits)
    known = identity("aann.families.walks", chosen, seed, start, splits)
    with until_done(checkpoint) as path:
        return Walk(start, splits, chosen, seed, known, threads).run(path)


@dataclass(frozen=True)
class Outputs:
    """The files that a walk writes."""

    table: Path
    network: Path


def make_walk(
    settings: Settings, keys: Mapping[str, Any], network: Path, data: Path, outputs: Outputs, threads: int
) -> None:
    """Walk from a network and write what was come to; goes on from a checkpoint where it was stopped.

    ``keys`` are those of ``tables.WALK``.

    Raises ``InputError`` for an unknown walk, a network or data that do not fit, and another walk's checkpoint.
    """
    task, name, seed = keys["task"], keys["walk"], keys["seed"]
    recorded = provenance.describe("aann.families.walks", [network, data], settings.walk(task, name), **keys)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    try:
        walk = Walk(start, load(data), settings.walk_of(task, name), seed, recorded, threads)
    except InputError as error:
        raise InputError(f"{network}: {error}") from error
    checkpoint = outputs.table.with_suffix(".checkpoint.safetensors")
    found = walk.run(checkpoint)
    found.network.described(described(data)).save(outputs.network, recorded)
    write_table(outputs.table, WALK.make(found.table, **keys), {"provenance": recorded})
    discard(checkpoint)
