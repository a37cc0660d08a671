import json
from functools import partial

import climbing
import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from commands import shown
from matplotlib.colors import to_rgba
from PIL import Image

from aann.artifacts import read_table
from aann.errors import InputError
from aann.figures import drives, driving, style
from aann.figures.comparison import last_known
from aann.tables import CONFUSION, RETURNS, read_labelled

PROVENANCE = {"module": "aann.figures", "inputs": {"a.csv": "0" * 64}}
LAYERS = ("1.0", "2.0", "fc1", "fc2")
SPARSITIES, SEEDS = (50.0, 90.0), (0, 1, 2)


@pytest.fixture
def kept(monkeypatch):
    """The figure and the table that a drawing hands over to be saved."""
    found = []
    monkeypatch.setattr(style, "save", lambda figure, output, table, provenance: found.append((figure, table)))
    yield found
    plt.close("all")


def labels(legend):
    return [text.get_text() for text in legend.get_texts()]


# --- figure 2b --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def matrices():
    """How many test frames of each class a network puts into each, by network; all have the same frames."""
    random = np.random.default_rng(0)
    shares = {name: random.dirichlet([2, 2, 2], 3) for name in ((s, seed) for s in SPARSITIES for seed in SEEDS)}
    found = {}
    for name, share in shares.items():
        counts = np.floor(share * [[40], [50], [110]]).astype(int)
        counts[:, 2] += [40, 50, 110] - counts.sum(axis=1)
        found[name] = counts
    return found


def key(sparsity, seed, origin="psiren", search=""):
    """Return the keys of a network, in the order of ``tables.RUN``."""
    return "car", sparsity, origin, search, seed


@pytest.fixture
def confusions(matrices):
    rows = []
    for (sparsity, seed), counts in matrices.items():
        for label, prediction in np.ndindex(3, 3):
            rows.append((*key(sparsity, seed), "validation", label, prediction, 7))
            rows.append((*key(sparsity, seed), "test", label, prediction, counts[label, prediction]))
    return pandas.DataFrame(rows, columns=list(CONFUSION.columns))


@pytest.fixture
def returns():
    random = np.random.default_rng(1)
    rows = [
        (*key(sparsity, seed), track, random.uniform(-50, 900), 850.0 + track)
        for sparsity in SPARSITIES
        for seed in SEEDS
        for track in range(4 if sparsity == 90 else 2)
    ]
    return pandas.DataFrame(rows, columns=list(RETURNS.columns))


def test_each_network_has_its_accuracies_and_its_mean_return(matrices, confusions, returns):
    found = driving.networks(confusions, returns).set_index(["sparsity", "seed"])
    assert sorted(found.index) == sorted(matrices)
    for (sparsity, seed), counts in matrices.items():
        row = found.loc[(sparsity, seed)]
        driven = returns[(returns.sparsity == sparsity) & (returns.seed == seed)]
        assert (row.test_correct, row.test_images) == (np.trace(counts), 200)
        assert row.test_accuracy == np.trace(counts) / 200
        assert row.balanced_accuracy == pytest.approx(np.mean([counts[k, k] / counts[k].sum() for k in range(3)]))
        assert row.majority == 110 / 200
        assert row["return"] == pytest.approx(driven["return"].to_numpy().mean())
        assert row.expert_return == pytest.approx(driven.expert_return.to_numpy().mean())
        assert row.tracks == len(driven) == (4 if sparsity == 90 else 2)
        shared = driven[driven.track < 2]
        assert row.shared_return == pytest.approx(shared["return"].to_numpy().mean())
        assert (row.shared_expert_return, row.shared_tracks) == (850.5, 2)


def test_the_balanced_accuracy_is_over_the_classes_that_occur(matrices, confusions, returns):
    confusions.loc[(confusions.split == "test") & (confusions.label == 1), "frames"] = 0
    found = driving.networks(confusions, returns).set_index(["sparsity", "seed"])
    for name, counts in matrices.items():
        expected = (counts[0, 0] / 40 + counts[2, 2] / 110) / 2
        assert found.balanced_accuracy[name] == pytest.approx(expected)
        assert found.majority[name] == 110 / 150


def test_accuracies_and_returns_stand_against_sparsity(confusions, returns, kept, tmp_path):
    driving.draw(confusions, returns, "CarRacing, short", tmp_path / "x.png", PROVENANCE)
    figure, table = kept[0]
    expected = driving.networks(confusions, returns)
    assert table.equals(expected)
    assert figure.get_suptitle() == "CarRacing, short: mean and range, n = 3 networks a point"
    left, right = figure.axes
    means = expected.groupby("sparsity").mean()
    lines = {line.get_label(): line for axis in figure.axes for line in axis.lines}
    assert lines["Accuracy"].get_ydata() == pytest.approx(100 * means.test_accuracy)
    assert lines["Balanced accuracy (mean of classes)"].get_ydata() == pytest.approx(100 * means.balanced_accuracy)
    assert lines["Always the most frequent class (55.0 %)"].get_ydata() == pytest.approx([55, 55])
    assert lines["Network"].get_ydata() == pytest.approx(means.shared_return)
    assert set(lines["Expert, same tracks"].get_ydata()) == {850.5}
    assert lines["Network"].get_xdata().tolist() == [50, 90]
    assert labels(left.get_legend()) == list(lines)[:3]
    assert labels(right.get_legend()) == list(lines)[3:]
    points = [*(axis.collections[index].get_offsets() for axis, index in ((left, 1), (left, 3), (right, 1)))]
    for drawn, column in zip(points, ("test_accuracy", "balanced_accuracy", "shared_return"), strict=True):
        scale = 1 if column == "shared_return" else 100
        assert drawn.tolist() == pytest.approx(np.column_stack([expected.sparsity, scale * expected[column]]))
    assert right.get_title() == "(b) Driving, the same 2 tracks for all"


