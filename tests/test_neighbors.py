import json

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from commands import run, shown

from aann import neighbors
from aann.artifacts import read_table, read_table_metadata
from aann.cli import main
from aann.datasets import splits
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation import reference
from aann.neighbors import EXHAUSTIVE, Survey, discard_parts
from aann.networks import TernaryNetwork
from aann.swaps import neighborhood_size
from aann.tables import HISTOGRAM, NEIGHBORS, SPLITS, SURVEY


@pytest.fixture
def images(blobs):
    made = {split: blobs(count, seed) for split, count, seed in (("validation", 70, 1), ("test", 90, 2))}
    return {split: (part.images, part.labels) for split, part in made.items()}


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(neighbors, "_PARTS", (50, 50, 50))


def test_a_survey_of_all_neighbors_equals_the_reference(network, images, tmp_path, small_parts):
    for layer in network.layers:
        output = tmp_path / f"{layer}.parquet"
        found = Survey(network, images, layer, EXHAUSTIVE, 0).run(output, {"who": "test"})
        table = NEIGHBORS.read(output)
        assert tuple(table.columns) == NEIGHBORS.columns
        assert len(table) == neighborhood_size(network.weights[layer])
        assert read_table_metadata(output) == {"who": "test"}
        flat = network.weights[layer].ravel()
        assert np.array_equal(table.sign, flat[table.from_index])
        for split in SPLITS:
            slow = reference.ReferenceEvaluator(network, *images[split])
            counts = slow.correct_counts(layer, table.from_index.to_numpy(), table.to_index.to_numpy())
            assert np.array_equal(table[f"{split}_correct"], counts)
            (row,) = found.rows.query("split == @split").itertuples()
            original = slow.correct_count()
            assert (row.better, row.equal, row.worse) == (
                (counts > original).sum(),
                (counts == original).sum(),
                (counts < original).sum(),
            )
            assert (row.original_correct, row.images) == (original, len(images[split][1]))
            assert row.neighborhood == row.neighbors == len(table)
            histogram = found.histogram[found.histogram.split == split]
            assert np.array_equal(np.repeat(histogram.correct, histogram.neighbors), np.sort(counts))
        assert tuple(found.histogram.columns) == HISTOGRAM.measured
        assert tuple(found.rows.columns) == ("split", *SURVEY.measured)
        discard_parts(output)
        assert not list(tmp_path.glob("*.parts"))


def test_the_best_are_those_with_the_most_correct_validation_images(
    network, images, tmp_path, small_parts, monkeypatch
):
    monkeypatch.setattr(neighbors, "BEST", 20)
    output = tmp_path / "fc.parquet"
    found = Survey(network, images, "fc", EXHAUSTIVE, 0).run(output, {})
    table = read_table(output)
    expected = table.sort_values("validation_correct", ascending=False, kind="stable").head(20)
    pandas.testing.assert_frame_equal(found.best, expected.reset_index(drop=True))


def test_a_sample_is_drawn_without_replacement_and_by_its_seed(network, images):
    def numbers(amount, seed):
        return np.asarray(Survey(network, images, "fc", amount, seed).numbers)

    size = neighborhood_size(network.weights["fc"])
    sample = numbers(100, 0)
    assert len(np.unique(sample)) == 100
    assert (np.diff(sample) > 0).all()
    assert np.array_equal(sample, numbers(100, 0))
    assert not np.array_equal(sample, numbers(100, 1))
    assert len(numbers(size + 1, 0)) == len(numbers(EXHAUSTIVE, 0)) == size


def test_an_interrupted_survey_goes_on_and_ends_equal(network, images, tmp_path, small_parts, monkeypatch):
    undisturbed, output = tmp_path / "whole.parquet", tmp_path / "fc.parquet"
    whole = Survey(network, images, "fc", EXHAUSTIVE, 0, {"of": 1}).run(undisturbed, {})
    counted = []

    class Interrupted(Survey):
        def count(self, numbers):
            if len(counted) == 2:
                raise KeyboardInterrupt
            counted.append(numbers[0])
            return super().count(numbers)

    class Watched(Survey):
        def count(self, numbers):
            counted.append(numbers[0])
            return super().count(numbers)

    with pytest.raises(KeyboardInterrupt):
        Interrupted(network, images, "fc", EXHAUSTIVE, 0, {"of": 1}).run(output, {})
    assert not output.exists()
    parts = sorted((tmp_path / "fc.parquet.parts").glob("*.parquet"))
    assert len(parts) == 2
    parts[1].write_bytes(parts[1].read_bytes()[:-40])
    found = Watched(network, images, "fc", EXHAUSTIVE, 0, {"of": 1}).run(output, {})
    assert counted[:3] == [0, 50, 50]
    assert output.read_bytes() == undisturbed.read_bytes()
    pandas.testing.assert_frame_equal(found.best, whole.best)
    pandas.testing.assert_frame_equal(found.rows, whole.rows)


def test_a_command_that_cannot_finish_keeps_the_parts(files, monkeypatch):
    folder, survey = files
    (folder / "file").write_text("")
    failed = survey("--summary", folder / "file" / "summary.csv")
    assert failed.exit_code == 1
    assert "cannot write here" in failed.output
    assert shown(folder / "output.parquet.parts")
    monkeypatch.setattr(Survey, "count", None)  # would fail if a part were counted again
    assert survey().exit_code == 0
    assert not (folder / "output.parquet.parts").exists()


