"""What makes a build safe: no other build beside it, jobs that end with it and fit the machine, room, a right clock.

No result depends on this module. It says when jobs run, never what they make.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from aann.artifacts import is_unfinished
from aann.builds import machine
from aann.errors import InputError

END_WITH_PARENT = "AANN_END_WITH_PARENT"
"""The environment variable that ends a process with the one that started it, whose number is its value."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TOLERATED_SECONDS = 60
"""How far the clocks of machines that share a folder may differ."""
_held: set[Path] = set()
"""Files that this process has locked."""

LOCK = Path("logs/build.lock")
"""What a build locks in the folder of its scale."""


def end_with_parent() -> None:
    """Let Linux kill this process when the process that started it ends, or at once if that has ended already.

    Processes that this one starts end with it in turn. Other systems than Linux cannot do this: there, a job goes on
    after its build was killed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ[END_WITH_PARENT]):
            os.kill(os.getpid(), signal.SIGKILL)
        os.environ[END_WITH_PARENT] = str(os.getpid())


def hold_lock(path: Path | str) -> None:
    """Lock a file until this process ends, and write into it who holds the lock. No two processes write the same.

    The system releases the lock when the process ends, killed or not, so no lock is ever left behind. A lock that this
    process holds already stays as it is. Raises ``InputError`` if another process holds the lock, or if the file cannot
    be written or locked.
    """
    path = Path(path)
    if path.absolute() in _held:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # closed by the system, with the process
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="microseconds")
        os.write(file, f"process {os.getpid()} on {platform.node()} since {since}".encode())
        os.fsync(file)  # for jobs on other machines (aann.builds.slurm)
        _held.add(path.absolute())
    except BlockingIOError as error:
        raise InputError(
            f"{path}: another build is at work here ({path.read_text(encoding='utf-8')}); wait until it has ended, or "
            "end it, and run this one again"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be locked ({error.strerror}), so two builds could run at once; free space, or choose "
            "another folder with the setting 'results'"
        ) from error


def begin_again(folder: Path | str) -> NoReturn:
    """Run the command of this process again, in its place. This releases its locks.

    ``folder`` is where the command was given; paths in the command are relative to it.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


_SHARE_OF_MEMORY = 0.9
"""What jobs may ask for together. The rest is for Snakemake and the system."""


def keep_to_machine(resources: MutableMapping[str, Any]) -> list[str]:
    """Limit the resources of a build to those of this machine; return a line for each that was larger.

    ``resources`` are Snakemake's ``workflow.global_resources``. Cores are limited to the processors that this process
    may use. Memory (``mem_mb``), if it was not given, is most of what the machine or the control group has. Builds that
    send jobs to other machines keep their resources.
    """
    if resources["_nodes"].value is not None:
        return []
    if "mem_mb" not in resources:
        resources["mem_mb"] = int(_SHARE_OF_MEMORY * machine.memory_mb())
    cores, line = machine.fewer_threads(resources["_cores"].value or 1, "--cores")
    if line:
        resources["_cores"] = cores
    return [line] if line else []


_KILLED = f"died with {signal.Signals(signal.SIGKILL)!r}"
"""What ``subprocess.CalledProcessError`` says of a command that was killed."""


class KilledJobs(logging.Handler):
    """Adds to Snakemake's message on a killed job what it most likely means, and what to do."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one message of Snakemake's."""
        if _KILLED in record.getMessage():
            self._logger.error(
                f"The command was killed, most likely because memory ran out: there are {machine.memory_mb()} MB here. "
                "Run the same build again with --cores 1, or with a smaller --resources mem_mb=..., so that fewer "
                "jobs run at a time (docs/operations.md)."
            )


def call_first(workflow: Any, begin: Callable[[], None]) -> None:
    """Let a workflow of Snakemake call ``begin`` before the first job of each build, and before its own ``onstart``.

    Snakemake calls one ``onstart``, that of the main Snakefile. It may come after the module that calls this function,
    so this function wraps the directive as well.
    """
    register = workflow.onstart

    def put_first() -> None:
        own = workflow._onstart

        def start(log: Any) -> None:
            begin()
            own(log)

        workflow._onstart = start

    def onstart(function: Callable[[Any], None]) -> None:
        register(function)
        if workflow.modifier.is_main_snakefile():
            put_first()

    workflow.onstart = onstart
    put_first()


def remove_unfinished(folder: Path | str) -> None:
    """Delete what killed jobs left unfinished under ``folder``. No job may be writing there now."""
    for parent, _, names in os.walk(folder):
        for name in filter(is_unfinished, names):
            Path(parent, name).unlink(missing_ok=True)


def require_room(folder: Path | str) -> None:
    """Raise ``InputError`` unless a file can be written in the folder where Snakemake keeps its records."""
    try:
        Path(folder).mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(65_536))
    except OSError as error:
        raise InputError(
            f"{folder}: Snakemake cannot keep its records here ({error.strerror}); free space, or make the folder "
            "writable, and run again"
        ) from error


def require_past(*folders: Path | str) -> None:
    """Raise ``InputError`` if a file under ``folders`` was changed in the future, by the clock of this machine.

    A build makes a file again if it is older than its inputs. A file from the future looks newer than it is, so the
    build would keep it when it should not.
    """
    now = time.time()
    walks = [walk for folder in folders for walk in os.walk(folder)]
    newest = max((Path(parent) / name for parent, _, names in walks for name in names), key=_changed, default=None)
    if newest and _changed(newest) > now + _TOLERATED_SECONDS:
        raise InputError(
            f"{newest}: was changed at {_clock(_changed(newest))}, but now it is {_clock(now)}; set the clock right, "
            "or move the files back in time (docs/operations.md says how)"
        )


def _changed(path: Path) -> float:
    """Return when a file was changed; 0 if it is gone, such as a temporary file of a running job."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="seconds")
