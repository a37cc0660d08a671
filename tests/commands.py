"""What tests of commands and of the processes they start share."""

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from aann.artifacts import seal_of
from aann.cli import main


def lacks(what):
    """End a test that needs what is not here: a failure in CI, and a skip elsewhere."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def shown(folder):
    """Return the names of what stands in a folder, without the seals of it."""
    names = {path.name for path in Path(folder).iterdir()}
    return names - {seal_of(name).name for name in names}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def drawing(kind, inputs, output, title="MNIST", results=".", **options):
    """Return the command that draws a figure of a kind. ``inputs`` are its files, each a role, a path and keys."""
    given = [{"role": role, "path": str(path), "keys": keys} for role, path, keys in inputs]
    plan = {"kind": kind, "title": title, "inputs": given, "options": options}
    return ("figures", "draw", "x", "--plan", json.dumps(plan), "--results", results, "--output", output)


def draw(kind, inputs, output, *, name="2a", results=".", title="MNIST", **options):
    """Draw a figure of a kind from inputs, each with its role, its file below the results and its keys."""
    given = [{"role": role, "path": str(path), "keys": keys} for role, path, keys in inputs]
    plan = json.dumps({"kind": kind, "title": title, "inputs": given, "options": options})
    return run("figures", "draw", name, "--plan", plan, "--results", results, "--output", output)


def check_one_line(result, *messages):
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for message in messages:
        assert message in result.stderr


def group_ends(group, seconds=5):
    """Return whether no process of a group is left within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
