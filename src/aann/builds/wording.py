"""Messages of Snakemake, reworded so that they say what to do."""

from __future__ import annotations

import logging
import re

_NOT_BUILT = re.compile(r"(?s)^WorkflowError:\s+File (.+) marked for report but does not exist\.")


def explain_missing(record: logging.LogRecord) -> bool:
    """Let all messages pass. If a report comes before its build, let the message say what to build first."""
    found = _NOT_BUILT.match(str(record.msg))
    if found:
        record.msg = (
            f"{found[1]}: was not built, so there is nothing to report; build the target of the report first "
            "(all_figures, if you name none), by the same command without --report"
        )
    return True
