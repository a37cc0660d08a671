"""Drivers of the rounds of demonstrations: networks made by p-SIREN from the frames recorded so far."""

from __future__ import annotations

from aann import psiren
from aann.networks import TernaryNetwork


def make_driver(problem: psiren.Problem, sparsity: float) -> TernaryNetwork:
    """Return the ternary network that all steps of p-SIREN lead to (Algorithm 1)."""
    dense, _ = psiren.train_dense(problem)
    sparse, _ = psiren.sparsify(problem, dense, [sparsity])
    network, _ = psiren.p_siren(problem, sparse[sparsity], sparsity)
    return network
