"""Studies of data of one's own: what is seen, and what is written."""

import json
import os
import shutil
from io import BytesIO

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import yaml
from commands import check_one_line, run
from own_data import CLASSES, SIZE, arrays, fill, pixels, real_data  # noqa: F401 (fixture)
from PIL import Image

from aann.figures import kinds
from aann.networks import Architecture
from aann.settings.embeddings import EmbeddingsSettings
from aann.settings.study import load
from aann.studies import designs, looking, names


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def new(data, *arguments, output="own.yaml"):
    result = run("study", "new", data, "--output", output, *arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output
    settings = load([output])
    assert {*kinds.plans(settings)} == {*settings.figures}
    return result.stdout, settings


def encoded(label, seed):
    """Return the bytes of a picture."""
    buffer = BytesIO()
    Image.fromarray(pixels(label, seed)).save(buffer, "PNG")
    return buffer.getvalue()


def save_parquet(path, count, first=0, names=CLASSES):
    """Write pictures of three classes as model hubs hold them."""
    labels = [number % 3 for number in range(first, first + count)]
    images = [{"bytes": encoded(label, number), "path": None} for number, label in enumerate(labels, first)]
    table = pyarrow.table({"image": images, "label": labels})
    described = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    path.parent.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps(described)}), path)


def test_a_folder_of_images_becomes_a_study_of_them(tmp_path):
    fill(tmp_path / "Fruit of 2024", 12)
    (tmp_path / "Fruit of 2024/apple/notes.txt").write_text("not an image")
    printed, settings = new("Fruit of 2024")
    lines = printed.splitlines()
    assert lines[0] == "Fruit of 2024: 36 images of 3 classes (folder)"
    assert lines[1].split() == ["class", "train", "validation", "test"]
    assert [line.split() for line in lines[2:5]] == [[name, "9", "1", "2"] for name in CLASSES]
    assert "  sizes (height x width): 12 x 10, grey" in lines
    assert "  splits: validation and test images are drawn from the others, a share of each class" in lines
    assert "  balance: 12 to 12 images a class; 33.3 % are of the largest" in lines
    assert "  passed over: 1 files that are no PNG, JPEG, WebP or BMP, or hidden" in lines
    assert lines[-1].strip() == "snakemake --cores 2 all_figures report_page --configfile own.yaml"
    assert (settings.scale, settings.standalone) == ("fruit-of-2024", True)
    data = settings.datasets["fruit-of-2024"]
    assert (data.folder, data.size, data.channels, data.classes) == ("Fruit of 2024", list(SIZE), 1, CLASSES)
    assert settings.data_title("fruit-of-2024") == "Fruit of 2024"
    drawn = {figure.kind for figure in settings.figures.values()}
    assert drawn == {"sparsity", "histograms", "embedding", "climbs", "comparison", "improvement"}


def test_the_file_holds_the_study_and_explains_every_section(tmp_path):
    fill(tmp_path / "fruit", 12)
    new("fruit", "--name", "mine")
    text = (tmp_path / "own.yaml").read_text()
    seen = looking.look(tmp_path / "fruit")
    expected = designs.study("mine", seen, designs.SCALES["quick"])
    expected["datasets"]["mine"]["folder"] = "fruit"
    assert yaml.safe_load(text) == expected
    blocks = text.split("\n\n")
    assert all(block.startswith("# ") for block in blocks)
    assert max(map(len, text.splitlines())) <= 120


def test_a_study_is_never_written_over_another_file(tmp_path):
    fill(tmp_path / "fruit", 12)
    (tmp_path / "own.yaml").write_text("mine")
    check_one_line(run("study", "new", "fruit", "--output", "own.yaml"), "own.yaml: is there already")
    assert (tmp_path / "own.yaml").read_text() == "mine"
    check_one_line(run("study", "new", "fruit", "--output", "absent/own.yaml"), "folder absent is not there")


def test_images_in_two_splits_are_counted_and_warned_of(tmp_path):
    for part, first in (("train", 0), ("val", 8), ("test", 12)):
        fill(tmp_path / "fruit" / part, 6, first)
    shutil.copy(tmp_path / "fruit/train/pear/0.png", tmp_path / "fruit/test/pear/copy.png")
    result = run("study", "new", "fruit", "--output", "own.yaml")
    assert "  splits: the data's own" in result.stdout
    assert "duplicates: 7 test images are training or validation images, too" in result.stdout
    assert "what they measure is memory" in result.stderr


