"""What a claim of the paper is: where it is from, how it is measured here, and by which rule it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from aann.errors import InputError
from aann.settings.claims import ClaimsSettings
from aann.settings.figures import FigureName, picture
from aann.settings.files import read_yaml
from aann.settings.messages import first_problem, suggestion
from aann.settings.types import matching

Scalar = str | int | float
Verdict = Literal["reproduced", "exceeded", "contradicted", "inconclusive", "not judged", "not measured"]
Expected = Literal["reproduced", "exceeded", "contradicted", "inconclusive"]
HOLDS = ("reproduced", "exceeded")
"""Verdicts on what the paper states and we find as well."""

OURS = "ours"
"""The source of a claim that the paper does not make."""

ClaimName = Annotated[str, matching(r"^[a-z0-9][a-z0-9-]*$", "small letters, digits and -, a letter or digit first")]
TablePath = Annotated[
    str,
    matching(
        r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*\.(csv|parquet)$",
        "the path of a table below the results of a scale, .csv or .parquet",
    ),
]
Text = Annotated[str, Field(min_length=1)]

_PAGE = "docs/claims.md"

SAMPLES = {
    "count": (1, None),
    "mean": (1, 1),
    "share": (1, 1),
    "difference": (2, 2),
    "ratio": (2, 2),
    "order": (2, None),
    "spearman": (2, 2),
}
"""How many samples a statistic needs, at least and at most."""

UNITS = {"count": 0, "mean": 2, "share": 1, "difference": 2, "ratio": 5, "order": 1, "spearman": 5}
"""How many units the interval of a statistic needs, at least. One unit has no spread, and few resamples few values."""

_RANGES = {"count": (0.0, math.inf), "share": (0.0, 1.0), "order": (0.0, 1.0), "spearman": (-1.0, 1.0)}
"""Between which values a statistic always lies. Others may have any value."""

_EXACT = ("share", "order")
"""Statistics whose intervals always have a width."""

_NOT_NEGATIVE = ("range", "deviation")
"""What is taken from the rows of a unit and is never below 0."""

_PAIRED = ("difference", "order", "spearman")


class _Model(BaseModel):
    """Unknown keys are errors, and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bounds(_Model):
    """Two bounds for the value of a row, both of them included."""

    at_least: float = Field(float("-inf"), description="The lower bound.")
    at_most: float = Field(float("inf"), description="The upper bound.")

    def __str__(self) -> str:
        """Return the bounds in words, as far as there are any."""
        if math.isinf(self.at_most):
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if math.isinf(self.at_least) else f"{self.at_least:g} to {self.at_most:g}"


class Sample(_Model):
    """Numbers from a table, one for each unit, such as a network. Rows are chosen, and then gathered by unit."""

    table: TablePath = Field(description="Path below the results of the scale.")
    column: str | list[str] = Field(description="The column with the numbers; several are added up.")
    minus: str | None = Field(None, description="A column that is subtracted, row by row.")
    of: str | None = Field(None, description="A column that they are divided by, row by row.")
    change_within: list[str] | None = Field(
        None, description="Columns. Each number becomes its change since the last row with equal values in them."
    )
    where: dict[str, Bounds | list[Scalar] | Scalar] = Field(
        {}, description="What rows must have, by column: a value, one of several values, or a value within bounds."
    )
    units: list[str] | None = Field(
        None,
        description="Columns whose values name a unit. If empty, all rows are one unit; if absent, each is one.",
    )
    take: Literal["mean", "sum", "first", "last", "rise", "range", "maximum", "minimum", "deviation"] = Field(
        "mean", description="How the numbers in a unit's rows make one; `rise` is last minus first."
    )

    @model_validator(mode="after")
    def _lists_are_of_one_kind(self) -> Sample:
        for name, wanted in self.where.items():
            if isinstance(wanted, list) and len({isinstance(value, str) for value in wanted}) != 1:
                raise ValueError(f"where.{name}: is {wanted}; expected numbers alone, or text alone, in quotes")
        return self


