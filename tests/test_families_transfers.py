import inspect
import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from commands import check_one_line, run, shown

import aann
from aann.datasets.splits import save
from aann.errors import InputError
from aann.evaluation import reference
from aann.families.disturbances import rotated, turned
from aann.families.transfers import shuffled, transfer, turned_splits
from aann.sense.search import Search
from aann.sense.starts import random_network
from aann.settings.families import RotationSettings, TransferSettings
from aann.settings.sense import SearchSettings
from aann.tables import TRANSFER


def search(*layers, evaluations=1500):
    asked = {
        "strategy": "greedy",
        "objective": "margins",
        "layers": {"names": list(layers), "schedule": "random"},
        "neighbors": dict.fromkeys(layers, 200),
        "draw": "grid",
        "record": 1000,
        "budget": {"evaluations": evaluations},
    }
    return SearchSettings.model_validate(asked)


SEARCHES = {"some": search("last"), "more": search("1.0", "fc")}


@pytest.fixture(scope="module")
def splits(blobs):
    return {name: blobs(300, seed) for seed, name in enumerate(("train", "validation", "test"))}


@pytest.fixture(scope="module")
def starts(architecture):
    first = random_network(architecture, 70, 0)
    return {"trained": first, "random": shuffled(first, 0)}


@pytest.fixture(scope="module")
def found(starts, splits):
    return transfer(starts, splits, SEARCHES, seed=3)


# --- what is counted --------------------------------------------------------------------------------------------------


def test_each_start_is_adapted_by_each_search_with_equal_evaluations(found):
    assert found[["source", "search", "layers"]].to_numpy().tolist() == [
        [source, name, layers]
        for source in ("trained", "random")
        for name, layers in (("some", "fc"), ("more", "1.0 fc"))
    ]
    assert (found.evaluations >= 1500).all()
    assert (found.evaluations < 1500 + 500).all()
    assert (found.after_validation_correct >= found.before_validation_correct).all()
    assert (found.after_validation_correct > found.before_validation_correct + 30).any()


def test_counts_are_those_of_the_start_and_of_what_validation_images_choose(found, starts, splits, tmp_path):
    for row in found.itertuples():
        named = SEARCHES[row.search].named(["1.0", "fc"])
        chosen = Search(starts[row.source], splits, named, 3).run(tmp_path / f"{row.Index}.safetensors").network
        for when, network in (("before", starts[row.source]), ("after", chosen)):
            for split in ("validation", "test"):
                images = splits[split]
                right = reference.correct_count(network, images.images, images.labels)
                assert getattr(row, f"{when}_{split}_correct") == right
                assert getattr(row, f"{split}_images") == 300


def test_test_images_choose_nothing(found, starts, splits):
    wrong = splits["test"].labels[::-1]
    other = transfer(starts, splits | {"test": type(splits["test"])(splits["test"].images, wrong)}, SEARCHES, seed=3)
    same = [column for column in found if "test_correct" not in column]
    pandas.testing.assert_frame_equal(found[same], other[same])


def test_a_shuffled_network_is_of_the_same_family(starts):
    first, second = starts.values()
    assert second.family == first.family
    assert sum(aann.families.hamming(first, second).values()) > 60
    assert shuffled(first, 0) == second
    assert shuffled(first, 1) != second


# --- turned images ----------------------------------------------------------------------------------------------------


