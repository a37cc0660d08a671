"""Settings: what a user may choose, with types, units, defaults and allowed values.

The models below are the one definition. ``workflow/schemas/config.schema.yaml`` and the table in ``config/README.md``
are written from them (``python -m aann settings``), and a test holds all three equal. Stages receive the part of the
settings that concerns them, so importing this module never makes a result depend on settings of another stage.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from aann.addresses import shown
from aann.errors import InputError

IMAGES = {
    "mnist": ([1, 28, 28], 10),
    "fashion-mnist": ([1, 28, 28], 10),
    "digits": ([1, 28, 28], 10),
    "letters": ([1, 28, 28], 10),
    "driving": ([2, 84, 84], 3),
    "driving-rgb": ([3, 72, 72], 3),
}
"""Of every data set: channels, height and width of an image, and the number of classes."""

SIGNED = {"driving": 51, "driving-rgb": 128}
"""Data sets whose images hold negative integers, and the largest magnitude in them."""


def _three_decimals(value: float) -> float:
    if round(value, 3) != value:
        raise ValueError("sparsities have at most three decimals")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("expected characters that can be printed, on one line")
    return value


def _not_too_long(value: str) -> str:
    if any(len(part.encode()) > _LONGEST_NAME for part in Path(value).parts):
        raise ValueError(f"names of folders have at most {_LONGEST_NAME} bytes")
    return value


_LONGEST_NAME = 255
"""Of a file or folder, as file systems have it."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
LayerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Sparsity = Annotated[float, Field(ge=0, le=100), AfterValidator(_three_decimals)]
Printable = AfterValidator(_printable)
Folder = Annotated[str, Field(pattern=r"^[^~{}*?\n-][^{}*?\n]*$"), Printable, AfterValidator(_not_too_long)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Epochs = Annotated[float, Field(ge=0, le=10_000)]
PositiveEpochs = Annotated[float, Field(gt=0, le=10_000)]
LearningRate = Annotated[float, Field(gt=0, le=1)]


class _Settings(BaseModel):
    """Unknown keys are errors, and nothing changes after validation.

    A number may come as text, since Snakemake hands on nested values of ``--config`` that way; true and false are no
    numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _booleans_are_no_numbers(cls, values: Any) -> Any:
        for key, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(key)
            items = value if isinstance(value, list) else [value]
            if field and field.annotation is not bool and any(isinstance(item, bool) for item in items):
                raise ValueError(f"{key}: true and false do not stand for numbers or names")
        return values


class ConvolutionSettings(_Settings):
    """A convolution without bias, then HardTanh, then max-pooling."""

    type: Literal["convolution"] = Field(description="Kind of layer.")
    name: LayerName = Field(description="The layer's name in files and figures.")
    filters: int = Field(ge=1, description="Output channels.")
    kernel: int = Field(ge=1, description="Side of the kernel, in pixels.")
    stride: int = Field(1, ge=1, description="Step of the kernel, in pixels.")
    padding: int = Field(0, ge=0, description="Zeros added on each side, in pixels.")
    pool: int = Field(0, ge=0, description="Side of the max-pooling window, in pixels; 0 for none.")
    pool_stride: int = Field(0, ge=0, description="Step of the pooling window, in pixels; 0 for its side.")


class DenseSettings(_Settings):
    """A fully connected layer without bias; HardTanh follows unless it is the last."""

    type: Literal["dense"] = Field(description="Kind of layer.")
    name: LayerName = Field(description="The layer's name in files and figures.")
    units: int = Field(ge=1, description="Outputs; in the last layer, classes.")


LayerSettings = Annotated[ConvolutionSettings | DenseSettings, Field(discriminator="type")]


class NetworkSettings(_Settings):
    """An architecture: layer specifications from input to logits."""

    input_shape: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=3, max_length=3, description="Channels, height and width of the input."
    )
    input_scale: int = Field(
        255, ge=1, lt=2**15, description="The input value that stands for 1; HardTanh clamps at it."
    )
    signed: bool = Field(False, strict=True, description="Whether inputs may be negative, down to -input_scale.")
    layers: list[LayerSettings] = Field(min_length=1, description="Layers in order; the last is dense.")


class DatasetSettings(_Settings):
    """Where data come from and how they are split."""

    folder: Folder = Field("results/datasets", description="Where archives are kept, for all scales.")
    mirrors: list[Annotated[str, Field(min_length=1), Printable]] = Field(
        default=[],
        description="Folders or URLs that hold `mnist/` and `fashion-mnist/`, or torchvision's `MNIST/raw/` and "
        "`FashionMNIST/raw/`; tried after the environment variable `AANN_DATA_MIRROR` and before torchvision's own "
        "addresses.",
    )
    validation_images: int = Field(10_000, ge=1, description="Training images set aside to choose networks by.")
    test_images: int = Field(600, ge=1, description="Test images of the data sets that are made here.")
    letters: int = Field(3000, ge=20, description="Images that are drawn for `letters`.")
    seed: Seed = Field(0, description="Draws the validation images (and, for made data sets, the data).")


class DenseTrainingSettings(_Settings):
    """Algorithm 1, step 1."""

    epochs: PositiveEpochs = Field(3, description="n1, epochs of dense training.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")


class SparsifySettings(_Settings):
    """Algorithm 1, step 2, done once on the way to the largest sparsity; each level is a stop on that way."""

    epochs: PositiveEpochs = Field(8, description="n2, epochs from dense to the largest sparsity.")
    learning_rate: LearningRate = Field(0.005, description="Adam's constant learning rate.")
    interval: int = Field(20, ge=1, description="Minibatches between two prunings.")
    distribution: Literal["uniform", "global"] = Field(
        "uniform", description="`uniform`: every layer has the same sparsity; `global`: the smallest weights of all."
    )


class FineTuneSettings(_Settings):
    """Algorithm 1, step 3."""

    epochs: Epochs = Field(0.5, description="n3, epochs at the final mask; 0 for none.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")


class BinarySettings(_Settings):
    """Algorithm 1, step 4: ternary weights from latent weights in [-1, 1], by a straight-through estimator."""

    epochs: PositiveEpochs = Field(3, description="n4, epochs of all layers together.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")
    mask: Literal["dynamic", "fixed"] = Field(
        "dynamic", description="`dynamic`: the non-zero weights are always the largest latent ones; `fixed`: step 3's."
    )
    latent_scale: float = Field(0.3, gt=0, le=1, description="Mean absolute latent weight of a layer at the start.")
    logit_scale: float = Field(
        60.0, gt=0, le=10_000, description="The loss sees logits times this, divided by the non-zeros of a class."
    )
    gradient_window: float = Field(
        0.4,
        gt=0,
        le=1000,
        description="HardTanh passes gradients up to this many roots of a unit's non-zeros (and at least up to 1).",
    )
    last_layer_epochs: Epochs = Field(
        15, description="Further epochs of the last layer alone, over stored features; 0 for none."
    )
    last_layer_learning_rate: LearningRate = Field(0.002, description="Its first learning rate; it falls as a cosine.")
    last_layer_batch_size: int = Field(512, ge=1, description="Its images a minibatch.")


class PSirenSettings(_Settings):
    """p-SIREN (Algorithm 1)."""

    batch_size: int = Field(64, ge=1, description="Images a minibatch.")
    shift: int = Field(
        1, ge=0, le=14, description="Training images are moved by up to this many pixels each way; 0 for not at all."
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        "auto",
        description="Type in which training convolves; evaluation is always exact. `auto`: bfloat16 where the "
        "processor has instructions for it, else float32.",
    )
    dense: DenseTrainingSettings = Field(default=DenseTrainingSettings(), description="Step 1, dense training.")
    sparsify: SparsifySettings = Field(default=SparsifySettings(), description="Step 2, gradual sparsification.")
    fine_tune: FineTuneSettings = Field(default=FineTuneSettings(), description="Step 3, fine-tuning.")
    binary: BinarySettings = Field(default=BinarySettings(), description="Step 4, binarized training.")


class TaskSettings(_Settings):
    """A data set, the network that learns it, and the sparsities at which it is studied."""

    dataset: Literal["mnist", "fashion-mnist", "digits", "letters", "driving", "driving-rgb"] = Field(
        description="`mnist`, `fashion-mnist`: downloaded; `digits` (scikit-learn), `letters` (drawn), `driving` (road "
        "and its movement in CarRacing) and `driving-rgb` (a frame in color): made here."
    )
    network: Name = Field(description="A name in `networks`.")
    sparsities: list[Sparsity] = Field(default=[90.0], min_length=1, description="Percentages of zero weights.")
    seeds: list[Seed] = Field(default=[0, 1, 2], min_length=1, description="One network a seed at every sparsity.")
    psiren: PSirenSettings | None = Field(None, description="p-SIREN for this task, in place of section `psiren`.")

    @model_validator(mode="after")
    def _distinct(self) -> TaskSettings:
        _require_distinct(self.sparsities, "sparsities")
        _require_distinct(self.seeds, "seeds")
        return self


def _amount(value: Any) -> Any:
    number = value.replace("_", "") if isinstance(value, str) else value
    if isinstance(number, str) and number.isdecimal():
        number = int(number)
    if number != "exhaustive" and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise ValueError("expected exhaustive or a whole number of at least 1")
    return number


Amount = Annotated[Literal["exhaustive"] | Annotated[int, Field(ge=1)], BeforeValidator(_amount)]


class NeighborsSettings(_Settings):
    """Which first neighbors of a task's networks are counted (Figure 3): by layer, a number of them or `exhaustive`."""

    sparsities: list[Sparsity] = Field(min_length=1, description="Of the task's sparsities, those to study.")
    first: dict[LayerName, Amount] = Field(min_length=1, description="Neighbors a layer, for the task's first seed.")
    others: dict[LayerName, Amount] = Field(default={}, description="Neighbors a layer, for its other seeds.")

    @model_validator(mode="after")
    def _distinct(self) -> NeighborsSettings:
        _require_distinct(self.sparsities, "sparsities")
        return self


class TSNESettings(_Settings):
    """t-SNE (Figures 4 and 10); scikit-learn's names."""

    perplexity: float = Field(30.0, gt=1, le=1000, description="About how many neighbors of a point count.")
    max_iter: int = Field(1000, ge=250, description="Steps of the optimization.")


class IsomapSettings(_Settings):
    """Isomap (Figure 11); scikit-learn's names."""

    n_neighbors: int = Field(60, ge=2, description="Neighbors that a point is joined to.")


class LLESettings(_Settings):
    """Locally linear embedding (Figure 11); scikit-learn's names."""

    n_neighbors: int = Field(60, ge=2, description="Neighbors that a point is written as a mean of.")
    reg: float = Field(0.001, gt=0, le=1, description="Regularization of these means.")


class EmbeddingsSettings(_Settings):
    """First neighbors of the first seed's network, embedded by the flattened weights of the layer with the swap."""

    sparsity: Sparsity = Field(90.0, description="The network's; one of `neighbors`.")
    layers: list[LayerName] = Field(min_length=1, description="Layers, each embedded for itself.")
    count: int = Field(1500, ge=10, description="Neighbors that are embedded.")
    sources: int = Field(
        20,
        ge=1,
        description="With the sampling `sources`, so many weights move; with `uniform`, any neighbor may come.",
    )
    drawn: Literal["uniform", "sources"] = Field("sources", description="The sampling that figures show.")
    metric: Literal["euclidean", "manhattan", "hamming"] = Field(
        "euclidean", description="Distance between weights for t-SNE, Isomap and the silhouette; LLE is Euclidean."
    )
    seeds: list[Seed] = Field(
        default=[0, 1, 2], min_length=1, description="Draws of neighbors for the statistics; figures show the first."
    )
    clusters: list[Annotated[int, Field(ge=2)]] = Field(
        default=[2, 5, 10, 20, 40],
        min_length=1,
        description="Numbers of clusters, of which the best silhouette counts.",
    )
    tsne: TSNESettings = Field(default=TSNESettings(), description="t-SNE.")
    isomap: IsomapSettings = Field(default=IsomapSettings(), description="Isomap.")
    lle: LLESettings = Field(default=LLESettings(), description="LLE.")

    @model_validator(mode="after")
    def _distinct(self) -> EmbeddingsSettings:
        _require_distinct(self.layers, "layers")
        _require_distinct(self.seeds, "seeds")
        return self

    @model_validator(mode="after")
    def _fewer_than_the_neighbors(self) -> EmbeddingsSettings:
        for name, number in (
            ("clusters", max(self.clusters)),
            ("tsne.perplexity", self.tsne.perplexity),
            ("isomap.n_neighbors", self.isomap.n_neighbors),
            ("lle.n_neighbors", self.lle.n_neighbors),
        ):
            if number >= self.count:
                raise ValueError(f"{name}: {number:g} is not below count, which is {self.count}")
        return self


Tracks = Annotated[int, Field(ge=1, le=100_000)]


class ExpertSettings(_Settings):
    """The expert of the driving task: it steers by the angle to a point ahead of it, less its yaw rate."""

    gain: float = Field(1.7, gt=0, description="Steering for an angle of 1 to the point ahead.")
    damping: float = Field(0.23, ge=0, description="Steering back for a yaw rate of 1 a second.")
    lookahead: float = Field(13.2, ge=0, description="How far ahead the point lies, in CarRacing's unit of length.")
    lookahead_seconds: float = Field(0.265, ge=0, description="And so many seconds at the speed of the car.")
    threshold: float = Field(0.1415, ge=0, description="Above it the expert chooses LEFT or RIGHT, below it GO.")
    turn: float = Field(0.487, gt=0, le=1, description="Steering in LEFT and RIGHT.")
    turning_gas: float = Field(0.056, ge=0, le=1, description="Gas in LEFT and RIGHT.")
    turning_brake: float = Field(0.0555, ge=0, le=1, description="Brake in LEFT and RIGHT.")
    gas: float = Field(0.3135, gt=0, le=1, description="Gas in GO.")


class NoiseSettings(_Settings):
    """Bursts of one random action while demonstrations are recorded; the expert says what it would have done."""

    most: float = Field(
        0.06, ge=0, le=1, description="Probability that a burst begins at a decision; drawn for an episode from 0 on."
    )
    shortest: int = Field(2, ge=1, description="Decisions in the shortest burst.")
    longest: int = Field(8, ge=1, description="Decisions in the longest burst.")

    @model_validator(mode="after")
    def _in_order(self) -> NoiseSettings:
        if self.shortest > self.longest:
            raise ValueError(f"shortest: {self.shortest} is more than longest, which is {self.longest}")
        return self


class TracksSettings(_Settings):
    """How many tracks there are of each kind; no track is of two kinds."""

    train: Tracks = Field(140, description="Training frames: the expert drives.")
    rounds: list[Tracks] = Field(
        default=[40, 40],
        description="Training frames: networks drive that were made from all frames before (DAgger), and the expert "
        "says what it would do.",
    )
    validation: Tracks = Field(24, description="Validation frames.")
    test: Tracks = Field(24, description="Test frames.")
    returns: Tracks = Field(50, description="Return of networks in the closed loop, and of the expert.")


class DrivingSettings(_Settings):
    """Stage driving: imitation learning in CarRacing."""

    seed: Seed = Field(0, description="Draws noise and mirrors, and trains the drivers of the rounds.")
    repeat: int = Field(2, ge=1, le=50, description="Steps of the simulator (50 a second) for each decision.")
    steps: int = Field(1000, ge=1, description="Steps after which an episode ends.")
    every: int = Field(2, ge=1, description="Of so many decisions, one is a frame of the demonstrations.")
    mirror: float = Field(0.5, ge=0, le=1, description="Share of the training frames that are seen in a mirror.")
    expert: ExpertSettings = Field(default=ExpertSettings(), description="Whom networks imitate.")
    noise: NoiseSettings = Field(default=NoiseSettings(), description="Disturbances.")
    tracks: TracksSettings = Field(default=TracksSettings(), description="Tracks.")
    sparsity: Sparsity = Field(90.0, description="Sparsity of the drivers of the rounds, and of the video's network.")
    psiren: PSirenSettings = Field(default=PSirenSettings(), description="p-SIREN for the drivers of the rounds.")
    brief: Tracks = Field(4, description="Of the tracks for returns, those on which networks of p-SIREN drive.")
    thorough: list[Sparsity] = Field(default=[90.0], description="Sparsities at which they drive on all of them.")


class SearchImagesSettings(_Settings):
    """The images that a search counts on. Which network is kept is always for validation images to say."""

    split: Literal["train", "validation"] = Field("train", description="The split they are from.")
    count: Literal["all"] | Annotated[int, Field(ge=1)] = Field("all", description="How many, drawn at random.")
    shift: int = Field(
        0, ge=0, le=14, description="They are moved by up to this many pixels each way; 0 for not at all."
    )
    refresh: int = Field(0, ge=0, description="Neighborhoods after which they are drawn and moved anew; 0 for never.")


class LayersSettings(_Settings):
    """In which layers a search moves weights, and in what order."""

    names: list[LayerName] = Field(min_length=1, description="The layers; with one alone, it is fixed.")
    schedule: Literal["cycle", "random", "gain"] = Field(
        "cycle",
        description="`cycle`: one after the other (Figure 6); `random`: drawn (Figure 8); `gain`: drawn in proportion "
        "to what the layer's neighborhoods have gained of late.",
    )
    repeat: int = Field(1, ge=1, description="Neighborhoods in a row in the same layer.")

    @model_validator(mode="after")
    def _distinct(self) -> LayersSettings:
        _require_distinct(self.names, "names")
        return self


class RacingSettings(_Settings):
    """Neighbors that a sample of the images shows to be worse are dropped before they are counted on all images."""

    share: float = Field(1.0, gt=0, le=1, description="Share of the images in the sample; 1 for no race.")
    error: float = Field(
        0.2, gt=0, lt=0.5, description="Probability, by a t-test, that a neighbor is dropped that is no worse."
    )


class TemperatureSettings(_Settings):
    """Simulated annealing; in images for `accuracy`, in units of an activation for `margins`."""

    first: float = Field(20.0, gt=0, le=1e9, description="Temperature at the start.")
    last: float = Field(0.1, gt=0, le=1e9, description="Temperature at the end of the budget; it falls geometrically.")


class BudgetSettings(_Settings):
    """When a search ends: with the neighborhood that reaches one of these."""

    evaluations: int = Field(ge=1, le=10**12, description="Neighbors evaluated.")
    minutes: float = Field(
        60.0, gt=0, le=10**6, description="Time; a run that it ends depends on the speed of the machine."
    )


class SearchSettings(_Settings):
    """One way of searching; runs name it beside their start."""

    strategy: Literal["best", "first", "annealing", "greedy"] = Field(
        "best",
        description="`best`: the best of a neighborhood (Algorithm 2); `first`: the first that is not worse (neutral "
        "drift); `annealing`: also worse ones, at a falling temperature; `greedy`: many, from the best on.",
    )
    objective: Literal["accuracy", "margins"] = Field(
        "accuracy", description="`accuracy`: correct images; `margins`: the sum of margins, limited by `margin`."
    )
    margin: float = Field(
        16.0, gt=0, le=1000, description="Margins beyond this many units of an activation count no more."
    )
    deficit: float = Field(
        120.0, gt=0, le=10_000, description="Images that are wrong by more than this, in the same unit, count no less."
    )
    images: SearchImagesSettings = Field(default=SearchImagesSettings(), description="What the search counts on.")
    layers: LayersSettings = Field(description="Where it moves weights.")
    neighbors: dict[LayerName, Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="Neighbors surveyed in a neighborhood, by layer."
    )
    draw: Literal["uniform", "grid"] = Field(
        "uniform",
        description="`uniform`: any neighbors; `grid`: some weights of one sign, each with each of as many places.",
    )
    racing: RacingSettings = Field(default=RacingSettings(), description="What is dropped early.")
    most: int = Field(16, ge=1, description="Swaps that `greedy` looks at, and takes, of a neighborhood at most.")
    temperature: TemperatureSettings = Field(default=TemperatureSettings(), description="For `annealing`.")
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

    def neighbors_of(self, layer: str) -> int:
        """Return how many neighbors of a layer are surveyed at a time."""
        return self.neighbors[layer]


class BackpropagationSettings(_Settings):
    """Backpropagation from the sparse ternary networks that searches start from (the lines of Figures 6 to 8)."""

    steps: int = Field(1000, ge=1, description="Minibatches in all.")
    batch_size: int = Field(64, ge=1, description="Images a minibatch.")
    learning_rate: LearningRate = Field(
        0.01, description="Adam's first learning rate with a straight-through estimator; it falls as a cosine."
    )
    literal_learning_rate: LearningRate = Field(
        0.01, description="Adam's constant learning rate for gradient steps on the ternary weights themselves."
    )
    latent_scale: float = Field(0.05, gt=0, le=1, description="Absolute latent weight at the start.")
    logit_scale: float = Field(
        60.0, gt=0, le=10_000, description="The loss sees logits times this, divided by the non-zeros of a class."
    )
    gradient_window: float = Field(
        2.0,
        gt=0,
        le=1000,
        description="HardTanh passes gradients up to this many roots of a unit's non-zeros (and at least up to 1).",
    )
    records: int = Field(20, ge=1, description="How many times accuracy is counted along the way.")


class ClimbSettings(_Settings):
    """The climb of Figure 5, by the p-SIREN network of the task's first seed; all surveyed networks are embedded."""

    sparsity: Sparsity = Field(90.0, description="The network's; one of the task's.")
    layer: LayerName = Field("fc", description="The layer in which weights move.")
    neighborhoods: int = Field(6, ge=1, le=6, description="Neighborhoods, each of the best of the one before.")
    neighbors: int = Field(250, ge=2, description="Neighbors surveyed in each.")
    tsne: TSNESettings = Field(default=TSNESettings(), description="t-SNE.")


_OTHER_RUNS = ("backpropagation", "climb")
"""Runs of stage sense that are no searches, as they stand in paths."""


class SenseSettings(_Settings):
    """SENSE (Algorithm 2): ways of searching by name, and which of them figures show."""

    searches: dict[Name, SearchSettings] = Field(
        default={},
        description="Figures 6, 7, 8a and 8b show `figure-6`, `figure-7`, `figure-8a` and `figure-8b`; Figure 8b also "
        "shows `car-greedy` and `car-polish`.",
    )
    random: list[Name] = Field(default=[], description="Searches of Figure S1 from random networks.")
    trained: list[Name] = Field(default=[], description="Searches of Figure S1 from networks of p-SIREN.")
    improvement: list[Name] = Field(
        default=[], max_length=1, description="The search of Figure S2, at every sparsity of every task; at most one."
    )
    climb: ClimbSettings = Field(default=ClimbSettings(), description="Figure 5.")
    backpropagation: BackpropagationSettings = Field(
        default=BackpropagationSettings(), description="What the search is compared with in Figures 6 to 8."
    )

    @model_validator(mode="after")
    def _searches_are_there(self) -> SenseSettings:
        for name in _OTHER_RUNS:
            if name in self.searches:
                raise ValueError(f"searches: {name!r} is what other runs are called; choose another name")
        for key in ("random", "trained", "improvement"):
            for name in getattr(self, key):
                if name not in self.searches:
                    raise ValueError(f"{key}: no search {name!r}; 'searches' has {', '.join(self.searches) or 'none'}")
        return self


class ClaimsSettings(_Settings):
    """Stage claims: the intervals beside measured values. What is judged stands in `config/claims.yaml`."""

    confidence: float = Field(0.95, ge=0.5, lt=1, description="How often an interval holds the true value.")
    resamples: int = Field(10_000, ge=100, le=10**6, description="Samples drawn for a bootstrap interval.")
    seed: Seed = Field(0, description="Draws them.")


class Settings(_Settings):
    """All settings of one scale."""

    scale: Name = Field(description="Names the folder below `results`: `paper` or `quick`.")
    results: Folder = Field("results", description="The folder that all runs write to.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "cpu",
        description="Where networks are trained: `auto` is a GPU where there is one. Trained networks depend on it, "
        "counts do not.",
    )
    networks: dict[Name, NetworkSettings] = Field(min_length=1, description="Architectures by name.")
    tasks: dict[Name, TaskSettings] = Field(min_length=1, description="Tasks by name.")
    datasets: DatasetSettings = Field(default=DatasetSettings(), description="Stage datasets.")
    psiren: PSirenSettings = Field(default=PSirenSettings(), description="Stage psiren.")
    neighbors: dict[Name, NeighborsSettings] = Field(default={}, description="Stage neighbors, by task.")
    embeddings: dict[Name, EmbeddingsSettings] = Field(default={}, description="Stage embeddings, by task.")
    driving: DrivingSettings = Field(default=DrivingSettings(), description="Stage driving.")
    sense: SenseSettings = Field(default=SenseSettings(), description="Stage sense.")
    claims: ClaimsSettings = Field(default=ClaimsSettings(), description="Stage claims.")

    @model_validator(mode="after")
    def _networks_fit(self) -> Settings:
        for name, task in self.tasks.items():
            if task.network not in self.networks:
                known = ", ".join(self.networks)
                raise ValueError(f"tasks.{name}.network: no network {task.network!r}; 'networks' has {known}")
            network = self.networks[task.network]
            last = network.layers[-1]
            shape, classes = IMAGES[task.dataset]
            if network.input_shape != shape or not isinstance(last, DenseSettings) or last.units != classes:
                raise ValueError(
                    f"tasks.{name}.network: {task.network!r} does not fit {task.dataset!r}; expected input_shape "
                    f"{shape} and a last layer of {classes} units"
                )
            least = SIGNED.get(task.dataset, 0)
            if least and not (network.signed and network.input_scale >= least):
                raise ValueError(
                    f"tasks.{name}.network: {task.network!r} does not fit {task.dataset!r}; expected signed: true and "
                    f"an input_scale of at least {least}"
                )
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
        return _lookup(self.tasks, name, "task", "tasks")

    def psiren_of(self, task: str) -> PSirenSettings:
        """Return the settings of p-SIREN for a task: its own, or those of all tasks."""
        return self.task(task).psiren or self.psiren

    def part(self, section: str, task: str) -> dict[str, Any]:
        """Return, as settings in their own right, what the result of one stage for one task depends on.

        Left out are the lists of sparsities and seeds, since a network does not depend on which others are made, and
        the places that data come from, since their content is verified.
        """
        chosen = self.task(task)
        places = {"folder", "mirrors"}
        found = self.psiren_of(task) if section == "psiren" else getattr(self, section)
        if isinstance(found, dict):
            values = {task: _lookup(found, task, "task", section).model_dump()}
        else:
            values = found.model_dump(exclude=places)
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

    def search(self, task: str, name: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a run of one search for one task depends on.

        Raises ``InputError`` for an unknown search, and for layers that the task's network does not have.
        """
        chosen = _lookup(self.sense.searches, name, "search", "sense.searches")
        try:
            self._require_layers(f"sense.searches.{name}.layers.names", task, chosen.layers.names)
        except ValueError as error:
            raise InputError(str(error)) from error
        return self.part("sense", task) | {"sense": {"searches": {name: chosen.model_dump()}}}

    def sense_part(self, task: str, key: str) -> dict[str, Any]:
        """Return, as settings in their own right, what a job for one key of ``sense`` depends on, and no searches."""
        trained = self._device if key == "backpropagation" else {}
        return self.part("sense", task) | {"sense": {key: getattr(self.sense, key).model_dump()}} | trained

    def driving_part(self, task: str, keys: Sequence[str]) -> dict[str, Any]:
        """Return, as settings in their own right, what a job for a task depends on that needs keys of `driving`."""
        trained = self._device if "psiren" in keys else {}
        return self.part("driving", task) | {"driving": self.driving.model_dump(include=set(keys))} | trained

    def network(self, task: str) -> dict[str, Any]:
        """Return the specification of a task's network, for ``Architecture.from_dict``."""
        return self.networks[self.task(task).network].model_dump()


def _require_distinct(values: list[Any], name: str) -> None:
    repeated = [value for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        raise ValueError(f"{name}: {repeated[0]} stands there twice; expected distinct values")


Item = TypeVar("Item")


def _lookup(items: Mapping[str, Item], name: str, kind: str, key: str) -> Item:
    if name not in items:
        known = ", ".join(items) or "none"
        raise InputError(f"unknown {kind} {name!r}{_suggestion(name, items)}; the setting '{key}' has {known}")
    return items[name]


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def validate(values: Mapping[str, Any], source: str = "configuration") -> Settings:
    """Return validated settings.

    Raises ``InputError`` with one line that names the first wrong key, its value and what was expected.
    """
    from aann.networks import Architecture

    try:
        settings = Settings.model_validate(json.loads(json.dumps(values)))
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error)}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}; expected only text, numbers, lists and mappings") from error
    for name, network in settings.networks.items():
        try:
            Architecture.from_dict(network.model_dump())
        except InputError as error:
            raise InputError(f"{source}: networks.{name}: {error}") from error
    return settings


