"""What is damaged in a build is refused by the job that reads it, and made again once it is deleted."""

import os
import shutil
import subprocess
import sys

import pandas
import pytest

from aann.artifacts import seal_of, write_table
from aann.tables import accuracy_row

TABLE = "psiren/mnist/accuracies.csv"
ROWS = {sparsity: f"psiren/mnist/p{sparsity}/seed0.accuracy.csv" for sparsity in (0, 90)}
FIGURE = [f"figures/figure_2a.{ending}" for ending in ("pdf", "png", "csv")]
DRAW = ("--allowed-rules", "accuracies", "figure_2a", "--rerun-triggers", "mtime", "--", "figure_2a")


def write_row(workflow, sparsity, correct):
    row = accuracy_row((correct, 100), (correct, 100), task="mnist", sparsity=sparsity, seed=0)
    write_table(workflow.results / ROWS[sparsity], pandas.DataFrame([row]))


@pytest.fixture(scope="module")
def drawn(fresh):
    """A copy in which Figure 2a was drawn from the accuracies of two networks, and nothing else."""
    for sparsity in ROWS:
        write_row(fresh, sparsity, 87)
    draw(fresh)
    return fresh


def draw(workflow):
    result = workflow.snakemake(*DRAW)
    assert result.returncode == 0, result.stdout + result.stderr


def refuse(workflow, name):
    """Check that the figure is refused with one line that names a file."""
    result = workflow.snakemake(*DRAW)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert f"error: results/small/{name}: is not what was written there" in output
    assert "Traceback" not in output


def contents(workflow, *names):
    return {name: (workflow.results / name).read_bytes() for name in names}


def damage(path):
    """Change a digit of a table."""
    before = path.read_text()
    path.write_text(before.replace("87", "97", 1))
    assert path.read_text() != before


def test_damage_that_changes_no_time_is_refused_and_the_file_made_again_once_it_is_deleted(drawn):
    before, path = contents(drawn, TABLE, *FIGURE), drawn.results / TABLE
    times = path.stat()
    damage(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    for name in FIGURE:
        (drawn.results / name).unlink()
    refuse(drawn, TABLE)
    assert not any((drawn.results / name).exists() for name in FIGURE)
    path.unlink()
    draw(drawn)
    assert contents(drawn, TABLE, *FIGURE) == before


def test_damage_further_up_is_refused_and_does_not_reach_the_figure(drawn):
    before = contents(drawn, *FIGURE)
    damage(drawn.results / ROWS[90])
    refuse(drawn, ROWS[90])
    assert not (drawn.results / TABLE).exists()
    assert contents(drawn, *FIGURE) == before


def test_a_table_of_an_older_build_is_named_with_its_seal_and_refused_without(drawn, tmp_path):
    path = drawn.results / TABLE
    write_row(drawn, 90, 87)
    draw(drawn)
    for file in (path, seal_of(path)):
        shutil.copy2(file, tmp_path)
    write_row(drawn, 90, 78)
    draw(drawn)
    assert path.read_bytes() != (tmp_path / path.name).read_bytes()
    seal = seal_of(path).read_bytes()
    for file in (path, seal_of(path)):
        shutil.copy2(tmp_path / file.name, file)
    command = [sys.executable, "-m", "aann", "provenance", f"results/small/{FIGURE[0]}"]
    environment = {**os.environ, "PYTHONPATH": str(drawn.folder / "src")}
    named = subprocess.run(command, cwd=drawn.folder, env=environment, capture_output=True, text=True, check=True)
    assert f"results/small/{TABLE}: was changed after it was used" in named.stdout
    seal_of(path).write_bytes(seal)
    shutil.copy(tmp_path / path.name, path)
    refuse(drawn, TABLE)
