"""Data sets of torchvision."""

import gzip
from typing import Literal

import numpy as np
import pytest
from own_data import arrays, entry, refused, split
from PIL import Image
from torchvision import datasets

from aann.datasets import sources


class Fruit:
    """A data set as torchvision has them, for training and for testing."""

    classes = ("none", "apple", "pear", "plum")

    def __init__(self, root, train=True, download=False, ripe=True):
        self.images, labels = arrays(30 if train else 9)
        self.labels = labels + 1  # as EMNIST's letters, where no image is of class 0
        if root == "nowhere" and not download:
            raise RuntimeError("Dataset not found.\nYou can use download=True to download it")

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return Image.fromarray(self.images[index]), int(self.labels[index])


class InSplits(Fruit):
    """The same with names of splits."""

    def __init__(self, root, split: Literal["train", "val", "test"] = "train"):
        super().__init__(root, split == "train")


class Boxes(Fruit):
    """Its items are no classes."""

    def __getitem__(self, index):
        return Image.fromarray(self.images[index]), {"box": 1}


@pytest.fixture(autouse=True)
def made_up(monkeypatch):
    for made in (Fruit, InSplits, Boxes):
        monkeypatch.setattr(datasets, made.__name__, made, raising=False)


def test_its_splits_are_read_and_classes_without_images_left_out():
    made, described = split("torchvision", dataset="Fruit", root="x", classes=3)
    images, labels = arrays(9)
    assert np.array_equal(made["test"].images[:, 0], images)
    assert np.array_equal(made["test"].labels, labels)
    assert described["classes"] == ["apple", "pear", "plum"]
    assert (len(made["train"]), len(made["validation"])) == (27, 3)


def test_splits_that_have_names_are_found():
    made, _ = split("torchvision", dataset="InSplits", root="x", classes=3)
    assert {name: len(part) for name, part in made.items()} == {"train": 30, "validation": 9, "test": 9}


def test_what_is_wrong_is_named():
    given = {"classes": 3, "root": "x"}
    refused(
        "torchvision",
        "torchvision.datasets.Fruits: there is no such class; expected one such",
        dataset="Fruits",
        **given,
    )
    refused(
        "torchvision",
        "torchvision.datasets.Fruit: takes no 'raw'; it takes root, train",
        dataset="Fruit",
        options={"raw": 1},
        **given,
    )
    refused("torchvision", "Boxes: item 0 has no class (", dataset="Boxes", **given)
    expected = "Fruit: cannot be read from nowhere (Dataset not found. You can use download=True to download it); name"
    refused("torchvision", expected, dataset="Fruit", classes=3, root="nowhere")
    assert split("torchvision", dataset="Fruit", classes=3, root="nowhere", download=True, options={"ripe": False})


def test_real_mnist_is_that_of_the_archives(real_data, tmp_path):
    (tmp_path / "MNIST/raw").mkdir(parents=True)
    for archive in (real_data / "mnist").iterdir():
        (tmp_path / "MNIST/raw" / archive.stem).write_bytes(gzip.decompress(archive.read_bytes()))
    made, described = split("torchvision", dataset="MNIST", root=str(tmp_path), size=[28, 28], classes=10)
    assert (len(made["test"]), described["counts"]["images"]) == (10_000, 70_000)
    assert made["test"].labels[:5].tolist() == [7, 2, 1, 0, 4]
    data = entry("torchvision", dataset="MNIST", root=str(tmp_path))
    assert len(sources.content(data)) == 64
    assert sources.content(data.model_copy(update={"download": True})) == ""
