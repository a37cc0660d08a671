"""The incremental evaluator equals the reference evaluator, integer for integer.

`AANN_PROBLEMS` says how many random problems are tried. Most of their time goes into compiling for new types.
"""

import inspect
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from types import FunctionType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aann.errors import InputError
from aann.evaluation import incremental, kernels, objectives, plain, reference, scores
from aann.evaluation.evaluator import Evaluator
from aann.evaluation.lanes import LANES
from aann.evaluation.objectives import ACCURACY, Objective, sum_of_margins
from aann.layers import Convolution, Dense, Geometry, Layer
from aann.networks import Architecture, TernaryNetwork
from aann.sense.starts import random_network
from aann.swaps import Swaps, all_swaps, neighborhood_size, sample_swaps

PROBLEMS = int(os.environ.get("AANN_PROBLEMS", "24"))
OBJECTIVES = (ACCURACY, Objective(-300, 200), sum_of_margins(), sum_of_margins(20_000))


def random_weights(random, architecture, density):
    return {
        name: (random.choice([-1, 1], shape) * (random.random(shape) < density)).astype(np.int8)
        for name, shape in architecture.weight_shapes.items()
    }


def sides(first, last):
    """A number of pixels, or one vertically and one horizontally."""
    return st.integers(first, last) | st.tuples(st.integers(first, last), st.integers(first, last))


@st.composite
def convolutions(draw, name):
    pool = draw(st.just(0) | sides(1, 3))
    return Convolution(
        name,
        filters=draw(st.integers(1, 4)),
        kernel=draw(sides(1, 4)),
        stride=draw(sides(1, 2)),
        padding=draw(sides(0, 2)),
        pool=pool,
        pool_stride=draw(st.just(0) | sides(1, 3)),
        pooling=draw(st.sampled_from(["max", "average"])),
    )


@dataclass(frozen=True)
class Scattered(Layer):
    """Units whose taps are drawn at random; each meets features of one input unit, also drawn at random."""

    type = "scattered"
    units: int
    taps: int
    windows: int
    width: int
    met: int
    seed: int

    def weight_shape(self, inputs):
        return (self.units, self.taps)

    def output_shape(self, inputs):
        return (self.units, self.windows, 1)

    def geometry(self, inputs):
        random = np.random.default_rng(self.seed)
        features = math.prod(inputs[1:])
        found = random.integers(-1, features, (self.units, self.taps * self.met, self.windows * self.width))
        sources = random.integers(0, inputs[0], (self.units, self.taps, 1)).repeat(self.met, axis=1)
        return Geometry(np.where(found < 0, -1, found + sources * features).astype(np.int32), self.width)

    @property
    def added(self):
        return self.met


def scattered(layer, weights, values):
    taps = torch.from_numpy(layer.geometry(values.shape[1:]).taps)
    padded = F.pad(values.flatten(1), (0, 1))
    sums = (padded[:, taps] * weights.repeat_interleave(layer.met, 1)[:, :, None]).sum(2)
    return sums.unflatten(2, (layer.windows, layer.width)).amax(3)[..., None]


@pytest.fixture(autouse=True)
def kind_of_layer(monkeypatch):
    """A kind of layer that uses all that a geometry may say."""
    monkeypatch.setitem(reference.FORWARDS, "scattered", scattered)


@st.composite
def scatterings(draw, name):
    return Scattered(
        name,
        units=draw(st.integers(1, 4)),
        taps=draw(st.integers(1, 12)),
        windows=draw(st.integers(1, 5)),
        width=draw(st.integers(1, 3)),
        met=draw(st.integers(1, 2)),
        seed=draw(st.integers(0, 99)),
    )


