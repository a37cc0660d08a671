"""Stage neighbors: which first neighbors are counted."""

from __future__ import annotations

from pydantic import Field, model_validator

from aann.settings.types import Amount, Entries, LayerName, Section, Seed, SparsityWithNeighbors, require_distinct


class NeighborsSettings(Section):
    """Which first neighbors of a task's networks are counted (Figure 3): by layer, a number of them or `exhaustive`."""

    sparsities: list[SparsityWithNeighbors] = Field(min_length=1, description="Sparsities to study, of the task's.")
    first: dict[LayerName, Amount] = Field(
        min_length=1, description="Neighbors in each layer, for the task's first seed."
    )
    others: dict[LayerName, Amount] = Field(default={}, description="Neighbors in each layer, for other seeds.")
    more_seeds: Entries[str, list[Seed]] = Field(
        default={}, description="Further networks to study, beside those of the task: seeds, by sparsity."
    )

    @model_validator(mode="after")
    def _seeds_fit(self) -> NeighborsSettings:
        require_distinct(self.sparsities, "sparsities")
        known = [f"{sparsity:g}" for sparsity in self.sparsities]
        for sparsity, seeds in self.more_seeds.items():
            if sparsity not in known:
                raise ValueError(f"more_seeds: {sparsity} is not in sparsities, which has {', '.join(known)}")
            require_distinct(seeds, f"more_seeds.{sparsity}")
        return self