def require_figures(settings: Settings) -> None:
    """Raise ``InputError`` with one line that names the key if settings lack what the figures are made of.

    Settings are valid without, such as those of one stage; the workflow, which draws all figures, asks for it.
    """
    try:
        _require_tasks_of_figures(settings)
        _require_searches_of_figures(settings)
    except ValueError as error:
        raise InputError(f"configuration: {error}; see config/README.md") from error


def _require_tasks_of_figures(settings: Settings) -> None:
    for task in ("mnist", "fashion", "car"):
        if task not in settings.tasks:
            raise ValueError(f"tasks: no task {task!r}, which figures show; 'tasks' has {', '.join(settings.tasks)}")
        driven = settings.tasks[task].dataset in SIGNED
        if driven != (task == "car"):
            expected = f"one of {', '.join(SIGNED) if task == 'car' else ', '.join(sorted({*IMAGES} - {*SIGNED}))}"
            raise ValueError(f"tasks.{task}.dataset: figures show another kind of data; expected {expected}")
    needed = [
        ("mnist", settings.sense.climb.sparsity, "sense.climb.sparsity"),
        ("car", settings.driving.sparsity, "driving.sparsity"),
        ("car", 90.0, "Figure 8b"),
        *([("mnist", 90.0, "sense.trained")] if settings.sense.trained else []),
    ]
    for task, sparsity, key in needed:
        if sparsity not in settings.tasks[task].sparsities:
            raise ValueError(f"tasks.{task}.sparsities: lacks {sparsity:g}, which {key} needs")
    for section in ("neighbors", "embeddings"):
        for task in ("mnist", "car"):
            if task not in getattr(settings, section):
                raise ValueError(f"{section}: no task {task!r}, whose neighbors figures show")


