"""What Snakemake says, in words that say what to do."""

from __future__ import annotations

import logging
import re

_NOT_BUILT = re.compile(r"(?s)^WorkflowError:\s+File (.+) marked for report but does not exist\.")

_REFUSED = re.compile(
    r"^InputFunctionException in rule [^\n]+\nError:\n +WorkflowError:\n +(?P<reason>[^\n]+)\nWildcards:"
)
"""A rule refuses what was asked for when Snakemake asks for its inputs; the reason is in one line."""


def explain(record: logging.LogRecord) -> bool:
    """Let pass what Snakemake logs, in other words where its own do not help.

    Of a report before its build, the line names what to build first. Of what a rule refuses, it is the reason alone.
    """
    found = _NOT_BUILT.match(str(record.msg))
    if found:
        record.msg = (
            f"{found[1]}: was not built, so there is nothing to report; build the target of the report first "
            "(all_figures, if you name none), by the same command without --report"
        )
    refused = _REFUSED.match(str(record.msg))
    if refused:
        record.msg = refused["reason"]
    return True
