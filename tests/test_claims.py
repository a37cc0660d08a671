import json
import math
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from scipy import stats

from aann.artifacts import write_table
from aann.claims import estimates, models, pages, samples, verdicts
from aann.cli import main
from aann.errors import InputError
from aann.lineage import provenance, records
from aann.settings.claims import ClaimsSettings

SETTINGS = ClaimsSettings(resamples=500)
TABLE = "figures/figure_2a.csv"


@pytest.fixture
def results(tmp_path):
    """Results of the paper's scale: accuracies of three networks at three sparsities, and their figure."""
    folder = tmp_path / "results/paper"
    values = {0: (0.98, 0.97, 0.99), 80: (0.96, 0.96, 0.97), 95: (0.90, 0.93, 0.91)}
    rows = [
        {"sparsity": float(sparsity), "seed": seed, "layer": "fc" if seed else "1.0", "right": round(1000 * value)}
        for sparsity, three in values.items()
        for seed, value in enumerate(three)
    ]
    write_table(folder / TABLE, pandas.DataFrame(rows).assign(images=1000))
    write_figure(folder / "figures/figure_2a.png")
    return folder


def write_figure(path, **settings):
    text = PngInfo()
    text.add_text("Provenance", json.dumps({"inputs": {}, "settings": settings}))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (1, 1)).save(path, pnginfo=text)


def sample(**changes):
    return {"table": TABLE, "column": "right", "of": "images", "units": ["seed"], **changes}


RULE = {"kind": "at least", "value": 90}


def claim(*of, statistic="mean", rule=RULE, **changes):
    return {
        "kind": "result",
        "statement": "It is so.",
        "source": "Section 1",
        "figure": "2a",
        "unit": "percent",
        "measure": {"statistic": statistic, "samples": list(of or [sample()])},
        "rule": rule,
        **changes,
    }


def estimated(results, *of, statistic="mean", **question):
    measure = models.Measure.model_validate({"statistic": statistic, "samples": list(of)})
    return estimates.estimate(measure, results, SETTINGS, estimates.Question(**question))


def judged(results, *of, scale="paper", **changes):
    claims = models.validate({"claims": {"one": claim(*of, **changes)}}, "claims.yaml")
    return verdicts.judge_all(claims, results, scale, SETTINGS)[0]


# --- samples ----------------------------------------------------------------------------------------------------------


def units(results, **changes):
    return samples.Rows(models.Sample.model_validate(sample(**changes)), samples.Tables(results)).units()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"sparsity": 95}, [0.90, 0.93, 0.91]),
        ({"sparsity": {"at_least": 80}}, [0.93, 0.945, 0.94]),
        ({"sparsity": {"at_most": 79.9}}, [0.98, 0.97, 0.99]),
        ({"sparsity": [0, 80], "seed": [1, 2]}, [0.965, 0.98]),
        ({"layer": "fc", "sparsity": 0}, [0.97, 0.99]),
        ({"layer": ["1.0"], "sparsity": 0}, [0.98]),
    ],
)
def test_rows_are_chosen_and_gathered_by_unit(results, where, expected):
    assert units(results, where=where).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"at_least": 80}, "at least 80"),
        ({"at_most": 79.9}, "at most 79.9"),
        ({"at_least": 1, "at_most": 2}, "1 to 2"),
        (["a", "b"], "a or b"),
        (["", "a"], "empty or a"),
        ("fc", "fc"),
    ],
)
def test_how_rows_are_chosen_is_said_in_words(wanted, words):
    measure = models.Measure.model_validate({"statistic": "mean", "samples": [sample(where={"sparsity": wanted})]})
    assert f" where sparsity is {words}, " in pages.describe(measure)


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        ("mean", np.mean([0.98, 0.96, 0.90])),
        ("sum", 0.98 + 0.96 + 0.90),
        ("first", 0.98),
        ("last", 0.90),
        ("rise", -0.08),
        ("range", 0.08),
        ("maximum", 0.98),
        ("minimum", 0.90),
        ("deviation", np.std([0.98, 0.96, 0.90])),
    ],
)
def test_a_units_number_is_taken_from_its_rows(results, take, expected):
    found = units(results, take=take)
    assert found.index.tolist() == [0, 1, 2]
    assert found[0] == pytest.approx(expected)


def test_a_number_may_be_a_sum_a_difference_or_a_change(results):
    assert units(results, column=["right", "images"], where={"sparsity": 0}).tolist() == [1.98, 1.97, 1.99]
    assert units(results, minus="seed", where={"sparsity": 95}).tolist() == pytest.approx([0.900, 0.929, 0.908])
    changes = units(results, change_within=["seed"], where={"sparsity": 95})
    assert changes.tolist() == pytest.approx([-0.06, -0.03, -0.06])
    assert len(units(results, change_within=["seed"], units=["sparsity"])) == 2


def test_without_units_each_row_is_one_and_with_none_named_all_rows_are(results):
    assert len(units(results, units=None)) == 9
    everything = units(results, units=[], take="range")
    assert everything.tolist() == pytest.approx([0.09])


def test_rows_without_a_number_are_left_out(results):
    table = pandas.read_csv(results / TABLE)
    table.loc[table.index[-1], "right"] = np.nan
    table.loc[table.index[-2], "images"] = 0
    write_table(results / TABLE, table)
    assert units(results, take="last").tolist() == pytest.approx([0.90, 0.96, 0.97])


# --- estimates --------------------------------------------------------------------------------------------------------


def test_a_mean_has_students_interval(results):
    found = estimated(results, sample(where={"sparsity": 95}))
    values = [0.90, 0.93, 0.91]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert (found.n, found.interval, found.p, found.settling, found.percentile) == (3, "Student", None, None, None)
    found = estimated(results, sample(where={"sparsity": 95}), bounds=(0.9,))
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0.9).pvalue)


def test_a_difference_is_paired_by_unit_and_has_the_p_of_a_t_test(results):
    pair = (sample(where={"sparsity": 80}), sample(where={"sparsity": 95}))
    found = estimated(results, *pair, statistic="difference", bounds=(0,))
    test = stats.ttest_rel([0.96, 0.96, 0.97], [0.90, 0.93, 0.91])
    interval = test.confidence_interval(0.95)
    assert (found.value, found.low, found.high, found.p) == pytest.approx(
        (0.05, interval.low, interval.high, test.pvalue)
    )


