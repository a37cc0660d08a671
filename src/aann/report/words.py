"""Numbers in words, and small tables, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas


def percent(fractions: float | Iterable[float]) -> str:
    """Return fractions as percent: their mean, and beside it their range and number if there are several."""
    return _mean(100 * _array(fractions), " %", "")


def points(differences: float | Iterable[float]) -> str:
    """Return differences of fractions as percentage points, with a sign."""
    return _mean(100 * _array(differences), " points", "+")


def plain(values: float | Iterable[float]) -> str:
    """Return numbers without a unit, such as returns."""
    return _mean(_array(values), "", "")


def whole(values: Iterable[float]) -> str:
    """Return the mean of whole numbers, with commas, and their range if they differ."""
    found = _array(values)
    mean, least, most = (number(value) for value in (found.mean(), found.min(), found.max()))
    return mean if least == most else f"{mean} ({least} to {most})"


def number(value: float) -> str:
    """Return a whole number, with commas."""
    return f"{value:,.0f}"


def listed(items: Iterable[object]) -> str:
    """Return items as in a sentence: `a, b and c`."""
    names = [str(item) for item in items]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def table(rows: pandas.DataFrame) -> str:
    """Return a table of text as Markdown, with the columns as heading."""

    def line(cells: Iterable[object]) -> str:
        return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(rows.columns), line(["---"] * rows.shape[1]), *map(line, rows.to_numpy().tolist())])


def _array(values: float | Iterable[float]) -> np.ndarray:
    found = np.array(list(values) if isinstance(values, Iterable) else [values], dtype=float)
    counted: np.ndarray = found[~np.isnan(found)]
    return counted


def _mean(values: np.ndarray, unit: str, sign: str) -> str:
    if len(values) == 0:
        return "not counted"
    mean = f"{values.mean():{sign}.2f}{unit}"
    if len(values) == 1:
        return mean
    return f"{mean} ({values.min():{sign}.2f} to {values.max():{sign}.2f}, n = {len(values)})"
