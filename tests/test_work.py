"""The work of a study: rows of wildcards for the rules, and one line for what the study does not have."""

import json

import pytest

from aann.artifacts import to_json
from aann.errors import InputError
from aann.settings import work
from aann.settings.files import merge, read_yaml
from aann.settings.study import validate


@pytest.fixture(scope="module")
def settings(root):
    changes = {
        "tasks": {"mnist": {"sparsities": [0, 90, 95], "seeds": [3, 4]}},
        "neighbors": {"mnist": {"sparsities": [90], "first": {"fc": "exhaustive", "1.0": 7}, "others": {"fc": 5}}},
        "sense": {"improvement": {"search": "polish", "tasks": ["mnist"]}},
    }
    return validate(merge(read_yaml(root / "config/config.yaml"), changes))


def test_networks_are_of_every_sparsity_and_seed(settings):
    assert work.sparsities(settings, "mnist") == ["0", "90", "95"]
    assert [(row["sparsity"], row["seed"]) for row in work.networks(settings, "mnist")] == [
        *(("0", 3), ("0", 4), ("90", 3), ("90", 4), ("95", 3), ("95", 4)),
    ]


def test_surveys_are_of_more_layers_for_the_first_seed(settings):
    found = {(row["seed"], row["layer"]) for row in work.surveys(settings, "mnist")}
    assert found >= {(3, "fc"), (3, "1.0"), (4, "fc")}
    assert work.amount(settings, "mnist", 3, "1.0") == 7
    assert work.amount(settings, "mnist", 4, "fc") == 5


def test_what_is_asked_for_is_exported_in_a_format(settings):
    assert work.formats_of(settings, ["page", "c"]) == ["page", "c"]
    exported = {"mnist": settings.export["mnist"].model_copy(update={"formats": ["c"]})}
    chosen = settings.model_copy(update={"export": exported})
    assert work.formats_of(chosen, ["page", "c"]) == ["c"]
    with pytest.raises(InputError, match="'export' names no network in the format page; see config"):
        work.formats_of(chosen, ["page"])
    with pytest.raises(InputError, match="'export' names no network in the format c or page; see"):
        work.formats_of(chosen.model_copy(update={"export": {}}), ["c", "page"])


def test_neighbors_of_the_first_seed_are_embedded(settings):
    (row,) = work.embedding(settings, "mnist", "fc")
    assert row in work.embeddings(settings, "mnist")
    assert row == {"task": "mnist", "sparsity": "90", "seed": 3, "layer": "fc"}


def test_improved_networks_have_neighbors(settings):
    rows = work.improvement(settings)
    assert {row["sparsity"] for row in rows} == {"90", "95"}
    assert {(row["task"], row["origin"], row["search"]) for row in rows} == {("mnist", "psiren", "polish")}


def test_networks_are_improved_at_the_sparsities_asked_for(settings):
    improvement = settings.sense.improvement.model_copy(update={"sparsities": [50.0, 95.0]})
    chosen = settings.model_copy(update={"sense": settings.sense.model_copy(update={"improvement": improvement})})
    assert {row["sparsity"] for row in work.improvement(chosen)} == {"95"}


@pytest.mark.parametrize(
    ("question", "part", "names"),
    [
        (work.members, "group_part", ["mnist-90"]),
        (work.sources, "transfer_part", ["to-fashion", 0]),
    ],
)
def test_a_job_takes_networks_for_what_the_workflow_gives_it(settings, question, part, names):
    sorted_by_name = validate(json.loads(to_json(getattr(settings, part)(names[0]))))
    paths = [row["path"] for row in question(settings, *names)]
    assert [row["path"] for row in question(sorted_by_name, *names)] == paths
    assert len(set(paths)) < len(paths)


