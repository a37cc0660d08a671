"""Kinds of figures: what an entry of the settings needs, what it is drawn from, and how it is drawn by the command."""

import importlib
import json
import re
import subprocess
import sys
from typing import get_args

import pandas
import pytest
import yaml
from commands import check_one_line, run, shown
from PIL import Image

from aann.artifacts import read_table, write_table
from aann.errors import InputError
from aann.figures import kinds
from aann.lineage import records
from aann.lineage.release import read_manifest
from aann.settings import work
from aann.settings.figures import FigureSettings, in_order, label, picture, target
from aann.settings.files import merge
from aann.settings.plans import Plan
from aann.settings.study import load, validate
from aann.tables import ACCURACY, accuracy_row

KINDS = {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(get_args(FigureSettings)[0])}


@pytest.fixture(autouse=True)
def in_the_repository(root, monkeypatch):
    monkeypatch.chdir(root)


@pytest.fixture
def values(root):
    return yaml.safe_load((root / "config/config.yaml").read_text())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_has_a_module_a_caption_and_a_figure(kind, root):
    module = importlib.import_module(f"aann.figures.{kind}")
    assert all(callable(getattr(module, name)) for name in ("plan", "read", "draw"))
    assert len(set(module.FILES)) == len(module.FILES) > 0
    assert (root / f"workflow/report/{kind}.rst").read_text().strip()
    otherwise = load([root / "config/config.yaml", root / "config/sensitivity.yaml"])
    assert kind in {entry.kind for entry in otherwise.figures.values()}


def test_captions_are_those_of_kinds_claims_and_the_pages(root):
    assert {path.stem for path in (root / "workflow/report").glob("*.rst")} == KINDS | {"claims", "page", "study"}


def test_names_say_what_targets_and_files_are_called(paper_settings):
    assert [target(name) for name in ("2a", "s1", "video", "video-2")] == ["figure_2a", "figure_s1", "video", "video-2"]
    assert in_order(["video", "10", "s1", "2b", "2a", "signs", "12", "s10", "1"]) == [
        *("1", "2a", "2b", "10", "12", "s1", "s10", "signs", "video"),
    ]
    assert [label(name) for name in ("2a", "s1", "signs")] == ["2a", "S1", "signs"]
    for name, entry in paper_settings.figures.items():
        files = kinds.files(name, entry.kind)
        assert next(iter(files.values())) == picture(name)
        assert files == {ending: f"figures/{target(name)}.{ending}" for ending in kinds.load(entry.kind).FILES}


# --- plans ------------------------------------------------------------------------------------------------------------


