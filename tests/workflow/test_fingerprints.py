"""No result depends on code that nobody watches: the fingerprint of a job holds what it imports and what decides it."""

import json
import re

from aann.lineage.provenance import NO_RESULT_DEPENDS_ON, code_fingerprint, covered

IMPORTED = re.compile(r"^import time:.*\| +(aann[\w.]*)$", re.MULTILINE)
WITHOUT_CODE = {"fetch_archive"}
"""Rules whose results do not depend on code: what they fetch is verified."""


def jobs(workflow):
    """Yield rule, log and parameters of every job that Snakemake has a record of, once for each output."""
    for path in (workflow.folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            yield record["rule"], [workflow.folder / log for log in record["log"]], record["params"]


def modules(root):
    """Return the names of all modules of the package."""
    paths = (path.relative_to(root / "src").with_suffix("") for path in (root / "src/aann").rglob("*.py"))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def left_out(module):
    return module == "aann" or ".".join(module.split(".")[:2]) in NO_RESULT_DEPENDS_ON


def test_every_module_that_a_job_imports_is_in_its_fingerprint(built, root):
    fingerprints = {code_fingerprint(name): name for name in modules(root) if not left_out(name)}
    missing, seen = {}, set()
    for rule, logs, params in jobs(built):
        if rule in WITHOUT_CODE or rule in seen:
            continue
        seen.add(rule)
        imported = {name for log in logs for name in IMPORTED.findall(log.read_text())}
        assert "aann.errors" in imported, f"{rule}: its log does not say what it imported"
        named = [
            fingerprints[value]
            for text in params
            for value in re.findall(r"\b[0-9a-f]{16}\b", text)
            if value in fingerprints
        ]
        lacks = {name for name in imported if not left_out(name)} - covered(named)
        if lacks:
            missing[rule] = sorted(lacks)
    assert missing == {}
    assert len(seen) > 20


def test_what_no_fingerprint_holds_has_a_reason_and_is_there(root):
    known = set(modules(root))
    assert set(NO_RESULT_DEPENDS_ON) <= known
    assert all(len(reason) > 10 for reason in NO_RESULT_DEPENDS_ON.values())
