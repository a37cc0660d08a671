"""Figures: each is an entry with a name, of a kind that says how it is drawn, and says whose data it shows.

A kind is a model here, a module of ``aann.figures`` of the same name, and a caption in ``workflow/report/``. What the
models are made of is in ``panels`` and ``starts``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from aann.settings.panels import (
    ComparedSettings,
    ElsewhereSettings,
    HeadlineSettings,
    MarkSettings,
    PanelSettings,
    RunSettings,
    Words,
)
from aann.settings.starts import StartSettings, WalkedSettings
from aann.settings.types import Name, Section, Sparsity, matching, require_distinct

FigureName = Annotated[
    str,
    matching(r"^[a-z0-9][a-z0-9_-]*$", "small letters, digits, - and _, a letter or digit first"),
    Field(max_length=64),
]

_NEIGHBORS, _PSIREN, _SENSE, _FAMILIES = "Networks and neighbors", "p-SIREN", "SENSE", "Families"
"""Parts of Snakemake's report."""

_VIDEO = "video"
"""How names of videos begin, and no others."""


def target(name: str) -> str:
    """Return what Snakemake's target of a figure is called, and its files without their endings."""
    return name if name.startswith(_VIDEO) else f"figure_{name}"


def picture(name: str) -> str:
    """Return the file that shows a figure, below the results of its scale."""
    return f"figures/{target(name)}.{'mp4' if name.startswith(_VIDEO) else 'png'}"