def test_members_have_the_seeds_of_their_start_and_else_those_of_the_task(settings):
    rows = work.members(settings, "mnist-90")
    by_set = {name: [row["seed"] for row in rows if row["set"] == name] for name in ("seeds", "ten-seeds")}
    assert by_set == {"seeds": settings.tasks["mnist"].seeds, "ten-seeds": list(range(10))}


def test_tracks_are_those_of_the_settings(settings):
    assert work.tracks(settings, "train") == settings.driving.tracks.train
    assert work.tracks(settings, "round2") == settings.driving.tracks.rounds[1]
    assert work.training_kinds(2) == ["train", "round1", "round2"]
    returns = settings.driving.tracks.returns
    assert work.tracks_driven(settings, "sense", 50.0) == min(settings.driving.searched, returns)
    assert work.tracks_driven(settings, "psiren", 90.0) == returns
    assert work.tracks_driven(settings, "psiren", 50.0) == settings.driving.brief


@pytest.mark.parametrize(
    ("task", "makers"),
    [
        ({"like": "mnist"}, ("mnist", "mnist", "mnist")),
        ({"like": "mnist", "seeds": [7], "psiren": {"binary": {"mask": "fixed"}}}, ("mnist", "mnist", "mnist")),
        ({"like": "mnist", "psiren": {"fine_tune": {"epochs": 0}}}, ("mnist", "mnist", "mnist")),
        ({"like": "mnist", "sparsities": [90]}, ("mnist", "mnist", "mine")),
        ({"like": "mnist", "psiren": {"sparsify": {"distribution": "global"}}}, ("mnist", "mnist", "mine")),
        ({"like": "mnist", "psiren": {"shift": 0}}, ("mnist", "mine", "mine")),
        ({"like": "mnist", "dataset": "fashion-mnist"}, ("mine", "mine", "mine")),
        ({"dataset": "mnist", "network": "static"}, ("mine", "mine", "mine")),
    ],
)
def test_steps_that_are_equal_in_the_task_that_one_is_like_are_taken_from_it(root, task, makers):
    settings = validate(merge(read_yaml(root / "config/config.yaml"), {"tasks": {"mine": task}}))
    assert tuple(work.maker(settings, "mine", step) for step in ("demonstrations", "dense", "sparse")) == makers
    assert [work.maker(settings, "car", step) for step in ("demonstrations", "dense", "sparse")] == 3 * ["car"]


@pytest.mark.parametrize(
    ("run", "expected"),
    [("", ("psiren", "")), ("-random", ("random", "")), ("-psiren.car-polish", ("psiren", "car-polish"))],
)
def test_a_driver_is_named_by_its_run(run, expected):
    assert work.driver(run) == expected


@pytest.mark.parametrize(
    ("question", "values", "message"),
    [
        (work.surveys, ("fashion",), "the setting 'neighbors' has no task 'fashion'"),
        (work.amount, ("mnist", 4, "9.0"), "layer '9.0' of seed 4: not in the setting 'neighbors.mnist', which has"),
        (work.embeddings, ("fashion",), "the setting 'neighbors' has no task 'fashion'"),
        (
            work.embedding,
            ("mnist", "2.0"),
            "layer '2.0': not in the setting 'embeddings.mnist.layers', which has 1.0, fc",
        ),
        (
            work.refuse_figure,
            ("99",),
            "unknown figure '99'; expected one of figure_1, .*, video$",
        ),
        (work.tracks, ("round9",), "round9: the setting 'driving.tracks.rounds' has 2"),
        (work.networks, ("cats",), "unknown task 'cats'"),
    ],
)
def test_what_a_study_does_not_have_is_one_line(settings, question, values, message):
    with pytest.raises(InputError, match=message):
        question(settings, *values)


def test_a_study_without_the_improvement_says_so(settings):
    without = validate(merge(settings.model_dump(), {"sense": {"improvement": None}, "figures": {"s2": None}}))
    with pytest.raises(InputError, match=r"the setting 'sense.improvement' is not set"):
        work.improvement(without)
