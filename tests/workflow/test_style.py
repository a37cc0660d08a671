"""The repository holds to its own rules: format, lint, types, layers, and the workflow's linter."""

import os
import subprocess
import sys
from pathlib import Path

import forks
import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("mypy",),
        ("lint-imports",),
        ("snakefmt", "--check", "Snakefile", "workflow", "rules"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_checker_has_nothing_to_say(root, command):
    result = subprocess.run([BIN / command[0], *command[1:]], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_linter_of_snakemake_has_nothing_to_say(root):
    """Among other things, every rule that runs something has the environment."""
    result = forks.run([*forks.COMMAND, "--lint"], root, os.environ)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Congratulations, your workflow is in a good condition!" in result.stdout + result.stderr
