"""Where the workflow's own files are: beside this package, whatever folder a command runs in.

An installed package has no workflow beside it, but its settings inside (``setup.py``).
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder of the checkout that this package is part of. For an installed copy, it holds no such files."""

_PACKAGE = Path(__file__).parent

_OWN = ("config", "workflow")
"""Folders of the checkout with files that jobs read."""


def find(path: Path | str) -> Path:
    """Return a path in the checkout if only the checkout has such a file or folder; otherwise the path as it is.

    For an installed package, settings are found in the package.
    """
    path = Path(path)
    return next((found for found in (path, ROOT / path, _PACKAGE / path) if found.exists()), path)


def within(path: Path) -> Path | None:
    """Return the path of one of the workflow's own files as seen from the checkout; None for any other file."""
    if not (path.is_absolute() and path.is_relative_to(ROOT)):
        return None
    inside = path.relative_to(ROOT)
    return inside if inside.parts[0] in _OWN else None
