"""What networks take pictures for."""

import gzip
import json

import numpy as np
import pandas
import pytest
from commands import check_one_line, run
from own_data import CLASSES, SIZE, fill, pixels
from PIL import Image

import aann
from aann import prediction
from aann.artifacts import read_arrays
from aann.datasets import splits
from aann.errors import InputError
from aann.evaluation import reference
from aann.layers import Dense
from aann.networks import Architecture, TernaryNetwork
from aann.settings.study import validate

LAYERS = [
    {"type": "convolution", "name": "1.0", "filters": 4, "kernel": 3},
    {"type": "dense", "name": "fc", "units": 3},
]
SEARCH = {
    "images": {"split": "validation"},
    "layers": {"names": ["last"]},
    "neighbors": {"last": 4},
    "budget": {"evaluations": 8},
}


@pytest.fixture
def study(tmp_path):
    """The settings of a study of a folder of pictures, by how they are made."""
    fill(tmp_path / "fruit", 10)

    def make(**values):
        entry = {"kind": "folder", "folder": str(tmp_path / "fruit"), "size": list(SIZE), "channels": 1, "classes": 3}
        data = entry | values
        signed = {"signed": True, "input_scale": 128} if data.get("centered") else {}
        network = {"input_shape": [data["channels"], *data["size"]], "layers": LAYERS, **signed}
        brief = {"epochs": 1}
        return {
            "scale": "own",
            "datasets": {"fruit": data},
            "networks": {"small": network},
            "tasks": {"fruit": {"dataset": "fruit", "network": "small", "sparsities": [50], "seeds": [0]}},
            "psiren": {"dense": brief, "sparsify": brief, "binary": {**brief, "last_layer_epochs": 0}},
            "sense": {"searches": {"short": SEARCH}},
        }

    return make


@pytest.fixture
def made(study, tmp_path):
    """Make splits and a random network of a study, and return its file and the settings."""

    def make(**values):
        settings = study(**values)
        given = ("--settings", json.dumps(settings), "--task", "fruit")
        assert run("datasets", "split", *given, "--output", tmp_path / "data.safetensors").exit_code == 0
        network = tmp_path / "start.safetensors"
        assert run("sense", "start", *given, "--sparsity", 20, "--seed", 0, "--output", network).exit_code == 0
        return network, settings

    return make


def save(folder, images):
    """Write images of a split as pictures, and return their paths."""
    folder.mkdir()
    paths = [folder / f"{number:03}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        shown = image.astype(np.int16) + (128 if images.dtype == np.int8 else 0)
        flat = shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0)
        Image.fromarray(flat.astype(np.uint8)).save(path)
    return paths


