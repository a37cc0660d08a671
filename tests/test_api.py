"""What `import aann` offers, and the Python examples of the documentation."""

import doctest
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas
import pytest
from commands import run

import aann
from aann import checkpoints
from aann.datasets import splits
from aann.errors import InputError
from aann.evaluation import reference
from aann.networks import TernaryNetwork
from aann.sense.starts import random_network
from aann.settings import named
from aann.settings.families import WalkSettings
from aann.settings.sense import SearchSettings
from aann.swaps import neighborhood_size

RELEASED = "release/psiren/mnist/p90/seed0.safetensors.gz"
DOCUMENTS = ("README.md", "docs/python.md", "docs/families.md")
EACH_ALONE = "import json, sys\nfor example in json.loads(sys.argv[1]): exec(example, {'__name__': '__main__'})"


def examples(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_nothing_slow_is_imported_before_something_is_used(root):
    slow = {"numpy", "torch", "pandas", "click", "aann.api", "aann.builds.safeguards"}
    script = f"import sys, aann; print(*sorted({slow} & set(sys.modules)), dir(aann))"
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("[")
    assert all(f"'{name}'" in printed for name in aann.__all__)


def test_the_package_says_that_it_has_types_and_ships_what_says_so(root):
    shipped = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["aann"]
    found = {path.name for path in (root / "src/aann").iterdir() if path.is_file() and path.suffix != ".py"}
    assert "py.typed" in found
    assert found == {name for name in found if any(fnmatch(name, pattern) for pattern in shipped)}


def test_what_is_offered_is_there_and_documented():
    for name in aann.__all__:
        assert getattr(aann, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'load_netwrok'; it offers Evaluator, count_neighbors"):
        _ = aann.load_netwrok


def test_the_example_of_the_evaluator_is_true():
    found = doctest.DocTestFinder().find(aann.Evaluator, globs={})
    results = [doctest.DocTestRunner().run(one) for one in found if one.examples]
    assert [result.attempted > 5 and result.failed == 0 for result in results] == [True]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_examples_run_from_the_release_alone(root, tmp_path, data_mirror, document):
    shutil.copytree(root / "release/psiren", tmp_path / "release/psiren")
    shutil.copytree(root / "config", tmp_path / "config")
    mirror = data_mirror if "://" in data_mirror else str(Path(data_mirror).resolve())
    found = examples((root / document).read_text())
    assert found
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "AANN_DATA_MIRROR": mirror}
    command = [sys.executable, "-W", "error", "-c", EACH_ALONE, json.dumps(found)]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    printed = result.stdout
    assert "sparse" in printed or "count" in printed or "correct" in printed
    if document == "docs/python.md":
        assert "TernaryNetwork(layers=['1.0', '2.0', 'fc'], weights=28880, sparsity=90 %)" in printed
        assert "9823 of 10000" in printed


def test_every_document_with_examples_is_tested(root):
    with_examples = {path for path in (root / "docs").glob("*.md") if examples(path.read_text())}
    assert {str(path.relative_to(root)) for path in with_examples} | {"README.md"} == set(DOCUMENTS)


def test_images_are_those_of_a_build(root, tmp_path, monkeypatch):
    (tmp_path / "settings.yaml").write_text("tasks: {mnist: {dataset: digits}}\n")
    files = ("--configfile", root / "config/config.yaml", "--configfile", tmp_path / "settings.yaml")
    output = tmp_path / "data.safetensors"
    result = run("datasets", "split", "--task", "mnist", "--archives", tmp_path, "--output", output, *files)
    assert result.exit_code == 0, result.output
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    shutil.copy(root / "config/config.yaml", tmp_path / "config/config.yaml")
    made, read = aann.load_data("digits", tmp_path), splits.load(output)
    assert {name: part.sha256 for name, part in made.items()} == {name: part.sha256 for name, part in read.items()}


def test_a_released_network_loads_as_it_was_packed(root, tmp_path):
    unpacked = tmp_path / "seed0.safetensors"
    unpacked.write_bytes(gzip.decompress((root / RELEASED).read_bytes()))
    assert aann.load_network(root / RELEASED) == aann.load_network(unpacked)
    (tmp_path / "cut.safetensors.gz").write_bytes((root / RELEASED).read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cut\.safetensors\.gz: is not a whole gzip file; get it again"):
        aann.load_network(tmp_path / "cut.safetensors.gz")
    content = bytearray((root / RELEASED).read_bytes())
    for place in range(20, len(content), 97):
        flipped = content.copy()
        flipped[place] ^= 1
        (tmp_path / "flipped.safetensors.gz").write_bytes(flipped)
        with pytest.raises(InputError, match=r"^\S*flipped\.safetensors\.gz: is not a whole gzip file; get it again$"):
            aann.load_network(tmp_path / "flipped.safetensors.gz")
    (tmp_path / "other.safetensors.gz").write_bytes(gzip.compress(b"no network"))
    with pytest.raises(InputError, match=rf"^{tmp_path}/other\.safetensors\.gz: "):
        aann.load_network(tmp_path / "other.safetensors.gz")


def test_counts_and_predictions_are_those_of_the_reference(network, blobs):
    images = blobs(100, 0)
    expected = reference.predictions(network, images.images)
    assert np.array_equal(aann.predict(network, images.images), expected)
    assert aann.evaluate(network, images.images, images.labels) == (expected == images.labels).sum()


@pytest.mark.parametrize("amount", [10, None])
def test_neighbors_are_counted_exactly(network, blobs, amount):
    images = blobs(100, 0)
    found = aann.count_neighbors(network, "fc", images.images, images.labels, amount, seed=3)
    assert list(found) == ["from_index", "to_index", "sign", "correct"]
    assert len(found) == (amount or neighborhood_size(network.weights["fc"]))
    assert not found.duplicated(["from_index", "to_index"]).any()
    slow = reference.ReferenceEvaluator(network, images.images, images.labels)
    assert np.array_equal(found.correct, slow.correct_counts("fc", found.from_index, found.to_index))
    assert set(found.sign) <= {-1, 1}


def test_a_search_goes_on_from_its_checkpoint_and_finds_the_same(network, blobs, tmp_path):
    data = {"train": blobs(200, 0), "validation": blobs(80, 1), "test": blobs(80, 2)}
    values = named.paper().sense.searches["best"].model_dump()
    values |= {"layers": {"names": ["fc"]}, "neighbors": {"fc": 20}, "images": {"count": "all"}}
    chosen = SearchSettings.model_validate(values)
    found = aann.search(network, data, chosen, evaluations=200)
    again = aann.search(network, data, chosen, evaluations=200, checkpoint=tmp_path / "state.safetensors")
    assert found.network == again.network
    assert isinstance(found.trace, pandas.DataFrame)
    assert found.trace.evaluations.iloc[-1] == 200
    assert found.network.family == network.family


def test_a_checkpoint_of_another_run_is_refused_and_one_of_a_run_that_is_done_is_gone(
    network, blobs, tmp_path, monkeypatch
):
    data = {"train": blobs(200, 0), "validation": blobs(80, 1), "test": blobs(80, 2)}
    values = named.paper().sense.searches["best"].model_dump() | {"layers": {"names": ["last"]}}
    chosen = SearchSettings.model_validate(values | {"neighbors": {"last": 20}, "images": {"count": "all"}})
    path = tmp_path / "state.safetensors"

    def search(seed, evaluations=200, start=network):
        return aann.search(start, data, chosen, seed, evaluations, checkpoint=path)

    scale = network.architecture.input_scale + 1
    otherwise = TernaryNetwork(replace(network.architecture, input_scale=scale), network.weights)

    with monkeypatch.context() as killed:
        killed.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
        killed.setattr(checkpoints, "discard", lambda path: None)
        search(0)
    assert path.exists()
    for refused, name in (((1,), "seed"), ((0, 400), "settings"), ((0, 200, otherwise), "architecture")):
        with pytest.raises(InputError, match=f"state.safetensors: belongs to another run .*its '{name}' differs"):
            search(*refused)
    search(0)
    assert list(tmp_path.iterdir()) == []
    assert search(1).network.family == network.family


def test_what_is_found_knows_the_classes_and_inputs_of_the_start(network, data):
    described = {"classes": list("abcd"), "input": {"size": [6, 6], "channels": 1}}
    start = random_network(network.architecture, 90, 0).described(described)
    assert aann.search(start, data, "adapt-last", evaluations=40).network.data == described
    images, labels = data["test"]
    assert aann.Evaluator(start, images, labels).network.data == described
    walk = {"layers": {"fc": {}}, "repairs": ["fc"], "loan": 1000, "budget": {"evaluations": 40}}
    assert aann.families.walk(start, data, WalkSettings.model_validate(walk)).network.data == described


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aann.load_network("none.safetensors"), "none.safetensors: there is no such file"),
        (lambda: aann.load_network(__file__), "test_api.py: truncated or not a safetensors file"),
        (lambda: aann.load_data("cats", "x"), "unknown data set 'cats'; the setting 'datasets' has mnist"),
        (lambda: aann.random_network("cats"), "unknown network 'cats'; the setting 'networks' has static"),
        (lambda: aann.random_network(sparsity=101), "sparsity 101: expected a percentage"),
        (
            lambda: aann.search(aann.random_network(), {}, "cats"),
            "unknown search 'cats'; the setting 'sense.searches' has figure-6",
        ),
        (
            lambda: aann.families.transfer({"a": aann.random_network("dynamic")}, {}, ["greedy"]),
            "search 'greedy': no layer 'fc'; the task's network has 1.0, 2.0, fc1, fc2",
        ),
    ],
)
def test_what_is_wrong_is_one_line(call, message):
    with pytest.raises(InputError) as raised:
        call()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture
