"""A value with an interval, from samples: a few statistics, each with the interval and the test that fit it.

| statistic | value | interval | test |
| --- | --- | --- | --- |
| count | units in all samples | none: it is exact | none |
| mean | mean over units | Student's t | t-test |
| share | sum of counts over sum of all | Clopper and Pearson 1934, exact | binomial |
| difference | mean of first minus second, unit by unit | Student's t, paired | paired t-test |
| ratio | mean of the first over mean of the second | bootstrap, percentiles | share of resamples |
| order | share of units in which each sample is larger than the next | Clopper and Pearson | binomial |
| spearman | Spearman's rank correlation of two samples over units | bootstrap, percentiles | share of resamples |

A test is two-sided and agrees with the interval: p is below 0.05 if an interval of 95 % leaves the bound out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
from scipy import stats

from aann.claims.models import UNITS, Measure
from aann.claims.samples import NotMeasurableError, Rows, Tables
from aann.errors import InputError
from aann.settings.claims import ClaimsSettings

MOST_UNITS = 10_000
"""The most units that are asked for. Where more would be needed, the value is all but equal to the bound."""


@dataclass(frozen=True)
class Question:
    """What is asked about a value: how it compares with ``bounds``, and how likely ``single``, of one run, is."""

    bounds: tuple[float, ...] = ()
    single: float | None = None


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, the number of units behind it, and what kind of interval it is.

    ``p`` is of the test against the nearest of the bounds; None without bounds, and for equal values, which say nothing
    of chance. ``settling`` is how many units would leave all bounds outside of the interval, with the same value and
    spread; ``MOST_UNITS`` if more, None without bounds.
    ``percentile`` is the percentage of further runs that a distribution of such runs expects up to a single value.
    """

    value: float
    n: int
    low: float
    high: float
    interval: str
    p: float | None = None
    settling: int | None = None
    percentile: float | None = None


def estimate(
    measure: Measure, results: Path | Tables, settings: ClaimsSettings, question: Question | None = None
) -> Estimate:
    """Return the statistic of a measure from the tables of a scale, and the answer to a question about it.

    Raises ``InputError`` if a table or column is missing, or if a share has no counts. Raises ``NotMeasurableError`` if
    no row is what was asked for, if there are fewer units than the statistic needs, if paired samples have different
    units, or if their values have no spread.
    """
    tables = results if isinstance(results, Tables) else Tables(results)
    rows = [Rows(sample, tables) for sample in measure.samples]
    asked, name = question or Question(), measure.statistic
    if name == "count":
        number = sum(one.number() for one in rows)
        return Estimate(float(number), number, float(number), float(number), "exact")
    if name == "share":
        return _share(*rows[0].counts(), asked, settings)
    values = [one.units() for one in rows]
    ratio = _Ratio.of(*values) if name == "ratio" else None
    number = ratio.units if ratio else len(values[0])
    if number < UNITS[name]:
        raise NotMeasurableError(
            f"{measure.samples[0].table}: has {number} of the units of a {name}, which needs {UNITS[name]}; "
            "choose more rows"
        )
    if name == "mean":
        return _mean(values[0].to_numpy(), asked, settings)
    if ratio:
        return ratio.estimate(asked, settings)
    return _PAIRED[name](_paired(values), asked, settings)


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


def _mean(values: np.ndarray, asked: Question, settings: ClaimsSettings, interval: str = "Student") -> Estimate:
    value, n, spread = float(values.mean()), len(values), float(values.std(ddof=1))
    error = spread / math.sqrt(n) if spread > _NO_SPREAD else 0.0

    def width(units: int) -> float:
        return float(stats.t.ppf((1 + settings.confidence) / 2, units - 1)) * error * math.sqrt(n / units)

    def test(bound: float) -> float:
        return 2 * float(stats.t.sf(abs(value - bound) / error, n - 1))

    return Estimate(
        value,
        n,
        value - width(n),
        value + width(n),
        interval,
        _p(test, asked) if error else None,
        _settling(lambda units, bound: width(units) < abs(value - bound), asked, UNITS["mean"]),
        _percentile(value, spread, n, asked.single),
    )


_NO_SPREAD = 1e-12
"""Spreads up to this are errors of rounding."""


def _percentile(value: float, spread: float, n: int, single: float | None) -> float | None:
    """Return where a single value is among further runs, by Student's prediction of one run from n."""
    if single is None or spread <= _NO_SPREAD:
        return None
    return 100 * float(stats.t.cdf((single - value) / (spread * math.sqrt(1 + 1 / n)), n - 1))


def _difference(values: np.ndarray, asked: Question, settings: ClaimsSettings) -> Estimate:
    return _mean(values[0] - values[1], asked, settings, "Student, paired")


def _share(part: int, whole: int, asked: Question, settings: ClaimsSettings) -> Estimate:
    """Return a share with its exact interval; raise ``InputError`` if the counts make no share."""
    if not 0 <= part <= whole or whole == 0:
        raise InputError(f"share: {part} of {whole} is not a share; expected counts of a part and of the whole")

    def interval(units: int) -> tuple[float, float]:
        found, tail = part / whole * units, (1 - settings.confidence) / 2  # need not be whole for other units
        low = stats.beta.ppf(tail, found, units - found + 1) if part else 0.0
        high = stats.beta.isf(tail, found + 1, units - found) if part < whole else 1.0
        return float(low), float(high)

    def test(bound: float) -> float:
        below, above = stats.binom.cdf(part, whole, bound), stats.binom.sf(part - 1, whole, bound)
        return min(1.0, 2 * float(min(below, above)))

    def leaves_out(units: int, bound: float) -> bool:
        low, high = interval(units)
        return not low <= bound <= high

    low, high = interval(whole)
    settling = _settling(leaves_out, asked, UNITS["share"])
    return Estimate(part / whole, whole, low, high, "Clopper-Pearson", _p(test, asked), settling)


