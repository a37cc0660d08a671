"""Results that are copied without times and records are made fresh, unless something changed; and they are removed."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from equal_builds import EVERYTHING


def aann(workflow, *arguments):
    """Run a command of the package in a copy."""
    environment = {**os.environ, "PYTHONPATH": str(workflow.folder / "src")}
    command = [sys.executable, "-m", "aann", *arguments]
    return subprocess.run(command, cwd=workflow.folder, env=environment, capture_output=True, text=True, check=False)


def touch(workflow, *configfiles):
    files = [word for name in ("small.yaml", *configfiles) for word in ("--configfile", name)]
    done = aann(workflow, "results", "touch", *files)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def moved(workflow_in, everything, tmp_path):
    """A fresh clone with a copy of all results, made as `cp -r` does: with new times, and without `.snakemake`."""
    workflow = workflow_in(tmp_path / "moved")
    subprocess.run(["cp", "-r", everything / "results", workflow.folder], check=True)
    return workflow


def times(workflow):
    return {path: path.stat().st_mtime_ns for path in workflow.results.rglob("*") if path.is_file()}


def embed_fewer(workflow):
    """Change how many neighbors of the car's network are embedded."""
    path = workflow.folder / "small.yaml"
    read = yaml.safe_load(path.read_text())
    read["embeddings"]["car"] = read["embeddings"]["car"] | {"count": 39}
    path.write_text(yaml.safe_dump(read))


def edit(workflow, path, old, new):
    text = (workflow.folder / path).read_text()
    assert old in text
    (workflow.folder / path).write_text(text.replace(old, new, 1))


def test_a_copy_runs_nothing_again_once_it_was_touched_and_then_notices_what_changes(moved, everything):
    assert len(moved.planned(*EVERYTHING)) > 20
    done = touch(moved)
    assert done.stderr == ""
    assert re.search(r" (\d\d+) of \1 jobs need not run again", done.stdout)
    assert moved.planned(*EVERYTHING) == set()
    for path in (everything / "results/small").rglob("*.png"):
        assert (moved.results / path.relative_to(everything / "results/small")).read_bytes() == path.read_bytes()
    embed_fewer(moved)
    assert moved.planned() == {"embed", "clustering", "figure_10"}
    edit(moved, "src/aann/figures/schematic.py", "import numpy", "x = 1\nimport numpy")
    assert moved.planned() == {"embed", "clustering", "figure_10", "figure_1"}


def test_what_changed_before_is_named_and_made_again(moved):
    embed_fewer(moved)
    edit(moved, "src/aann/figures/schematic.py", "import numpy", "x = 1\nimport numpy")
    shutil.copy(moved.folder / "config/claims.yaml", moved.folder / "claims.yaml")
    with (moved.folder / "config/claims.yaml").open("a") as file:
        file.write("# another line\n")
    done = touch(moved)
    figure, points = "results/small/figures/figure_1.png", "results/small/embeddings/car/fc2.parquet"
    assert sorted(done.stderr.splitlines()) == [
        "results/small/claims/claims.json: was made from another config/claims.yaml; it is made again",
        f"{points}: was made with another setting 'embeddings.car.count'; it is made again",
        f"{figure}: was made by other code of aann.figures.schematic; it is made again",
    ]
    assert moved.planned(*EVERYTHING) == {"embed", "clustering", "figure_10", "figure_1", "claims", "report_page"}
    moved.build("figure_1")
    assert moved.planned("figure_1") == set()


def test_a_damaged_file_is_named_and_nothing_is_touched(moved):
    path, before = moved.results / "psiren/mnist/accuracies.csv", times(moved)
    path.write_text(path.read_text() + "\n")
    done = aann(moved, "results", "touch", "--configfile", "small.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("error: results/small/psiren/mnist/accuracies.csv: is not what was written there")
    assert done.stderr.endswith("; nothing was touched\n")
    assert done.stderr.count("\n") == 1
    after = times(moved)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == {path}


def test_a_part_of_the_results_is_made_fresh_as_far_as_it_goes(moved):
    shutil.rmtree(moved.results / "figures")
    (moved.results / "psiren/mnist/p90/seed0.curve.parquet").unlink()
    done = touch(moved)
    assert sorted(done.stderr.splitlines()) == [
        f"results/small/{name}, which is not there; it is made again"
        for name in (
            "claims/claims.json: was made from results/small/figures/figure_1.csv",
            "report/page.html: was made from results/small/figures/figure_1.png",
        )
    ]
    planned = moved.planned("figure_12", "figure_2a")
    assert planned == {"figure_12", "network", "accuracies", "figure_2a"}


def test_what_delete_all_output_leaves_is_removed_too(moved):
    assert moved.snakemake("--delete-all-output", "--", *EVERYTHING).returncode == 0
    left = [path for path in moved.results.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sha256" for path in left)
    assert any(path.name.endswith(".log") for path in left)
    done = aann(moved, "results", "remove", "--results", "results/small")
    assert (done.returncode, done.stderr) == (0, "")
    assert not moved.results.exists()
