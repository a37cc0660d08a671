"""One line for the first thing that is wrong with settings: the key, what was expected, and the page to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from aann.addresses import shown
from aann.errors import InputError
from aann.settings.types import IN_WORDS

Item = TypeVar("Item")

_MESSAGES = {
    "model_type": "expected a mapping of settings",
    "dict_type": "expected a mapping of settings",
}
"""What is expected, by pydantic's type of error, where its own words would not help."""

_OF_ANOTHER_KIND = ("_type", "_parsing", "literal_error")
"""How pydantic's types of errors end that say that a value is none of a choice of a union at all."""

_TAGS = ("type", "kind")
"""Keys whose value chooses a model of a union for the settings beside it."""


def first_problem(
    error: ValidationError, root: type[BaseModel], kind: str = "setting", page: str = "config/README.md"
) -> str:
    """Return one line on the first problem that a model found: the key, what was expected, and the page to read.

    ``root`` is the model, and ``kind`` the word for one of its keys.
    """
    problem = _first(error.errors(), root)
    key = ".".join(_keys(problem["loc"], root))
    help_text = f"; see {page}"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(problem["loc"][:-1], root)
        hint = f"; expected one of {', '.join(known)}" if known else ""
        return f"unknown {kind} '{key}'{suggestion(str(problem['loc'][-1]), known)}{hint}{help_text}"
    if problem["type"] == "missing":
        return f"{kind} '{key}' is missing{help_text}"
    message = _message(problem, root)
    prefix = f"{kind} '{key}': " if key else ""
    value = repr(_without_secrets(problem["input"]))
    found = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    shown = "" if isinstance(problem["input"], dict) else f" (found {found})"
    return f"{prefix}{message}{shown}{help_text}"


def _first(problems: Sequence[Any], root: type[BaseModel], start: int = 0) -> dict[str, Any]:
    """Return the problem to speak of. Its location has no tags of unions that no key chooses from.

    Pydantic says of such a union what is wrong by each of its choices. Those that the value might be go first; if there
    are none, the problem names all choices. Locations have no such tags before ``start``.
    """
    first = min(problems, key=lambda found: bool(found["type"] != "extra_forbidden"))
    location = first["loc"]
    place = next((place for place in range(start, len(location)) if _choices(_at(location[:place], root))), None)
    if place is None:
        return dict(first)
    there = [found for found in problems if found["loc"][:place] == location[:place]]
    wrong = [one for one in there if len(one["loc"]) == place + 1 and one["type"].endswith(_OF_ANOTHER_KIND)]
    near = [{**one, "loc": (*one["loc"][:place], *one["loc"][place + 1 :])} for one in there if one not in wrong]
    if near:
        return _first(near, root, place + 1)
    *words, last = dict.fromkeys(_choice(one) for one in wrong)
    listed = f"{', '.join(words)} or {last}" if words else last
    return {**first, "loc": location[:place], "type": "union", "msg": f"Input should be {listed}"}


def _choice(problem: Mapping[str, Any]) -> str:
    """Return a choice of a union in words, from the problem of a value that is none of it."""
    if problem["type"] == "literal_error":
        return str(problem["ctx"]["expected"])
    if problem["type"] in _MESSAGES:
        return "a mapping"
    return str(problem["msg"]).removeprefix("Input should be ").partition(",")[0]


def _without_secrets(value: Any) -> Any:
    """Return a wrong value as it may be shown; the address of a mirror may hold a password."""
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return shown(value) if isinstance(value, str) else value


_SHOWN = 100
"""Characters of a wrong value that are shown."""


def _message(problem: Mapping[str, Any], root: type[BaseModel]) -> str:
    """Return what was expected."""
    if problem["type"].startswith("union_tag"):
        members = _members(_at(problem["loc"], root))
        tags = [tag for member in members for tag in _tags(member)]
        return f"expected {problem['ctx']['discriminator'].strip(chr(39))}: {' or '.join(tags)}"
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] in IN_WORDS:
        return f"expected {IN_WORDS[problem['ctx']['pattern']]}"
    known: str | None = _MESSAGES.get(problem["type"])
    return known or str(problem["msg"]).removeprefix("Value error, ")


def _keys(location: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """Return the keys and indices of a location, without the tags that pydantic adds for models of unions."""
    keys = []
    for place, part in enumerate(location):
        if not any(part in _tags(member) for member in _members(_at(location[:place], root))):
            keys.append(str(part) if str(part).isprintable() else repr(part)[1:-1])
    return keys


def _known_keys(location: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """Return the keys of the model at a location below ``root``, or of those that a union has without a tag."""
    found = _at(location, root)
    models = [one for one in (found, *_choices(found)) if _is_model(one)]
    return [key for model in models for key in model.model_fields]


def _at(location: Sequence[Any], root: type[BaseModel]) -> Any:
    """Return the type at a location below ``root``; None if there is none."""
    annotation: Any = root
    for part in location:
        annotation = _plain(_inner(annotation, part))
    return annotation


def _plain(annotation: Any) -> Any:
    """Return a type without its constraints, and without the None of a type that may be absent."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = [member for member in get_args(annotation) if member is not type(None)]
    return _plain(members[0]) if len(members) == 1 and type(None) in get_args(annotation) else annotation


def _inner(annotation: Any, part: Any) -> Any:
    """Return the type of what is at ``part`` (a key, an index, a union's tag) of a plain type."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    members = get_args(annotation)
    if _choices(annotation):
        return next((found for member in members if (found := _inner(_plain(member), part)) is not None), None)
    tagged = [member for member in members if part in _tags(member)]
    return (tagged or members or [None])[-1]


def _choices(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union from which no tag chooses; none of another type."""
    is_union = get_origin(annotation) in (Union, UnionType) and not _members(annotation)
    return get_args(annotation) if is_union else ()


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return the models of a union that a tag chooses from; none of another type."""
    return tuple(member for member in get_args(annotation) if _tags(member))


def _tags(annotation: Any) -> tuple[Any, ...]:
    """Return the values by which a union chooses this model; none if it is not in a union."""
    fields = getattr(annotation, "model_fields", {})
    return next((get_args(fields[key].annotation) for key in _TAGS if key in fields), ())


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def require(kind: Any, value: Any, source: str) -> None:
    """Raise ``InputError``, which begins with ``source``, unless a value is of a type that settings have."""
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise InputError(f"{source}: {first_problem(error, BaseModel)}") from error


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return words that suggest the known name that is closest to an unknown one; nothing if none is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def lookup(items: Mapping[str, Item], name: str, word: str, key: str) -> Item:
    """Return an entry of a section of the settings; ``word`` is what an entry is, ``key`` that of the section.

    Raises ``InputError`` for a name that is not there.
    """
    if not isinstance(name, str) or name not in items:
        known = ", ".join(items) or "none"
        raise InputError(f"unknown {word} {name!r}{suggestion(str(name), items)}; the setting '{key}' has {known}")
    return items[name]


@contextmanager
def refused_at(key: str) -> Iterator[None]:
    """Raise a ``ValueError`` about the layers of a network as ``InputError`` that begins with the key of a setting."""
    try:
        yield
    except ValueError as error:
        raise InputError(f"{key}: {error}") from error