def _order(values: np.ndarray, asked: Question, settings: ClaimsSettings) -> Estimate:
    ordered = np.all(values[:-1] > values[1:], axis=0)
    return _share(int(np.sum(ordered)), values.shape[1], asked, settings)


@dataclass(frozen=True)
class _Ratio:
    """A ratio of means, by the sum and the number of values of each unit that the bootstrap draws: (units, 2) each.

    ``paired`` samples have equal units, which are drawn together.
    """

    first: np.ndarray
    second: np.ndarray
    paired: bool

    @classmethod
    def of(cls, first: pandas.Series, second: pandas.Series) -> _Ratio:
        """Return the ratio of two samples, paired if units of the first are parts of those of the second, or equal.

        So all neighborhoods of a climb go together.
        """
        samples = first, second
        names = [name for name in second.index.names if name is not None]
        if names and set(names) <= set(first.index.names):
            sums = [sample.groupby(level=names).agg(["sum", "size"]) for sample in samples]
            if sums[0].index.equals(sums[1].index):
                return cls(sums[0].to_numpy(), sums[1].to_numpy(), paired=True)
        parts = [np.stack([sample, np.ones(len(sample))], axis=1) for sample in samples]
        return cls(parts[0], parts[1], paired=False)

    @property
    def units(self) -> int:
        """How many units the first sample has."""
        return len(self.first)

    def estimate(self, asked: Question, settings: ClaimsSettings) -> Estimate:
        """Return the ratio with the percentiles of resamples; raise ``NotMeasurableError`` for one by 0."""
        if self.second[:, 0].sum() == 0:
            raise NotMeasurableError("ratio: the mean of the second sample is 0; choose another")
        random = np.random.default_rng(settings.seed)
        drawn = _redraw(len(self.first), settings.resamples, random)
        others = drawn if self.paired else _redraw(len(self.second), settings.resamples, random)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = _means(self.first[drawn]) / _means(self.second[others])
        return _bootstrap(float(_means(self.first) / _means(self.second)), self.units, ratios, asked, settings)


def _means(sums: np.ndarray) -> np.ndarray:
    """Return the means behind sums and numbers of values, (..., units, 2)."""
    total = sums.sum(axis=-2)
    found: np.ndarray = total[..., 0] / total[..., 1]
    return found


def _spearman(values: np.ndarray, asked: Question, settings: ClaimsSettings) -> Estimate:
    """Return a rank correlation, which is not defined without spread. The bootstrap draws pairs."""
    n = values.shape[1]
    value = float(_rank_correlations(values[:, None])[0])
    if math.isnan(value):
        raise NotMeasurableError(f"spearman: {n} units without spread say nothing; choose more rows")
    drawn = _redraw(n, settings.resamples, np.random.default_rng(settings.seed))
    return _bootstrap(value, n, _rank_correlations(values[:, drawn]), asked, settings)


def _bootstrap(value: float, n: int, drawn: np.ndarray, asked: Question, settings: ClaimsSettings) -> Estimate:
    """Return a value with the percentiles of resamples. More units narrow them as the root of their number."""
    defined = np.sort(drawn[np.isfinite(drawn)])
    low, high = map(float, np.quantile(defined, [(1 - settings.confidence) / 2, (1 + settings.confidence) / 2]))

    def test(bound: float) -> float:
        beyond = min(np.sum(defined <= bound), np.sum(defined >= bound))
        return min(1.0, 2 * float(beyond + 1) / (len(defined) + 1))

    def leaves_out(units: int, bound: float) -> bool:
        width = (value - low if bound < value else high - value) * math.sqrt(n / units)
        return width < abs(value - bound)

    settling = _settling(leaves_out, asked, UNITS["spearman"])
    return Estimate(value, n, low, high, "bootstrap", _p(test, asked), settling)


def _p(test: Callable[[float], float], asked: Question) -> float | None:
    """Return the p of a test against the nearest bound, which is the largest one."""
    return max(map(test, asked.bounds), default=None)


def _settling(leaves_out: Callable[[int, float], bool], asked: Question, least: int) -> int | None:
    """Return the fewest units from ``least`` on whose interval leaves all bounds out; ``MOST_UNITS`` if none do."""
    if not asked.bounds:
        return None
    enough = (units for units in _growing(least) if all(leaves_out(units, bound) for bound in asked.bounds))
    return next(enough, MOST_UNITS)


def _growing(least: int) -> Iterable[int]:
    """Yield numbers of units: each up to a hundred, and then about 5 % more each time."""
    units = least
    while units < MOST_UNITS:
        yield units
        units += max(1, units // 20) if units >= 100 else 1


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


_PAIRED: dict[str, Callable[[np.ndarray, Question, ClaimsSettings], Estimate]] = {
    "difference": _difference,
    "order": _order,
    "spearman": _spearman,
}
"""Statistics of samples that are paired by unit."""
