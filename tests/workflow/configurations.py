"""Configurations made from the schema of the settings: right, borderline, of wrong types, and with odd names."""

import copy
from typing import Any

from hypothesis import strategies as st

ODD_NAMES = (
    "a b",
    "it's",
    'say "so"',
    "a/b",
    "..",
    "../up",
    "/absolute",
    "~",
    "-rf",
    "$(touch x)",
    "a;b",
    "a\nb",
    "{task}",
    "*",
    "ünïcode",
    "",
    "%s",
    "x" * 300,
)
USED_NAMES = ("mnist", "fashion", "car", "tiny", "tiny-driver", "1.0", "2.0", "fc", "fc1", "fc2", "figure-6", "greedy")
TAKEN_NAMES = ("backpropagation", "climb", "none", "new", "dense", "driver1")
"""Names that stand for something else elsewhere, and one that does not."""

WRONG = (None, True, -1, 0, 1.5, 10**30, float("nan"), float("inf"), "many", "1e3", [], [None], {}, {"a": 1})

names = st.sampled_from((*USED_NAMES, *TAKEN_NAMES)) | st.sampled_from(ODD_NAMES)
wrong = st.sampled_from(WRONG) | st.sampled_from(ODD_NAMES) | names.map(lambda name: [name, name])


class Generator:
    """Values, and changes of a configuration, by a schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema, self.models = schema, schema["$defs"]

    def values(self, part: dict[str, Any]) -> st.SearchStrategy[Any]:
        """Return values that the part of the schema allows, the outermost among them; names may be odd."""
        part = self._resolved(part)
        for choice in ("anyOf", "oneOf"):
            if choice in part:
                return st.one_of([self.values(one) for one in part[choice]])
        if "const" in part or "enum" in part:
            return st.sampled_from(part.get("enum", [part.get("const")]))
        return getattr(self, f"_{part['type']}")(part)

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        return self.models[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part

    def _null(self, part: dict[str, Any]) -> st.SearchStrategy[None]:
        return st.none()

    def _boolean(self, part: dict[str, Any]) -> st.SearchStrategy[bool]:
        return st.booleans()

    def _string(self, part: dict[str, Any]) -> st.SearchStrategy[str]:
        return names

    def _integer(self, part: dict[str, Any]) -> st.SearchStrategy[int]:
        low = part.get("minimum", part.get("exclusiveMinimum", -1) + 1)
        high = part.get("maximum", part.get("exclusiveMaximum", low + 10**6 + 1) - 1)
        return st.sampled_from([low, high, min(low + 1, high), part.get("default", low)]) | st.integers(low, high)

    def _number(self, part: dict[str, Any]) -> st.SearchStrategy[float]:
        low, high = (part.get(key, default) for key, default in (("minimum", 0.001), ("maximum", 1.0)))
        return st.sampled_from([low, high, part.get("default", high), 90.0]) | st.floats(low, max(low, high))

    def _array(self, part: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
        least = part.get("minItems", 0)
        return st.lists(self.values(part["items"]), min_size=least, max_size=min(part.get("maxItems", 3), least + 2))

    def _object(self, part: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        if "properties" not in part:
            return st.dictionaries(
                names, self.values(self._item(part)), min_size=part.get("minProperties", 0), max_size=2
            )
        fields = {key: self.values(field) for key, field in part["properties"].items()}
        required = {key: fields.pop(key) for key in part.get("required", [])}
        return st.fixed_dictionaries(required, optional=dict(list(fields.items())[:6]))

    def _item(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of what a mapping from names holds."""
        (value,) = part.get("patternProperties", {"": part.get("additionalProperties")}).values()
        return value

    def configurations(self, base: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        """Return configurations that differ from ``base`` in a few places, a hundredth of them in none."""

        @st.composite
        def changed(draw: Any) -> dict[str, Any]:
            made = copy.deepcopy(base)
            for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
                self._change(draw, made, self.schema)
            return made

        return changed()

    def _change(self, draw: Any, values: Any, part: dict[str, Any]) -> None:
        """Change one place of a mapping: go down, or set, remove or add something here."""
        fields = part.get("properties")
        key = draw(st.sampled_from(sorted({*(fields or ()), *values})))
        at = self._resolved(fields.get(key, {}) if fields else self._item(part))
        below = values.get(key)
        deeper = isinstance(below, dict) and below and at.get("type") == "object"
        action = draw(st.sampled_from(["down"] * 12 * bool(deeper) + ["value"] * 8 + ["wrong", "remove", "add"]))
        if action == "down":
            self._change(draw, below, at)
        elif action == "remove":
            values.pop(key, None)
        elif action == "add":
            values[draw(names)] = draw(wrong if fields else self.values(self._item(part)))
        else:
            values[key] = draw(self.values(at) if action == "value" and at else wrong)