@pytest.mark.parametrize("values", [{}, {"centered": True}, {"channels": 3}, {"centered": True, "size": [9, 14]}])
def test_pictures_of_the_test_images_get_the_classes_of_the_test_images(made, tmp_path, values):
    network, _ = made(**values)
    test = splits.load(tmp_path / "data.safetensors")["test"]
    paths = save(tmp_path / "pictures", test.images)
    loaded = aann.load_network(network)
    expected = reference.predictions(loaded, test.images)
    assert np.array_equal(aann.predict(loaded, paths), expected)
    assert np.array_equal(loaded.predict(paths), expected)
    assert np.array_equal(loaded.predict(test.images), expected)
    result = run("predict", network, *paths, "--csv", tmp_path / "table.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    table = pandas.read_csv(tmp_path / "table.csv", dtype={"class": str, "runner_up": str})
    assert table["class"].tolist() == [str(number) for number in expected]
    assert table.image.tolist() == [str(path) for path in paths]
    logits = np.sort(reference.logits(loaded, test.images), axis=1)
    assert table.margin.tolist() == (logits[:, -1] - logits[:, -2]).tolist()
    assert np.allclose(table.margin_in_input_scale, table.margin / loaded.architecture.input_scale)
    assert len(result.stdout.splitlines()) == len(paths)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_file_is_read_as_the_data_set_was(made, tmp_path, fit):
    network, _ = made(size=[8, 8], fit=fit)
    described = prediction.reading(aann.load_network(network))
    found = {prediction.read(path, described).tobytes() for path in (tmp_path / "fruit").rglob("*.png")}
    expected = {
        image.tobytes() for part in splits.load(tmp_path / "data.safetensors").values() for image in part.images
    }
    assert found == expected


def test_a_search_and_p_siren_pass_on_the_names_and_inputs_of_the_data(made, tmp_path):
    start, settings = made()
    given = ("--settings", json.dumps(settings), "--task", "fruit", "--data", tmp_path / "data.safetensors")
    files = {name: tmp_path / f"{name}.safetensors" for name in ("dense", "sparse", "trained", "found")}
    curve = ("--curve", tmp_path / "curve.parquet", "--seed", 0)
    level = ("--sparsity", 50)
    table = ("--accuracy", tmp_path / "table.csv")
    search = ("--search", "short", "--origin", "random", "--seed", 0)
    search += ("--trace", tmp_path / "trace.parquet", "--outcome", tmp_path / "outcome.csv")
    commands = [
        ("psiren", "dense", *given, *curve, "--output", files["dense"]),
        ("psiren", "sparsify", *given, *curve, *level, "--dense", files["dense"], "--output", files["sparse"]),
        (
            "psiren",
            "network",
            *given,
            *curve,
            *level,
            "--sparse",
            files["sparse"],
            "--output",
            files["trained"],
            *table,
        ),
        ("sense", "search", *given, *level, *search, "--network", start, "--output", files["found"]),
    ]
    for command in commands:
        result = run(*command)
        assert result.exit_code == 0, result.output
    shown = {"size": list(SIZE), "channels": 1, "centered": False, "fit": "crop"}
    for name in ("trained", "found"):
        assert aann.load_network(files[name]).data == {"classes": CLASSES, "input": shown}
    # A random start knows of the data what the settings say.
    assert aann.load_network(start).data == {"classes": ["0", "1", "2"], "input": shown}
    photo = tmp_path / "fruit/pear/3.png"
    printed = run("predict", files["trained"], photo).output
    logits = reference.logits(aann.load_network(files["trained"]), pixels(1, 3)[None, None])[0].astype(int)
    first, second = np.argsort(-logits, kind="stable")[:2]
    margin = logits[first] - logits[second]
    assert printed == f"{photo}: {CLASSES[first]}, margin {margin} ({margin / 255:.3f}), then {CLASSES[second]}\n"


def test_networks_that_differ_in_what_they_were_made_for_are_equal(network, tmp_path):
    described = network.described({"classes": list("abcd"), "input": None})
    assert described == network
    described.save(tmp_path / "network.safetensors")
    assert TernaryNetwork.load(tmp_path / "network.safetensors").data == described.data


def test_of_equal_logits_the_lowest_class_is_first_and_the_next_is_the_runner_up(architecture):
    weights = {name: np.zeros(shape, np.int8) for name, shape in architecture.weight_shapes.items()}
    network = TernaryNetwork(architecture, weights, data={"classes": list("abcd")})
    (found,) = prediction.predictions(network, np.ones((1, 1, 6, 6), np.uint8))
    assert (found.label, found.name, found.margin, found.share, found.runner_up) == (0, "a", 0, 0.0, "b")


def test_networks_of_the_release_load_as_before_and_read_photos_when_they_are_told_how(root, tmp_path):
    released = root / "release/psiren/mnist/p90/seed0.safetensors.gz"
    network = aann.load_network(released)
    assert network.data == {}
    assert network.size == 28_880
    photo = tmp_path / "photo.png"
    Image.fromarray(np.full((56, 56), 200, np.uint8)).save(photo)
    line = "does not say how its inputs are made, as files of older versions; if they are pictures, give --size 28 28"
    check_one_line(run("predict", released, photo), str(released), line, "--channels 1")
    with pytest.raises(InputError, match=r"in Python: network\.described"):
        network.predict([photo])
    result = run("predict", released, photo, "--size", 28, 28, "--channels", 1)
    expected = reference.predictions(network, np.full((1, 1, 28, 28), 200, np.uint8))[0]
    assert result.output.startswith(f"{photo}: {expected}, margin ")
    for size, channels in (((28, 30), 1), ((28, 28), 3)):
        result = run("predict", released, photo, "--size", *size, "--channels", channels)
        check_one_line(result, "takes inputs of --size 28 28 --channels 1, and no others")


def test_a_network_of_drives_takes_no_pictures(network, tmp_path):
    path = tmp_path / "network.safetensors"
    network.described({"classes": list("abcd"), "input": None}).save(path)
    check_one_line(run("predict", path, tmp_path / "photo.png"), f"{path}: takes no pictures")
    frames = TernaryNetwork(Architecture((2, 3, 3), (Dense("fc", units=2),)), {"fc": np.zeros((2, 18), np.int8)})
    with pytest.raises(InputError, match="takes no pictures; it was made for inputs of other kinds"):
        frames.predict([tmp_path / "photo.png"])


def test_photos_that_cannot_be_read_are_one_line_each_and_the_others_are_predicted(made, tmp_path):
    network, _ = made()
    good, cut, text = (tmp_path / name for name in ("good.png", "cut.png", "text.jpg"))
    Image.fromarray(pixels(1, 3)).save(good)
    cut.write_bytes(good.read_bytes()[:60])
    text.write_text("no picture")
    result = run(
        "predict", network, cut, good, text, good, tmp_path / "absent.png", tmp_path, "--csv", tmp_path / "t.csv"
    )
    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [str(good)] * 2
    lines = result.stderr.splitlines()
    for line, path in zip(lines, (cut, text, tmp_path / "absent.png", tmp_path), strict=True):
        assert line.startswith(f"error: {path}: ")
    assert lines[-1].endswith(f"is a folder; expected a picture, so name those in it, such as {tmp_path}/*.jpg")
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize("kind", ["photo", "splits", "text", "cut", "absent", "folder"])
def test_a_network_file_that_is_none_is_one_line_which_asks_nobody_to_delete_it(made, tmp_path, kind):
    network, _ = made()
    photo = tmp_path / "fruit/pear/3.png"
    path = {"photo": photo, "splits": tmp_path / "data.safetensors"}.get(kind, tmp_path / "own.safetensors")
    if kind == "text":
        path.write_text("no network")
    elif kind == "cut":
        path.write_bytes(network.read_bytes()[:-5])
    elif kind == "folder":
        path.mkdir()
    result = run("predict", path, photo)
    check_one_line(result, f"{path}: is a folder; expected a file" if kind == "folder" else str(path))
    assert "delete" not in result.stderr


def test_other_input_is_one_line(made, network, tmp_path):
    good, _ = made()
    photo = tmp_path / "fruit/pear/3.png"
    check_one_line(run("predict", good, photo, "--csv", tmp_path / "t.txt"), "t.txt: expected a name that ends in .csv")
    wrong = tmp_path / "wrong.safetensors"
    for data, message in (
        ({"classes": ["a", "b"], "input": {"size": [6, 6], "channels": 1}}, "has 4 classes and names for 2"),
        ({"classes": list("abcd"), "input": {"size": "large", "channels": 1}}, "says size 'large' of its inputs"),
        ({"classes": list("abcd"), "input": {"size": [6, 7], "channels": 1}}, "takes inputs of --size 6 6"),
    ):
        network.described(data).save(wrong)
        check_one_line(run("predict", wrong, photo), message)
    with pytest.raises(InputError, match="expected a list of paths"):
        aann.predict(network, "photo.png")


def test_a_released_file_that_is_compressed_keeps_what_it_says(made, tmp_path):
    network, _ = made()
    packed = tmp_path / "packed.safetensors.gz"
    packed.write_bytes(gzip.compress(network.read_bytes()))
    assert aann.load_network(packed).data == aann.load_network(network).data


def test_what_a_random_start_was_made_for_is_recorded(made):
    network, settings = made()
    recorded = read_arrays(network)[1]["provenance"]["settings"]
    (task,) = recorded["tasks"]
    assert recorded == json.loads(json.dumps(validate(settings).network_part(task)))
    assert "fruit" in recorded["datasets"]