def test_every_figure_of_the_paper_is_planned_without_what_draws(root):
    script = (
        "import sys; from aann.settings.study import load; from aann.figures import kinds; "
        "kinds.plans(load(['config/config.yaml'])); print(sorted({*sys.modules} & {'matplotlib', 'scipy', 'torch'}))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_a_plan_says_which_rows_of_which_files_are_drawn(paper_settings):
    plan = kinds.plan(paper_settings, "8a")
    assert plan.title == "MNIST, random start, 80 % sparse"
    assert plan.options == {"layers": ["1.0", "2.0", "fc"]}
    assert [one.role for one in plan.inputs] == ["traces"] * 3 + ["baselines"] * 3
    assert plan.inputs[1].path == "sense/mnist-p80-random.figure-8a/seed1.parquet"
    keys = {"task": "mnist", "sparsity": 80.0, "origin": "random", "search": "figure-8a", "seed": 1}
    assert plan.inputs[1].keys == keys


def test_networks_drive_before_and_after_each_search_from_each_start(paper_settings):
    plan = kinds.plan(paper_settings, "8b")
    returns = [one for one in plan.inputs if one.role == "returns" and one.keys["seed"] == 0]
    assert [one.path for one in returns] == [
        "driving/car/sense/p80-random/seed0.returns.csv",
        "driving/car/sense/p80-random.figure-8b/seed0.returns.csv",
        "driving/car/sense/p80-random.car-greedy/seed0.returns.csv",
        "driving/car/psiren/p90/seed0.returns.csv",
        "driving/car/sense/p90-psiren.car-polish/seed0.returns.csv",
    ]


def test_a_plan_is_the_same_after_it_was_written_as_json(paper_settings):
    for plan in kinds.plans(paper_settings).values():
        assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_what_a_figure_shows_changes_its_plan_and_no_other(values):
    before = kinds.plans(validate(values))
    changed = validate(merge(values, {"figures": {"11": {"panels": [{"method": "tsne"}]}, "2a": {"shows": "a line"}}}))
    assert {name for name, plan in kinds.plans(changed).items() if plan != before[name]} == {"11"}
    seeds = validate(merge(values, {"tasks": {"fashion": {"seeds": [3]}}}))
    assert {name for name, plan in kinds.plans(seeds).items() if plan != before[name]} == {"s8"}
    seeds = validate(merge(values, {"tasks": {"mnist": {"seeds": [3]}}}))
    assert {name for name, plan in kinds.plans(seeds).items() if plan != before[name]} == {
        *("3", "4", "8a", "11", "s1", "s4", "s5", "s8", "s9")
    }


def test_seeds_are_a_setting_of_a_run_and_not_only_of_a_task(paper_settings, values):
    seeds = {name: kinds.plan(paper_settings, name) for name in ("5", "6", "7", "8a", "s1")}
    found = {name: {one.keys["seed"] for one in plan.inputs} for name, plan in seeds.items()}
    assert found == {"5": {*range(10)}, "6": {*range(10)}, "7": {*range(10)}, "8a": {0, 1, 2}, "s1": {0, 1, 2}}
    studied = {(row["sparsity"], row["seed"]) for row in work.surveys(paper_settings, "mnist")}
    assert studied == {*(("90", seed) for seed in range(10)), *(("95", seed) for seed in range(3))}
    start = merge(values, {"figures": {"8a": {"start": {"seeds": [7, 8]}}}})
    plan = kinds.plan(validate(start), "8a")
    assert [one.keys["seed"] for one in plan.inputs] == [7, 8, 7, 8]
    driving = kinds.plan(validate(merge(values, {"figures": {"8b": {"start": {"seeds": [7, 8]}}}})), "8b")
    roles = {role: {one.keys["seed"] for one in driving.inputs if one.role == role} for role in ("traces", "returns")}
    assert roles == {"traces": {7, 8}, "returns": {0, 1, 2}}


def test_the_release_has_what_its_settings_ask_for(root):
    released = load([root / "config/config.yaml", root / "config/release.yaml"])
    manifest = read_manifest(root / "release")["files"]
    needed = {path for plan in kinds.plans(released).values() for path in plan.paths}
    assert needed <= set(manifest)


def test_the_runs_that_are_made_again_share_no_seed_with_the_first(root, values):
    again = load([root / "config/config.yaml", root / "config/again.yaml"])
    first = load([root / "config/config.yaml"])
    for name, plan in kinds.plans(again).items():
        seeds, before = (
            {one.keys["seed"] for one in made.inputs if "seed" in one.keys} for made in (plan, kinds.plan(first, name))
        )
        assert len(seeds) == len(before), name
        assert not seeds & before, name
    for name, task in again.tasks.items():  # or else step 2 would be another
        assert task.sparsities == first.task(name).sparsities, name
    assert set(values["figures"]) - set(again.figures) >= set(again.claims.without_figures)


def test_one_overlay_adds_a_figure_and_takes_others_away(values, tmp_path):
    others = dict.fromkeys(name for name in values["figures"] if name != "1")
    mine = {"figures": {**others, "mine": {"kind": "sparsity", "task": "car-rgb"}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    settings = load(["config/config.yaml", tmp_path / "mine.yaml"])
    assert {name: plan.paths for name, plan in kinds.plans(settings).items()} == {
        "1": [],
        "mine": ["psiren/car-rgb/accuracies.csv"],
    }


def test_a_study_of_one_task_of_any_name_needs_nothing_of_the_papers(values):
    signs = {
        "scale": "signs",
        "networks": {"static": values["networks"]["static"]},
        "datasets": {"signs": {"kind": "letters", "title": "Signs"}},
        "tasks": {"signs": {"dataset": "signs", "network": "static", "sparsities": [0, 90], "seeds": [7]}},
        "figures": {"accuracy": {"kind": "sparsity", "task": "signs"}},
    }
    plans = kinds.plans(validate(signs))
    assert {name: (plan.title, plan.paths) for name, plan in plans.items()} == {
        "accuracy": ("Signs (signs scale)", ["psiren/signs/accuracies.csv"])
    }


STATIC = {"task": "mnist", "sparsity": 80, "origin": "random"}
TRAINED = {"task": "mnist", "sparsity": 33, "origin": "psiren"}
DENSE = {"start": {"task": "mnist", "sparsity": 0, "origin": "psiren"}, "search": "best"}
DENSE_FASHION = {"start": {"task": "fashion", "sparsity": 0, "origin": "psiren"}}
ONE_NETWORK = {"start": {"task": "mnist", "sparsity": 90, "origin": "psiren"}, "seeds": "first"}
OF_FASHION = {"start": {"task": "fashion", "sparsity": 33, "origin": "psiren"}}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"figures": {"3": {"task": "minst"}}}, "figures.3.task: no task 'minst'; 'tasks' has mnist, fashion"),
        (
            {"tasks": {"fashion": None}, "figures": {"s2": None}},
            "figures.12.task: no task 'fashion'; 'tasks' has mnist",
        ),
        ({"figures": {"2b": {"task": "mnist"}}}, "figures.2b.task: 'mnist' is not driven; expected a task"),
        ({"figures": {"9": {"task": "fashion"}}}, "figures.9.task: the setting 'neighbors' has no task 'fashion'"),
        ({"embeddings": {"car": None}}, "figures.10.task: the setting 'embeddings' has no task 'car'"),
        ({"figures": {"6": {"start": {"task": "cat"}}}}, "figures.6.start.task: no task 'cat'; 'tasks' has"),
        ({"figures": {"6": {"start": TRAINED}}}, "figures.6.start.sparsity: 33 is not in tasks.mnist.sparsities"),
        (
            {"figures": {"6": {"search": "figure-66"}}},
            "figures.6.search: unknown search 'figure-66' (did you mean 'fig",
        ),
        (
            {"figures": {"6": {"start": {"task": "car"}}}},
            "figures.6.search: sense.searches.figure-6.layers.names: no layer 'fc'; the task's network has 1.0",
        ),
        ({"sense": {"searches": {"figure-7": None}}}, "figures.7.search: unknown search 'figure-7'"),
        ({"figures": {"8b": {"start": STATIC}}}, "figures.8b.start.task: 'mnist' is not driven"),
        (
            {"figures": {"8b": {"runs": [{"start": STATIC, "search": "best"}]}}},
            "figures.8b.runs.0.start.task: 'mnist' is not driven",
        ),
        (
            {"figures": {"s1": {"runs": [{"start": STATIC, "searches": ["best", "none"]}]}}},
            "figures.s1.runs.0.searches.1: unknown search 'none'",
        ),
        ({"sense": {"climb": None}}, "figures.5: the setting 'sense.climb' is not set"),
        ({"sense": {"climb": {"task": "cat"}}}, "figures.5: sense.climb.task: no task 'cat'; 'tasks' has"),
        ({"sense": {"climb": {"sparsity": 33}}}, "figures.5: sense.climb.sparsity: 33 is not in tasks.mnist"),
        (
            {"sense": {"climb": {"layer": "3.0"}}},
            "figures.5: sense.climb.layer: no layer '3.0'; the task's network has",
        ),
        ({"sense": {"improvement": None}}, "figures.s2: the setting 'sense.improvement' is not set"),
        ({"sense": {"improvement": {"tasks": ["cat"]}}}, "figures.s2: sense.improvement.tasks: no task 'cat'"),
        (
            {"sense": {"improvement": {"sparsities": [12.5]}}},
            "figures.s2: sense.improvement.sparsities: none is in tasks.mnist.sparsities",
        ),
        (
            {"sense": {"improvement": {"tasks": ["fashion"]}}, "tasks": {"fashion": {"sparsities": [0]}}},
            "figures.s2: tasks.fashion.sparsities: none is between 0 and 100",
        ),
        ({"figures": {"s4": {"walk": "run"}}}, "figures.s4.walk: unknown walk 'run'"),
        (
            {"figures": {"s4": {"starts": [{"start": STATIC, "search": "none"}]}}},
            "figures.s4.starts.0.search: unknown search 'none'",
        ),
        (
            {"families": {"walks": {"replace": {"layers": {"9": {}}}}}},
            "figures.s4.walk: families.walks.replace.layers: no layer '9'; the task's network has 1.0, 2.0, fc",
        ),
        ({"figures": {"s5": {"group": "all"}}}, "figures.s5.group: unknown group 'all'"),
        (
            {
                "families": {
                    "groups": {
                        "mnist-90": {
                            "pairs": [],
                            "sets": {"walkers": None, "ten-seeds": None, "all": None, "seeds": [{"start": TRAINED}]},
                        }
                    }
                }
            },
            "figures.s5: families.groups.mnist-90.sets.seeds.0.start.sparsity: 33 is not in tasks.mnist.sparsities",
        ),
        (
            {"families": {"groups": {"mnist-90": {"sizes": {"3": 33}}}}},
            "figures.s5: families.groups.mnist-90.sizes.3: 33 is not a sparsity of the task",
        ),
        ({"figures": {"s6": {"paths": ["away"]}}}, "figures.s6.paths.0: unknown path 'away'"),
        (
            {"families": {"paths": {"to-a-walker": {"end": {"walk": "run"}}}}},
            "figures.s6: families.paths.to-a-walker.end: unknown walk 'run'",
        ),
        ({"figures": {"s8": {"transfers": ["away"]}}}, "figures.s8.transfers.0: unknown transfer 'away'"),
        (
            {"families": {"transfers": {"to-fashion": {"to": "cat"}}}},
            "figures.s8: families.transfers.to-fashion.to: no task 'cat'; 'tasks' has",
        ),
        (
            {"families": {"transfers": {"to-fashion": {"to": "car"}}}},
            "figures.s8: families.transfers.to-fashion.to: networks of 'mnist' do not fit 'car'; expected "
            "input_shape [2, 84, 84] and a last layer of 3 units",
        ),
        (
            {"families": {"transfers": {"to-fashion": {"searches": ["adapt-all", "none"]}}}},
            "figures.s8: families.transfers.to-fashion.searches.1: unknown search 'none'",
        ),
        (
            {"families": {"transfers": {"to-fashion": {"starts": {"walker": {"walk": "run"}}}}}},
            "figures.s8: families.transfers.to-fashion.starts.walker: unknown walk 'run'",
        ),
        (
            {"families": {"transfers": {"to-mnist": {"starts": dict.fromkeys(("trained", "random"), OF_FASHION)}}}},
            "figures.s8: families.transfers.to-mnist.starts.trained.start.sparsity: 33 is not in tasks.fashion",
        ),
        (
            {"tasks": {"fashion": {"sparsities": [80]}}, "families": {"transfers": {"to-mnist": None}}}
            | {"figures": {"s8": {"transfers": ["to-fashion"]}}},
            "figures.s8: families.transfers.to-fashion.to: tasks.fashion.sparsities has no 90 to compare with",
        ),
        (
            {"figures": {"6": {"start": {"sparsity": 0}}}},
            "figures.6.start.sparsity: is 0; expected more than 0 and less than 100, where a network has neighbors",
        ),
        (
            {"figures": {"s1": {"runs": [{"start": {**STATIC, "sparsity": 100}, "searches": ["best"]}]}}},
            "figures.s1.runs.0.start.sparsity: is 100; expected more than 0 and less than 100",
        ),
        (
            {"figures": {"s4": {"starts": [{"start": {**STATIC, "sparsity": 40}}]}}},
            "figures.s4.starts.0.start.sparsity: is 40; expected at least 50, for as many empty places as connections",
        ),
        (
            {"figures": {"s4": {"starts": [{"start": {**STATIC, "sparsity": 100}}]}}},
            "figures.s4.starts.0.start.sparsity: is 100; expected more than 0 and less than 100",
        ),
        (
            {
                "families": {
                    "groups": {
                        "mnist-90": {
                            "pairs": [],
                            "sets": {"walkers": None, "ten-seeds": None, "all": None, "seeds": [DENSE]},
                        }
                    }
                }
            },
            "figures.s5: families.groups.mnist-90.sets.seeds.0.start.sparsity: is 0; expected more than 0",
        ),
        (
            {
                "families": {
                    "groups": {
                        "mnist-90": {
                            "pairs": [],
                            "sets": {"walkers": None, "ten-seeds": None, "all": None, "seeds": [ONE_NETWORK]},
                        }
                    }
                }
            },
            "figures.s5: families.groups.mnist-90.sets: have 1 in all; expected 2 or more networks; name more sets,",
        ),
        (
            {"families": {"paths": {"to-a-walker": {"start": DENSE, "end": {**DENSE, "walk": ""}}}}},
            "figures.s6: families.paths.to-a-walker.start.start.sparsity: is 0; expected more than 0",
        ),
        (
            {"families": {"transfers": {"to-mnist": {"starts": dict.fromkeys(("trained", "random"), DENSE_FASHION)}}}},
            "figures.s8: families.transfers.to-mnist.starts.trained.start.sparsity: is 0; expected more than 0",
        ),
        ({"figures": {"video": {"sparsity": 33}}}, "figures.video.sparsity: 33 is not in tasks.car.sparsities"),
        ({"figures": {"video": {"task": "mnist"}}}, "figures.video.task: 'mnist' is not driven"),
    ],
)
def test_what_an_entry_needs_and_the_study_does_not_have_is_one_line(values, change, line):
    with pytest.raises(InputError) as error:
        kinds.plans(validate(merge(values, change)))
    assert str(error.value).startswith(f"configuration: {line}")
    assert str(error.value).endswith("; see config/README.md")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("sparsity", [0, 100])
