"""Data sets that a function of a user's own returns."""

import sys

import numpy as np
import pytest
from own_data import CLASSES, entry, refused, split

from aann.datasets import sources

HEAD = "import sys\nsys.path.insert(0, {tests!r})\nfrom own_data import arrays\n\n\ndef load():\n"


@pytest.fixture
def written(tmp_path, monkeypatch, root):
    """Write a module with the body of a function in the working folder, and return the function's name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(body, name="my_data"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (tmp_path / f"{name}.py").write_text(HEAD.format(tests=str(root / "tests")) + f"    {body}\n")
        return f"{name}:load"

    yield write
    sys.modules.pop("my_data", None)


def test_what_it_returns_is_split_or_has_splits(written):
    made, described = split("function", function=written("return arrays(30)"))
    assert (sum(map(len, made.values())), described["counts"]) == (30, {"images": 30})
    made, _ = split("function", function=written("return {'train': arrays(30), 'test': arrays(6)}"))
    assert (len(made["train"]), len(made["validation"]), len(made["test"])) == (27, 3, 6)


def test_its_file_is_an_input(written):
    data = entry("function", function=written("return arrays(30)"))
    assert [str(path) for path in sources.files(data, None)] == ["my_data.py"]
    assert sources.files(entry("function", function="numpy:zeros"), None) == []


def test_labels_may_be_names_in_an_array_of_objects(written):
    body = "images, labels = arrays(30); return images, pandas.Series(['apple', 'pear', 'plum'] * 10, dtype=object)"
    made, described = split("function", function=written(f"import pandas; {body}"))
    assert described["classes"] == CLASSES
    assert np.bincount(made["train"].labels).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "my_data:load: returns a NoneType for train; expected images and labels, or"),
        ("return arrays(30)[0]", "my_data:load: returns a ndarray for train; expected"),
        ("return {'train': arrays(30), 'testing': arrays(6)}", "my_data:load: returns 'train', 'testing'; expected"),
        ("return {'test': arrays(6)}", "my_data:load: returns 'test'; expected"),
        ("return arrays(30)[0], [[1], [1, 2]]", "my_data:load: train labels: are no array ("),
        ("return 'images', 'labels'", "my_data:load: train images: have type <U6, expected numbers"),
        ("return arrays(30)[0], [None] * 30", "my_data:load: train labels: have shape (30,) and type object"),
        (
            "return arrays(30)[0], ['apple', None] * 15",
            "train labels: have shape (30,) and type object, expected a whole",
        ),
        ("raise OSError('no\\ndisk')", "my_data:load: failed (OSError: no disk)"),
    ],
)
def test_what_returns_other_things_or_fails_is_named(written, body, message):
    refused("function", message, function=written(body))


def test_a_function_that_is_not_there_is_named(written):
    written("return arrays(30)")
    refused("function", "my_data:read: module 'my_data' has no function 'read'", function="my_data:read")
    refused("function", "no_data:load: there is no module 'no_data' here (", function="no_data:load")


def test_lists_are_arrays(written):
    made, _ = split(
        "function", function=written("images, labels = arrays(30); return images.tolist(), labels.tolist()")
    )
    assert made["train"].images.dtype == np.uint8
