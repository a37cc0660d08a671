"""The recipes of CONTRIBUTING.md work as they are written: each is applied to a copy, and its last command is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.conftest import share_compiled

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = {
    "A figure of a known kind": 1,
    "A figure of a new kind": 4,
    "A data set of a known kind": 1,
    "A data set of a new kind": 3,
    "A search strategy": 2,
    "A kind of layer": 3,
}
"""How many files each recipe touches. A file of settings is one of them, unless it only tries out what code adds."""

TRIED_OUT = ("A search strategy", "A kind of layer")
"""Recipes whose settings only try them out."""


def recipes():
    """Return the blocks of each recipe, by its heading: language, file and text."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition("## To add\n")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)$", section, flags=re.MULTILINE)
    return {name: BLOCK.findall(part) for name, part in zip(parts[1::2], parts[2::2], strict=True)}


def change(text, diff):
    """Return a text with the lines of a diff taken away and added."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] or "\n" for line in lines if line[0] in " -\n")
    new = "".join(line[1:] or "\n" for line in lines if line[0] in " +\n")
    assert text.count(old) == 1, f"not there, or not once:\n{old}"
    return text.replace(old, new)


@pytest.fixture
def copy(tmp_path):
    for name in ("src", "rules", "workflow", "config", "profiles", "envs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    share_compiled(ROOT, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_works_as_it_is_written(name, copy):
    *blocks, (language, _, command) = recipes()[name]
    assert language == ""
    for language, path, text in blocks:
        place = copy / path
        place.write_text(change(place.read_text(), text) if language == "diff" else text)
    code = [path for _, path, _ in blocks if path.startswith(("src", "workflow"))]
    settings = [path for _, path, _ in blocks if path == "more.yaml"]
    assert len(code) + len(settings) * (name not in TRIED_OUT) == FILES[name]
    environment = os.environ | {
        "PYTHONPATH": str(copy / "src"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    result = subprocess.run(
        ["bash", "-c", command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    if code:
        checked = [path for path in code if path.endswith(".py")]
        lint = subprocess.run(
            [sys.executable, "-m", "ruff", "check", *checked], cwd=copy, capture_output=True, text=True, check=False
        )
        assert lint.returncode == 0, lint.stdout


def test_every_recipe_is_counted():
    assert set(recipes()) == set(FILES)
