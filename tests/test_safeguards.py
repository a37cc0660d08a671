"""One build at a time, jobs that end with it, and no files from the future."""

import os
import signal
import subprocess
import sys
import time

import pytest
from commands import group_ends

from aann.artifacts import atomic_path, seal_of
from aann.builds.safeguards import hold_lock, remove_unfinished, require_past
from aann.errors import InputError

HOLDER = """
import sys, time
from aann.builds.safeguards import hold_lock
hold_lock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""

JOB = "import aann, time; print('ready', flush=True); time.sleep(60)"


def starting(command):
    """Return a program that runs another one."""
    return f"import subprocess, sys; subprocess.run([sys.executable, '-c', {command!r}])"


@pytest.fixture
def holder(tmp_path):
    """A process that holds a lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "logs/build.lock"], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_is_held_by_one_process_and_says_which(holder, tmp_path):
    path = tmp_path / "logs/build.lock"
    with pytest.raises(
        InputError, match=rf"^{path}: another build is at work here \(process {holder.pid} on .+ since 2.+\); wait"
    ):
        hold_lock(path)
    assert path.read_text().startswith(f"process {holder.pid} on ")


def test_a_lock_goes_with_a_killed_process(holder, tmp_path):
    holder.kill()
    holder.wait()
    hold_lock(tmp_path / "logs/build.lock")
    assert (tmp_path / "logs/build.lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_lock_says_something_else_each_time(tmp_path):
    paths = [tmp_path / name for name in ("one", "another")]
    for path in paths:
        hold_lock(path)
    assert paths[0].read_text() != paths[1].read_text()


def test_a_lock_that_cannot_be_taken_is_named(tmp_path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(InputError, match=r"logs/build\.lock: cannot be locked \(.+\), so two builds could run at once"):
        hold_lock(tmp_path / "logs/build.lock")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot end a process with its parent")
@pytest.mark.parametrize("command", [JOB, f"import aann; {starting(JOB)}"], ids=["job", "what a job starts"])
@pytest.mark.parametrize("asked", [True, False])
def test_a_process_that_was_asked_to_ends_with_its_parent(asked, command):
    ask = "import os; os.environ['AANN_END_WITH_PARENT'] = str(os.getpid())" if asked else "pass"
    program = f"{ask}; {starting(command)}"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout.readline() == b"ready\n"
    parent.kill()
    parent.wait()
    assert group_ends(parent.pid, seconds=2) is asked
    if not asked:
        os.killpg(parent.pid, signal.SIGKILL)
    parent.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot end a process with its parent")
def test_a_process_whose_parent_ended_before_it_began_ends_at_once():
    environment = {**os.environ, "AANN_END_WITH_PARENT": str(os.getppid())}
    result = subprocess.run([sys.executable, "-c", JOB], env=environment, capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (-signal.SIGKILL, b"")


def test_what_a_killed_job_was_writing_is_deleted_and_nothing_else(tmp_path):
    names = (".nfs000000001", ".gitignore", "seed0.safetensors", ".seed0.csv", ".seed0.accuracy.csv.sha256")
    kept = [tmp_path / "p90" / name for name in names]
    with atomic_path(tmp_path / "p90/seed0.accuracy.csv") as csv, atomic_path(tmp_path / "p90/none") as none:
        for path in kept:
            path.write_text("")
        seal_of(csv).write_text("")
        assert len(list((tmp_path / "p90").iterdir())) == len(kept) + 3
        remove_unfinished(tmp_path)
        assert sorted((tmp_path / "p90").iterdir()) == sorted(kept)
        csv.write_text("")
        none.write_text("")


def test_a_file_from_the_future_is_named(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/now").write_text("")
    (tmp_path / "results/tomorrow").write_text("")
    require_past(tmp_path, tmp_path / "nothing")
    tomorrow = time.time() + 86_400
    os.utime(tmp_path / "results/tomorrow", (tomorrow, tomorrow))
    with pytest.raises(
        InputError, match=r"results/tomorrow: was changed at 2.*, but now it is 2.*; set the clock right"
    ):
        require_past(tmp_path)


def test_clocks_of_machines_that_share_a_folder_may_differ_a_little(tmp_path):
    (tmp_path / "soon").write_text("")
    soon = time.time() + 30
    os.utime(tmp_path / "soon", (soon, soon))
    require_past(tmp_path)
