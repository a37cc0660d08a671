"""Data sets: their splits, and those that are made here."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from commands import check_one_line, run

from aann.artifacts import read_arrays, seal_of, write_arrays
from aann.datasets import sources, splits
from aann.errors import InputError
from aann.lineage import provenance
from aann.settings.datasets import Dataset, DatasetSettings, DigitsDataSettings, LettersDataSettings
from aann.settings.study import validate

DIGITS = DigitsDataSettings(kind="digits", validation_images=203, test_images=150)
LETTERS = LettersDataSettings(kind="letters", images=600, validation_images=203, test_images=150)
MADE = (DIGITS, LETTERS)
HERE = Path()


def everything(data):
    """Return all images of a data set that is made here."""
    return sources._source(data).read(data, HERE).parts["train"]


@pytest.mark.parametrize("data", MADE)
def test_made_data_look_like_mnist_and_do_not_change(data):
    made, again = everything(data), everything(data)
    assert made.images.shape == (len(made), *data.shape) == (len(made), 1, 28, 28)
    assert (made.images.dtype, made.labels.dtype) == (np.uint8, np.int64)
    assert set(made.labels) == set(range(len(data.class_names))) == set(range(10))
    assert made.images.max() > 200
    assert 20 < made.images.mean() < 90
    assert made.sha256 == again.sha256


def test_letters_change_with_the_seed_and_are_all_different():
    made, other = (everything(LETTERS.model_copy(update={"seed": seed})) for seed in (0, 1))
    assert not np.array_equal(made.images, other.images)
    assert len({image.tobytes() for image in made.images}) == 600


# --- splits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", MADE)
def test_splits_are_disjoint_complete_and_balanced(data):
    made, _ = sources.split("made", data, HERE)
    parts = [part.images for part in made.values()]
    expected = sorted(image.tobytes() for image in everything(data).images)
    assert sorted(image.tobytes() for part in parts for image in part) == expected
    assert (len(made["validation"]), len(made["test"])) == (203, 150)
    for name, share in (("validation", {20, 21}), ("test", {15})):
        assert set(np.bincount(made[name].labels)) == share


def test_the_same_seed_draws_the_same_validation_images():
    changed = (DIGITS.model_copy(update={"seed": seed}) for seed in (1, 1, 2))
    first, again, other = (sources.split("digits", data, HERE)[0]["validation"] for data in changed)
    assert first.sha256 == again.sha256 != other.sha256


def test_too_many_images_set_aside_are_refused():
    data = DIGITS.model_copy(update={"validation_images": 1750, "test_images": 10})
    with pytest.raises(
        InputError,
        match=r"datasets\.my: validation_images: 1750 of the images need 175 of class '8', which has 173 beside its "
        "test images;",
    ):
        sources.split("my", data, HERE)


def test_splits_are_read_back_equal_with_their_hashes(tmp_path):
    made, described = sources.split("letters", LETTERS, HERE)
    splits.save(tmp_path / "one.safetensors", made, {"seed": 0}, described)
    splits.save(tmp_path / "two.safetensors", made, {"seed": 0}, described)
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    read = splits.load(tmp_path / "one.safetensors")
    assert {name: part.sha256 for name, part in read.items()} == {name: part.sha256 for name, part in made.items()}


def test_splits_without_a_seal_that_were_changed_or_are_none_are_refused(tmp_path):
    path = tmp_path / "splits.safetensors"
    splits.save(path, sources.split("letters", LETTERS, HERE)[0], {}, {})
    arrays, metadata = read_arrays(path)
    arrays["test.images"][0, 0, 0, 0] ^= 1
    write_arrays(path, arrays, metadata)
    seal_of(path).unlink()
    with pytest.raises(InputError, match=r"splits\.safetensors: its test images are damaged; name a file that this"):
        splits.load(path)
    write_arrays(path, {"fc": np.zeros(3, np.int8)}, {})
    with pytest.raises(InputError, match=r"holds no train images; expected the splits of a task, as"):
        splits.load(path)


# --- kinds ------------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_module_whose_fingerprint_holds_the_splits():
    (union, *_) = get_args(Dataset)
    kinds = {get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(union)}
    assert {"archives", "digits", "letters", "driving"} <= {*kinds}
    for kind in {*kinds} - {"driving"}:
        module = sources.module_of(DatasetSettings(kind=kind))
        assert {"aann.datasets.sources", "aann.datasets.splits"} <= provenance.covered([module]), kind


def test_driven_data_are_not_read(tmp_path):
    output = tmp_path / "car.safetensors"
    result = run("datasets", "split", "--task", "car", "--output", output, "--configfile", "config/config.yaml")
    check_one_line(result, "data sets of kind 'driving' are recorded; make their splits with `driving split`")
    assert not output.exists()


def test_the_part_of_the_settings_that_splits_depend_on_is_the_entry_without_its_title(paper_settings):
    part = paper_settings.part("datasets", "fashion")
    expected = paper_settings.datasets["fashion-mnist"].model_dump(exclude={"title"})
    assert part["datasets"] == {"fashion-mnist": expected}
    assert "downloads" not in part
    assert validate(part).dataset("fashion").class_names[0] == "T-shirt"
    assert paper_settings.driving_part("car", ["seed"])["datasets"]["driving"]["limit"] == 51


def test_a_data_set_of_a_known_kind_is_an_entry(tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text(
        "datasets: {few: {kind: letters, images: 300, validation_images: 50, test_images: 50}}\n"
        "tasks: {few: {dataset: few, network: static}}\n"
    )
    files = ("--configfile", "config/config.yaml", "--configfile", more)
    result = run("datasets", "split", "--task", "few", "--output", tmp_path / "few.safetensors", *files)
    assert result.exit_code == 0, result.output
    assert {name: len(part) for name, part in splits.load(tmp_path / "few.safetensors").items()} == {
        "train": 200,
        "validation": 50,
        "test": 50,
    }


def test_the_page_on_data_shows_settings_that_are_right(root):
    study, more = (
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (root / "docs/data.md").read_text(), re.S)
    )
    assert validate(study).dataset("signs").shape == [1, 32, 32]
    known = validate(study | {"datasets": study["datasets"] | more["datasets"]}).datasets
    assert {data.kind for data in known.values()} == {"folder", "arrays", "parquet", "torchvision", "function"}
