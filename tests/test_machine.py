"""Processors and memory that this process may use, by affinity and by control groups of both versions."""

import os
import subprocess
import sys

import pytest
from commands import run

from aann.builds import machine
from aann.builds.safeguards import keep_to_machine

MIB = 2**20


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Make up what the kernel says of control groups: own groups, mounts, and files below them."""

    def make(groups, mounts, **files):
        contents = {
            "proc/self/cgroup": "".join(f"{line}\n" for line in groups),
            "proc/self/mountinfo": "".join(f"{line}\n" for line in mounts),
            **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
        }
        for name, text in contents.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.setattr(machine, "_ROOT", tmp_path)

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4096, "SC_PAGE_SIZE": MIB}.get)
    return make


V2 = "30 23 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw"
V1_CPU = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
V1_MEMORY = "33 31 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


def test_without_control_groups_affinity_and_memory_of_the_machine_count(system):
    system([], [])
    assert machine.processors() == 8
    assert machine.memory_mb() == 4096 * MIB // 10**6


@pytest.mark.parametrize(
    ("quota", "processors"), [("max 100000", 8), ("300000 100000", 3), ("150000 100000", 2), ("50000 100000", 1)]
)
def test_a_quota_of_version_2_limits_processors_rounded_up(system, quota, processors):
    system(["0::/jobs/mine"], [V2], **{"jobs/mine/cpu.max": quota})
    assert machine.processors() == processors


def test_the_smallest_limit_from_the_group_upwards_counts(system):
    limits = {"jobs/mine/cpu.max": "max 100000", "jobs/cpu.max": "200000 100000"}
    limits |= {"jobs/mine/memory.max": str(600 * MIB), "jobs/memory.max": "max", "memory.max": str(500 * MIB)}
    system(["0::/jobs/mine"], [V2], **limits)
    assert machine.processors() == 2
    assert machine.memory_mb() == 500 * MIB // 10**6


def test_limits_of_version_1_count_where_a_container_sees_its_group_as_the_top_one(system):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}
    files |= {"memory/memory.limit_in_bytes": str(700 * MIB)}
    system(["5:cpu,cpuacct:/", "4:memory:/docker/abc", "0::/"], [V1_CPU, V1_MEMORY], **files)
    assert machine.processors() == 3
    assert machine.memory_mb() == 700 * MIB // 10**6


def test_version_1_says_minus_1_and_a_huge_number_for_no_limit(system):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": "100000"}
    files |= {"memory/memory.limit_in_bytes": "9223372036854771712"}
    system(["5:cpu,cpuacct:/", "4:memory:/"], [V1_CPU, V1_MEMORY.replace("/docker/abc", "/")], **files)
    assert machine.processors() == 8
    assert machine.memory_mb() == 4096 * MIB // 10**6


def test_the_module_runs_as_a_file_and_keeps_to_the_affinity(root):
    first = str(min(os.sched_getaffinity(0)))
    command = ["taskset", "--cpu-list", first, sys.executable, root / "src/aann/builds/machine.py"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"


def test_threads_beyond_the_processors_are_lowered_with_a_line_and_never_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "processors", lambda: 2)
    assert machine.fewer_threads(2) == (2, "")
    chosen = ("--count", 1, "--output", tmp_path / "x.csv", "--configfile", tmp_path / "none.yaml")
    result = run("driving", "expert", *chosen, "--threads", 64)
    first, last = result.stderr.splitlines()
    assert first == "--threads: 64 asked for, but this process may use 2 processors; it uses no more"
    assert "none.yaml: cannot be read" in last


class _Value:
    def __init__(self, value):
        self.value = value


def limits(**given):
    return {name: _Value(value) for name, value in {"_cores": None, "_nodes": None, **given}.items()}


def test_a_build_has_no_more_cores_than_processors_and_asks_for_no_more_memory_than_there_is(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 2)
    monkeypatch.setattr(machine, "memory_mb", lambda: 4000)
    resources = limits(_cores=8)
    assert keep_to_machine(resources) == [
        "--cores: 8 asked for, but this process may use 2 processors; it uses no more"
    ]
    assert (resources["_cores"], resources["mem_mb"]) == (2, 3600)


def test_memory_that_was_given_stays_and_so_do_builds_on_other_machines(monkeypatch):
    monkeypatch.setattr(machine, "processors", lambda: 2)
    resources = limits(_cores=2, mem_mb=100)
    assert keep_to_machine(resources) == []
    assert (resources["_cores"].value, resources["mem_mb"].value) == (2, 100)
    resources = limits(_cores=8, _nodes=100)
    assert keep_to_machine(resources) == []
    assert "mem_mb" not in resources
