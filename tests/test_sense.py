import numpy as np
import pandas
import pytest
from pydantic import ValidationError

from aann import checkpoints
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation import reference
from aann.evaluation.incremental import IncrementalEvaluator
from aann.evaluation.objectives import ACCURACY, sum_of_margins
from aann.networks import TernaryNetwork
from aann.sense.images import SearchImages, shifted
from aann.sense.layers import LayerSchedule
from aann.sense.neighborhoods import Neighborhood, draw, survey
from aann.sense.search import Search, outcome_of
from aann.sense.starts import random_network
from aann.sense.strategies import STRATEGIES, Annealing, Best, Climber, First, Greedy, chosen
from aann.settings.sense import (
    LayersSettings,
    RacingSettings,
    SearchImagesSettings,
    SearchSettings,
    TemperatureSettings,
)
from aann.swaps import apply_swap, neighborhood_size
from aann.tables import OUTCOME


def settings(**changes):
    values = {
        "objective": "margins",
        "margin": 2.0,
        "layers": {"names": ["1.0", "fc"], "schedule": "random", "repeat": 2},
        "neighbors": {"1.0": 20, "fc": 30},
        "record": 3,
        "budget": {"evaluations": 600},
    }
    return SearchSettings.model_validate(values | changes)


@pytest.fixture
def splits(blobs):
    return {name: blobs(200, seed) for seed, name in enumerate(("train", "validation", "test"))}


@pytest.fixture
def start(architecture):
    return random_network(architecture, 60, 0)


def replayed(start, trace, rows):
    """Return the network after the first rows of a trace."""
    weights = dict(start.weights)
    for row in trace.head(rows).itertuples():
        if row.from_index >= 0:
            weights[row.layer] = apply_swap(weights[row.layer], row.from_index, row.to_index)
    return TernaryNetwork(start.architecture, weights)


# --- starts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparsity", [0, 33.3, 90, 100])
def test_a_random_network_has_the_sparsity_in_every_layer_and_depends_on_the_seed(architecture, sparsity):
    network = random_network(architecture, sparsity, 1)
    for minus, zero, plus in network.family.values():
        assert zero == round((minus + zero + plus) * sparsity / 100)
    assert network == random_network(architecture, sparsity, 1)
    assert sparsity == 100 or network != random_network(architecture, sparsity, 2)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.float32])
def test_a_sparsity_may_be_a_number_of_numpy(architecture, kind):
    assert random_network(architecture, kind(90), 1) == random_network(architecture, 90, 1)


def test_a_sparsity_beyond_100_percent_is_refused(architecture):
    with pytest.raises(InputError, match=r"sparsity 101: expected a percentage"):
        random_network(architecture, 101, 0)


# --- images -----------------------------------------------------------------------------------------------------------


def test_shifted_images_are_the_images_seen_through_a_moved_window():
    random = np.random.default_rng(0)
    images = random.integers(1, 255, (300, 2, 5, 7)).astype(np.uint8)
    moved = shifted(images, 1, np.random.default_rng(3))
    seen = set()
    for image, found in zip(images, moved, strict=True):
        offsets = [
            (down, right)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if np.array_equal(np.pad(image, ((0, 0), (2, 2), (2, 2)))[:, 2 + down :, 2 + right :][:, :5, :7], found)
        ]
        assert len(offsets) == 1
        seen.update(offsets)
    assert len(seen) == 9
    assert shifted(images, 0, random) is images


def test_draws_differ_and_can_be_drawn_again_in_any_order(splits):
    images = SearchImages(splits, SearchImagesSettings(count=50, shift=1, refresh=1), seed=4)
    third = images.drawn(3)
    assert len(third) == 50
    assert images.drawn(0).sha256 != third.sha256 == images.drawn(3).sha256


def test_more_images_than_there_are_is_refused(splits):
    with pytest.raises(InputError, match=r"images.count 201: the train split has 200 images"):
        SearchImages(splits, SearchImagesSettings(count=201), 0)