def test_images_are_turned_by_angles_between_two_that_the_seed_draws(splits):
    right, again, other = (turned_splits(splits, RotationSettings(least=90, most=90, seed=seed)) for seed in (0, 0, 1))
    for name, part in splits.items():
        expected = np.rot90(part.images, axes=(2, 3))
        assert all(np.array_equal(found[name].images, expected) for found in (right, again, other))
        assert np.array_equal(right[name].labels, part.labels)
    drawn = [turned_splits(splits, RotationSettings(least=10, most=80, seed=seed))["test"].images for seed in (0, 0, 1)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert drawn[0].dtype == splits["test"].images.dtype


def test_a_disturbance_turns_as_a_rotation_does(splits):
    images = splits["test"].images
    angles = np.random.default_rng(5).integers(-20, 21, len(images))
    assert np.array_equal(rotated(images, 20, np.random.default_rng(5)), turned(images, angles))


# --- settings ---------------------------------------------------------------------------------------------------------

START = {"task": "small", "sparsity": 70, "origin": "random"}
TO = {
    "starts": {"trained": {"start": START}, "random": {"start": START, "shuffled": True}},
    "to": "other",
    "searches": ["some", "more"],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to": "small"}, "to: is 'small', the task of the starts; name another, or a rotation"),
        ({"searches": ["some", "some"]}, "searches: some is there twice"),
        (
            {"starts": TO["starts"] | {"far": {"start": START | {"task": "car"}}}},
            "starts.far.start.task: is 'car'; exp",
        ),
        (
            {"starts": {"one": {"start": START | {"seeds": [7]}}}},
            "starts.one.start.seeds: seeds are those of the task;",
        ),
        ({"rotation": {"least": 60, "most": 30}}, "most: is 30; expected 60 or more, which is the least"),
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TransferSettings.model_validate(TO | change)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def study(architecture, starts, splits, tmp_path, monkeypatch):
    """A folder with data, settings and networks; return what adapts some of them."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "data.safetensors", splits, {})
    turning = TO | {"to": "small", "rotation": {"least": 90, "most": 90}}
    tasks = {name: {"dataset": "none", "network": "small", "seeds": [3]} for name in ("small", "other")}
    values = {
        **{"scale": "small", "networks": {"small": architecture.to_dict()}, "tasks": tasks},
        "families": {"transfers": {"t": TO, "turning": turning}},
        "sense": {"searches": {name: one.model_dump() for name, one in SEARCHES.items()}},
    }
    Path("study.json").write_text(json.dumps(values))
    starts["trained"].save("start.safetensors")

    def adapt(name="t", networks=("start.safetensors",) * 2, data="data.safetensors"):
        keys = ("families", "transfer", "--transfer", name, "--seed", 3, "--data", data, "--output", "found.csv")
        return run(*keys, *networks, "--configfile", "study.json")

    return adapt


def test_the_command_writes_a_row_for_each_start_and_search(study, starts, splits, tmp_path):
    assert study().exit_code == 0
    keys = {"task": "small", "to": "other", "transfer": "t", "seed": 3}
    read = TRANSFER.read("found.csv", **keys)
    assert read.sparsity.unique().tolist() == [70]
    assert set(read.walk) == {""}
    by_name = {"random": shuffled(starts["trained"], 3), "trained": starts["trained"]}
    expected = transfer(by_name, splits, SEARCHES, seed=3)
    pandas.testing.assert_frame_equal(read[list(expected)], expected, check_dtype=False)
    assert Path("found.csv.provenance.json").exists()


def test_turned_images_are_those_of_all_splits(study, starts, splits):
    assert study("turning").exit_code == 0
    read = TRANSFER.read("found.csv", task="small", to="small", transfer="turning", seed=3)
    images = splits["test"]
    right = reference.correct_count(starts["trained"], np.rot90(images.images, axes=(2, 3)).copy(), images.labels)
    assert set(read[read.source == "trained"].before_test_correct) == {right}


def test_what_does_not_fit_a_transfer_is_one_line_and_nothing_is_written(study, tmp_path, blobs):
    part = blobs(40, 0)
    wide = type(part)(part.images.repeat(2, axis=1), part.labels)
    save(tmp_path / "wide.safetensors", dict.fromkeys(("train", "validation", "test"), wide), {})
    more = type(part)(part.images, part.labels + 3)
    save(tmp_path / "more.safetensors", dict.fromkeys(("train", "validation", "test"), more), {})
    before = shown(tmp_path)
    check_one_line(study("s"), "unknown transfer 's'; the setting 'families.transfers' has t, turning")
    check_one_line(study(networks=["start.safetensors"]), "transfer 't': has 2 starts, but 1 were given; give all")
    check_one_line(study(data="wide.safetensors"), "wide.safetensors: images: ")
    check_one_line(study(data="more.safetensors"), "more.safetensors: labels: are from ")
    assert shown(tmp_path) == before


def test_an_unknown_search_is_one_line(starts, splits):
    with pytest.raises(InputError, match=r"unknown search 'fly'; the setting 'sense.searches' has figure-6"):
        aann.families.transfer(starts, splits, ["fly"])


def test_the_searches_of_the_settings_are_the_default(paper_settings):
    default = inspect.signature(aann.families.transfer).parameters["searches"].default
    assert {*default} == {name for one in paper_settings.families.transfers.values() for name in one.searches}
