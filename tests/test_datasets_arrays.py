"""Data sets that are arrays of NumPy."""

import zipfile

import numpy as np
import pytest
from own_data import CLASSES, SIZE, arrays, entry, refused, split

from aann.errors import InputError


class Touched:
    """What a pickle would make."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def saved(path, **named):
    np.savez(path, **named)
    return {"file": str(path)}


def whole(made):
    """Return all images by their content, with their labels."""
    pairs = [pair for part in made.values() for pair in zip(part.images, part.labels, strict=True)]
    return {image.tobytes(): label for image, label in pairs}


EXPECTED = {image.tobytes(): label for image, label in zip(*arrays(30), strict=True)}


@pytest.mark.parametrize(
    "names",
    [
        ("images", "labels"),
        ("x", "y"),
        ("X", "Y"),
        ("data", "target"),
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
    ],
)
def test_usual_names_are_found(tmp_path, names):
    images, labels = arrays(30)
    made, described = split("arrays", **saved(tmp_path / "x.npz", **dict(zip(names, (images, labels), strict=True))))
    assert whole(made) == EXPECTED
    assert described["counts"] == {"images": 30}
    assert described["classes"] == CLASSES


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "testing")])
def test_splits_of_a_file_are_its_own(tmp_path, train, test):
    images, labels = arrays(30)
    parts = {f"x_{train}": images[:15], f"y_{train}": labels[:15], f"x_{test}": images[24:], f"y_{test}": labels[24:]}
    given = saved(tmp_path / "x.npz", **parts, x_val=images[15:24], y_val=labels[15:24])
    made, _ = split("arrays", **given)
    assert np.array_equal(made["test"].images[:, 0], images[24:])
    assert np.array_equal(made["validation"].labels, labels[15:24])
    assert len(made["train"]) == 15


def test_other_names_are_in_the_settings(tmp_path):
    images, labels = arrays(30)
    given = saved(tmp_path / "x.npz", fruit=images, kind=labels, other=np.zeros(3))
    refused("arrays", "x.npz: holds fruit, kind, other; expected images and labels, x_train and y_train", **given)
    made, _ = split("arrays", pairs={"train": {"images": "fruit", "labels": "kind"}}, **given)
    assert whole(made) == EXPECTED
    absent = {"train": {"images": "fruits", "labels": "kind"}}
    refused("arrays", "x.npz: has no array 'fruits' of pairs.train; it has fruit, kind", pairs=absent, **given)


def test_pairs_of_files_are_read(tmp_path):
    images, labels = arrays(30)
    for name, array in {"a": images[:24], "b": labels[:24], "c": images[24:], "d": labels[24:]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    pairs = {
        part: {"images": f"{tmp_path}/{one}.npy", "labels": f"{tmp_path}/{other}.npy"}
        for part, one, other in (("train", "a", "b"), ("test", "c", "d"))
    }
    made, _ = split("arrays", pairs=pairs)
    assert np.array_equal(made["test"].images[:, 0], images[24:])
    assert len(entry("arrays", pairs=pairs).places) == 4


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images[..., None],
        lambda images: images[:, None],
        lambda images: images / 255,
        lambda images: (images / 255).astype(np.float32),
        lambda images: images.astype(float),
        lambda images: images.astype(np.int64),
        lambda images: images.astype(np.uint16) * 257,
        lambda images: np.repeat(images[..., None], 3, 3),
        lambda images: np.repeat(images[:, None], 3, 1),
        lambda images: np.concatenate(
            [np.repeat(images[..., None], 3, 3), np.full((*images.shape, 1), 255, np.uint8)], 3
        ),
    ],
)
def test_all_ways_of_keeping_images_give_the_same(tmp_path, change):
    images, labels = arrays(30)
    made, _ = split("arrays", **saved(tmp_path / "x.npz", images=change(images), labels=labels))
    assert whole(made) == EXPECTED


@pytest.mark.parametrize(
    "change",
    [
        lambda labels: labels[:, None],
        lambda labels: labels.astype(float),
        lambda labels: labels.astype(np.uint8),
        lambda labels: np.array(CLASSES)[labels],
    ],
)
def test_all_ways_of_keeping_labels_give_the_same(tmp_path, change):
    images, labels = arrays(30)
    made, described = split("arrays", **saved(tmp_path / "x.npz", images=images, labels=change(labels)))
    assert whole(made) == EXPECTED
    assert described["classes"] == CLASSES


def test_images_of_another_size_are_resized_and_colored(tmp_path):
    images = np.full((30, 24, 20, 3), 200, np.uint8)
    made, _ = split("arrays", **saved(tmp_path / "x.npz", images=images, labels=arrays(30)[1]), channels=3)
    assert made["train"].images.shape[1:] == (3, *SIZE)
    assert (made["train"].images == 200).all()
    grey = saved(tmp_path / "y.npz", images=arrays(30)[0], labels=arrays(30)[1])
    made, _ = split("arrays", **grey, channels=3, centered=True)
    assert made["train"].images.dtype == np.int8
    assert np.array_equal(made["train"].images[:, 0], made["train"].images[:, 2])


def test_axes_of_which_two_could_be_channels_are_named_in_the_settings(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (30, 3, 10, 3)).astype(np.uint8)
    given = saved(tmp_path / "x.npz", images=images, labels=arrays(30)[1]) | {"size": [3, 10], "channels": 3}
    refused("arrays", "have shape (30, 3, 10, 3); say where the channels are with axis: first or last", **given)
    made, _ = split("arrays", axis="last", **given)
    assert {image.tobytes() for part in made.values() for image in part.images} == {
        image.transpose(2, 0, 1).tobytes() for image in images
    }
    given |= saved(tmp_path / "x.npz", images=np.repeat(images, 2, axis=3), labels=arrays(30)[1])
    refused("arrays", "4 with 1, 3 or 4 channels after height and width, as axis says", axis="last", **given)


def in_splits(path, train, test):
    """Return the entry of a file with two splits; labels are those of ``arrays``."""
    labels = arrays(30)[1]
    return saved(path, x_train=train, y_train=labels[: len(train)], x_test=test, y_test=labels[: len(test)])


@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda images: images // 50, 1),
        (lambda images: images * 0, 0),
        (lambda images: images.astype(np.float32), 200),
        (lambda images: images.astype(np.int64) // 2, 100),
    ],
)
def test_splits_of_one_scale_may_be_dark_or_of_other_types(tmp_path, change, least):
    images, _ = arrays(30)
    made, _ = split("arrays", **in_splits(tmp_path / "x.npz", images, change(images)))
    assert np.array_equal(made["test"].images[:, 0], change(images).astype(np.uint8))
    assert made["test"].images.max() >= least


@pytest.mark.parametrize("brightest", [0.6, 0.98, 1.001])
def test_fractions_need_not_reach_1_and_may_be_rounded_beyond_it(tmp_path, brightest):
    images = arrays(30)[0] / arrays(30)[0].max()
    made, _ = split("arrays", **in_splits(tmp_path / "x.npz", images, images * brightest))
    assert np.array_equal(made["test"].images[:, 0], np.rint(images * brightest * 255).astype(np.uint8))


def test_dark_images_of_16_bits_have_the_scale_of_bright_ones(tmp_path):
    images = arrays(30)[0].astype(np.uint16)
    made, _ = split("arrays", **in_splits(tmp_path / "x.npz", images * 257, images * 20))
    assert np.array_equal(made["test"].images[:, 0], np.rint(images * 20 / 257).astype(np.uint8))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("changes", "ranges"),
    [
        (
            (lambda x: x, lambda x: x / 255),
            ("(uint8) hold numbers from 0 to 249", "(float64) hold numbers from 0 to 0"),
        ),
        (
            (lambda x: x, lambda x: x.astype(np.uint16) * 257),
            ("(uint8) hold numbers from 0 to 249", "(uint16) hold numbers from 0 to 63993"),
        ),
        (
            (lambda x: x * 1.0, lambda x: x / 249),
            ("(float64) hold numbers from 0 to 249", "(float64) hold numbers from 0 to 1"),
        ),
    ],
)
def test_splits_of_two_scales_are_refused(tmp_path, changes, ranges, order):
    images = arrays(30)[0]
    given = in_splits(tmp_path / "x.npz", *(changes[index](images) for index in order))
    train, test = (ranges[index] for index in order)
    expected = "; expected one scale in all splits, so multiply or divide one of them (0 to 1, 0 to 255, or whole"
    refused("arrays", f"x.npz: train images {train}", f", and test images {test}", expected, **given)


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, labels: (images, labels[:-1]), "has 29 train labels for 30 images"),
        (lambda images, labels: (images, labels - 1), "train labels: hold -1; expected 0, 1, 2, ..."),
        (lambda images, labels: (images, labels + 0.5), "train labels: are no whole numbers; expected 0, 1, 2"),
        (lambda images, labels: (images, labels * np.nan), "train labels: are no whole numbers"),
        (
            lambda images, labels: (images, np.eye(3)[labels]),
            "train labels: have shape (30, 3), as if one-hot; give the",
        ),
        (
            lambda images, labels: (images, labels + 1),
            "datasets.own: classes: the train labels are 1 to 3, expected 0 to 2",
        ),
        (
            lambda images, labels: (images, labels // 2 * 2),
            "no training image is of class 1 ('pear'); expected some of",
        ),
        (
            lambda images, labels: (images, np.array(["kiwi", *CLASSES])[labels]),
            "datasets.own: classes: the data have 3",
        ),
        (lambda images, labels: (images, labels + 10_000), "train labels: hold 10002; expected numbers below 10000,"),
        (lambda images, labels: (images, labels * 1e300), "train labels: hold 2e+300; expected numbers below 10000"),
        (
            lambda images, labels: (images, labels.astype(np.uint64) + np.uint64(2**63)),
            "train labels: hold 9223372036854775810; expected numbers below 10000, since there are no more classes; "
            "number the classes 0, 1, 2, ...",
        ),
        (lambda images, labels: (images, labels * 1j), "type complex128, expected a whole number an image"),
        (lambda images, labels: (images / np.nan, labels), "images hold NaN; expected numbers from 0 to 1, or"),
        (lambda images, labels: (images / 100, labels), "ok"),
        (lambda images, labels: (images * 2.0, labels), "images hold numbers from 0 to 498; expected 0 to 1, 0 to 255"),
        (lambda images, labels: (images / 127 - 1, labels), "images hold numbers from -1 to"),
        (lambda images, labels: (images.astype(str), labels), "train images: have type <U3, expected numbers"),
        (
            lambda images, labels: (images.reshape(30, -1), labels),
            "have shape (30, 120), expected (images, height, width)",
        ),
        (lambda images, labels: (images[:0], labels[:0]), "have shape (0, 12, 10), expected"),
        (lambda images, labels: (images[:, None, None], labels), "expected 3 axes, or 4 with 1, 3 or 4 channel"),
        (lambda images, labels: (images.reshape(30, 2, 6, 10), labels), "expected 3 axes, or 4 with 1, 3 or 4 cha"),
    ],
)
def test_what_is_no_image_or_label_is_named(tmp_path, change, message):
    images, labels = change(*arrays(30))
    given = saved(tmp_path / "x.npz", images=images, labels=labels)
    if message == "ok":
        assert split("arrays", **given)
    else:
        refused("arrays", "datasets.own" if message.startswith("datasets") else "", message, **given)


def test_objects_are_never_read(tmp_path):
    images, labels = arrays(30)
    objects = np.empty(30, object)
    objects[0] = Touched()
    given = saved(tmp_path / "x.npz", images=images, labels=objects)
    refused(
        "arrays", "x.npz: labels: cannot be read as an array of numbers (it holds Python objects, which are", **given
    )
    np.save(tmp_path / "x.npy", objects)
    np.save(tmp_path / "y.npy", labels)
    pairs = {"train": {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}}
    refused("arrays", "x.npy: cannot be read as an array of numbers (it holds Python objects", pairs=pairs)


def test_files_that_are_no_arrays_are_named(tmp_path):
    refused("arrays", "none.npz: there is no such file", file=str(tmp_path / "none.npz"))
    path = tmp_path / "x.npz"
    path.write_bytes(b"no archive")
    refused("arrays", f"{path}: cannot be read as an .npz file (File is not a zip file)", file=str(path))
    images, labels = arrays(30)
    np.savez(path, images=images, labels=labels)
    path.write_bytes(path.read_bytes()[:-900])
    refused("arrays", f"{path}: cannot be read as an .npz file", file=str(path))
    (tmp_path / "x.npy").write_bytes(b"no array")
    pairs = {"train": {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "x.npy")}}
    refused("arrays", "x.npy: cannot be read as an array of numbers", pairs=pairs)


@pytest.mark.parametrize("images", [10**15, 10**40])
def test_a_header_that_says_more_than_memory_holds_is_one_line(tmp_path, images):
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (images, 28, 28)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"abc")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.write(path, "images.npy")
        archive.write(path, "labels.npy")
    pairs = {"train": {"images": str(path), "labels": str(path)}}
    refused("arrays", f"{path}: cannot be read as an array of numbers (", pairs=pairs)
    refused("arrays", "x.npz: images: cannot be read as an array of numbers (", file=str(tmp_path / "x.npz"))


def test_an_entry_without_what_its_kind_needs_is_refused():
    with pytest.raises(InputError, match=r"'datasets\.own': expected file: an \.npz file, or pairs"):
        entry("arrays")
    with pytest.raises(InputError, match=r"setting 'datasets\.own\.size': Input should be a valid list"):
        entry("arrays", file="x.npz", size=None)
    with pytest.raises(InputError, match=r"'datasets\.own\.classes"):
        entry("arrays", file="x.npz", classes=1)
    with pytest.raises(InputError, match=r"unknown setting 'datasets\.own\.fil' \(did you mean 'file'\?\)"):
        entry("arrays", fil="x.npz")
