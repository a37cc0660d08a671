"""The three lists of dependencies agree, and name no place to download from."""

import importlib.metadata
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def pinned(root):
    lines = (root / "envs/constraints.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {requirement.name: str(requirement.specifier).removeprefix("==") for requirement in requirements}
    assert len(versions) == len(requirements)
    return versions


@pytest.fixture(scope="module")
def named(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return {Requirement(line).name for line in project["dependencies"] + project["optional-dependencies"]["test"]}


def test_every_dependency_is_pinned_and_nothing_else_is_installed(pinned, named):
    assert named <= set(pinned)
    for name, version in pinned.items():
        assert version[0].isdigit()
        if name in named:
            assert importlib.metadata.version(name) == version


def test_the_conda_environment_has_the_same_versions(root, pinned, named):
    environment = yaml.safe_load((root / "envs/environment.yaml").read_text())
    listed = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    requirements = [Requirement(line) for line in listed if not line.startswith("-")]
    versions = {requirement.name: str(requirement.specifier).removeprefix("==") for requirement in requirements}
    assert versions == {name: pinned[name] for name in named}
    assert "--constraint constraints.txt" in listed


def test_torch_and_torchvision_are_a_pair():
    torchvision = importlib.metadata.distribution("torchvision")
    (needed,) = (Requirement(line) for line in torchvision.requires if Requirement(line).name == "torch")
    assert importlib.metadata.version("torch").split("+")[0] in needed.specifier


def test_no_list_holds_an_address(root):
    for path in (root / "envs").iterdir():
        assert "://" not in path.read_text(), path
