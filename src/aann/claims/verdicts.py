"""Verdicts: whether what was measured is what the paper states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aann.artifacts import remedy, require_intact
from aann.claims.estimates import Estimate, estimate
from aann.claims.models import Claim, Claims, Rule, Verdict
from aann.claims.samples import NotMeasurableError, Tables
from aann.errors import InputError
from aann.lineage import trace as lineage
from aann.settings.claims import ClaimsSettings

ENFORCED = "paper"
"""The scale at which a claim that is no longer reproduced is a failure. Other scales use stand-ins for the data."""


@dataclass(frozen=True)
class Judgement:
    """A claim, what was measured in its unit (None where nothing was), and the verdict."""

    name: str
    claim: Claim
    found: Estimate | None
    verdict: Verdict
    remark: str | None = None

    @property
    def failed(self) -> bool:
        """Whether this was expected to be reproduced, and was not."""
        return self.claim.expected in ("reproduced", "exceeded") and self.verdict not in ("reproduced", "exceeded")


def judge_all(claims: Claims, results: Path, scale: str, settings: ClaimsSettings) -> list[Judgement]:
    """Judge every claim from the tables of a scale.

    Raises ``InputError`` if tables come from another scale, or if a claim names a table, column or figure that is
    missing. At the paper's scale, it also does so if a claim names rows that are missing.
    """
    require_one_scale([results / table for table in claims.tables], results, scale)
    tables = Tables(results)
    return [_judge(name, claim, tables, scale, settings) for name, claim in claims.claims.items()]


def require_one_scale(tables: list[Path], results: Path, scale: str) -> None:
    """Raise ``InputError`` if ``results`` is not the folder of a scale, or a table came from another scale."""
    if results.absolute().name != scale:
        raise InputError(f"{results}: is not the folder of the scale {scale!r}, which the settings name")
    for table, found in lineage.scales([table for table in tables if table.is_file()], results).items():
        others = sorted(found - {scale})
        if others:
            raise InputError(
                f"{table}: came from results of the scale {others[0]!r}, expected {scale!r} alone; build it again"
            )


def _judge(name: str, claim: Claim, tables: Tables, scale: str, settings: ClaimsSettings) -> Judgement:
    try:
        if not (tables.results / claim.shown_in).is_file():
            raise InputError(f"there is no figure {claim.figure!r}, {tables.results / claim.shown_in}")
        found = _scaled(estimate(claim.measure, tables, settings), claim.scale)
    except NotMeasurableError as error:
        if scale == ENFORCED:
            raise InputError(f"claim {name!r}: {error}") from error
        return Judgement(name, claim, None, "not measured", str(error))
    except InputError as error:
        raise InputError(f"claim {name!r}: {error}") from error
    if claim.rule.kind in ("above", "below") and found.low is None:
        return Judgement(name, claim, found, "not measured", "one unit has no interval")
    return Judgement(name, claim, found, verdict(claim, found))


def _scaled(found: Estimate, scale: float) -> Estimate:
    low, high = (None if bound is None else scale * bound for bound in (found.low, found.high))
    return Estimate(scale * found.value, found.n, low, high, found.interval, found.p)


def verdict(claim: Claim, found: Estimate) -> Verdict:
    """Return the verdict on what was measured, in the unit of the claim.

    The paper's value is exceeded if the whole interval lies beyond it, in the claim's direction, by more than the
    tolerance.
    """
    rule = claim.rule
    if not _holds(rule, found):
        return "not reproduced"
    if claim.paper is not None and found.low is not None and found.high is not None:
        if rule.kind == "at least" and found.low > rule.value + rule.tolerance:
            return "exceeded"
        if rule.kind == "at most" and found.high < rule.value - rule.tolerance:
            return "exceeded"
    return "reproduced"


def _holds(rule: Rule, found: Estimate) -> bool:
    match rule.kind:
        case "at least":
            return found.value >= rule.value - rule.tolerance
        case "at most":
            return found.value <= rule.value + rule.tolerance
        case "within":
            return abs(found.value - rule.value) <= rule.tolerance
        case "above":
            return found.low is not None and found.low > rule.value
        case "below":
            return found.high is not None and found.high < rule.value


def to_dict(judged: list[Judgement], scale: str, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return verdicts for machines."""
    return {
        "scale": scale,
        "enforced": scale == ENFORCED,
        "claims": {one.name: _claim_to_dict(one) for one in judged},
        "provenance": dict(provenance),
    }


def _claim_to_dict(one: Judgement) -> dict[str, Any]:
    claim, found = one.claim, one.found
    interval = None if found is None or found.low is None else [found.low, found.high]
    return {
        "verdict": one.verdict,
        "expected": claim.expected,
        "failed": one.failed,
        "statement": claim.statement,
        "quote": claim.quote,
        "source": claim.source,
        "figure": claim.figure,
        "shown_in": claim.shown_in,
        "paper": claim.paper,
        "unit": claim.unit,
        "value": None if found is None else found.value,
        "n": None if found is None else found.n,
        "interval": interval,
        "interval_kind": None if found is None else found.interval,
        "p": None if found is None else found.p,
        "rule": claim.rule.model_dump(),
        "measure": claim.measure.model_dump(exclude_defaults=True),
        "reason": claim.reason,
        "remark": one.remark,
    }


def read_verdicts(path: Path) -> dict[str, Any]:
    """Return what ``to_dict`` returned, from a file; raise ``InputError`` if it holds something else."""
    try:
        read: dict[str, Any] = json.loads(require_intact(path).read_text(encoding="utf-8"))
        if not all({"failed", "expected", "verdict"} <= set(claim) for claim in read["claims"].values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: holds no verdicts; {remedy(path)}") from error
    return read


def judgements(read: Mapping[str, Any]) -> list[Judgement]:
    """Return the judgements from which ``to_dict`` made ``read``."""
    return [_claim_from_dict(name, found) for name, found in read["claims"].items()]


def _claim_from_dict(name: str, read: Mapping[str, Any]) -> Judgement:
    claim = Claim.model_validate({key: read[key] for key in Claim.model_fields})
    if read["value"] is None:
        return Judgement(name, claim, None, read["verdict"], read["remark"])
    low, high = read["interval"] or (None, None)
    found = Estimate(read["value"], read["n"], low, high, read["interval_kind"], read["p"])
    return Judgement(name, claim, found, read["verdict"], read["remark"])


def failures(read: Mapping[str, Any]) -> list[str]:
    """Return a line for each claim that was expected to be reproduced and was not, from what ``to_dict`` returned."""
    return [
        f"claim {name!r}: {claim['verdict']}, expected {claim['expected']}: {claim['statement']} "
        f"(our value {_number(claim['value'])}, rule: {claim['rule']['kind']} {claim['rule']['value']:g})"
        for name, claim in read["claims"].items()
        if claim["failed"]
    ]


def surprises(read: Mapping[str, Any]) -> list[str]:
    """Return a line for each claim that was not expected to be reproduced, but was."""
    return [
        f"claim {name!r}: {claim['verdict']}, expected {claim['expected']}; change 'expected' if it stays so"
        for name, claim in read["claims"].items()
        if claim["expected"] == "not reproduced" and claim["verdict"] in ("reproduced", "exceeded")
    ]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