def _require_searches_of_figures(settings: Settings) -> None:
    sense = settings.sense
    static = [task for task, chosen in settings.tasks.items() if chosen.dataset not in SIGNED]
    if not sense.random and not sense.trained:
        raise ValueError("sense.random: has no search, nor has sense.trained; Figure S1 shows at least one")
    if not sense.improvement:
        raise ValueError("sense.improvement: has no search; Figure S2 shows one")
    if not any(0 < sparsity < 100 for task in static for sparsity in settings.tasks[task].sparsities):
        raise ValueError("tasks.mnist.sparsities: lacks one between 0 and 100, which Figure S2 shows")
    settings._require_layers("sense.climb.layer", "mnist", [sense.climb.layer])
    shown = {
        "mnist": ["figure-6", "figure-7", "figure-8a", *sense.random, *sense.trained],
        "car": ["figure-8b", "car-greedy", "car-polish"],
    }
    for task in settings.tasks:
        for name in [*shown.get(task, []), *(sense.improvement if task in static else [])]:
            if name not in sense.searches:
                known = ", ".join(sense.searches) or "none"
                raise ValueError(f"sense.searches: no search {name!r}, which figures show; it has {known}")
            settings._require_layers(f"sense.searches.{name}.layers.names", task, sense.searches[name].layers.names)


