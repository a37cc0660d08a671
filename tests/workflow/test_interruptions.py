"""What befalls a build from outside: kills, a second build, a full or read-only disk, a clock that jumps."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from commands import group_ends, lacks, shown
from equal_builds import EVERYTHING, SECOND

from aann.artifacts import write_arrays, write_table
from aann.errors import InputError
from aann.figures import style

NOISE = np.random.default_rng(0).random((200, 200))
SPLITS = "results/small/datasets/mnist.safetensors"
START = "results/small/sense/mnist-p80-random/seed0.safetensors"
SEARCH = "results/small/sense/mnist-p80-random.best/seed0.safetensors"
KILLS_A_BUILD = 20
KILLS = int(os.environ.get("AANN_KILLS", "6"))
"""How many kills the test makes; a hundred by hand: make test-kills KILLS=100."""


@pytest.fixture(scope="module")
def searched(workflow_in, tmp_path_factory):
    """A copy in which one search was made."""
    workflow = workflow_in(tmp_path_factory.mktemp("searched"))
    workflow.build(SEARCH)
    return workflow


@pytest.fixture
def copied(workflow_in, tmp_path):
    """A copy in which nothing was built, for one test."""
    return workflow_in(tmp_path / "copy")


@contextmanager
def started(workflow, *targets, options=(), conditions=None):
    """Start a build in a process group of its own, which does not outlive the block."""
    with (workflow.folder / "build.log").open("w") as log:
        process = subprocess.Popen(
            workflow.command(*options, "--", *targets),
            cwd=workflow.folder,
            env={**os.environ, **(conditions or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(workflow, process, reached):
    """Wait until something is reached; a build that ends before is an error."""
    while not reached():
        assert process.poll() is None, (workflow.folder / "build.log").read_text()
        time.sleep(0.1)


@contextmanager
def mounted(folder, *arguments):
    """Mount something at a folder for a while; where that is not allowed, fail in CI and skip elsewhere."""
    folder.mkdir(exist_ok=True)
    result = subprocess.run(["mount", *arguments, folder], capture_output=True, text=True, check=False)
    if result.returncode:
        lacks(f"needs root to mount: {result.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def tmpfs(folder, size):
    """Mount a small file system in memory."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")


def read_only(folder):
    """Let nothing be written in a folder, not even by root."""
    return mounted(folder, "--bind", "-o", "ro", folder)


def refused(workflow, *arguments):
    """Run a build that fails, and return what it said."""
    result = workflow.snakemake(*arguments)
    assert result.returncode == 1, result.stdout + result.stderr
    return result.stdout + result.stderr


# --- kills ------------------------------------------------------------------------------------------------------------


def jobs_done(workflow):
    return len(list((workflow.results / "benchmarks").rglob("*.jsonl")))


@pytest.mark.parametrize("first", range(0, KILLS, KILLS_A_BUILD))
def test_a_build_killed_again_and_again_under_other_conditions_is_equal(workflow_in, built, tmp_path, first):
    """An undisturbed build differs in cores, hash seed, locale, time zone and path, and in what it finds compiled."""
    copied, draw = workflow_in(tmp_path / "another folder"), random.Random(first)
    conditions = {**SECOND, "NUMBA_CACHE_DIR": str(copied.folder / ".numba")}
    expected, jobs = built.files(), jobs_done(built)
    assert len(expected) > 200
    kills = min(KILLS_A_BUILD, KILLS - first)
    for kill in range(kills):
        share = 0.95 * (kill + draw.random()) / kills  # one in each part of the build
        cores = ("--cores", str(draw.randint(1, 3)))
        with started(copied, *EVERYTHING, options=cores, conditions=conditions) as process:
            wait_until(copied, process, lambda share=share: jobs_done(copied) >= int(share * jobs))
            time.sleep(draw.uniform(0, 2))
            assert process.poll() is None, (copied.folder / "build.log").read_text()
        assert group_ends(process.pid)
        for name, content in copied.files().items():
            assert re.search(r"/\.|\.checkpoint\.", name) or content == expected[name], name
    with started(copied, *EVERYTHING, conditions=conditions) as process:
        assert process.wait() == 0, (copied.folder / "build.log").read_text()
    assert copied.files() == expected
    assert copied.planned(*EVERYTHING) == set()


def test_jobs_end_with_a_snakemake_that_is_killed_alone(copied, searched):
    with started(copied, SEARCH) as process:
        wait_until(copied, process, (copied.results / "logs/sense/mnist-p80-random.best/seed0.log").exists)
        time.sleep(0.5)  # in the middle of the search
        process.kill()
        process.wait()
        assert group_ends(process.pid)
    assert not (copied.folder / SEARCH).exists()
    copied.build(SEARCH)
    assert copied.files() == searched.files()


def interrupted(workflow, signals, *targets):
    """Return what a build says that gets so many signals of Ctrl-C, as a terminal sends them: to all its processes."""
    with started(workflow, *targets) as process:
        wait_until(workflow, process, (workflow.results / "logs/sense/mnist-p80-random.best/seed0.log").exists)
        time.sleep(0.5)  # in the middle of the search
        for _ in range(signals):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.5)
        process.wait()
        assert group_ends(process.pid)
    return process.returncode, (workflow.folder / "build.log").read_text()


def test_ctrl_c_reads_as_an_interruption_and_the_same_command_goes_on(copied, searched):
    status, said = interrupted(copied, 1, SEARCH)
    assert status == 1
    assert said.count("Interrupted: what was complete stays, and the same command goes on from there.") == 1
    for word in ("Error", "Aborted", "error", "did not complete", "non-zero", "Traceback"):
        assert word not in said
    assert "Aborted" not in (copied.results / "logs/sense/mnist-p80-random.best/seed0.log").read_text()
    copied.build(SEARCH)
    assert copied.files() == searched.files()


def test_a_failure_still_reads_as_one_after_a_build_watches_for_ctrl_c(copied):
    (copied.folder / "results/small/datasets/mnist.safetensors").mkdir(parents=True)
    output = refused(copied, "--", SEARCH)
    assert "Error" in output
    assert "Interrupted" not in output


# --- two builds -------------------------------------------------------------------------------------------------------


def test_a_second_build_in_the_same_folder_says_so_and_stops(copied):
    lock = copied.results / "logs/build.lock"
    with started(copied, *EVERYTHING) as process:
        wait_until(copied, process, lambda: lock.exists() and lock.read_text())
        output = refused(copied, "--", "claims")
        assert f"build.lock: another build is at work here (process {process.pid} on " in output
        assert "Traceback" not in output
        assert copied.snakemake("--dry-run", "--", "claims").returncode == 0
        assert process.poll() is None


# --- disks ------------------------------------------------------------------------------------------------------------


def test_a_job_without_space_left_says_so_leaves_nothing_and_goes_on_later(copied, searched):
    results = copied.folder / "results"
    with tmpfs(results, "128k"):
        output = refused(copied, "--", SPLITS)
        assert f"\nerror: {SPLITS}: could not be written (No space left on device); nothing was kept of it\n" in output
        assert "Traceback" not in output
        assert copied.files() == {}
        subprocess.run(["mount", "-o", "remount,size=50m", results], check=True)
        copied.build(SEARCH)
        assert copied.files() == searched.files()


def write_figure(path):
    figure, axes = plt.subplots()
    axes.imshow(NOISE)
    style.save(figure, path.with_suffix(".png"), pandas.DataFrame({"x": [1]}), {})


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_arrays(path, {"weights": NOISE}, {}),
        lambda path: write_table(path.with_suffix(".csv"), pandas.DataFrame(NOISE)),
        lambda path: write_table(path.with_suffix(".parquet"), pandas.DataFrame(NOISE).add_prefix("x")),
        write_figure,
    ],
    ids=["safetensors", "csv", "parquet", "figure"],
)
def test_a_writer_without_space_left_leaves_nothing_unfinished(tmp_path, write):
    full = tmp_path / "full"
    with tmpfs(full, "16k"):
        with pytest.raises(InputError, match=r"could not be written \(.*No space left on device.*\); nothing was kept"):
            write(full / "result.safetensors")
        assert sorted(shown(full)) in ([], ["result.csv"])


def test_a_snakemake_without_space_left_says_so_and_goes_on_later(copied, searched):
    records = copied.folder / ".snakemake"
    with tmpfs(records, "200k"):
        with started(copied, SEARCH) as process:
            wait_until(copied, process, (copied.results / "logs/build.lock").exists)
            with suppress(OSError), (records / "other").open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            assert process.wait() == 1
        assert "[Errno 28] No space left on device" in (copied.folder / "build.log").read_text()
        output = refused(copied, "--", SEARCH)
        assert ".snakemake: Snakemake cannot keep its records here (No space left on device); free space" in output
        (records / "other").unlink()
        copied.build(SEARCH)
        assert copied.files() == searched.files()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (".", "results: is not writable, so nothing can be made in results; make it writable or choose another folder"),
        ("results", "results: is not writable, so nothing can be made in results; make it writable or choose another"),
        (".snakemake", ".snakemake: Snakemake cannot keep its records here (Read-only file system); free space"),
    ],
)
def test_a_folder_that_is_read_only_is_named(copied, folder, message):
    with read_only(copied.folder / folder):
        output = refused(copied, "--", START)
    assert message in output
    assert "Traceback" not in output
    copied.build(START)


# --- clocks -----------------------------------------------------------------------------------------------------------


def let_pass(workflow, seconds):
    """Change when results were changed, as if the clock had been otherwise; a negative number sets the clock ahead."""
    for path in workflow.results.rglob("*"):
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