def test_parts_of_another_survey_are_not_used(network, images, tmp_path, small_parts):
    output = tmp_path / "fc.parquet"
    survey = Survey(network, images, "fc", EXHAUSTIVE, 0, {"of": 1})
    (first,) = list(survey._make_parts(tmp_path / "fc.parquet.parts"))[:1]
    before = first.stat().st_mtime_ns
    Survey(network, images, "fc", EXHAUSTIVE, 0, {"of": 1})._make_parts(first.parent)
    assert first.stat().st_mtime_ns == before
    Survey(network, images, "fc", EXHAUSTIVE, 0, {"of": 2})._make_parts(first.parent)
    assert first.stat().st_mtime_ns > before
    assert not output.exists()


@pytest.mark.parametrize(
    ("layer", "amount", "message"),
    [
        ("2.0", EXHAUSTIVE, "layer '2.0': the network has no such layer; expected one of 1.0, fc"),
        ("fc", 0, "neighbors 0: expected 'exhaustive' or a positive number"),
        ("fc", "all", "neighbors 'all': expected 'exhaustive' or a positive number"),
    ],
)
def test_a_survey_of_nothing_is_refused(network, images, layer, amount, message):
    with pytest.raises(InputError, match=message):
        Survey(network, images, layer, amount, 0)


def test_a_layer_without_neighbors_is_refused(network, images):
    full = {**network.weights, "fc": np.ones_like(network.weights["fc"])}
    with pytest.raises(InputError, match="layer 'fc': has no neighbors"):
        Survey(TernaryNetwork(network.architecture, full), images, "fc", EXHAUSTIVE, 0)


@pytest.fixture
def files(network, images, tmp_path):
    network.save(tmp_path / "network.safetensors")
    made = {split: Images(*images[split]) for split in SPLITS}
    splits.save(tmp_path / "data.safetensors", {"train": made["test"], **made}, {})

    def survey(*changes):
        arguments = {
            "--task": "mnist",
            "--network": tmp_path / "network.safetensors",
            "--data": tmp_path / "data.safetensors",
            "--layer": "fc",
            "--amount": "30",
            "--seed": "0",
            "--sparsity": "90",
            **{f"--{name}": tmp_path / f"{name}.{ending}" for name, ending in OUTPUTS.items()},
            **dict(zip(changes[::2], changes[1::2], strict=True)),
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        return CliRunner().invoke(main, ["neighbors", "survey", *words])

    return tmp_path, survey


OUTPUTS = {"output": "parquet", "best": "parquet", "histogram": "csv", "summary": "csv"}


def test_the_command_writes_tables_and_where_they_come_from(files):
    folder, survey = files
    assert survey().exit_code == 0
    assert len(NEIGHBORS.read(folder / "output.parquet")) == 30
    keys = {"task": "mnist", "sparsity": 90, "seed": 0, "layer": "fc"}
    histogram = HISTOGRAM.read(folder / "histogram.csv", **keys)
    assert tuple(histogram.columns) == HISTOGRAM.columns
    assert histogram.query("split == 'test'").neighbors.sum() == 30
    recorded = read_table_metadata(folder / "output.parquet")["provenance"]
    assert recorded["inputs"].keys() == {"network.safetensors", "data.safetensors"}
    assert recorded.items() >= {**keys, "amount": 30}.items()
    gathered = folder / "surveys.csv"
    assert run("neighbors", "summaries", folder / "summary.csv", "--output", gathered).exit_code == 0
    found = SURVEY.read(gathered, **keys)
    assert tuple(read_table(gathered).columns) == SURVEY.columns
    assert found.split.tolist() == ["test", "validation"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("--layer", "3.0"), "error: layer '3.0': the network has no such layer; expected one of 1.0, fc"),
        (("--amount", "many"), "error: neighbors 'many': expected 'exhaustive' or a positive number"),
        (("--network", "absent.safetensors"), "error: absent.safetensors: there is no such file"),
        (("--output", "neighbors.csv"), "error: neighbors.csv: expected a name that ends in .parquet"),
    ],
)
def test_the_command_refuses_bad_input_in_one_line(files, changes, message):
    folder, survey = files
    result = survey(*changes)
    assert result.exit_code == 1
    assert result.output.startswith(message)
    assert len(result.output.splitlines()) == 1
    assert not (folder / "output.parquet").exists()


def test_settings_of_neighbors_and_embeddings_are_checked(paper_settings):
    def problem(**changes):
        values = json.loads(json.dumps(paper_settings.model_dump()))
        for key, value in changes.items():
            values[key]["mnist"].update(value)
        result = CliRunner().invoke(main, ["settings", "check", "--settings", json.dumps(values)])
        assert result.exit_code == 1
        return result.output

    unknown = {"sparsities": [92], "more_seeds": {}}
    assert "neighbors.mnist.sparsities: 92 is not in tasks.mnist.sparsities" in problem(neighbors=unknown)
    assert "neighbors.mnist.first: no layer '3.0'" in problem(neighbors={"first": {"3.0": 5}})
    for wrong in (0, "all", True, 2.5):
        message = "setting 'neighbors.mnist.first.fc': expected exhaustive or a whole number of at least 1"
        assert message in problem(neighbors={"first": {"fc": wrong}})
    assert "clusters: 40 is not below count, which is 20" in problem(embeddings={"count": 20})
    assert "embeddings.mnist.sparsity: 80 is not in neighbors.mnist.sparsities" in problem(embeddings={"sparsity": 80})
    assert "embeddings.mnist.layers: no layer 'fc9'" in problem(embeddings={"layers": ["fc9"]})
