import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aann import training
from aann.errors import InputError
from aann.evaluation import reference
from aann.layers import Dense
from aann.networks import Architecture, TernaryNetwork
from aann.psiren import algorithm as psiren
from aann.psiren import pruning
from aann.psiren.pruning import Pruning
from aann.settings.psiren import PSirenSettings

SETTINGS = {
    "batch_size": 16,
    "shift": 0,
    "precision": "float32",
    "dense": {"epochs": 12, "learning_rate": 0.02},
    "sparsify": {"epochs": 4, "interval": 2},
    "fine_tune": {"epochs": 1},
    "binary": {"epochs": 4, "last_layer_epochs": 4, "last_layer_batch_size": 32},
}


@pytest.fixture
def make_problem(architecture, blobs):
    def make(seed=0, **changes):
        settings = PSirenSettings.model_validate(SETTINGS | changes)
        return psiren.Problem(architecture, blobs(240, 1), blobs(80, 2), settings, seed)

    return make


@pytest.fixture
def problem(make_problem):
    return make_problem()


@pytest.fixture
def dense(problem):
    return psiren.train_dense(problem)[0]


def zeros(weights):
    return {name: int((array == 0).sum()) for name, array in weights.items()}


# --- how many images -----------------------------------------------------------------------------------------------


def test_few_images_are_drawn_by_the_seed_and_are_all_that_training_sees(make_problem):
    few, again, other = make_problem(images=50), make_problem(images=50), make_problem(seed=1, images=50)
    assert len(few.trained_on) == 50
    assert few.trained_on.sha256 == again.trained_on.sha256 != other.trained_on.sha256
    every = {image.tobytes() for image in few.train.images}
    assert {image.tobytes() for image in few.trained_on.images} <= every
    whole = make_problem()
    assert whole.trained_on is whole.train
    seen = psiren._Trainer(few, "dense")
    assert np.array_equal(seen.images.numpy(), few.trained_on.images)
    assert np.array_equal(seen.train.labels, few.trained_on.labels)


def test_more_images_than_there_are_cannot_be_asked_for(make_problem):
    assert len(make_problem(images=240).trained_on) == 240
    with pytest.raises(InputError, match=r"psiren.images: is 241, but there are 240 training images; ask for fewer"):
        make_problem(images=241)


# --- how many zeros, and which ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4), st.floats(0, 100), st.sampled_from(["uniform", "global"]))
def test_zero_counts_add_up_exactly_and_fit_their_layers(sizes, sparsity, distribution):
    weights = {str(index): torch.randn(size) for index, size in enumerate(sizes)}
    counts = pruning.zero_counts(weights, sparsity, distribution)
    assert sum(counts.values()) == round(sum(sizes) * sparsity / 100)
    assert all(0 <= counts[name] <= tensor.numel() for name, tensor in weights.items())
    if distribution == "uniform":
        assert all(abs(counts[name] - tensor.numel() * sparsity / 100) <= 1.5 for name, tensor in weights.items())


def test_global_sparsity_prunes_the_smallest_of_all():
    weights = {"1.0": torch.tensor([0.1, -5.0, 0.2]), "fc": torch.tensor([1.0, 2.0, -0.05])}
    assert pruning.zero_counts(weights, 50, "global") == {"1.0": 2, "fc": 1}


@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0.01, 100)), min_size=1, max_size=4),
    st.tuples(st.floats(0, 100), st.floats(0, 100)),
)
def test_densities_hold_unless_a_layer_is_full(layers, sparsities):
    weights = {str(index): torch.randn(size) for index, (size, _) in enumerate(layers)}
    densities = {str(index): density for index, (_, density) in enumerate(layers)}
    less, more = (pruning.zero_counts(weights, sparsity, densities=densities) for sparsity in sorted(sparsities))
    on_the_way = pruning.zero_counts(weights, min(sparsities), exact=False, densities=densities)
    assert sum(more.values()) == round(sum(size for size, _ in layers) * max(sparsities) / 100)
    assert all(on_the_way[name] <= less[name] and on_the_way[name] <= more[name] for name in weights)
    sizes = {name: tensor.numel() for name, tensor in weights.items()}
    assert all(0 <= more[name] <= size for name, size in sizes.items())

    def density(name, rounding):
        return (sizes[name] - more[name] + rounding) / sizes[name] / densities[name]

    open_ones = [name for name, zeros in more.items() if zeros > 1]
    assert all(density(name, -1) <= density(other, 1) + 1e-9 for name in weights for other in open_ones)


def test_equal_densities_are_uniform():
    weights = {"1.0": torch.randn(400), "2.0": torch.randn(12_800), "fc": torch.randn(15_680)}
    for sparsity in (0, 33.3, 90, 100):
        uniform = pruning.zero_counts(weights, sparsity)
        assert pruning.zero_counts(weights, sparsity, densities=dict.fromkeys(weights, 2.0)) == uniform
    assert pruning.zero_counts(weights, 90, densities={"1.0": 5}) == {"1.0": 211, "2.0": 11_587, "fc": 14_194}


