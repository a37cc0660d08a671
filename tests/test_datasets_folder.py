"""Data sets that are folders of images."""

import json
import shutil

import numpy as np
import pytest
from commands import check_one_line, run
from own_data import CLASSES, SIZE, entry, fill, pixels, refused, split
from PIL import Image

from aann.artifacts import read_arrays
from aann.datasets import contents, pictures, sources, splits


def test_every_image_has_its_pixels_and_its_class(tmp_path):
    fill(tmp_path / "fruit", 10)
    made, described = split("folder", folder=str(tmp_path / "fruit"))
    expected = {pixels(label, seed).tobytes(): label for label in range(3) for seed in range(10)}
    pairs = [pair for part in made.values() for pair in zip(part.images, part.labels, strict=True)]
    found = {image.tobytes(): label for image, label in pairs}
    assert found == expected
    assert {name: np.bincount(part.labels).tolist() for name, part in made.items()} == {
        "train": [7, 7, 7],
        "validation": [1, 1, 1],
        "test": [2, 2, 2],
    }
    assert described == {
        "classes": CLASSES,
        "input": {"size": list(SIZE), "channels": 1, "centered": False, "fit": "crop"},
        "counts": {"images": 30, "passed_over": 0, "unreadable": 0},
    }


def test_shares_are_of_each_class(tmp_path):
    fill(tmp_path, 40, classes=["apple", "pear"])
    fill(tmp_path, 10, classes=["plum"])
    made, _ = split("folder", folder=str(tmp_path), test_share=0.3, validation_share=0.5)
    assert np.bincount(made["test"].labels).tolist() == [12, 12, 3]
    assert np.bincount(made["validation"].labels).tolist() == [14, 14, 4]


@pytest.mark.parametrize(
    "names",
    [
        ("train", "validation", "test"),
        ("train", "val", "test"),
        ("Train", "Valid", "TEST"),
        ("training", "validation", "testing"),
    ],
)
def test_splits_of_a_folder_are_its_own(tmp_path, names):
    for part, first, count in zip(names, (0, 5, 7), (5, 2, 3), strict=True):
        fill(tmp_path / part, count, first)
    made, _ = split("folder", folder=str(tmp_path))
    assert {part: len(images) for part, images in made.items()} == {"train": 15, "validation": 6, "test": 9}
    assert np.array_equal(made["test"].images[0, 0], pixels(0, 7))


def test_a_class_may_be_called_as_a_split_is(tmp_path):
    fill(tmp_path, 5, classes=["bus", "train", "test"])
    assert split("folder", folder=str(tmp_path), classes=3)[1]["classes"] == ["bus", "test", "train"]


def test_numbers_are_ordered_by_value_and_names_as_the_settings_say(tmp_path):
    fill(tmp_path / "numbers", 5, classes=["10", "9", "1"])
    assert split("folder", folder=str(tmp_path / "numbers"), classes=3)[1]["classes"] == ["1", "9", "10"]
    fill(tmp_path / "names", 5)
    turned = CLASSES[::-1]
    made, described = split("folder", folder=str(tmp_path / "names"), classes=turned)
    assert described["classes"] == turned
    assert made["test"].images[made["test"].labels == 2].tobytes()[:120] in {pixels(0, s).tobytes() for s in range(5)}


def test_other_files_are_passed_over_and_counted(tmp_path):
    fill(tmp_path, 5)
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "apple/notes.txt").write_text("good")
    (tmp_path / "apple/.0.png").write_bytes(b"hidden")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/x.png").write_bytes(b"hidden")
    (tmp_path / "pear/more").mkdir()
    shutil.move(tmp_path / "pear/4.png", tmp_path / "pear/more/4.PNG")
    made, described = split("folder", folder=str(tmp_path))
    assert described["counts"] == {"images": 15, "passed_over": 3, "unreadable": 0}
    assert sum(map(len, made.values())) == 15


# --- pictures ---------------------------------------------------------------------------------------------------------


def seen(path, **values):
    return pictures.read(path, entry("folder", folder="x", **values))


@pytest.mark.parametrize("ending", ["png", "bmp", "webp", "jpg", "JPEG"])
def test_formats_are_read(tmp_path, ending):
    image = Image.fromarray(np.repeat(np.repeat(pixels(1, 0, (3, 3)), 4, 0), 4, 1))
    image.save(tmp_path / f"x.{ending}", lossless=True, quality=100)
    found = seen(tmp_path / f"x.{ending}", size=[12, 12])
    assert (found.shape, found.dtype) == ((1, 12, 12), np.uint8)
    assert np.abs(found[0].astype(int) - np.asarray(image)).max() <= (12 if "j" in ending.lower() else 2)