# --- layers -----------------------------------------------------------------------------------------------------------


def test_a_cycle_repeats_each_layer_and_comes_round():
    schedule = LayerSchedule(LayersSettings(names=["1.0", "2.0", "fc"], repeat=2), ("1.0", "2.0", "fc"), 0)
    names = [schedule.layer(number) for number in range(8)]
    assert names == ["1.0", "1.0", "2.0", "2.0", "fc", "fc", "1.0", "1.0"]


def test_random_layers_come_in_runs_of_three_and_follow_the_seed():
    chosen = LayersSettings(names=["1.0", "2.0", "fc"], schedule="random", repeat=3)
    names = [LayerSchedule(chosen, ("1.0", "2.0", "fc"), 7).layer(number) for number in range(300)]
    assert all(len({*names[first : first + 3]}) == 1 for first in range(0, 300, 3))
    counts = [names.count(name) for name in ("1.0", "2.0", "fc")]
    assert min(counts) > 60
    assert names != [LayerSchedule(chosen, ("1.0", "2.0", "fc"), 8).layer(number) for number in range(300)]


def test_layers_are_drawn_in_proportion_to_what_they_gain_and_none_is_forgotten():
    schedule = LayerSchedule(LayersSettings(names=["1.0", "fc"], schedule="gain"), ("1.0", "fc"), 0)
    assert schedule.layer(0) == "1.0"
    schedule.learn("1.0", 10)
    assert schedule.layer(1) == "fc"
    schedule.learn("fc", 90)
    share = np.mean([schedule.layer(number) == "fc" for number in range(2, 2002)])
    assert share == pytest.approx(0.05 + 0.9 * 0.9, abs=0.03)
    for _ in range(100):
        schedule.learn("fc", 0)
    share = np.mean([schedule.layer(number) == "fc" for number in range(2, 2002)])
    assert share == pytest.approx(0.05, abs=0.02)


def test_none_of_many_layers_is_forgotten():
    names = [f"{number}" for number in range(30)]
    schedule = LayerSchedule(LayersSettings(names=names, schedule="gain"), tuple(names), 0)
    for name in names:
        schedule.learn(name, 100 if name == "3" else 0)
    drawn = [schedule.layer(number) for number in range(2000)]
    assert set(drawn) == set(names)
    assert drawn.count("3") / 2000 == pytest.approx(0.5, abs=0.05)


def test_a_turn_of_several_neighborhoods_is_refused_where_each_layer_is_drawn_by_gain():
    with pytest.raises(ValidationError, match="repeat: is 3; expected 1 where the schedule is 'gain'"):
        LayersSettings(names=["fc"], schedule="gain", repeat=3)


def test_a_layer_that_the_network_lacks_is_refused():
    with pytest.raises(InputError, match=r"layer '3.0': the network has no such layer; expected one of 1.0, fc"):
        LayerSchedule(LayersSettings(names=["3.0"]), ("1.0", "fc"), 0)


# --- neighborhoods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampling", ["uniform", "grid"])
def test_drawn_swaps_are_different_and_possible(start, sampling):
    weights = start.weights["fc"]
    from_index, to_index = draw(weights, 100, sampling, np.random.default_rng(0))
    assert len({*zip(from_index.tolist(), to_index.tolist(), strict=True)}) == len(from_index) <= 100
    flat = weights.ravel()
    assert flat[from_index].all()
    assert not flat[to_index].any()
    if sampling == "grid":
        assert len({*flat[from_index].tolist()}) == 1
        assert len(from_index) == len({*from_index.tolist()}) * len({*to_index.tolist()})


def test_a_small_neighborhood_is_drawn_whole(start):
    weights = start.weights["1.0"]
    assert len(draw(weights, 10**6, "uniform", np.random.default_rng(0))[0]) == neighborhood_size(weights)


