"""Snakemake's command without its start: forks of one process that has imported Snakemake, which takes a second.

A fork has arguments, a folder and variables of its own, and imports the package from where `python -m snakemake` would.
Tests that signal a build, or that change how Python itself starts, start a process instead.
"""

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

COMMAND = [sys.executable, "-m", "snakemake"]


def run(command: Sequence[object], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that starts as ``COMMAND`` does, as `subprocess.run` would, and return what it said."""
    words = list(map(str, command))
    assert words[:3] == COMMAND, words
    with TemporaryDirectory() as place:
        said = [str(Path(place, name)) for name in ("stdout", "stderr")]
        server = _server()
        print(json.dumps([words, str(folder), dict(environment), said]), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        output = [Path(path).read_text(encoding="utf-8") for path in said]
    return subprocess.CompletedProcess(words, status, *output)


@cache
def _server() -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-P", __file__]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)  # which tells it to end
    return process


def _serve() -> None:
    """Fork for each line that is read, and write how the fork ended; end with the process that asks."""
    from snakemake.cli import get_argument_parser

    get_argument_parser()  # loads plugins
    gc.freeze()  # so that forks need not look through what is here
    for line in sys.stdin:
        words, folder, environment, said = json.loads(line)
        process = os.fork()
        if not process:
            _become(words, folder, environment, said)
            runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def _become(words: list[str], folder: str, environment: dict[str, str], said: list[str]) -> None:
    """Let this process be as if it had just been started."""
    from snakemake.workflow import Workflow

    for descriptor, path in enumerate([os.devnull, *said]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    Workflow._rundir = folder  # Snakemake keeps it from when it was imported
    os.environ.clear()
    os.environ.update(environment)
    sys.orig_argv[:] = words
    sys.argv[:] = words[2:]
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]


if __name__ == "__main__":
    _serve()
