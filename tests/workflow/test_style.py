"""The repository holds to its own rules: format, lint, types, layers, and the workflow's linter."""

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("mypy",),
        ("lint-imports",),
        ("snakefmt", "--check", "Snakefile", "rules"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_checker_has_nothing_to_say(root, command):
    result = subprocess.run([BIN / command[0], *command[1:]], cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


EXCEPTIONS = {
    # Every rule runs in the one environment that runs Snakemake (envs/), by pip or by conda; containers of 5 GB for
    # jobs of seconds would only slow it down.
    "Specify a conda environment or container for each rule.:",
}


def test_the_linter_of_snakemake_has_nothing_to_say_but_the_exceptions(root):
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"], cwd=root, capture_output=True, text=True, check=False
    )
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
    found = {line.removeprefix("* ") for line in lines if line.startswith("* ")}
    assert any(line.startswith("Lints for rule") for line in lines)
    assert found == EXCEPTIONS
