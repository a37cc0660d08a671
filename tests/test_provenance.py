import hashlib
import json
import shutil

import pytest

from aann import provenance


@pytest.fixture
def package(root, tmp_path, monkeypatch):
    """A copy of the package that can be edited, which the fingerprint then reads."""
    shutil.copytree(root / "src/aann", tmp_path / "aann", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path / "aann")
    forget()
    yield tmp_path / "aann"
    forget()


def forget():
    provenance._imports.cache_clear()
    provenance._code.cache_clear()


def fingerprints():
    forget()
    names = ("psiren", "datasets.splits", "figures.sparsity", "figures.schematic")
    return {name: provenance.code_fingerprint(f"aann.{name}") for name in names}


def changed_by(path, old, new):
    before = fingerprints()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return {name for name, value in fingerprints().items() if value != before[name]}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from __future__", "# a comment\nfrom __future__"),
        ('"""p-SIREN, Algorithm 1', '"""Another docstring'),
        ('    """Step 3: train', '    """Another docstring: train'),
        (
            "    weights = _to_tensors(sparse, problem.device)\n",
            "    weights = _to_tensors(\n        sparse, problem.device  # here\n    )\n",
        ),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(package, old, new):
    assert changed_by(package / "psiren.py", old, new) == set()


def test_a_change_reaches_what_imports_it_and_nothing_else(package):
    assert changed_by(package / "psiren.py", "500", "400") == {"psiren"}
    assert changed_by(package / "training.py", "0.5 + 0.5", "0.6 + 0.4") == {"psiren"}
    assert changed_by(package / "evaluation/reference.py", "_BATCH = 500", "_BATCH = 400") == {"psiren"}
    assert changed_by(package / "swaps.py", "moved.flat[start] = 0", "moved.flat[start] = 1") == {
        "psiren",
        "figures.schematic",
    }
    assert changed_by(package / "evaluation/kernels.py", "2**30", "2**29") == set()
    assert changed_by(package / "figures/style.py", "3.5", "3.6") == {"figures.sparsity", "figures.schematic"}
    assert changed_by(package / "networks.py", "2**15", "2**14") == {"psiren"}
    assert changed_by(package / "datasets/splits.py", "count // len", "1 * count // len") == {
        "psiren",
        "datasets.splits",
    }


def test_settings_are_tracked_as_values_not_as_code(package):
    assert changed_by(package / "config.py", "0.005", "0.006") == set()


def test_provenance_names_inputs_by_their_hash_and_holds_no_path_of_a_machine(tmp_path):
    path = tmp_path / "input.csv"
    path.write_text("a\n1\n")
    described = provenance.describe("aann.psiren", [path], {"scale": "quick"}, seed=3)
    assert described["inputs"] == {"input.csv": hashlib.sha256(b"a\n1\n").hexdigest()}
    assert (described["seed"], described["settings"]) == (3, {"scale": "quick"})
    assert described == provenance.describe("aann.psiren", [path], {"scale": "quick"}, seed=3)
    assert str(tmp_path) not in json.dumps(described)
    assert set(described) == {"module", "code", "inputs", "settings", "seed", "versions"}