class Measure(_Model):
    """How a claim is measured: a statistic of one or more samples."""

    statistic: Literal["count", "mean", "share", "difference", "ratio", "order", "spearman"] = Field(
        description="See the table in docs/claims.md."
    )
    samples: list[Sample] = Field(min_length=1, description="Its samples, in order.")

    @model_validator(mode="after")
    def _samples_fit(self) -> Measure:
        least, most = SAMPLES[self.statistic]
        number = len(self.samples)
        if number < least or (most is not None and number > most):
            expected = f"{least}" if least == most else f"{least} or more"
            raise ValueError(f"samples: {self.statistic} is of {expected}, got {number}")
        if self.statistic in _PAIRED and any(
            sample.units is None or sample.units != self.samples[0].units for sample in self.samples
        ):
            raise ValueError(f"samples: {self.statistic} pairs them by unit; expected the same 'units' in each")
        if self.statistic == "share":
            self._require_counts(self.samples[0])
        return self

    def _require_counts(self, sample: Sample) -> None:
        if sample.of is None:
            raise ValueError(
                "samples: share divides sums of counts; expected 'of', the column of all that were counted"
            )
        for key in ("minus", "change_within"):
            if getattr(sample, key) is not None:
                raise ValueError(f"samples: share divides sums of counts; expected no {key!r}")

    @property
    def limits(self) -> tuple[float, float]:
        """Between which values it always lies."""
        taken = self.samples[0]
        if self.statistic == "mean" and taken.take in _NOT_NEGATIVE and taken.units is not None:
            return 0.0, math.inf
        return _RANGES.get(self.statistic, (-math.inf, math.inf))


class Rule(_Model):
    """When a claim is reproduced: a statement about the whole interval.

    The interval lies between two bounds. `at least`, `at most` and `within` move the bounds outwards by the tolerance,
    and include them. `above` and `below` do not.
    """

    kind: Literal["at least", "at most", "within", "above", "below"] = Field(
        description="On which side of the value the whole interval lies."
    )
    value: float = Field(allow_inf_nan=False, description="What it is compared with, in the unit of the claim.")
    tolerance: float = Field(0.0, ge=0, description="How far beyond the value it may reach.")

    @model_validator(mode="after")
    def _tolerance_fits(self) -> Rule:
        if self.strict and self.tolerance:
            raise ValueError(f"tolerance: {self.kind!r} has no room; expected none")
        return self

    @property
    def strict(self) -> bool:
        """Whether the bounds are excluded."""
        return self.kind in ("above", "below")

    @property
    def bounds(self) -> tuple[float, float]:
        """The bounds of the interval, in the unit of the claim; infinite where there is none."""
        low = self.value - self.tolerance if self.kind in ("at least", "above", "within") else -math.inf
        high = self.value + self.tolerance if self.kind in ("at most", "below", "within") else math.inf
        return low, high

    def holds(self, low: float, high: float) -> bool:
        """Return whether a whole interval lies between the bounds."""
        least, most = self.bounds
        return least < low and high < most if self.strict else least <= low and high <= most

    def leaves_room(self, low: float, high: float) -> bool:
        """Return whether the bounds lie inside of some interval from ``low`` to ``high`` that has a width."""
        least, most = self.bounds
        return least < high and most > low

    def fails(self, low: float, high: float) -> bool:
        """Return whether a whole interval lies on the other side of a bound."""
        least, most = self.bounds
        return high <= least or low >= most if self.strict else high < least or low > most


