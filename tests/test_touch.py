"""Which results are proven to be what would be made today, and which are not, and why."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import check_one_line, drawing, run
from made_up import ARCHIVE, DATA, FIGURE, NETWORK, ROW, SCALE, TABLE, make_results

from aann.artifacts import read_arrays, seal_of, write_arrays
from aann.builds import touch
from aann.builds.touch import Job, judge, verify
from aann.datasets import archives
from aann.errors import InputError
from aann.lineage import provenance

RESULTS = Path("results/small")
SPLIT, FIRST, SECOND, GATHER, DRAW = range(1, 6)
FOLLOWING = {FIRST: {GATHER, DRAW}, GATHER: {DRAW}, DRAW: set()}


def paths(*names):
    return tuple(map(Path, names))


def job_of(seed):
    network, row = (name.replace("seed0", f"seed{seed}") for name in (NETWORK, ROW))
    values = {"seed": str(seed), "sparsity": "90"}
    return Job("network", paths(DATA), paths(network, row), SCALE | {"more": 1}, values, earlier=frozenset({SPLIT}))


@pytest.fixture
def jobs(tmp_path, monkeypatch, network):
    """Jobs that would make the made-up results again."""
    monkeypatch.chdir(tmp_path)
    make_results(network)
    rows = paths(ROW, ROW.replace("seed0", "seed1"))
    figure = paths(FIGURE, *(FIGURE.replace("png", ending) for ending in ("pdf", "csv")))
    return {
        SPLIT: Job("split_dataset", paths(ARCHIVE), paths(DATA), SCALE, {"task": "mnist"}),
        FIRST: job_of(0),
        SECOND: job_of(1),
        GATHER: Job("accuracies", rows, paths(TABLE), None, {"task": "mnist"}, earlier=frozenset({FIRST, SECOND})),
        DRAW: Job("figure_2a", paths(TABLE), figure, {}, {"title": "MNIST"}, earlier=frozenset({GATHER})),
    }


def test_results_that_would_be_made_the_same_today_are_proven(jobs):
    assert verify(jobs.values(), RESULTS) == 10
    assert judge(jobs) == touch.Verdict(frozenset(jobs), {})


def doubts(jobs, *proven):
    """Return why jobs are not proven, and check which are."""
    verdict = judge(jobs)
    assert verdict.proven == set(proven)
    return verdict.doubts


def test_a_file_made_from_another_input_is_named_and_what_follows_is_not_proven(jobs):
    arrays, metadata = read_arrays(DATA)
    write_arrays(DATA, arrays | {"more": np.zeros(3)}, metadata)
    line = f"{NETWORK}: was made from another {DATA}"
    assert doubts(jobs, SPLIT) == {FIRST: line, SECOND: line.replace("seed0", "seed1")}


def test_a_figure_that_would_look_otherwise_today_is_named(jobs):
    drawn = drawing("sparsity", [("accuracies", TABLE, {"task": "mnist"})], FIGURE, look="thin")
    assert run(*drawn).exit_code == 0
    jobs[DRAW] = replace(jobs[DRAW], settings={"look": "bold"})
    line = f"{FIGURE}: was made with another setting 'look'"
    assert doubts(jobs, SPLIT, FIRST, SECOND, GATHER) == {DRAW: line}


@pytest.mark.parametrize(
    ("number", "change", "line"),
    [
        (FIRST, {"settings": {"scale": "large"}}, f"{NETWORK}: was made with another setting 'scale'"),
        (FIRST, {"values": {"sparsity": "80"}}, f"{NETWORK}: was made with sparsity 90.0, which is 80 today"),
        (DRAW, {"values": {"title": "Letters"}}, f"{FIGURE}: was made with title MNIST, which is Letters today"),
        (GATHER, {"inputs": paths(ROW)}, f"{TABLE}: today, it would be made from other files"),
        (GATHER, {"inputs": paths(ROW, "none.csv")}, f"{TABLE}: was made from none.csv, which is not there"),
        (DRAW, {"changed": True}, f"{FIGURE}: rule 'figure_2a' has changed since it was made, by Snakemake's records"),
    ],
)
def test_a_change_since_is_named(jobs, number, change, line):
    jobs[number] = replace(jobs[number], **change)
    assert doubts(jobs, *(jobs.keys() - {number} - FOLLOWING[number])) == {number: line}


def test_other_code_is_named(jobs, monkeypatch):
    real = provenance.code_fingerprint
    monkeypatch.setattr(
        provenance, "code_fingerprint", lambda name: "other" if name == "aann.psiren.jobs" else real(name)
    )
    line = f"{NETWORK}: was made by other code of aann.psiren.jobs"
    assert doubts(jobs, SPLIT) == {FIRST: line, SECOND: line.replace("seed0", "seed1")}


@pytest.mark.parametrize(
    ("recorded", "today", "named"),
    [
        ({"scale": "small"}, {"scale": "small", "claims": {}}, None),
        ({"psiren": {"dense": {"epochs": 1}}}, {"psiren": {"dense": {"epochs": 2}}}, "psiren.dense.epochs"),
        ({"networks": {"tiny": {"layers": [1]}}}, {"networks": {"tiny": {"layers": [2]}}}, "networks.tiny.layers"),
        # what is left out where it has its default
        (
            {"psiren": {"sparse": {}}},
            {"psiren": {"sparse": {"densities": {"fc": 0.5}}}},
            "psiren.sparse.densities",
        ),
        (
            {"psiren": {"sparse": {"densities": {"fc": 0.5}}}},
            {"psiren": {"sparse": {}}},
            "psiren.sparse.densities",
        ),
        ({"psiren": {}}, {"psiren": {}, "device": "cuda"}, "device"),
        ({"psiren": {}, "device": "cuda"}, {"psiren": {}}, "device"),
        # an entry that was added
        ({"families": {"sizes": {"1": 90}}}, {"families": {"sizes": {"1": 90, "2": 90}}}, "families.sizes.2"),
    ],
)
def test_a_setting_that_differs_is_named_and_sections_that_do_not_matter_do_not(recorded, today, named):
    expected = [f"was made with another setting {named!r}"] if named else []
    assert list(touch._other_settings(recorded, today)) == expected


def test_results_in_another_folder_are_proven_by_names_and_hashes(jobs):
    shutil.move("results", "elsewhere")
    moved = {
        number: replace(
            job,
            inputs=tuple(Path("elsewhere", *path.parts[1:]) for path in job.inputs),
            outputs=tuple(Path("elsewhere", *path.parts[1:]) for path in job.outputs),
        )
        for number, job in jobs.items()
    }
    assert judge(moved) == touch.Verdict(frozenset(jobs), {})


def test_inputs_of_one_name_in_a_folder_elsewhere_are_told_apart(tmp_path):
    """Paths there are shortened: of three tables of one name, the last alone would be compared."""
    inputs = [tmp_path / f"p{sparsity}/seed0.csv" for sparsity in (0, 50, 90)]
    for path in inputs:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    recorded = provenance.describe("aann.gathering", inputs)["inputs"]
    assert list(recorded) == ["p0/seed0.csv", "p50/seed0.csv", "p90/seed0.csv"]
    assert list(touch._other_inputs(recorded, inputs)) == []
    inputs[0].write_text("another")
    assert list(touch._other_inputs(recorded, inputs)) == ["was made from another p0/seed0.csv"]
    inputs[0].write_text("p0")
    collapsed = {"seed0.csv": recorded["p90/seed0.csv"]}  # as older versions recorded them
    assert list(touch._other_inputs(collapsed, inputs)) == ["today, it would be made from other files"]


def test_what_is_not_there_is_to_be_made_without_a_word(jobs):
    Path(ROW).unlink()
    assert doubts(jobs, SPLIT, SECOND) == {GATHER: f"{TABLE}: was made from {ROW}, which is not there"}


def test_a_table_that_is_not_what_its_record_is_about_is_named(jobs):
    Path(TABLE).write_text(Path(ROW).read_text())
    assert doubts(jobs, SPLIT, FIRST, SECOND)[GATHER] == (
        f"{TABLE}: was changed after it was made, as {TABLE}.provenance.json shows"
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda: Path(NETWORK).write_bytes(b"x"),
            f"^{NETWORK}: is not what was written there .*; nothing was touched$",
        ),
        (
            lambda: seal_of(NETWORK).unlink(),
            f"^{NETWORK}: has no seal \\(.seed0.safetensors.sha256; 1 file without one\\); copy hidden files too, .*; "
            "nothing was touched$",
        ),
    ],
)
def test_damage_and_lost_seals_stop_it(jobs, spoil, message):
    spoil()
    with pytest.raises(InputError, match=message):
        verify(jobs.values(), RESULTS)


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Jobs that fetch the archives of a data set, which are there."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/datasets/mnist")
    folder.mkdir(parents=True)
    for name in archives.FILES:
        (folder / name).write_bytes(b"images")
    return {
        number: Job("fetch_archive", (), (folder / name,), archive_of="mnist")
        for number, name in enumerate(archives.FILES)
    }


def test_archives_have_their_sums_or_stop_it(fetched, monkeypatch):
    with pytest.raises(InputError, match=r"^results/datasets/mnist/\S+: has MD5 .*; nothing was touched$"):
        judge(fetched)
    monkeypatch.setattr(archives, "load", lambda *_: None)
    assert judge(fetched).proven == set(fetched)
    fetched[0].outputs[0].unlink()
    assert judge(fetched).proven == set()


def test_the_command_wants_the_folder_of_the_workflow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_one_line(run("results", "touch"), "Snakefile: there is no such file; run this in the folder of the workflow")


def test_a_file_of_settings_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text("")
    Path("broken.yaml").write_text("scale: [")
    for name, message in (("nope.yaml", "cannot be read (No such file"), ("broken.yaml", "is not YAML (")):
        check_one_line(run("results", "touch", "--configfile", name), f"{name}: {message}")