def test_equal_values_have_no_p_since_they_say_nothing_of_chance(results):
    for bound in (0, 0.1):
        same = estimated(results, sample(), sample(), statistic="difference", bounds=(bound,))
        assert (same.value, same.low, same.high, same.p) == (0, 0, 0, None)
    claims = {
        "equal": claim(sample(), sample(), statistic="difference", rule={"kind": "at most", "value": 1}),
        "other": claim(sample(where={"sparsity": 95})),
    }
    equal, other = verdicts.judge_all(models.validate({"claims": claims}, "x"), results, "paper", SETTINGS)
    assert (equal.verdict, equal.corrected, other.corrected) == ("reproduced", None, other.found.p)


def test_a_share_has_the_exact_interval_of_clopper_and_pearson(results):
    found = estimated(results, sample(where={"sparsity": 95, "seed": 0}, units=None), statistic="share")
    beta = stats.beta.ppf([0.025, 0.975], [900, 901], [101, 100])
    assert (found.value, found.n) == (0.9, 1000)
    assert (found.low, found.high) == pytest.approx(tuple(beta))


def test_an_order_is_the_share_of_units_in_which_it_holds(results):
    by_sparsity = [sample(where={"sparsity": sparsity}) for sparsity in (0, 80, 95)]
    found = estimated(results, *by_sparsity, statistic="order", bounds=(0.5,))
    assert (found.value, found.n, found.p) == (1, 3, 0.25)
    assert found.settling == 6  # 2 of 64 outcomes are as extreme
    assert found.low == pytest.approx(0.025 ** (1 / 3))
    assert estimated(results, *reversed(by_sparsity), statistic="order").value == 0
    assert estimated(results, sample(), sample(), statistic="order").value == 0


def test_a_rank_correlation_is_scipys_and_its_bootstrap_is_repeatable(results):
    pair = (sample(units=["sparsity", "seed"]), sample(column="sparsity", of=None, units=["sparsity", "seed"]))
    found = estimated(results, *pair, statistic="spearman")
    table = pandas.read_csv(results / TABLE)
    assert found.value == pytest.approx(stats.spearmanr(table.right, table.sparsity).statistic)
    assert -1 <= found.low <= found.value <= found.high < 0
    assert (found.n, found.interval) == (9, "bootstrap")
    assert estimated(results, *pair, statistic="spearman") == found


def test_a_ratio_is_of_means(results):
    first, second = ({"sparsity": sparsity} for sparsity in ([95, 80], 0))
    pair = (sample(where=first, units=["sparsity", "seed"]), sample(where=second, units=["sparsity", "seed"]))
    found = estimated(results, *pair, statistic="ratio", bounds=(0.5,))
    assert found.value == pytest.approx(np.mean([0.90, 0.93, 0.91, 0.96, 0.96, 0.97]) / np.mean([0.98, 0.97, 0.99]))
    assert 0.90 / 0.99 <= found.low < found.value < found.high <= 0.97 / 0.97
    assert (found.n, found.p) == (6, 2 / 501)


def test_parts_of_a_unit_are_drawn_with_it_in_a_ratio():
    random = np.random.default_rng(0)
    wholes = pandas.Series(random.uniform(1, 2, 6), pandas.Index(range(6), name="seed"))
    index = pandas.MultiIndex.from_product([range(6), range(30)], names=["seed", "part"])
    parts = pandas.Series(np.repeat(0.5 * wholes.to_numpy(), 30), index)  # each is half of its whole
    together = estimates._Ratio.of(parts, wholes).estimate(ASKED(), SETTINGS)
    assert (together.value, together.low, together.high) == pytest.approx((0.5, 0.5, 0.5))
    assert together.n == 6
    alone = estimates._Ratio.of(parts, wholes.rename_axis("run")).estimate(ASKED(), SETTINGS)
    assert alone.low < 0.48
    assert alone.high > 0.52
    assert alone.n == 180


def test_a_count_is_of_units_and_may_be_none(results):
    count = estimated(results, sample(units=["sparsity"]), sample(where={"sparsity": 50}), statistic="count")
    assert (count.value, count.n, count.low, count.high) == (3, 3, 3, 3)


@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=12).filter(lambda values: len(set(values)) > 1),
    st.randoms(use_true_random=False),
)
def test_ranks_with_ties_correlate_as_scipys_do(values, random):
    others = random.sample(values, len(values))
    found = estimates._rank_correlations(np.array([values, others], float)[:, None])
    assert found[0] == pytest.approx(stats.spearmanr(values, others).statistic)


VALUES = st.lists(st.integers(-50, 50), min_size=3, max_size=12).filter(lambda values: len(set(values)) > 1)
ASKED = estimates.Question