@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda sparsity: {"neighbors": {"mnist": {"sparsities": [90, sparsity]}}}, "neighbors.mnist.sparsities.1"),
        (lambda sparsity: {"embeddings": {"mnist": {"sparsity": sparsity}}}, "embeddings.mnist.sparsity"),
        (lambda sparsity: {"sense": {"climb": {"sparsity": sparsity}}}, "sense.climb.sparsity"),
        (lambda sparsity: {"sense": {"selection": {"sparsity": sparsity}}}, "sense.selection.sparsity"),
    ],
)
def test_networks_without_neighbors_are_not_studied(values, change, key, sparsity):
    with pytest.raises(InputError, match=f"setting '{key}': Input should be (greater than 0|less than 100)"):
        validate(merge(values, change(sparsity)))


def test_a_path_is_between_networks_of_one_sparsity(values):
    path = {"end": {"start": {"sparsity": 80}}}
    with pytest.raises(InputError, match=r"to-a-walker': end\.start\.sparsity: is 80\.0; expected 90\.0, the start's"):
        validate(merge(values, {"families": {"paths": {"to-a-walker": path}}}))


def test_walks_start_below_half_the_zeros_where_layers_differ(values):
    start = {"task": "mnist", "sparsity": 40, "origin": "psiren"}
    walked = {"psiren": {"sparsify": {"densities": {"fc": 0.5}}}, "figures": {"s4": {"starts": [{"start": start}]}}}
    assert "s4" in kinds.plans(validate(merge(values, walked)))


