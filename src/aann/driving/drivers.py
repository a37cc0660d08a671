"""Drivers of the rounds of demonstrations: networks made by p-SIREN from the frames recorded so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from aann import devices
from aann.datasets import splits
from aann.driving import demonstrations, driven
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.psiren import algorithm
from aann.settings.study import Settings


def train_driver(problem: algorithm.Problem, sparsity: float) -> TernaryNetwork:
    """Return the ternary network that all steps of p-SIREN lead to (Algorithm 1)."""
    dense, _ = algorithm.train_dense(problem)
    sparse, _ = algorithm.sparsify(problem, dense, [sparsity])
    network, _ = algorithm.p_siren(problem, sparse[sparsity], sparsity)
    return network


def make_driver(
    settings: Settings, task: str, train: Sequence[Path], validation: Path, output: Path, threads: int
) -> None:
    """Write the network that drives in a round of demonstrations.

    Raises ``InputError`` for a task that is not driven, and for frames that do not fit it.
    """
    torch.set_num_threads(threads)
    device = devices.choose(settings.device)
    chosen, data = settings.driving, driven(settings, task)
    part = settings.driving_part(task, ("seed", "mirror", "psiren", "sparsity"))
    problem = algorithm.Problem(
        Architecture.from_dict(settings.network(task)),
        demonstrations.training_frames(train, chosen, data.shape),
        demonstrations.load(validation, data.shape),
        chosen.psiren,
        chosen.seed,
        device,
    )
    values = {"task": task, **problem.surroundings}
    recorded = provenance.describe("aann.driving.drivers", [*train, validation], part, **values)
    train_driver(problem, chosen.sparsity).described(splits.describe(data)).save(output, recorded)
