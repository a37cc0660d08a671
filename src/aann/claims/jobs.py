"""The job of stage claims: read claims and tables, judge, and write the verdicts for machines and for readers."""

from __future__ import annotations

import json
from pathlib import Path

from aann.artifacts import atomic_path
from aann.claims import models, pages, verdicts
from aann.lineage import provenance
from aann.settings.study import Settings


def make_verdicts(settings: Settings, claims: Path, results: Path, output: Path) -> None:
    """Judge every claim of a file by the results of one scale; write JSON, and Markdown and HTML beside it.

    Raises ``InputError`` for a claim or a table that is not valid.
    """
    chosen = settings.claims
    all_claims = models.load(claims)
    read = all_claims.without(chosen)
    left_out = [name for name in all_claims.claims if name not in read.claims]
    judged = verdicts.judge_all(read, results, settings.scale, chosen)
    recorded = provenance.describe(
        "aann.claims.jobs",
        [claims, *(results / name for name in read.tables)],
        {"scale": settings.scale, "claims": chosen.model_dump()},
    )
    content = {
        ".md": pages.markdown(judged, settings.scale, chosen, left_out),
        ".html": pages.html(judged, settings.scale, chosen, left_out),
        ".json": json.dumps(verdicts.to_dict(judged, settings.scale, recorded, left_out), indent=2) + "\n",
    }
    for ending, text in content.items():
        with atomic_path(output.with_suffix(ending)) as temporary:
            temporary.write_text(text, encoding="utf-8")