def test_an_unknown_figure_is_named(paper_settings):
    with pytest.raises(InputError, match=r"unknown figure '13'.*; the setting 'figures' has 1, 2a, 2b, 3"):
        kinds.plan(paper_settings, "13")


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    """The accuracies of two tasks, below the folder of a scale."""
    for task in ("mnist", "fashion"):
        rows = [accuracy_row((9, 10), (8, 10), task=task, sparsity=90.0, seed=seed) for seed in range(2)]
        (tmp_path / f"paper/psiren/{task}").mkdir(parents=True)
        write_table(tmp_path / f"paper/psiren/{task}/accuracies.csv", pandas.DataFrame(rows))
    return tmp_path / "paper"


def test_a_figure_is_drawn_by_its_name_and_records_what_it_shows(results, paper_settings):
    result = run("figures", "draw", "12", "--results", results)
    assert (result.exit_code, result.output) == (0, "")
    assert shown(results / "figures") == {f"figure_12.{ending}" for ending in ("pdf", "png", "csv")}
    found = ACCURACY.read(results / "figures/figure_12.csv", task="fashion")
    pandas.testing.assert_frame_equal(found, read_table(results / "psiren/fashion/accuracies.csv"))
    record = records.find(results / "figures/figure_12.png").provenance
    assert (record["module"], record["title"], record["settings"]) == ("aann.figures.sparsity", "Fashion-MNIST", {})
    assert len(record["inputs"]) == 1


