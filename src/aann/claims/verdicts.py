"""Verdicts: whether what was measured is what the paper states."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aann.artifacts import remedy, require_intact
from aann.claims.estimates import Estimate, Question, estimate
from aann.claims.models import HOLDS, Claim, Claims, Rule, Verdict
from aann.claims.samples import NotMeasurableError, Tables
from aann.errors import InputError
from aann.lineage import trace as lineage
from aann.settings.claims import ClaimsSettings

ENFORCED = "paper"
"""The scale at which a claim that is no longer reproduced is a failure. Other scales use stand-ins for the data."""


@dataclass(frozen=True)
class Judgement:
    """A claim, what was measured in its unit (None where nothing was), and the verdict.

    ``corrected`` is the p of a result after Holm's correction over all results (Holm 1979).
    """

    name: str
    claim: Claim
    found: Estimate | None
    verdict: Verdict
    remark: str | None = None
    corrected: float | None = None

    @property
    def failed(self) -> bool:
        """Whether this was expected to be reproduced, and was not."""
        return self.claim.expected in HOLDS and self.verdict not in HOLDS


def judge_all(claims: Claims, results: Path, scale: str, settings: ClaimsSettings) -> list[Judgement]:
    """Judge every claim from the tables of a scale.

    Raises ``InputError`` if tables come from another scale, or if a claim names a table, column or figure that is
    missing. At the paper's scale, it also does so if a claim names rows that are missing.
    """
    require_one_scale([results / table for table in claims.tables], results, scale)
    tables = Tables(results)
    return corrected([_judge(name, claim, tables, scale, settings) for name, claim in claims.claims.items()])


def corrected(judged: list[Judgement]) -> list[Judgement]:
    """Return judgements with the p of results after Holm's correction, in the same order."""
    tests = {one.name: one.found.p for one in judged if one.claim.kind == "result" and one.found}
    plain = sorted((p, name) for name, p in tests.items() if p is not None)
    largest, found = 0.0, {}
    for place, (p, name) in enumerate(plain):
        largest = max(largest, min(1.0, (len(plain) - place) * p))
        found[name] = largest
    return [replace(one, corrected=found.get(one.name)) for one in judged]


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
        found = _scaled(estimate(claim.measure, tables, settings, _question(claim)), claim.scale)
    except NotMeasurableError as error:
        if scale == ENFORCED:
            raise InputError(f"claim {name!r}: {error}") from error
        return Judgement(name, claim, None, "not measured", str(error))
    except InputError as error:
        raise InputError(f"claim {name!r}: {error}") from error
    return Judgement(name, claim, found, verdict(claim, found))


def _question(claim: Claim) -> Question:
    """Return what is asked about the measured value of a claim, as a fraction."""
    bounds = claim.rule.bounds if claim.kind == "result" and claim.rule else ()
    single = None if claim.paper is None else claim.paper / claim.scale
    return Question(tuple(bound / claim.scale for bound in bounds if math.isfinite(bound)), single)


def _scaled(found: Estimate, scale: float) -> Estimate:
    return replace(found, value=scale * found.value, low=scale * found.low, high=scale * found.high)


def verdict(claim: Claim, found: Estimate) -> Verdict:
    """Return the verdict on what was measured, in the unit of the claim.

    It is about the whole interval, in both directions. The paper's value is exceeded if the interval lies beyond it, in
    the claim's direction, by more than the tolerance.
    """
    rule = claim.rule
    if rule is None:
        return "not judged"
    if rule.fails(found.low, found.high):
        return "contradicted"
    if not rule.holds(found.low, found.high):
        return "inconclusive"
    return "exceeded" if _is_beyond(claim.paper, rule, found) else "reproduced"


def _is_beyond(paper: float | None, rule: Rule, found: Estimate) -> bool:
    """Return whether a whole interval lies beyond the paper's value, which a rule need not have as its own."""
    if paper is None:
        return False
    if rule.kind == "at least":
        return found.low > paper + rule.tolerance
    return rule.kind == "at most" and found.high < paper - rule.tolerance


