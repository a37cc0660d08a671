"""Files of settings: reading YAML, and laying one over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from aann.errors import InputError


class _RepeatedKeyError(ValueError):
    """A mapping has a key twice, so one of its two values would be lost."""


def _parse(text: str) -> Any:
    """Return what ``yaml.safe_load`` would. This uses libyaml, which takes a tenth of the time.

    Raises ``_RepeatedKeyError`` with the line of the second of two equal keys.
    """
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        for key in _repeated_keys(node):
            raise _RepeatedKeyError(f"line {key.start_mark.line + 1}: {key.value!r} is there twice; keep one of them")
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _repeated_keys(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    """Yield the repeated keys of mappings at or below a node of YAML; `1` and `"1"` are equal."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        keys = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if key.value in keys:
                    yield key
                keys.add(key.value)
            waiting += (key, value)


_MERGE = "tag:yaml.org,2002:merge"
"""The tag of `<<`, which takes over what another mapping has."""


def require_distinct_keys(path: Path) -> None:
    """Raise ``InputError`` if a mapping in a file of YAML has a key twice. Other errors in the file pass."""
    try:
        _parse(path.read_text(encoding="utf-8"))
    except _RepeatedKeyError as error:
        raise InputError(f"{path}: {error}") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return


def with_text_keys(values: Any) -> Any:
    """Return values in which keys of mappings that are whole numbers are text, at any depth.

    A number and its text are one key. If one file has the figure `"1"` and another `1`, the later is laid over it.
    """
    if isinstance(values, list):
        return [with_text_keys(value) for value in values]
    if not isinstance(values, Mapping):
        return values
    texts: dict[Any, Any] = {}
    for key, value in values.items():
        name = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
        texts = merge(texts, {name: with_text_keys(value)})
    return texts


def with_nulls(values: Any) -> Any:
    """Return values of `--config` with None for the text `null`: Snakemake hands all nested values on as text."""
    if isinstance(values, Mapping):
        return {key: with_nulls(value) for key, value in values.items()}
    return None if values == "null" else values


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; raise ``InputError`` if it is missing or holds something else."""
    try:
        values = with_text_keys(_parse(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a file of settings") from error
    except _RepeatedKeyError as error:
        raise InputError(f"{path}: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({' '.join(str(error).split())})") from error
    except RecursionError as error:
        raise InputError(f"{path}: has an anchor within itself, or far too many levels; write it out") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a mapping of settings, got {type(values).__name__}")
    return values


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid over it, mapping by mapping; anything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged
