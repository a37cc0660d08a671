"""Data sets of users' own that tests make: pictures of classes that differ, and entries that read them."""

import os
from pathlib import Path

import numpy as np
import pytest
from commands import lacks
from PIL import Image

from aann.datasets import sources
from aann.datasets.archives import MIRROR_VARIABLE
from aann.errors import InputError
from aann.settings.study import validate

SIZE = (12, 10)
CLASSES = ["apple", "pear", "plum"]


def pixels(label, seed, size=SIZE):
    """Return a grey picture, bright where its class says."""
    image = np.random.default_rng([label, seed]).integers(0, 100, size).astype(np.uint8)
    image[:, label * size[1] // 3 : (label + 1) * size[1] // 3] += 150
    return image


def arrays(count):
    """Return so many pictures, and their labels."""
    labels = np.arange(count) % 3
    return np.stack([pixels(label, seed) for seed, label in enumerate(labels)]), labels


def fill(folder, count, first=0, classes=CLASSES, ending="png"):
    """Write so many pictures of each class into folders."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for seed in range(first, first + count):
            Image.fromarray(pixels(label, seed)).save(folder / name / f"{seed}.{ending}")


def entry(kind, **values):
    """Return the validated entry of a data set."""
    given = {"kind": kind, "size": list(SIZE), "channels": 1, "classes": CLASSES} | values
    network = {"input_shape": [1, 1, 1], "layers": [{"type": "dense", "name": "fc", "units": 2}]}
    task = {"dataset": "digits", "network": "one"}
    digits = {"input_shape": [1, 28, 28], "layers": [{"type": "dense", "name": "fc", "units": 10}]}
    study = {
        "scale": "own",
        "datasets": {"own": given, "digits": {"kind": "digits"}},
        "networks": {"one": network | digits},
        "tasks": {"digits": task},
    }
    return validate(study).datasets["own"]


def split(kind, **values):
    """Return the splits of a data set, and their description."""
    return sources.split("own", entry(kind, **values), Path())


def refused(kind, *messages, **values):
    """Check that a data set is refused with one line that holds messages."""
    with pytest.raises(InputError) as error:
        split(kind, **values)
    line = str(error.value)
    assert "\n" not in line
    assert "delete" not in line
    for message in messages:
        assert message in line, line


@pytest.fixture(scope="session")
def real_data(data_mirror):
    """The folder that holds sign-digits and cifar10; its absence is a failure in CI, and a skip elsewhere."""
    folder = Path(os.environ[MIRROR_VARIABLE])
    if (folder / "sign-digits").is_dir() and (folder / "cifar10").is_dir():
        return folder
    return lacks(f"{folder} holds no sign-digits/ and cifar10/")
