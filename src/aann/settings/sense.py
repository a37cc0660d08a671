"""Stage sense (Algorithm 2): ways of searching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from aann.settings.embeddings import TSNESettings
from aann.settings.types import (
    Count,
    Entries,
    LayerName,
    LearningRate,
    Name,
    Section,
    Seed,
    Sparsity,
    SparsityWithNeighbors,
    at_place,
    require_distinct,
)


class SearchImagesSettings(Section):
    """The images that a search counts on. Validation images always choose the network that is kept."""

    split: Literal["train", "validation"] = Field("train", description="The split they are from.")
    count: Literal["all"] | Annotated[int, Field(ge=1)] = Field("all", description="How many, drawn at random.")
    shift: int = Field(
        0, ge=0, le=14, description="They are moved by up to this many pixels each way; 0 for not at all."
    )
    refresh: int = Field(0, ge=0, description="Neighborhoods after which they are drawn and moved again; 0 for never.")


class LayersSettings(Section):
    """In which layers a search moves weights, and in what order."""

    names: list[LayerName] = Field(
        min_length=1,
        description="The layers, by name or by place: `first`, `last`, `all`. If there is one, it is always this.",
    )
    schedule: Literal["cycle", "random", "gain"] = Field(
        "cycle",
        description="`cycle`: one after the other (Figure 6); `random`: drawn (Figure 8); `gain`: drawn in proportion "
        "to what the layer's neighborhoods have gained recently.",
    )
    repeat: int = Field(
        1, ge=1, description="Neighborhoods in a row in the same layer; `gain` draws the layer of each by itself."
    )

    @model_validator(mode="after")
    def _fits(self) -> LayersSettings:
        require_distinct(self.names, "names")
        if self.schedule == "gain" and self.repeat > 1:
            raise ValueError(f"repeat: is {self.repeat}; expected 1 where the schedule is 'gain'")
        return self


class RacingSettings(Section):
    """Neighbors that a sample of the images shows to be worse are dropped before they are counted on all images."""

    share: float = Field(1.0, gt=0, le=1, description="Share of the images in the sample; 1 for no race.")
    error: float = Field(
        0.2, gt=0, lt=0.5, description="Probability, by a t-test, that a neighbor that is no worse is dropped."
    )


class TemperatureSettings(Section):
    """Simulated annealing; in images for `accuracy`, in units of an activation for `margins`."""

    first: float = Field(20.0, gt=0, le=1e9, description="Temperature at the start.")
    last: float = Field(0.1, gt=0, le=1e9, description="Temperature at the end of the budget; it falls geometrically.")


class BestSettings(Section):
    """Algorithm 2: the best neighbor of a neighborhood."""

    kind: Literal["best"] = Field("best", description="Kind of strategy.")


class FirstSettings(Section):
    """Neutral drift: the first neighbor that is not worse."""

    kind: Literal["first"] = Field(description="Kind of strategy.")


class AnnealingSettings(Section):
    """Simulated annealing: also worse neighbors, at a falling temperature."""

    kind: Literal["annealing"] = Field(description="Kind of strategy.")
    temperature: TemperatureSettings = Field(default=TemperatureSettings(), description="How it falls.")


class GreedySettings(Section):
    """Many neighbors of a neighborhood, from the best on."""

    kind: Literal["greedy"] = Field(description="Kind of strategy.")
    most: int = Field(16, ge=1, description="The most swaps of a neighborhood that it looks at and takes.")


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


StrategySettings = Annotated[
    BestSettings | FirstSettings | AnnealingSettings | GreedySettings,
    Field(discriminator="kind"),
    BeforeValidator(_named),
]
"""A strategy. Its name alone means its defaults."""


class BudgetSettings(Section):
    """When a search ends: with the neighborhood that reaches one of these."""

    evaluations: int = Field(ge=1, le=10**12, description="Neighbors evaluated.")
    minutes: float = Field(
        60.0, gt=0, le=10**6, description="Time. A run that ends by it depends on the speed of the machine."
    )


class SearchSettings(Section):
    """One way of searching; runs name it beside their start."""

    strategy: StrategySettings = Field(
        default=BestSettings(),
        description="Which neighbors it goes on to; a name alone (`strategy: first`) means its defaults.",
    )
    objective: Literal["accuracy", "margins"] = Field(
        "accuracy", description="`accuracy`: correct images; `margins`: the sum of margins, limited by `margin`."
    )
    margin: float = Field(
        16.0, gt=0, le=1000, description="Margins above this many units of an activation count as this many."
    )
    deficit: float = Field(
        120.0, gt=0, le=10_000, description="Images that are wrong by more than this, in the same unit, count as this."
    )
    images: SearchImagesSettings = Field(default=SearchImagesSettings(), description="What the search counts on.")
    layers: LayersSettings = Field(description="Where it moves weights.")
    neighbors: dict[LayerName, Count] = Field(
        min_length=1, description="Neighbors surveyed in a neighborhood, by layer, named as in `layers.names`."
    )
    draw: Literal["uniform", "grid"] = Field(
        "uniform",
        description="`uniform`: any neighbors; `grid`: some weights of one sign, each with each of as many places.",
    )
    racing: RacingSettings = Field(default=RacingSettings(), description="What is dropped early.")
    record: int = Field(
        1,
        ge=1,
        description="Neighborhoods after which validation and test images are counted; always after 1, 2, 4, 8, ... "
        "and at the end.",
    )
    budget: BudgetSettings = Field(description="When it ends.")

    @model_validator(mode="after")
    def _neighbors_of_all_layers(self) -> SearchSettings:
        if sorted(self.neighbors) != sorted(self.layers.names):
            raise ValueError(
                f"neighbors: has the layers {', '.join(self.neighbors)}; expected those of layers.names, which are "
                f"{', '.join(self.layers.names)}"
            )
        return self

    def named(self, layers: Sequence[str]) -> SearchSettings:
        """Return this search with layers by name instead of by place; ``layers`` are a network's, from input to output.

        Raises ``ValueError`` for a layer that the network does not have, or that is named twice.
        """
        names = [layer for name in self.layers.names for layer in at_place(name, layers)]
        require_distinct(names, "layers.names")
        counts = {layer: self.neighbors[name] for name in self.layers.names for layer in at_place(name, layers)}
        return self.model_copy(update={"layers": self.layers.model_copy(update={"names": names}), "neighbors": counts})


class BackpropagationSettings(Section):
    """Backpropagation from the sparse ternary networks that searches start from (the lines of Figures 6 to 8)."""

    steps: int = Field(1000, ge=1, description="Minibatches in all.")
    batch_size: int = Field(64, ge=1, description="Images in a minibatch.")
    learning_rate: LearningRate = Field(
        0.01, description="Adam's first learning rate with a straight-through estimator; it falls as a cosine."
    )
    literal_learning_rate: LearningRate = Field(
        0.01, description="Adam's constant learning rate for gradient steps on the ternary weights themselves."
    )
    latent_scale: float = Field(0.05, gt=0, le=1, description="Absolute latent weight at the start.")
    logit_scale: float = Field(
        60.0, gt=0, le=10_000, description="The loss has logits times this, divided by the mean non-zeros of a class."
    )
    gradient_window: float = Field(
        2.0,
        gt=0,
        le=1000,
        description="HardTanh passes gradients up to this times the root of a unit's non-zeros, and at least up to 1.",
    )
    records: int = Field(20, ge=1, description="How many times accuracy is counted along the way.")


class ClimbSettings(Section):
    """Climbs by p-SIREN networks of a task (Figure 5 draws the first); all surveyed networks are embedded."""

    task: Name = Field(description="A name in `tasks`.")
    sparsity: SparsityWithNeighbors = Field(90.0, description="The networks'; one of the task's.")
    seeds: list[Seed] | None = Field(
        None, min_length=1, description="The networks' seeds; the task's first if left out. Figure 5 draws the first."
    )
    layer: LayerName = Field("last", description="The layer in which weights move, by name or by place.")
    neighborhoods: int = Field(6, ge=1, le=6, description="Neighborhoods, each of the best network of the one before.")
    neighbors: int = Field(250, ge=2, description="Neighbors surveyed in each.")
    tsne: TSNESettings = Field(default=TSNESettings(), description="t-SNE.")

    @model_validator(mode="after")
    def _distinct(self) -> ClimbSettings:
        require_distinct(self.seeds or [], "seeds")
        return self


class SelectionSettings(Section):
    """How much of a gain is selection (Figure S3): climbs that choose by few test images, and by validation images."""

    task: Name = Field(description="A name in `tasks`; climbs start from its networks of p-SIREN, one for each seed.")
    sparsity: SparsityWithNeighbors = Field(90.0, description="The networks'; one of the task's.")
    layer: LayerName = Field("last", description="The layer in which weights move, by name or by place.")
    neighborhoods: int = Field(6, ge=1, description="Neighborhoods of a climb.")
    neighbors: list[Annotated[int, Field(ge=1)]] = Field(
        default=[100, 300, 1000, 3000, 10_000], min_length=1, description="Sizes of neighborhoods: a climb for each."
    )
    images: int = Field(1024, ge=1, description="Test images that choose; the others are fresh, for both ways.")

    @model_validator(mode="after")
    def _distinct(self) -> SelectionSettings:
        require_distinct(self.neighbors, "neighbors")
        return self


class ImprovementSettings(Section):
    """What a search adds to the networks of p-SIREN of some tasks, by sparsity (Figure S2)."""

    search: Name = Field(description="A name in `searches`.")
    tasks: list[Name] = Field(min_length=1, description="Names in `tasks`.")
    sparsities: list[Sparsity] | None = Field(
        None, min_length=1, description="Where the networks are searched from, of the tasks'; all if left out."
    )

    @model_validator(mode="after")
    def _distinct(self) -> ImprovementSettings:
        require_distinct(self.tasks, "tasks")
        require_distinct(self.sparsities or [], "sparsities")
        return self

    def covers(self, sparsity: float) -> bool:
        """Return whether networks of a sparsity are searched from: they have neighbors, and are asked for."""
        return 0 < sparsity < 100 and (self.sparsities is None or sparsity in self.sparsities)


_OTHER_RUNS = ("backpropagation", "climb", "selection")
"""Runs of stage sense that are not searches, by their names in paths."""


class SenseSettings(Section):
    """SENSE (Algorithm 2): ways of searching by name, and what is studied beside the runs that figures show."""

    searches: Entries[Name, SearchSettings] = Field(default={}, description="Ways of searching; figures name them.")
    improvement: ImprovementSettings | None = Field(None, description="Makes the table sense/improvement.csv.")
    climb: ClimbSettings | None = Field(None, description="A climb over a few neighborhoods.")
    selection: SelectionSettings | None = Field(None, description="Climbs that choose by few test images, as printed.")
    backpropagation: BackpropagationSettings = Field(
        default=BackpropagationSettings(), description="What the search is compared with in Figures 6 to 8."
    )

    @model_validator(mode="after")
    def _searches_are_there(self) -> SenseSettings:
        for name in _OTHER_RUNS:
            if name in self.searches:
                raise ValueError(f"searches: {name!r} is the name of other runs; choose another name")
        if self.improvement and self.improvement.search not in self.searches:
            known = ", ".join(self.searches) or "none"
            raise ValueError(f"improvement.search: no search {self.improvement.search!r}; 'searches' has {known}")
        return self
