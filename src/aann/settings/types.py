"""Types of values that several stages' settings have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _three_decimals(value: float) -> float:
    if round(value, 3) != value:
        raise ValueError("sparsities have at most three decimals")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("expected characters that can be printed, on one line")
    return value


def _not_too_long(value: str) -> str:
    if any(len(part.encode()) > _LONGEST_NAME for part in Path(value).parts):
        raise ValueError(f"names of folders have at most {_LONGEST_NAME} bytes")
    return value


_LONGEST_NAME = 255
"""Bytes of the name of a file or folder, as file systems limit it."""


def _not_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are not numbers")
    return value


IN_WORDS: dict[str, str] = {}
"""What a text that matches a pattern is, by the pattern: messages say it instead."""


def matching(pattern: str, words: str) -> Any:
    """Return the constraint of a text that matches a pattern; ``words`` say what that is."""
    IN_WORDS[pattern] = words
    return Field(pattern=pattern)


Name = Annotated[
    str, matching(r"^[a-z][a-z0-9_-]*$", "small letters, digits, - and _, a letter first"), Field(max_length=64)
]

LayerName = Annotated[
    str,
    matching(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "letters, digits, ., _ and -, a letter or digit first"),
    Field(max_length=64),
]

NotBoolean = BeforeValidator(_not_boolean)
"""For numbers that a mapping names; ``Section`` sees to others."""

Count = Annotated[int, Field(ge=1), NotBoolean]

Sparsity = Annotated[float, Field(ge=0, le=100), NotBoolean, AfterValidator(_three_decimals)]

SparsityWithNeighbors = Annotated[float, Field(gt=0, lt=100), AfterValidator(_three_decimals)]
"""A swap needs a weight that is 0, and one that is not."""

Printable = AfterValidator(_printable)

Folder = Annotated[
    str,
    matching(
        r"^[^~{}*?\n-][^{}*?\n]*$", "a path, written out, that does not begin with ~ or - and has none of { } * ?"
    ),
    Printable,
    AfterValidator(_not_too_long),
    AfterValidator(lambda path: str(Path(path))),  # as rules write it: without ./ before it and / after it
]

Seed = Annotated[int, Field(ge=0, lt=2**32)]

Epochs = Annotated[float, Field(ge=0, le=10_000)]

PositiveEpochs = Annotated[float, Field(gt=0, le=10_000)]

LearningRate = Annotated[float, Field(gt=0, le=1)]


def _amount(value: Any) -> Any:
    number = value.replace("_", "") if isinstance(value, str) else value
    if isinstance(number, str) and number.isdecimal():
        number = int(number)
    if number != "exhaustive" and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise ValueError("expected exhaustive or a whole number of at least 1")
    return number


Amount = Annotated[Literal["exhaustive"] | Annotated[int, Field(ge=1)], BeforeValidator(_amount)]


class Section(BaseModel):
    """Unknown keys are errors, and nothing changes after validation.

    A number may come as text, since Snakemake hands on nested values of ``--config`` that way. True and false are not
    numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _booleans_are_no_numbers(cls, values: Any) -> Any:
        for key, value in values.items() if isinstance(values, dict) else ():
            field = cls.model_fields.get(key)
            items = value if isinstance(value, list) else [value]
            if field and field.annotation is not bool and any(isinstance(item, bool) for item in items):
                raise ValueError(f"{key}: true and false are not numbers or names")
        return values


def _without_nulls(value: Any) -> Any:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


Key = TypeVar("Key")
Item = TypeVar("Item")
Entries = Annotated[dict[Key, Item], BeforeValidator(_without_nulls)]
"""A mapping of names to entries. ``null`` takes away an entry of a file below."""


def require_distinct(values: list[Any], name: str) -> None:
    """Raise ``ValueError`` if a value is repeated."""
    repeated = [value for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        raise ValueError(f"{name}: {repeated[0]} is there twice; expected distinct values")


_PLACES = {"first": slice(1), "last": slice(-1, None), "all": slice(None)}


def at_place(name: str, layers: Sequence[str]) -> list[str]:
    """Return the layers that a name or a place (`first`, `last`, `all`) means. A layer's own name goes first.

    Raises ``ValueError`` if there is no such layer.
    """
    if name in layers:
        return [name]
    if name not in _PLACES:
        raise ValueError(f"no layer {name!r}; the task's network has {', '.join(layers)}")
    return list(layers[_PLACES[name]])
