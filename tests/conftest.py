"""What tests share: small networks and images, and the real data sets."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import lacks
from hypothesis import settings
from mirrors import made, mirror, served  # noqa: F401 (fixtures)
from own_data import real_data  # noqa: F401 (a fixture)

from aann.datasets import archives
from aann.datasets.splits import Images
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork
from aann.settings.study import load

ROOT = Path(__file__).parent.parent
torch.set_num_threads(1)
settings.register_profile("shared-machine", deadline=None)  # other work may stop a test for a while
settings.load_profile("shared-machine")


def pytest_configure(config):
    """Let processes that tests start end with Ctrl-C: a shell's background jobs inherit that they ignore it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Begin with builds, which take longest, and let only tests that share something wait for one another.

    Tests that share a fixture of their module go to one worker (`--dist loadgroup`), all others to any.
    """
    items.sort(key=lambda item: "workflow" not in item.path.parts)
    shared = {}
    for item in items:
        if names := _fixtures_of_the_module(item):
            groups = shared.setdefault(item.path, [])
            joined = names.union(*(group for group in groups if group & names))
            shared[item.path] = [joined, *(group for group in groups if not group & names)]
    for item in items:
        for group in shared.get(item.path, ()):
            if _fixtures_of_the_module(item) & group:
                item.add_marker(pytest.mark.xdist_group(f"{item.path.name}-{min(group)}"))


def _fixtures_of_the_module(item):
    """Return the names of the fixtures of a test that all tests of its module share."""
    known = item._fixtureinfo.name2fixturedefs
    return {name for name, found in known.items() if found[-1].scope == "module"}


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def paper_settings():
    return load([ROOT / "config/config.yaml"])


@pytest.fixture(scope="session")
def architecture():
    layers = (Convolution("1.0", filters=3, kernel=3, padding=1, pool=2), Dense("fc", units=4))
    return Architecture((1, 6, 6), layers)


@pytest.fixture
def network(architecture):
    random = np.random.default_rng(0)
    weights = {
        name: random.integers(-1, 2, shape).astype(np.int8) for name, shape in architecture.weight_shapes.items()
    }
    return TernaryNetwork(architecture, weights)


@pytest.fixture(scope="session")
def blobs():
    """Four classes of 6 x 6 images, one bright quadrant each: learnable, not trivial."""

    def make(count, seed):
        random = np.random.default_rng(seed)
        labels = np.arange(count) % 4
        images = random.integers(0, 120, (count, 1, 6, 6))
        for index, label in enumerate(labels):
            row, column = 3 * (label // 2), 3 * (label % 2)
            images[index, 0, row : row + 3, column : column + 3] += 100
        return Images(images.astype(np.uint8), labels.astype(np.int64))

    return make


@pytest.fixture(scope="session")
def data_mirror():
    """The folder or URL that serves the real archives; its absence is a failure in CI, and a skip elsewhere."""
    place = os.environ.get(archives.MIRROR_VARIABLE)
    if place:
        return place
    return lacks(f"set {archives.MIRROR_VARIABLE} to a folder or URL that holds mnist/ and fashion-mnist/")
