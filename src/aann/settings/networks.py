"""Architectures: layers from input to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from aann.settings.types import LayerName, Section

if TYPE_CHECKING:
    from aann.settings.datasets import DatasetSettings


def _in_words(words: str) -> WrapValidator:
    """Say what is expected in words; a union would say what is wrong with each of its types."""

    def check(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            raise ValueError(f"expected {words}, or two: [vertical, horizontal]") from error

    return WrapValidator(check)


_TWO = Field(min_length=2, max_length=2)
_Some = Annotated[int, Field(ge=1)]
_SomeOrNone = Annotated[int, Field(ge=0)]
Sides = Annotated[_Some | Annotated[list[_Some], _TWO], _in_words("a whole number of at least 1")]
Padding = Annotated[_SomeOrNone | Annotated[list[_SomeOrNone], _TWO], _in_words("a whole number of at least 0")]
PoolSides = Annotated[_SomeOrNone | Annotated[list[_Some], _TWO], _in_words("0, a whole number of at least 1")]


class ConvolutionSettings(Section):
    """A convolution without bias, then pooling, then HardTanh. Two numbers of pixels are `[vertical, horizontal]`."""

    type: Literal["convolution"] = Field(description="Kind of layer.")
    name: LayerName = Field(description="The layer's name in files and figures.")
    filters: int = Field(ge=1, description="Output channels.")
    kernel: Sides = Field(description="Side of the kernel, in pixels.")
    stride: Sides = Field(1, description="Step of the kernel, in pixels.")
    padding: Padding = Field(0, description="Zeros added on each side, in pixels.")
    pool: PoolSides = Field(0, description="Side of the pooling window, in pixels; 0 for none.")
    pool_stride: PoolSides = Field(0, description="Step of the pooling window, in pixels; 0 for its side.")
    pooling: Literal["max", "average"] = Field(
        "max",
        exclude_if=lambda pooling: pooling == "max",  # so that networks without it stay the same to fingerprints
        description="What a window becomes: its largest value, or the sum of all, which is the average without its "
        "division and so is exact.",
    )

    @model_validator(mode="after")
    def _pooling_has_a_window(self) -> ConvolutionSettings:
        if self.pool_stride and not self.pool:
            raise ValueError("pool_stride: has no use without pool; give pool the side of the window, or leave it out")
        return self


class DenseSettings(Section):
    """A fully connected layer without bias; HardTanh follows unless it is the last."""

    type: Literal["dense"] = Field(description="Kind of layer.")
    name: LayerName = Field(description="The layer's name in files and figures.")
    units: int = Field(ge=1, description="Outputs; in the last layer, classes.")


LayerSettings = Annotated[ConvolutionSettings | DenseSettings, Field(discriminator="type")]


class NetworkSettings(Section):
    """An architecture: layer specifications from input to logits."""

    input_shape: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=3, max_length=3, description="Channels, height and width of the input."
    )
    input_scale: int = Field(255, ge=1, lt=2**15, description="The input value that means 1; HardTanh clamps at it.")
    signed: bool = Field(False, strict=True, description="Whether inputs may be negative, down to -input_scale.")
    layers: list[LayerSettings] = Field(min_length=1, description="Layers in order; the last is dense.")

    def lacking(self, data: DatasetSettings) -> str:
        """Return in words what a network needs for a data set and this one does not have; nothing if it fits."""
        last, classes = self.layers[-1], len(data.class_names)
        if self.input_shape != data.shape or not isinstance(last, DenseSettings) or last.units != classes:
            return f"input_shape {data.shape} and a last layer of {classes} units"
        if self.input_scale < data.largest or (data.signed and not self.signed):
            return f"{'signed: true and ' if data.signed else ''}an input_scale of at least {data.largest}"
        return ""
