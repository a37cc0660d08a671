"""Tasks: a data set, a network, and the sparsities and seeds that are studied."""

from __future__ import annotations

from pydantic import Field, model_validator

from aann.settings.psiren import PSirenSettings
from aann.settings.types import Name, Section, Seed, Sparsity, require_distinct


class TaskSettings(Section):
    """A data set, the network that learns it, and the sparsities at which it is studied."""

    dataset: Name = Field(description="A name in `datasets`.")
    network: Name = Field(description="A name in `networks`.")
    sparsities: list[Sparsity] = Field(default=[90.0], min_length=1, description="Percentages of zero weights.")
    seeds: list[Seed] = Field(
        default=[0, 1, 2], min_length=1, description="One network for each seed at every sparsity."
    )
    psiren: PSirenSettings | None = Field(None, description="p-SIREN for this task, instead of section `psiren`.")

    @model_validator(mode="after")
    def _distinct(self) -> TaskSettings:
        require_distinct(self.sparsities, "sparsities")
        require_distinct(self.seeds, "seeds")
        return self