@given(VALUES, st.floats(-60, 60), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_test_agrees_with_the_interval(values, bound, confidence):
    settings = ClaimsSettings(confidence=confidence, resamples=100)
    found = estimates._mean(np.array(values, float), ASKED((bound,)), settings)
    assert (found.p < 1 - confidence) == (not found.low <= bound <= found.high)
    whole, part = 40, abs(values[0]) % 41
    share = estimates._share(part, whole, ASKED(((bound + 60) / 120,)), settings)
    assert (share.p < 1 - confidence) == (not share.low <= (bound + 60) / 120 <= share.high)


@given(VALUES, st.floats(-60, 60))
def test_as_many_units_as_settle_it_have_an_interval_that_leaves_the_bound_out(values, bound):
    found = estimates._mean(np.array(values, float), ASKED((bound,)), SETTINGS)
    n, spread = found.settling, np.std(values, ddof=1)
    if n == estimates.MOST_UNITS:
        assert stats.t.ppf(0.975, n) * spread / math.sqrt(n) > 0.97 * abs(found.value - bound)
        return
    widths = [stats.t.ppf(0.975, units - 1) * spread / math.sqrt(units) for units in (n, max(2, n - n // 20 - 1))]
    assert widths[0] < abs(found.value - bound)
    assert widths[1] >= abs(found.value - bound) or n == 2


def test_a_share_and_a_bootstrap_say_how_many_units_settle_them():
    share = estimates._share(6, 10, ASKED((0.5,)), SETTINGS)
    low = stats.beta.ppf(0.025, 0.6 * share.settling, 0.4 * share.settling + 1)
    assert 80 < share.settling < 130
    assert low > 0.5
    drawn = np.linspace(0, 2, 1000)
    assert estimates._bootstrap(1.0, 10, drawn, ASKED((0.5,)), SETTINGS).settling == 37  # 10 * (0.95 / 0.5)^2
    assert estimates._bootstrap(1.0, 10, drawn, ASKED((1.0,)), SETTINGS).settling == estimates.MOST_UNITS


@given(st.integers(1, 60), st.data(), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), st.sampled_from([0.8, 0.95]))
def test_more_units_than_there_are_settle_a_share_that_is_inconclusive(whole, data, bound, confidence):
    part = data.draw(st.integers(0, whole))
    found = estimates._share(part, whole, ASKED((bound,)), ClaimsSettings(confidence=confidence))
    exact = stats.binomtest(part, whole).proportion_ci(confidence, "exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert (found.settling > whole) == (found.low <= bound <= found.high)


def test_the_value_of_one_run_has_a_percentile_among_runs():
    values = np.array([1.0, 2.0, 3.0])
    found = [estimates._mean(values, ASKED(single=single), SETTINGS).percentile for single in (-2.0, 2.0, 6.0)]
    low, high = stats.t.cdf(np.array([-4, 4]) / math.sqrt(4 / 3), 2)
    assert found == pytest.approx([100 * low, 50, 100 * high])
    assert estimates._mean(np.ones(3), ASKED(single=1.0), SETTINGS).percentile is None


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.sampled_from([0.5, 0.9, 0.99]))
def test_intervals_hold_the_mean_and_grow_with_confidence(values, confidence):
    found, wider = (
        estimates._mean(np.array(values), ASKED(), ClaimsSettings(confidence=level)) for level in (confidence, 0.995)
    )
    assert found.low <= found.value <= found.high
    assert wider.high - wider.low >= found.high - found.low


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "tolerance", "paper", "expected"),
    [
        # 95 % sparse: 91.33 %, Student's interval from 87.54 to 95.13 %
        ("at least", 87, 0, 87, "exceeded"),
        ("at least", 87, 0, None, "reproduced"),
        ("at least", 87, 1, 87, "reproduced"),
        ("at least", 88, 0, 88, "inconclusive"),
        ("at least", 88, 1, 88, "reproduced"),
        ("at least", 95, 0, 95, "inconclusive"),
        ("at least", 96, 0, 96, "contradicted"),
        ("at least", 96, 1, 96, "inconclusive"),
        ("at least", 80, 0, 91, "reproduced"),  # the rule asks for less than the paper has
        ("at most", 99, 0, 91, "reproduced"),
        ("at most", 96, 0, 96, "exceeded"),
        ("at most", 96, 1, 96, "reproduced"),
        ("at most", 95, 0, 95, "inconclusive"),
        ("at most", 87, 0, 87, "contradicted"),
        ("at most", 87, 1, 87, "inconclusive"),
        ("within", 91, 4.2, 91, "reproduced"),
        ("within", 91, 3, 91, "inconclusive"),
        ("within", 86, 1, 86, "contradicted"),
        ("within", 97, 1, 97, "contradicted"),
        ("within", 95, 1, 95, "inconclusive"),
        ("above", 87, 0, None, "reproduced"),
        ("above", 88, 0, None, "inconclusive"),
        ("above", 96, 0, None, "contradicted"),
        ("below", 96, 0, None, "reproduced"),
        ("below", 95, 0, None, "inconclusive"),
        ("below", 87, 0, None, "contradicted"),
    ],
)
def test_rules(results, kind, value, tolerance, paper, expected):
    rule = {"kind": kind, "value": value, "tolerance": tolerance}
    one = judged(results, sample(where={"sparsity": 95}), rule=rule, paper=paper)
    assert one.verdict == expected
    assert one.found.value == pytest.approx(91.3333, abs=1e-3)
    assert (one.found.low, one.found.high) == pytest.approx((87.539, 95.128), abs=1e-3)


@given(
    st.floats(-100, 100),
    st.floats(0, 10),
    st.floats(0, 10),
    st.floats(-100, 100),
    st.floats(0, 5),
    st.sampled_from(["at least", "at most", "within", "above", "below"]),
)
def test_a_verdict_is_exceeded_only_if_its_rule_holds_and_turns_with_the_sign(value, low, high, bound, tolerance, kind):
    opposite = {"at least": "at most", "at most": "at least", "above": "below", "below": "above"}
    tolerance = 0 if kind in ("above", "below") else tolerance

    def verdict_of(kind, sign):
        rule = {"kind": kind, "value": sign * bound, "tolerance": tolerance}
        one = models.validate({"claims": {"one": claim(rule=rule, paper=sign * bound)}}, "x").claims["one"]
        ends = sorted((sign * (value - low), sign * (value + high)))
        found = estimates.Estimate(sign * value, 3, *ends, "Student")
        assert not (one.rule.holds(*ends) and one.rule.fails(*ends))
        assert (verdicts.verdict(one, found) in ("reproduced", "exceeded")) == one.rule.holds(*ends)
        assert (verdicts.verdict(one, found) == "contradicted") == one.rule.fails(*ends)
        return verdicts.verdict(one, found)

    assert verdict_of(kind, 1) == verdict_of(opposite.get(kind, kind), -1)


@pytest.mark.parametrize(
    ("expected", "value", "failed"),
    [
        ("reproduced", 90, False),
        ("exceeded", 90, False),
        ("reproduced", 95, True),
        ("exceeded", 99, True),
        ("contradicted", 99, False),
        ("inconclusive", 90, False),
        (None, 99, False),
    ],
)
def test_what_was_reproduced_and_no_longer_is_failed(results, expected, value, failed):
    rule = {"kind": "at least", "value": value}
    assert judged(results, rule=rule, expected=expected, reason="So.").failed is failed


def test_rows_that_are_not_there_are_an_error_at_the_papers_scale_and_not_measured_elsewhere(results):
    where = {"sparsity": 50, "seed": {"at_least": 1, "at_most": 2}}
    with pytest.raises(
        InputError, match=r"claim 'one': figures/figure_2a.csv: has no row with sparsity 50, seed 1 to 2"
    ):
        judged(results, sample(where=where))
    shutil.copytree(results, results.with_name("quick"))
    one = judged(results.with_name("quick"), sample(where=where), scale="quick")
    assert (one.verdict, one.found) == ("not measured", None)
    assert "has no row with sparsity 50" in one.remark


def test_each_value_of_a_list_needs_a_row_unless_rows_are_counted(results):
    where = {"sparsity": [80, 95, 96], "seed": {"at_least": 1}}
    with pytest.raises(
        InputError, match=r"claim 'one': figures/figure_2a.csv: has no row with sparsity 96, seed at least 1"
    ):
        judged(results, sample(where=where))
    with pytest.raises(InputError, match=r"has no row with sparsity 0 or 80, seed 0, layer fc"):
        judged(results, sample(where={"sparsity": [0, 80], "seed": [0, 1], "layer": "fc"}))
    shutil.copytree(results, results.with_name("quick"))
    assert judged(results.with_name("quick"), sample(where=where), scale="quick").verdict == "not measured"
    units = sample(where=where, units=["sparsity"], of=None)
    rule = {"kind": "within", "value": 2}
    assert judged(results, units, statistic="count", rule=rule, unit="number").found.value == 2


@pytest.mark.parametrize(
    ("statistic", "first", "second", "remark"),
    [
        ("difference", {"sparsity": 0}, {"sparsity": 0, "seed": 1}, "samples are paired by unit"),
        ("spearman", {"sparsity": 0}, {"sparsity": 80}, f"{TABLE}: has 3 of the units of a spearman, which needs 5"),
        ("ratio", {"sparsity": 0}, {"sparsity": 80}, f"{TABLE}: has 3 of the units of a ratio, which needs 5"),
        ("difference", {"seed": 0}, {"seed": 0}, f"{TABLE}: has 1 of the units of a difference, which needs 2"),
    ],
)
def test_too_few_rows_for_a_statistic_are_not_measured_at_other_scales(results, statistic, first, second, remark):
    shutil.copytree(results, results.with_name("quick"))
    pair = [sample(where=first), sample(where=second)]
    one = judged(results.with_name("quick"), *pair, scale="quick", statistic=statistic)
    assert one.verdict == "not measured"
    assert remark in one.remark
    with pytest.raises(InputError, match=f"claim 'one': {remark}"):
        judged(results, *pair, statistic=statistic)


def test_one_unit_has_no_interval_and_is_named(results):
    with pytest.raises(InputError, match=f"claim 'one': {TABLE}: has 1 of the units of a mean, which needs 2"):
        judged(results, sample(where={"sparsity": 0, "seed": 0}), rule={"kind": "above", "value": 0})


def test_a_start_is_shown_with_its_percentile_and_not_judged(results):
    one = judged(results, sample(where={"sparsity": 0}), kind="start", rule=None, paper=98)
    assert (one.verdict, one.found.percentile, one.found.p) == ("not judged", pytest.approx(50), None)


def test_holms_correction_is_over_all_results(results):
    bounds = {"near": 90, "far": 50, "middle": 80, "protocol": 50}
    claims = {
        name: claim(
            sample(where={"sparsity": 95}),
            rule={"kind": "at least", "value": bound},
            kind="protocol" if name == "protocol" else "result",
        )
        for name, bound in bounds.items()
    }
    found = verdicts.judge_all(models.validate({"claims": claims}, "x"), results, "paper", SETTINGS)
    plain = {one.name: one.found.p for one in found}
    expected = {"far": 3 * plain["far"], "middle": max(3 * plain["far"], 2 * plain["middle"]), "protocol": None}
    expected["near"] = max(expected["middle"], plain["near"])
    assert plain["protocol"] is None
    assert {one.name: one.corrected for one in found} == expected


# --- bad input --------------------------------------------------------------------------------------------------------


def paired(**changes):
    return {"statistic": "difference", "samples": [sample(), sample(**changes)]}


def share_of(statistic="share", take="mean", **changes):
    pair = [sample(take=take)] * (2 if statistic in ("order", "spearman") else 1)
    return {"measure": {"statistic": statistic, "samples": pair}, **changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"quot": "x"},
            "unknown key 'claims.one.quot' (did you mean 'quote'?); expected one of kind, statement, quote",
        ),
        ({"statement": None}, "key 'claims.one.statement': Input should be a valid string"),
        ({"figure": "2a.png"}, "key 'claims.one.figure': expected small letters, digits, - and _, a letter or"),
        ({"unit": "%"}, "key 'claims.one.unit': Input should be 'percent', 'points' or 'number' (found '%')"),
        ({"rule": {"kind": "about", "value": 3}}, "key 'claims.one.rule.kind': Input should be 'at least', 'at most'"),
        ({"rule": {"kind": "at least"}}, "key 'claims.one.rule.value' is missing"),
        ({"rule": {"kind": "above", "value": 0, "tolerance": 1}}, "key 'claims.one.rule': tolerance: 'above' has no"),
        (
            {"rule": {"kind": "within", "value": 0, "tolerance": -1}},
            "key 'claims.one.rule.tolerance': Input should be gr",
        ),
        (
            {"expected": "yes"},
            "key 'claims.one.expected': Input should be 'reproduced', 'exceeded', 'contradicted' or 'inconclusive'",
        ),
        ({"expected": "contradicted"}, "key 'claims.one': reason: is missing; a claim that is expected to be contradi"),
        ({"kind": ...}, "key 'claims.one.kind' is missing"),
        ({"kind": "finding"}, "key 'claims.one.kind': Input should be 'result', 'protocol' or 'start'"),
        ({"rule": None}, "key 'claims.one': rule: is missing; a result is judged by one"),
        ({"kind": "start", "paper": 3}, "key 'claims.one': rule: a start is a random draw and is not judged"),
        ({"kind": "start", "rule": None}, "key 'claims.one': paper: is missing; a start is the value of one draw"),
        (
            {"rule": {"kind": "within", "value": math.inf, "tolerance": 1}},
            "key 'claims.one.rule.value': Input should be a finite number",
        ),
        (share_of(rule={"kind": "at least", "value": 0}), "key 'claims.one': rule: every share meets it; expected one"),
        (share_of(rule={"kind": "at most", "value": 99, "tolerance": 1}), "rule: every share meets it"),
        (share_of(rule={"kind": "at least", "value": 100}), "rule: no share meets it; expected one that an interval"),
        (share_of(rule={"kind": "within", "value": 0}), "rule: no share meets it"),
        (share_of("order", rule={"kind": "above", "value": -1}), "rule: every order meets it"),
        (share_of("spearman", rule={"kind": "at least", "value": -100}), "rule: every spearman meets it"),
        (share_of("spearman", rule={"kind": "above", "value": 100}), "rule: no spearman meets it"),
        (share_of("count", rule={"kind": "at least", "value": 0}), "rule: every count meets it"),
        (share_of("mean", take="range", rule={"kind": "at least", "value": 0}), "rule: every mean meets it"),
        (
            {"measure": {"statistic": "median", "samples": [sample()]}},
            "key 'claims.one.measure.statistic': Input should",
        ),
        (
            {"measure": {"statistic": "mean", "samples": []}},
            "key 'claims.one.measure.samples': List should have at least 1",
        ),
        (
            {"measure": {"statistic": "mean", "samples": [sample()] * 2}},
            "'claims.one.measure': samples: mean is of 1, got 2",
        ),
        ({"measure": {"statistic": "order", "samples": [sample()]}}, "samples: order is of 2 or more, got 1"),
        ({"measure": paired(units=["sparsity"])}, "samples: difference pairs them by unit; expected the same 'units'"),
        ({"measure": paired(units=None)}, "samples: difference pairs them by unit; expected the same 'units'"),
        ({"measure": {"statistic": "share", "samples": [sample(of=None)]}}, "samples: share divides sums of counts"),
        (
            {"measure": {"statistic": "mean", "samples": [sample(where={"layer": [1.0, "fc"]})]}},
            "samples.0': where.layer: is [1.0, 'fc']; expected numbers alone, or text alone",
        ),
        (
            {"measure": {"statistic": "share", "samples": [sample(of="images", minus="seed")]}},
            "samples: share divides sums of counts; expected no 'minus'",
        ),
        (
            {"measure": {"statistic": "share", "samples": [sample(of="images", change_within=["seed"])]}},
            "samples: share divides sums of counts; expected no 'change_within'",
        ),
        (
            {"measure": paired(tabel="x.csv")},
            "unknown key 'claims.one.measure.samples.1.tabel' (did you mean 'table'?)",
        ),
        (
            {"measure": paired(table="../secret.csv")},
            "measure.samples.1.table': expected the path of a table",
        ),
        (
            {"measure": paired(table="/etc/passwd")},
            "measure.samples.1.table': expected the path of a table",
        ),
        ({"measure": paired(take="__import__")}, "key 'claims.one.measure.samples.1.take': Input should be 'mean'"),
        (
            {"measure": paired(where={"x": {"at_last": 1}})},
            "unknown key 'claims.one.measure.samples.1.where.x.at_last' (did you mean 'at_least'?)",
        ),
        ({"measure": paired(where={"x": [[1]]})}, "where.x.0': Input should be a valid string, a valid integer or a v"),
        ({"measure": paired(where={"x": None})}, "where.x': Input should be a mapping, a valid list, a valid string, "),
    ],
)
def test_a_claim_that_cannot_be_judged_is_named_in_one_line(changes, message):
    with pytest.raises(InputError) as error:
        values = {key: value for key, value in (claim() | changes).items() if value is not ...}
        models.validate({"claims": {"one": values}}, "my.yaml")
    assert str(error.value).startswith("my.yaml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "key 'claims' is missing"),
        ({"claims": {}}, "key 'claims': Dictionary should have at least 1 item"),
        ({"claims": [1]}, "key 'claims': expected a mapping"),
        ({"claims": {"Not a name": claim()}}, "expected small letters, digits and -, a letter or digit first"),
        ({"claim": {}}, "unknown key 'claim' (did you mean 'claims'?)"),
    ],
)
def test_a_file_that_holds_no_claims_is_named_in_one_line(tmp_path, values, message):
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(InputError) as error:
        models.load(tmp_path / "claims.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("of", "changes", "message"),
    [
        (
            [sample(table="figures/figure_2c.csv")],
            {},
            "figure_2c.csv: there is no such file; run the stage that makes it",
        ),
        (
            [sample(column="rihgt")],
            {},
            f"{TABLE}: has no column 'rihgt' (did you mean 'right'?); it has sparsity, seed",
        ),
        ([sample(of="all")], {}, f"{TABLE}: has no column 'all'"),
        ([sample(where={"sparsitie": 3})], {}, f"{TABLE}: has no column 'sparsitie' (did you mean 'sparsity'?)"),
        ([sample(units=["network"])], {}, f"{TABLE}: has no column 'network'"),
        ([sample(column="layer")], {}, f"{TABLE}: its column 'layer' holds no numbers"),
        ([sample(where={"layer": {"at_least": 1}})], {}, f"{TABLE}: its column 'layer' holds no numbers"),
        ([sample()], {"figure": "2c"}, "there is no figure '2c', "),
        (
            [sample(where={"sparsity": 0}), sample(where={"sparsity": 0, "seed": [0, 1]})],
            {"statistic": "difference"},
            "samples are paired by unit, but only some have seed 2",
        ),
        (
            [sample(column="images", of="right", units=None)],
            {"statistic": "share"},
            "share: 9000 of 8470 is not a share",
        ),
        (
            [sample(units=["sparsity", "seed"]), sample(column="images", of=None, units=["sparsity", "seed"])],
            {"statistic": "spearman"},
            "spearman: 9 units without spread say nothing",
        ),
        (
            [sample(units=["sparsity", "seed"]), sample(column="seed", where={"seed": 0}, units=["images"])],
            {"statistic": "ratio"},
            "ratio: the mean of the second sample is 0",
        ),
    ],
)
def test_what_a_claim_names_and_is_not_there_is_one_line(results, of, changes, message):
    total = pandas.read_csv(results / TABLE).right.sum()
    with pytest.raises(InputError) as error:
        judged(results, *of, **changes)
    assert str(error.value).startswith("claim 'one': ")
    assert message.replace("8470", str(total)) in str(error.value)
    assert "\n" not in str(error.value)


