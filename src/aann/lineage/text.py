"""A lineage as text for a terminal: a tree of files, then the settings and versions that they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from aann.artifacts import to_json
from aann.lineage.trace import File, Input, Lineage

_DIGITS = 12
"""How many digits of a hash are shown. The JSON has all of them."""

_APART = ("module", "code", "inputs", "settings", "versions")
"""Entries of a record with a place of their own. The line of a file shows all others, such as a seed."""


class _Numbered:
    """Mappings that many files share, each with a number."""

    def __init__(self) -> None:
        self.values: dict[str, Mapping[str, Any]] = {}

    def number(self, value: Mapping[str, Any]) -> int:
        key = to_json(value)
        self.values.setdefault(key, value)
        return list(self.values).index(key) + 1


def to_text(lineage: Lineage) -> str:
    """Return a lineage as text. A file that several files came from is followed back once, where it is first named."""
    settings, versions = _Numbered(), _Numbered()
    lines = list(_tree(lineage, settings, versions))
    for number, value in enumerate(settings.values.values(), start=1):
        lines += ["", f"Settings {number}"]
        text = yaml.safe_dump(dict(value), sort_keys=False, default_flow_style=None, width=108)
        lines += [f"  {line}" for line in text.splitlines()]
    for number, value in enumerate(versions.values.values(), start=1):
        lines += ["", f"Versions {number}", "  " + ", ".join(f"{name} {version}" for name, version in value.items())]
    if lineage.problems:
        lines += ["", "What does not fit", *(f"  {problem}" for problem in lineage.problems)]
    return "\n".join(lines) + "\n"


def _tree(lineage: Lineage, settings: _Numbered, versions: _Numbered) -> Iterator[str]:
    seen = set()

    def below(file: File, indent: str) -> Iterator[str]:
        for place, known in enumerate(file.inputs, start=1):
            last = place == len(file.inputs)
            yield f"{indent}{'└─ ' if last else '├─ '}{_input(known, lineage, settings, versions, known.path in seen)}"
            if known.path is not None and known.path not in seen:
                seen.add(known.path)
                yield from below(lineage.files[known.path], indent + ("   " if last else "│  "))

    root = lineage.files[lineage.root]
    seen.add(lineage.root)
    yield _words(root, settings, versions)
    yield from below(root, "")


def _input(known: Input, lineage: Lineage, settings: _Numbered, versions: _Numbered, seen: bool) -> str:
    if known.path is None:
        return f"{known.recorded}  [{known.sha256[:_DIGITS]}]  ABSENT"
    state = {"same": "", "moved": f"  (was {known.recorded})", "changed": "  CHANGED"}[known.state]
    if seen:
        return f"{known.path}  [{known.sha256[:_DIGITS]}]  as above{state}"
    return _words(lineage.files[known.path], settings, versions) + state


def _words(file: File, settings: _Numbered, versions: _Numbered) -> str:
    """Return one line on a file: its hash, what made it from which settings, and when."""
    words = [f"{file.path}  [{file.sha256[:_DIGITS]}]"]
    if file.record is None:
        return f"{words[0]}  a source: nothing recorded what it came from"
    provenance = file.record.provenance
    if "module" in provenance:
        words.append(f"{provenance['module']} (code {provenance.get('code', 'unknown')})")
    words += [f"{key} {value}" for key, value in provenance.items() if key not in _APART]
    if provenance.get("settings"):
        words.append(f"settings {settings.number(provenance['settings'])}")
    if provenance.get("versions"):
        words.append(f"versions {versions.number(provenance['versions'])}")
    if file.made is not None:
        words.append(file.made if file.seconds is None else f"{file.made} in {file.seconds:.1f} s")
    return ", ".join(words)
