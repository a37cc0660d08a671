import itertools
import json
from functools import partial

import climbing
import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from matplotlib.colors import to_rgba
from PIL import Image
from scipy import stats

from aann.errors import InputError
from aann.figures import climbs, comparison, improvement, path, style

PROVENANCE = {"module": "aann.figures", "inputs": {"a.csv": "0" * 64}}
LAYERS = ("1.0", "2.0", "fc")


trace = partial(climbing.trace, layers=LAYERS, repeat=10, low=0.1)
baseline = partial(climbing.baseline, last=1000, low=0.1)


@pytest.fixture
def climb_tables():
    return pandas.concat(map(trace, range(3))), pandas.concat(map(baseline, range(3)))


@pytest.fixture
def kept(monkeypatch):
    """The figure and the table that a drawing hands over to be saved."""
    found = []
    monkeypatch.setattr(style, "save", lambda figure, output, table, provenance: found.append((figure, table)))
    yield found
    plt.close("all")


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


# --- climbs -----------------------------------------------------------------------------------------------------------


def test_a_climb_is_coloured_by_layer_and_has_both_lines_of_backpropagation(climb_tables, kept, tmp_path):
    climbs.draw(*climb_tables, LAYERS, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, table = kept[0]
    assert labels(figure) == [
        *(f"validation, swaps in {layer}" for layer in LAYERS),
        "test (SENSE)",
        "test (literal backpropagation)",
        "test (straight-through)",
    ]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    first = climb_tables[0][climb_tables[0].seed == 0].dropna()
    assert np.array_equal(lines["test (SENSE)"].get_ydata(), 100 * first.test_accuracy)
    assert lines["validation, swaps in 2.0"].get_color() == style.GREEN
    (segments,) = figure.axes[0].collections
    colors = {layer: to_rgba(lines[f"validation, swaps in {layer}"].get_color()) for layer in LAYERS}
    walked = climb_tables[0][climb_tables[0].seed == 0].layer[1:]
    assert [tuple(color) for color in segments.get_colors()] == [colors[layer] for layer in walked]
    assert {*table.line} == {"SENSE", "literal", "straight-through"}
    assert table[table.line == "literal"].x.max() == table[table.line == "SENSE"].x.max() == 30


def test_the_second_panel_shows_means_over_seeds(climb_tables, kept, tmp_path):
    climbs.draw(*climb_tables, LAYERS, "MNIST", tmp_path / "x.png", PROVENANCE)
    mean = kept[0][0].axes[1].lines[0].get_ydata()
    ends = climb_tables[0].dropna().groupby("seed").test_accuracy.last()
    assert mean[-1] == pytest.approx(100 * ends.mean())
    assert "n = 3" in kept[0][0].axes[1].get_title()


def test_climbs_without_counts_are_refused(climb_tables, tmp_path):
    traces, baselines = climb_tables
    with pytest.raises(InputError, match=r"no counted rows; delete them and run the searches again"):
        climbs.draw(traces.assign(test_accuracy=np.nan), baselines, LAYERS, "MNIST", tmp_path / "x.png", PROVENANCE)


def test_a_figure_is_always_the_same_bytes_and_carries_its_provenance(climb_tables, tmp_path):
    for name in ("one", "two"):
        climbs.draw(*climb_tables, LAYERS, "MNIST", tmp_path / f"{name}.png", PROVENANCE)
    for ending in ("png", "pdf", "csv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert json.loads(image.text["Provenance"]) == PROVENANCE


def test_every_layer_of_a_climb_has_a_colour_of_its_own_or_is_named_as_deeper(climb_tables, kept, tmp_path):
    names = tuple(f"{number}.0" for number in range(8))
    traces = pandas.concat([climbing.trace(seed, names, repeat=1) for seed in range(2)])
    climbs.draw(traces, climb_tables[1], names, "MNIST", tmp_path / "x.png", PROVENANCE)
    lines = {line.get_label(): line.get_color() for line in kept[0][0].axes[0].lines}
    swaps = {name: color for name, color in lines.items() if name.startswith("validation")}
    assert list(swaps)[-2:] == ["validation, swaps in 5.0", "validation, swaps in deeper layers"]
    assert len(set(swaps.values())) == len(swaps) == 7


# --- comparison -------------------------------------------------------------------------------------------------------


def runs():
    parts = [
        trace(seed, top=top, search=search, sparsity=sparsity, origin=origin)
        for sparsity, origin in ((80.0, "random"), (90.0, "random"), (90.0, "psiren"))
        for search, top in (("best", 0.5), ("greedy", 0.9))
        for seed in range(3)
    ]
    return pandas.concat(parts)


def mark(sparsity, percent, label):
    return {**climbing.RUN, "sparsity": sparsity, "percent": percent, "label": label}


MARKS = [mark(80, 63.4, "Figure 8a"), mark(90, 25.68, "Figure 6"), mark(90, 27.73, "Figure 7"), mark(70, 1, "absent")]


def test_each_start_has_a_panel_with_every_search_and_its_marks(kept, tmp_path):
    comparison.draw(runs(), MARKS, {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, table = kept[0]
    assert [axis.get_title() for axis in figure.axes] == [
        "Random start, 80 % sparse",
        "Random start, 90 % sparse",
        "p-SIREN, 90 % sparse",
    ]
    assert labels(figure) == ["best", "greedy"]
    flat = [[line.get_ydata()[0] for line in axis.lines if len(line.get_ydata()) == 2] for axis in figure.axes]
    assert flat == [[63.4], [25.68, 27.73], []]
    assert table.test_accuracy.notna().all()


def test_names_of_marks_are_readable_on_curves_and_do_not_meet_in_any_order(kept, tmp_path):
    for marks in (MARKS, MARKS[::-1]):
        comparison.draw(runs(), marks, {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)
        names = kept[-1][0].axes[1].texts
        assert {(name.xy[1], name.get_va()) for name in names} == {(25.68, "top"), (27.73, "bottom")}
        assert all(name.get_path_effects() for name in names)


def test_accuracy_between_two_counts_is_the_last_that_was_counted():
    run = pandas.DataFrame({"evaluations": [0, 100, 200], "test_accuracy": [0.1, 0.5, 0.7]})
    found = comparison.last_known(run, np.array([1, 99, 100, 199, 1000]))
    assert found == pytest.approx([10, 10, 50, 50, 70])


def test_a_comparison_without_counts_is_refused(tmp_path):
    uncounted = runs().assign(test_accuracy=np.nan)
    with pytest.raises(InputError, match=r"its traces have no counted rows"):
        comparison.draw(uncounted, [], {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)


def test_a_comparison_of_several_tasks_says_whose_data_each_panel_shows(kept, tmp_path):
    both = pandas.concat([runs(), runs().assign(task="fashion")])
    titles = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
    comparison.draw(both, MARKS, titles, "MNIST and Fashion-MNIST", tmp_path / "x.png", PROVENANCE)
    headings = [axis.get_title() for axis in kept[0][0].axes]
    assert headings[0] == "MNIST\nRandom start, 80 % sparse"
    assert headings[3] == "Fashion-MNIST\nRandom start, 80 % sparse"
    assert [len(axis.texts) for axis in kept[0][0].axes] == [1, 2, 0, 0, 0, 0]


# --- improvement ------------------------------------------------------------------------------------------------------


TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}


@pytest.fixture
def outcomes():
    random = np.random.default_rng(0)
    rows = []
    for task, gain in (("mnist", 0.01), ("fashion", 0.0)):
        for sparsity in (50.0, 90.0):
            for seed in range(3):
                before = 0.95 + random.normal(0, 0.002)
                rows.append((task, sparsity, seed, before, before + gain + random.normal(0, 0.001)))
    columns = ["task", "sparsity", "seed", "before_test_accuracy", "after_test_accuracy"]
    return pandas.DataFrame(rows, columns=columns)


def test_paired_statistics_are_those_of_a_paired_t_test(outcomes):
    found = improvement.paired(outcomes).set_index(["task", "sparsity"])
    for task in ("mnist", "fashion"):
        for sparsity in (50.0, 90.0, np.nan):
            here = outcomes[(outcomes.task == task) & ((outcomes.sparsity == sparsity) | np.isnan(sparsity))]
            expected = stats.ttest_rel(100 * here.after_test_accuracy, 100 * here.before_test_accuracy)
            row = found.loc[(task, sparsity)]
            assert row.p == pytest.approx(expected.pvalue)
            assert row.t == pytest.approx(expected.statistic)
            assert row.n == len(here)
            assert row.difference == pytest.approx(100 * (here.after_test_accuracy - here.before_test_accuracy).mean())


def test_one_network_or_no_spread_gives_no_test(outcomes):
    single = improvement.paired(outcomes[outcomes.seed == 0])
    assert single[single.sparsity.notna()].p.isna().all()
    same = improvement.paired(outcomes.assign(after_test_accuracy=outcomes.before_test_accuracy))
    assert same.p.isna().all()
    assert (same.difference == 0).all()


def test_improvements_are_drawn_with_stars_only_where_the_test_finds_them(outcomes, kept, tmp_path):
    improvement.draw(outcomes, TITLES, tmp_path / "x.png", PROVENANCE)
    figure, table = kept[0]
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles[0].startswith("MNIST\n+1.0")
    assert titles[1].startswith("Fashion-MNIST\n")
    tested = improvement.paired(outcomes)
    stars = sum(len(dots.get_offsets()) for axis in figure.axes for dots in axis.collections if "<" in dots.get_label())
    assert stars == (tested[tested.sparsity.notna()].p < 0.05).sum() > 0
    assert len(table) == len(outcomes) + 2


def test_an_outcome_of_a_task_without_a_title_is_refused(outcomes, tmp_path):
    with pytest.raises(InputError, match=r"no title for task fashion; give one for each task"):
        improvement.draw(outcomes, {"mnist": "MNIST"}, tmp_path / "x.png", PROVENANCE)


def test_no_outcomes_are_refused(outcomes, tmp_path):
    with pytest.raises(InputError, match=r"its table has no rows"):
        improvement.draw(outcomes.head(0), TITLES, tmp_path / "x.png", PROVENANCE)


# --- path -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def points():
    random = np.random.default_rng(0)
    rows = [(0, -1, -1, 0, 0, 900, 905)]
    for number in range(1, 5):
        best = random.integers(10) if number != 3 else -1
        rows += [
            (number, 10 * number + index, index, 1, int(index == best), 900 + index, 890 + index) for index in range(10)
        ]
    names = ["neighborhood", "from_index", "to_index", "sign", "best", "validation_correct", "test_correct"]
    table = pandas.DataFrame(rows, columns=names)
    places = random.normal(size=(2, len(table)))
    return table.assign(seed=3, layer="fc", validation_images=1000, test_images=1000, x=places[0], y=places[1])


def test_the_path_goes_from_the_start_through_the_best_that_led_on(points, kept, tmp_path):
    walked = path.path(points)
    assert walked.neighborhood.to_list() == [0, 1, 2, 4]
    climbs = pandas.concat([points, points.assign(seed=0, x=points.x + 1)], ignore_index=True)
    path.draw(climbs, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, table = kept[0]
    (line,) = figure.axes[1].lines
    assert np.array_equal(line.get_xdata(), walked.x)
    assert labels(figure) == ["1st", "2nd", "3rd", "4th", "best", "start"]
    assert table is climbs


def test_the_page_works_offline_and_names_swaps(points, tmp_path):
    path.write_html(points, "MNIST", tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert "neighborhood 2, layer fc, swap 25" in page
    assert "905 of 1,000 right" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([10, 50, 90], [10, 50, 90]),
        ([37, 70, 71], [37, 67.5, 73.5]),
        ([70, 71, 72, 90], [65, 71, 77, 90]),
        ([70, 71, 76], [66.333, 72.333, 78.333]),
        ([], []),
    ],
)
def test_labels_at_the_ends_of_lines_do_not_meet(heights, expected):
    found = climbs.spread(heights, 6)
    assert found == pytest.approx(expected, abs=1e-3)
    assert all(later - earlier >= 6 - 1e-9 for earlier, later in itertools.pairwise(found))