def test_results_of_mixed_scales_are_refused(results):
    assert judged(results).verdict == "reproduced"
    write_figure(results / "figures/figure_2a.png", scale="paper")
    assert judged(results).verdict == "reproduced"
    write_figure(results / "figures/figure_2a.png", scale="quick")
    with pytest.raises(
        InputError, match=r"figure_2a\.csv: came from results of the scale 'quick', expected 'paper' alone"
    ):
        judged(results)


def test_a_scale_is_found_however_far_back_it_stands(results):
    for name, inputs, settings in (
        ("other.csv", [], {"scale": "quick"}),
        ("between.csv", [results / "other.csv"], {"scale": "paper"}),
    ):
        write_table(results / name, pandas.DataFrame({"a": [1]}))
        described = provenance.describe("aann.tables", inputs, settings)
        described["inputs"] = {
            str(path): digest for path, digest in zip(inputs, described["inputs"].values(), strict=True)
        }
        records.write_beside(results / name, described)
    write_table(results / "right.csv", pandas.read_csv(results / TABLE))
    described = provenance.describe("aann.tables", []) | {"inputs": {str(results / "between.csv"): "0" * 64}}
    records.write_beside(results / "right.csv", described)
    with pytest.raises(InputError, match=r"right\.csv: came from results of the scale 'quick'"):
        judged(results, sample(table="right.csv"))


