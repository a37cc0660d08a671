import json
import math
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
from commands import check_one_line, run, shown

import aann
from aann import checkpoints
from aann.datasets.splits import save
from aann.errors import InputError
from aann.evaluation import reference
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import sum_of_margins
from aann.families.counts import Counts
from aann.families.distances import hamming, matched, require_family
from aann.families.disturbances import DISTURBANCES, blurred, disturbed, occluded, rotated
from aann.families.ensembles import factor, votes
from aann.families.members import Group
from aann.families.moves import in_place, near
from aann.families.paths import Route
from aann.families.walks import Walk, weakest
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork
from aann.sense.search import Search
from aann.sense.starts import random_network
from aann.settings.families import DisturbancesSettings, GroupSettings, PathSettings, WalkSettings
from aann.settings.sense import SearchSettings
from aann.swaps import Swaps, apply_swaps, disjoint, sample_neighbor, sample_swaps
from aann.tables import ROUTE


def settings(sample=0.5, **changes):
    values = {
        "tolerance": 0,
        "loan": 0.1,
        "layers": {
            "1.0": {"connections": 4, "places": 8, "most": 2, "sample": sample},
            "fc": {"connections": 9, "places": 9, "most": 4, "sample": sample, "repeat": 2},
        },
        "repairs": ["1.0", "fc"],
        "survey": {"fc": 30},
        "record": 5,
        "budget": {"evaluations": 20_000},
    }
    return WalkSettings.model_validate(values | changes)


@pytest.fixture(scope="module")
def splits(blobs):
    return {name: blobs(300, seed) for seed, name in enumerate(("train", "validation", "test"))}


@pytest.fixture(scope="module")
def start(architecture, splits, tmp_path_factory):
    """A network that is right on most images, but not as good as networks of its family can be."""
    asked = {
        "strategy": "greedy",
        "objective": "margins",
        "layers": {"names": ["1.0", "fc"], "schedule": "random"},
        "neighbors": {"1.0": 100, "fc": 400},
        "draw": "grid",
        "budget": {"evaluations": 1500},
    }
    search = Search(random_network(architecture, 70, 0), splits, SearchSettings.model_validate(asked), 0)
    return search.run(tmp_path_factory.mktemp("start") / "c.safetensors").network


@pytest.fixture(scope="module")
def walked(start, splits, tmp_path_factory):
    return Walk(start, splits, settings(), 0).run(tmp_path_factory.mktemp("walk") / "c.safetensors")


def value(network, images, asked, start):
    limit = weakest(IncrementalEvaluator(start, images.images, images.labels), asked.limit)
    objective = sum_of_margins(limit, round(asked.deficit * limit))
    return IncrementalEvaluator(network, images.images, images.labels).value(objective)


# --- moves ------------------------------------------------------------------------------------------------------------


def test_near_places_have_the_same_unit_and_channel_and_are_within_reach():
    shape = (3, 2, 4, 5)
    connections = np.array([0, 7, 43])
    found = near(shape, connections, 2)
    pairs = set(zip(found.from_index.tolist(), found.to_index.tolist(), strict=True))
    places = np.array(np.unravel_index(np.arange(math.prod(shape)), shape)).T
    apart = np.abs(places[:, None] - places[None])
    close = (apart[..., :2] == 0).all(axis=-1) & (apart[..., 2:].max(axis=-1) <= 2)
    expected = {(one, to) for one in connections.tolist() for to in np.flatnonzero(close[one]).tolist() if to != one}
    assert pairs == expected
    assert len(found.from_index) == len(pairs)
    assert len(near(shape, connections, 0).from_index) == 0


def test_swaps_that_share_an_index_with_an_earlier_one_are_left_out():
    assert disjoint(Swaps(np.array([1, 1, 2, 3]), np.array([8, 9, 8, 7]))).tolist() == [0, 3]


