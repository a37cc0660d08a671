import json
import os
import resource
import subprocess
import sys

import click
import numpy as np
import pytest
from commands import check_one_line, draw, run, shown

from aann import checkpoints
from aann.artifacts import write_arrays, write_table
from aann.cli import main
from aann.commands import HELP
from aann.settings.study import load

STAGES = {
    "datasets",
    "psiren",
    "neighbors",
    "embeddings",
    "sense",
    "families",
    "driving",
    "export",
    "figures",
    "claims",
    "report",
    "settings",
}


@pytest.fixture(autouse=True)
def in_the_repository(root, monkeypatch):
    monkeypatch.chdir(root)


def test_help_lists_a_group_of_commands_for_each_stage(root):
    assert set(HELP) == STAGES | {"predict", "provenance", "release", "results", "study", "times"}
    modules = {path.stem for path in (root / "src/aann/commands").glob("*.py")} - {"__init__", "options"}
    assert modules == set(HELP)
    lines = run("--help").output.splitlines()
    for name in HELP:
        (line,) = (line for line in lines if line.startswith(f"  {name} "))
        assert HELP[name].startswith(line.split(maxsplit=1)[1])


def groups():
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in main.list_commands(context)}


@pytest.mark.parametrize("name", HELP)
def test_every_command_and_option_has_a_help_text(name):
    group = groups()[name]
    assert group.help
    for command in getattr(group, "commands", {name: group}).values():
        assert command.help, command.name
        assert all(option.help for option in command.params if option.param_type_name == "option"), command.name


@pytest.mark.parametrize("name", HELP)
def test_a_group_has_the_help_text_and_the_name_that_are_listed(name):
    group = groups()[name]
    assert group.name == name
    assert not hasattr(group, "commands") or group.help == HELP[name]
    result = run(name, "--help")
    assert (result.exit_code, result.stderr) == (0, "")


def test_an_unknown_group_is_named():
    result = run("settigns", "check")
    assert result.exit_code == 2
    assert "No such command 'settigns'" in result.stderr


LOADED = """
import atexit, runpy, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
runpy.run_module("aann", run_name="__main__")
"""
"""Runs a command, and then prints what modules it has loaded."""