def test_returns_below_zero_are_in_the_figure(confusions, returns, kept, tmp_path):
    low = returns.assign(**{"return": -80.0})
    driving.draw(confusions, low, "CarRacing", tmp_path / "x.png", PROVENANCE)
    assert kept[0][0].axes[1].get_ylim()[0] <= -80


def test_figure_2b_is_saved_with_its_table_always_the_same(confusions, returns, tmp_path):
    for name in ("one", "two"):
        driving.draw(confusions, returns, "CarRacing", tmp_path / f"{name}.png", PROVENANCE)
    assert shown(tmp_path) == {f"{name}.{ending}" for name in ("one", "two") for ending in ("pdf", "png", "csv")}
    for ending in ("png", "pdf", "csv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    pandas.testing.assert_frame_equal(read_table(tmp_path / "one.csv"), driving.networks(confusions, returns))
    with Image.open(tmp_path / "one.png") as image:
        assert json.loads(image.text["Provenance"]) == PROVENANCE


def test_tables_without_a_network_that_was_counted_and_drove_are_refused(confusions, returns, tmp_path):
    elsewhere = returns.assign(seed=returns.seed + 100)
    uncounted = confusions[confusions.split == "validation"]
    for tables in ((confusions, elsewhere), (uncounted, returns)):
        with pytest.raises(InputError, match=r"^no network has both"):
            driving.draw(*tables, "CarRacing", tmp_path / "x.png", PROVENANCE)
    assert list(tmp_path.iterdir()) == []


# --- figure 8b --------------------------------------------------------------------------------------------------------


trace = partial(climbing.trace, layers=LAYERS, repeat=3, low=0.3)
baseline = partial(climbing.baseline, last=500, low=0.3)


TITLES = {"car": "CarRacing"}

SEARCHES = (("random 90 %", "random", "greedy"), ("p-SIREN 90 %", "psiren", "polish"))
"""What a start is called, its origin, and a search from it."""

DRIVERS = {"random 90 %": ("random", ""), "random 90 %, greedy": ("random", "greedy"), "p-SIREN 90 %": ("psiren", "")}
"""What drives: origin and search."""


def of(table, origin, search):
    return table[(table.origin == origin) & (table.search == search)]


@pytest.fixture
def drawn_from():
    """Traces, baselines, searches and returns of two searches and three drivers."""
    searches = [
        trace(seed, top=top, origin=origin, search=search)
        for (_, origin, search), top in zip(SEARCHES, (0.8, 0.95), strict=True)
        for seed in SEEDS
    ]
    random = np.random.default_rng(3)
    rows = [
        (*key(90.0, seed, origin, search), track, random.uniform(-50, 900), 860.0 + track)
        for origin, search in DRIVERS.values()
        for seed in SEEDS
        for track in range(4 if search or origin == "random" else 6)
    ]
    return (
        pandas.concat(map(trace, SEEDS)),
        pandas.concat(map(baseline, SEEDS)),
        pandas.concat(searches),
        pandas.DataFrame(rows, columns=list(RETURNS.columns)),
    )


def test_all_four_panels_show_their_tables(drawn_from, kept, tmp_path):
    drives.draw(*drawn_from, LAYERS, TITLES, "CarRacing, 90 % sparse", tmp_path / "x.png", PROVENANCE)
    figure, _ = kept[0]
    traces, _, searches, returns = drawn_from
    climb, mean, compared, driven = figure.axes
    assert figure.get_suptitle() == "CarRacing, 90 % sparse"
    lines = {line.get_label(): line for line in climb.lines}
    first = traces[traces.seed == 0].dropna()
    assert lines["test (SENSE)"].get_ydata() == pytest.approx(100 * first.test_accuracy)
    assert [f"validation, swaps in {layer}" for layer in LAYERS] == labels(figure.legends[0])[:4]
    named = "Panels (a) and (b). Backpropagation: {:,} minibatches over the width of the climb"
    assert figure.legends[0].get_title().get_text() == named.format(drawn_from[1].step.max())
    ends = traces.dropna().groupby("seed").test_accuracy.last()
    assert mean.lines[0].get_ydata()[-1] == pytest.approx(100 * ends.mean())
    assert labels(compared.get_legend()) == ["random 90 %, greedy", "p-SIREN 90 %, polish"]
    for line, (_, *run) in zip(compared.lines, SEARCHES, strict=True):
        counted = of(searches[searches.test_accuracy.notna()], *run)
        last = counted.groupby("seed").test_accuracy.last()
        assert line.get_ydata()[-1] == pytest.approx(100 * last.mean())
        curves = [last_known(run, line.get_xdata()) for _, run in counted.groupby("seed")]
        assert line.get_ydata() == pytest.approx(np.mean(curves, axis=0))
    assert [text.get_text() for text in driven.get_yticklabels()] == [name.replace(", ", "\n") for name in DRIVERS]
    assert driven.get_title() == "(d) Return, mean over the same 4 tracks"
    assert labels(driven.get_legend()) == ["one network", "mean, n = 3 networks"]
    for place, run in enumerate(DRIVERS.values()):
        rows = of(returns[returns.track < 4], *run)
        expected = [rows[rows.seed == seed]["return"].to_numpy().mean() for seed in SEEDS]
        assert driven.collections[place].get_offsets().tolist() == pytest.approx(
            np.column_stack([expected, [place] * 3])
        )
        assert driven.lines[place].get_xdata() == pytest.approx([np.mean(expected)] * 2)
        assert to_rgba(driven.lines[place].get_color()) == to_rgba(style.ORANGE)
    assert driven.lines[3].get_xdata() == pytest.approx([861.5, 861.5])
    assert "expert 862" in [text.get_text() for text in driven.texts]
    assert all("n = 3" in axis.get_title() for axis in (mean, compared))


def test_the_table_of_figure_8b_holds_all_points_and_returns(drawn_from, tmp_path):
    drives.draw(*drawn_from, LAYERS, TITLES, "CarRacing", tmp_path / "x.png", PROVENANCE)
    assert shown(tmp_path) == {"x.png", "x.pdf", "x.csv"}
    found = read_labelled(tmp_path / "x.csv")
    traces, baselines, searches, returns = drawn_from
    assert (found.line == "SENSE").sum() == len(traces)
    assert found.line.isin(["literal", "straight-through"]).sum() == len(baselines)
    for _, *run in SEARCHES:
        expected = of(searches[searches.test_accuracy.notna()], *run)
        drawn = of(found[found.line == "search"], *run)
        assert drawn.x.tolist() == expected.evaluations.tolist()
        assert drawn.test_accuracy.tolist() == pytest.approx(expected.test_accuracy.tolist())
    drove = found[found.line == "drive"].set_index(["origin", "search", "seed"])
    assert sorted(drove.index) == sorted((*run, seed) for run in DRIVERS.values() for seed in SEEDS)
    for (*run, seed), row in drove.iterrows():
        rows = of(returns[(returns.seed == seed) & (returns.track < 4)], *run)
        assert row["return"] == pytest.approx(rows["return"].to_numpy().mean())
        assert row.expert_return == pytest.approx(rows.expert_return.to_numpy().mean())
    assert len(found) == len(traces) + len(baselines) + searches.test_accuracy.notna().sum() + len(drove)


def test_every_search_of_figure_8b_is_drawn(drawn_from, kept, tmp_path):
    traces, baselines, searches, returns = drawn_from
    more = pandas.concat([searches.assign(search=f"{part} {number}") for number in range(3) for part in ("a", "b")])
    drives.draw(traces, baselines, more, returns, LAYERS, TITLES, "CarRacing", tmp_path / "x.png", PROVENANCE)
    names = [f"{start}, {part} {number}" for start, *_ in SEARCHES for part in "ab" for number in range(3)]
    figure, table = kept[0]
    assert {*more.search} <= {*table.search}
    assert sorted(labels(figure.axes[2].get_legend())) == sorted(names)
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in figure.axes[2].lines}
    assert len(looks) == len(names)