def data(blobs):
    """Images of all splits as a user has them: pairs of arrays."""
    parts = {name: blobs(60, number) for number, name in enumerate(splits.SPLITS)}
    return {name: (part.images, part.labels) for name, part in parts.items()}


def test_a_search_by_name_takes_arrays_of_ones_own_even_if_they_are_few(network, data):
    asked = named.paper().sense.searches["adapt-last"]
    with pytest.raises(InputError, match=f"images.count {asked.images.count}: the train split has 60 images; ask for"):
        aann.search(network, data, asked.named(network.layers), evaluations=40)
    found = aann.search(network, data, "adapt-last", evaluations=40)
    ours = {name: splits.Images(*pair) for name, pair in data.items()}
    same = aann.search(network, ours, "adapt-last", evaluations=40)
    assert found.network == same.network
    assert found.trace.equals(same.trace)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x, y, data: aann.evaluate("net.safetensors", x, y), "network: is of type str; expected a network"),
        (lambda net, x, y, data: aann.predict(Path("a"), x), "network: is of type PosixPath; expected a network"),
        (lambda net, x, y, data: aann.evaluate(net, x, y.tolist()), "labels: are of type list, expected an array"),
        (lambda net, x, y, data: aann.evaluate(net, splits.Images(x, y), y), "images: are of type Images, expected an"),
        (lambda net, x, y, data: aann.predict(net, [x[0], x[1]]), "images: are of type list; expected an array, or a"),
        (lambda net, x, y, data: aann.count_neighbors(net, "fc", x, y, 0), "amount 0: expected a whole number of at"),
        (lambda net, x, y, data: aann.count_neighbors(net, "fc", x, y, seed=-1), "seed -1: expected a whole number of"),
        (lambda net, x, y, data: aann.random_network(seed=-1), "seed -1: expected a whole number of at least 0"),
        (lambda net, x, y, data: aann.random_network(sparsity="90"), "sparsity '90': expected a percentage from 0"),
        (lambda net, x, y, data: aann.search(net, data, evaluations=0), "evaluations 0: expected a whole number of"),
        (lambda net, x, y, data: aann.search(net, data, evaluations=1.5), "evaluations 1.5: expected a whole number"),
        (lambda net, x, y, data: aann.search(net, data, evaluations="9"), "evaluations '9': expected a whole number"),
        (lambda net, x, y, data: aann.search(net, data, threads=True), "threads True: expected a whole number of at"),
        (lambda net, x, y, data: aann.search(net, [x, y]), "data: is of type list; expected images by split: train, "),
        (
            lambda net, x, y, data: aann.search(net, {"train": (x, y)}),
            "data['validation']: is not there; expected two arrays (images, labels), or what aann.load_data returns",
        ),
        (
            lambda net, x, y, data: aann.families.walk(net, data | {"test": x}),
            "data['test']: is of type ndarray; expec",
        ),
        (
            lambda net, x, y, data: aann.search(net, data | {"train": (x, y[:3])}),
            "data['train']: has images of shape (5, 1, 28, 28) and labels of shape (3,); expected (1 or more, channel",
        ),
        (
            lambda net, x, y, data: aann.search(net, data | {"train": splits.Images(x, y[:1])}),
            "data['train']: has images of shape (5, 1, 28, 28) and labels of shape (1,); expected",
        ),
        (
            lambda net, x, y, data: aann.search(net, data | {"train": (x[0], y)}),
            "data['train']: has images of shape (1, 28, 28) and labels of shape (5,); expected",
        ),
        (
            lambda net, x, y, data: aann.families.walk(net, data | {"test": (x[:0], y[:0])}),
            "data['test']: has images of shape (0, 1, 28, 28) and labels of shape (0,); expected (1 or more, channel",
        ),
        (lambda net, x, y, data: aann.random_network(sparsity=True), "sparsity True: expected a percentage from 0 to"),
        (lambda net, x, y, data: aann.families.walk("net", data), "network: is of type str; expected a network"),
        (lambda net, x, y, data: aann.families.transfer({"a": net}, {}), "data['train']: is not there; expected two"),
        (lambda net, x, y, data: aann.families.transfer(net, data), "starts: is of type TernaryNetwork; expected netw"),
        (
            lambda net, x, y, data: aann.families.transfer({"a": net}, data, "adapt-last"),
            "searches: is of type str; expected a list, such as ['adapt-last']",
        ),
        (lambda net, x, y, data: aann.families.transfer({}, data), "starts: has none; expected one or more"),
        (lambda net, x, y, data: aann.families.transfer({"a": net}, data, []), "searches: has none; expected one or"),
        (lambda net, x, y, data: aann.families.hamming(net, "x"), "network: is of type str; expected a network"),
        (lambda net, x, y, data: aann.families.matched("x", net), "network: is of type str; expected a network"),
        (lambda net, x, y, data: aann.Evaluator("net", x, y), "network: is of type str; expected a network"),
        (lambda net, x, y, data: aann.Evaluator(net, x, y, "fc"), "layers: is of type str; expected a list, such as"),
        (lambda net, x, y, data: aann.Evaluator(net, x, y, threads="a"), "threads 'a': expected a whole number of at"),
        (lambda net, x, y, data: aann.Evaluator(net, x, y).move_to("net"), "network: is of type str; expected a netw"),
        (lambda net, x, y, data: aann.search(net, data, ["greedy"]), "unknown search ['greedy'] (did you mean 'greedy"),
        (lambda net, x, y, data: aann.search(net, data, "best", checkpoint=1), "checkpoint: is of type int; expected"),
        (lambda net, x, y, data: aann.families.walk(net, data, 1), "unknown walk 1; the setting 'families.walks' has"),
        (lambda net, x, y, data: aann.load_network(None), "path: is of type NoneType; expected a path"),
        (lambda net, x, y, data: aann.load_data("digits", None), "folder: is of type NoneType; expected a path"),
    ],
)
def test_an_argument_of_another_kind_is_one_line(data, call, message):
    with pytest.raises(InputError) as raised:
        call(aann.random_network("static"), np.zeros((5, 1, 28, 28), np.uint8), np.zeros(5, np.int64), data)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_images_that_do_not_fit_are_one_line(network, blobs):
    images = blobs(10, 0)
    for call in (aann.predict, lambda *given: aann.evaluate(*given, images.labels)):
        with pytest.raises(InputError, match="images"):
            call(network, images.images[:, :, :4])
    with pytest.raises(InputError, match="layer 'x'"):
        aann.count_neighbors(network, "x", images.images, images.labels)
    empty = TernaryNetwork(network.architecture, {name: 0 * array for name, array in network.weights.items()})
    for amount in (10, None):
        with pytest.raises(InputError, match=r"layer 'fc': has no neighbors, since all or none of its weights are 0"):
            aann.count_neighbors(empty, "fc", images.images, images.labels, amount)