@st.composite
def problems(draw):
    """A random network, images that saturate or tie or neither, labels, and the generator that made them."""
    names = [f"conv{number}" for number in range(draw(st.integers(0, 3)))]
    hidden = [Dense(f"fc{number}", units=draw(st.integers(1, 6))) for number in range(draw(st.integers(0, 2)))]
    kinds = st.sampled_from([convolutions, convolutions, scatterings])
    layers = (*(draw(draw(kinds)(name)) for name in names), *hidden, Dense("fc", units=draw(st.integers(1, 6))))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(7, 14), st.integers(7, 14)))
    scale, signed = draw(st.sampled_from([1, 51, 255, 8191, 8192, 32_767])), draw(st.booleans())
    try:
        architecture = Architecture(shape, layers, scale, signed)
    except InputError:
        assume(False)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = random_weights(random, architecture, draw(st.sampled_from([0.05, 0.1, 0.5, 0.9])))
    count = draw(st.sampled_from([1, 5, 2 * LANES + 3]))
    lowest = -scale if signed else 0
    images = random.integers(lowest, scale + 1, (count, *shape))
    kind = draw(st.sampled_from(["any", "saturated", "sparse", "blank"]))
    if kind == "saturated":
        images = np.where(images > scale // 2, scale, lowest)
    elif kind != "any":
        images = images * (random.random(images.shape) < (0.1 if kind == "sparse" else 0))
    labels = random.integers(0, architecture.classes, count)
    return TernaryNetwork(architecture, weights), images.astype(np.int16), labels, random


def assert_equal(fast, slow, layer, swaps):
    assert np.array_equal(fast.correct_counts(layer, *swaps), slow.correct_counts(layer, *swaps))
    for objective in OBJECTIVES:
        expected = slow.changes(layer, *swaps, objective)
        found = fast.changes(layer, *swaps, objective)
        assert found.dtype == expected.dtype == np.int64
        assert np.array_equal(found, expected)


@given(problems(), st.integers(1, 2))
@settings(max_examples=PROBLEMS, deadline=None, suppress_health_check=list(HealthCheck))
def test_counts_and_changes_of_neighbors_equal_the_reference(problem, threads):
    network, images, labels, random = problem
    fast = incremental.IncrementalEvaluator(network, images, labels, threads=threads)
    slow = reference.ReferenceEvaluator(network, images, labels)
    assert np.array_equal(fast.logits(), slow.logits())
    assert fast.correct_count() == slow.correct_count() == reference.correct_count(network, images, labels)
    for objective in OBJECTIVES:
        assert fast.value(objective) == slow.value(objective)
    for layer in network.layers:
        size = neighborhood_size(network.weights[layer])
        if size:
            count = min(size, 12)
            swaps = sample_swaps(network.weights[layer], count, random)
            assert_equal(fast, slow, layer, swaps.take(random.integers(count, size=count + 2)))


@given(problems())
@settings(max_examples=4 * PROBLEMS, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_forward_pass_in_numpy_equals_the_reference(problem):
    network, images, _, _ = problem
    found = plain.logits(network, images)
    assert found.dtype == np.int32
    assert np.array_equal(found, reference.logits(network, images))
    assert np.array_equal(plain.predictions(network, images), reference.predictions(network, images))


@given(problems(), st.integers(1, 2))
@settings(max_examples=PROBLEMS // 2, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_state_updated_by_accepted_swaps_equals_one_built_anew(problem, threads):
    network, images, labels, random = problem
    fast = incremental.IncrementalEvaluator(network, images, labels, threads=threads)
    slow = reference.ReferenceEvaluator(network, images, labels)
    for _ in range(4):
        layers = [name for name, array in fast.network.weights.items() if neighborhood_size(array)]
        assume(layers)
        layer = random.choice(layers)
        (from_index,), (to_index,) = sample_swaps(fast.network.weights[layer], 1, random)
        fast.accept(layer, from_index, to_index)
        slow.accept(layer, from_index, to_index)
        assert fast.network == slow.network
        assert fast.network.family == network.family
        assert np.array_equal(fast.logits(), slow.logits())
        anew = incremental.IncrementalEvaluator(fast.network, images, labels)
        for name in layers:
            swaps = sample_swaps(fast.network.weights[name], 1, random)
            assert_equal(fast, slow, name, swaps)
            assert np.array_equal(fast.correct_counts(name, *swaps), anew.correct_counts(name, *swaps))


@pytest.mark.parametrize("made", [incremental.IncrementalEvaluator, reference.ReferenceEvaluator])
def test_evaluators_have_the_methods_of_the_protocol(made):
    methods = [name for name, member in vars(Evaluator).items() if isinstance(member, FunctionType) and name[0] != "_"]
    assert {"correct_counts", "changes", "sample", "accept", "move_to"} <= set(methods)
    for name in methods:
        assert inspect.signature(getattr(made, name)) == inspect.signature(getattr(Evaluator, name))


@pytest.fixture
def static():
    """The paper's network at a size that a reference evaluator goes through in a moment."""
    layers = (
        Convolution("1.0", filters=4, kernel=5, padding=2, pool=2),
        Convolution("2.0", filters=6, kernel=5, padding=2, pool=2),
        Dense("fc", units=10),
    )
    architecture = Architecture((1, 8, 8), layers)
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (150, 1, 8, 8), dtype=np.uint8)
    return TernaryNetwork(architecture, random_weights(random, architecture, 0.1)), images, random.integers(0, 10, 150)


@pytest.mark.parametrize("layer", ["1.0", "fc"])
def test_every_neighbor_of_a_layer_equals_the_reference(static, layer):
    network, images, labels = static
    swaps = all_swaps(network.weights[layer])
    taps = network.weights[layer][0].size
    assert (swaps.from_index // taps == swaps.to_index // taps).any()
    chosen = np.unique(np.linspace(0, len(swaps.from_index) - 1, 900).astype(int))
    fast = incremental.IncrementalEvaluator(network, images, labels).correct_counts(layer, *swaps)
    slow = reference.ReferenceEvaluator(network, images, labels).correct_counts(layer, *swaps.take(chosen))
    assert np.array_equal(fast[chosen], slow)


def test_swaps_are_counted_in_the_order_given_however_they_are_batched(static, monkeypatch):
    network, images, labels = static
    random = np.random.default_rng(0)
    whole = incremental.IncrementalEvaluator(network, images, labels, threads=2)
    parts = incremental.IncrementalEvaluator(network, images, labels, threads=3)
    for layer in network.layers:
        swaps = sample_swaps(network.weights[layer], 200, random)
        order = random.permutation(200)
        expected = whole.correct_counts(layer, *swaps)
        monkeypatch.setattr(incremental, "_BATCH", 7)
        monkeypatch.setattr(scores, "_TOGETHER_BYTES", 1)
        monkeypatch.setattr(scores, "_MANY", 3)
        for parts.threads in (3, 1):
            assert np.array_equal(parts.correct_counts(layer, *swaps.take(order)), expected[order])
        monkeypatch.undo()


def test_an_evaluator_keeps_only_what_its_layers_need(static):
    network, images, labels = static
    fast = incremental.IncrementalEvaluator(network, images, labels, layers=["2.0"])
    swaps = sample_swaps(network.weights["fc"], 5, np.random.default_rng(0))
    assert_equal(fast, reference.ReferenceEvaluator(network, images, labels), "fc", swaps)
    swaps = sample_swaps(network.weights["1.0"], 1, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"layer '1\.0': its values were not kept"):
        fast.correct_counts("1.0", *swaps)


def test_evaluators_move_to_the_same_network_and_refuse_another_architecture(static, architecture):
    network, images, labels = static
    weights = {name: np.roll(array, 1) for name, array in network.weights.items()}
    other = TernaryNetwork(network.architecture, weights)
    for made in (incremental.IncrementalEvaluator, reference.ReferenceEvaluator):
        evaluator = made(network, images, labels)
        evaluator.move_to(other)
        assert evaluator.network == other
        assert evaluator.correct_count() == reference.correct_count(other, images, labels)
        with pytest.raises(InputError, match="network: belongs to another architecture than the evaluator's"):
            evaluator.move_to(random_network(architecture, 50, 0))


def test_a_sample_of_the_reference_has_all_labels_and_its_changes_are_those_of_its_images(static):
    network, images, labels = static
    evaluator = reference.ReferenceEvaluator(network, images, labels)
    sample = evaluator.sample(0.3, np.random.default_rng(0))
    assert set(labels[sample]) == set(labels)
    assert len(np.unique(sample)) == len(sample) == pytest.approx(0.3 * len(images), abs=10)
    swaps = sample_swaps(network.weights["fc"], 5, np.random.default_rng(0))
    alone = reference.ReferenceEvaluator(network, images[sample], labels[sample])
    expected = alone.changes("fc", *swaps, sum_of_margins())
    assert np.array_equal(evaluator.changes("fc", *swaps, sum_of_margins(), sample), expected)


def test_sums_become_wider_before_a_unit_could_outgrow_them():
    """128 non-zeros of 255 reach 32,640; one more would not fit int16."""
    architecture = Architecture((1, 1, 400), (Dense("fc1", units=2), Dense("fc", units=2)))
    weights = {"fc1": np.zeros((2, 400), np.int8), "fc": np.array([[1, -1], [-1, 1]], np.int8)}
    weights["fc1"][0, :126] = 1
    weights["fc1"][1, :50] = -1
    network = TernaryNetwork(architecture, weights)
    images = np.full((3, 1, 1, 400), 255, np.uint8)
    fast = incremental.IncrementalEvaluator(network, images, np.array([0, 1, 0]))
    slow = reference.ReferenceEvaluator(network, images, np.array([0, 1, 0]))
    for step in range(8):
        from_index, to_index = 400 + step, 200 + step
        assert_equal(fast, slow, "fc1", Swaps(np.array([from_index]), np.array([to_index])))
        fast.accept("fc1", from_index, to_index)
        slow.accept("fc1", from_index, to_index)
        assert np.array_equal(fast.logits(), slow.logits())


@pytest.mark.parametrize("hidden", [(), (Dense("1.0", units=2),)])
def test_sums_beyond_those_of_float32_are_exact(hidden):
    """70,000 inputs of up to 255 reach 17.9 million; float32 holds every integer only up to 16.8 million."""
    architecture = Architecture((1, 1, 70_000), (*hidden, Dense("fc", units=2)))
    random = np.random.default_rng(0)
    weights = {name: np.ones(shape, np.int8) for name, shape in architecture.weight_shapes.items()}
    first = next(iter(weights))
    weights[first][1, ::2] = -1
    weights[first][:, :9] = 0
    network = TernaryNetwork(architecture, weights)
    assert network.largest_sum > plain.LARGEST_EXACT
    images = random.integers(250, 256, (3, 1, 1, 70_000), dtype=np.uint8)
    expected = images.reshape(3, -1).astype(np.int64) @ weights[first].astype(np.int64).T
    if hidden:
        expected = np.clip(expected, -255, 255) @ weights["fc"].astype(np.int64).T
    labels = np.array([0, 1, 0])
    fast = incremental.IncrementalEvaluator(network, images, labels)
    slow = reference.ReferenceEvaluator(network, images, labels)
    assert np.array_equal(fast.logits(), expected)
    assert np.array_equal(slow.logits(), expected)
    assert_equal(fast, slow, first, sample_swaps(weights[first], 5, random))


@pytest.mark.parametrize("make", [incremental.IncrementalEvaluator, reference.ReferenceEvaluator])
@pytest.mark.parametrize(
    ("layer", "from_index", "to_index", "message"),
    [
        ("3.0", [0], [1], r"layer '3\.0': the network has no such layer; expected one of 1\.0, 2\.0, fc"),
        ("fc", [], [], "swaps: have shapes"),
        ("fc", [0, 1], [2], "swaps: have shapes"),
        ("fc", [240], [0], "from_index 240: out of range, expected 0 to 239"),
        ("fc", [0], [-1], "to_index -1: out of range"),
        ("fc", [0.5], [1.0], "from_index: has type float64, expected integers"),
        ("fc", ["zero"], ["zero"], "holds 0, expected a non-zero weight to move"),
        ("fc", ["one"], ["one"], "expected a zero weight to fill"),
    ],
)
def test_what_is_no_swap_is_refused_before_any_work(static, make, layer, from_index, to_index, message):
    network, images, labels = static
    flat = network.weights["fc"].ravel()
    known = {"zero": np.flatnonzero(flat == 0)[0], "one": np.flatnonzero(flat)[0]}
    swaps = [np.array([known.get(index, index) for index in indices]) for indices in (from_index, to_index)]
    with pytest.raises(InputError, match=message):
        make(network, images, labels).correct_counts(layer, *swaps)


@pytest.mark.parametrize("make", [incremental.IncrementalEvaluator, reference.ReferenceEvaluator])
def test_images_and_labels_that_do_not_fit_are_refused(static, make):
    network, images, labels = static
    for wrong_images, wrong_labels, message in (
        (images[:, :, :7], labels, "images: have shape"),
        (images.astype(np.int16) * 2, labels, "expected 0 to 255"),
        (images, labels[:-1], "expected 150 integers"),
        (images, labels + 1, "labels: are from 1 to 10, expected 0 to 9"),
    ):
        with pytest.raises(InputError, match=message):
            make(network, wrong_images, wrong_labels)


def test_compiled_code_takes_layers_of_all_shapes_after_a_swap():
    """A kernel of one pixel meets inputs as they are, and its taps might be a view that cannot be written to."""
    names = {"1.0": 3, "2.0": 2, "3.0": 1}
    layers = (*(Convolution(name, filters=2, kernel=side) for name, side in names.items()), Dense("fc", units=3))
    network = random_network(Architecture((1, 7, 7), layers), 50, 0)
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (70, 1, 7, 7)), random.integers(0, 3, 70)
    fast = incremental.IncrementalEvaluator(network, images, labels)
    slow = reference.ReferenceEvaluator(network, images, labels)
    for name, weights in network.weights.items():
        assert_equal(fast, slow, name, sample_swaps(weights, 2, random))


def test_a_weight_that_meets_several_input_units_is_refused(monkeypatch):
    crossed = Geometry(np.array([[[0, 1]]], np.int32), 1)
    monkeypatch.setattr(Scattered, "geometry", lambda layer, inputs: crossed)
    architecture = Architecture((2, 1, 1), (Scattered("1.0", 1, 1, 2, 1, 1, 0), Dense("fc", units=2)))
    network = random_network(architecture, 0, 0)
    with pytest.raises(InputError, match=r"layer '1\.0': a weight meets several input units"):
        incremental.IncrementalEvaluator(network, np.zeros((1, 2, 1, 1), np.uint8), np.zeros(1, np.int64))


def test_an_evaluator_without_threads_or_device_is_refused(static):
    with pytest.raises(InputError, match="threads 0: expected a whole number of at least 1"):
        incremental.IncrementalEvaluator(*static, threads=0)
    with pytest.raises(InputError, match="device 'abacus': cannot be used"):
        reference.ReferenceEvaluator(*static, device="abacus").correct_count()


def test_compiled_code_has_the_constants_of_the_objectives():
    assert kernels.NO_RIVAL == objectives.NO_RIVAL


@pytest.mark.parametrize(("low", "high"), [(0, 0), (1, 0), (-(2**31), 0), (-0.5, 0.5)])
def test_an_objective_without_a_range_is_refused(low, high):
    with pytest.raises(InputError, match="objective: its bounds are"):
        Objective(low, high)


def test_compiled_code_is_kept_between_processes_and_not_when_lanes_change(static, tmp_path):
    """Another process takes compiled code from the cache, in a folder named for what it was compiled from."""
    script = (
        "import json, numpy as np\n"
        "from aann.evaluation import kernels\n"
        "from aann.evaluation.lanes import LANES\n"
        "zeros, ones = np.zeros((2, LANES), np.int16), np.zeros((1, LANES), np.int32)\n"
        "kernels.forward_margins(zeros[None], zeros, np.zeros(1, np.int64), ones, 0, 1)\n"
        "stats = kernels.forward_margins.stats\n"
        "print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), stats.cache_path]))\n"
    )

    def run():
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", script]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    first, second = run(), run()
    assert first[:2] == [0, 1]
    assert second[:2] == [1, 0]
    assert "lanes-" in first[2]
    assert first[2].startswith(str(tmp_path))