_MESSAGES = {
    "model_type": "expected a mapping of settings",
    "dict_type": "expected a mapping of settings",
    "union_tag_not_found": "expected a layer with type: convolution or type: dense",
    "union_tag_invalid": "expected a layer with type: convolution or type: dense",
}
"""What is expected, by pydantic's type of error, where its own words would not help."""


def first_problem(
    error: ValidationError, root: type[BaseModel] = Settings, kind: str = "setting", page: str = "config/README.md"
) -> str:
    """Return one line on the first problem that a model found: the key, what was expected, and the page to read.

    ``root`` is the model, ``kind`` what a key of it is called.
    """
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(_without_tags(problem["loc"]))
    help_text = f"; see {page}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"][:-1], root)
        hint = f"; expected one of {', '.join(known)}" if known else ""
        return f"unknown {kind} '{key}'{_suggestion(str(problem['loc'][-1]), known)}{hint}{help_text}"
    if problem["type"] == "missing":
        return f"{kind} '{key}' is missing{help_text}"
    message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    prefix = f"{kind} '{key}': " if key else ""
    value = repr(_without_secrets(problem["input"]))
    found = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    shown = "" if isinstance(problem["input"], dict) else f" (found {found})"
    return f"{prefix}{message}{shown}{help_text}"


def _without_secrets(value: Any) -> Any:
    """Return a wrong value as it may be shown; the address of a mirror may hold a password."""
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return shown(value) if isinstance(value, str) else value


