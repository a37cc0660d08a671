"""Jobs of lost builds are cancelled before another begins; SLURM itself is a stand-in (tests/slurm/ has a real one)."""

import os

import pytest

from aann.builds import slurm
from aann.errors import InputError

LISTED = """\
11|aann_0a7ff4b3|{here}
12|aann_0a7ff4b3|{here}|b
13|wrap|{here}
14|aann_346d1cdc|{here}
15|aann_346d1cdc|/elsewhere
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder, with commands that list the jobs of a file and write down what they cancel."""
    commands = tmp_path / "bin"
    working = tmp_path / "work"
    commands.mkdir()
    (working / ".snakemake").mkdir(parents=True)
    monkeypatch.chdir(working)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv(slurm.BUILD, "")  # so that it is taken back in the end
    monkeypatch.delenv(slurm.BUILD)
    write_command(commands / "squeue", "cat listed")
    write_command(commands / "scancel", 'echo "$@" > cancelled; : > listed')
    (working / "listed").write_text(LISTED.format(here=working))
    return working


def write_command(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_build_cancels_the_jobs_of_lost_builds_in_its_folder_and_no_others(folder):
    assert slurm.begin() == ["11", "14"]
    assert (folder / "cancelled").read_text() == "11 14\n"
    assert slurm.jobs() == []


def test_a_build_without_lost_jobs_cancels_nothing(folder):
    (folder / "listed").write_text("13|wrap|/elsewhere\n")
    assert slurm.begin() == []
    assert not (folder / "cancelled").exists()


def test_jobs_that_do_not_end_stop_the_build(folder):
    write_command(folder.parent / "bin/scancel", "exit 0")
    with pytest.raises(InputError, match=r"SLURM jobs 11, 14: were cancelled, but have not ended after 0 s"):
        slurm.cancel_jobs(patience=0)


def test_a_slurm_that_does_not_answer_stops_the_build(folder):
    write_command(folder.parent / "bin/squeue", "echo Unable to contact slurm controller >&2; exit 1")
    message = r"^squeue: Unable to contact slurm controller; jobs of an earlier build may still write here, so run this"
    with pytest.raises(InputError, match=message):
        slurm.begin()


def test_a_machine_without_slurm_stops_the_build(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(
        InputError, match=r"^squeue: .*No such file.* or remove \.snakemake/slurm\.lock if none is left"
    ):
        slurm.begin()


def test_a_job_of_an_earlier_build_does_nothing(folder, monkeypatch):
    slurm.begin()
    slurm.require_build()
    monkeypatch.setenv(slurm.BUILD, "process 1 on another")
    with pytest.raises(InputError, match=r"slurm\.lock: another build has begun since this job was submitted"):
        slurm.require_build()
    slurm.LOCK.unlink()
    with pytest.raises(InputError, match=r"slurm\.lock: is gone, and with it the build that submitted this job"):
        slurm.require_build()


def test_a_job_of_no_build_in_slurm_is_left_alone(folder):
    slurm.LOCK.write_text("process 1 on another")
    slurm.require_build()
