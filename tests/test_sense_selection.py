import numpy as np
import pandas
import pytest

from aann.errors import InputError
from aann.evaluation import reference
from aann.figures import selection as figure
from aann.figures import style
from aann.sense.selection import climbs, divided
from aann.sense.starts import random_network
from aann.settings.sense import SelectionSettings
from aann.tables import SELECTION

CHOSEN = SelectionSettings(task="mnist", layer="fc", neighborhoods=3, neighbors=[10, 40], images=60)
KEYS = {"task": "mnist", "sparsity": 60.0, "seed": 3}


@pytest.fixture
def start(architecture):
    return random_network(architecture, 60, 0)


@pytest.fixture
def splits(blobs):
    return {"validation": blobs(120, 1), "test": blobs(100, 2)}


@pytest.fixture
def table(start, splits):
    return SELECTION.make(climbs(start, splits, CHOSEN, seed=3), **KEYS)


def test_climbs_of_each_size_choose_by_either_split_and_count_on_the_same_fresh_images(start, splits, table):
    assert [*table.groupby(["chosen_by", "size"]).size()] == [4, 4, 4, 4]
    assert set(table[table.chosen_by == "test"].choosing_images) == {60}
    assert set(table[table.chosen_by == "validation"].choosing_images) == {120}
    assert set(table.fresh_images) == {40}
    chosen, fresh = divided(splits["test"], 60, 3)
    began = table[table.neighborhood == 0]
    assert set(began.fresh_correct) == {reference.correct_count(start, fresh.images, fresh.labels)}
    counted = reference.correct_count(start, chosen.images, chosen.labels)
    assert set(began[began.chosen_by == "test"].choosing_correct) == {counted}
    for _, climb in table.groupby(["chosen_by", "size"]):
        assert climb.choosing_correct.is_monotonic_increasing
        assert climb.choosing_correct.iloc[-1] > climb.choosing_correct.iloc[0]


def test_the_images_are_divided_by_the_seed_and_each_is_in_one_part(splits):
    chosen, fresh = divided(splits["test"], 60, 3)
    both = np.concatenate([chosen.images, fresh.images]).reshape(100, -1)
    assert np.array_equal(np.unique(both, axis=0), np.unique(splits["test"].images.reshape(100, -1), axis=0))
    again, _ = divided(splits["test"], 60, 3)
    other, _ = divided(splits["test"], 60, 4)
    assert np.array_equal(again.images, chosen.images)
    assert not np.array_equal(other.images, chosen.images)


def test_any_evaluator_gives_the_same_climbs(start, splits, table):
    few = CHOSEN.model_copy(update={"neighbors": [10]})

    def slow(network, images, labels, layers, threads):
        return reference.ReferenceEvaluator(network, images, labels)

    found = SELECTION.make(climbs(start, splits, few, seed=3, evaluator=slow), **KEYS)
    assert found.equals(table[table["size"] == 10].reset_index(drop=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "9.0"}, "layer '9.0': the network has no such layer"),
        ({"images": 100}, r"sense.selection.images: is 100, but there are 100 test images, and some must be left"),
    ],
)
def test_what_does_not_fit_is_refused(start, splits, change, message):
    with pytest.raises(InputError, match=message):
        climbs(start, splits, CHOSEN.model_copy(update=change), 0)


def test_a_layer_without_neighbors_is_refused(architecture, splits):
    with pytest.raises(InputError, match=r"layer 'fc': has no neighbors"):
        climbs(random_network(architecture, 0, 0), splits, CHOSEN, 0)


def test_the_figure_shows_gains_since_the_start_as_means_over_networks(table, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(style, "save", lambda *arguments: saved.append(arguments))
    other = table.assign(seed=4, choosing_correct=table.choosing_correct + 2 * table.neighborhood)
    figure.draw(pandas.concat([table, other]), 3.0, "MNIST", tmp_path / "x.png", {})
    drawn, _, found, _ = saved[0]
    ends = found[(found.neighborhood == 3) & (found.chosen_by == "test")]
    expected = 100 * ends.groupby("size").choosing_gain.mean()
    lines = {line.get_label(): line for line in drawn.axes[0].lines}
    (bars,) = [one for one in drawn.axes[0].containers if one.get_label() == "images that choose"]
    assert bars[0].get_ydata() == pytest.approx(expected.to_numpy())
    assert "paper, +3 points" in lines
    assert drawn.legends[0].get_title().get_text() == "Mean and 95 % interval (Student), n = 2 networks"
    assert drawn.axes[0].get_title() == "(a) Chosen by 60 test images, as printed"
    began = found[found.neighborhood == 0]
    assert (began.choosing_gain == 0).all()
    assert (began.fresh_gain == 0).all()
    assert found.fresh_gain.to_numpy() == pytest.approx(
        (found.fresh_correct / 40).to_numpy() - np.repeat((began.fresh_correct / 40).to_numpy(), 4)
    )


def test_one_network_is_drawn_without_intervals(table, tmp_path):
    figure.draw(table, None, "MNIST", tmp_path / "x.png", {})
    assert (tmp_path / "x.png").is_file()