def test_a_plan_takes_the_place_of_settings(results, paper_settings, tmp_path, monkeypatch):
    plan = kinds.plan(paper_settings, "2a")
    drawn = tmp_path / "x.png"
    monkeypatch.setattr("aann.commands.options.load", None)  # settings are not read
    output = ("--results", results, "--output", drawn)
    assert run("figures", "draw", "2a", "--plan", plan.model_dump_json(), *output).exit_code == 0
    with Image.open(drawn) as image:
        assert json.loads(image.text["Provenance"])["title"] == "MNIST"
    assert shown(tmp_path) == {"paper", "x.png", "x.pdf", "x.csv"}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("{", "--plan: "),
        ('{"kind": 3}', "--plan: setting 'kind': Input should be a valid string"),
        ('{"kind": "sparsity", "titel": "x"}', "--plan: unknown setting 'titel' (did you mean 'title'?)"),
        ('{"kind": "pie"}', "unknown kind of figure 'pie'"),
        ('{"kind": "kinds"}', "unknown kind of figure 'kinds'; expected one of schematic, sparsity"),
        ('{"kind": "sparsity"}', "--plan: has no inputs of the role 'accuracies'"),
        ('{"kind": "sensitivity"}', "--plan: has no option 'panels'"),
    ],
)
def test_a_plan_that_is_none_is_one_line(plan, message, results, tmp_path):
    result = run("figures", "draw", "2a", "--plan", plan, "--results", results, "--output", tmp_path / "x.png")
    check_one_line(result, message)


