"""A study: all settings of one scale, checked together, and the part of them that a job depends on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from aann.errors import InputError
from aann.settings.claims import ClaimsSettings
from aann.settings.datasets import Dataset, DatasetSettings, DownloadsSettings
from aann.settings.driving import DrivingSettings
from aann.settings.embeddings import EmbeddingsSettings
from aann.settings.export import ExportSettings
from aann.settings.families import FamiliesSettings, GroupSettings, PathSettings, TransferSettings, WalkSettings
from aann.settings.figures import FigureName, FigureSettings, require_names_fit
from aann.settings.files import merge, read_yaml, with_text_keys
from aann.settings.messages import first_problem, lookup, refused_at, suggestion
from aann.settings.neighbors import NeighborsSettings
from aann.settings.networks import NetworkSettings
from aann.settings.psiren import PSirenSettings
from aann.settings.sense import ClimbSettings, SearchSettings, SelectionSettings, SenseSettings
from aann.settings.tasks import TaskSettings, written_out
from aann.settings.types import Entries, Folder, Name, Section, at_place

Climbs = TypeVar("Climbs", ClimbSettings, SelectionSettings)


class Settings(Section):
    """All settings of one scale."""

    scale: Name = Field(description="Names the folder below `results`, such as `paper` or `quick`.")
    standalone: bool = Field(
        False,
        strict=True,
        description="Whether this file is a study of its own; if not, the workflow lays it over `config/config.yaml`.",
    )
    results: Folder = Field("results", description="The folder that all runs write to.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu",
        description="Where networks are trained: `auto` is a GPU where there is one. Trained networks depend on it, "
        "counts do not.",
    )
    networks: Entries[Name, NetworkSettings] = Field(min_length=1, description="Architectures by name.")
    tasks: Entries[Name, TaskSettings] = Field(min_length=1, description="Tasks by name.")
    datasets: Entries[Name, Dataset] = Field(default={}, description="Data sets by name.")
    downloads: DownloadsSettings = Field(default=DownloadsSettings(), description="Archives of data sets.")
    psiren: PSirenSettings = Field(default=PSirenSettings(), description="Stage psiren.")
    neighbors: Entries[Name, NeighborsSettings] = Field(default={}, description="Stage neighbors, by task.")
    embeddings: Entries[Name, EmbeddingsSettings] = Field(default={}, description="Stage embeddings, by task.")
    driving: DrivingSettings = Field(default=DrivingSettings(), description="Stage driving.")
    sense: SenseSettings = Field(default=SenseSettings(), description="Stage sense.")
    families: FamiliesSettings = Field(default=FamiliesSettings(), description="Stage families.")
    export: Entries[Name, ExportSettings] = Field(default={}, description="Stage export, by task.")
    claims: ClaimsSettings = Field(default=ClaimsSettings(), description="Stage claims.")
    figures: Entries[FigureName, FigureSettings] = Field(
        default={},
        description="Stage figures, by name: `snakemake figure_NAME` draws one, and `snakemake NAME` makes a video.",
    )

    @model_validator(mode="after")
    def _networks_fit(self) -> Settings:
        for name, task in self.tasks.items():
            if task.network not in self.networks:
                known = ", ".join(self.networks)
                raise ValueError(f"tasks.{name}.network: no network {task.network!r}; 'networks' has {known}")
            if self.datasets:  # as not in the part of a stage that reads splits
                self._require_data_fit(name, task)
        return self

    def _require_data_fit(self, name: str, task: TaskSettings) -> None:
        """Raise ``ValueError`` unless the network of a task takes the images of its data set, and has its classes."""
        if task.dataset not in self.datasets:
            hint, known = suggestion(task.dataset, self.datasets), ", ".join(self.datasets) or "none"
            raise ValueError(f"tasks.{name}.dataset: no data set {task.dataset!r}{hint}; 'datasets' has {known}")
        expected = self.networks[task.network].lacking(self.datasets[task.dataset])
        if expected:
            raise ValueError(
                f"tasks.{name}.network: {task.network!r} does not fit {task.dataset!r}; expected {expected}"
            )

    @model_validator(mode="after")
    def _densities_fit(self) -> Settings:
        for name, task in self.tasks.items():
            section = f"tasks.{name}.psiren" if task.psiren else "psiren"
            self._require_layers(f"{section}.sparsify.densities", name, self.psiren_of(name).sparsify.densities)
        return self

    @model_validator(mode="after")
    def _neighbors_fit(self) -> Settings:
        for name, studied in self.neighbors.items():
            self._require_task("neighbors", name)
            absent = [sparsity for sparsity in studied.sparsities if sparsity not in self.tasks[name].sparsities]
            if absent:
                raise ValueError(f"neighbors.{name}.sparsities: {absent[0]:g} is not in tasks.{name}.sparsities")
            self._require_layers(f"neighbors.{name}.first", name, studied.first)
            self._require_layers(f"neighbors.{name}.others", name, studied.others)
        return self

    @model_validator(mode="after")
    def _export_fits(self) -> Settings:
        for name, exported in self.export.items():
            self._require_task("export", name)
            absent = [sparsity for sparsity in exported.sparsities if sparsity not in self.tasks[name].sparsities]
            if absent:
                raise ValueError(f"export.{name}.sparsities: {absent[0]:g} is not in tasks.{name}.sparsities")
            if "page" in exported.formats:
                self._require_grey(f"export.{name}.formats", name)
        return self

    def _require_grey(self, key: str, task: str) -> None:
        """Raise ``ValueError`` unless a visitor of a page can draw inputs of the network of a task."""
        network = self.networks.get(self.tasks[task].network)
        if network and (network.input_shape[0] != 1 or network.signed):
            signed = " and signed: true" if network.signed else ""
            raise ValueError(
                f"{key}: page needs grey images to draw on, and tasks.{task}.network has input_shape "
                f"{network.input_shape}{signed}; choose others"
            )

    @model_validator(mode="after")
    def _embeddings_fit(self) -> Settings:
        for name, embedded in self.embeddings.items():
            self._require_task("embeddings", name)
            self._require_layers(f"embeddings.{name}.layers", name, embedded.layers)
            studied = self.neighbors.get(name)
            if studied is None:
                continue  # as in the part of one stage; the workflow asks for both
            if embedded.sparsity not in studied.sparsities:
                raise ValueError(
                    f"embeddings.{name}.sparsity: {embedded.sparsity:g} is not in neighbors.{name}.sparsities"
                )
            uncounted = [layer for layer in embedded.layers if layer not in studied.first]
            if uncounted:
                raise ValueError(f"embeddings.{name}.layers: {uncounted[0]!r} is not in neighbors.{name}.first")
        return self

    @model_validator(mode="after")
    def _figures_fit(self) -> Settings:
        require_names_fit(self.figures)
        return self

    def _require_task(self, section: str, name: str) -> None:
        if name not in self.tasks:
            raise ValueError(f"{section}.{name}: no such task; 'tasks' has {', '.join(self.tasks)}")

    def _require_layers(self, key: str, task: str, layers: Iterable[str]) -> None:
        network = self.networks.get(self.tasks[task].network)
        known = [layer.name for layer in network.layers] if network else list(layers)
        unknown = [layer for layer in layers if layer not in known]
        if unknown:
            raise ValueError(f"{key}: no layer {unknown[0]!r}; the task's network has {', '.join(known)}")

    def task(self, name: str) -> TaskSettings:
        """Return the settings of a task; raise ``InputError`` if there is none of that name."""
        return lookup(self.tasks, name, "task", "tasks")

    def dataset(self, task: str) -> DatasetSettings:
        """Return the settings of a task's data set; raise ``InputError`` if there is none of that name."""
        return lookup(self.datasets, self.task(task).dataset, "data set", "datasets")

    def figure(self, name: str) -> FigureSettings:
        """Return the entry of a figure; raise ``InputError`` if there is none of that name."""
        return lookup(self.figures, name, "figure", "figures")

    def is_driven(self, task: str) -> bool:
        """Return whether a task's networks drive."""
        return self.dataset(task).kind == "driving"

    def data_title(self, task: str) -> str:
        """Return what a figure says the data of a task are."""
        title = self.task_title(task)
        return title if self.scale == "paper" or self.standalone else f"{title} ({self.scale} scale)"

    def task_title(self, task: str) -> str:
        """Return the title of a task's data; in a study of one's own, with the task's name if others have the same."""
        titles = [self.dataset(name).title or self.task(name).dataset for name in (task, *self.tasks)]
        shared = titles.count(titles[0]) > 2  # it is among all tasks, too
        return f"{titles[0]} ({task})" if self.standalone and shared else titles[0]

    def psiren_of(self, task: str) -> PSirenSettings:
        """Return the settings of p-SIREN for a task: its own, or those of all tasks."""
        return self.task(task).psiren or self.psiren

    def part(self, section: str, task: str) -> dict[str, Any]:
        """Return, as settings in their own right, what the result of one stage for one task depends on.

        They lack the lists of sparsities and seeds, since a network does not depend on which others are made. They also
        lack the title of its data set, which only figures show.
        """
        chosen = self.task(task)
        found = self.psiren_of(task) if section == "psiren" else getattr(self, section)
        if section == "datasets":
            values = {chosen.dataset: self.dataset(task).model_dump(exclude={"title"})}
        elif isinstance(found, dict):
            values = {task: lookup(found, task, "task", section).model_dump()}
        else:
            values = found.model_dump()
        return {
            "scale": self.scale,
            "networks": {chosen.network: self.networks[chosen.network].model_dump()},
            "tasks": {task: chosen.model_dump(exclude={"sparsities", "seeds", "psiren"})},
            section: values,
            **(self._device if section == "psiren" else {}),
        }

    @property
    def _device(self) -> dict[str, str]:
        """What a stage that trains depends on beside its own settings: the device, unless it is the CPU."""
        return {} if self.device == "cpu" else {"device": self.device}

    def layers(self, task: str) -> list[str]:
        """Return the names of the layers of a task's network, from input to output."""
        return [layer.name for layer in self.networks[self.task(task).network].layers]

    def search_of(self, task: str, name: str) -> SearchSettings:
        """Return a search for a task, with the layers of its network by name instead of by place.

        Raises ``InputError`` for an unknown search, and for layers that the network does not have.
        """
        chosen = lookup(self.sense.searches, name, "search", "sense.searches")
        with refused_at(f"sense.searches.{name}.layers.names"):
            return chosen.named(self.layers(task))

    def walk_of(self, task: str, name: str) -> WalkSettings:
        """Return a walk for a task, with the layers of its network by name instead of by place.

        Raises ``InputError`` for an unknown walk, and for layers that the network does not have.
        """
        chosen = lookup(self.families.walks, name, "walk", "families.walks")
        with refused_at(f"families.walks.{name}.layers"):
            return chosen.named(self.layers(task))

    def walk(self, task: str, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what one walk for one task depends on.

        Raises ``InputError`` as ``walk_of`` does.
        """
        chosen = self.walk_of(task, name).model_dump()
        return self.part("families", task) | {"families": {"walks": {name: chosen}}}

    def group(self, name: str) -> GroupSettings:
        """Return a group of networks; raise ``InputError`` if there is none of that name."""
        return lookup(self.families.groups, name, "group", "families.groups")

    def group_part(self, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what the comparison of a group depends on, seeds among them.

        Raises ``InputError`` as ``group`` does.
        """
        chosen = self.group(name)
        part = self.part("families", chosen.task) | {"families": {"groups": {name: chosen.model_dump()}}}
        part["tasks"][chosen.task]["seeds"] = self.task(chosen.task).seeds
        return part

    def path_of(self, name: str) -> PathSettings:
        """Return a path, with the layers of its task's network by name instead of by place.

        Raises ``InputError`` for an unknown path, and for layers that the network does not have.
        """
        chosen = lookup(self.families.paths, name, "path", "families.paths")
        with refused_at(f"families.paths.{name}.layers"):
            return chosen.named(self.layers(chosen.start.start.task))

    def path_part(self, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a path depends on. Raises as ``path_of``."""
        chosen = self.path_of(name)
        return self.part("families", chosen.start.start.task) | {"families": {"paths": {name: chosen.model_dump()}}}

    def transfer(self, name: str) -> TransferSettings:
        """Return a transfer to another task; raise ``InputError`` if there is none of that name."""
        return lookup(self.families.transfers, name, "transfer", "families.transfers")

    def transfer_part(self, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a transfer depends on.

        Raises ``InputError`` as ``transfer`` and ``search_of`` do.
        """
        chosen = self.transfer(name)
        searches = {search: self.search_of(chosen.task, search).model_dump() for search in chosen.searches}
        families = {"transfers": {name: chosen.model_dump()}}
        return self.part("families", chosen.task) | {"families": families, "sense": {"searches": searches}}

    def climb_of(self, task: str) -> ClimbSettings:
        """Return the settings of the climb, with the layer of a task's network by name instead of by place.

        Raises ``InputError`` if there is none, and for a layer that the network does not have.
        """
        return self._placed(self.sense.climb, "climb", task)

    def selection_of(self, task: str) -> SelectionSettings:
        """Return the settings of the selection as ``climb_of`` does those of the climb, and raise as it does."""
        return self._placed(self.sense.selection, "selection", task)

    def _placed(self, chosen: Climbs | None, key: str, task: str) -> Climbs:
        """Return settings of climbs in one layer, with the layer by name."""
        if chosen is None:
            raise InputError(f"the setting 'sense.{key}' is not set")
        with refused_at(f"sense.{key}.layer"):
            (layer,) = at_place(chosen.layer, self.layers(task))
        return chosen.model_copy(update={"layer": layer})

    def search(self, task: str, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a run of one search for one task depends on.

        Raises ``InputError`` as ``search_of`` does.
        """
        chosen = self.search_of(task, name).model_dump()
        return self.part("sense", task) | {"sense": {"searches": {name: chosen}}}

    def network_part(self, task: str) -> dict[str, Any]:
        """Return, as settings in their own right, the network of a task, and the data set that it is made for."""
        return self.part("datasets", task)

    def sense_part(self, task: str, key: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a job for one key of ``sense`` depends on, without searches."""
        trained = self._device if key == "backpropagation" else {}
        placed = {"climb": self.climb_of, "selection": self.selection_of}
        chosen = placed[key](task) if key in placed else getattr(self.sense, key)
        values = chosen.model_dump(exclude={"seeds"})
        return self.part("sense", task) | {"sense": {key: values}} | trained

    def driving_part(self, task: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return, as settings in their own right, what a job for a task that needs keys of `driving` depends on."""
        trained = self._device if "psiren" in keys else {}
        driving = {"driving": self.driving.model_dump(include=set(keys))}
        return self.part("datasets", task) | driving | trained

    def network(self, task: str) -> dict[str, Any]:
        """Return the specification of a task's network, for ``Architecture.from_dict``."""
        return self.networks[self.task(task).network].model_dump()


def validate(values: Mapping[str, Any], source: str = "configuration") -> Settings:
    """Return validated settings.

    Raises ``InputError`` with one line that names the first wrong key, its value and what was expected.
    """
    from aann.networks import Architecture

    if not isinstance(values, Mapping):
        raise InputError(f"{source}: expected a mapping of settings, got {type(values).__name__}")
    try:
        plain = json.loads(json.dumps(with_text_keys(values)))
        settings = Settings.model_validate(written_out(plain))
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, Settings)}") from error
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}; expected only text, numbers, lists and mappings") from error
    for name, network in settings.networks.items():
        try:
            Architecture.from_dict(network.model_dump())
        except InputError as error:
            raise InputError(f"{source}: networks.{name}: {error}") from error
    return settings


def require_data(settings: Settings) -> None:
    """Raise ``InputError`` with one line that names the key if the data set of a task is not there.

    The part of settings that a job gets is valid without one, if the job only reads splits. The workflow needs all.
    """
    try:
        for name, task in settings.tasks.items():
            settings._require_data_fit(name, task)
            made = Path(settings.results, settings.scale, "datasets", f"{name}.safetensors").exists()
            for key, place in settings.datasets[task.dataset].places.items() if not made else ():
                if not Path(place).exists():
                    raise ValueError(f"datasets.{task.dataset}.{key}: {place} is not there, as seen from {Path.cwd()}")
    except ValueError as error:
        raise InputError(f"configuration: {error}; see config/README.md") from error


_BELOW = "config/config.yaml"
"""The file that files of other scales are laid over."""


def load(paths: Iterable[Path | str]) -> Settings:
    """Read YAML files, each laid over those before it, and validate the result.

    Raises ``InputError`` if a file is missing or is not YAML, or if a setting is wrong.
    """
    merged: dict[str, Any] = {}
    names = [str(path) for path in paths]
    for path in names:
        merged = merge(merged, read_yaml(Path(path)))
    source, absent = " + ".join(names), _absent(merged)
    if absent and not merged.get("standalone") and not any(name.endswith(_BELOW) for name in names):
        raise InputError(
            f"{source}: setting '{absent[0]}' is missing; files are laid over one another, and nothing is below the "
            f"first: --configfile {_BELOW} --configfile {' --configfile '.join(names)}"
        )
    return validate(merged, source=source)


def _absent(values: Mapping[str, Any]) -> list[str]:
    """Return the settings without a default that a configuration lacks."""
    return [key for key, field in Settings.model_fields.items() if field.is_required() and key not in values]


def completed(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a configuration as it is if it has all settings without a default, or else laid over those of a file.

    Raises ``InputError`` if the file is missing or is not YAML.
    """
    return merge(read_yaml(path), values) if _absent(values) else dict(values)
