"""The page of a study of one's own: its data, and what a network gets wrong; tests/workflow makes a whole one."""

import json
import re

import numpy as np
import pytest
from own_data import CLASSES, SIZE, fill

from aann import tables
from aann.artifacts import write_table
from aann.datasets import sources
from aann.errors import InputError
from aann.evaluation import reference
from aann.networks import TernaryNetwork
from aann.report.contents import CLAIMS, contents_of
from aann.report.study import Examination, Study
from aann.sense import starts
from aann.settings.study import validate


@pytest.fixture
def settings(tmp_path):
    fill(tmp_path / "fruit", 20)
    layers = [{"type": "dense", "name": "hidden", "units": 6}, {"type": "dense", "name": "fc", "units": 3}]
    data = {"kind": "folder", "folder": str(tmp_path / "fruit"), "size": list(SIZE), "channels": 1, "classes": CLASSES}
    return validate(
        {
            "scale": "own",
            "standalone": True,
            "results": str(tmp_path),
            "downloads": {"mirrors": ["https://user:secret@host"]},
            "datasets": {"fruit": {**data, "title": "Fruit"}},
            "networks": {"small": {"input_shape": [1, *SIZE], "layers": layers}},
            "tasks": {"fruit": {"dataset": "fruit", "network": "small", "sparsities": [0, 50, 95], "seeds": [4]}},
        }
    )


@pytest.fixture
def study(settings, tmp_path):
    """The results of a study that has splits, a network and accuracies, and no figures."""
    results, contents = tmp_path / "own", contents_of(settings)
    one = contents.tasks["fruit"]
    sources.make(settings, "fruit", None, results / one.data)
    starts.make_start(settings, "fruit", one.sparsity, one.seed, results / one.network)
    rows = [
        tables.accuracy_row((3, 6), (6 - number, 12), task="fruit", sparsity=sparsity, seed=4)
        for number, sparsity in enumerate(settings.tasks["fruit"].sparsities)
    ]
    write_table(results / one.accuracies, tables.ACCURACY.make(rows))
    return Study(results, "own", contents.model_dump())


def test_the_page_is_made_of_data_and_networks_in_place_of_claims(settings, paper_settings):
    contents = contents_of(settings)
    one = contents.tasks["fruit"]
    assert (one.title, one.sparsity, one.seed) == ("Fruit", 95.0, 4)
    assert contents.files == ["datasets/fruit.safetensors", "psiren/fruit/accuracies.csv", one.network]
    assert one.network == "psiren/fruit/p95/seed4.safetensors"
    assert contents.settings["tasks"]["fruit"]["sparsities"] == [0, 50, 95]
    assert "secret" not in contents.model_dump_json()
    paper = contents_of(paper_settings)
    assert (paper.claims, paper.tasks, paper.settings) == (True, {}, {})
    assert CLAIMS in paper.files


def test_tasks_that_share_a_data_set_are_told_apart(settings):
    values = settings.model_dump(exclude_unset=True)
    values["tasks"]["still"] = {"like": "fruit", "psiren": {"shift": 0}}
    values["figures"] = {task: {"kind": "sparsity", "task": task} for task in ("fruit", "still")}
    contents = contents_of(validate(values))
    titles = ["Fruit (fruit)", "Fruit (still)"]
    assert [one.title for one in contents.tasks.values()] == titles
    assert [one.title for one in contents.figures.values()] == titles
    alone = contents_of(validate(values | {"standalone": False, "scale": "paper"}))
    assert [one.title for one in alone.figures.values()] == ["Fruit", "Fruit"]


def test_the_network_in_focus_is_one_whose_neighbors_are_looked_at(settings):
    values = settings.model_dump() | {"neighbors": {"fruit": {"sparsities": [50], "first": {"fc": 5}}}}
    assert contents_of(validate(values)).tasks["fruit"].sparsity == 50.0


def test_what_is_counted_of_a_network_is_what_the_reference_counts(study, tmp_path):
    tested, test = study.tested["fruit"], study._splits["fruit"]["test"]
    network = TernaryNetwork.load(tmp_path / "own" / study.contents.tasks["fruit"].network)
    assert np.array_equal(tested.taken, reference.predictions(network, test.images))
    assert np.trace(tested.confusion) == reference.correct_count(network, test.images, test.labels)
    assert tested.confusion.sum(axis=1).tolist() == [4, 4, 4]
    assert tested.names == CLASSES
    wrong = tested.mistakes
    assert sorted(wrong) == np.flatnonzero(tested.taken != test.labels).tolist()
    assert tested.ahead[wrong].tolist() == sorted(tested.ahead[wrong], reverse=True)


def test_balanced_accuracy_and_the_majority_are_of_classes_that_are_there():
    tested = Examination(np.array([0, 0, 0, 1]), np.array([0, 0, 2, 2]), np.zeros(4), ["a", "b", "c"])
    assert tested.confusion.tolist() == [[2, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert tested.balanced == pytest.approx((2 / 3 + 0) / 2)
    assert tested.majority == 0.75


def test_every_part_of_the_page_says_what_it_shows(study):
    assert "| apple | 14 | 2 | 4 |" in study.counts().text
    assert "| all | 42 | 6 | 12 |" in study.counts().text
    examples = study.examples().text
    assert re.findall(r"<th>(\w+)</th>", examples) == CLASSES
    assert examples.count('<img class="tile"') == 30
    assert "| 50 % | 50.00 % | 41.67 % | -8.33 points |" in study.accuracies().text
    tested = study.tested["fruit"]
    assert f"gets {np.trace(tested.confusion)} of 12 test images right" in study.in_focus().text
    assert study.mistakes().text.count('<img class="tile"') == len(tested.mistakes)
    assert "plot-confusion-fruit" in study.confusion().text
    assert "This study has no figures of the kind sparsity and driving" in study.drawn("sparsity", "driving").text
    assert (study.neighbors().text, study.searches().text, study.more_figures().text) == ("", "", "")
    assert "sparsities: [0.0, 50.0, 95.0]" in study.settings().text
    assert "How long jobs took is not known here" in study.times().text


def test_times_are_those_of_benchmarks(study, tmp_path):
    for name, seconds in (("psiren/fruit/dense/seed4", 30), ("psiren/fruit/p50/seed4", 60), ("datasets/fruit", 6)):
        path = tmp_path / f"own/benchmarks/{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"s": seconds, "cpu_time": seconds, "max_rss": 100}))
    told = study.times().text
    assert "All jobs together took 1.6 minutes" in told
    assert "| psiren | 2 | 1.5 | 60 |" in told


def test_names_that_look_like_html_are_text(study):
    script = "<script>alert(1)</script>"
    study.contents.tasks["fruit"].__dict__["title"] = script
    study.tested["fruit"].names[:] = [script, "b", "c"]
    for shown in (study.examples().text, study.mistakes().text, study.confusion().text):
        assert script not in shown
    assert script not in study.counts()._repr_markdown_()


def test_results_of_another_scale_and_damaged_splits_are_named(study, tmp_path):
    with pytest.raises(InputError, match="is not the folder of the scale 'other'"):
        Study(tmp_path / "own", "other", study.contents.model_dump())
    path = tmp_path / "own" / study.contents.tasks["fruit"].data
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"fruit\.safetensors: is not what was written there"):
        study.counts()
