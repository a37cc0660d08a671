"""Stage neighbors: which first neighbors are counted."""

from __future__ import annotations

from pydantic import Field, model_validator

from aann.settings.types import Amount, LayerName, Section, Sparsity, require_distinct


class NeighborsSettings(Section):
    """Which first neighbors of a task's networks are counted (Figure 3): by layer, a number of them or `exhaustive`."""

    sparsities: list[Sparsity] = Field(min_length=1, description="Sparsities to study, of the task's.")
    first: dict[LayerName, Amount] = Field(
        min_length=1, description="Neighbors in each layer, for the task's first seed."
    )
    others: dict[LayerName, Amount] = Field(default={}, description="Neighbors in each layer, for its other seeds.")

    @model_validator(mode="after")
    def _distinct(self) -> NeighborsSettings:
        require_distinct(self.sparsities, "sparsities")
        return self