@pytest.mark.parametrize("kind", sorted({*kinds.KINDS} - {"schematic"}))
def test_every_kind_says_what_its_plan_lacks(kind, tmp_path):
    plan = json.dumps({"kind": kind})
    result = run("figures", "draw", "2a", "--plan", plan, "--results", tmp_path, "--output", tmp_path / "x.png")
    check_one_line(result, "--plan: has no ", f"the kind {kind!r} ")


def test_a_table_that_is_not_there_or_another_one_is_named_and_nothing_is_drawn(results, tmp_path):
    check_one_line(run("figures", "draw", "3", "--results", results), "csv: there is no such file")
    other = read_table(results / "psiren/fashion/accuracies.csv")
    write_table(results / "psiren/mnist/accuracies.csv", other)
    line = "its column 'task' holds 'fashion', expected 'mnist'; name another file"
    check_one_line(run("figures", "draw", "2a", "--results", results), line)
    assert not (results / "figures").exists()


def test_a_figure_with_nothing_to_draw_is_named(results, tmp_path):
    plan = Plan(kind="improvement", options={"titles": {}}, inputs=({"role": "outcomes", "path": "x.csv"},))
    columns = ("task", "origin", "search", "sparsity", "seed", "evaluations", "accepted")
    row = dict.fromkeys(columns, 1) | {"task": "mnist", "origin": "psiren", "search": "s"}
    accuracies = [f"{when}_{split}_accuracy" for when in ("before", "after") for split in ("validation", "test")]
    write_table(results / "x.csv", pandas.DataFrame([row | dict.fromkeys(accuracies, 0.5)]))
    arguments = ("--plan", plan.model_dump_json(), "--results", results, "--output", tmp_path / "x.png")
    check_one_line(run("figures", "draw", "s2", *arguments), "figure S2: no title for task mnist; give one for each")
    assert shown(tmp_path) == {"paper"}


def test_figures_are_listed_by_names_targets_and_files(paper_settings):
    names = list(paper_settings.figures)
    assert run("figures", "list").output.split() == names
    assert run("figures", "list", "--show", "targets").output.split() == list(map(target, names))
    files = run("figures", "list", "--show", "files").output.split()
    assert files == [path for name in names for path in kinds.files(name, paper_settings.figures[name].kind).values()]
    assert "figures/figure_5.html" in files
    assert files[-1] == "figures/video.mp4"


def test_nothing_else_lists_figures(root, paper_settings):
    """Makefile, CI, rules and code take figures from the settings; the page tells the paper's story."""
    names = "|".join(target(name) for name in paper_settings.figures)
    places = [root / "Makefile", root / ".ci/run", *root.glob("rules/*"), *root.glob("src/**/*.py")]
    found = {
        f"{path.relative_to(root)}: {line}"
        for path in places
        for line in path.read_text().splitlines()
        if len(set(re.findall(rf"\b(?:{names})\b", line))) > 1
    }
    assert found == set()