def test_a_search_refuses_a_layer_without_neighbors_before_it_begins(start, splits):
    full = {**start.weights, "fc": np.ones_like(start.weights["fc"])}
    with pytest.raises(InputError, match=r"layer 'fc': has no neighbors, since all or none of its weights are 0; choo"):
        Search(TernaryNetwork(start.architecture, full), splits, settings(layers={"names": ["1.0", "fc"]}), 0)


def pairs(swaps):
    """Return swaps as pairs of indices."""
    return list(zip(*(indices.tolist() for indices in swaps), strict=True))


def test_a_race_drops_what_is_surely_worse_and_keeps_what_is_surely_better(start, blobs):
    images = blobs(64 * 4 * 12, 0)
    random = np.random.default_rng(0)
    evaluator = IncrementalEvaluator(start, images.images, images.labels, shuffled=random)
    objective = sum_of_margins(2000)
    swaps = draw(start.weights["fc"], 400, "uniform", random)
    exact = evaluator.changes("fc", *swaps, objective)
    left = survey(evaluator, "fc", swaps, objective, RacingSettings(share=0.5, error=0.1), random)
    known = dict(zip(pairs(swaps), exact.tolist(), strict=True))
    kept = np.array([known[pair] for pair in pairs(left.swaps)])
    assert not left.exact
    assert 0 < len(kept) < len(exact)
    assert set(np.sort(exact)[-5:]) <= set(kept)
    assert np.sort(exact)[0] not in kept
    assert np.corrcoef(kept, left.changes)[0, 1] > 0.95


def test_a_race_of_images_in_one_part_is_none(start, blobs):
    images = blobs(40, 0)
    evaluator = IncrementalEvaluator(start, images.images, np.zeros(40, np.int64))
    random = np.random.default_rng(0)
    swaps = draw(start.weights["fc"], 30, "uniform", random)
    left = survey(evaluator, "fc", swaps, sum_of_margins(2000), RacingSettings(share=0.5), random)
    assert left.exact
    assert np.array_equal(left.changes, evaluator.changes("fc", *swaps, sum_of_margins(2000)))


def test_a_sample_of_blocks_has_all_labels_and_its_changes_are_those_of_its_images(start, blobs):
    images = blobs(64 * 4 * 5 + 70, 1)
    random = np.random.default_rng(1)
    evaluator = IncrementalEvaluator(start, images.images, images.labels, shuffled=random)
    parts = [np.array([block]) for block in range(len(evaluator.state.blocks.labels))]
    swaps = draw(start.weights["1.0"], 30, "uniform", random)
    whole = evaluator.changes("1.0", *swaps, ACCURACY)
    assert np.array_equal(sum(evaluator.changes("1.0", *swaps, ACCURACY, part) for part in parts), whole)
    sample = evaluator.sample(0.4, random)
    assert {*evaluator.state.blocks.labels[sample].tolist()} == {0, 1, 2, 3}
    assert 0.3 < len(sample) / len(parts) < 0.5


# --- strategies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "strategy"),
    [
        ("best", Best()),
        ("first", First()),
        ({"kind": "annealing", "temperature": {"first": 3.0}}, Annealing(TemperatureSettings(first=3.0))),
        ({"kind": "greedy", "most": 7}, Greedy(most=7)),
        ("greedy", Greedy(most=16)),
    ],
)
def test_a_strategy_of_the_settings_gets_its_own_settings(named, strategy):
    assert chosen(settings(strategy=named).strategy) == strategy


def test_every_strategy_can_be_chosen():
    assert {chosen(settings(strategy=name).strategy).__class__ for name in STRATEGIES} == set(STRATEGIES.values())


def test_layers_are_named_by_place(start):
    asked = settings(layers={"names": ["last", "first"]}, neighbors={"last": 30, "first": 20}).named(start.layers)
    assert asked.layers.names == ["fc", "1.0"]
    assert asked.neighbors == {"fc": 30, "1.0": 20}
    asked = settings(layers={"names": ["all"]}, neighbors={"all": 9}).named(start.layers)
    assert asked.neighbors == dict.fromkeys(start.layers, 9)