def test_what_is_not_balanced_is_said(tmp_path):
    fill(tmp_path / "fruit", 30, classes=["apple"])
    fill(tmp_path / "fruit", 10, classes=["pear"])
    printed, _ = new("fruit")
    assert "balance: 10 to 30 images a class; 75.0 % are of the largest; look at balanced accuracy, too" in printed


@pytest.mark.parametrize("form", ["npz", "train and test", "npy", "folder of npy"])
def test_arrays_become_a_study(tmp_path, form):
    images, labels = arrays(60)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / ("own.npz" if form in ("npz", "train and test") else "x_train.npy")
    if form == "npz":
        np.savez(path, images=images, labels=labels)
    elif form == "train and test":
        np.savez(path, x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:])
    else:
        for part, chosen in (("train", slice(0, 40)), ("test", slice(40, 60))):
            np.save(tmp_path / f"data/x_{part}.npy", images[chosen])
            np.save(tmp_path / f"data/y_{part}.npy", labels[chosen])
    printed, settings = new("data" if form == "folder of npy" else path.relative_to(tmp_path))
    (data,) = settings.datasets.values()
    assert (data.kind, data.size, data.channels, data.class_names) == ("arrays", list(SIZE), 1, ["0", "1", "2"])
    assert ("train and test are the data's own" in printed) == (form != "npz")
    assert "60 images of 3 classes" in printed


def test_arrays_with_colors_and_channels_first_are_seen_as_such(tmp_path):
    images = np.zeros((6000, 3, 8, 9), np.uint8)
    images[:, 0] = np.arange(6000)[:, None, None] % 251
    np.savez("own.npz", images=images, labels=np.arange(6000) % 2)
    printed, settings = new("own.npz")
    assert "8 x 9, colored" in printed
    assert settings.networks["small"].input_shape == [3, 8, 9]


def test_parquet_files_become_a_study_with_their_splits(tmp_path):
    save_parquet(tmp_path / "hub/train-00000-of-00002.parquet", 20)
    save_parquet(tmp_path / "hub/train-00001-of-00002.parquet", 20, 20)
    save_parquet(tmp_path / "hub/test-00000-of-00001.parquet", 12, 40)
    printed, settings = new("hub")
    data = settings.datasets["hub"]
    assert {part: len(files) for part, files in data.files.items()} == {"train": 2, "test": 1}
    assert data.classes == CLASSES
    assert "  splits: train and test are the data's own; validation images are drawn from the others" in printed
    printed, settings = new("hub/train-00000-of-00002.parquet", output="one.yaml")
    assert "20 images of 3 classes (parquet)" in printed
    assert settings.scale == "train-00000-of-00002"


def test_files_of_splits_may_have_any_of_their_names(tmp_path):
    save_parquet(tmp_path / "hub/Training.parquet", 20)
    save_parquet(tmp_path / "hub/testing.parquet", 12, 20)
    assert {*new("hub")[1].datasets["hub"].files} == {"train", "test"}
    images, labels = arrays(60)
    (tmp_path / "pairs").mkdir()
    for part, chosen in (("training", slice(0, 40)), ("Testing", slice(40, 60))):
        np.save(tmp_path / f"pairs/x_{part}.npy", images[chosen])
        np.save(tmp_path / f"pairs/y_{part}.npy", labels[chosen])
    assert {*new("pairs", output="pairs.yaml")[1].datasets["pairs"].pairs} == {"train", "test"}


def test_images_of_many_sizes_get_one(tmp_path):
    fill(tmp_path / "wide", 6)
    for number, path in enumerate(sorted((tmp_path / "wide").rglob("*.png"))):
        Image.new("RGB", (200 + number, 100), "red").save(path)
    printed, settings = new("wide")
    assert "100 to 100 x 200 to 217, most often 100 x 200 (6 %), colored" in printed
    assert settings.datasets["wide"].size == [16, 32]
    printed, settings = new("wide", "--size", 20, 24, "--channels", 3, output="larger.yaml")
    assert settings.networks["small"].input_shape == [3, 20, 24]


@pytest.mark.parametrize("scale", designs.SCALES)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (1, 3, 40), (3, 64, 48), (1, 1, 1)])
def test_networks_fit_every_shape(scale, shape):
    network = designs.network(*shape, classes=10)
    assert Architecture.from_dict(network).classes == 10
    assert sum(designs.weights(network).values()) < 150_000
    layers = [layer["name"] for layer in network["layers"]]
    assert {*designs.searches(designs.SCALES[scale], layers, 1000, shape[0])} == {"greedy", "polish"}