def test_the_pixels_that_units_see_are_those_of_the_layer_before(architecture):
    dense = Architecture((2, 3, 3), (Dense("1", units=4), Dense("fc", units=2)))
    assert dense.pixel_shapes == {"1": (4, 2, 3, 3), "fc": (2, 4, 1, 1)}
    shapes = architecture.pixel_shapes
    assert {layer: math.prod(shape) for layer, shape in shapes.items()} == {
        layer: math.prod(shape) for layer, shape in architecture.weight_shapes.items()
    }
    assert shapes["1.0"] == architecture.weight_shapes["1.0"]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_limit_is_the_margin_that_all_but_a_share_of_the_right_images_reach(start, splits, share):
    images = splits["train"]
    found = weakest(IncrementalEvaluator(start, images.images, images.labels), share)
    margins = reference.margins(reference.logits(start, images.images), images.labels)
    right = margins[margins >= 0]
    assert (right >= found).sum() >= (1 - share) * len(right) > (right >= found + 1).sum()


def test_the_limit_is_positive_where_no_image_is_right_by_more(start, splits):
    images = splits["train"]
    wrong = (reference.logits(start, images.images).argmin(axis=1)).astype(images.labels.dtype)
    assert weakest(IncrementalEvaluator(start, images.images, wrong), 0.1) == 1


def test_a_floor_above_the_start_falls_to_it_while_the_last_connections_move(start, splits, tmp_path):
    train = splits["train"]
    limit = weakest(IncrementalEvaluator(start, train.images, train.labels), settings().limit)
    at_start = value(start, train, settings(), start)
    ends = {}
    for last in (0, 1):
        asked = settings(tolerance=-0.02, last=last, afterwards=0)
        found = Walk(start, splits, asked, 0).run(tmp_path / f"{last}.safetensors")
        ends[last] = value(found.network, train, asked, start) - at_start
        assert sum(in_place(start, found.network).values()) < sum(in_place(start, start).values())
    asked_for = round(0.02 * limit * len(train))
    assert ends[0] >= asked_for
    assert ends[1] >= 0
    again = settings(tolerance=-0.02, last=1)
    found = Walk(start, splits, again, 0).run(tmp_path / "again.safetensors")
    assert value(found.network, train, again, start) - at_start >= max(asked_for, ends[1])


def test_a_walk_without_reach_goes_anywhere(start, splits, tmp_path):
    found = Walk(start, splits, settings(reach=0), 0).run(tmp_path / "c.safetensors")
    assert in_place(start, found.network) == {"1.0": 0, "fc": 0}


@pytest.mark.parametrize("reach", [0, 1])
def test_the_control_moves_each_connection_to_a_place_of_its_own(start, walked, splits, reach):
    control = Counts(start, splits, {}, reach, 0, 1, IncrementalEvaluator).blind(walked.network)
    assert control.family == start.family
    assert in_place(start, control) == in_place(start, walked.network) == {"1.0": 0, "fc": 0}


# --- the walk ---------------------------------------------------------------------------------------------------------


def test_the_control_leaves_a_layer_that_a_walk_leaves_alone_even_if_it_is_dense(architecture, splits, tmp_path):
    weights = dict(random_network(architecture, 70, 0).weights)
    weights["1.0"] = random_network(architecture, 0, 0).weights["1.0"]
    network = TernaryNetwork(architecture, weights)
    moves = {"fc": {"connections": 9, "places": 9, "most": 4}}
    asked = settings(layers=moves, repairs=["fc"], budget={"evaluations": 2000})
    walked = Walk(network, splits, asked, 0).run(tmp_path / "c.safetensors")
    last = walked.table[walked.table.evaluations == walked.table.evaluations.max()]
    dense = last[last.layer == "1.0"]
    assert set(dense.line) == {"walk", "blind"}
    assert (dense.in_place == dense.connections).all()


def test_a_walk_that_draws_images_again_ends_after_its_last_connection(start, splits, tmp_path):
    asked = settings(tolerance=-0.5, images={"shift": 1, "refresh": 1}, afterwards=20)
    walk = Walk(start, splits, asked, 0)
    walk.run(tmp_path / "c.safetensors")
    walk._walker.floor = -(2**62)  # fresh images are better than the floor: nothing to make up for, nothing to move
    walk._steps += 1
    walk._step()
    assert walk._left == 0


def test_a_walk_replaces_every_connection_and_stays_in_its_family(start, walked):
    assert in_place(start, walked.network) == {"1.0": 0, "fc": 0}
    assert walked.network.family == start.family
    share = walked.table[(walked.table.line == "walk") & (walked.table.layer == "")].in_place
    assert share.iloc[0] == 40
    assert share.iloc[-1] == 0
    assert share.is_monotonic_decreasing