@pytest.mark.parametrize(
    ("names", "message"), [(["fc", "last"], "layers.names: fc is there twice"), (["9"], "no layer '9'; the task's")]
)
def test_a_layer_that_is_absent_or_named_twice_is_refused(start, names, message):
    asked = settings(layers={"names": names}, neighbors=dict.fromkeys(names, 3))
    with pytest.raises(ValueError, match=message):
        asked.named(start.layers)


def climber(start, images, **options):
    evaluator = IncrementalEvaluator(start, images.images, images.labels)
    return Climber(evaluator, sum_of_margins(500), np.random.default_rng(0), **options)


def surveyed(by, start, layer="fc", count=60):
    swaps = draw(start.weights[layer], count, "uniform", np.random.default_rng(2))
    return Neighborhood(layer, swaps, by.evaluator.changes(layer, *swaps, by.objective), exact=True)


def test_best_takes_the_best_if_it_is_not_worse(start, splits):
    by = climber(start, splits["train"])
    neighborhood = surveyed(by, start)
    before = by.evaluator.value(by.objective)
    (step,) = by.climb(Best(), neighborhood)
    assert step.change == neighborhood.changes.max()
    assert by.evaluator.value(by.objective) == before + step.change
    worse = np.flatnonzero(neighborhood.changes < 0)
    assert climber(start, splits["train"]).climb(Best(), neighborhood.take(worse)) == []


def test_first_takes_the_first_that_is_not_worse(start, splits):
    by = climber(start, splits["train"])
    neighborhood = surveyed(by, start)
    index = int(np.flatnonzero(neighborhood.changes >= 0)[0])
    (step,) = by.climb(First(), neighborhood)
    assert (step.from_index, step.to_index) == pairs(neighborhood.swaps)[index]


def test_annealing_takes_worse_neighbors_when_it_is_hot_and_none_when_it_is_cold(start, splits):
    worst = surveyed(climber(start, splits["train"]), start)
    worst = worst.take(np.flatnonzero(worst.changes < 0))
    strategy = Annealing(TemperatureSettings(first=1e6, last=1e-6))
    (step,) = climber(start, splits["train"], unit=10**6).climb(strategy, worst)
    assert step.change < 0
    assert climber(start, splits["train"], spent=1.0).climb(strategy, worst) == []


def test_greedy_takes_many_each_not_worse_than_the_network_before_it(start, splits):
    by = climber(start, splits["train"])
    before = by.evaluator.value(by.objective)
    steps = by.climb(Greedy(most=5), surveyed(by, start, count=200))
    assert 1 < len(steps) <= 5
    assert all(step.change >= 0 for step in steps)
    assert by.evaluator.value(by.objective) == before + sum(step.change for step in steps)