def test_small_grey_images_get_the_papers_network_and_colored_ones_about_100_000_weights(paper_settings):
    expected = Architecture.from_dict(paper_settings.networks["static"].model_dump())
    assert Architecture.from_dict(designs.network(1, 28, 28, 10)) == expected
    assert 90_000 < sum(designs.weights(designs.network(3, 32, 32, 10)).values()) < 110_000


def test_networks_learn_from_as_many_minibatches_whatever_the_number_of_images():
    for scale in designs.SCALES.values():
        for images in (200, 1500, 20_000, 60_000):
            made = designs.training(scale, images, 32, 1)
            steps = made["dense"]["epochs"] * images / made["batch_size"]
            assert 0.75 * scale.dense_steps <= steps <= max(1.25 * scale.dense_steps, images / made["batch_size"])


def test_photographs_of_hands_become_a_study(real_data):  # noqa: F811 (fixture)
    printed, settings = new(real_data / "sign-digits")
    assert "2,062 images of 10 classes" in printed
    data = settings.datasets["sign-digits"]
    assert (data.size, data.channels, data.classes) == ([32, 32], 1, [str(number) for number in range(10)])


@pytest.mark.parametrize("scale", designs.SCALES.values())
@pytest.mark.parametrize("size", [1, 20, 60, 500, 20_480, 10**6])
def test_as_many_neighbors_are_counted_as_are_embedded(scale, size):
    layers = {"1.0": 400, "fc": size}
    embedded, counted = designs.embedding(scale, layers), designs.neighbors(scale, layers)["first"]["fc"]
    nonzeros = max(1, round(size / 10))
    if embedded is None:
        assert min(20, nonzeros) * (size - nonzeros) < 60
        return
    in_sources = (size - nonzeros if counted == "exhaustive" else counted / nonzeros) * min(20, nonzeros)
    assert embedded["count"] <= in_sources
    assert EmbeddingsSettings.model_validate(embedded).count >= 60


def test_a_column_of_a_parquet_file_may_be_named(tmp_path):
    save_parquet(tmp_path / "hub.parquet", 30)
    table = pyarrow.parquet.read_table(tmp_path / "hub.parquet").rename_columns(["picture", "coarse_label"])
    other = pyarrow.array([number % 2 for number in range(30)])
    pyarrow.parquet.write_table(table.append_column("fine", other), tmp_path / "hub.parquet")
    lacks = run("study", "new", "hub.parquet", "--output", "own.yaml")
    expected = "has no column of labels that is known as one; name one with --label: it has picture, coarse_label, fine"
    check_one_line(lacks, f"hub.parquet: {expected}")
    data = new("hub.parquet", "--label", "coarse_label", "--image", "picture")[1].datasets["hub"]
    assert (data.label, data.image, data.class_names) == ("coarse_label", "picture", ["0", "1", "2"])
    printed, _ = new("hub.parquet", "--label", "fine", output="fine.yaml")
    assert "30 images of 2 classes" in printed


@pytest.mark.parametrize("form", ["npz", "npy", "folder of npy"])
def test_arrays_of_other_names_may_be_named(tmp_path, form):
    images, labels = arrays(30)
    (tmp_path / "data").mkdir()
    if form == "npz":
        np.savez(tmp_path / "data/own.npz", fruit=images, sort=labels, other=labels)
    else:
        np.save(tmp_path / "data/fruit.npy", images)
        np.save(tmp_path / "data/sort.npy", labels)
    path = {"npz": "data/own.npz", "npy": "data/fruit.npy", "folder of npy": "data"}[form]
    command = ("study", "new", path, "--output", "own.yaml")
    check_one_line(
        run(*command), "; or name them with --image and --label" if form != "npz" else "or name them with --im"
    )
    check_one_line(run(*command, "--label", "sort"), f"{path}: holds arrays; expected the names of two, so give both")
    check_one_line(run(*command, "--image", "fruit", "--label", "kind"), "fruit, ", "kind")
    printed, _ = new(path, "--image", "fruit", "--label", "sort")
    assert "30 images of 3 classes" in printed


def test_the_axis_of_channels_may_be_named(tmp_path):
    images = np.zeros((60, 3, 10, 4), np.uint8) + np.arange(60, dtype=np.uint8)[:, None, None, None]
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(60) % 2)
    unclear = run("study", "new", "own.npz", "--output", "own.yaml")
    check_one_line(unclear, "(60, 3, 10, 4); say where the channels are with --axis first or --axis last")
    for axis, size in (("first", [10, 4]), ("last", [3, 10])):
        data = new("own.npz", "--axis", axis, output=f"{axis}.yaml")[1].datasets["own"]
        assert (data.axis, data.size) == (axis, size)


