"""Compiled code is kept for later processes, and none gets that of other types."""

import importlib
import sys

import numpy as np
import pytest

from aann.evaluation.lanes import compiled

MODULE = """
def total(values):
    found = values[0] * 0
    for value in values:
        found += value
    return found
"""


@pytest.fixture
def total(tmp_path, monkeypatch):
    """A function in a file of its own, compiled anew by each call: as each process would."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "total_of_values.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "total_of_values", raising=False)
    module = importlib.import_module("total_of_values")
    yield lambda: compiled(module.total)
    del sys.modules["total_of_values"]


def test_compiled_code_serves_later_processes(total):
    assert total()(np.arange(5)) == 10
    later = total()
    assert later(np.arange(5)) == 10
    assert sum(later.stats.cache_hits.values()) == 1


def test_processes_that_compile_for_different_types_at_once_do_not_mix_their_code(total):
    first, second = total(), total()
    one, other = first._cache._cache_file, second._cache._cache_file
    save_data = one._save_data

    def save_after_the_other(name, data):
        one._save_data = save_data
        other._load_index = dict  # it has read the index before the first wrote there
        assert second(np.array([0.5, 0.25])) == 0.75
        save_data(name, data)

    one._save_data = save_after_the_other
    assert first(np.arange(5)) == 10
    later = total()
    assert later(np.array([0.5, 0.25])) == 0.75
    assert later(np.arange(5)) == 10
