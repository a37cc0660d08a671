"""What a figure is drawn from: the files that a study makes for it, with their keys, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import Field, ValidationError

from aann.errors import InputError
from aann.settings import work
from aann.settings.messages import first_problem
from aann.settings.starts import StartSettings, WalkedSettings
from aann.settings.types import Section

if TYPE_CHECKING:
    from aann.settings.sense import ClimbSettings, SelectionSettings
    from aann.settings.study import Climbs, Settings
    from aann.settings.tasks import TaskSettings


class Input(Section):
    """A file, its role in the figure, and the keys that all its rows have (see ``aann.tables``)."""

    role: str = Field(description="What it is for.")
    path: str = Field(description="Where it is, below the results of the scale.")
    keys: dict[str, str | int | float] = Field(default={}, description="Keys and their values.")


class Plan(Section):
    """All that a figure depends on, beside code and the content of its inputs."""

    kind: str = Field(description="The module of ``aann.figures``.")
    title: str = Field("", description="What its data are, in words.")
    inputs: tuple[Input, ...] = Field((), description="What it is drawn from, in the order in which it is drawn.")
    options: dict[str, Any] = Field(default={}, description="How it looks, as its kind takes it.")
    beside: tuple[str, ...] = Field((), description="Tables for its readers, below the results of the scale.")

    @property
    def paths(self) -> list[str]:
        """The paths of the inputs, each once, below the results of the scale."""
        return list(dict.fromkeys(one.path for one in self.inputs))


def read_plan(text: str, source: str) -> Plan:
    """Return the plan that is written as JSON; raise ``InputError`` with one line if it is none."""
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, Plan, page='rules/figures.smk')}") from error


class Study:
    """What a study has for one figure. Each method checks that something is there, and says where.

    Raises ``InputError`` with one line that names the key of the figure's entry.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings, self.name = settings, name

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise an error on a key of the entry, or on the entry as a whole if the key is empty."""
        place = ".".join(part for part in ("figures", self.name, key) if part)
        raise InputError(f"configuration: {place}: {reason}; see config/README.md")

    def title(self, task: str) -> str:
        """Return what the data of a task are."""
        self.task(task)
        return self.settings.data_title(task)

    def titles(self, tasks: Iterable[str]) -> dict[str, str]:
        """Return what the data of tasks are, by task."""
        return {task: self.title(task) for task in dict.fromkeys(tasks)}

    def task(self, task: str, key: str = "task") -> TaskSettings:
        """Return the settings of a task."""
        if task not in self.settings.tasks:
            self.refuse(key, f"no task {task!r}; 'tasks' has {', '.join(self.settings.tasks)}")
        return self.settings.tasks[task]

    def require_driven(self, task: str, key: str = "task") -> None:
        """Check that networks of a task drive."""
        self.task(task, key)
        if not self.settings.is_driven(task):
            self.refuse(key, f"{task!r} is not driven; expected a task of the driving data")

    def require_sparsity(self, task: str, sparsity: float, key: str) -> None:
        """Check that p-SIREN makes networks of a sparsity."""
        if sparsity not in self.task(task, key).sparsities:
            self.refuse(key, f"{sparsity:g} is not in tasks.{task}.sparsities")

    def require_start(self, start: StartSettings, key: str = "start") -> None:
        """Check that there are networks to start from."""
        self.task(start.task, f"{key}.task")
        if start.origin == "psiren":
            self.require_sparsity(start.task, start.sparsity, f"{key}.sparsity")

    def require_neighbors(self, start: StartSettings, key: str, setting: str = "") -> None:
        """Check that networks have neighbors. ``setting`` is where the start is, if not in the entry."""
        if not 0 < start.sparsity < 100:
            self._refuse_sparsity(start, key, setting, "more than 0 and less than 100, where a network has neighbors")

    def require_walkable(self, start: StartSettings, key: str, setting: str = "") -> None:
        """Check that there are empty places for all connections, unless layers differ. Arguments are as above."""
        pruned = self.settings.psiren_of(start.task).sparsify
        uneven = start.origin == "psiren" and (pruned.distribution != "uniform" or pruned.densities)
        self.require_neighbors(start, key, setting)
        if start.sparsity < 50 and not uneven:
            self._refuse_sparsity(start, key, setting, "at least 50, for as many empty places as connections")

    def _refuse_sparsity(self, start: StartSettings, key: str, setting: str, expected: str) -> NoReturn:
        self.refuse(key, f"{setting}{': ' * bool(setting)}is {start.sparsity:g}; expected {expected}")

    def require_search(self, task: str, search: str, key: str = "search") -> None:
        """Check that there is a search, and that the task's network has its layers."""
        try:
            self.settings.search_of(task, search)
        except InputError as error:
            self.refuse(key, str(error))

    # --- files --------------------------------------------------------------------------------------------------------

    def accuracies(self, task: str) -> Input:
        """Return the accuracies of a task's networks of p-SIREN (``tables.ACCURACY``)."""
        self.task(task)
        return Input(role="accuracies", path=f"psiren/{task}/accuracies.csv", keys={"task": task})

    def driven(self, task: str, table: str) -> Input:
        """Return the gathered `confusions` or `returns` of a task's networks of p-SIREN."""
        self.require_driven(task)
        keys = {"task": task, "origin": "psiren", "search": ""}
        return Input(role=table, path=f"driving/{task}/{table}.csv", keys=keys)

    def network(self, task: str, sparsity: float) -> Input:
        """Return the network of p-SIREN of the first seed."""
        self.require_sparsity(task, sparsity, "sparsity")
        seed = self.task(task).seeds[0]
        keys = {"task": task, "sparsity": sparsity, "seed": seed}
        return Input(role="network", path=f"psiren/{task}/p{sparsity:g}/seed{seed}.safetensors", keys=keys)

    def networks(self, task: str, least: float) -> list[Input]:
        """Return the networks of p-SIREN of all seeds, from a sparsity on."""
        chosen = [sparsity for sparsity in self.task(task).sparsities if sparsity >= least]
        if not chosen:
            self.refuse("least", f"tasks.{task}.sparsities has none of at least {least:g}")
        return [
            Input(
                role="networks",
                path=f"psiren/{task}/p{sparsity:g}/seed{seed}.safetensors",
                keys={"task": task, "sparsity": sparsity, "seed": seed},
            )
            for sparsity in chosen
            for seed in self.task(task).seeds
        ]

    def surveys(self, task: str) -> Input:
        """Return the gathered summaries of a task's surveys (``tables.SURVEY``)."""
        self.task(task)
        if task not in self.settings.neighbors:
            self.refuse("task", f"the setting 'neighbors' has no task {task!r}")
        return Input(role="surveys", path=f"neighbors/{task}/surveys.csv", keys={"task": task})

    def histograms(self, task: str) -> list[Input]:
        """Return the histograms of the first seed's surveys, by sparsity and layer (``tables.HISTOGRAM``)."""
        self.surveys(task)
        studied, seed = self.settings.neighbors[task], self.task(task).seeds[0]
        return [
            Input(
                role="histograms",
                path=f"neighbors/{task}/p{sparsity:g}/seed{seed}/{layer}.histogram.csv",
                keys={"task": task, "sparsity": sparsity, "seed": seed, "layer": layer},
            )
            for sparsity in studied.sparsities
            for layer in studied.first
        ]

    def points(self, task: str) -> list[Input]:
        """Return the embedded neighbors of a task, by layer (``tables.POINTS``)."""
        self.surveys(task)
        if task not in self.settings.embeddings:
            self.refuse("task", f"the setting 'embeddings' has no task {task!r}")
        embedded, seed = self.settings.embeddings[task], self.task(task).seeds[0]
        keys = {"task": task, "sparsity": embedded.sparsity, "seed": seed}
        return [
            Input(role="points", path=f"embeddings/{task}/{layer}.parquet", keys={**keys, "layer": layer})
            for layer in embedded.layers
        ]

    def climbs(self) -> list[Input]:
        """Return the networks that the climbs of `sense.climb` surveyed, by seed (``tables.CLIMB``)."""
        climb = self._in_one_layer("climb", self.settings.sense.climb, self.settings.climb_of)
        return self._of_networks("climb", climb, climb.seeds or self.task(climb.task).seeds[:1])

    def selections(self) -> list[Input]:
        """Return the climbs of `sense.selection`, by seed (``tables.SELECTION``)."""
        selection = self._in_one_layer("selection", self.settings.sense.selection, self.settings.selection_of)
        return self._of_networks("selection", selection, self.task(selection.task).seeds)

    def _in_one_layer(self, key: str, chosen: Climbs | None, placed: Callable[[str], Climbs]) -> Climbs:
        """Return settings of climbs from networks of p-SIREN, after their task, sparsity and layer were found."""
        if chosen is None:
            self.refuse("", f"the setting 'sense.{key}' is not set")
        self._require_known_task(chosen.task, f"sense.{key}.task")
        if chosen.sparsity not in self.task(chosen.task).sparsities:
            self.refuse("", f"sense.{key}.sparsity: {chosen.sparsity:g} is not in tasks.{chosen.task}.sparsities")
        try:
            return placed(chosen.task)
        except InputError as error:
            self.refuse("", str(error))

    def _of_networks(self, name: str, chosen: ClimbSettings | SelectionSettings, seeds: Iterable[int]) -> list[Input]:
        start = StartSettings(task=chosen.task, sparsity=chosen.sparsity, origin="psiren")
        return [
            Input(
                role=f"{name}s",
                path=f"sense/{start.run}.{name}/seed{seed}.parquet",
                keys={"task": chosen.task, "sparsity": chosen.sparsity, "seed": seed},
            )
            for seed in seeds
        ]

    def traces(
        self, role: str, start: StartSettings, search: str, key: str = "", search_key: str = "search"
    ) -> list[Input]:
        """Return the traces of a search from a start, by seed (``tables.TRACE``).

        ``key`` is where the entry has both, and ``search_key`` where it has the search there.
        """
        below = f"{key}." if key else ""
        self.require_start(start, f"{below}start")
        self.require_neighbors(start, f"{below}start.sparsity")
        self.require_search(start.task, search, f"{below}{search_key}")
        return self._runs(role, start, f".{search}/seed{{seed}}.parquet", {"search": search})

    def ends(self, role: str, start: StartSettings, search: str | None, key: str) -> list[Input]:
        """Return the accuracy of single networks, by seed: of p-SIREN (``tables.ACCURACY``), or of where a search ends.

        The latter have the columns ``tables.OUTCOME``. ``key`` is where the entry has both.
        """
        self.require_start(start, f"{key}.start")
        if search is not None:
            self.require_neighbors(start, f"{key}.start.sparsity")
            self.require_search(start.task, search, f"{key}.search")
            return self._runs(role, start, f".{search}/seed{{seed}}.outcome.csv", {"search": search})
        keys = {"task": start.task, "sparsity": start.sparsity}
        return [
            Input(
                role=role,
                path=f"psiren/{start.task}/p{start.sparsity:g}/seed{seed}.accuracy.csv",
                keys={**keys, "seed": seed},
            )
            for seed in start.seeds or self.task(start.task).seeds
        ]

    def baselines(self, start: StartSettings) -> list[Input]:
        """Return backpropagation from a start, by seed (``tables.BASELINE``)."""
        self.require_start(start)
        return self._runs("baselines", start, ".backpropagation/seed{seed}.parquet", {})

    def returns(self, start: StartSettings, search: str = "") -> list[Input]:
        """Return how the networks drive that a search ended with, or its start (``tables.RETURNS``).

        Only those of the task's seeds drive, since a network's drives take a minute.
        """
        stage, origin = ("sense", f"-{start.origin}") if search or start.origin == "random" else ("psiren", "")
        run = f"{stage}/p{start.sparsity:g}{origin}{f'.{search}' if search else ''}"
        keys = {**start.keys, "search": search}
        return [
            Input(
                role="returns", path=f"driving/{start.task}/{run}/seed{seed}.returns.csv", keys={**keys, "seed": seed}
            )
            for seed in self.task(start.task).seeds
        ]

    def outcomes(self) -> Input:
        """Return what the search of `sense.improvement` adds to networks of p-SIREN (``tables.OUTCOME``)."""
        improvement = self.settings.sense.improvement
        if improvement is None:
            self.refuse("", "the setting 'sense.improvement' is not set")
        for task in improvement.tasks:
            self._require_known_task(task, "sense.improvement.tasks")
            self.require_search(task, improvement.search, "kind")
            if not any(0 < sparsity < 100 for sparsity in self.task(task).sparsities):
                self.refuse("", f"tasks.{task}.sparsities: none is between 0 and 100, where a search has neighbors")
            if not any(map(improvement.covers, self.task(task).sparsities)):
                self.refuse("", f"sense.improvement.sparsities: none is in tasks.{task}.sparsities")
        keys = {"origin": "psiren", "search": improvement.search}
        return Input(role="outcomes", path="sense/improvement.csv", keys=keys)

    def walks(self, walked: WalkedSettings, walk: str, key: str) -> list[Input]:
        """Return the tables of walks from some networks, by seed (``tables.WALK``).

        ``key`` is where the entry has the networks.
        """
        start = walked.start
        self.require_start(start, f"{key}.start")
        self.require_walkable(start, f"{key}.start.sparsity")
        if walked.search:
            self.require_search(start.task, walked.search, f"{key}.search")
        try:
            self.settings.walk_of(start.task, walk)
        except InputError as error:
            self.refuse("walk", str(error))
        keys = {**start.keys, "search": walked.search, "walk": walk}
        return [
            Input(role="walks", path=f"families/{walked.run}.{walk}/seed{seed}.parquet", keys={**keys, "seed": seed})
            for seed in start.seeds or self.task(start.task).seeds
        ]

    def compared(self, group: str, least: int = 1) -> list[Input]:
        """Return how the networks of a group differ (``tables.PAIR``) and vote (``tables.ENSEMBLE``).

        ``least`` is how many networks its sets have to have.
        """
        try:
            chosen = self.settings.group(group)
        except InputError as error:
            self.refuse("group", str(error))
        named = [(name, place, one) for name, kinds in chosen.sets.items() for place, one in enumerate(kinds)]
        for name, place, one in named:
            for walk in one.walks or [""]:
                self._require_network(one, walk, f"families.groups.{group}.sets.{name}.{place}")
        for size, sparsity in chosen.sizes.items():
            if size > 1 and sparsity not in self.task(chosen.task).sparsities:
                self.refuse("", f"families.groups.{group}.sizes.{size}: {sparsity:g} is not a sparsity of the task")
        networks = {row["path"] for row in work.members(self.settings, group) if row["set"] in chosen.compared}
        if len(networks) < least:
            reason = f"have {len(networks)} in all; expected {least} or more networks"
            self.refuse("", f"families.groups.{group}.sets: {reason}; name more sets, seeds or walks")
        keys = {"task": chosen.task, "group": group}
        return [
            Input(role=role, path=f"families/{group}/{role}.csv", keys=dict(keys)) for role in ("pairs", "ensembles")
        ]

    def route(self, path: str, key: str) -> Input:
        """Return what was counted on a path (``tables.ROUTE``); ``key`` is where the entry has its name."""
        try:
            chosen = self.settings.path_of(path)
        except InputError as error:
            self.refuse(key, str(error))
        for name, end in (("start", chosen.start), ("end", chosen.end)):
            self._require_network(end, end.walk, f"families.paths.{path}.{name}")
        self.require_neighbors(chosen.start.start, "", f"families.paths.{path}.start.start.sparsity")
        keys = {"task": chosen.start.start.task, "route": path}
        return Input(role="routes", path=f"families/{path}/path.parquet", keys=dict(keys))

    def transferred(self, transfer: str, key: str) -> list[Input]:
        """Return how networks serve another task, by seed (``tables.TRANSFER``); ``key`` is where the entry has it.

        Beside them are the accuracies of networks that were trained on that task (``tables.ACCURACY``).
        """
        try:
            chosen = self.settings.transfer(transfer)
        except InputError as error:
            self.refuse(key, str(error))
        setting = f"families.transfers.{transfer}"
        for name, one in chosen.starts.items():
            self._require_network(one, one.walk, f"{setting}.starts.{name}")
            self.require_neighbors(one.start, "", f"{setting}.starts.{name}.start.sparsity")
        for place, search in enumerate(chosen.searches):
            try:
                self.settings.search_of(chosen.task, search)
            except InputError as error:
                self.refuse("", f"{setting}.searches.{place}: {error}")
        self._require_known_task(chosen.to, f"{setting}.to")
        network, data = self.settings.networks[self.task(chosen.task).network], self.settings.dataset(chosen.to)
        lacking = network.lacking(data)
        if lacking:
            self.refuse("", f"{setting}.to: networks of {chosen.task!r} do not fit {chosen.to!r}; expected {lacking}")
        if chosen.sparsity not in self.task(chosen.to).sparsities:
            self.refuse("", f"{setting}.to: tasks.{chosen.to}.sparsities has no {chosen.sparsity:g} to compare with")
        keys = {"task": chosen.task, "to": chosen.to, "transfer": transfer}
        found = [
            Input(role="transfers", path=f"families/{transfer}/seed{seed}.csv", keys={**keys, "seed": seed})
            for seed in self.task(chosen.task).seeds
        ]
        trained = StartSettings(task=chosen.to, sparsity=chosen.sparsity, origin="psiren")
        return found + self.ends("trained", trained, None, key)

    def _require_network(self, one: WalkedSettings, walk: str, setting: str) -> None:
        """Check that networks are made which a group or a path names in the settings of families."""
        task = one.start.task
        self._require_known_task(task, f"{setting}.start.task")
        if one.start.origin == "psiren" and one.start.sparsity not in self.task(task).sparsities:
            self.refuse("", f"{setting}.start.sparsity: {one.start.sparsity:g} is not in tasks.{task}.sparsities")
        if walk:
            self.require_walkable(one.start, "", f"{setting}.start.sparsity")
        elif one.search:
            self.require_neighbors(one.start, "", f"{setting}.start.sparsity")
        try:
            if one.search:
                self.settings.search_of(task, one.search)
            if walk:
                self.settings.walk_of(task, walk)
        except InputError as error:
            self.refuse("", f"{setting}: {error}")

    def _require_known_task(self, task: str, setting: str) -> None:
        if task not in self.settings.tasks:
            self.refuse("", f"{setting}: no task {task!r}; 'tasks' has {', '.join(self.settings.tasks)}")

    def _runs(self, role: str, start: StartSettings, ending: str, more: dict[str, str]) -> list[Input]:
        keys = {**start.keys, **more}
        return [
            Input(role=role, path=f"sense/{start.run}{ending.format(seed=seed)}", keys={**keys, "seed": seed})
            for seed in start.seeds or self.task(start.task).seeds
        ]
