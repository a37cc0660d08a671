"""What entries of figures are made of: panels, lines and marks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from aann.settings.starts import StartSettings
from aann.settings.types import Name, Section, require_distinct

Words = Annotated[str, Field(min_length=1, max_length=200)]


class PanelSettings(Section):
    """One panel of embedded neighbors: the method, and from where it is seen."""

    method: Literal["tsne", "isomap", "lle"] = Field(description="The method.")
    view: Literal["side", "top"] = Field(
        "side", description="`side`: in 3-D, accuracy is the height; `top`: in a plane."
    )


class RunSettings(Section):
    """Runs of one search, one for each seed."""

    start: StartSettings = Field(description="Where they start.")
    search: Name = Field(description="A name in `sense.searches`.")


class ComparedSettings(Section):
    """One panel of a comparison: searches from one start."""

    start: StartSettings = Field(description="Where they start.")
    searches: list[Name] = Field(min_length=1, max_length=6, description="Names in `sense.searches`.")

    @model_validator(mode="after")
    def _distinct(self) -> ComparedSettings:
        require_distinct(self.searches, "searches")
        return self


class MarkSettings(Section):
    """An accuracy from elsewhere, drawn as a grey line in the panel of its start."""

    start: StartSettings = Field(description="The start whose panel has the line; a figure without it leaves it out.")
    percent: float = Field(ge=0, le=100, description="Test accuracy, in percent.")
    label: Words = Field(description="Where it is from.")


class DecisionSettings(Section):
    """Networks that are made with one decision taken some way, and what the figure calls it."""

    label: Words = Field(description="What the decision is.")
    start: StartSettings = Field(description="Networks of p-SIREN, or where searches start.")
    search: Name | None = Field(None, description="A name in `sense.searches`; left out for the networks themselves.")


class HeadlineSettings(Section):
    """A headline number, and decisions that are taken the other way, one at a time."""

    title: Words = Field(description="What the number is.")
    decided: DecisionSettings = Field(description="All decisions as they are.")
    otherwise: list[DecisionSettings] = Field(min_length=1, max_length=12, description="One decision the other way.")

    @model_validator(mode="after")
    def _are_networks(self) -> HeadlineSettings:
        require_distinct([one.label for one in self.otherwise], "otherwise")
        for one in (self.decided, *self.otherwise):
            if one.search is None and one.start.origin == "random":
                raise ValueError(f"{one.label}: a random start has no accuracy of its own here; name a search")
        return self


class ElsewhereSettings(Section):
    """A network of another project: its size and its accuracy on the same test images."""

    bytes: float = Field(gt=0, description="Its size in bytes.")
    percent: float = Field(ge=0, le=100, description="Test accuracy, in percent.")
    label: Words = Field(description="Which project it is of; points with one label are joined.")