def to_dict(
    judged: list[Judgement], scale: str, provenance: Mapping[str, Any], without: Sequence[str] = ()
) -> dict[str, Any]:
    """Return verdicts for machines. ``without`` are claims that were left out."""
    return {
        "scale": scale,
        "enforced": scale == ENFORCED,
        "without": [*without],
        "claims": {one.name: _claim_to_dict(one) for one in judged},
        "provenance": dict(provenance),
    }


def _claim_to_dict(one: Judgement) -> dict[str, Any]:
    claim = one.claim
    return {
        "verdict": one.verdict,
        "expected": claim.expected,
        "failed": one.failed,
        "kind": claim.kind,
        "statement": claim.statement,
        "quote": claim.quote,
        "source": claim.source,
        "figure": claim.figure,
        "shown_in": claim.shown_in,
        "paper": claim.paper,
        "unit": claim.unit,
        "found": None if one.found is None else asdict(one.found),
        "corrected": one.corrected,
        "rule": None if claim.rule is None else claim.rule.model_dump(),
        "measure": claim.measure.model_dump(exclude_defaults=True),
        "reason": claim.reason,
        "remark": one.remark,
    }


def read_verdicts(path: Path) -> dict[str, Any]:
    """Return what ``to_dict`` returned, from a file; raise ``InputError`` if it holds something else."""
    try:
        read: dict[str, Any] = json.loads(require_intact(path).read_text(encoding="utf-8"))
        again = to_dict(judgements(read), read["scale"], read["provenance"], read["without"])
        known = all(claim.keys() <= read["claims"][name].keys() for name, claim in again["claims"].items())
        if not known or not isinstance(read["without"], list) or not isinstance(read["enforced"], bool):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: holds no verdicts; {remedy(path)}") from error
    return read


def judgements(read: Mapping[str, Any]) -> list[Judgement]:
    """Return the judgements from which ``to_dict`` made ``read``."""
    return [_claim_from_dict(name, found) for name, found in read["claims"].items()]


def _claim_from_dict(name: str, read: Mapping[str, Any]) -> Judgement:
    claim = Claim.model_validate({key: read[key] for key in Claim.model_fields})
    found = None if read["found"] is None else Estimate(**read["found"])
    return Judgement(name, claim, found, read["verdict"], read["remark"], read["corrected"])


def failures(read: Mapping[str, Any]) -> list[str]:
    """Return a line for each claim that was expected to be reproduced and was not, from what ``to_dict`` returned."""
    return [
        f"claim {name!r}: {claim['verdict']}, expected {claim['expected']}: {claim['statement']} "
        f"({_interval(claim['found'])}, rule: {claim['rule']['kind']} {claim['rule']['value']:g})"
        for name, claim in read["claims"].items()
        if claim["failed"]
    ]


def surprises(read: Mapping[str, Any]) -> list[str]:
    """Return a line for each claim whose verdict is not the one expected, though none is worse for the paper."""
    return [
        f"claim {name!r}: {claim['verdict']}, expected {claim['expected']}; change 'expected' if it stays so"
        for name, claim in read["claims"].items()
        if claim["expected"] not in (None, claim["verdict"])
        and not claim["failed"]
        and claim["verdict"] != "not measured"
    ]


def changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return a line for each claim that two runs judge otherwise, and one that counts; from what ``to_dict`` returned.

    Raises ``InputError`` if they judge no claim in common.
    """
    pairs = {name: (claim, other["claims"][name]) for name, claim in one["claims"].items() if name in other["claims"]}
    pairs = {name: pair for name, pair in pairs.items() if all(claim["kind"] == "result" for claim in pair)}
    if not pairs:
        raise InputError(f"the runs {one['scale']!r} and {other['scale']!r} have no result in common to compare")
    lines = [
        f"claim {name!r}: "
        + "; ".join(
            f"{run['scale']}: {claim['verdict']} ({_interval(claim['found'])})"
            for run, claim in zip((one, other), pair, strict=True)
        )
        for name, pair in pairs.items()
        if pair[0]["verdict"] != pair[1]["verdict"]
    ]
    return [*lines, f"{len(pairs) - len(lines)} of {len(pairs)} results have the same verdict in both runs"]


def _interval(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "nothing was measured"
    return f"our value {found['value']:.4g}, from {found['low']:.4g} to {found['high']:.4g}"
