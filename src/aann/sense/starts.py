"""Where a search starts: from a network of p-SIREN, or from a random one."""

from __future__ import annotations

import math
from numbers import Real
from pathlib import Path

import numpy as np

from aann.datasets import splits
from aann.errors import InputError
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.settings.study import Settings


def random_network(architecture: Architecture, sparsity: float, seed: int) -> TernaryNetwork:
    """Return a network with ``sparsity`` percent zeros in each layer, at random places, and fair random signs.

    Raises ``InputError`` for a sparsity that is not within 0 and 100.
    """
    if not (isinstance(sparsity, Real) and not isinstance(sparsity, bool) and 0 <= sparsity <= 100):
        raise InputError(f"sparsity {sparsity!r}: expected a percentage from 0 to 100")
    sparsity = float(sparsity)  # small integers of NumPy would overflow below
    random = np.random.default_rng([seed, 0])
    weights = {}
    for name, shape in architecture.weight_shapes.items():
        size = math.prod(shape)
        flat = np.zeros(size, np.int8)
        chosen = random.choice(size, size - round(size * sparsity / 100), replace=False)
        flat[chosen] = random.choice(np.array([-1, 1], np.int8), len(chosen))
        weights[name] = flat.reshape(shape)
    return TernaryNetwork(architecture, weights)


def make_start(settings: Settings, task: str, sparsity: float, seed: int, output: Path) -> None:
    """Write a random network for a task. Raises ``InputError`` for an unknown task, and as ``random_network`` does."""
    drawn = random_network(Architecture.from_dict(settings.network(task)), sparsity, seed)
    network = drawn.described(splits.describe(settings.dataset(task)))
    keys = {"task": task, "sparsity": sparsity, "seed": seed}
    network.save(output, provenance.describe("aann.sense.starts", [], settings.network_part(task), **keys))
