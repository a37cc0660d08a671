"""The lists of dependencies agree, and name no place to download from and no file beside them."""

import ast
import importlib.metadata
import itertools
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aann.extras import EXTRAS


def versions_of(lines):
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {requirement.name: str(requirement.specifier).removeprefix("==") for requirement in requirements}
    assert len(versions) == len(requirements)
    return versions


@pytest.fixture(scope="module")
def pinned(root):
    return versions_of((root / "envs/constraints.txt").read_text().splitlines())


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def named(project):
    lines = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    return {Requirement(line).name for line in lines}


def needed_by(lines):
    """Return the names of all packages that requirements need here, with what these need in turn."""
    found, waiting = {}, [Requirement(line) for line in lines]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), {"", *requirement.extras}
        if not extras <= found.get(name, set()):
            found[name] = extras | found.get(name, set())
            needs = map(Requirement, importlib.metadata.requires(name) or ())
            waiting += [
                need
                for need in needs
                if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in found[name])
            ]
    return set(found)


def is_of_cuda(name):
    """Return whether torch chooses a package and its version, by the system."""
    return name.startswith(("nvidia-", "cuda-")) or name == "triton"


def conda_lines(root, name):
    """Return the lines of an environment for conda that are for pip, which may be read from any folder."""
    environment = yaml.safe_load((root / "envs" / name).read_text())
    lines = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert [line for line in lines if line.startswith("-") or "/" in line] == []
    return lines


def test_every_dependency_is_pinned_and_nothing_else_is_installed(pinned, named):
    assert named <= set(pinned)
    for name, version in pinned.items():
        assert version[0].isdigit()
        if name in named:
            assert importlib.metadata.version(name) == version


def test_the_conda_environment_has_the_same_versions(root, pinned):
    expected = {name: version for name, version in pinned.items() if not is_of_cuda(name)}
    assert versions_of(conda_lines(root, "environment.yaml")) == expected


def test_the_environment_of_jobs_is_what_they_need_and_nothing_more(root, project, pinned):
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["workflow"], *extras["driving"], *extras["export"]]
    needed = needed_by(line for line in asked if not line.startswith("snakemake"))
    expected = {name: pinned[name] for name in needed & set(pinned) if not is_of_cuda(name)}
    listed = versions_of(conda_lines(root, "jobs.yaml"))
    assert listed == expected
    assert {"box2d", "pygame-ce", "torch"} <= set(listed)
    assert not {"snakemake", "ruff", "pytest", "mypy"} & set(listed)


def test_the_environment_of_jobs_can_be_resolved(root):
    listed = {canonicalize_name(name): version for name, version in versions_of(conda_lines(root, "jobs.yaml")).items()}
    for name, version in listed.items():
        assert importlib.metadata.version(name) == version
        for need in map(Requirement, importlib.metadata.requires(name) or ()):
            needed = canonicalize_name(need.name)
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and not is_of_cuda(needed) and needed != "setuptools":
                assert listed[needed] in need.specifier, f"{name} {version} needs {need}"


IN_NO_JOB = {"forecast.py", "touch.py"}
"""Modules that Snakemake runs in its own process, or that run it."""


def imported(root, but=()):
    """Return the modules of other packages that this one imports, and the distributions that each may be of."""
    modules = set()
    for path in (root / "src").rglob("*.py"):
        if path.name in but:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module.partition(".")[0])
    providers = importlib.metadata.packages_distributions()
    foreign = modules - {"aann"} - sys.stdlib_module_names
    assert {"numpy", "torch"} <= foreign
    return {module: {canonicalize_name(name) for name in providers[module]} for module in foreign}


def test_the_package_imports_nothing_but_the_environment_of_jobs(root):
    listed = {canonicalize_name(name) for name in versions_of(conda_lines(root, "jobs.yaml"))}
    for module, distributions in imported(root, but=IN_NO_JOB).items():
        assert distributions & listed, module


def test_each_package_that_is_imported_comes_with_the_library_or_with_the_extra_that_its_absence_names(root, project):
    library = needed_by(project["dependencies"])
    assert "torch" not in library
    extras = {name: needed_by(lines) for name, lines in project["optional-dependencies"].items()}
    found = {extra: set() for extra in EXTRAS}
    for module, distributions in imported(root).items():
        if not distributions & library and module != "snakemake_interface_common":
            (extra,) = (extra for extra, modules in EXTRAS.items() if module in modules)
            assert distributions & extras[extra], module
            found[extra].add(module)
    assert {extra: tuple(sorted(modules)) for extra, modules in found.items()} == EXTRAS


def test_make_setup_installs_all_extras(root, project):
    line = next(line for line in (root / "Makefile").read_text().splitlines() if "--editable" in line)
    installed = {*line.partition("[")[2].partition("]")[0].split(",")}
    lines = [project["optional-dependencies"][extra] for extra in installed]
    assert {*itertools.chain(*lines)} == {*itertools.chain(*project["optional-dependencies"].values())}


def test_torch_and_torchvision_are_a_pair():
    torchvision = importlib.metadata.distribution("torchvision")
    (needed,) = (Requirement(line) for line in torchvision.requires if Requirement(line).name == "torch")
    assert importlib.metadata.version("torch").split("+")[0] in needed.specifier


def test_no_list_holds_an_address(root):
    for path in (root / "envs").iterdir():
        assert "://" not in path.read_text(), path
