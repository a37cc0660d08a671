"""A function of a user's own that returns images and labels, or these by split."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aann.catalog import PARTS
from aann.datasets import values
from aann.datasets.sources import Found
from aann.errors import InputError
from aann.settings.datasets import FunctionDataSettings

_EXPECTED = "expected images and labels, or {'train': (images, labels), 'test': ...}"


def read(data: FunctionDataSettings, archives: Path) -> Found:
    """Return what the function returns; raise ``InputError`` if there is none, if it fails or returns other things."""
    where = data.function
    try:
        returned = _function(where)()
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{where}: failed ({type(error).__name__}: {' '.join(str(error).split())})") from error
    pairs = returned if isinstance(returned, Mapping) else {"train": returned}
    unknown = [part for part in pairs if part not in PARTS]
    if unknown or "train" not in pairs:
        raise InputError(f"{where}: returns {', '.join(map(repr, pairs))}; {_EXPECTED}")
    wrong = [part for part, pair in pairs.items() if not isinstance(pair, tuple | list) or len(pair) != 2]
    if wrong:
        raise InputError(f"{where}: returns a {type(pairs[wrong[0]]).__name__} for {wrong[0]}; {_EXPECTED}")
    return values.found({part: (pair[0], pair[1]) for part, pair in pairs.items()}, data, data.axis, where)


def files(data: FunctionDataSettings, archives: Path) -> list[Path]:
    """Return the file of the function, if it is below this folder."""
    path = Path(*data.function.partition(":")[0].split(".")).with_suffix(".py")
    return [path] if path.is_file() else []


def _function(where: str) -> Any:
    module, _, name = where.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise InputError(f"{where}: there is no module {error.name!r} here ({here}), nor is one installed") from error
    if not callable(found):
        raise InputError(f"{where}: module {module!r} has no function {name!r}")
    return found