def test_results_of_another_scale_than_the_settings_are_refused(results):
    with pytest.raises(InputError, match=r"results/paper: is not the folder of the scale 'quick'"):
        judged(results, scale="quick")


# --- pages and commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def judge(results, root, monkeypatch):
    """Judge claims by the command line, and return what it wrote as JSON."""
    monkeypatch.chdir(root)

    def command(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    def run(claims, scale="paper", **left_out):
        folder = results.with_name(scale)
        if not folder.exists():
            shutil.copytree(results, folder)
        (folder / "claims.yaml").write_text(yaml.safe_dump({"claims": claims}, sort_keys=False))
        output = folder / "claims/claims.json"
        more = folder / "scale.yaml"
        more.write_text(json.dumps({"scale": scale, "claims": {"resamples": 200, **left_out}}))
        files = ("--configfile", "config/config.yaml", "--configfile", more)
        judged = command(
            *("claims", "judge", "--claims", folder / "claims.yaml", "--results", folder, "--output", output, *files)
        )
        return judged, output

    run.command = command
    return run


CLAIMS = {
    "holds": claim(sample(where={"sparsity": 0}), paper=91, expected="exceeded", quote='It is "so" & <so>.'),
    "no-longer": claim(rule={"kind": "at least", "value": 99}, expected="reproduced", reason="A|reason."),
    "never": claim(rule={"kind": "at least", "value": 99}, expected="contradicted", reason="Too little."),
    "again": claim(expected="contradicted", reason="It was too little."),
    "cannot-say": claim(rule={"kind": "above", "value": 95}, expected="inconclusive", reason="There are three."),
    "as-run": claim(kind="protocol", statistic="count", rule={"kind": "within", "value": 3}, unit="number"),
    "begins": claim(kind="start", rule=None, paper=93),
}


def test_verdicts_are_written_for_machines_and_for_readers(judge):
    result, output = judge(CLAIMS)
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert (found["scale"], found["enforced"]) == ("paper", True)
    assert {name: one["verdict"] for name, one in found["claims"].items()} == {
        "holds": "exceeded",
        "no-longer": "contradicted",
        "never": "contradicted",
        "again": "reproduced",
        "cannot-say": "inconclusive",
        "as-run": "reproduced",
        "begins": "not judged",
    }
    holds = found["claims"]["holds"]
    low, high = stats.t.interval(0.95, 2, 98, stats.sem([97, 98, 99]))
    measured = holds["found"]
    assert (measured["value"], measured["low"], measured["high"]) == pytest.approx((98, low, high))
    assert (measured["n"], holds["paper"], holds["shown_in"]) == (3, 91, "figures/figure_2a.png")
    assert measured["p"] < holds["corrected"] < 0.05
    assert found["provenance"]["settings"]["claims"]["resamples"] == 200
    assert set(found["provenance"]["inputs"]) == {"claims.yaml", "figure_2a.csv"}


class Page(HTMLParser):
    """Checks that elements are closed in order, and gathers links, text and rows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.rows, self.text = [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        self.rows += [attributes["id"]] if tag == "tr" and "id" in attributes else []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_verdicts_are_read_as_they_were_written(judge):
    read = verdicts.read_verdicts(judge(CLAIMS)[1])
    again = verdicts.to_dict(verdicts.judgements(read), read["scale"], read["provenance"], read["without"])
    assert json.loads(json.dumps(again)) == read
    assert {one.verdict for one in verdicts.judgements(read)} >= {"reproduced", "contradicted", "not judged"}


def test_verdicts_that_hold_html_are_shown_as_text(judge):
    read = verdicts.read_verdicts(judge(CLAIMS)[1])
    name, found = read["claims"].popitem()
    odd = '"><script>alert(1)</script>'
    read["claims"][f"{name}{odd}"] = found | {"verdict": f"reproduced{odd}", "statement": odd, "remark": odd}
    page = Page(pages.html(verdicts.judgements(read), "paper", ClaimsSettings(), []))
    assert page.rows == list(read["claims"])
    assert page.text.count(odd) == 3


def judge_units(output, name):
    return json.loads(output.read_text())["claims"][name]["found"]["settling"]


def test_pages_have_every_claim_with_reason_and_link(judge):
    _, output = judge(CLAIMS)
    page = Page(output.with_suffix(".html").read_text())
    assert page.rows == list(CLAIMS)
    assert set(page.links) == {"../figures/figure_2a.png"}
    assert (output.parent / page.links[0]).resolve().is_file()
    assert 'It is "so" & <so>.' in page.text
    assert "Too little." in page.text
    text = output.with_suffix(".md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 3 * 2 + len(CLAIMS)
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [13] * 7 + [8] * 3 + [10] * 3
    headline = (
        "5 results: 1 reproduced, 1 exceeded, 2 contradicted, 1 inconclusive. 1 points of protocol: 1 reproduced. "
    )
    assert f"{headline}1 random starts are shown and not judged. Intervals are of 95 %." in text
    assert "stand-ins" not in text
    assert "**contradicted** (expected reproduced)" in text
    assert "- **never** (contradicted): Too little." in text
    (row,) = [row for row in rows if "**inconclusive**" in row]
    units = judge_units(output, "cannot-say")
    assert f"**inconclusive** (about {units:,} would settle it)" in row
    assert f"inconclusive (about {units:,} would settle it)" in page.text


def test_what_no_longer_is_reproduced_fails_with_a_line_at_the_papers_scale(judge):
    _, output = judge(CLAIMS)
    result = judge.command("claims", "check", output)
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first.startswith("claim 'no-longer': contradicted, expected reproduced: It is so. (our value 95.22, from 9")
    assert second.startswith("claim 'again': reproduced, expected contradicted; change 'expected'")
    _, output = judge({name: CLAIMS[name] for name in ("holds", "never")})
    result = judge.command("claims", "check", output)
    assert (result.exit_code, result.stderr) == (0, "")


def test_claims_may_be_left_out_by_name_and_the_page_says_so(judge):
    result, output = judge(CLAIMS, without=["never", "again"])
    assert result.exit_code == 0, result.output
    found = json.loads(output.read_text())
    assert set(found["claims"]) == set(CLAIMS) - {"never", "again"}
    assert set(found["without"]) == {"never", "again"}
    for ending in (".md", ".html"):
        assert (
            f"Left out, since this run does not have what they need: {', '.join(found['without'])}."
            in output.with_suffix(ending).read_text()
        )
    result, _ = judge(CLAIMS, without=["nevr"])
    assert result.stderr == "error: configuration: claims.without: there is no claim 'nevr' (did you mean 'never'?)\n"


def test_claims_of_a_figure_may_be_left_out(judge):
    figures = {claim["figure"] for claim in CLAIMS.values()}
    gone = sorted(figures)[0]
    result, output = judge(CLAIMS, without_figures=[gone])
    found = json.loads(output.read_text())
    assert result.exit_code == 0, result.output
    assert {claim["figure"] for claim in found["claims"].values()} == figures - {gone}
    assert found["without"] == [name for name, claim in CLAIMS.items() if claim["figure"] == gone]
    result, _ = judge(CLAIMS, without_figures=["99"])
    assert f"claims.without_figures: no claim is about figure '99'; claims are about {', '.join(sorted(figures))}" in (
        result.stderr
    )


def test_two_runs_are_compared_by_their_verdicts(judge, tmp_path):
    _, output = judge(CLAIMS)
    result = judge.command("claims", "changes", output, output)
    results = [name for name, claim in CLAIMS.items() if claim["kind"] == "result"]
    assert result.output == f"{len(results)} of {len(results)} results have the same verdict in both runs\n"
    read = json.loads(output.read_text())
    read["claims"][results[0]]["verdict"] = "inconclusive"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(read))
    lines = judge.command("claims", "changes", output, other).output.splitlines()
    assert lines[0].startswith(f"claim '{results[0]}': paper: ")
    assert "inconclusive (our value" in lines[0]
    assert lines[1] == f"{len(results) - 1} of {len(results)} results have the same verdict in both runs"
    other.write_text(json.dumps(read | {"claims": {}}))
    assert "have no result in common" in judge.command("claims", "changes", output, other).output


def test_other_scales_are_informative_and_say_that_data_are_stand_ins(judge):
    _, output = judge(CLAIMS, "quick")
    result = judge.command("claims", "check", output)
    assert result.exit_code == 0
    for ending in (".md", ".html"):
        text = output.with_suffix(ending).read_text()
        assert "These are results of the scale quick, whose data are stand-ins" in text


def test_a_claim_that_was_not_measured_is_shown_as_such(judge):
    result, output = judge({"one": claim(sample(where={"sparsity": 50}), paper=91)}, "quick")
    assert result.exit_code == 0
    assert "has no row with sparsity 50" in output.with_suffix(".md").read_text()
    assert json.loads(output.read_text())["claims"]["one"]["found"] is None
    assert judge.command("claims", "check", output).exit_code == 0


def test_bad_claims_are_one_line_and_write_nothing(judge):
    for claims in ({"one": claim(figure="13")}, {"one": claim(sample(column="x"))}, {"one": 3}):
        result, output = judge(claims)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert result.stderr.startswith("error: ")
        assert not output.exists()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"claims": {"one": {}}}', '{"claims": {"one": 3}}'])
def test_a_file_that_holds_no_verdicts_is_one_line(judge, tmp_path, text):
    (tmp_path / "claims.json").write_text(text)
    result = judge.command("claims", "check", tmp_path / "claims.json")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "claims.json: holds no verdicts" in result.stderr


@pytest.mark.parametrize("key", ["verdict", "expected", "failed", "kind", "statement", "found", "rule"])
def test_verdicts_without_a_key_are_refused_by_all_who_read_them(judge, tmp_path, key):
    read = json.loads(judge(CLAIMS)[1].read_text())
    for found in read["claims"].values():
        del found[key]
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(read))
    for result in (judge.command("claims", "check", path), judge.command("claims", "changes", path, path)):
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "claims.json: holds no verdicts" in result.stderr


def test_the_headline_says_how_many_results_are_ours(results):
    paper, ours = (judged(results, sample(where={"sparsity": 95}), source=one) for one in ("Section 1", "ours"))
    assert pages.headline([paper, ours, ours]) == "3 results, 2 of them ours: 3 inconclusive."


def test_numbers_are_readable(results):
    rule = {"kind": "within", "value": 22_127_616, "tolerance": 0.5}
    one = judged(results, sample(column="images", of=None), rule=rule, unit="number", paper=22_127_616)
    text = pages.markdown([one], "paper", ClaimsSettings(), [])
    assert "| 22,127,616 | 1000 | 3 | within 22,127,616 ± 0.5 | **contradicted** | [2a]" in text
    one = judged(results, rule={"kind": "at least", "value": 90.125, "tolerance": 1}, paper=90.125)
    assert f"| 90.12 % | {one.found.percentile:.1f} | 95.22 % | " in pages.markdown(
        [one], "paper", ClaimsSettings(), []
    )
    assert "| at least 90.12 \N{MINUS SIGN} 1 % |" in pages.markdown([one], "paper", ClaimsSettings(), [])


def test_equal_tables_give_equal_bytes(judge):
    first = [judge(CLAIMS)[1].with_suffix(ending).read_bytes() for ending in (".json", ".md", ".html")]
    second = [judge(CLAIMS)[1].with_suffix(ending).read_bytes() for ending in (".json", ".md", ".html")]
    assert first == second


# --- the paper's claims -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def paper(root):
    return models.load(root / "config/claims.yaml")


def test_the_papers_numbers_are_all_judged(paper):
    assert len(paper.claims) >= 30
    stated = {one.paper for one in paper.claims.values()}
    captions = {12.34, 33.27, 10.94, 25.68, 9.81, 35.87, 27.73, 9.79, 13.45, 69.5, 12.6, 63.4, 19.8, 75.17, 19.0, 74.0}
    assert captions | {15, 19, 3, 6} <= stated
    assert {one.figure for one in paper.claims.values()} >= {
        *("1", "2a", "2b", "3", "4", "5", "6", "7", "8a", "8b", "9", "10", "11", "12", "video")
    }


def test_every_claim_can_be_described_in_words(paper):
    for one in paper.claims.values():
        words = pages.describe(one.measure)
        assert one.measure.samples[0].table in words
        assert "{" not in words


def test_the_page_on_claims_names_every_statistic_and_its_example_is_a_claim(root):
    text = (root / "docs/claims.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d)( or more)? \| (\d) \|", text, re.MULTILINE)
    assert {name: (int(least), None if more else int(least)) for name, least, more, _ in rows} == models.SAMPLES
    assert {name: int(units) for name, *_, units in rows} == models.UNITS
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert set(models.validate({"claims": yaml.safe_load(example)}, "docs/claims.md").claims) == {"fashion-90"}
    for take in ("mean", "sum", "first", "last", "rise", "range", "maximum", "minimum", "deviation"):
        assert f"`{take}`" in text


def test_the_headline_of_the_readme_is_that_of_the_verdicts(root):
    words = (root / "docs/verdicts.md").read_text().split("\n\n")[2]
    results, ours = map(int, re.match(r"(\d+) results, (\d+) of them ours:", words).groups())
    found = {verdict: int(number) for number, verdict in re.findall(r"(\d+) (\w+)[,.]", words.split(".")[0] + ".")}
    held = found["reproduced"] + found["exceeded"]
    counts = f"{held}, {found['contradicted']}, {found['inconclusive']} | {results} |"
    named = f"results, {ours} of them ours: hold, contradicted, inconclusive"
    assert f"| {named} | | {counts}" in (root / "README.md").read_text()
    rows = (root / "docs/verdicts.md").read_text().split("## Results")[1].split("\n## ")[0].splitlines()
    judged = [(row, verdict) for row in rows for verdict in re.findall(r"\*\*(\w+)\*\*", row)]
    assert len(judged) == results
    assert sum("| ours |" in row for row, _ in judged) == ours
    of_paper = sum("| ours |" not in row and verdict in ("reproduced", "exceeded") for row, verdict in judged)
    assert f"| results that hold | {of_paper} |" in (root / "docs/claims.md").read_text()


def test_the_page_of_verdicts_has_the_statements_and_reasons_of_todays_claims(root, paper):
    text = (root / "docs/verdicts.md").read_text()
    for name, one in paper.claims.items():
        assert f"| {one.statement} | {one.source} |" in text, name
        if one.reason:
            assert re.search(rf"^- \*\*{name}\*\* \([a-z ]+\): {re.escape(one.reason)}$", text, re.MULTILINE), name


def test_every_recommendation_names_its_claims(root, paper):
    text = (root / "docs/recommendations.md").read_text()
    assert len(text.splitlines()) <= 40
    points = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    assert len(points) > 15
    for point in points:
        names = re.findall(r"`([a-z0-9-]+)`", point)
        assert names, point
        assert set(names) <= set(paper.claims), point


@pytest.mark.parametrize(("figure", "sparsity"), [("8a", 80), ("6", 90)])
def test_reproduction_names_the_baselines_of_the_numbers(root, figure, sparsity):
    row = rf"^\| {figure} \|.*\| ([\d.]+) % \([^|]*n = (\d+)\) \|$"
    mean, n = re.search(row, (root / "docs/numbers.md").read_text(), re.MULTILINE).groups()
    text = " ".join((root / "docs/reproduction.md").read_text().split())
    assert re.search(rf"{float(mean):.1f} % at {sparsity} %( sparsity)? \(n = {n}\)", text)


COMMITTED = {
    "accuracies_mnist": "figures/figure_2a.csv",
    "accuracies_fashion": "figures/figure_12.csv",
    "neighborhoods_mnist": "neighbors/mnist/surveys.csv",
    "clustering_mnist": "embeddings/mnist/clustering.csv",
    "improvement": "sense/improvement.csv",
}


def test_the_committed_tables_of_the_full_scale_give_the_verdicts_that_are_expected(paper, root, tmp_path):
    results = tmp_path / "paper"
    for name, table in COMMITTED.items():
        (results / table).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / f"docs/tables/{name}.csv", results / table)
    known = {
        name: one
        for name, one in paper.claims.items()
        if {sample.table for sample in one.measure.samples} <= set(COMMITTED.values())
    }
    for one in known.values():
        write_figure(results / one.shown_in)
    found = verdicts.judge_all(models.Claims(claims=known), results, "paper", SETTINGS)
    assert {one.name: one.verdict for one in found} == {name: one.expected for name, one in known.items()}
    assert len(found) > 15
    by_name = {one.name: one.found for one in found}
    assert by_name["mnist-90-mean"].value == pytest.approx(98.39, abs=0.005)
    # docs/reproduction.md, Figure S2: 0.07 points with p = 0.013, and 0.02 with p = 0.08
    assert by_name["sense-after-training-fashion"].p == pytest.approx(0.013, abs=0.0005)
    assert by_name["sense-after-training-mnist"].p == pytest.approx(0.08, abs=0.005)
    assert math.isclose(by_name["neighbors-by-depth"].value, 100 * 6 / 13)
