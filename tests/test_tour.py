"""The tour of the code names what is there."""

import importlib
import re

import click
import pytest
import yaml

from aann.cli import main
from aann.figures.kinds import load

LONGEST = 120
"""Lines of the page."""


@pytest.fixture(scope="module")
def text(root):
    return (root / "docs/tour.md").read_text()


def quoted(text):
    """Return what is quoted as code in sentences and tables, with the word before it."""
    return re.findall(r"(?:(\w+)\s+)?`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def resolve(name):
    """Return what a dotted name means; raise ``ModuleNotFoundError`` or ``AttributeError`` if there is nothing."""
    parts = name.split(".")
    found = importlib.import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:number]))
        found = getattr(found, part)
    return found


def test_every_name_is_of_something_that_is_there(root, text):
    settings = yaml.safe_load((root / "config/config.yaml").read_text())
    rules = "".join(path.read_text() for path in root.glob("rules/*.smk"))
    seen = dict.fromkeys(("code", "rule", "setting", "path"), 0)
    for before, name in quoted(text):
        if name.startswith("python -m aann "):
            group, command = name.split()[3:]
            assert command in main.get_command(click.Context(main), group).commands
        elif before == "kind":
            assert load(name).FILES
        elif name.startswith("aann."):
            assert resolve(name) is not None, name
            seen["code"] += 1
        elif before == "rule":
            of_task = re.sub("_mnist$", "_{TASK}", name)  # a rule for each task
            assert re.search(rf"^rule {name}:", rules, re.MULTILINE) or f'f"{of_task}"' in rules, name
            seen["rule"] += 1
        elif not name.startswith("results/") and (root / name).exists():
            seen["path"] += 1
        elif not name.startswith("results/"):
            value = settings
            for key in name.split("."):
                assert key in value, name
                value = value[key]
            seen["setting"] += 1
    assert min(seen.values()) > 3, seen


def test_all_pages_name_code_and_files_that_are_there(root):
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    folders = ("src", "rules", "tests", "config", "workflow", "docs", "benchmarks", "profiles", "envs")
    wrong, found = [], 0
    for page in pages:
        for _, name in quoted(page.read_text()):
            code = re.match(r"aann(?:\.\w+)+", name)
            imported = re.search(r"from (aann[\w.]*) import (\w+)", name)
            path = re.fullmatch(r"[\w./-]+", name) and name.split("/")[0] in folders and "/" in name
            if imported or (code and not name.endswith(".c")):
                found += 1
                try:
                    resolve(".".join(imported.groups()) if imported else code[0])
                except (AttributeError, ModuleNotFoundError):
                    wrong.append(f"{page.name}: {name}")
            elif path and not (root / name).exists():
                wrong.append(f"{page.name}: {name}")
    assert found > 50
    assert wrong == []


def test_names_that_are_not_there_are_found():
    for name in ("aann.sense.search.Search.walk", "aann.nowhere", "aann.evaluation.kernels.nothing"):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(name)


def test_the_files_of_results_are_those_that_rules_make(root, text):
    described = (root / "results/README.md").read_text()
    named = {name for _, name in quoted(text) if name.startswith("results/")}
    assert len(named) >= 3
    for name in named:
        pattern = name.replace("results/paper/", "").replace("mnist", "<task>").replace("p90", "p<sparsity>")
        pattern = pattern.replace("seed0", "seed<seed>").replace("figure_2a.png", "figure_<name>.pdf")
        assert pattern in described, name


def test_it_is_one_page_and_contributors_find_it(root, text):
    assert len(text.splitlines()) <= LONGEST
    assert "](docs/tour.md)" in (root / "CONTRIBUTING.md").read_text()