@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 1.5]), min_size=1, max_size=60), st.data())
def test_the_mask_keeps_the_largest_even_among_ties(values, data):
    weights = torch.tensor(values)
    count = data.draw(st.integers(0, len(values)))
    mask = training.keep_largest(weights, count)
    assert int((mask == 0).sum()) == count
    kept, pruned = weights[mask == 1].abs(), weights[mask == 0].abs()
    assert not len(kept) or not len(pruned) or kept.min() >= pruned.max()


# --- the four steps ---------------------------------------------------------------------------------------------------


def test_step_1_learns(problem):
    weights, curve = psiren.train_dense(problem)
    assert [row[0] for row in curve.rows] == ["dense"] * 12
    assert curve.rows[-1][2] < curve.rows[0][2]
    assert curve.rows[-1][4] > 0.9
    assert {name: array.shape for name, array in weights.items()} == problem.architecture.weight_shapes


@pytest.mark.parametrize("distribution", ["uniform", "global"])
def test_step_2_stops_at_each_sparsity_exactly_and_masks_only_shrink(make_problem, dense, distribution):
    problem = make_problem(sparsify={"epochs": 4, "interval": 2, "distribution": distribution})
    stops, _ = psiren.sparsify(problem, dense, [90, 0, 50, 80])
    size = sum(array.size for array in dense.values())
    assert {sparsity: sum(zeros(weights).values()) for sparsity, weights in stops.items()} == {
        sparsity: round(size * sparsity / 100) for sparsity in (0, 50, 80, 90)
    }
    if distribution == "uniform":
        for smaller, larger in ((50, 80), (80, 90)):
            for name in dense:
                assert not np.any((stops[smaller][name] == 0) & (stops[larger][name] != 0))


def test_step_2_gives_the_same_networks_whichever_others_are_asked_for(problem, dense):
    few, _ = psiren.sparsify(problem, dense, [50, 90])
    many, _ = psiren.sparsify(problem, dense, [10, 50, 70, 90])
    for sparsity in (50, 90):
        assert all(np.array_equal(few[sparsity][name], many[sparsity][name]) for name in dense)


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=4), st.floats(0, 100), st.floats(0, 100))
def test_counts_on_the_way_never_fall_and_never_exceed_a_later_stop(sizes, one, other):
    weights = {str(index): torch.zeros(size) for index, size in enumerate(sizes)}
    before, after = (pruning.zero_counts(weights, sparsity, exact=False) for sparsity in sorted((one, other)))
    stop = pruning.zero_counts(weights, max(one, other))
    assert all(before[name] <= after[name] <= stop[name] for name in weights)


def test_pruned_weights_stay_pruned_and_every_stop_is_exact_in_the_papers_network(paper_settings):
    shapes = Architecture.from_dict(paper_settings.network("mnist")).weight_shapes
    weights = {name: torch.randn(shape, generator=torch.Generator().manual_seed(0)) for name, shape in shapes.items()}
    stops = [5.38, 50.0, 92.88, 94.63, 95.0]
    pruned = Pruning(weights, list(stops), paper_settings.psiren.sparsify)
    alive = {name: torch.ones_like(tensor, dtype=torch.bool) for name, tensor in weights.items()}
    for step in range(0, 6250, 20):
        pruned.advance(training.Progress(step, 6250))
        for name, tensor in weights.items():
            assert not torch.any((tensor != 0) & ~alive[name])
            alive[name] = tensor != 0
            tensor.add_(0.01 * alive[name])
    assert list(pruned.stops) == stops
    for sparsity, stop in pruned.stops.items():
        assert sum(zeros(stop).values()) == round(28_880 * sparsity / 100)


@pytest.mark.parametrize("mask", ["dynamic", "fixed"])
@pytest.mark.parametrize("sparsity", [0, 50, 90])
def test_steps_3_and_4_give_a_ternary_network_of_exactly_that_sparsity(make_problem, dense, sparsity, mask):
    problem = make_problem(binary=SETTINGS["binary"] | {"mask": mask})
    stops, _ = psiren.sparsify(problem, dense, [sparsity])
    network, curve = psiren.p_siren(problem, stops[sparsity], sparsity)
    assert isinstance(network, TernaryNetwork)
    assert zeros(network.weights) == zeros(stops[sparsity])
    assert [row[0] for row in curve.rows] == ["fine_tune"] + ["binary"] * 4 + ["last_layer"] * 4
    if mask == "fixed":
        assert all(np.array_equal(network.weights[name] == 0, stops[sparsity][name] == 0) for name in dense)


def test_the_network_kept_is_the_best_on_validation_images(problem, dense):
    stops, _ = psiren.sparsify(problem, dense, [80])
    network, curve = psiren.p_siren(problem, stops[80], 80)
    correct = reference.correct_count(network, problem.validation.images, problem.validation.labels)
    ternary = [row[4] for row in curve.rows if row[0] in ("binary", "last_layer")]
    assert correct / 80 == max(ternary)
    assert correct / 80 > 0.9


def test_the_extremes_of_sparsity_work(problem, dense):
    stops, _ = psiren.sparsify(problem, dense, [0, 100])
    full, _ = psiren.p_siren(problem, stops[0], 0)
    empty, _ = psiren.p_siren(problem, stops[100], 100)
    assert (full.sparsity, empty.sparsity) == (0, 100)


