"""Networks that something starts from: random ones, those of p-SIREN, or those that a search trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from aann.settings.types import Name, Section, Seed, Sparsity, require_distinct


class StartSettings(Section):
    """Networks that searches start from: one for each seed."""

    task: Name = Field(description="A name in `tasks`.")
    sparsity: Sparsity = Field(description="Percentage of zero weights; with `psiren`, one of the task's.")
    origin: Literal["random", "psiren"] = Field(description="`random` weights, or a network of p-SIREN.")
    seeds: list[Seed] | None = Field(None, min_length=1, description="Their seeds; those of the task if left out.")

    @model_validator(mode="after")
    def _distinct(self) -> StartSettings:
        require_distinct(self.seeds or [], "seeds")
        return self

    @property
    def keys(self) -> dict[str, str | float]:
        """Its keys in tables, beside the seed."""
        return {"task": self.task, "sparsity": self.sparsity, "origin": self.origin}

    @property
    def run(self) -> str:
        """How paths name it, such as `mnist-p80-random`."""
        return f"{self.task}-p{self.sparsity:g}-{self.origin}"


class WalkedSettings(Section):
    """Walks from networks, one for each seed."""

    start: StartSettings = Field(description="Where they start, or where the search starts that trains their starts.")
    search: Literal[""] | Name = Field("", description="That search, a name in `sense.searches`; empty for none.")

    @property
    def run(self) -> str:
        """How paths name the networks, such as `mnist-p80-random.greedy`."""
        return f"{self.start.run}.{self.search}" if self.search else self.start.run