def test_an_option_that_data_do_not_have_is_one_line(tmp_path):
    fill(tmp_path / "fruit", 6)
    refused = run("study", "new", "fruit", "--output", "own.yaml", "--label", "sort")
    check_one_line(refused, "fruit: is read as data of kind folder, for which there is no --label; leave it out")


# --- bad input --------------------------------------------------------------------------------------------------------


def a_text(path):
    path.write_text("x")


def one_class(path):
    fill(path, 6, classes=["apple"])


def few_images(path):
    fill(path, 6)
    for number in range(1, 6):
        (path / f"pear/{number}.png").unlink()


def truncated(path):
    fill(path, 6)
    whole = (path / "pear/3.png").read_bytes()
    (path / "pear/3.png").write_bytes(whole[: len(whole) // 2])


def objects(path):
    np.savez(path.with_suffix(".npz"), images=np.array([{}, 1], object), labels=np.zeros(2))
    return path.with_suffix(".npz")


def one_hot(path):
    np.savez(path.with_suffix(".npz"), images=arrays(6)[0], labels=np.eye(6))
    return path.with_suffix(".npz")


def huge_labels(path):
    np.savez(path.with_suffix(".npz"), images=arrays(30)[0], labels=arrays(30)[1] * 4_000_000_000)
    return path.with_suffix(".npz")


def unprintable(path):
    fill(path, 6, classes=["apple", "pe\tar"])


def not_utf8(path):
    fill(path, 6, classes=["apple", os.fsdecode(b"pe\xffar")])


def too_long(path):
    fill(path / "train", 6, classes=["apple", 65 * "p"])


def unprintable_labels(path):
    np.savez(path.with_suffix(".npz"), images=arrays(6)[0], labels=np.array(["apple", "pe\tar"] * 3))
    return path.with_suffix(".npz")


def equal_names(path):
    save_parquet(path.with_suffix(".parquet"), 30, names=["apple", "apple", "plum"])
    return path.with_suffix(".parquet")


def no_images(path):
    pandas.DataFrame({"label": [0, 1]}).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def lone_array(path):
    np.save(path.with_suffix(".npy"), arrays(6)[0])
    return path.with_suffix(".npy")


def of_one_pixel(path):
    np.savez(path.with_suffix(".npz"), images=arrays(30)[0][:, :1, :1], labels=np.arange(30) % 2)
    return path.with_suffix(".npz")


def images_of_a_split_alone(path):
    path.mkdir()
    for name, array in zip(("x_train", "y_train", "x_test", "labels_test"), (*arrays(30), *arrays(6)), strict=True):
        np.save(path / f"{name}.npy", array)


def only_test_files(path):
    save_parquet(path / "test.parquet", 6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "fruit: holds no folders; expected a sub-folder for each class"),
        (a_text, "fruit: is of another kind; expected a folder of images"),
        (lambda path: None, "fruit: is not there; expected a folder of images, an .npz or .npy file, a Parquet file"),
        (one_class, "fruit: has images of 1 class (apple); expected two classes or more"),
        (few_images, "need 1 of class 'pear', which has 1; add images to the class"),
        (truncated, "; replace it, or pass such images over with --skip-unreadable"),
        (objects, "it holds Python objects, which are never read"),
        (one_hot, "as if one-hot"),
        (huge_labels, "fruit.npz: train labels: hold 8000000000; expected numbers below 10000"),
        (
            unprintable,
            "fruit: its folder 'pe\\tar' cannot be the name of a class; expected 1 to 64 characters",
        ),
        (not_utf8, "fruit: its folder 'pe\\udcffar' cannot be the name of a class; expected 1 to 64 characters that"),
        (too_long, f"fruit: its folder '{65 * 'p'}' cannot be the name of a class; expected 1 to 64 characters that"),
        (unprintable_labels, "fruit.npz: its class 'pe\\tar' cannot be the name of a class; expected 1 to 64"),
        (equal_names, "fruit.parquet: setting 'classes': names of classes: apple is there twice; expected distinct"),
        (no_images, "has no column of images"),
        (lone_array, "expected images.npy and labels.npy"),
        (
            of_one_pixel,
            "fruit: images of 1 x 1 pixels are too small: layer 'fc' of their network would have 2 weights, so none is "
            "left at 95 % zeros; make them larger with --size",
        ),
        (images_of_a_split_alone, "fruit/x_test.npy: has no y_test.npy beside it; add that, or move this elsewhere"),
        (only_test_files, "has no file of training images; found test"),
    ],
)
def test_data_that_cannot_be_studied_are_one_line_and_nothing_is_written(tmp_path, make, message):
    path = tmp_path / "fruit"
    path = make(path) or path
    result = run("study", "new", path.relative_to(tmp_path), "--output", "own.yaml")
    line = result.stderr.splitlines()[-1]
    assert result.exit_code == 1
    assert line.startswith("error: ")
    assert message in line
    assert "delete" not in line
    assert not (tmp_path / "own.yaml").exists()


