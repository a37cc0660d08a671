import numpy as np
import pandas
import pytest

from aann.errors import InputError
from aann.evaluation import reference
from aann.sense.backpropagation import LITERAL, METHODS, STRAIGHT_THROUGH, train
from aann.sense.starts import random_network
from aann.settings.sense import BackpropagationSettings

CHOSEN = BackpropagationSettings(steps=120, batch_size=16, records=4, logit_scale=10)


@pytest.fixture
def splits(blobs):
    return {name: blobs(160, seed) for seed, name in enumerate(("train", "validation", "test"))}


@pytest.fixture
def start(architecture):
    return random_network(architecture, 50, 0)


@pytest.mark.parametrize("method", METHODS)
def test_counts_are_exact_and_start_with_the_network_given(start, splits, method):
    network, table = train(start, splits, CHOSEN, method, 0)
    assert table.step.to_list() == [0, 30, 60, 90, 120]
    assert set(table.method) == {method}
    for row, counted in ((table.iloc[0], start), (table.iloc[-1], network)):
        for split in ("validation", "test"):
            images = splits[split]
            correct = reference.correct_count(counted, images.images, images.labels)
            assert row[f"{split}_correct"] == correct
            assert row[f"{split}_accuracy"] == correct / len(images)


@pytest.mark.parametrize("rate", [0.01, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_the_sparsity_of_every_layer_stays(start, splits, method, rate):
    chosen = CHOSEN.model_copy(update={"literal_learning_rate": rate})
    network, _ = train(start, splits, chosen, method, 0)
    for (_, zeros, _), (_, before, _) in zip(network.family.values(), start.family.values(), strict=True):
        assert zeros == before


def test_straight_through_learns_on_the_places_of_the_start(start, splits):
    network, table = train(start, splits, CHOSEN, STRAIGHT_THROUGH, 0)
    assert table.test_accuracy.iloc[-1] > table.test_accuracy.iloc[0] + 0.3
    for name, weights in network.weights.items():
        assert np.array_equal(weights != 0, start.weights[name] != 0)


def test_small_literal_steps_are_undone_by_binarizing_and_large_ones_are_not(start, splits):
    still, _ = train(start, splits, CHOSEN, LITERAL, 0)
    assert still == start
    moved, _ = train(start, splits, CHOSEN.model_copy(update={"literal_learning_rate": 1.0}), LITERAL, 0)
    assert moved != start


def test_a_seed_decides_everything(start, splits):
    first, again, other = (train(start, splits, CHOSEN, STRAIGHT_THROUGH, seed)[1] for seed in (0, 0, 1))
    pandas.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_an_unknown_method_is_refused(start, splits):
    with pytest.raises(InputError, match=r"unknown method 'adam'; expected one of literal, straight-through"):
        train(start, splits, CHOSEN, "adam", 0)