class Claim(_Model):
    """One statement of the paper."""

    kind: Literal["result", "protocol", "start"] = Field(
        description="`result`: something could have come out otherwise. `protocol`: the run is the one that the paper "
        "describes. `start`: what a random draw scored in one run of the paper; it is shown and not judged."
    )
    statement: Text = Field(description="What is judged, in a sentence.")
    quote: Text | None = Field(None, description="The paper's words.")
    source: Text = Field(description="Where in the paper, or `ours`.")
    figure: FigureName = Field(description="The figure that shows it here.")
    paper: float | None = Field(
        None, description="The paper's value, of one run if it was measured, in the unit of the claim."
    )
    unit: Literal["percent", "points", "number"] = Field(
        description="`percent` and `points` multiply what is measured by 100."
    )
    measure: Measure = Field(description="How it is measured here.")
    rule: Rule | None = Field(None, description="When it is reproduced. A start has none.")
    expected: Expected | None = Field(None, description="The verdict of the full-scale run.")
    reason: Text | None = Field(None, description="Why it is not reproduced, or what to know of the measure.")

    @model_validator(mode="after")
    def _rule_fits(self) -> Claim:
        if self.kind == "start":
            if self.rule or self.expected:
                raise ValueError("rule: a start is a random draw and is not judged; expected no rule and no 'expected'")
            if self.paper is None:
                raise ValueError("paper: is missing; a start is the value of one draw")
        elif self.rule is None:
            raise ValueError(f"rule: is missing; a {self.kind} is judged by one")
        else:
            self._require_open(self.rule)
        return self

    def _require_open(self, rule: Rule) -> None:
        """Raise ``ValueError`` for a rule that every value that can be measured meets, or none."""
        least, most = (bound * self.scale for bound in self.measure.limits)
        if rule.holds(least, most):
            raise ValueError(f"rule: every {self.measure.statistic} meets it; expected one that a value can contradict")
        never = self.measure.statistic in _EXACT and not rule.leaves_room(least, most)
        if never or rule.fails(least, most):
            raise ValueError(f"rule: no {self.measure.statistic} meets it; expected one that an interval can meet")

    @model_validator(mode="after")
    def _says_why_not(self) -> Claim:
        if self.expected in ("contradicted", "inconclusive") and self.reason is None:
            raise ValueError(f"reason: is missing; a claim that is expected to be {self.expected} says why")
        return self

    @property
    def scale(self) -> float:
        """What turns a measured fraction into the unit of the claim."""
        return 1.0 if self.unit == "number" else 100.0

    @property
    def shown_in(self) -> str:
        """The file of the figure, below the results of the scale."""
        return picture(self.figure)


class Claims(_Model):
    """All claims of a file, by name."""

    claims: dict[ClaimName, Claim] = Field(min_length=1, description="Claims by name.")

    @property
    def tables(self) -> list[str]:
        """The tables that claims are judged from, below the results of the scale, each once."""
        found = [sample.table for claim in self.claims.values() for sample in claim.measure.samples]
        return list(dict.fromkeys(found))

    @property
    def figures(self) -> list[str]:
        """The files of the figures that show claims, below the results of the scale, each once."""
        return list(dict.fromkeys(claim.shown_in for claim in self.claims.values()))

    def without(self, settings: ClaimsSettings) -> Claims:
        """Return these claims but those that the settings leave out.

        Raises ``InputError`` for a name that no claim has, and for a figure that no claim is about.
        """
        figures = sorted({claim.figure for claim in self.claims.values()})
        for name in settings.without:
            if name not in self.claims:
                hint = suggestion(name, self.claims) or "; expected the name of a claim, as the file of claims has it"
                raise InputError(f"configuration: claims.without: there is no claim {name!r}{hint}")
        for name in settings.without_figures:
            if name not in figures:
                raise InputError(
                    f"configuration: claims.without_figures: no claim is about figure {name!r}; claims are about"
                    f" {', '.join(figures)}"
                )
        kept = {
            name: claim
            for name, claim in self.claims.items()
            if name not in settings.without and claim.figure not in settings.without_figures
        }
        return self.model_copy(update={"claims": kept})

    def unserved(self, is_made: Callable[[str], bool]) -> Iterator[str]:
        """Yield a line for each table and figure that a claim needs and that is not made."""
        for name, claim in self.claims.items():
            needed = [("table", sample.table) for sample in claim.measure.samples]
            for kind, file in (*needed, ("figure", claim.shown_in)):
                if not is_made(file):
                    yield f"claim {name!r}: no rule makes its {kind} {file!r}"


def load(path: Path | str) -> Claims:
    """Read a file of claims.

    Raises ``InputError`` if the file is missing, is not YAML or holds something else. Its one line names the claim and
    the key.
    """
    return validate(read_yaml(Path(path)), str(path))


def load_served(path: Path | str, is_made: Callable[[str], bool], settings: ClaimsSettings) -> Claims:
    """Read a file of claims as ``load`` does, but those that the settings leave out.

    Raises ``InputError`` for a claim whose tables or figure are not made, and as ``Claims.without`` does.
    """
    claims = load(path).without(settings)
    for line in claims.unserved(is_made):
        raise InputError(f"{path}: {line}")
    return claims


def validate(values: dict[str, Any], source: str) -> Claims:
    """Return validated claims; raise ``InputError`` with one line that names the first wrong one."""
    try:
        return Claims.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, Claims, 'key', _PAGE)}") from error
