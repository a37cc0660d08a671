"""Stage export: which networks are written in which formats."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from aann.settings.types import Section, Sparsity, require_distinct


class ExportSettings(Section):
    """Which networks of a task's first seed are exported: `snakemake export` makes all of them."""

    sparsities: list[Sparsity] = Field(min_length=1, description="Their sparsities, of the task's.")
    formats: list[Literal["packed", "c", "onnx", "page"]] = Field(
        default=["packed", "c"],
        min_length=1,
        description="`packed`: few bytes; `c`: for any processor; `onnx`: for onnxruntime and viewers; `page`: to draw "
        "and to move connections, for grey images.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> ExportSettings:
        require_distinct(self.sparsities, "sparsities")
        require_distinct(self.formats, "formats")
        return self
