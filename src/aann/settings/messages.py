"""One line for the first thing that is wrong with settings: the key, what was expected, and the page to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from aann.addresses import shown

_MESSAGES = {
    "model_type": "expected a mapping of settings",
    "dict_type": "expected a mapping of settings",
    "union_tag_not_found": "expected a layer with type: convolution or type: dense",
    "union_tag_invalid": "expected a layer with type: convolution or type: dense",
}
"""What is expected, by pydantic's type of error, where its own words would not help."""


def first_problem(
    error: ValidationError, root: type[BaseModel], kind: str = "setting", page: str = "config/README.md"
) -> str:
    """Return one line on the first problem that a model found: the key, what was expected, and the page to read.

    ``root`` is the model, ``kind`` what a key of it is called.
    """
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(_without_tags(problem["loc"]))
    help_text = f"; see {page}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"][:-1], root)
        hint = f"; expected one of {', '.join(known)}" if known else ""
        return f"unknown {kind} '{key}'{suggestion(str(problem['loc'][-1]), known)}{hint}{help_text}"
    if problem["type"] == "missing":
        return f"{kind} '{key}' is missing{help_text}"
    message = _MESSAGES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    prefix = f"{kind} '{key}': " if key else ""
    value = repr(_without_secrets(problem["input"]))
    found = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    shown = "" if isinstance(problem["input"], dict) else f" (found {found})"
    return f"{prefix}{message}{shown}{help_text}"


def _without_secrets(value: Any) -> Any:
    """Return a wrong value as it may be shown; the address of a mirror may hold a password."""
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return shown(value) if isinstance(value, str) else value


_SHOWN = 100
"""Characters of a wrong value that are shown."""


def _without_tags(location: Sequence[Any]) -> list[str]:
    """Return the keys and indices of a location, without the type of a layer that stands after its index."""
    return [
        str(part) if str(part).isprintable() else repr(part)[1:-1]
        for before, part in zip([None, *location], location, strict=False)
        if not (isinstance(before, int) and part in ("convolution", "dense"))
    ]


def _known_keys(location: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """Return the keys of the model at a location below ``root``, or none if it is not one model."""
    annotation: Any = root
    for part in location:
        annotation = _inner(annotation, part)
    return list(annotation.model_fields) if _is_model(annotation) else []


def _inner(annotation: Any, part: Any) -> Any:
    """Return the type of what stands at ``part`` (a key, an index, a union's tag) of type ``annotation``."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    members = get_args(annotation)
    tagged = [member for member in members if part in _tags(member)]
    return (tagged or members or [None])[-1]


def _tags(annotation: Any) -> tuple[Any, ...]:
    """Return the values of `type` by which a union chooses this model; none if it is not in a union."""
    return (
        get_args(annotation.model_fields["type"].annotation)
        if "type" in getattr(annotation, "model_fields", ())
        else ()
    )


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return words that suggest the known name that is closest to an unknown one; nothing if none is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