# --- the search -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_trace_can_be_replayed_and_its_counts_are_exact(start, splits, strategy, tmp_path):
    asked = settings(strategy=strategy)
    found = Search(start, splits, asked, 0).run(tmp_path / "c.safetensors")
    trace = found.trace
    assert trace.evaluations.is_monotonic_increasing
    assert trace.evaluations.iloc[-1] >= 600
    assert (trace.from_index >= 0).sum() > 3
    counted = trace[trace.validation_correct.notna()]
    assert counted.index[0] == 0
    assert counted.index[-1] == trace.index[-1]
    objective = sum_of_margins(2 * 255, 120 * 255)
    train = splits["train"]
    for index, row in counted.iterrows():
        network = replayed(start, trace, index + 1)
        assert network.family == start.family
        for split in ("validation", "test"):
            images = splits[split]
            correct = reference.correct_count(network, images.images, images.labels)
            assert row[f"{split}_correct"] == correct
            assert row[f"{split}_accuracy"] == correct / len(images)
        assert row.objective == IncrementalEvaluator(network, train.images, train.labels).value(objective)
    best = counted.validation_correct.argmax()
    assert found.network == replayed(start, trace, counted.index[best] + 1)
    keys = {"task": "mnist", "sparsity": 60, "origin": "random", "search": "greedy", "seed": 0}
    (outcome,) = outcome_of(trace, keys).itertuples(index=False)
    assert outcome._fields == OUTCOME.columns
    assert outcome._asdict().items() >= keys.items()
    assert outcome.before_test_accuracy == counted.test_accuracy.iloc[0]
    assert outcome.after_test_accuracy == counted.test_accuracy.iloc[best]
    assert outcome.after_validation_accuracy == counted.validation_accuracy.max()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_on_validation_images_knows_their_count_in_every_row(start, splits, strategy, tmp_path):
    asked = settings(strategy=strategy, objective="accuracy", images={"split": "validation"}, record=100)
    found = Search(start, splits, asked, 0).run(tmp_path / "c.safetensors")
    validation = splits["validation"]
    assert found.trace.test_correct.isna().sum() > 5
    for index, row in found.trace.iterrows():
        network = replayed(start, found.trace, index + 1)
        correct = reference.correct_count(network, validation.images, validation.labels)
        assert (row.validation_correct, row.objective) == (correct, correct - len(validation))
    counted = found.trace[found.trace.test_correct.notna()]
    assert found.network == replayed(start, found.trace, counted.index[counted.validation_correct.argmax()] + 1)


@pytest.mark.parametrize("strategy", ["best", "first", "greedy"])
def test_the_objective_never_falls_unless_annealed(start, splits, strategy, tmp_path):
    trace = Search(start, splits, settings(strategy=strategy), 0).run(tmp_path / "c.safetensors").trace
    assert trace.objective.is_monotonic_increasing
    assert trace.objective.iloc[-1] > trace.objective.iloc[0]


def slow_evaluator(network, images, labels, layers=None, threads=1, shuffled=None):
    return reference.ReferenceEvaluator(network, images, labels)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_takes_any_evaluator_and_finds_the_same(start, splits, strategy, tmp_path):
    asked = settings(strategy=strategy, budget={"evaluations": 200}, images={"count": 60, "refresh": 3})
    fast = Search(start, splits, asked, 0).run(tmp_path / "fast.safetensors")
    slow = Search(start, splits, asked, 0, evaluator=slow_evaluator).run(tmp_path / "slow.safetensors")
    pandas.testing.assert_frame_equal(fast.trace, slow.trace)
    assert fast.network == slow.network


def test_a_race_takes_any_evaluator(start, splits, tmp_path):
    asked = settings(strategy="greedy", racing={"share": 0.5}, budget={"evaluations": 200})
    trace = Search(start, splits, asked, 0, evaluator=slow_evaluator).run(tmp_path / "c.safetensors").trace
    assert (trace.from_index >= 0).any()
    assert trace.objective.is_monotonic_increasing


def test_a_search_learns_without_backpropagation(start, splits, tmp_path):
    asked = settings(strategy="greedy", draw="grid", budget={"evaluations": 6000})
    counted = Search(start, splits, asked, 0).run(tmp_path / "c.safetensors").trace.dropna()
    assert counted.test_accuracy.iloc[0] < 0.5
    assert counted.test_accuracy.iloc[-1] > 0.9


RICH = {
    "strategy": "greedy",
    "draw": "grid",
    "layers": {"names": ["1.0", "fc"], "schedule": "gain"},
    "images": {"count": 150, "shift": 1, "refresh": 4},
    "racing": {"share": 0.5},
    "budget": {"evaluations": 1500},
}


class KilledError(Exception):
    """Stands for the end of the process."""


def run_killed(start, splits, asked, checkpoint, monkeypatch, after, **options):
    """Run a search that writes checkpoints all the time, and is killed while it writes one."""
    written = []

    def write(path, arrays, metadata):
        if len(written) == after:
            raise KilledError
        written.append(path)
        original(path, arrays, metadata)

    original = checkpoints.write_arrays
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
        patch.setattr(checkpoints, "write_arrays", write)
        with pytest.raises(KilledError):
            Search(start, splits, asked, 0, **options).run(checkpoint)


