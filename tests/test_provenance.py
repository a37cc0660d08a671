import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from aann import __version__
from aann.lineage import provenance
from aann.lineage.records import find


@pytest.fixture
def package(root, tmp_path, monkeypatch):
    """A copy of the package that can be edited, which the fingerprint then reads."""
    shutil.copytree(root / "src/aann", tmp_path / "aann", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path / "aann")
    forget()
    yield tmp_path / "aann"
    forget()


def forget():
    provenance._read.cache_clear()


def fingerprints():
    forget()
    names = ("psiren.jobs", "datasets.splits", "figures.sparsity", "figures.schematic")
    return {name: provenance.code_fingerprint(f"aann.{name}") for name in names}


def changed_by(path, old, new):
    before = fingerprints()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return {name for name, value in fingerprints().items() if value != before[name]}


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("algorithm", "from __future__", "# a comment\nfrom __future__"),
        ("algorithm", '"""p-SIREN, Algorithm 1', '"""Another docstring'),
        ("algorithm", '    """Step 3: train', '    """Another docstring: train'),
        ("pruning", '"""One float32 array', '"""Another string below a constant'),
        (
            "algorithm",
            "    weights = to_tensors(sparse, problem.device)\n",
            "    weights = to_tensors(\n        sparse, problem.device  # here\n    )\n",
        ),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(package, module, old, new):
    assert changed_by(package / f"psiren/{module}.py", old, new) == set()


def test_a_change_reaches_what_imports_it_and_nothing_else(package):
    assert changed_by(package / "psiren/algorithm.py", "500", "400") == {"psiren.jobs"}
    assert changed_by(package / "training.py", "0.5 + 0.5", "0.6 + 0.4") == {"psiren.jobs"}
    assert changed_by(package / "evaluation/reference.py", "_BATCH = 500", "_BATCH = 400") == {"psiren.jobs"}
    assert changed_by(package / "swaps.py", "moved.flat[swaps.from_index] = 0", "moved.flat[swaps.from_index] = 1") == {
        "psiren.jobs",
        "figures.schematic",
    }
    assert changed_by(package / "evaluation/kernels.py", "2**30", "2**29") == set()
    assert changed_by(package / "figures/style.py", "3.5", "3.6") == {"figures.sparsity", "figures.schematic"}
    assert changed_by(package / "networks.py", "2**15", "2**14") == {"psiren.jobs"}
    assert changed_by(package / "datasets/splits.py", "len(self.labels)", "0 + len(self.labels)") == {
        "psiren.jobs",
        "datasets.splits",
    }


def test_what_is_imported_for_types_alone_is_not_covered():
    covered = provenance.covered(["aann.families.walks"])
    assert {"aann.families", "aann.families.moves", "aann.sense.images"} <= covered
    assert not {"aann.families.transfers", "aann.sense.search"} & covered


def test_settings_are_tracked_as_values_not_as_code(package):
    assert changed_by(package / "settings/psiren.py", "0.005", "0.006") == set()


def test_provenance_names_inputs_by_their_hash_and_holds_no_path_of_a_machine(tmp_path):
    path = tmp_path / "input.csv"
    path.write_text("a\n1\n")
    described = provenance.describe("aann.psiren.jobs", [path], {"scale": "quick"}, seed=3)
    assert described["inputs"] == {"input.csv": hashlib.sha256(b"a\n1\n").hexdigest()}
    assert (described["seed"], described["settings"]) == (3, {"scale": "quick"})
    assert described == provenance.describe("aann.psiren.jobs", [path], {"scale": "quick"}, seed=3)
    assert str(tmp_path) not in json.dumps(described)
    assert set(described) == {"module", "code", "inputs", "settings", "seed", "versions"}


# --- versions in an environment of one's own --------------------------------------------------------------------------


def test_versions_of_the_environment_that_we_pin(root):
    pinned = dict(line.split("==") for line in (root / "envs/constraints.txt").read_text().splitlines() if "==" in line)
    found = provenance.versions()
    assert list(found)[:2] == ["python", "aann"]
    assert {"box2d", "pygame-ce", "torch"} < set(found)
    for name in list(found)[2:]:
        assert found[name].split("+")[0] == pinned[name]


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"pygame": "2.6.1", "box2d-py": "2.3.8"}, {"pygame": "2.6.1", "box2d-py": "2.3.8"}),
        ({"pygame": "2.6.1", "pygame-ce": "2.5.8"}, {"pygame-ce": "2.5.8", "box2d": "unknown"}),
        ({"box2d": None}, {"pygame-ce": "unknown", "box2d": "unknown"}),
    ],
)
def test_another_distribution_has_its_own_name_and_an_absent_one_is_unknown(monkeypatch, installed, expected):
    def version(name):
        if name not in installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = provenance.versions()
    known = {"python", "aann"}
    assert {name: found[name] for name in expected} == expected
    assert {found[name] for name in set(found) - set(expected) - known} == {"unknown"}
    assert found["aann"] == __version__


def test_figure_1_is_drawn_where_aann_is_not_installed_and_there_is_another_pygame_and_no_box2d(root, tmp_path):
    site, hidden = tmp_path / "site", ("aann", "__editable__.aann", "pygame", "box2d")
    site.mkdir()
    for path in Path(numpy.__file__).parent.parent.iterdir():
        if not path.name.lower().startswith(hidden):
            (site / path.name).symlink_to(path)
    (site / "pygame-2.6.1.dist-info").mkdir()
    (site / "pygame-2.6.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: pygame\nVersion: 2.6.1\n")
    output = tmp_path / "figure_1.png"
    result = subprocess.run(
        [sys.executable, "-S", "-m", "aann", "figures", "draw", "1", "--output", output],
        env=os.environ | {"PYTHONPATH": f"{root / 'src'}:{site}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    versions = find(output).provenance["versions"]
    assert (versions["aann"], versions["pygame"], versions["box2d"]) == (__version__, "2.6.1", "unknown")
    assert "pygame-ce" not in versions