def loaded(root, *arguments):
    """Return the modules that a command loads, and the seconds of a processor that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {*result.stderr.split()}, seconds


def test_help_loads_nothing_slow_and_no_group(root):
    modules, seconds = loaded(root, "--help")
    packages = {name.split(".")[0] for name in modules}
    assert not packages & {"numpy", "pandas", "pydantic", "torch", "yaml", "snakemake"}
    assert {name for name in modules if name.startswith("aann.")} == {
        "aann.cli",
        "aann.commands",
        "aann.errors",
        "aann.extras",
    }
    assert seconds < 0.5


@pytest.mark.parametrize("name", HELP)
def test_help_of_a_group_loads_no_other_group_and_no_science(root, name):
    modules, _ = loaded(root, name, "--help")
    commands = {module for module in modules if module.startswith("aann.commands.")}
    assert commands == {f"aann.commands.{name}", "aann.commands.options"}
    assert not {name.split(".")[0] for name in modules} & {"matplotlib", "pandas", "sklearn", "snakemake", "torch"}


def test_settings_are_checked_and_shown_with_their_defaults(root):
    shown = json.loads(run("settings", "check", "--configfile", "config/config.yaml").output)
    assert shown == json.loads(load([root / "config/config.yaml"]).model_dump_json())
    assert shown["psiren"]["binary"]["mask"] == "dynamic"


def test_settings_of_the_checkout_are_the_default_in_a_folder_that_has_none(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    expected = json.loads(load([root / "config/config.yaml"]).model_dump_json())
    assert json.loads(run("settings", "check").output) == expected
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("scale: here\n")
    check_one_line(run("settings", "check"), "config/config.yaml: setting 'networks' is missing; see config/README.md")


def files_that_are_written():
    """Return the options that name them, each after its command."""
    return [
        (*dict.fromkeys((group, name)), option.opts[0])
        for group, found in groups().items()
        for name, command in getattr(found, "commands", {group: found}).items()
        for option in command.params
        if (getattr(option, "help", None) or "").startswith("Writes") and "folder" not in option.help
    ]


@pytest.mark.parametrize("command", files_that_are_written(), ids=" ".join)
def test_a_folder_in_place_of_a_file_to_write_is_refused_before_any_work(command, tmp_path):
    for folder in (".", "..", tmp_path):
        check_one_line(run(*command, folder), f"{command[-1]} {folder}: is a folder; name the file to write")


def test_wrong_settings_are_one_line():
    check_one_line(run("settings", "check", "--settings", '{"scale": 3}'), "--settings: ", "'scale'")
    for text in ("{", "[" * 5000):
        check_one_line(run("settings", "check", "--settings", text), "--settings: is not JSON")
    for text, kind in (("[]", "list"), ("null", "NoneType"), ("3", "int")):
        line = f"--settings: expected a mapping of settings, got {kind}"
        check_one_line(run("settings", "check", "--settings", text), line)
    check_one_line(run("settings", "check", "--configfile", "absent.yaml"), "absent.yaml: cannot be read")


ABSENT = {"kind": "folder", "folder": "absent", "size": [28, 28], "channels": 1, "classes": 10}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"figures": {"s5": {"group": "nope"}}}, "configuration: figures.s5.group: unknown group 'nope'"),
        ({"sense": {"climb": {"task": "nope"}}}, "configuration: figures.5: sense.climb.task: no task 'nope'"),
        ({"claims": {"without": ["nope"]}}, "configuration: claims.without: there is no claim 'nope'"),
        (
            {
                "datasets": {"mine": ABSENT},
                "tasks": {"mnist": {"dataset": "mine"}},
            },
            "configuration: datasets.mine.folder: absent is not there",
        ),
    ],
)
def test_settings_that_the_workflow_refuses_are_refused_by_the_check(change, line, tmp_path):
    (tmp_path / "more.yaml").write_text(json.dumps(change))
    files = ("--configfile", "config/config.yaml", "--configfile", tmp_path / "more.yaml")
    check_one_line(run("settings", "check", *files), line)


def test_an_unknown_data_set_or_task_is_one_line(tmp_path):
    check_one_line(
        run("datasets", "fetch", "minst", "--folder", tmp_path),
        "unknown data set 'minst'; expected one of mnist, fashion-mnist",
    )
    check_one_line(
        run("datasets", "fetch", "mnist", "x.gz", "--folder", tmp_path), "unknown archive 'x.gz'; expected one"
    )
    files = ("--archives", tmp_path, "--output", tmp_path / "x.safetensors")
    result = run("datasets", "split", "--task", "mnits", *files)
    check_one_line(result, "unknown task 'mnits' (did you mean 'mnist'?)")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sparsity", ["101", "-1", "many"])
def test_a_sparsity_out_of_range_is_refused(sparsity):
    arguments = ("--seed", 0, "--data", "d", "--sparse", "s", "--output", "o", "--curve", "c", "--accuracy", "a")
    result = run("psiren", "network", "--task", "mnist", "--sparsity", sparsity, *arguments)
    assert result.exit_code == 2
    assert "--sparsity" in result.stderr


@pytest.fixture
def quick(tmp_path):
    """The quick scale's splits, and the arguments that p-SIREN's commands share."""
    files = ("--configfile", "config/config.yaml", "--configfile", "config/quick.yaml")
    split = ("datasets", "split", "--task", "mnist", "--archives", tmp_path, "--output", tmp_path / "data.safetensors")
    assert run(*split, *files).exit_code == 0
    return (
        "--task",
        "mnist",
        "--seed",
        0,
        "--data",
        tmp_path / "data.safetensors",
        "--curve",
        tmp_path / "c.parquet",
        *files,
    )


def test_weights_of_another_architecture_are_named_before_any_work(quick, tmp_path):
    write_arrays(tmp_path / "dense.safetensors", {"fc": np.ones((3, 4), np.float32)}, {})
    result = run(
        *("psiren", "sparsify", *quick, "--dense", tmp_path / "dense.safetensors"),
        *("--sparsity", 90, "--output", tmp_path / "sparse.safetensors"),
    )
    check_one_line(result, "dense.safetensors: holds the layers {'fc': (3, 4)}", "'2.0': (32, 16, 5, 5)")
    assert not (tmp_path / "sparse.safetensors").exists()


def test_sparsities_and_outputs_go_together(quick, tmp_path):
    result = run(
        *("psiren", "sparsify", *quick, "--dense", tmp_path / "dense.safetensors"),
        *("--sparsity", 90, "--sparsity", 50, "--output", tmp_path / "sparse.safetensors"),
    )
    check_one_line(result, "expected as many outputs as sparsities")


def test_a_table_of_something_else_is_named(tmp_path):
    import pandas

    write_table(tmp_path / "table.csv", pandas.DataFrame({"sparsity": [1]}))
    for name, problem in (("table.csv", "lacks the column 'seed'"), ("absent.csv", "there is no such file")):
        result = draw("sparsity", [("accuracies", name, {"task": "mnist"})], tmp_path / "f.png", results=tmp_path)
        check_one_line(result, f"{name}: {problem}")
    assert shown(tmp_path) == {"table.csv"}


# --- searches ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def searching(quick, tmp_path):
    """Run a search of a random start at the quick scale; further settings of the search are laid over it."""
    start, more = tmp_path / "start.safetensors", tmp_path / "more.yaml"
    files = (*quick[quick.index("--configfile") :], "--configfile", more)

    def search(name="figure-7", **changes):
        more.write_text(json.dumps({"sense": {"searches": {"figure-7": changes}}}))
        return run(
            *("sense", "search", "--task", "mnist", "--search", name, "--sparsity", 90, "--origin", "random"),
            *("--seed", 0, "--network", start, "--data", tmp_path / "data.safetensors"),
            *("--trace", tmp_path / "t.parquet"),
            *("--output", tmp_path / "found.safetensors", "--outcome", tmp_path / "o.csv", *files),
        )

    more.write_text("{}")
    made = run("sense", "start", "--task", "mnist", "--sparsity", 90, "--seed", 0, "--output", start, *files)
    assert made.exit_code == 0
    return search


def outputs(folder):
    return shown(folder) - {"data.safetensors", "start.safetensors", "more.yaml"}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"strategy": "climb"}, ("'sense.searches.figure-7.strategy'", "expected kind: best or first or annealing")),
        ({"objective": "loss"}, ("'sense.searches.figure-7.objective'", "'accuracy' or 'margins'")),
        (
            {"budget": {"evaluations": 0}},
            ("'sense.searches.figure-7.budget.evaluations'", "greater than or equal to 1"),
        ),
        ({"layers": {"names": ["fc", "3.0"]}, "neighbors": {"3.0": 5}}, ("no layer '3.0'", "1.0, 2.0, fc")),
    ],
)
def test_a_search_that_cannot_work_is_one_line(searching, tmp_path, changes, messages):
    check_one_line(searching(**changes), *messages)
    assert outputs(tmp_path) == set()


def test_an_unknown_search_is_one_line(searching, tmp_path):
    check_one_line(searching("gredy"), "unknown search 'gredy' (did you mean 'greedy'?)")
    assert outputs(tmp_path) == set()


def test_a_start_of_another_architecture_is_named(searching, network, tmp_path):
    network.save(tmp_path / "start.safetensors")
    check_one_line(searching(), "start.safetensors: ")
    assert outputs(tmp_path) == set()


def test_a_killed_search_goes_on_from_its_own_checkpoint_only(searching, tmp_path, monkeypatch):
    from aann.sense import search

    def killed(self):
        if self._neighborhoods == 2:
            raise KeyboardInterrupt
        original(self)

    original = search.Search._next_neighborhood
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
        patch.setattr(search.Search, "_next_neighborhood", killed)
        assert searching(budget={"evaluations": 300}).exit_code == 130
    assert outputs(tmp_path) == {"t.checkpoint.safetensors"}
    other = searching(budget={"evaluations": 400})
    check_one_line(other, "t.checkpoint.safetensors: belongs to another run or version of the code", "delete it")
    assert outputs(tmp_path) == {"t.checkpoint.safetensors"}
    assert searching(budget={"evaluations": 300}).exit_code == 0
    assert outputs(tmp_path) == {"t.parquet", "found.safetensors", "o.csv"}
