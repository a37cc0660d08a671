import dataclasses
import json

import numpy as np
import pytest

from aann.artifacts import seal_of, write_arrays
from aann.errors import InputError
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork


def test_the_papers_networks_have_its_shapes(paper_settings):
    static = Architecture.from_dict(paper_settings.networks["static"].model_dump())
    dynamic = Architecture.from_dict(paper_settings.networks["dynamic"].model_dump())
    assert static.weight_shapes == {"1.0": (16, 1, 5, 5), "2.0": (32, 16, 5, 5), "fc": (10, 1568)}
    assert dynamic.weight_shapes == {
        "1.0": (32, 3, 7, 7),
        "2.0": (64, 32, 5, 5),
        "fc1": (100, 576),
        "fc2": (3, 100),
    }
    assert (static.classes, dynamic.classes) == (10, 3)


def test_a_specification_survives_being_written_and_read(paper_settings):
    for settings in paper_settings.networks.values():
        architecture = Architecture.from_dict(settings.model_dump())
        assert Architecture.from_dict(architecture.to_dict()) == architecture


def test_a_specification_without_pooling_is_written_as_before(paper_settings):
    keys = {"type", "name", "filters", "kernel", "stride", "padding", "pool", "pool_stride"}
    settings = paper_settings.networks["static"].model_dump()
    assert set(settings["layers"][0]) == keys
    architecture = Architecture.from_dict(settings)
    assert architecture.to_dict() == settings
    average = dataclasses.replace(architecture.layers[0], pooling="average")
    assert average.to_dict() == {**settings["layers"][0], "pooling": "average"}


def test_pixels_by_side_are_vertical_and_horizontal_and_two_equal_ones_are_one():
    tall = Convolution("1.0", filters=2, kernel=[3, 1], stride=(2, 1), padding=[1, 0], pool=(1, 3), pool_stride=[2, 1])
    assert tall.weight_shape((4, 9, 6)) == (2, 4, 3, 1)
    assert tall.output_shape((4, 9, 6)) == (2, 3, 4)
    architecture = Architecture((4, 9, 6), (tall, Dense("fc", units=2)))
    written = architecture.to_dict()
    assert written["layers"][0]["kernel"] == [3, 1]
    assert Architecture.from_dict(json.loads(json.dumps(written))) == architecture
    assert Convolution("1.0", 2, kernel=[3, 3], pool=(2, 2)) == Convolution("1.0", 2, kernel=3, pool=2)


@pytest.mark.parametrize("change", [{"pooling": "min"}, {"kernel": [1, 2, 3]}, {"type": "recurrent"}])
def test_a_layer_that_cannot_be_read_is_refused(architecture, change):
    written = architecture.to_dict()
    written["layers"][0] |= change
    with pytest.raises(InputError, match=r"max or average|network: cannot read"):
        Architecture.from_dict(written)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (None, {"input_shape": [1, 0, 6]}, "input_shape: 0; expected a whole number of at least 1"),
        (None, {"input_scale": 2.0}, "input_scale: 2.0; expected a whole number of at least 1"),
        (None, {"signed": 1}, "signed: 1; expected true or false"),
        (0, {"filters": 0}, "layer '1.0': filters 0; expected a whole number of at least 1"),
        (0, {"kernel": [3, -1]}, "layer '1.0': kernel -1; expected a whole number of at least 1"),
        (0, {"padding": -1}, "layer '1.0': padding -1; expected a whole number of at least 0"),
        (0, {"stride": True}, "layer '1.0': stride True; expected a whole number of at least 1"),
        (1, {"units": 4.0}, "layer 'fc': units 4.0; expected a whole number of at least 1"),
    ],
)
def test_a_size_that_is_none_is_refused(architecture, place, change, message):
    written = architecture.to_dict()
    (written if place is None else written["layers"][place]).update(change)
    with pytest.raises(InputError) as raised:
        Architecture.from_dict(written)
    assert str(raised.value) == message