def test_the_same_seed_gives_the_same_network_and_another_seed_another(make_problem):
    def run(seed):
        problem = make_problem(seed, shift=1)
        stops, _ = psiren.sparsify(problem, psiren.train_dense(problem)[0], [80])
        return psiren.p_siren(problem, stops[80], 80)

    (first, first_curve), (again, again_curve), (other, _) = run(0), run(0), run(1)
    assert first == again
    assert first_curve.rows == again_curve.rows
    assert first != other


def test_no_epochs_of_fine_tuning_and_of_the_last_layer_are_possible(make_problem, dense):
    binary = SETTINGS["binary"] | {"last_layer_epochs": 0}
    problem = make_problem(fine_tune={"epochs": 0}, binary=binary)
    stops, _ = psiren.sparsify(problem, dense, [50])
    _, curve = psiren.p_siren(problem, stops[50], 50)
    assert {row[0] for row in curve.rows} == {"binary"}


def test_weights_of_another_sparsity_are_refused(problem, dense):
    with pytest.raises(InputError, match="sparse weights: hold 0 zeros, expected 68 at 50 % sparsity"):
        psiren.p_siren(problem, dense, 50)


def test_images_of_another_shape_are_refused(problem, blobs):
    images = blobs(8, 1)
    images = type(images)(images.images[:, :, :5], images.labels)
    with pytest.raises(InputError, match="images: have shape"):
        psiren.Problem(problem.architecture, images, images, problem.settings, 0)


# --- training ---------------------------------------------------------------------------------------------------------


def test_the_network_in_training_is_the_integer_network_scaled(network, blobs):
    images = blobs(50, 3).images
    weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in network.weights.items()}
    logits = training.forward(network.architecture, weights, torch.from_numpy(images) / 255)
    np.testing.assert_allclose(logits.numpy() * 255, reference.logits(network, images), atol=0.05)


def test_the_estimator_passes_gradients_straight_through():
    latent = torch.tensor([-0.5, 0.0, 0.2, 0.9], requires_grad=True)
    weights = training.ternarize(latent, torch.tensor([1.0, 1.0, 0.0, 1.0]))
    assert weights.tolist() == [-1, 1, 0, 1]
    (weights * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert latent.grad.tolist() == [1, 2, 3, 4]


def test_hard_tanh_passes_gradients_within_its_window(architecture):
    values = torch.tensor([-3.0, -0.5, 0.5, 1.5, 3.0], requires_grad=True)
    outputs = training._HardTanh.apply(values, 2.0)
    assert outputs.tolist() == [-1, -0.5, 0.5, 1, 1]
    outputs.sum().backward()
    assert values.grad.tolist() == [0, 1, 1, 1, 0]


def test_shifted_images_keep_their_shape_and_move_in_zeros():
    images = torch.ones(2, 1, 5, 5)
    for seed in range(20):
        moved = training.shift(images, 2, torch.Generator().manual_seed(seed))
        assert moved.shape == images.shape
        rows, columns = (moved[0, 0].any(dim).sum().item() for dim in (1, 0))
        assert moved.sum().item() == 2 * rows * columns
        assert min(rows, columns) >= 3


def test_about_half_of_the_images_are_mirrored_and_the_others_stay():
    images = torch.arange(200 * 3 * 4 * 5, dtype=torch.float32).view(200, 3, 4, 5)
    mirrored = training.mirror(images, torch.Generator().manual_seed(0))
    turned = (mirrored == images.flip(3)).flatten(1).all(1)
    assert ((mirrored == images).flatten(1).all(1) ^ turned).all()
    assert 70 < turned.sum().item() < 130


def test_training_mirrors_images_if_the_setting_asks_for_it(make_problem):
    plain, mirrored = (psiren.train_dense(make_problem(mirror=asked))[0] for asked in (False, True))
    assert all((plain[name] != mirrored[name]).any() for name in plain)


def test_schedules_start_at_one_and_the_cosine_ends_near_zero():
    assert training.cosine(training.Progress(0, 100)) == 1
    assert training.cosine(training.Progress(99, 100)) < 0.001
    assert training.constant(training.Progress(50, 100)) == 1


def test_a_class_without_a_unit_is_refused(problem, blobs):
    images = blobs(8, 1)
    wrong = type(images)(images.images, images.labels + 1)
    with pytest.raises(InputError, match="labels: hold class 4, but the network's last layer has 4 units"):
        psiren.Problem(problem.architecture, wrong, images, problem.settings, 0)


def test_initial_weights_have_the_variance_that_keeps_activations():
    wide = Architecture((1, 6, 6), (Dense("1.0", units=200), Dense("fc", units=50)))
    weights = training.initial_weights(wide, torch.Generator().manual_seed(0))
    for name, shape in wide.weight_shapes.items():
        assert weights[name].shape == shape
        assert weights[name].abs().max() <= math.sqrt(3 / math.prod(shape[1:]))
        assert weights[name].var().item() * math.prod(shape[1:]) == pytest.approx(1, abs=0.05)
