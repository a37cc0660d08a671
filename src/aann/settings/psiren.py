"""Stage psiren (Algorithm 1)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from aann.settings.types import Entries, Epochs, LayerName, LearningRate, NotBoolean, PositiveEpochs, Section

Density = Annotated[float, Field(gt=0, le=1000), NotBoolean]


class DenseTrainingSettings(Section):
    """Algorithm 1, step 1."""

    epochs: PositiveEpochs = Field(3, description="n1, epochs of dense training.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")


class SparsifySettings(Section):
    """Algorithm 1, step 2. It runs once, to the largest sparsity; each sparsity is a stop on that way."""

    epochs: PositiveEpochs = Field(8, description="n2, epochs from dense to the largest sparsity.")
    learning_rate: LearningRate = Field(0.005, description="Adam's constant learning rate.")
    interval: int = Field(20, ge=1, description="Minibatches between two prunings.")
    distribution: Literal["uniform", "global"] = Field(
        "uniform", description="`uniform`: every layer has the same sparsity; `global`: the smallest weights of all."
    )
    densities: Entries[LayerName, Density] = Field(
        default={},
        exclude_if=lambda densities: not densities,  # so that tasks without it stay the same to fingerprints
        description="With `uniform`, how dense layers are beside others, by name: `{fc: 0.5}` leaves half as many "
        "weights in a hundred in fc as in layers that are not named. A layer that is full stays so.",
    )

    @model_validator(mode="after")
    def _densities_have_a_use(self) -> SparsifySettings:
        if self.densities and self.distribution != "uniform":
            raise ValueError("densities: need distribution uniform; leave out one of the two")
        return self


class FineTuneSettings(Section):
    """Algorithm 1, step 3."""

    epochs: Epochs = Field(0.5, description="n3, epochs at the final mask; 0 for none.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")


class BinarySettings(Section):
    """Algorithm 1, step 4: ternary weights from latent weights in [-1, 1], by a straight-through estimator."""

    epochs: PositiveEpochs = Field(3, description="n4, epochs of all layers together.")
    learning_rate: LearningRate = Field(0.005, description="Adam's first learning rate; it falls as a cosine.")
    mask: Literal["dynamic", "fixed"] = Field(
        "dynamic", description="`dynamic`: the non-zero weights are always the largest latent ones; `fixed`: step 3's."
    )
    latent_scale: float = Field(0.3, gt=0, le=1, description="Mean absolute latent weight of a layer at the start.")
    logit_scale: float = Field(
        60.0, gt=0, le=10_000, description="The loss has logits times this, divided by the mean non-zeros of a class."
    )
    gradient_window: float = Field(
        0.4,
        gt=0,
        le=1000,
        description="HardTanh passes gradients up to this times the root of a unit's non-zeros, and at least up to 1.",
    )
    last_layer_epochs: Epochs = Field(
        15, description="Further epochs of the last layer alone, over stored features; 0 for none."
    )
    last_layer_learning_rate: LearningRate = Field(0.002, description="Its first learning rate; it falls as a cosine.")
    last_layer_batch_size: int = Field(512, ge=1, description="Images in its minibatches.")


class PSirenSettings(Section):
    """p-SIREN (Algorithm 1)."""

    images: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="Training images that are used: so many, drawn by the network's seed."
    )
    batch_size: int = Field(64, ge=1, description="Images in a minibatch.")
    shift: int = Field(
        1, ge=0, le=14, description="Training images are moved by up to this many pixels each way; 0 for not at all."
    )
    mirror: bool = Field(
        False, description="Whether training images are mirrored left to right with even odds; for photos, not digits."
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        "auto",
        description="Type in which training convolves; evaluation is always exact. `auto`: bfloat16 where the "
        "processor is fast in it, else float32.",
    )
    dense: DenseTrainingSettings = Field(default=DenseTrainingSettings(), description="Step 1, dense training.")
    sparsify: SparsifySettings = Field(default=SparsifySettings(), description="Step 2, gradual sparsification.")
    fine_tune: FineTuneSettings = Field(default=FineTuneSettings(), description="Step 3, fine-tuning.")
    binary: BinarySettings = Field(default=BinarySettings(), description="Step 4, binarized training.")