def test_unreadable_images_are_passed_over_when_that_is_asked_for(tmp_path):
    truncated(tmp_path / "fruit")
    printed, settings = new("fruit", "--skip-unreadable")
    assert "passed over: 1 images that cannot be read" in printed
    assert settings.datasets["fruit"].skip_unreadable


@pytest.mark.parametrize("name", ["My Fruit", "", "1st", "a" * 65])
def test_a_name_that_is_none_is_one_line(tmp_path, name):
    fill(tmp_path / "fruit", 6)
    expected = "at most 64 characters" if len(name) > 64 else "expected small letters, digits, - and _, a letter first"
    result = run("study", "new", "fruit", "--output", "own.yaml", "--name", name)
    check_one_line(result, "error: --name: ", expected, f"(found {name!r})")
    assert not (tmp_path / "own.yaml").exists()


@pytest.mark.parametrize("data", ["fruit{1}", "~fruit"])
def test_a_folder_that_settings_cannot_name_is_named_as_it_is_given(tmp_path, data):
    fill(tmp_path / data, 6)
    check_one_line(run("study", "new", data, "--output", "own.yaml"), f"error: {data}: expected a path, written out,")


def test_the_command_that_builds_a_study_can_be_copied(tmp_path):
    fill(tmp_path / "fruit", 12)
    printed, _ = new("fruit", output="my own.yaml")
    command = "snakemake --cores 2 all_figures report_page --configfile 'my own.yaml'"
    assert printed.splitlines()[-1].strip() == command
    assert f"#   {command}\n" in (tmp_path / "my own.yaml").read_text()


def test_two_studies_of_other_data_have_two_names(tmp_path):
    for place in ("a", "b"):
        fill(tmp_path / place / "photos", 12)
    assert new("a/photos", output="a.yaml")[1].scale == "photos"
    refused = run("study", "new", "b/photos", "--output", "b.yaml")
    line = refused.stderr.splitlines()[-1]
    assert line.startswith("error: a.yaml: is of a study of other data that is called 'photos', too")
    assert line.endswith("give this one another name with --name")
    assert not (tmp_path / "b.yaml").exists()
    assert new("b/photos", "--name", "more", output="b.yaml")[1].scale == "more"


def test_a_study_whose_results_are_here_has_its_name(tmp_path):
    for place in ("a", "b"):
        fill(tmp_path / place / "photos", 12)
    new("a/photos", output="a.yaml")
    made = "results/photos/datasets/photos.safetensors"
    assert run("datasets", "split", "--task", "photos", "--output", made, "--configfile", "a.yaml").exit_code == 0
    (tmp_path / "a.yaml").unlink()
    refused = run("study", "new", "b/photos", "--output", "b.yaml")
    assert refused.stderr.splitlines()[-1].startswith(f"error: {made}: is of a study of other data")
    new("a/photos", "--size", 8, 8, output="a.yaml")


def test_a_study_is_written_again_beside_itself(tmp_path):
    fill(tmp_path / "photos", 12)
    new("photos", output="a.yaml")
    for data in ("./photos", tmp_path / "photos"):
        assert new(data, "--size", 8, 8, output="b.yaml")[1].scale == "photos"
        (tmp_path / "b.yaml").unlink()


@pytest.mark.parametrize("name", ["paper", "quick", "again", "datasets"])
def test_a_study_is_not_named_as_other_results_are(tmp_path, name):
    fill(tmp_path / name, 12)
    refused = run("study", "new", name, "--output", "own.yaml", "--name", name)
    check_one_line(refused, f"--name {name}: results/{name}/ has other results than those of a study; give another")
    assert not (tmp_path / "own.yaml").exists()
    assert new(name)[1].scale == f"{name}-study"


def test_scales_of_the_paper_are_names_that_no_study_has(root):
    scales = {yaml.safe_load(path.read_text()).get("scale") for path in (root / "config").glob("*.yaml")}
    assert scales - {None} <= {*names.TAKEN}


@pytest.mark.parametrize(
    ("path", "name"), [("Photos/", "photos"), ("2024 Äpfel", "data-2024-pfel"), ("quick", "quick-study"), ("_", "data")]
)
def test_names_follow_paths(tmp_path, path, name):
    assert names.slug(tmp_path / path) == name