def modes():
    random = np.random.default_rng(0)
    color = random.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    grey = random.integers(0, 256, SIZE).astype(np.uint8)
    alpha = np.where(np.arange(SIZE[1]) < 5, 0, 255).astype(np.uint8) * np.ones(SIZE, np.uint8)
    on_white = np.where(alpha[..., None] == 255, color, 255)
    palette = Image.fromarray(grey).convert("P")
    deep = grey.astype(np.uint16) * 257
    partly = Image.fromarray(deep)
    partly.info["transparency"] = int(deep[0, 0])
    return {
        "grey": (Image.fromarray(grey), np.repeat(grey[..., None], 3, 2)),
        "color": (Image.fromarray(color), color),
        "alpha": (Image.fromarray(np.dstack([color, alpha])), on_white),
        "grey and alpha": (
            Image.fromarray(np.dstack([grey, alpha])),
            np.repeat(np.where(alpha == 255, grey, 255)[..., None], 3, 2),
        ),
        "palette": (palette, np.asarray(palette.convert("RGB"))),
        "16 bits": (Image.fromarray(deep), np.repeat(grey[..., None], 3, 2)),
        "16 bits, one transparent": (partly, np.repeat(np.where(grey == grey[0, 0], 255, grey)[..., None], 3, 2)),
        "bits": (Image.fromarray(grey > 128), np.repeat(np.where(grey > 128, 255, 0)[..., None], 3, 2)),
    }


@pytest.mark.parametrize("mode", modes())
def test_modes_become_grey_or_color(tmp_path, mode):
    image, expected = modes()[mode]
    image.save(tmp_path / "x.png")
    assert np.array_equal(seen(tmp_path / "x.png", channels=3), expected.transpose(2, 0, 1))
    grey = np.asarray(Image.fromarray(expected.astype(np.uint8)).convert("L"))
    assert np.abs(seen(tmp_path / "x.png")[0].astype(int) - grey).max() <= 1


def test_a_photograph_is_turned_as_its_exif_data_say(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was turned by 90 degrees
    Image.fromarray(np.rot90(pixels(2, 0))).save(tmp_path / "x.png", exif=turned)
    assert np.array_equal(seen(tmp_path / "x.png")[0], pixels(2, 0))


def test_an_image_of_another_shape_keeps_its_middle_gets_black_beside_it_or_is_stretched(tmp_path):
    wide = np.full((20, 60), 100, np.uint8)
    wide[:, 20:40] = 200
    Image.fromarray(wide).save(tmp_path / "x.png")
    crop, pad, stretch = (
        seen(tmp_path / "x.png", size=[10, 10], fit=fit)[0].astype(int) for fit in ("crop", "pad", "stretch")
    )
    assert np.abs(crop - 200).max() < 10
    assert (pad[:3] == 0).all() and (pad[7:] == 0).all() and pad[5].min() >= 90
    assert stretch[0, 0] == stretch[9, 9] == 100 and abs(stretch[5, 5] - 200) < 8


def test_shrinking_takes_all_pixels_into_account(tmp_path):
    board = (np.indices((96, 80)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "x.png")
    assert np.abs(seen(tmp_path / "x.png").astype(int) - 128).max() < 12


def test_centered_images_are_less_by_128(tmp_path):
    fill(tmp_path, 5)
    plain, _ = split("folder", folder=str(tmp_path))
    moved, described = split("folder", folder=str(tmp_path), centered=True)
    assert moved["train"].images.dtype == np.int8
    assert np.array_equal(moved["train"].images.astype(int), plain["train"].images.astype(int) - 128)
    assert described["input"]["centered"]
    data = entry("folder", folder="x", centered=True)
    assert (data.signed, data.largest) == (True, 128)


# --- what is wrong ----------------------------------------------------------------------------------------------------


def test_a_damaged_image_is_named_or_skipped_and_counted(tmp_path, capsys):
    fill(tmp_path, 6, ending="jpg")
    damaged = tmp_path / "pear/3.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    (tmp_path / "plum/2.jpg").write_bytes(b"no image")
    refused("folder", f"{damaged}: cannot be read as an image (", "skip_unreadable: true", folder=str(tmp_path))
    made, described = split("folder", folder=str(tmp_path), skip_unreadable=True)
    assert described["counts"] == {"images": 16, "passed_over": 0, "unreadable": 2}
    assert "warning: datasets.own: 2 images cannot be read; skipped" in capsys.readouterr().err
    assert sum(map(len, made.values())) == 16


def test_folders_without_what_is_needed_are_refused(tmp_path):
    place = str(tmp_path / "x")
    refused("folder", f"{place}: cannot be read (No such file or directory); expected a sub-folder", folder=place)
    (tmp_path / "x").mkdir()
    refused("folder", f"{place}: holds no folders; expected a sub-folder for each class", folder=place)
    fill(tmp_path / "x", 5, classes=["apple"])
    known = "datasets.own: classes: the data have 1 classes (apple), the setting has apple, pear, plum"
    refused("folder", known, folder=place)
    fill(tmp_path / "x", 5, classes=["pear"])
    (tmp_path / "x/plum").mkdir()
    refused("folder", f"{place}: class 'plum' has no train images", "PNG", folder=place)
    shutil.copy(tmp_path / "x/pear/0.png", tmp_path / "x/plum/0.png")
    refused("folder", "datasets.own: test_share: 0.2 of the images need 1 of class 'plum', which has 1", folder=place)
    refused("folder", "the data have 3 classes (apple, pear, plum), the setting has 4", folder=place, classes=4)


def test_a_class_that_is_only_tested_is_refused(tmp_path):
    fill(tmp_path / "train", 5)
    fill(tmp_path / "test", 5, 5, classes=[*CLASSES, "quince"])
    refused("folder", "class 'quince' has test images and no training images", folder=str(tmp_path))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("test", "val"), ": has folders of splits (test, val), and none of training images; expected train beside"),
        (("Testing",), ": has folders of splits (Testing), and none of training images; expected train beside"),
        (("Test", "Train", "extra"), ": has folders of splits (Test, Train) beside others (extra); expected only"),
        (("more", "train"), ": has folders of splits (train) beside others (more); expected only train, validation"),
        (("Train", "training"), ": has two folders of train images; put them into one"),
    ],
)
def test_folders_of_splits_are_never_classes(tmp_path, names, message):
    for first, part in enumerate(names):
        fill(tmp_path / part, 5, 5 * first)
    refused("folder", f"{tmp_path}{message}", folder=str(tmp_path), classes=2)


