"""Builds whose Snakemake was lost while their jobs were in SLURM: such jobs are cancelled before another build starts.

The content of ``LOCK``, which says who holds it, marks a build. Its jobs inherit the mark. If SLURM starts a job after
another build has begun, the job finds another mark and does nothing.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from aann.builds.safeguards import hold_lock
from aann.errors import InputError

LOCK = Path(".snakemake/slurm.lock")
"""The one build of a working folder that may have jobs in SLURM holds it. It exists if any build ever had such jobs."""

BUILD = "AANN_SLURM_BUILD"
"""The environment variable that tells a job the mark of its build."""

JOB_NAME = "aann"
"""How names of jobs begin (``slurm-jobname-prefix`` in profiles/slurm/config.yaml)."""


def begin() -> list[str]:
    """Begin a build in the working folder: lock it, and cancel jobs of builds that were lost.

    Returns the numbers of the cancelled jobs, which have all ended. Raises ``InputError`` if another build holds the
    lock, or if SLURM does not list its jobs or does not end them.
    """
    hold_lock(LOCK)
    os.environ[BUILD] = LOCK.read_text(encoding="utf-8")
    return cancel_jobs()


def require_build() -> None:
    """Raise ``InputError`` in a job of SLURM whose build is not the latest one in the working folder."""
    if BUILD not in os.environ:
        return
    if not LOCK.exists():
        raise InputError(f"{LOCK}: is gone, and with it the build that submitted this job; this job does nothing")
    if os.environ[BUILD] != LOCK.read_text(encoding="utf-8"):
        raise InputError(f"{LOCK}: another build has begun since this job was submitted; this job does nothing")


def cancel_jobs(patience: float = 300) -> list[str]:
    """Cancel all jobs of this workflow in the working folder, wait until they have ended, and return their numbers.

    Raises ``InputError`` if they have not ended after ``patience`` seconds.
    """
    found = remaining = jobs()
    if found:
        _run("scancel", *found)
    deadline = time.monotonic() + patience
    while remaining:
        if time.monotonic() > deadline:
            raise InputError(
                f"SLURM jobs {', '.join(remaining)}: were cancelled, but have not ended after {patience:.0f} s; see "
                "`squeue --me`, and run this again when they are gone"
            )
        time.sleep(1)
        remaining = jobs()
    return found


def jobs() -> list[str]:
    """Return the numbers of the jobs of this workflow in the working folder that wait, run or are ending."""
    lines = _run("squeue", "--me", "--noheader", "--format=%i|%j|%Z").splitlines()
    listed = [line.split("|", 2) for line in lines]
    return [number for number, name, folder in listed if name.startswith(f"{JOB_NAME}_") and Path(folder) == Path.cwd()]


def _run(*command: str) -> str:
    """Return what a command of SLURM prints."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise InputError(
            f"{command[0]}: {' '.join(reason.split())}; jobs of an earlier build may still write here, so run this "
            f"where SLURM answers, or remove {LOCK} if none is left"
        ) from error
