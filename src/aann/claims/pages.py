"""Verdicts for readers: a table in Markdown, and a page that opens without a network."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import get_args

from aann.claims.models import Claim, Measure, Rule, Sample, Verdict
from aann.claims.verdicts import ENFORCED, Judgement

_TITLE = "What the paper states, and what was measured"
_UNITS = {"percent": " %", "points": " points", "number": ""}
_COLUMNS = ("Statement", "In the paper", "Paper", "Here", "Interval", "n", "Rule", "Verdict", "Figure")
_STAND_INS = (
    " These are results of the scale {scale}, whose data are stand-ins for the paper's: the verdicts show that "
    "everything runs, and say nothing about the paper."
)
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 78rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #222; } td { border-bottom: 1px solid #ddd; }
td.number { text-align: right; white-space: nowrap; } q, small { color: #555; }
.banner { background: #fff3cd; padding: .8rem; }
.verdict { white-space: nowrap; font-weight: 600; } .reproduced { color: #00664b; } .exceeded { color: #0072b2; }
.not-reproduced { color: #b3410a; } .not-measured { color: #666; } .failed { outline: 2px solid #cc3311; }
"""


def markdown(judged: list[Judgement], scale: str, confidence: float) -> str:
    """Return the verdicts as a page of Markdown."""
    header = [f"| {' | '.join(_COLUMNS)} |", "| --- | --- | ---: | ---: | --- | ---: | --- | --- | --- |"]
    rows = [f"| {' | '.join(_markdown_cells(one))} |" for one in judged]
    notes = [f"- **{one.name}** ({one.verdict}): {note}" for one in judged for note in _notes(one)]
    parts = [f"# {_TITLE}", _lead(judged, scale, confidence)]
    parts += ["\n".join([*header, *rows]), "## Reasons and remarks", "\n".join(notes) or "None."]
    parts += [
        "## How each was measured",
        "\n".join(f"- **{one.name}**: {describe(one.claim.measure)}" for one in judged),
    ]
    return "\n\n".join(parts) + "\n"


def html(judged: list[Judgement], scale: str, confidence: float) -> str:
    """Return the verdicts as a page of HTML that needs no other files than the figures it links to."""
    banner = "" if scale == ENFORCED else ' class="banner"'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_TITLE}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_TITLE}</h1>\n"
        f"<p{banner}>{escape(_lead(judged, scale, confidence))}</p>\n{table(judged)}\n</body>\n</html>\n"
    )


def table(judged: list[Judgement], link: str = "../{file}") -> str:
    """Return the verdicts as a table of HTML. ``link`` is a figure's address, with its ``{file}`` or ``{figure}``."""
    head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
    rows = "\n".join(_html_row(one, link.format(file=one.claim.shown_in, figure=one.claim.figure)) for one in judged)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def measured(one: Judgement) -> str:
    """Return in words what was measured, with the paper's value where it has one, and the verdict."""
    paper, value, *_ = _cells(one)
    paper = f", in the paper {paper}" if paper else ""
    return f"{value or 'nothing'}{paper}: {one.verdict}"


def _lead(judged: list[Judgement], scale: str, confidence: float) -> str:
    counts = Counter(one.verdict for one in judged)
    numbers = ", ".join(f"{counts[verdict]} {verdict}" for verdict in get_args(Verdict) if counts[verdict])
    stand_ins = "" if scale == ENFORCED else _STAND_INS.format(scale=scale)
    return f"{len(judged)} claims: {numbers}. Intervals are of {100 * confidence:g} %.{stand_ins}"


def _cells(one: Judgement) -> tuple[str, ...]:
    """Return the cells of a row between the source of the claim and its verdict."""
    claim, found = one.claim, one.found
    paper = "" if claim.paper is None else _number(claim.paper, claim)
    if found is None:
        return paper, "", "", "", _rule(claim.rule, claim)
    interval = ""
    if found.low is not None and found.high is not None and found.interval != "exact":
        interval = f"{_digits(found.low)} to {_digits(found.high)} ({found.interval}{_chance(found.p)})"
    return paper, _number(found.value, claim), interval, f"{found.n:,}", _rule(claim.rule, claim)