def test_images_that_are_in_two_splits_are_counted(tmp_path, capsys):
    fill(tmp_path / "train", 5)
    fill(tmp_path / "test", 3, first=3)
    _, described = split("folder", folder=str(tmp_path))
    assert described["counts"]["repeated_in_test"] == 6
    assert "warning: datasets.own: 6 of 9 test images are in an earlier split, too" in capsys.readouterr().err


def test_a_size_beyond_memory_is_refused(tmp_path):
    data = entry("folder", folder="x", size=[4096, 4096])
    with pytest.raises(
        sources.InputError, match=r"^1000000000000 images of 1 x 4096 x 4096 do not fit into memory; cho"
    ):
        pictures.room(10**12, data)


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_the_hash_of_a_folder_is_of_names_and_contents_and_of_no_times(tmp_path):
    fill(tmp_path / "one", 3)
    data, memory = entry("folder", folder=str(tmp_path / "one")), tmp_path / "memory/contents.json"
    first = sources.content(data, memory)
    assert first == sources.content(data)
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    assert sources.content(entry("folder", folder=str(tmp_path / "two")), memory) == first
    (tmp_path / "one/notes.txt").write_text("passed over")
    assert sources.content(data, memory) == first
    (tmp_path / "one/apple/0.png").rename(tmp_path / "one/apple/7.png")
    renamed = sources.content(data, memory)
    Image.fromarray(pixels(0, 9)).save(tmp_path / "one/apple/7.png")
    assert len({first, renamed, sources.content(data, memory), sources.content(data)}) == 3
    assert sources.content(entry("folder", folder=str(tmp_path / "none"))) == ""


def test_only_what_looks_changed_is_read_again(tmp_path, monkeypatch):
    fill(tmp_path / "one", 3)
    data, memory = entry("folder", folder=str(tmp_path / "one")), tmp_path / "contents.json"
    first = sources.content(data, memory)
    monkeypatch.setattr(contents, "_sha256", lambda path: pytest.fail(f"{path} was read"))
    assert sources.content(data, memory) == first
    memory.write_text("[damaged")
    with pytest.raises(BaseException, match="was read"):
        sources.content(data, memory)


def test_the_command_records_what_it_read(tmp_path, root):
    fill(tmp_path / "fruit", 5)
    network = {"input_shape": [1, *SIZE], "layers": [{"type": "dense", "name": "fc", "units": 3}]}
    study = {
        "scale": "fruit",
        "datasets": {"fruit": {"kind": "folder", "folder": str(tmp_path / "fruit"), "size": SIZE, "channels": 1}},
        "networks": {"one": network},
        "tasks": {"fruit": {"dataset": "fruit", "network": "one"}},
    }
    study["datasets"]["fruit"]["classes"] = CLASSES
    command = ("datasets", "split", "--task", "fruit", "--output", tmp_path / "fruit.safetensors", "--settings")
    result = run(*command, json.dumps(study))
    assert result.exit_code == 0, result.output
    metadata = read_arrays(tmp_path / "fruit.safetensors")[1]
    assert metadata["provenance"]["content"] == sources.content(entry("folder", folder=str(tmp_path / "fruit")))
    assert metadata["data"]["classes"] == CLASSES
    assert len(splits.load(tmp_path / "fruit.safetensors")["train"]) == 9
    study["networks"]["one"]["input_shape"] = [1, 10, 12]
    expected = "tasks.fruit.network: 'one' does not fit 'fruit'; expected input_shape [1, 12, 10] and a last layer of 3"
    check_one_line(run(*command, json.dumps(study)), expected)


def test_real_photographs_are_read(real_data, tmp_path):
    made, described = split("folder", folder=str(real_data / "sign-digits"), size=[32, 32], channels=3, classes=10)
    assert sum(map(len, made.values())) == described["counts"]["images"] == 2062
    assert described["classes"] == [str(number) for number in range(10)]
    first = min((real_data / "sign-digits/0").iterdir())
    expected = np.asarray(Image.open(first).resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    found = np.concatenate([part.images for part in made.values()])
    assert any(np.array_equal(image, expected) for image in found)
