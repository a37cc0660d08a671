import numpy as np
import pandas
import pytest

from aann.errors import InputError
from aann.evaluation import reference
from aann.networks import TernaryNetwork
from aann.sense.climbs import changed_weights, climb, embed_climb
from aann.sense.starts import random_network
from aann.settings.embeddings import TSNESettings
from aann.settings.sense import ClimbSettings
from aann.swaps import apply_swap
from aann.tables import SURVEYED

CHOSEN = ClimbSettings(task="mnist", layer="fc", neighborhoods=4, neighbors=25)


@pytest.fixture
def start(architecture):
    return random_network(architecture, 60, 0)


@pytest.fixture
def surveyed(start, blobs):
    splits = {"validation": blobs(120, 1), "test": blobs(80, 2)}
    return climb(start, splits, CHOSEN, seed=3), splits


def networks(start, table):
    """Return all networks of a climb, built one swap after the other."""
    now, found = start, []
    for _, group in table.groupby("neighborhood"):
        following = now
        for row in group.itertuples():
            network = now
            if row.from_index >= 0:
                weights = dict(now.weights)
                weights[row.layer] = apply_swap(weights[row.layer], row.from_index, row.to_index)
                network = TernaryNetwork(now.architecture, weights)
            found.append(network)
            following = network if row.best else following
        now = following
    return found


def test_every_surveyed_network_has_its_exact_counts_and_the_best_leads_on(start, surveyed):
    table, splits = surveyed
    assert tuple(table.columns) == SURVEYED.measured
    assert table.neighborhood.value_counts().to_dict() == {0: 1, 1: 25, 2: 25, 3: 25, 4: 25}
    for network, row in zip(networks(start, table), table.itertuples(), strict=True):
        for split in ("validation", "test"):
            images = splits[split]
            counted = reference.correct_count(network, images.images, images.labels)
            assert getattr(row, f"{split}_correct") == counted
        assert network.family == start.family
    highest = table.validation_correct.iloc[0]
    for number in range(1, 5):
        group = table[table.neighborhood == number]
        best = group[group.best == 1]
        moved = group.validation_correct.max() >= highest
        assert len(best) == moved
        if moved:
            assert best.validation_correct.iloc[0] == group.validation_correct.max()
            highest = group.validation_correct.max()


def test_changed_weights_are_those_of_the_networks_where_they_differ(start, surveyed):
    table, _ = surveyed
    whole = np.stack([network.weights["fc"].ravel() for network in networks(start, table)])
    differing = np.flatnonzero(whole.min(axis=0) != whole.max(axis=0))
    assert np.array_equal(changed_weights(table, start.weights), whole[:, differing])


def test_all_networks_get_a_place_that_depends_on_the_seed_alone(start, surveyed):
    table, _ = surveyed
    chosen = TSNESettings(perplexity=5, max_iter=250)
    points = embed_climb(table, start.weights, chosen, 0)
    assert np.isfinite(points[["x", "y"]]).all(axis=None)
    assert points.equals(embed_climb(table, start.weights, chosen, 0))


def test_neighbors_that_are_equally_far_apart_get_places_of_their_own():
    weights = {"fc": np.repeat(np.array([1, 0], np.int8), 400).reshape(2, 400)}
    places = np.arange(300)
    surveyed = pandas.DataFrame({"from_index": places, "to_index": 400 + places, "neighborhood": 1 + places // 100})
    surveyed = surveyed.assign(layer="fc", best=(places % 100 == 0).astype(int))
    points = embed_climb(surveyed, weights, TSNESettings(perplexity=10, max_iter=300), 0)
    for _, neighborhood in points.groupby("neighborhood"):
        assert len(neighborhood[["x", "y"]].round(1).drop_duplicates()) > 90


def test_an_unknown_layer_is_refused(start, blobs):
    with pytest.raises(InputError, match=r"layer '9.0': the network has no such layer"):
        climb(start, {}, CHOSEN.model_copy(update={"layer": "9.0"}), 0)


def test_a_layer_without_neighbors_is_refused(architecture):
    dense = random_network(architecture, 0, 0)
    with pytest.raises(InputError, match=r"layer 'fc': has no neighbors"):
        climb(dense, {}, CHOSEN, 0)
