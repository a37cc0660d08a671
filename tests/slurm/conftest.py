"""Copies of the repository whose builds run as jobs of a real SLURM, which `make test-slurm` sets up."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from workflow.conftest import Workflow


@dataclass(frozen=True)
class Job:
    """A job as SLURM lists it, ended or not; `started` and `ended` can be compared."""

    number: str
    state: str
    rule: str
    minutes: int
    memory: str
    started: str
    ended: str


class SlurmWorkflow(Workflow):
    """A copy of the repository in which Snakemake gives its jobs to SLURM."""

    configfile = "small.yaml"
    partition = "first"
    options: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        profile = ["--workflow-profile", "slurm", "--default-resources", f"slurm_partition={self.partition}"]
        settings = ["--slurm-init-seconds-before-status-checks", "1", "--max-threads", "2"]
        configuration = ["--configfile", self.configfile]
        return [sys.executable, "-m", "snakemake", *profile, *settings, *configuration, *self.options, *arguments]

    @contextmanager
    def started(self, *targets: str) -> Iterator[subprocess.Popen]:
        """Start a build that may be disturbed, and kill it in the end; what it says is in `build.log`."""
        command = self.command("--", *targets)
        with (
            (self.folder / "build.log").open("w") as log,
            subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT) as build,
        ):
            try:
                yield build
            finally:
                build.kill()

    @property
    def said(self) -> str:
        return (self.folder / "build.log").read_text()

    def jobs(self, rule: str = "") -> list[Job]:
        """Return the jobs of this copy's builds in the order in which they were submitted, or those of one rule."""
        listed = squeue("--states=all", "--sort=i", "--format=%Z|%i|%T|%k|%l|%m|%S|%e")
        rows = [line.split("|") for line in listed.splitlines()]
        jobs = [
            Job(number, state, rule_of(comment), minutes_of(limit), *others)
            for folder, number, state, comment, limit, *others in rows
            if Path(folder) == self.folder
        ]
        return [job for job in jobs if rule in ("", job.rule)]

    def unfinished(self) -> list[Job]:
        """Return the jobs that wait or run."""
        return [job for job in self.jobs() if job.state in ("PENDING", "RUNNING", "COMPLETING")]

    def wait_for_job(self, rule: str, log: str) -> Job:
        """Return the job of a rule as soon as its command runs: SLURM says so, and its log is there."""
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            running = [job for job in self.jobs(rule) if job.state == "RUNNING"]
            if running and (self.results / "logs" / log).exists():
                return running[0]
            time.sleep(0.1)
        return pytest.fail(f"no job of {rule} ran within ten minutes; the build said:\n{self.said}")


def squeue(*options: str) -> str:
    return subprocess.run(["squeue", "--noheader", *options], capture_output=True, text=True, check=True).stdout


def rule_of(comment: str) -> str:
    """Return the rules that the comment of a job names: rule_driver_wildcards_..., or rule_batch-..._dense_network."""
    return re.sub("^rule_(batch[^_]*_)?", "", comment.partition("_wildcards_")[0])


def minutes_of(limit: str) -> int:
    """Return the minutes of a time limit below a day, such as 5:00 or 1:00:00."""
    hours, minutes, _ = [0, *map(int, limit.split(":"))][-3:]
    return 60 * hours + minutes


@pytest.fixture(scope="session", autouse=True)
def slurm():
    """SLURM answers; these tests run only where somebody asked for them, so that its absence is a failure."""
    try:
        squeue()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.exit(f"squeue: {error}; run these tests by `make test-slurm`, which starts a SLURM", returncode=1)


@pytest.fixture(scope="module")
def slurm_workflow(root, tmp_path_factory):
    """A copy in which nothing was built."""
    return SlurmWorkflow.of(root, tmp_path_factory.mktemp("slurm"))
