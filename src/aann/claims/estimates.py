"""A value with an interval, from samples: a few statistics, each with the interval that fits it.

| statistic | value | interval |
| --- | --- | --- |
| count | units in all samples | none: it is exact |
| mean | mean over units | Student's t |
| share | sum of counts over sum of all | Clopper and Pearson 1934, exact |
| difference | mean of first minus second, unit by unit | Student's t, paired |
| ratio | mean of the first over mean of the second | bootstrap, percentiles |
| order | share of units in which each sample is larger than the next | Clopper and Pearson |
| spearman | Spearman's rank correlation of two samples over units | bootstrap, percentiles |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
from scipy import stats

from aann.claims.models import Measure
from aann.claims.samples import NotMeasurableError, Rows, Tables
from aann.errors import InputError
from aann.settings.claims import ClaimsSettings


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, the number of units behind it, and what kind of interval it is.

    ``low`` and ``high`` are None for a single unit, which says nothing about spread. ``p`` is from a two-sided t-test
    of a difference against 0.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    interval: str = "none"
    p: float | None = None


def estimate(measure: Measure, results: Path | Tables, settings: ClaimsSettings) -> Estimate:
    """Return the statistic of a measure from the tables of a scale.

    Raises ``InputError`` if a table or column is missing, or if a share has no counts. Raises ``NotMeasurableError`` if
    no row is what was asked for, if paired samples have different units, or if their values have no spread.
    """
    tables = results if isinstance(results, Tables) else Tables(results)
    rows = [Rows(sample, tables) for sample in measure.samples]
    if measure.statistic == "count":
        number = sum(one.number() for one in rows)
        return Estimate(float(number), number, float(number), float(number), "exact")
    if measure.statistic == "share":
        return _share(*rows[0].counts(), settings.confidence)
    values = [one.units() for one in rows]
    if measure.statistic == "mean":
        return _mean(values[0].to_numpy(), settings.confidence)
    if measure.statistic == "ratio":
        return _ratio(values[0].to_numpy(), values[1].to_numpy(), settings)
    return _PAIRED[measure.statistic](_paired(values), settings)


def _paired(values: Sequence[pandas.Series]) -> np.ndarray:
    """Return samples as rows of an array, by unit; raise ``NotMeasurableError`` if they have different units."""
    first = values[0]
    for other in values[1:]:
        alone = first.index.symmetric_difference(other.index)
        if len(alone):
            unit = alone[0] if isinstance(alone[0], tuple) else (alone[0],)
            name = ", ".join(f"{key} {value}" for key, value in zip(first.index.names, unit, strict=True))
            raise NotMeasurableError(
                f"samples are paired by unit, but only some have {name}; choose rows that all have"
            )
    return np.array([series.reindex(first.index).to_numpy() for series in values])


def _mean(values: np.ndarray, confidence: float) -> Estimate:
    value, n = float(values.mean()), len(values)
    if n < 2:
        return Estimate(value, n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Estimate(value, n, value - half, value + half, "Student")


def _difference(values: np.ndarray, settings: ClaimsSettings) -> Estimate:
    differences = values[0] - values[1]
    found = _mean(differences, settings.confidence)
    spread = float(differences.std(ddof=1)) if found.n > 1 else 0.0
    if spread <= 1e-12:
        return found
    statistic = found.value / (spread / math.sqrt(found.n))
    p = 2 * float(stats.t.sf(abs(statistic), found.n - 1))
    return Estimate(found.value, found.n, found.low, found.high, "Student, paired", p)


def _share(part: int, whole: int, confidence: float) -> Estimate:
    """Return a share with its exact interval; raise ``InputError`` if the counts make no share."""
    if not 0 <= part <= whole or whole == 0:
        raise InputError(f"share: {part} of {whole} is not a share; expected counts of a part and of the whole")
    interval = stats.binomtest(part, whole).proportion_ci(confidence, "exact")
    return Estimate(part / whole, whole, float(interval.low), float(interval.high), "Clopper-Pearson")


def _order(values: np.ndarray, settings: ClaimsSettings) -> Estimate:
    ordered = np.all(values[:-1] > values[1:], axis=0)
    return _share(int(np.sum(ordered)), values.shape[1], settings.confidence)


def _ratio(first: np.ndarray, second: np.ndarray, settings: ClaimsSettings) -> Estimate:
    """Return a ratio of means. The bootstrap draws from the units of each sample by itself."""
    if second.mean() == 0:
        raise NotMeasurableError("ratio: the mean of the second sample is 0; choose another")
    value, n = float(first.mean() / second.mean()), len(first)
    if n < 2:
        return Estimate(value, n)
    random = np.random.default_rng(settings.seed)
    draws = [_redraw(len(sample), settings.resamples, random) for sample in (first, second)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = first[draws[0]].mean(axis=1) / second[draws[1]].mean(axis=1)
    return Estimate(value, n, *_percentiles(ratios, settings.confidence), "bootstrap")


def _spearman(values: np.ndarray, settings: ClaimsSettings) -> Estimate:
    """Return a rank correlation, which is not defined without spread. The bootstrap draws pairs."""
    n = values.shape[1]
    value = float(_rank_correlations(values[:, None])[0])
    if n < 3 or math.isnan(value):
        raise NotMeasurableError(f"spearman: {n} units without spread say nothing; choose more rows")
    drawn = _redraw(n, settings.resamples, np.random.default_rng(settings.seed))
    found = _rank_correlations(values[:, drawn])
    return Estimate(value, n, *_percentiles(found, settings.confidence), "bootstrap")


def _rank_correlations(pairs: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation for arrays (2, draws, units); NaN where a draw has no spread."""
    ranks = stats.rankdata(pairs, axis=-1)
    centered = ranks - ranks.mean(axis=-1, keepdims=True)
    norms = np.sqrt((centered**2).sum(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = (centered[0] * centered[1]).sum(axis=-1) / (norms[0] * norms[1])
    return found


def _redraw(n: int, resamples: int, random: np.random.Generator) -> np.ndarray:
    return random.integers(n, size=(resamples, n))


def _percentiles(values: np.ndarray, confidence: float) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


_PAIRED: dict[str, Callable[[np.ndarray, ClaimsSettings], Estimate]] = {
    "difference": _difference,
    "order": _order,
    "spearman": _spearman,
}
"""Statistics of samples that are paired by unit."""