def _number(value: float, claim: Claim) -> str:
    return f"{_digits(value)}{_UNITS[claim.unit]}"


def _digits(value: float) -> str:
    """Return a number with four digits, or a large one in whole numbers."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _chance(p: float | None) -> str:
    return "" if p is None else ", p < 0.001" if p < 0.001 else f", p = {p:.3f}"


def _rule(rule: Rule, claim: Claim) -> str:
    sign = {"at least": "\N{MINUS SIGN}", "at most": "+"}.get(rule.kind, "\N{PLUS-MINUS SIGN}")
    tolerance = f" {sign} {rule.tolerance:g}" if rule.tolerance else ""
    words = {"above": "whole interval above", "below": "whole interval below"}.get(rule.kind, rule.kind)
    return f"{words} {_digits(rule.value)}{tolerance}{_UNITS[claim.unit]}"


def _notes(one: Judgement) -> list[str]:
    return [note for note in (one.claim.reason, one.remark) if note]


def _markdown_cells(one: Judgement) -> list[str]:
    claim = one.claim
    verdict = f"**{one.verdict}**" + (f" (expected {claim.expected})" if one.failed else "")
    figure = f"[{claim.figure}](../{claim.shown_in})"
    cells = [claim.statement, claim.source, *_cells(one), verdict, figure]
    return [cell.replace("|", "\\|") for cell in cells]


def _html_row(one: Judgement, link: str) -> str:
    claim = one.claim
    name, source, paper, value, interval, n, rule = map(escape, (one.name, claim.source, *_cells(one)))
    quote = f"<br><q>{escape(claim.quote)}</q>" if claim.quote else ""
    notes = "".join(f"<br><small>{escape(note)}</small>" for note in _notes(one))
    details = (
        f"<details><summary><small>measured</small></summary><small>{escape(describe(claim.measure))}</small></details>"
    )
    verdict = escape(one.verdict.replace(" ", "-"))
    failed = " failed" if one.failed else ""
    return (
        f'<tr id="{name}"><td>{escape(claim.statement)}{quote}{notes}{details}</td><td>{source}</td>'
        f'<td class="number">{paper}</td><td class="number">{value}</td><td>{interval}</td><td class="number">{n}</td>'
        f'<td>{rule}</td><td class="verdict {verdict}{failed}">{escape(one.verdict)}</td>'
        f'<td><a href="{link}">{claim.figure}</a></td></tr>'
    )


def describe(measure: Measure) -> str:
    """Return in words how a claim is measured."""
    return f"{measure.statistic} of {' and '.join(_describe(sample) for sample in measure.samples)}"


def _describe(sample: Sample) -> str:
    columns = [sample.column] if isinstance(sample.column, str) else sample.column
    words = " + ".join(f"`{column}`" for column in columns)
    words += "" if sample.minus is None else f" \N{MINUS SIGN} `{sample.minus}`"
    words += "" if sample.of is None else f" / `{sample.of}`"
    words += f" in `{sample.table}`"
    if sample.change_within is not None:
        words += f", as change from row to row within {', '.join(sample.change_within)}"
    if sample.where:
        words += " where " + ", ".join(f"{name} is {_wanted(value)}" for name, value in sample.where.items())
    if sample.units is not None:
        words += f", {sample.take} by {', '.join(sample.units) or 'all rows'}"
    return words


def _wanted(value: object) -> str:
    if isinstance(value, list):
        return " or ".join(map(str, value))
    low, high = getattr(value, "at_least", None), getattr(value, "at_most", None)
    return str(value) if low is None else f"{low:g} to {high:g}"