def label(name: str) -> str:
    """Return the name of a figure as readers know it: `S1` for `s1`, and `S3b` for `s3b`."""
    return name.capitalize() if re.fullmatch(r"s\d+[a-z]?", name) else name


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of figures in the order of their numbers: 2a before 10, and s1 after all of them."""
    return sorted(names, key=lambda name: [int(part) if part.isdecimal() else part for part in _NUMBER.split(name)])


_NUMBER = re.compile(r"(\d+)")


def _category(part: str) -> Any:
    return Field(part, description="The part of Snakemake's report that shows it.")


def _shows(words: str) -> Any:
    return Field(words, description="What it shows, in a few words for Snakemake's report.")


def _task(help_text: str) -> Any:
    return Field(description=f"{help_text} A name in `tasks`.")


class SchematicFigureSettings(Section):
    """A network and four of its first neighbors, as in Figure 1."""

    kind: Literal["schematic"] = Field(description="Kind of figure.")
    category: Words = _category(_NEIGHBORS)
    shows: Words = _shows("first neighbors")


class SparsityFigureSettings(Section):
    """Accuracy against sparsity, as in Figures 2a and 12."""

    kind: Literal["sparsity"] = Field(description="Kind of figure.")
    task: Name = _task("Whose networks of p-SIREN.")
    category: Words = _category(_PSIREN)
    shows: Words = _shows("accuracy against sparsity")


class DrivingFigureSettings(Section):
    """Accuracy and return against sparsity, as in Figure 2b."""

    kind: Literal["driving"] = Field(description="Kind of figure.")
    task: Name = _task("Whose networks of p-SIREN drive.")
    category: Words = _category(_PSIREN)
    shows: Words = _shows("accuracy and return against sparsity")


class HistogramsFigureSettings(Section):
    """Accuracies of first neighbors by sparsity and layer, as in Figures 3 and 9."""

    kind: Literal["histograms"] = Field(description="Kind of figure.")
    task: Name = _task("Whose first neighbors, as `neighbors` says.")
    category: Words = _category(_NEIGHBORS)
    shows: Words = _shows("accuracy of first neighbors")


class EmbeddingFigureSettings(Section):
    """Embedded first neighbors, as in Figures 4, 10 and 11: a row of panels for each layer."""

    kind: Literal["embedding"] = Field(description="Kind of figure.")
    task: Name = _task("Whose first neighbors, as `embeddings` says.")
    panels: list[PanelSettings] = Field(
        default=[PanelSettings(method="tsne", view="side"), PanelSettings(method="tsne", view="top")],
        min_length=1,
        max_length=4,
        description="Panels of a row.",
    )
    category: Words = _category(_NEIGHBORS)
    shows: Words = _shows("embedded first neighbors")

    @model_validator(mode="after")
    def _distinct(self) -> EmbeddingFigureSettings:
        require_distinct([f"{panel.method} from the {panel.view}" for panel in self.panels], "panels")
        return self


class PathFigureSettings(Section):
    """The climb that `sense.climb` describes, as in Figure 5."""

    kind: Literal["path"] = Field(description="Kind of figure.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("a climb over a few neighborhoods")


class ClimbsFigureSettings(Section):
    """Runs of one search, and backpropagation from the same networks, as in Figures 6 to 8a."""

    kind: Literal["climbs"] = Field(description="Kind of figure.")
    start: StartSettings = Field(description="Where they start.")
    search: Name = Field(description="A name in `sense.searches`.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("a climb from random networks")


class DrivesFigureSettings(Section):
    """Climbs on a driving task, and how networks drive before and after, as in Figure 8b."""

    kind: Literal["drives"] = Field(description="Kind of figure.")
    start: StartSettings = Field(description="Where the climbs of the first two panels start.")
    search: Name = Field(description="Their search: a name in `sense.searches`.")
    runs: list[RunSettings] = Field(min_length=1, max_length=6, description="The searches of the third panel.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("climbs on the driving task")

    @model_validator(mode="after")
    def _distinct(self) -> DrivesFigureSettings:
        require_distinct([f"{run.start.run}.{run.search}" for run in self.runs], "runs")
        return self


class ComparisonFigureSettings(Section):
    """Accuracy against neighbors evaluated, by search, as in Figure S1."""

    kind: Literal["comparison"] = Field(description="Kind of figure.")
    runs: list[ComparedSettings] = Field(min_length=1, max_length=6, description="A panel for each.")
    marks: list[MarkSettings] = Field(default=[], description="Accuracies to compare with.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("accuracy against evaluations")

    @model_validator(mode="after")
    def _fits_in_a_legend(self) -> ComparisonFigureSettings:
        require_distinct([run.start.run for run in self.runs], "runs")
        names = list(dict.fromkeys(name for run in self.runs for name in run.searches))
        if len(names) > _LOOKS:
            raise ValueError(f"runs: have {len(names)} searches; a figure has looks for {_LOOKS}")
        return self


_LOOKS = 6
"""Looks of lines that stay apart."""


class SelectionFigureSettings(Section):
    """What climbs gain on the images that choose and on fresh ones, as in Figure S3; `sense.selection` says which."""

    kind: Literal["selection"] = Field(description="Kind of figure.")
    paper: float | None = Field(None, ge=0, le=100, description="A gain to compare with, in percentage points.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("how much of a gain is selection")


class ImprovementFigureSettings(Section):
    """What the search of `sense.improvement` adds to networks of p-SIREN, as in Figure S2."""

    kind: Literal["improvement"] = Field(description="Kind of figure.")
    category: Words = _category(_SENSE)
    shows: Words = _shows("what SENSE adds to p-SIREN")


class SensitivityFigureSettings(Section):
    """How headline numbers move when one decision at a time is taken the other way."""

    kind: Literal["sensitivity"] = Field(description="Kind of figure.")
    headlines: list[HeadlineSettings] = Field(min_length=1, max_length=6, description="A panel for each.")
    category: Words = _category(_PSIREN)
    shows: Words = _shows("what each decision is worth")

    @model_validator(mode="after")
    def _distinct(self) -> SensitivityFigureSettings:
        require_distinct([one.title for one in self.headlines], "headlines")
        return self


class WalksFigureSettings(Section):
    """Wrong images against the share of connections that have moved, as in Figure S4."""

    kind: Literal["walks"] = Field(description="Kind of figure.")
    walk: Name = Field(description="A name in `families.walks`.")
    starts: list[WalkedSettings] = Field(min_length=1, max_length=4, description="A column for each.")
    category: Words = _category(_FAMILIES)
    shows: Words = _shows("walks that replace every connection")

    @model_validator(mode="after")
    def _distinct(self) -> WalksFigureSettings:
        require_distinct([one.run for one in self.starts], "starts")
        return self


class MembersFigureSettings(Section):
    """Networks of one task side by side, as in Figure S5."""

    kind: Literal["members"] = Field(description="Kind of figure.")
    group: Name = Field(description="A name in `families.groups`.")
    category: Words = _category(_FAMILIES)
    shows: Words = _shows("how far apart networks are, and on what they disagree")


class PathsFigureSettings(Section):
    """Accuracy on paths between two networks of one family, as in Figure S6."""

    kind: Literal["paths"] = Field(description="Kind of figure.")
    paths: list[Name] = Field(min_length=1, max_length=3, description="Names in `families.paths`; a panel for each.")
    category: Words = _category(_FAMILIES)
    shows: Words = _shows("accuracy on paths between two networks")

    @model_validator(mode="after")
    def _distinct(self) -> PathsFigureSettings:
        require_distinct(self.paths, "paths")
        return self


class TransfersFigureSettings(Section):
    """Accuracy on another task, before and after a search, by where it starts, as in Figure S8."""

    kind: Literal["transfers"] = Field(description="Kind of figure.")
    transfers: list[Name] = Field(
        min_length=1, max_length=4, description="Names in `families.transfers`; a panel for each."
    )
    category: Words = _category(_FAMILIES)
    shows: Words = _shows("how well networks serve another task")

    @model_validator(mode="after")
    def _distinct(self) -> TransfersFigureSettings:
        require_distinct(self.transfers, "transfers")
        return self


class EnsemblesFigureSettings(Section):
    """Accuracy of networks that vote, as in Figure S7."""

    kind: Literal["ensembles"] = Field(description="Kind of figure.")
    group: Name = Field(description="A name in `families.groups`.")
    category: Words = _category(_FAMILIES)
    shows: Words = _shows("what networks know together")


class BytesFigureSettings(Section):
    """Test accuracy against the bytes of packed networks, as in Figure S9."""

    kind: Literal["bytes"] = Field(description="Kind of figure.")
    task: Name = _task("Whose networks of p-SIREN.")
    least: Sparsity = Field(50.0, description="The smallest sparsity that is drawn, in percent.")
    elsewhere: list[ElsewhereSettings] = Field(default=[], description="Networks of other projects.")
    category: Words = _category(_PSIREN)
    shows: Words = _shows("accuracy against bytes")


class VideoFigureSettings(Section):
    """A video of a drive; its name begins with `video`."""

    kind: Literal["video"] = Field(description="Kind of figure.")
    task: Name = _task("Whose network of p-SIREN drives: that of the first seed.")
    sparsity: Sparsity = Field(90.0, description="The network's; one of the task's.")
    category: Words = _category(_PSIREN)
    shows: Words = _shows("a sparse ternary network drives")


FigureSettings = Annotated[
    SchematicFigureSettings
    | SparsityFigureSettings
    | DrivingFigureSettings
    | HistogramsFigureSettings
    | EmbeddingFigureSettings
    | PathFigureSettings
    | ClimbsFigureSettings
    | DrivesFigureSettings
    | ComparisonFigureSettings
    | ImprovementFigureSettings
    | SelectionFigureSettings
    | SensitivityFigureSettings
    | WalksFigureSettings
    | MembersFigureSettings
    | PathsFigureSettings
    | EnsemblesFigureSettings
    | TransfersFigureSettings
    | BytesFigureSettings
    | VideoFigureSettings,
    Field(discriminator="kind"),
]

KINDS: tuple[str, ...] = tuple(
    get_args(member.model_fields["kind"].annotation)[0] for member in get_args(get_args(FigureSettings)[0])
)
"""All kinds of figures."""


def require_names_fit(figures: dict[str, Any]) -> None:
    """Raise ``ValueError`` if a video is called like a figure, or the other way round: names of files follow names."""
    for name, entry in figures.items():
        if name.startswith(_VIDEO) != (entry.kind == "video"):
            expected = f"a name that begins with {_VIDEO}" if entry.kind == "video" else "another name"
            raise ValueError(f"figures.{name}: is of the kind {entry.kind!r}; expected {expected}")