def test_no_network_that_a_walk_accepts_is_below_its_start(start, splits, tmp_path, monkeypatch):
    accepted = []
    monkeypatch.setattr(Walk, "_accept", recording(Walk._accept, accepted))
    Walk(start, splits, settings(), 0).run(tmp_path / "c.safetensors")
    least = value(start, splits["train"], settings(), start)
    assert len(accepted) > 10
    assert min(value(network, splits["train"], settings(), start) for network in accepted) >= least
    assert {len({*network.family.items()} - {*start.family.items()}) for network in accepted} == {0}


def recording(method, found):
    """Return a method that also notes where the walk is."""

    def run(self):
        found.append(self._walker.network)
        return method(self)

    return run


def test_counts_along_a_walk_are_exact_and_moving_blindly_costs_more(start, splits, walked):
    table = walked.table[walked.table.layer == ""]
    ends = {"walk": walked.network}
    for line, network in ends.items():
        last = table[table.line == line].iloc[-1]
        for split, images in splits.items():
            assert last[f"{split}_correct"] == reference.correct_count(network, images.images, images.labels)
            assert last[f"{split}_images"] == len(images)
    first, last = (table[table.line == "blind"].iloc[place] for place in (0, -1))
    assert first.test_correct == table.test_correct.iloc[0]
    assert last.test_correct < 0.6 * table[table.line == "walk"].test_correct.iloc[-1]
    assert (table[table.line == "walk"].in_place.to_numpy() == table[table.line == "blind"].in_place).all()


def test_neighbors_are_surveyed_when_a_network_is_counted(start, walked, splits):
    rows = walked.table[(walked.table.line == "walk") & (walked.table.layer == "fc")]
    others = walked.table[(walked.table.line == "blind") | (walked.table.layer != "fc")]
    assert not others[["neighbors", "better", "equal"]].any().any()
    assert (rows.neighbors == 30).all()
    images = splits["validation"]
    evaluator = IncrementalEvaluator(start, images.images, images.labels)
    correct = evaluator.correct_counts("fc", *sample_swaps(start.weights["fc"], 30, np.random.default_rng([0, 8, 0])))
    before = evaluator.correct_count()
    assert (rows.better.iloc[0], rows.equal.iloc[0]) == ((correct > before).sum(), (correct == before).sum())


def test_the_rows_of_layers_add_up(walked):
    layers, whole = walked.table[walked.table.layer != ""], walked.table[walked.table.layer == ""]
    for column in ("in_place", "connections"):
        assert np.array_equal(
            layers.groupby(["step", "line"])[column].sum(), whole.groupby(["step", "line"])[column].sum()
        )


def slow_evaluator(network, images, labels, layers=None, threads=1, shuffled=None):
    return reference.ReferenceEvaluator(network, images, labels)


def test_a_walk_takes_any_evaluator_and_comes_to_the_same_end(start, splits, tmp_path):
    asked = settings(sample=1, images={"count": 60, "shift": 1, "refresh": 3}, budget={"evaluations": 600})
    fast = Walk(start, splits, asked, 0).run(tmp_path / "fast.safetensors")
    slow = Walk(start, splits, asked, 0, evaluator=slow_evaluator).run(tmp_path / "slow.safetensors")
    pandas.testing.assert_frame_equal(fast.table, slow.table)
    assert fast.network == slow.network


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_killed_walk_goes_on_to_the_same_end(start, splits, tmp_path, monkeypatch):
    asked = settings(loan=0.01, images={"count": 200, "shift": 1, "refresh": 7}, budget={"evaluations": 3000})
    whole = Walk(start, splits, asked, 0).run(tmp_path / "whole.safetensors")
    checkpoint = tmp_path / "c.safetensors"
    for after in (1, 5, 12):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
            patch.setattr(checkpoints, "write_arrays", killed(checkpoints.write_arrays, after))
            with pytest.raises(KilledError):
                Walk(start, splits, asked, 0).run(checkpoint)
    resumed = Walk(start, splits, asked, 0).run(checkpoint)
    pandas.testing.assert_frame_equal(resumed.table, whole.table)
    assert resumed.network == whole.network


def killed(write, after):
    """Return a function that writes some files, and is killed while it writes the next."""
    written = []

    def run(path, arrays, metadata):
        if len(written) == after:
            raise KilledError
        written.append(path)
        write(path, arrays, metadata)

    return run


