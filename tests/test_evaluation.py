import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aann.errors import InputError
from aann.evaluation import plain, reference
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork


def slow_logits(network, images):
    """The network by its definition: loops over every output, in Python integers."""
    values = images.astype(np.int64)
    architecture = network.architecture
    for layer in architecture.layers:
        weights = network.weights[layer.name].astype(np.int64)
        pooled = isinstance(layer, Convolution) and layer.pool
        if isinstance(layer, Convolution):
            values = slow_convolution(values, weights, layer)
        else:
            values = values.reshape(len(values), -1) @ weights.T
        if pooled and layer.pooling == "average":
            values = slow_pool(values, layer.pool, layer.pool_stride or layer.pool, np.sum)
        if layer is not architecture.layers[-1]:
            values = np.clip(values, -architecture.input_scale, architecture.input_scale)
        if pooled and layer.pooling == "max":
            values = slow_pool(values, layer.pool, layer.pool_stride or layer.pool, np.max)
    return values


def both(sides):
    return (sides, sides) if isinstance(sides, int) else sides


def slow_convolution(values, weights, layer):
    (down, right), (height, width), steps = both(layer.padding), both(layer.kernel), both(layer.stride)
    padded = np.pad(values, ((0, 0), (0, 0), (down, down), (right, right)))
    sides = [(padded.shape[2] - height) // steps[0] + 1, (padded.shape[3] - width) // steps[1] + 1]
    output = np.zeros((len(values), layer.filters, *sides), np.int64)
    for row in range(sides[0]):
        for column in range(sides[1]):
            top, left = row * steps[0], column * steps[1]
            window = padded[:, :, top : top + height, left : left + width]
            output[:, :, row, column] = np.tensordot(window, weights, axes=((1, 2, 3), (1, 2, 3)))
    return output


def slow_pool(values, size, stride, reduce):
    (height, width), steps = both(size), both(stride)
    sides = [(values.shape[2] - height) // steps[0] + 1, (values.shape[3] - width) // steps[1] + 1]
    output = np.zeros((*values.shape[:2], *sides), np.int64)
    for row in range(sides[0]):
        for column in range(sides[1]):
            top, left = row * steps[0], column * steps[1]
            window = values[:, :, top : top + height, left : left + width]
            output[:, :, row, column] = reduce(window, axis=(2, 3))
    return output


def sides(first, last):
    """A number of pixels, or one vertically and one horizontally."""
    return st.integers(first, last) | st.tuples(st.integers(first, last), st.integers(first, last))


@st.composite
def problems(draw):
    shape = draw(st.tuples(st.integers(1, 3), st.integers(6, 9), st.integers(6, 9)))
    first = Convolution(
        "1.0",
        filters=draw(st.integers(1, 4)),
        kernel=draw(sides(1, 4)),
        stride=draw(sides(1, 2)),
        padding=draw(sides(0, 2)),
        pool=draw(st.just(0) | sides(1, 2)),
        pool_stride=draw(st.just(0) | sides(1, 2)),
        pooling=draw(st.sampled_from(["max", "average"])),
    )
    hidden = (Dense("fc1", units=draw(st.integers(1, 5))),) if draw(st.booleans()) else ()
    signed = draw(st.booleans())
    scale = draw(st.sampled_from([1, 51, 255, 256, 300]))
    layers = (first, *hidden, Dense("fc", units=draw(st.integers(1, 5))))
    architecture = Architecture(shape, layers, scale, signed)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    weights = {
        name: (random.choice([-1, 1], shape) * (random.random(shape) < density)).astype(np.int8)
        for name, shape in architecture.weight_shapes.items()
    }
    images = random.integers(-scale if signed else 0, scale + 1, (draw(st.integers(1, 4)), *shape))
    return TernaryNetwork(architecture, weights), images.astype(np.int16)


@given(problems(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_logits_equal_the_definition(problem, bfloat16):
    network, images = problem
    expected = slow_logits(network, images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "bfloat16_is_fast", lambda: bfloat16)
        found = reference.logits(network, images)
    assert found.dtype == plain.logits(network, images).dtype == np.int32
    assert np.array_equal(found, expected)
    assert np.array_equal(plain.logits(network, images), expected)


@pytest.mark.parametrize("scale", [255, 256, 257])
def test_sums_that_bfloat16_rounds_are_cut_by_hard_tanh_or_kept_in_float32(scale, monkeypatch):
    """One image for each sum from below -scale to above scale: what comes out of HardTanh is exact."""
    layers = (Dense("hidden", units=1), Dense("fc", units=1))
    architecture = Architecture((4, 1, 1), layers, scale, signed=True)
    network = TernaryNetwork(architecture, {"hidden": np.ones((1, 4), np.int8), "fc": np.ones((1, 1), np.int8)})
    sums = np.arange(-4 * scale, 4 * scale + 1)
    images = np.diff(np.rint(np.outer(sums, np.arange(5) / 4)), axis=1).astype(np.int16).reshape(-1, 4, 1, 1)
    monkeypatch.setattr(reference, "bfloat16_is_fast", lambda: True)
    assert reference.features(network, images).ravel().tolist() == np.clip(sums, -scale, scale).tolist()


def test_rounded_sums_are_not_added_up(monkeypatch):
    """257 is 256 in bfloat16, and so would the sum of the window be, 257 - 256 = 1, become 0."""
    layers = (Convolution("1.0", filters=1, kernel=1, pool=2, pooling="average"), Dense("fc", units=1))
    weights = {"1.0": np.ones((1, 3, 1, 1), np.int8), "fc": np.ones((1, 1), np.int8)}
    network = TernaryNetwork(Architecture((3, 2, 2), layers, 255, signed=True), weights)
    images = np.array([[100, -100, 0, 0], [100, -100, 0, 0], [57, -56, 0, 0]], np.int16).reshape(1, 3, 2, 2)
    monkeypatch.setattr(reference, "bfloat16_is_fast", lambda: True)
    assert reference.features(network, images).item() == 1


@pytest.mark.parametrize("made", [reference, plain])
def test_logits_do_not_depend_on_the_batch(network, made, monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (1203, 1, 6, 6), dtype=np.uint8)
    monkeypatch.setattr(plain, "_INPUTS", 2**16)
    whole = made.logits(network, images)
    assert np.array_equal(whole, np.concatenate([made.logits(network, images[:7]), made.logits(network, images[7:])]))


def test_ties_go_to_the_lowest_class(architecture):
    weights = {name: np.zeros(shape, np.int8) for name, shape in architecture.weight_shapes.items()}
    network = TernaryNetwork(architecture, weights)
    images = np.full((3, 1, 6, 6), 255, np.uint8)
    assert reference.predictions(network, images).tolist() == plain.predictions(network, images).tolist() == [0, 0, 0]
    assert reference.correct_count(network, images, np.array([0, 1, 0])) == 2


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 1, 6, 6), np.uint8), "expected \\(1 or more"),
        (np.zeros((2, 1, 5, 6), np.uint8), "images: have shape"),
        (np.zeros((2, 1, 6, 6), np.float32), "type float32, expected integers"),
        (np.full((2, 1, 6, 6), -1, np.int16), "values from -1 to -1, expected 0 to 255"),
        (np.full((2, 1, 6, 6), 256, np.int16), "expected 0 to 255"),
    ],
)
def test_images_that_do_not_fit_are_refused(network, images, message):
    for made in (reference, plain):
        with pytest.raises(InputError, match=message):
            made.logits(network, images)
