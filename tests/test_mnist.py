"""A short run of the whole of p-SIREN on real MNIST."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from torchvision.datasets.mnist import read_image_file

from aann.artifacts import read_arrays, read_table
from aann.cli import main
from aann.datasets import splits
from aann.evaluation import incremental, reference
from aann.networks import Architecture, TernaryNetwork
from aann.settings.files import merge
from aann.swaps import sample_swaps

SHORT = {
    "dense": {"epochs": 0.2},
    "sparsify": {"epochs": 0.5},
    "fine_tune": {"epochs": 0.1},
    "binary": {"epochs": 0.2, "last_layer_epochs": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_mirror, paper_settings):
    folder = tmp_path_factory.mktemp("mnist")
    settings = json.dumps(merge(paper_settings.model_dump(), {"psiren": SHORT}))

    def aann(*arguments):
        result = CliRunner().invoke(main, list(map(str, arguments)))
        assert result.exit_code == 0, result.output

    shared = (
        "--task",
        "mnist",
        "--seed",
        0,
        "--data",
        folder / "data.safetensors",
        "--curve",
        folder / "curve.parquet",
        "--settings",
        settings,
    )
    archives = folder / "archives"
    aann("datasets", "fetch", "mnist", "--folder", archives / "mnist")
    aann(
        *("datasets", "split", "--task", "mnist", "--archives", archives),
        *("--output", folder / "data.safetensors", "--settings", settings),
    )
    aann("psiren", "dense", *shared, "--output", folder / "dense.safetensors", "--threads", 1)
    aann(
        *("psiren", "sparsify", *shared, "--dense", folder / "dense.safetensors"),
        *("--sparsity", 90, "--output", folder / "sparse.safetensors", "--threads", 1),
    )
    aann(
        *("psiren", "network", *shared, "--sparsity", 90, "--sparse", folder / "sparse.safetensors"),
        *("--output", folder / "network.safetensors", "--accuracy", folder / "accuracy.csv", "--threads", 1),
    )
    return folder


def test_the_network_is_90_percent_sparse_ternary_and_good(run, paper_settings):
    architecture = Architecture.from_dict(paper_settings.network("mnist"))
    network = TernaryNetwork.load(run / "network.safetensors", architecture)
    assert sum(zeros for _, zeros, _ in network.family.values()) == round(28_880 * 0.9)
    assert network.family["1.0"][1] == 360
    accuracy = read_table(run / "accuracy.csv").iloc[0]
    assert accuracy.test_images == accuracy.validation_images == 10_000
    assert accuracy.test_accuracy == accuracy.test_correct / 10_000
    assert accuracy.test_accuracy > 0.95


def test_the_benchmark_of_training_runs(root, data_mirror, tmp_path):
    command = [sys.executable, "benchmarks/training_epoch.py", "--runs", "1", "--images", "640"]
    output = tmp_path / "training_epoch.csv"
    subprocess.run([*command, "--output", output], cwd=root, check=True, capture_output=True)
    table = read_table(output)
    loops = ["plain eager PyTorch", "aann, default", "aann, float32", "aann, bfloat16"]
    assert list(zip(table.processor, table.loop, strict=True)) == [
        (on, loop) for on in ("this", "AVX2") for loop in loops
    ]
    assert (table.seconds > 0).all()
    assert table.test_accuracy_percent[1] == pytest.approx(table.test_accuracy_percent[0], abs=3)


def test_the_splits_are_mnists_own(run):
    arrays, metadata = read_arrays(run / "data.safetensors")
    assert {name: part["images"] for name, part in metadata["splits"].items()} == {
        "train": 50_000,
        "validation": 10_000,
        "test": 10_000,
    }
    assert arrays["test.labels"][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    raw = run / "t10k-images"
    raw.write_bytes(gzip.decompress((run / "archives/mnist/t10k-images-idx3-ubyte.gz").read_bytes()))
    assert np.array_equal(arrays["test.images"][:, 0], read_image_file(str(raw)).numpy())


@pytest.mark.parametrize("layer", ["1.0", "2.0", "fc"])
def test_a_thousand_random_neighbors_of_a_layer_equal_the_reference(run, layer):
    network = TernaryNetwork.load(run / "network.safetensors")
    test = splits.load(run / "data.safetensors")["test"]
    margins = reference.margins(reference.logits(network, test.images[:5000]), test.labels[:5000])
    closest = np.argsort(np.abs(margins), kind="stable")[:100]  # where a swap makes a difference
    images, labels = test.images[closest], test.labels[closest]
    swaps = sample_swaps(network.weights[layer], 1000, np.random.default_rng(0))
    fast = incremental.IncrementalEvaluator(network, images, labels, threads=2).correct_counts(layer, *swaps)
    slow = reference.ReferenceEvaluator(network, images, labels).correct_counts(layer, *swaps)
    assert np.array_equal(fast, slow)
    assert len(np.unique(fast)) > 1


def test_neighbors_on_all_test_images_equal_the_reference(run):
    network = TernaryNetwork.load(run / "network.safetensors")
    test = splits.load(run / "data.safetensors")["test"]
    fast = incremental.IncrementalEvaluator(network, test.images, test.labels)
    slow = reference.ReferenceEvaluator(network, test.images, test.labels)
    assert np.array_equal(fast.logits(), slow.logits())
    for layer in network.layers:
        swaps = sample_swaps(network.weights[layer], 3, np.random.default_rng(1))
        assert np.array_equal(fast.correct_counts(layer, *swaps), slow.correct_counts(layer, *swaps))
