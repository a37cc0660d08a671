"""Any study plans: one that stands alone, whatever its task is called, and one that takes entries away."""

import os
import re

import forks
import pytest
import yaml
from conftest import SMALL

from aann.settings.files import merge

ALONE = {
    "standalone": True,
    "scale": "alone",
    "datasets": {"letters": {"kind": "letters", "images": 200, "validation_images": 50, "test_images": 50}},
    "networks": {
        "net": {
            "input_shape": [1, 28, 28],
            "layers": [
                {"type": "convolution", "name": "a", "filters": 2, "kernel": 5, "pool": 2},
                {"type": "dense", "name": "b", "units": 10},
            ],
        }
    },
    "tasks": {"clothes": {"dataset": "letters", "network": "net", "sparsities": [0, 90], "seeds": [0]}},
    "sense": {
        "searches": {
            "greedy": {
                "strategy": "greedy",
                "layers": {"names": ["first", "last"]},
                "neighbors": {"first": 5, "last": 9},
                "budget": {"evaluations": 40},
            }
        }
    },
    "figures": {
        "12": {"kind": "sparsity", "task": "clothes"},
        "up": {
            "kind": "climbs",
            "start": {"task": "clothes", "sparsity": 80, "origin": "random"},
            "search": "greedy",
        },
    },
}


def planned(workflow, study, *targets):
    """Return the exit status of a dry run of a study, and what it said."""
    (workflow.folder / "study.yaml").write_text(yaml.safe_dump(study))
    command = [*forks.COMMAND, "--dry-run", "--cores", "2", "--configfile", "study.yaml", "--", *targets]
    result = forks.run(command, workflow.folder, os.environ)
    return result.returncode, result.stdout + result.stderr


def test_what_has_ten_seeds_is_judged_again_with_ten_others(fresh):
    overlay = yaml.safe_load((fresh.folder / "config/again.yaml").read_text())
    code, said = planned(fresh, overlay, "claims")
    assert code == 0, said
    assert "results/again/claims/claims.json" in said
    assert "seed19" in said
    assert "seed0" not in said
    assert "driving" not in said


def test_decisions_taken_the_other_way_run_only_what_is_otherwise(fresh):
    """A task that is like another has its demonstrations, and its networks before the step that differs."""
    overlay = yaml.safe_load((fresh.folder / "config/sensitivity.yaml").read_text())
    code, said = planned(fresh, overlay, "figure_sensitivity")
    assert code == 0, said
    jobs = dict(re.findall(r"^(\w[\w-]*) +(\d+)$", said.split("Job stats:")[1], re.MULTILINE))
    assert jobs["demonstrations"] == "5"
    assert jobs["dense"] == str(3 * 6)  # three tasks, and those whose images are moved otherwise
    assert {name for name in jobs if name.startswith("sparsify_")} == {
        f"sparsify_{task}"
        for base, moved in (("mnist", "no-shift"), ("fashion", "no-shift"), ("car", "shift"))
        for task in (base, f"{base}-{moved}", f"{base}-global")
    }


def test_a_study_of_one_task_plans_its_figures_and_nothing_of_the_paper(fresh):
    code, said = planned(fresh, ALONE, "figure_12", "figure_up")
    assert code == 0, said
    assert "sparsify_clothes" in said
    assert "mnist" not in said


def test_all_figures_of_a_study_are_those_that_it_has(fresh):
    code, said = planned(fresh, ALONE)
    assert code == 0, said
    assert {"figure_12", "figure_up"} <= set(said.split())
    assert "figure_2a" not in said


def test_an_unknown_figure_is_refused_with_those_of_the_study(fresh):
    code, said = planned(fresh, ALONE, "figure_3")
    assert code == 1
    assert "unknown figure '3'; expected one of figure_12, figure_up" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"figures": {"12": {"kind": "sparsity", "task": "mnist"}}}, "figures.12.task: no task 'mnist'"),
        ({"figures": {"12": {"kind": "pie"}}}, "figures.12"),
        ({"tasks": {"clothes": None}}, "tasks"),
        ({"datasets": {"letters": None}}, "tasks.clothes.dataset: no data set 'letters'"),
    ],
)
def test_what_a_study_lacks_is_named_by_its_key(fresh, change, message):
    study = {**ALONE, **{key: {**ALONE[key], **value} for key, value in change.items()}}
    code, said = planned(fresh, study)
    assert code == 1
    assert message in said
    assert "Traceback" not in said


def test_an_overlay_takes_entries_away(fresh):
    overlay = {"figures": dict.fromkeys(("2b", "8b", "9", "10", "video"))}
    overlay |= {section: {"car": None} for section in ("tasks", "neighbors", "embeddings")}
    code, said = planned(fresh, merge(SMALL, overlay), "all_figures")
    assert code == 0, said
    assert "demonstrations" not in said
    assert "figure_12" in said