_SHOWN = 100
"""Characters of a wrong value that are shown."""


def _without_tags(location: Sequence[Any]) -> list[str]:
    """Return the keys and indices of a location, without the type of a layer that stands after its index."""
    return [
        str(part) if str(part).isprintable() else repr(part)[1:-1]
        for before, part in zip([None, *location], location, strict=False)
        if not (isinstance(before, int) and part in ("convolution", "dense"))
    ]


def _known_keys(location: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """Return the keys of the model at a location below ``root``, or none if it is not one model."""
    annotation: Any = root
    for part in location:
        annotation = _inner(annotation, part)
    return list(annotation.model_fields) if _is_model(annotation) else []


def _inner(annotation: Any, part: Any) -> Any:
    """Return the type of what stands at ``part`` (a key, an index, a union's tag) of type ``annotation``."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    members = get_args(annotation)
    tagged = [member for member in members if part in _tags(member)]
    return (tagged or members or [None])[-1]


def _tags(annotation: Any) -> tuple[Any, ...]:
    """Return the values of `type` by which a union chooses this model; none if it is not in a union."""
    return (
        get_args(annotation.model_fields["type"].annotation)
        if "type" in getattr(annotation, "model_fields", ())
        else ()
    )


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def load(paths: Iterable[Path | str]) -> Settings:
    """Read YAML files, each laid over those before it, and validate the result.

    Raises ``InputError`` if a file is missing or is not YAML, or if a setting is wrong.
    """
    merged: dict[str, Any] = {}
    names = [str(path) for path in paths]
    for path in names:
        merged = merge(merged, read_yaml(Path(path)))
    return validate(merged, source=" + ".join(names))


def completed(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a configuration that has all settings without a default as it is, and any other laid over a file.

    Raises ``InputError`` if the file is missing or is not YAML.
    """
    required = [key for key, field in Settings.model_fields.items() if field.is_required()]
    return dict(values) if all(key in values for key in required) else merge(read_yaml(path), values)


def _parse(text: str) -> Any:
    """Return what ``yaml.safe_load`` would, from libyaml, which takes a tenth of the time."""
    loader = yaml.CSafeLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; raise ``InputError`` if it is missing or holds something else."""
    try:
        values = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a file of settings") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a mapping of settings, got {type(values).__name__}")
    return values


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mapping by mapping; anything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged
