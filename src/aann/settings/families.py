"""Stage families: walks that replace every connection of a network, and what their ends are compared with and serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from aann.settings.sense import SearchImagesSettings
from aann.settings.starts import WalkedSettings
from aann.settings.types import Count, Entries, LayerName, Name, Section, Seed, Sparsity, at_place, require_distinct

ONE = "one"
"""The set of single networks with as many connections as several of a group."""


class MovesSettings(Section):
    """What one step of a walk looks at in a layer: some connections, and some places for them."""

    connections: int = Field(64, ge=1, description="Connections, drawn at random.")
    places: int = Field(256, ge=1, description="Empty places, drawn at random, where they may go anywhere.")
    most: int = Field(16, ge=1, description="The most of them that move in one step.")
    sample: float = Field(0.2, gt=0, le=1, description="Share of the images on which all are looked at first.")
    repeat: int = Field(1, ge=1, description="How often a repair does this; more where it costs less.")


class WalkBudgetSettings(Section):
    """When a walk ends if not all connections have moved: with the step that reaches one of these."""

    evaluations: int = Field(ge=1, le=10**12, description="Neighbors evaluated.")
    minutes: float = Field(
        60.0, gt=0, le=10**6, description="Time. A walk that ends by it depends on the speed of the machine."
    )


class WalkSettings(Section):
    """One way of walking: connection after connection moves to a place that the start has left empty."""

    limit: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Share of the images that the start gets right whose margins lie below the limit. Larger margins "
        "count as the limit.",
    )
    deficit: float = Field(3.0, gt=0, le=1000, description="Images that are wrong by more limits count as this many.")
    tolerance: float = Field(
        -0.01,
        ge=-1000,
        le=1000,
        description="How far the mean margin of an image may be below the start's, in limits; negative for how far "
        "above it has to be.",
    )
    last: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of the connections. While the last of them move, what the mean margin has to be above the "
        "start's falls to 0.",
    )
    loan: float = Field(
        0.0025,
        ge=0,
        le=1000,
        description="How far it may be below while a step is under way, in limits, before what moved is made up for.",
    )
    reach: int = Field(
        1,
        ge=0,
        le=1000,
        description="How many pixels a connection moves at most, with the same unit and channel, while some can; 0 for "
        "anywhere.",
    )
    patience: int = Field(
        20, ge=1, description="Repairs after which a step that is still below goes back to where it began."
    )
    afterwards: int = Field(
        120,
        ge=0,
        description="Repairs after the last connection has moved, at most. They end when the mean margin is again as "
        "far above the start's as `tolerance` asks for.",
    )
    images: SearchImagesSettings = Field(
        default=SearchImagesSettings(), description="What the walk counts on; `refresh` is in steps."
    )
    layers: dict[LayerName, MovesSettings] = Field(
        min_length=1, description="Where connections move, by name or by place: `first`, `last`, `all`."
    )
    repairs: list[LayerName] = Field(
        min_length=1, description="Layers in which other swaps make up for what moved, by name or by place."
    )
    survey: dict[LayerName, Count] = Field(
        default={},
        description="First neighbors that are drawn and counted on validation images whenever the network is, by the "
        "name or place of their layer.",
    )
    seed: Seed = Field(0, description="Another one makes another walk from the same network.")
    record: int = Field(
        50, ge=1, description="Steps after which the network is counted on all images; also at the start and the end."
    )
    budget: WalkBudgetSettings = Field(description="When it ends.")

    @model_validator(mode="after")
    def _distinct(self) -> WalkSettings:
        require_distinct(self.repairs, "repairs")
        return self

    def named(self, layers: Sequence[str]) -> WalkSettings:
        """Return this walk with layers by name instead of by place; ``layers`` are a network's, from input to output.

        A layer that is named twice has the moves that are named last. Raises ``ValueError`` for a layer that the
        network does not have, and for repairs in a layer without moves.
        """
        moves = {layer: one for name, one in self.layers.items() for layer in at_place(name, layers)}
        repairs = [layer for name in self.repairs for layer in at_place(name, layers)]
        require_distinct(repairs, "repairs")
        without = [layer for layer in repairs if layer not in moves]
        if without:
            raise ValueError(f"repairs: {without[0]!r} is not in 'layers', which has {', '.join(moves)}")
        ordered = {layer: moves[layer] for layer in layers if layer in moves}
        survey = {layer: count for name, count in self.survey.items() for layer in at_place(name, layers)}
        return self.model_copy(update={"layers": ordered, "repairs": repairs, "survey": survey})


class MembersSettings(WalkedSettings):
    """Networks that are alike: of p-SIREN, of a search, or ends of walks."""

    walks: list[Name] = Field([], description="Their walks, names in `walks`; empty for the networks themselves.")
    seeds: Literal["all", "first"] = Field("all", description="Those of all seeds of the start, or of its first.")


class DisturbancesSettings(Section):
    """Disturbed test images, on which ensembles are counted too; all in integers, drawn by a seed."""

    shifted: int = Field(2, ge=0, le=14, description="Pixels by which an image is moved at most, each way.")
    rotated: int = Field(20, ge=0, le=180, description="Degrees by which it is turned at most, either way.")
    noisy: int = Field(60, ge=0, le=255, description="What is added to or taken from a pixel at most.")
    blurred: int = Field(2, ge=0, le=20, description="How often each pixel is averaged with those around it.")
    occluded: int = Field(9, ge=0, le=1000, description="Side of a square of zeros, in pixels.")
    seed: Seed = Field(0, description="Draws how each image is disturbed.")


class GroupSettings(Section):
    """Networks of one task and sparsity that are compared with each other, and vote together."""

    task: Name = Field(description="A name in `tasks`.")
    sets: Entries[Name, list[MembersSettings]] = Field(
        min_length=1, max_length=5, description="Sets of networks by name, each of one kind or of several."
    )
    pairs: list[Name] = Field([], description="Sets whose networks are compared two by two; all sets if empty.")
    sizes: Entries[Annotated[int, Field(ge=1)], Sparsity] = Field(
        default={},
        description="How many vote together, and the sparsity of one network of p-SIREN with as many connections.",
    )
    disturbances: DisturbancesSettings = Field(default=DisturbancesSettings(), description="Other test images.")

    @model_validator(mode="after")
    def _fits(self) -> GroupSettings:
        if ONE in self.sets:
            raise ValueError(f"sets.{ONE}: is the name of single networks with as many connections; choose another")
        sparsity = next((one.start.sparsity for kinds in self.sets.values() for one in kinds), None)
        for name, kinds in self.sets.items():
            for place, one in enumerate(kinds):
                key, expected = f"sets.{name}.{place}", {"task": self.task, "sparsity": sparsity}
                for field, value in expected.items():
                    found = getattr(one.start, field)
                    if found != value:
                        raise ValueError(f"{key}.start.{field}: is {found!r}; expected {value!r}, the group's")
        require_distinct(self.pairs, "pairs")
        for place, name in enumerate(self.pairs):
            if name not in self.sets:
                raise ValueError(f"pairs.{place}: is {name!r}; expected one of sets: {', '.join(self.sets)}")
        return self

    @property
    def compared(self) -> list[str]:
        """The sets whose networks are compared two by two."""
        return self.pairs or list(self.sets)


class EndSettings(WalkedSettings):
    """One network, or one for each seed of its task: of p-SIREN, of a search, or the end of a walk."""

    walk: Literal[""] | Name = Field("", description="A name in `walks`, for the end of a walk; empty for none.")


def _require_seeds_of_the_task(key: str, one: WalkedSettings) -> None:
    if one.start.seeds is not None:
        raise ValueError(f"{key}.start.seeds: seeds are those of the task; leave them out")


class PathSettings(Section):
    """A path between two networks of one family."""

    start: EndSettings = Field(description="Where it begins.")
    end: EndSettings = Field(description="Where it ends.")
    margin: float = Field(8.0, gt=0, le=1000, description="As that of searches.")
    deficit: float = Field(24.0, gt=0, le=10_000, description="As that of searches.")
    images: int = Field(
        10_000, ge=1, description="Training images on which swaps are chosen, or all if there are fewer."
    )
    layers: dict[LayerName, MovesSettings] = Field(
        min_length=1, description="What a step looks at in each layer, by name or by place; all layers are needed."
    )
    detours: int = Field(2, ge=1, description="Detours after each step, where there are some.")
    seed: Seed = Field(0, description="Draws what steps look at.")

    @model_validator(mode="after")
    def _of_one_family(self) -> PathSettings:
        for key in ("task", "sparsity"):
            found, expected = getattr(self.end.start, key), getattr(self.start.start, key)
            if found != expected:
                raise ValueError(f"end.start.{key}: is {found!r}; expected {expected!r}, the start's")
        _require_seeds_of_the_task("start", self.start)
        _require_seeds_of_the_task("end", self.end)
        return self

    def named(self, layers: Sequence[str]) -> PathSettings:
        """Return this path with layers by name instead of by place; raise ``ValueError`` unless all are there."""
        moves = {layer: one for name, one in self.layers.items() for layer in at_place(name, layers)}
        without = [layer for layer in layers if layer not in moves]
        if without:
            raise ValueError(f"has no layer {without[0]!r}; a path needs {', '.join(layers)}")
        return self.model_copy(update={"layers": {layer: moves[layer] for layer in layers}})


class SourceSettings(EndSettings):
    """Networks that are to serve another task, one for each seed of their own."""

    shuffled: bool = Field(
        False,
        description="Whether the weights of each layer go to random places, by the seed; the counts stay.",
    )


class RotationSettings(Section):
    """How images are turned about their middle: all of them, by an angle each, drawn between two."""

    least: int = Field(ge=0, le=180, description="The smallest angle, in degrees to the left.")
    most: int = Field(ge=0, le=180, description="The largest one.")
    seed: Seed = Field(0, description="Draws the angles.")

    @model_validator(mode="after")
    def _in_order(self) -> RotationSettings:
        if self.most < self.least:
            raise ValueError(f"most: is {self.most}; expected {self.least} or more, which is the least")
        return self


class TransferSettings(Section):
    """Networks of one task that a search adapts to another task, or to turned images of their own."""

    starts: Entries[Name, SourceSettings] = Field(
        min_length=1, max_length=5, description="Networks of one task by name; figures compare them."
    )
    to: Name = Field(description="The task that they are to serve, a name in `tasks`; with a rotation, any.")
    rotation: RotationSettings | None = Field(None, description="How its images are turned; they are not without.")
    searches: list[Name] = Field(
        min_length=1, max_length=3, description="Names in `sense.searches`; from each start, with each of them."
    )

    @model_validator(mode="after")
    def _is_to_another_task(self) -> TransferSettings:
        require_distinct(self.searches, "searches")
        for name, one in self.starts.items():
            for key in ("task", "sparsity"):
                found, expected = getattr(one.start, key), getattr(self, key)
                if found != expected:
                    raise ValueError(f"starts.{name}.start.{key}: is {found!r}; expected {expected!r}, as the others")
            _require_seeds_of_the_task(f"starts.{name}", one)
        if self.to == self.task and self.rotation is None:
            raise ValueError(f"to: is {self.to!r}, the task of the starts; name another, or a rotation")
        return self

    @property
    def task(self) -> str:
        """The task of the networks."""
        return next(iter(self.starts.values())).start.task

    @property
    def sparsity(self) -> float:
        """The sparsity of the networks, and of those trained on the new task that they are compared with."""
        return next(iter(self.starts.values())).start.sparsity


class FamiliesSettings(Section):
    """Families: ways of walking, and networks that are compared; figures name them."""

    walks: Entries[Name, WalkSettings] = Field(default={}, description="Ways of walking by name.")
    paths: Entries[Name, PathSettings] = Field(default={}, description="Paths between two networks, by name.")
    groups: Entries[Name, GroupSettings] = Field(default={}, description="Networks that are compared, by name.")
    transfers: Entries[Name, TransferSettings] = Field(
        default={}, description="Networks that are to serve another task, by name."
    )