def test_sparsity_and_family_count_the_weights(architecture):
    weights = {name: np.zeros(shape, np.int8) for name, shape in architecture.weight_shapes.items()}
    weights["1.0"].flat[:3] = (1, 1, -1)
    network = TernaryNetwork(architecture, weights)
    assert network.family == {"1.0": (1, 24, 2), "fc": (0, 108, 0)}
    assert network.size == 135
    assert network.sparsity == pytest.approx(100 * 132 / 135)


def test_weights_are_copied_and_cannot_be_written_to(network):
    with pytest.raises(ValueError, match="read-only"):
        network.weights["fc"][0, 0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights | {"fc": weights["fc"] * 2}, r"holds the weight -2, expected only -1, 0 and \+1"),
        (lambda weights: weights | {"fc": weights["fc"].astype(np.float32)}, "type float32, expected int8"),
        (lambda weights: weights | {"fc": weights["fc"][:, :5]}, "another architecture"),
        (lambda weights: {"fc": weights["fc"]}, "another architecture"),
        (lambda weights: weights | {"extra": weights["fc"]}, "another architecture"),
    ],
)
def test_anything_but_ternary_weights_of_the_architecture_is_refused(network, change, message):
    with pytest.raises(InputError, match=message):
        TernaryNetwork(network.architecture, change(dict(network.weights)))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Convolution("1.0", filters=2, kernel=9), Dense("fc", units=2)), "nothing is left"),
        ((Dense("1.0", units=2), Convolution("2.0", filters=2, kernel=1), Dense("fc", units=2)), "cannot follow"),
        ((Convolution("1.0", filters=2, kernel=3),), "last layer must be dense"),
        ((Dense("fc", units=2), Dense("fc", units=2)), "distinct"),
        (
            (Dense("1.0", units=2_200_000), Dense("fc", units=2)),
            "561000000, but evaluators hold sums below 536870912",
        ),
        ((Convolution("1.0", filters=2, kernel=(3, 9), padding=(9, 1)), Dense("fc", units=2)), "nothing is left"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers, message):
    with pytest.raises(InputError, match=message):
        Architecture((1, 6, 6), layers)


def test_a_saved_network_is_read_back_equal_and_always_as_the_same_bytes(network, tmp_path):
    provenance = {"seed": 3, "settings": {"b": 1, "a": [2.5, "x"]}, "module": "m"}
    network.save(tmp_path / "one.safetensors", provenance)
    network.save(tmp_path / "two.safetensors", provenance)
    assert TernaryNetwork.load(tmp_path / "one.safetensors", network.architecture) == network
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


def test_a_network_of_another_architecture_is_refused(network, tmp_path):
    network.save(tmp_path / "network.safetensors")
    other = Architecture((1, 6, 6), (Dense("fc", units=4),))
    with pytest.raises(InputError, match=r"network\.safetensors: belongs to another architecture"):
        TernaryNetwork.load(tmp_path / "network.safetensors", other)


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_truncated_network_file_without_a_seal_is_named(network, tmp_path, kept):
    path = tmp_path / "network.safetensors"
    network.save(path)
    path.write_bytes(path.read_bytes()[:kept])
    seal_of(path).unlink()
    with pytest.raises(InputError, match=r"network\.safetensors: truncated or not a safetensors file"):
        TernaryNetwork.load(path)


def test_a_network_file_with_another_value_is_named(network, tmp_path):
    path = tmp_path / "network.safetensors"
    weights = {name: array.copy() for name, array in network.weights.items()}
    weights["1.0"].flat[0] = 5
    write_arrays(path, weights, {"architecture": network.architecture.to_dict()})
    with pytest.raises(InputError, match=r"network\.safetensors: layer '1.0': holds the weight 5"):
        TernaryNetwork.load(path)


def test_a_file_without_a_network_is_named(tmp_path):
    write_arrays(tmp_path / "data.safetensors", {"fc": np.zeros(3, np.int8)}, {})
    with pytest.raises(InputError, match=r"data\.safetensors: holds no network"):
        TernaryNetwork.load(tmp_path / "data.safetensors")
    with pytest.raises(InputError, match="there is no such file"):
        TernaryNetwork.load(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="is a folder; expected a file, so name one in it"):
        TernaryNetwork.load(tmp_path)