def test_searches_and_networks_of_several_tasks_are_told_apart(drawn_from, kept, tmp_path):
    traces, baselines, searches, returns = drawn_from
    both = [pandas.concat([table.assign(task=task) for task in ("car", "rally")]) for table in (searches, returns)]
    titles = {"car": "CarRacing", "rally": "Rally"}
    drives.draw(traces, baselines, *both, LAYERS, titles, "CarRacing", tmp_path / "x.png", PROVENANCE)
    compared, driven = kept[0][0].axes[2:]
    found = sorted(labels(compared.get_legend()))
    assert found[::2] == ["CarRacing, p-SIREN 90 %, polish", "Rally, p-SIREN 90 %, polish"]
    named = [text.get_text() for text in driven.get_yticklabels()]
    assert len(named) == len({*named}) == 2 * len(DRIVERS)


def test_searches_and_climbs_without_counts_are_refused(drawn_from, tmp_path):
    traces, baselines, searches, returns = drawn_from
    nothing = {"test_accuracy": np.nan}
    for tables in (
        (traces, baselines, searches.assign(**nothing), returns),
        (traces.assign(**nothing), baselines, searches, returns),
        (traces, baselines[:0], searches, returns),
    ):
        with pytest.raises(InputError, match=r"^its .* no counted rows; delete them and run"):
            drives.draw(*tables, LAYERS, TITLES, "CarRacing", tmp_path / "x.png", PROVENANCE)
    assert list(tmp_path.iterdir()) == []