def test_another_walks_checkpoint_is_refused(start, splits, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
    asked, checkpoint = settings(budget={"evaluations": 300}), tmp_path / "c.safetensors"
    Walk(start, splits, asked, 0, {"seed": 0}).run(checkpoint)
    with pytest.raises(
        InputError,
        match=r"c.safetensors: belongs to another run .*its 'seed' differs\); delete it",
    ):
        Walk(start, splits, asked, 0, {"seed": 1}).run(checkpoint)
    start.save(checkpoint)
    with pytest.raises(InputError, match=r"c.safetensors: is no checkpoint of this walk"):
        Walk(start, splits, asked, 0).run(checkpoint)


# --- what cannot walk -------------------------------------------------------------------------------------------------


def test_a_network_without_connections_or_with_too_few_zeros_is_refused(architecture, splits):
    with pytest.raises(InputError, match=r"layer '1.0': has no connections to move; name other layers"):
        Walk(random_network(architecture, 100, 0), splits, settings(), 0)
    with pytest.raises(
        InputError, match=r"layer '1.0': has 19 connections but only 8 zeros to move them to; start from"
    ):
        Walk(random_network(architecture, 30, 0), splits, settings(), 0)


def test_a_layer_that_the_network_lacks_is_refused(start, splits):
    with pytest.raises(InputError, match=r"layer '9': the network has no such layer; expected one of 1.0, fc"):
        Walk(start, splits, settings(layers={"9": {}}, repairs=["9"]), 0)


def test_a_walk_that_cannot_move_says_so(start, splits, tmp_path):
    asked = settings(layers={"fc": {"connections": 1, "places": 1}}, repairs=["fc"], loan=0, budget={"evaluations": 1})
    with pytest.raises(InputError, match=r"walk: no connection could move without a loss; give it a larger budget"):
        Walk(start, splits, asked, 0).run(tmp_path / "c.safetensors")


def test_layers_of_a_walk_are_named_by_place(start):
    asked = settings(layers={"all": {"most": 3}, "first": {"most": 1}}, repairs=["last"]).named(start.layers)
    assert {layer: moves.most for layer, moves in asked.layers.items()} == {"1.0": 1, "fc": 3}
    assert asked.repairs == ["fc"]
    with pytest.raises(ValueError, match=r"repairs: 'fc' is not in 'layers', which has 1.0"):
        settings(layers={"first": {}}, repairs=["last"]).named(start.layers)


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def study(architecture, splits, tmp_path, monkeypatch):
    """A folder with data, settings and networks; return what walks from one of them."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "data.safetensors", splits, {})
    start = {"task": "small", "sparsity": 70, "origin": "random"}
    families = {
        "walks": {"w": settings(budget={"evaluations": 300}).model_dump()},
        "groups": {
            "g": {"task": "small", "sets": {"starts": [{"start": start}], "ends": [{"start": start, "walks": ["w"]}]}}
        },
        "paths": {"p": {"start": {"start": start}, "end": {"start": start, "walk": "w"}, "layers": {"all": {}}}},
    }
    tasks = {"small": {"dataset": "none", "network": "small", "seeds": [0]}}
    values = {"scale": "small", "networks": {"small": architecture.to_dict()}, "tasks": tasks, "families": families}
    Path("study.json").write_text(json.dumps(values))
    for sparsity in (100, 30, 70, 60):
        random_network(architecture, sparsity, 0).save(f"p{sparsity}.safetensors")

    def walk(sparsity=70, name="w"):
        keys = ("--task", "small", "--walk", name, "--sparsity", sparsity, "--origin", "random", "--seed", 0)
        files = ("--network", f"p{sparsity}.safetensors", "--data", "data.safetensors")
        outputs = ("--table", "walk.parquet", "--output", "end.safetensors")
        return run("families", "walk", *keys, *files, *outputs, "--configfile", "study.json")

    return walk


@pytest.mark.parametrize(
    ("sparsity", "name", "message"),
    [
        (100, "w", "p100.safetensors: layer '1.0': has no connections to move"),
        (30, "w", "p30.safetensors: layer '1.0': has 19 connections but only 8 zeros to move them to"),
        (70, "v", "unknown walk 'v'; the setting 'families.walks' has w"),
    ],
)
def test_what_cannot_walk_is_one_line_and_nothing_is_written(study, sparsity, name, message, tmp_path):
    before = shown(tmp_path)
    check_one_line(study(sparsity, name), message)
    assert shown(tmp_path) == before


def test_networks_that_do_not_fit_a_group_or_a_path_are_one_line(study, tmp_path):
    assert study().exit_code == 0
    common = ("--data", "data.safetensors", "--configfile", "study.json")
    compare = ("families", "compare", "--group", "g", "--task", "small", "--pairs", "p.csv", *common)
    compare += ("--ensembles", "e.csv")
    path = ("families", "path", "--path", "p", "--start", "p70.safetensors", "--output", "path.parquet", *common)
    before = shown(tmp_path)
    few = run(*compare, "p70.safetensors")
    check_one_line(few, "group 'g': has 2 networks, but 1 were given; give all in order")
    other = run(*path, "--end", "p60.safetensors")
    check_one_line(other, "layer '1.0': has (", ", 19, ", ") weights of -1, 0 and +1 in one network, (", ", 16, ")
    assert shown(tmp_path) == before
    assert run(*compare, "p70.safetensors", "end.safetensors").exit_code == 0
    assert run(*path, "--end", "end.safetensors").exit_code == 0
    assert ROUTE.read("path.parquet", task="small", route="p").distance.iloc[-1] == 0


# --- from Python ------------------------------------------------------------------------------------------------------


def test_a_walk_is_made_from_python(start, splits, walked, tmp_path):
    found = aann.families.walk(start, splits, settings(), checkpoint=tmp_path / "c.safetensors")
    assert found.network == walked.network == aann.families.walk(start, splits, settings()).network
    assert aann.families.hamming(start, found.network) == {"1.0": 16, "fc": 64}
    assert aann.families.matched(start, found.network).family == start.family


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: aann.families.walk(aann.random_network(), {}, "fly"),
            InputError,
            "unknown walk 'fly'; the setting 'families.walks' has",
        ),
        (lambda: aann.families.fly, AttributeError, "module 'aann.families' has no attribute 'fly'; it offers hamming"),
    ],
)
def test_what_families_do_not_have_is_one_line(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(message)


# --- distances --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep():
    """A random network with two hidden layers."""
    layers = (
        Convolution("1.0", filters=5, kernel=3, padding=1, pool=2),
        Convolution("2.0", filters=7, kernel=3),
        Dense("fc", units=4),
    )
    return random_network(Architecture((2, 8, 8), layers), 60, 1)


def reordered(network, random):
    """Return the network with its hidden units in another order, which computes the same."""
    one, two, last = (array.copy() for array in network.weights.values())
    first, second = random.permutation(len(one)), random.permutation(len(two))
    fc = last.reshape(len(last), len(two), -1)[:, second].reshape(last.shape)
    return TernaryNetwork(network.architecture, {"1.0": one[first], "2.0": two[second][:, first], "fc": fc})


def test_a_reordered_network_is_matched_exactly(deep):
    other = reordered(deep, np.random.default_rng(0))
    images = np.random.default_rng(1).integers(0, 256, (20, 2, 8, 8))
    assert np.array_equal(reference.logits(other, images), reference.logits(deep, images))
    assert sum(hamming(deep, other).values()) > 100
    assert matched(deep, other) == deep


def test_matching_makes_a_network_that_computes_the_same_and_is_no_farther(deep):
    other = random_network(deep.architecture, 60, 2)
    nearest = matched(deep, other)
    images = np.random.default_rng(1).integers(0, 256, (20, 2, 8, 8))
    assert np.array_equal(reference.logits(other, images), reference.logits(nearest, images))
    assert sum(hamming(deep, nearest).values()) < sum(hamming(deep, other).values())


def test_units_that_moved_are_matched_although_some_connections_moved_too(deep):
    random = np.random.default_rng(3)
    weights = {layer: apply_swaps(array, *sample_neighbor(array, 3, random)) for layer, array in deep.weights.items()}
    moved = TernaryNetwork(deep.architecture, weights)
    assert matched(deep, reordered(moved, random)) == moved
    assert sum(hamming(deep, moved).values()) <= 18


def test_networks_of_other_architectures_or_families_are_told_apart(deep, start):
    with pytest.raises(InputError, match=r"members: have other architectures: .*; compare networks of one"):
        hamming(deep, start)
    with pytest.raises(InputError, match=r"layer '1.0': has \(\d+, 54, \d+\) weights of -1, 0 and \+1 in one network,"):
        require_family(deep, random_network(deep.architecture, 61, 0))


# --- disturbances -----------------------------------------------------------------------------------------------------


def pictures(count, side=12):
    return np.random.default_rng(0).integers(1, 256, (count, 1, side, side)).astype(np.uint8)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_disturbed_inputs_stay_in_the_range_of_their_network(name):
    images = np.random.default_rng(0).integers(-51, 52, (40, 2, 12, 12)).astype(np.int8)
    found = disturbed(images, DisturbancesSettings(), -51, 51)[name]
    assert found.dtype == np.int8
    assert found.min() >= -51
    assert found.max() <= 51
    assert (found != images).mean() > 0.1


@pytest.mark.parametrize("name", DISTURBANCES)
def test_no_disturbance_at_all_changes_no_image_and_the_same_seed_makes_the_same(name):
    images = pictures(40)
    assert np.array_equal(DISTURBANCES[name](images, 0, np.random.default_rng(0)), images)
    amounts = DisturbancesSettings().model_dump()
    first, second, third = (
        disturbed(images, DisturbancesSettings(**(amounts | {"seed": seed})))[name] for seed in (0, 0, 1)
    )
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    assert np.array_equal(first, second)
    assert (first != images).mean() > 0.1
    assert name == "blurred" or not np.array_equal(first, third)


def test_an_image_turned_by_a_right_angle_has_the_same_pixels_in_other_places():
    images = pictures(30)
    turned = rotated(images, 90, Angles([90, -90, 0]))
    for image, found, times in zip(images, turned, [1, -1, 0] * 10, strict=True):
        assert np.array_equal(found[0], np.rot90(image[0], times))


class Angles:
    """Stands for a random generator that draws these, round and round."""

    def __init__(self, values):
        self.values = values

    def integers(self, low, high, count):
        assert low <= min(self.values) <= max(self.values) < high
        return np.resize(self.values, count)


def test_a_hole_is_a_square_and_a_blur_keeps_what_is_even():
    hidden = occluded(pictures(50), 4, np.random.default_rng(0))
    assert ((hidden == 0).sum(axis=(1, 2, 3)) == 16).all()
    even = np.full((1, 1, 9, 9), 80, np.uint8)
    assert (blurred(even, 2, np.random.default_rng(0))[:, :, 2:-2, 2:-2] == 80).all()


# --- members and ensembles --------------------------------------------------------------------------------------------


def test_logits_of_any_size_weigh_the_same():
    random = np.random.default_rng(0)
    small = random.integers(-300, 300, (500, 4)).astype(np.int32)
    large = 37 * random.integers(-300, 300, (500, 4)).astype(np.int32)
    scales = [factor(small), factor(large)]
    assert scales[0] / scales[1] == pytest.approx(37, rel=0.1)
    assert (votes([small], scales[:1]) == small.argmax(axis=1)).all()
    total = small.astype(np.int64) * scales[0] + large.astype(np.int64) * scales[1]
    assert (votes([small, large], scales) == total.argmax(axis=1)).all()
    agreed = [float((votes([small, large], scales) == one.argmax(axis=1)).mean()) for one in (small, large)]
    assert agreed[0] == pytest.approx(agreed[1], abs=0.1)
    assert factor(np.zeros((5, 3), np.int32)) > 0
    largest = np.full((2, 10), 2**29, np.int32)  # squares of ten classes need more than 64 bits
    largest[:, 0] = -(2**29)
    assert factor(largest) == 1


GROUP = {
    "task": "mnist",
    "sets": {
        "seeds": [{"start": {"task": "mnist", "sparsity": 70, "origin": "psiren"}}],
        "walkers": [{"start": {"task": "mnist", "sparsity": 70, "origin": "psiren"}, "walks": ["w"]}],
        "all": [{"start": {"task": "mnist", "sparsity": 70, "origin": "psiren"}}],
    },
    "sizes": {1: 70, 2: 50},
}


@pytest.fixture(scope="module")
def group(architecture, splits):
    asked = GroupSettings.model_validate(GROUP)
    networks = [random_network(architecture, 70, seed) for seed in (0, 1, 2, 3, 0)]
    networks.append(random_network(architecture, 50, 0))
    seeds = [{"set": "seeds", "walk": "", "seed": seed, "sparsity": 70, "path": f"s{seed}"} for seed in range(3)]
    walkers = [{"set": "walkers", "walk": "w", "seed": seed, "sparsity": 70, "path": f"w{seed}"} for seed in range(2)]
    wide = [{"set": "one", "walk": "", "seed": 0, "sparsity": 50, "path": "one"}]
    again = [{**row, "set": "all"} for row in (*seeds, *walkers)]
    return Group([*seeds, *walkers, *again, *wide], [*networks[:5], *networks], splits, asked), networks


def predicted(network, images):
    return reference.logits(network, images).argmax(axis=1)


def test_pairs_say_on_what_two_networks_disagree_and_what_both_get_wrong(group, splits):
    found, networks = group
    pairs = found.pairs()
    assert len(pairs) == 10
    images, labels = splits["test"].images, splits["test"].labels
    classes = [predicted(network, images) for network in networks]
    assert pairs.disagreement[0] == (classes[0] != classes[1]).sum()
    assert pairs.both_wrong[0] == ((classes[0] != labels) & (classes[1] != labels)).sum()
    same = pairs[(pairs.first_set == "seeds") & (pairs.first_seed == 0) & (pairs.second_seed == 1)].iloc[-1]
    assert (same.second_set, same.distance, same.matched_distance, same.disagreement) == ("walkers", 0, 0, 0)
    assert (pairs.matched_distance <= pairs.distance).all()


def test_only_networks_of_the_sets_that_are_named_are_compared(group, splits):
    found, _ = group
    rows, those = zip(*((member.keys, member.network) for member in found._members), strict=True)
    pairs = Group(rows, those, splits, GroupSettings.model_validate(GROUP | {"pairs": ["all", "walkers"]})).pairs()
    assert pairs[["first_set", "second_set"]].value_counts().to_dict() == {
        ("walkers", "walkers"): 1,
        ("walkers", "all"): 6,
        ("all", "all"): 3,
    }
    every = found.pairs()
    walkers = every[(every.first_set == "walkers") & (every.second_set == "walkers")]
    assert pairs[pairs.second_set == "walkers"].to_numpy().tolist() == walkers.to_numpy().tolist()


@pytest.mark.parametrize(
    ("pairs", "message"),
    [(["sets"], "pairs.0: is 'sets'; expected one of sets: seeds, walkers, all"), (["all", "all"], "pairs")],
)
def test_sets_that_are_compared_are_those_of_the_group(pairs, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        GroupSettings.model_validate(GROUP | {"pairs": pairs})


def test_voters_are_all_choices_of_a_size_and_one_network_stands_beside_them(group, splits):
    found, networks = group
    table = found.ensembles()
    plain = table[table.disturbance == ""]
    counts = plain.groupby(["set", "size"]).number.count().to_dict()
    few = {("seeds", 1): 3, ("seeds", 2): 3, ("walkers", 1): 2, ("walkers", 2): 1, ("one", 2): 1}
    assert counts == few | {("all", 1): 5, ("all", 2): 5}
    assert set(table.disturbance) == {"", *DISTURBANCES}
    images = splits["test"]
    for number in range(3):
        row = plain[(plain.set == "seeds") & (plain["size"] == 1)].iloc[number]
        assert row.test_correct == reference.correct_count(networks[number], images.images, images.labels)
        assert (row.ambiguity, row.discrepancy) == (0, 0)
        assert row.all_wrong == 300 - row.test_correct
    row = plain[(plain.set == "seeds") & (plain["size"] == 2)].iloc[0]
    logits = [reference.logits(network, images.images).astype(np.int64) for network in networks[:2]]
    scales = [factor(reference.logits(network, splits["validation"].images)) for network in networks[:2]]
    both = sum(one * scale for one, scale in zip(logits, scales, strict=True)).argmax(axis=1)
    assert row.test_correct == (both == images.labels).sum()
    assert row.ambiguity == row.discrepancy == (logits[0].argmax(axis=1) != logits[1].argmax(axis=1)).sum()


def test_members_of_other_architectures_are_refused(group, deep, start, splits):
    with pytest.raises(InputError, match=r"members: have other architectures"):
        Group([{}, {}], [start, deep], splits, GroupSettings.model_validate(GROUP))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "car"}, "is 'mnist'; expected 'car', the group's"),
        ({"sparsity": 80}, "start.sparsity: is 80.0; expected 70.0, the group's"),
    ],
)
def test_a_group_is_of_one_task_and_sparsity(change, message):
    start = {"task": "mnist", "sparsity": 70, "origin": "psiren"}
    other = {"start": start | {key: value for key, value in change.items() if key != "task"}}
    group = {"task": change.get("task", "mnist"), "sets": {"seeds": [{"start": start}], "others": [other]}}
    with pytest.raises(ValueError, match=message):
        GroupSettings.model_validate(group)


# --- paths ------------------------------------------------------------------------------------------------------------


def path_settings(**changes):
    end = {"start": {"task": "mnist", "sparsity": 70, "origin": "psiren"}}
    moves = {"connections": 6, "places": 6, "most": 2, "sample": 0.5}
    values = {"start": end, "end": end | {"walk": "w"}, "layers": {"all": moves}, "images": 200}
    return PathSettings.model_validate(values | changes).named(["1.0", "fc"])


@pytest.mark.parametrize("end", ["start", "end"])
def test_a_path_begins_and_ends_with_seeds_of_the_task(end):
    with pytest.raises(ValueError, match=rf"{end}.start.seeds: seeds are those of the task; leave them out"):
        path_settings(**{end: {"start": {"task": "mnist", "sparsity": 70, "origin": "psiren", "seeds": [7]}}})


@pytest.mark.parametrize("detours", [0, 2])
def test_a_path_comes_to_the_other_network_and_shrinks_the_distance(start, walked, splits, detours):
    rows = Route(start, walked.network, splits, path_settings(), 0).run(detours)
    assert rows.distance.iloc[0] == sum(hamming(start, walked.network).values()) == 80
    assert rows.distance.iloc[-1] == 0
    assert (rows.distance.diff().dropna() < 0).all()
    for row, network in ((rows.iloc[0], start), (rows.iloc[-1], walked.network)):
        for split in ("validation", "test"):
            images = splits[split]
            assert row[f"{split}_correct"] == reference.correct_count(network, images.images, images.labels)


def test_weights_in_each_others_way_are_led_around(architecture, splits):
    first = random_network(architecture, 70, 0)
    weights = {layer: -array for layer, array in first.weights.items()}
    plus, minus = (np.flatnonzero(first.weights["fc"] == sign)[0] for sign in (1, -1))
    fc = first.weights["fc"].copy()
    fc.flat[[plus, minus]] = fc.flat[[minus, plus]]
    weights = {"1.0": first.weights["1.0"], "fc": fc}
    last = TernaryNetwork(architecture, weights)
    rows = Route(first, last, splits, path_settings(), 0).run()
    assert rows.distance.iloc[0] == 2
    assert rows.distance.iloc[-1] == 0
    assert len(rows) == 4


def test_a_path_in_a_layer_without_zeros_is_refused(architecture, splits):
    first = random_network(architecture, 0, 0)
    fc = first.weights["fc"].ravel()
    swapped = fc.copy()
    plus, minus = (np.flatnonzero(fc == sign)[0] for sign in (1, -1))
    swapped[[plus, minus]] = -1, 1
    weights = {"1.0": first.weights["1.0"], "fc": swapped.reshape(first.weights["fc"].shape)}
    with pytest.raises(InputError, match=r"layer 'fc': has no zeros, so there is no swap; name networks with zeros"):
        Route(first, TernaryNetwork(architecture, weights), splits, path_settings(), 0)


def test_a_walk_goes_on_where_every_empty_place_is_taken(architecture, splits, tmp_path):
    half = random_network(architecture, 50, 3)
    found = Walk(half, splits, settings(tolerance=8, loan=8), 0).run(tmp_path / "c.safetensors")
    assert in_place(half, found.network) == {"1.0": 0, "fc": 0}


def test_a_path_between_families_says_which_counts_differ(start, architecture, splits):
    with pytest.raises(InputError, match=r"layer '1.0': has \(.*\) weights of -1, 0 and \+1 in one network,"):
        Route(start, random_network(architecture, 60, 5), splits, path_settings(), 0)
