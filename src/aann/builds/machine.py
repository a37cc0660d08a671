"""The processors and the memory that this process may use, by its affinity and its control groups.

A container, a batch system or ``taskset`` may give a process less than the machine has. ``os.cpu_count`` and
``getconf _NPROCESSORS_ONLN`` count all of the machine. Run as a file, this module prints the number of processors.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
"""The folder of ``proc`` and ``sys``. Tests make up another."""


def processors() -> int:
    """Return how many processors this process may use, at least 1; a quota of a fraction is rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(math.ceil(quota) for quota in _quotas())]))


def memory_mb() -> int:
    """Return how much memory this process and those that it starts may use together, in megabytes (10^6 bytes)."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_memory_limits()]) // 10**6


def fewer_threads(asked: int, what: str = "threads") -> tuple[int, str]:
    """Return ``asked`` and '', or the number of processors and a line that says so if there are fewer of them."""
    available = processors()
    if asked <= available:
        return asked, ""
    unit = "processor" if available == 1 else "processors"
    return available, f"{what}: {asked} asked for, but this process may use {available} {unit}; it uses no more"


def _quotas() -> Iterator[float]:
    """Yield the limits on processor time, in processors, of the control groups of this process."""
    for folder in _groups("cpu"):
        quota, *period = (_read(folder / "cpu.max") or "max").split()  # version 2
        if quota != "max":
            yield int(quota) / int(*period)
        quota, period = _read(folder / "cpu.cfs_quota_us"), [_read(folder / "cpu.cfs_period_us")]  # version 1
        if quota and int(quota) > 0:
            yield int(quota) / int(*period)


def _memory_limits() -> Iterator[int]:
    """Yield the limits on memory, in bytes, of the control groups of this process."""
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):  # versions 2 and 1
            limit = _read(folder / name)
            if limit and limit != "max":
                yield int(limit)


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of a controller's control groups that this process is in, from its own upwards."""
    paths = dict(_own_groups(controller))
    for mounted, root, version in _mounts(controller):
        own = paths.get(version)
        if own is None:
            continue
        below = Path(own).relative_to(root) if Path(own).is_relative_to(root) else Path()
        for part in (below, *below.parents):
            yield mounted / part


def _own_groups(controller: str) -> Iterator[tuple[str, str]]:
    """Yield version (`cgroup2` or `cgroup`) and path of this process's groups, from `/proc/self/cgroup`."""
    for line in _read(_ROOT / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield "cgroup2", path
        elif controller in controllers.split(","):
            yield "cgroup", path


def _mounts(controller: str) -> Iterator[tuple[Path, str, str]]:
    """Yield where groups are mounted, the top group there, and the version; see `man 5 proc`."""
    for line in _read(_ROOT / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        version, _, options = after.split(" ", 2)
        if version == "cgroup2" or (version == "cgroup" and controller in options.split(",")):
            root, mounted = before.split(" ")[3:5]
            yield _ROOT / mounted.lstrip("/"), root, version


def _read(path: Path) -> str:
    """Return the text of a file of the kernel; '' if it is missing or empty."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    print(processors())