def test_a_clock_that_was_set_back_stops_a_build_until_the_files_are_moved_back_too(copied, root, searched):
    shutil.copytree(searched.results, copied.results)
    shutil.copytree(searched.folder / ".snakemake", copied.folder / ".snakemake", dirs_exist_ok=True)
    let_pass(copied, -90_000)
    output = refused(copied, "--", SEARCH)
    assert re.search(r"\nresults/small/\S+: was changed at .+, but now it is .+; set the clock right, or move", output)
    assert "Traceback" not in output
    (command,) = re.findall(r"^find results .*$", (root / "docs/operations.md").read_text(), re.MULTILINE)
    subprocess.run(command, shell=True, cwd=copied.folder, check=True)
    assert "was changed at" in refused(copied, "--", SEARCH)  # by a day; 1.04 days had passed
    subprocess.run(command, shell=True, cwd=copied.folder, check=True)
    assert "Nothing to be done" in copied.build(SEARCH)


@pytest.mark.parametrize(
    ("path", "target"), [("config/claims.yaml", "claims"), ("workflow/notebooks/report.ipynb", "report_page")]
)
def test_an_edit_is_noticed_even_if_its_time_is_old(built, path, target):
    edited = built.folder / path
    original, times = edited.read_bytes(), edited.stat()
    edited.write_bytes(original + b"\n")
    os.utime(edited, (0, 0))
    planned = built.planned(target)
    edited.write_bytes(original)
    os.utime(edited, (times.st_atime, times.st_mtime))
    assert built.planned(*EVERYTHING) == set()
    assert target in planned


@pytest.fixture
def lost(copied, searched, tmp_path, monkeypatch):
    """A copy in which the last job is to do, with a job of a lost build in SLURM that deletes a result in the end."""
    shutil.copytree(searched.results, copied.results)
    shutil.copytree(searched.folder / ".snakemake", copied.folder / ".snakemake", dirs_exist_ok=True)
    (copied.folder / ".snakemake/slurm.lock").touch()
    (copied.folder / SEARCH).unlink()
    commands = {
        "squeue": f"test -e cancelled || echo '11|aann_0a7ff4b3|{copied.folder}'",
        "scancel": f"touch cancelled; rm {START}",
    }
    for name, text in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return copied


def test_what_is_to_do_is_found_again_after_lost_jobs_were_cancelled(lost, searched):
    said = lost.build(SEARCH)
    assert said.count("Cancelled SLURM job 11 of an earlier build.") == 1
    assert re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", said) == ["random_start", "search"]
    assert lost.files() == searched.files()


def test_a_build_in_another_folder_whose_lost_jobs_were_cancelled_goes_on_by_itself(lost, searched):
    output = lost.build(SEARCH, options=("--directory", str(lost.folder)))
    assert "Cancelled SLURM job" in output
    assert lost.files() == searched.files()


# --- little of a machine ----------------------------------------------------------------------------------------------


def children(number):
    """Return the numbers of the processes that the threads of a process started and that still run."""
    return [int(name) for path in Path(f"/proc/{number}/task").glob("*/children") for name in path.read_text().split()]


def descendants(number):
    return [found for child in children(number) for found in (child, *descendants(child))]


def is_job(number):
    return b"sense\0search" in Path(f"/proc/{number}/cmdline").read_bytes()


def test_a_job_that_is_killed_says_so_and_what_to_do(copied):
    with started(copied, SEARCH) as process:
        found = []

        def job_runs():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[:] = filter(is_job, descendants(process.pid))
            return bool(found)

        wait_until(copied, process, job_runs)
        os.kill(found[0], signal.SIGKILL)  # as the system does where memory runs out
        assert process.wait() == 1
    said = (copied.folder / "build.log").read_text()
    (line,) = [line for line in said.splitlines() if "was killed" in line]
    assert line.startswith("The command was killed, most likely because memory ran out: there are ")
    assert "Run the same build again with --cores 1, or with a smaller --resources mem_mb=" in line


def test_a_build_takes_one_processor_where_it_may_use_no_more(copied):
    command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *copied.command("--", "figure_1")]
    position = command.index("--cores")
    command[position + 1] = "64"
    result = subprocess.run(command, cwd=copied.folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "--cores: 64 asked for, but this process may use 1 processor; it uses no more" in result.stderr
    assert "Provided cores: 1\n" in result.stderr.replace(" (use --cores to define parallelism)", "")
    assert 'mem_mb=Resource("mem_mb", ' in result.stderr


def test_memory_that_the_command_line_gives_takes_the_place_of_the_default(copied):
    result = copied.snakemake("--resources", "mem_mb=700", "--", "figure_1")
    assert 'mem_mb=Resource("mem_mb", 700)' in result.stdout + result.stderr
