"""Verdicts for readers: a table in Markdown, and a page that opens without a network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from typing import get_args

from aann.claims.estimates import MOST_UNITS, Estimate
from aann.claims.models import OURS, Claim, Measure, Rule, Sample, Verdict
from aann.claims.samples import in_words
from aann.claims.verdicts import ENFORCED, Judgement
from aann.settings.claims import ClaimsSettings

_TITLE = "What the paper states, and what was measured"
_UNITS = {"percent": " %", "points": " points", "number": ""}
_KINDS = {
    "result": ("Results", "Something could have come out otherwise."),
    "protocol": ("Protocol", "The run is the one that the paper describes, or it says where it is not."),
    "start": ("Starts", "What a random draw scored in one run of the paper, beside ours. It is not judged."),
}
"""The parts of a page by kind of claim: title, and what is in it."""

_COLUMNS = {
    "Statement": "---",
    "In the paper": "---",
    "Paper": "---:",
    "Percentile": "---:",
    "Here": "---:",
    "Interval": "---",
    "n": "---:",
    "p": "---:",
    "Holm": "---:",
    "Rule": "---",
    "Verdict": "---",
    "Figure": "---",
}
"""The columns of a table, and how Markdown aligns them. Those without any value are left out."""

_LEGEND = (
    "*Percentile*: where the paper's one run is among runs of ours, by Student's prediction of a further run. *p*: of "
    "the two-sided test against the bound of the rule. *Holm*: the same after Holm's correction over all results."
)
_STAND_INS = (
    " These are results of the scale {scale}, whose data are stand-ins for the paper's: the verdicts show that "
    "everything runs, and say nothing about the paper."
)
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } th, td { padding: .35rem .4rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #222; } td { border-bottom: 1px solid #ddd; }
td.number { text-align: right; white-space: nowrap; } q, small { color: #555; }
.banner { background: #fff3cd; padding: .8rem; }
td:first-child { min-width: 16rem; } .verdict { font-weight: 600; }
.reproduced { color: #00664b; } .exceeded { color: #0072b2; }
.contradicted { color: #b3410a; } .inconclusive { color: #7a5c00; } .not-measured, .not-judged { color: #666; }
.failed { outline: 2px solid #cc3311; }
"""


def markdown(judged: list[Judgement], scale: str, settings: ClaimsSettings, left_out: Sequence[str]) -> str:
    """Return the verdicts as a page of Markdown: a table for each kind of claim, reasons, and how each was measured.

    ``left_out`` are the names of claims that were left out.
    """
    parts = [f"# {_TITLE}", _lead(judged, scale, settings, left_out), _LEGEND]
    for title, words, ones in _by_kind(judged):
        rows = [_markdown_cells(one) for one in ones]
        columns = _filled(rows)
        lines = [columns, [_COLUMNS[name] for name in columns], *([row[name] for name in columns] for row in rows)]
        parts += [f"## {title}", words, "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    notes = [f"- **{one.name}** ({one.verdict}): {note}" for one in judged for note in _notes(one)]
    measured = [f"- **{one.name}**: {describe(one.claim.measure)}" for one in judged]
    parts += ["## Reasons and remarks", "\n".join(notes) or "None.", "## How each was measured", "\n".join(measured)]
    return "\n\n".join(parts) + "\n"


def html(judged: list[Judgement], scale: str, settings: ClaimsSettings, left_out: Sequence[str]) -> str:
    """Return the verdicts as a page of HTML that needs no other files than the figures it links to."""
    banner = "" if scale == ENFORCED else ' class="banner"'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_TITLE}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_TITLE}</h1>\n"
        f"<p{banner}>{escape(_lead(judged, scale, settings, left_out))}</p>\n{tables(judged)}\n</body>\n</html>\n"
    )


def tables(judged: list[Judgement], link: str = "../{file}") -> str:
    """Return the verdicts as tables of HTML, one for each kind of claim, with a legend.

    ``link`` is a figure's address, with its ``{file}`` or ``{figure}``.
    """
    parts = [f"<p>{_LEGEND.replace('*', '')}</p>"]
    for title, words, ones in _by_kind(judged):
        rows = [_cells(one) for one in ones]
        columns = _filled(rows)
        head = "".join(f"<th>{name}</th>" for name in columns)
        links = (link.format(file=one.claim.shown_in, figure=one.claim.figure) for one in ones)
        lines = [_html_row(*row, columns) for row in zip(ones, rows, links, strict=True)]
        body = "\n".join(lines)
        parts.append(
            f"<h3>{title}</h3>\n<p>{words}</p>\n"
            f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        )
    return "\n".join(parts)


def measured(one: Judgement) -> str:
    """Return in words what was measured, with the paper's value where it has one, and the verdict."""
    cells = _cells(one)
    paper = f", in the paper {cells['Paper']}" if cells["Paper"] else ""
    return f"{cells['Here'] or 'nothing'}{paper}: {one.verdict}"


def headline(judged: list[Judgement]) -> str:
    """Return in words how many results have each verdict, how many are ours, and beside them how much else there is."""
    kinds = {kind: [one for one in judged if one.claim.kind == kind] for kind in _KINDS}
    ours = sum(one.claim.source == OURS for one in kinds["result"])
    of_ours = f", {ours} of them ours" if ours else ""
    words = f"{len(kinds['result'])} results{of_ours}: {_counted(kinds['result'])}."
    if kinds["protocol"]:
        words += f" {len(kinds['protocol'])} points of protocol: {_counted(kinds['protocol'])}."
    if kinds["start"]:
        words += f" {len(kinds['start'])} random starts are shown and not judged."
    return words


