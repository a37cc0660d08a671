"""Results of a scale are removed, and what others put there stays."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import check_one_line, run
from made_up import ARCHIVE, NETWORK, make_results

from aann.artifacts import is_sealed, write_arrays
from aann.builds import removal

RESULTS = Path("results/small")


@pytest.fixture
def results(tmp_path, monkeypatch, network):
    """Made-up results, with what killed jobs and an interrupted search left."""
    monkeypatch.chdir(tmp_path)
    make_results(network)
    (RESULTS / "logs/psiren").mkdir(parents=True)
    (RESULTS / "logs/psiren/dense.log").write_text("epoch 1/2")
    (RESULTS / removal.LOCK).write_text("1")
    (RESULTS / "psiren/mnist/.unfinished.seed0.k3x_9q2a.csv").write_text("")
    (RESULTS / "psiren/mnist/.lost.csv.sha256").write_text("a seal without its file")
    write_arrays(RESULTS / "sense/seed0.checkpoint.safetensors", {}, {})
    (RESULTS / "report.html").write_text("Snakemake's")


def test_all_that_the_workflow_made_is_removed_and_archives_stay(results):
    number = len([path for path in RESULTS.rglob("*") if path.is_file()])
    done = run("results", "remove", "--results", RESULTS)
    assert done.exit_code == 0
    assert done.stdout == f"results/small: {number} files were removed\n"
    assert done.stderr == ""
    assert not RESULTS.exists()
    assert Path(ARCHIVE).exists()


def test_a_link_to_another_disk_stays_and_the_folder_of_the_scale_is_empty(results):
    disk = Path("disk")
    RESULTS.rename(disk)
    RESULTS.symlink_to(disk.resolve())
    assert run("results", "remove", "--results", RESULTS).exit_code == 0
    assert RESULTS.is_symlink()
    assert not any(disk.iterdir())


@pytest.mark.parametrize(("below", "named"), [(".", "."), ("logs", "..")])
def test_results_are_removed_from_inside(results, monkeypatch, below, named):
    folder = RESULTS.resolve()
    monkeypatch.chdir(RESULTS / below)
    done = run("results", "remove", "--results", named)
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{named}: ")
    assert not any(folder.iterdir())


def test_the_lock_of_a_build_goes_last(results, monkeypatch):
    gone, unlink = [], Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, **options: (gone.append(path), unlink(path, **options))[1])
    removal.remove(RESULTS)
    assert len(gone) > 5
    assert gone[-1] == RESULTS / removal.LOCK


def test_what_others_put_there_stays_and_is_named(results):
    notes, hidden = RESULTS / "psiren/mnist/notes.txt", RESULTS / "psiren/mnist/.notes.20240101.txt"
    for path in (hidden, notes):
        path.write_text("mine")
    (RESULTS / "mine").mkdir()
    done = run("results", "remove", "--results", RESULTS)
    said = [f"{path}: was not made by the workflow, so it stays\n" for path in (hidden, notes)]
    assert done.stderr == "".join(said)
    assert {path for path in RESULTS.rglob("*") if not path.is_dir()} == {notes, hidden}
    assert sorted(RESULTS.iterdir()) == [RESULTS / "mine", RESULTS / "psiren"]


def test_a_folder_that_is_no_scale_is_refused(results):
    for name in ("benchmarks/speed.py", "logs/mine.log", ".git/refs/heads/main"):  # as in a checkout
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("")
    for folder in ("results", ".", "nowhere"):
        check_one_line(run("results", "remove", "--results", folder), f"{folder}: has no logs/build.lock, which every")
    assert all(map(Path.is_file, map(Path, ("benchmarks/speed.py", "logs/mine.log", ".git/refs/heads/main"))))
    assert Path(NETWORK).exists()
    assert is_sealed(NETWORK)


def test_nothing_is_removed_while_a_build_is_at_work(results):
    code = (
        "import sys, time; from aann.builds import safeguards; safeguards.hold_lock(sys.argv[1]); print(flush=True); "
    )
    code += "time.sleep(60)"
    lock = RESULTS / "logs/build.lock"
    with subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        check_one_line(run("results", "remove", "--results", RESULTS), f"{lock}: another build is at work here")
        process.kill()
    assert Path(NETWORK).exists()
