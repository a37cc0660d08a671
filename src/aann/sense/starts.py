"""Where a search starts: from a network of p-SIREN, or from a random one."""

from __future__ import annotations

import math

import numpy as np

from aann.errors import InputError
from aann.networks import Architecture, TernaryNetwork


def random_network(architecture: Architecture, sparsity: float, seed: int) -> TernaryNetwork:
    """Return a network with ``sparsity`` percent zeros in each layer, at random places, and fair random signs.

    Raises ``InputError`` for a sparsity that is not within 0 and 100.
    """
    if not 0 <= sparsity <= 100:
        raise InputError(f"sparsity {sparsity}: expected a percentage from 0 to 100")
    random = np.random.default_rng([seed, 0])
    weights = {}
    for name, shape in architecture.weight_shapes.items():
        size = math.prod(shape)
        flat = np.zeros(size, np.int8)
        chosen = random.choice(size, size - round(size * sparsity / 100), replace=False)
        flat[chosen] = random.choice(np.array([-1, 1], np.int8), len(chosen))
        weights[name] = flat.reshape(shape)
    return TernaryNetwork(architecture, weights)