def _counted(judged: list[Judgement]) -> str:
    counts = Counter(one.verdict for one in judged)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in get_args(Verdict) if counts[verdict]) or "none"


def _by_kind(judged: list[Judgement]) -> Iterator[tuple[str, str, list[Judgement]]]:
    """Yield title, words and claims of each kind that there is."""
    for kind, (title, words) in _KINDS.items():
        ones = [one for one in judged if one.claim.kind == kind]
        if ones:
            yield title, words, ones


def _filled(rows: list[dict[str, str]]) -> list[str]:
    """Return the columns in which some row has a value."""
    return [name for name in _COLUMNS if any(row[name] for row in rows)]


def _lead(judged: list[Judgement], scale: str, settings: ClaimsSettings, left_out: Sequence[str]) -> str:
    stand_ins = "" if scale == ENFORCED else _STAND_INS.format(scale=scale)
    without = f" Left out, since this run does not have what they need: {', '.join(left_out)}."
    more = (without if left_out else "") + stand_ins
    return f"{headline(judged)} Intervals are of {100 * settings.confidence:g} %.{more}"


def _cells(one: Judgement) -> dict[str, str]:
    """Return the texts of a row by column, without markup."""
    claim, found = one.claim, one.found
    cells = dict.fromkeys(_COLUMNS, "")
    cells |= {"Statement": claim.statement, "In the paper": claim.source, "Figure": claim.figure}
    cells["Paper"] = "" if claim.paper is None else _number(claim.paper, claim)
    cells["Rule"] = "" if claim.rule is None else _rule(claim.rule, claim)
    cells["Verdict"] = one.verdict + _settling(one)
    return cells if found is None else cells | _measured_cells(one, found)


def _measured_cells(one: Judgement, found: Estimate) -> dict[str, str]:
    exact = found.interval == "exact" or found.low == found.high
    interval = "" if exact else f"{_digits(found.low)} to {_digits(found.high)} ({found.interval})"
    return {
        "Percentile": "" if found.percentile is None else f"{found.percentile:.1f}",
        "Here": _number(found.value, one.claim),
        "Interval": interval,
        "n": f"{found.n:,}",
        "p": chance(found.p),
        "Holm": chance(one.corrected),
    }


def _settling(one: Judgement) -> str:
    """Return how many units would settle an inconclusive claim, in words."""
    units = one.found.settling if one.found and one.verdict == "inconclusive" else None
    if units is None:
        return ""
    return f" (more than {units:,} would settle it)" if units == MOST_UNITS else f" (about {units:,} would settle it)"


def _number(value: float, claim: Claim) -> str:
    return f"{_digits(value)}{_UNITS[claim.unit]}"


def _digits(value: float) -> str:
    """Return a number with four digits, or a large one in whole numbers."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def chance(p: float | None) -> str:
    """Return the p of a test in words; nothing if there is none (None or NaN)."""
    return "" if p is None or math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _rule(rule: Rule, claim: Claim) -> str:
    sign = {"at least": "\N{MINUS SIGN}", "at most": "+"}.get(rule.kind, "\N{PLUS-MINUS SIGN}")
    tolerance = f" {sign} {rule.tolerance:g}" if rule.tolerance else ""
    return f"{rule.kind} {_digits(rule.value)}{tolerance}{_UNITS[claim.unit]}"


def _notes(one: Judgement) -> list[str]:
    return [note for note in (one.claim.reason, one.remark) if note]


def _markdown_cells(one: Judgement) -> dict[str, str]:
    cells = {name: text.replace("|", "\\|") for name, text in _cells(one).items()}
    unexpected = f" (expected {one.claim.expected})" if one.failed else ""
    cells["Verdict"] = f"**{one.verdict}**{cells['Verdict'].removeprefix(one.verdict)}{unexpected}"
    cells["Figure"] = f"[{one.claim.figure}](../{one.claim.shown_in})"
    return cells


_NUMBERS = ("Paper", "Percentile", "Here", "n", "p", "Holm")


def _html_row(one: Judgement, cells: dict[str, str], link: str, columns: list[str]) -> str:
    claim = one.claim
    quote = f"<br><q>{escape(claim.quote)}</q>" if claim.quote else ""
    notes = "".join(f"<br><small>{escape(note)}</small>" for note in _notes(one))
    details = (
        f"<details><summary><small>measured</small></summary><small>{escape(describe(claim.measure))}</small></details>"
    )
    texts = {name: escape(text) for name, text in cells.items()}
    texts["Statement"] += quote + notes + details
    texts["Figure"] = f'<a href="{link}">{texts["Figure"]}</a>'
    looks = dict.fromkeys(_NUMBERS, "number")
    looks["Verdict"] = f"verdict {escape(one.verdict.replace(' ', '-'))}{' failed' if one.failed else ''}"
    tags = {name: f'<td class="{looks[name]}">' if name in looks else "<td>" for name in columns}
    return f'<tr id="{escape(one.name)}">{"".join(f"{tags[name]}{texts[name]}</td>" for name in columns)}</tr>'


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
        words += " where " + ", ".join(f"{name} is {in_words(value)}" for name, value in sample.where.items())
    if sample.units is not None:
        words += f", {sample.take} by {', '.join(sample.units) or 'all rows'}"
    return words
