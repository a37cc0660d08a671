"""The numbers that a claim is about: chosen rows of a table, gathered to one number for each unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann.artifacts import read_table
from aann.claims.models import Bounds, Sample, Scalar
from aann.errors import InputError
from aann.settings.messages import suggestion


class NotMeasurableError(InputError):
    """Rows that a claim needs are missing. This is an error at the paper's scale only; other scales make fewer rows."""


class Tables:
    """The tables of one scale, each read once."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._read: dict[tuple[str, tuple[str, ...]], pandas.DataFrame] = {}

    def read(self, name: str, text: Iterable[str] = ()) -> pandas.DataFrame:
        """Return a table; columns named in ``text`` are read as text.

        Raises ``InputError`` if it is missing or damaged.
        """
        key = name, tuple(sorted(text))
        if key not in self._read:
            self._read[key] = read_table(self.results / name, text=key[1])
        return self._read[key]

    def columns(self, name: str) -> list[str]:
        """Return the columns of a table."""
        return list(self.read(name).columns)


class Rows:
    """The rows of a table that a sample chooses, and what is computed from them."""

    def __init__(self, sample: Sample, tables: Tables) -> None:
        self.sample = sample
        self.columns = [sample.column] if isinstance(sample.column, str) else sample.column
        optional = [name for name in (sample.minus, sample.of) if name is not None]
        self.numbers = [*self.columns, *optional]
        named = [*self.numbers, *sample.where, *(sample.units or ()), *(sample.change_within or ())]
        _require_columns(sample.table, named, tables.columns(sample.table))
        text = [name for name, wanted in sample.where.items() if name not in self.numbers and _is_text(wanted)]
        self.table = tables.read(sample.table, text)
        bounded = [name for name, wanted in sample.where.items() if isinstance(wanted, Bounds)]
        for name in (*self.numbers, *bounded):
            if not pandas.api.types.is_numeric_dtype(self.table[name]):
                raise InputError(f"{sample.table}: its column {name!r} holds no numbers; name another")

    @cached_property
    def chosen(self) -> pandas.DataFrame:
        """The rows that match ``where``, with their number as ``value``; rows without a number are left out."""
        sample, table = self.sample, self.table
        value = table[self.columns].sum(axis=1, skipna=False).astype(float)
        value = value if sample.minus is None else value - table[sample.minus]
        value = value if sample.of is None else value / table[sample.of].where(table[sample.of] != 0)
        table = table.assign(value=value)[value.notna()]
        if sample.change_within is not None:
            table = table.assign(value=table.groupby(sample.change_within, sort=False, dropna=False).value.diff())
            table = table[table.value.notna()]
        for name, wanted in sample.where.items():
            table = table[_matches(table[name], wanted)]
        return table

    def units(self) -> pandas.Series:
        """Return the number of each unit, by the values that name it.

        Raises ``NotMeasurableError`` if no row fits, or none with one of the values of a list.
        """
        return self._by_unit(self._require_rows())

    def _by_unit(self, chosen: pandas.DataFrame) -> pandas.Series:
        if self.sample.units is None:
            return chosen.value.reset_index(drop=True)
        keys = [chosen[name] for name in self.sample.units] or [pandas.Series(0, index=chosen.index)]
        found: pandas.Series = chosen.value.groupby(keys, dropna=False).agg(_TAKE[self.sample.take])
        return found

    def counts(self) -> tuple[int, int]:
        """Return two sums over the rows: of the counts of a part, and of those of the whole. Raises as ``units``."""
        chosen = self._require_rows()
        return int(chosen[self.columns].sum().sum()), int(chosen[self.sample.of].sum())

    def number(self) -> int:
        """Return how many units there are, which may be 0: how many are missing is what a count tells."""
        return 0 if self.chosen.empty else len(self._by_unit(self.chosen))

    def _require_rows(self) -> pandas.DataFrame:
        if self.chosen.empty:
            raise self._without(self.sample.where)
        for name, wanted in self.sample.where.items():
            for value in wanted if isinstance(wanted, list) else ():
                if not _matches(self.chosen[name], value).any():
                    raise self._without({**self.sample.where, name: value})
        return self.chosen

    def _without(self, where: Mapping[str, Bounds | list[Scalar] | Scalar]) -> NotMeasurableError:
        wanted = ", ".join(f"{name} {in_words(value)}" for name, value in where.items()) or "a number"
        return NotMeasurableError(f"{self.sample.table}: has no row with {wanted}")


def _require_columns(table: str, named: Iterable[str], known: list[str]) -> None:
    for name in named:
        if name not in known:
            raise InputError(f"{table}: has no column {name!r}{suggestion(name, known)}; it has {', '.join(known)}")


def _is_text(wanted: Bounds | list[Scalar] | Scalar) -> bool:
    return any(isinstance(value, str) for value in (wanted if isinstance(wanted, list) else [wanted]))


def _matches(column: pandas.Series, wanted: Bounds | list[Scalar] | Scalar) -> pandas.Series:
    if isinstance(wanted, Bounds):
        return column.between(wanted.at_least, wanted.at_most)
    return column.isin(wanted if isinstance(wanted, list) else [wanted])


def in_words(wanted: Bounds | list[Scalar] | Scalar) -> str:
    """Return what a row must have in a column: a value, one of several values, or bounds."""
    return " or ".join(f"{value}" or "empty" for value in (wanted if isinstance(wanted, list) else [wanted]))


def _range(values: pandas.Series) -> float:
    return float(np.ptp(values.to_numpy()))


def _rise(values: pandas.Series) -> float:
    return float(values.iloc[-1] - values.iloc[0])


def _first(values: pandas.Series) -> float:
    return float(values.iloc[0])


def _last(values: pandas.Series) -> float:
    return float(values.iloc[-1])


def _deviation(values: pandas.Series) -> float:
    return float(values.std(ddof=0))


_TAKE: dict[str, Any] = {
    "mean": "mean",
    "sum": "sum",
    "maximum": "max",
    "minimum": "min",
    "first": _first,
    "last": _last,
    "rise": _rise,
    "range": _range,
    "deviation": _deviation,
}
"""How the numbers in the rows of a unit make one; rows are in the order of the table."""