@pytest.mark.parametrize("changes", [{"strategy": "annealing"}, {"strategy": "best"}, RICH])
def test_a_killed_search_goes_on_to_the_same_result(start, splits, changes, tmp_path, monkeypatch):
    asked = settings(**changes)
    whole = Search(start, splits, asked, 0).run(tmp_path / "whole.safetensors")
    checkpoint = tmp_path / "c.safetensors"
    for after in (1, 3, 2):
        run_killed(start, splits, asked, checkpoint, monkeypatch, after)
        assert checkpoint.exists()
    resumed = Search(start, splits, asked, 0).run(checkpoint)
    pandas.testing.assert_frame_equal(resumed.trace, whole.trace)
    assert resumed.network == whole.network


@pytest.mark.parametrize("changes", [{}, RICH])
def test_threads_change_nothing(start, splits, changes, tmp_path):
    found = [
        Search(start, splits, settings(**changes), 0, threads=threads).run(tmp_path / f"{threads}.safetensors")
        for threads in (1, 3)
    ]
    pandas.testing.assert_frame_equal(found[0].trace, found[1].trace)
    assert found[0].network == found[1].network


def test_seeds_change_the_run(start, splits, tmp_path):
    one, other = (Search(start, splits, settings(), seed).run(tmp_path / f"{seed}.safetensors") for seed in (0, 1))
    assert not one.trace.from_index.equals(other.trace.from_index)


def test_time_ends_a_search_too(start, splits, tmp_path):
    asked = settings(budget={"evaluations": 10**9, "minutes": 1 / 600})
    trace = Search(start, splits, asked, 0).run(tmp_path / "c.safetensors").trace
    assert 0 < trace.evaluations.iloc[-1] < 10**9
    assert trace.test_correct.notna().iloc[-1]


def test_test_images_change_no_choice(start, splits, tmp_path):
    blank = Images(np.zeros_like(splits["test"].images), splits["test"].labels)
    one = Search(start, splits, settings(), 0).run(tmp_path / "1.safetensors")
    other = Search(start, splits | {"test": blank}, settings(), 0).run(tmp_path / "2.safetensors")
    assert one.network == other.network
    assert one.trace.validation_correct.equals(other.trace.validation_correct)
    assert not one.trace.test_correct.equals(other.trace.test_correct)


@pytest.mark.parametrize(
    ("identity", "architecture_changes", "message"),
    [({"seed": 1}, False, r"another run or version of the code \(its 'seed' differs\); delete it")],
)
def test_a_checkpoint_of_another_run_is_refused(
    start, splits, identity, architecture_changes, message, tmp_path, monkeypatch
):
    checkpoint = tmp_path / "c.safetensors"
    run_killed(start, splits, settings(), checkpoint, monkeypatch, 2, identity={"seed": 0, "code": "a"})
    before = checkpoint.read_bytes()
    with pytest.raises(InputError, match=message):
        Search(start, splits, settings(), 1, identity={"seed": 1, "code": "a"}).run(checkpoint)
    with pytest.raises(InputError, match=r"its 'code' differs"):
        Search(start, splits, settings(), 0, identity={"seed": 0, "code": "b"}).run(checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused(start, splits, tmp_path):
    start.save(tmp_path / "c.safetensors")
    with pytest.raises(InputError, match=r"c.safetensors: is no checkpoint .*; delete it to start again"):
        Search(start, splits, settings(), 0).run(tmp_path / "c.safetensors")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "climb"}, "'best', 'first', 'annealing', 'greedy'"),
        ({"objective": "loss"}, "'accuracy' or 'margins'"),
        ({"budget": {"evaluations": 0}}, "greater than or equal to 1"),
        ({"budget": {"evaluations": 5, "minutes": 0}}, "greater than 0"),
        ({"neighbors": {"fc": 5}}, "expected those of layers.names"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        settings(**changes)
