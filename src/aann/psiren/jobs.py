"""The jobs of stage psiren: read, compute, and write with provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import torch

from aann import devices, tables
from aann.artifacts import read_arrays, remedy, write_arrays, write_table
from aann.datasets import splits
from aann.errors import InputError
from aann.evaluation.reference import correct_count
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.psiren import algorithm
from aann.psiren.algorithm import Problem
from aann.psiren.pruning import RealWeights
from aann.settings.study import Settings
from aann.training import Curve


class Job:
    """One step of p-SIREN for a task and a seed. ``data`` holds the task's splits; ``curve`` is for the learning curve.

    Raises ``InputError`` for an unknown task, and for data that do not fit its network.
    """

    def __init__(self, settings: Settings, task: str, seed: int, data: Path, curve: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        device = devices.choose(settings.device)
        self.architecture = Architecture.from_dict(settings.network(task))
        self.splits = splits.load(data)
        self.problem = Problem(
            self.architecture,
            self.splits["train"],
            self.splits["validation"],
            settings.psiren_of(task),
            seed,
            device,
        )
        self.described = splits.described(data)
        self.data, self.curve, self.task, self.settings = data, curve, task, settings.part("psiren", task)

    def train_dense(self, output: Path) -> None:
        """Step 1: write dense weights."""
        weights, learned = algorithm.train_dense(self.problem)
        recorded = self._provenance()
        self._write_curve(learned, recorded)
        write_arrays(output, weights, {"provenance": recorded})

    def sparsify(self, dense: Path, sparsities: Sequence[float], outputs: Sequence[Path]) -> None:
        """Step 2: write sparse weights for each sparsity, in percent.

        Raises ``InputError`` unless there are as many outputs as sparsities, and all sparsities differ.
        """
        if len(sparsities) != len(outputs) or len(set(sparsities)) < len(sparsities):
            raise InputError("--sparsity and --output: expected as many outputs as sparsities, and each sparsity once")
        stops, learned = algorithm.sparsify(self.problem, self._read_weights(dense), sparsities)
        recorded = self._provenance(dense, largest_sparsity=max(sparsities))
        self._write_curve(learned, recorded)
        for sparsity, output in zip(sparsities, outputs, strict=True):
            write_arrays(output, stops[sparsity], {"provenance": {**recorded, "sparsity": sparsity}})

    def make_network(self, sparse: Path, sparsity: float, output: Path, accuracy: Path) -> None:
        """Steps 3 and 4: write a ternary network and its accuracies. Only here are test images counted, once."""
        network, learned = algorithm.p_siren(self.problem, self._read_weights(sparse), sparsity)
        recorded = self._provenance(sparse, sparsity=sparsity)
        keys = {"task": self.task, "sparsity": sparsity, "seed": self.problem.seed}
        row = tables.accuracy_row(self._count(network, "validation"), self._count(network, "test"), **keys)
        self._write_curve(learned, recorded)
        write_table(accuracy, tables.ACCURACY.make([row]))
        network.described(self.described).save(output, recorded)

    def _provenance(self, *inputs: Path, **values: Any) -> dict[str, Any]:
        values = {"task": self.task, "seed": self.problem.seed, **self.problem.surroundings, **values}
        return provenance.describe("aann.psiren.jobs", [self.data, *inputs], self.settings, **values)

    def _read_weights(self, path: Path) -> RealWeights:
        """Return real-valued weights, by layer; raise ``InputError`` if they belong to another architecture."""
        weights, _ = read_arrays(path)
        found = {name: array.shape for name, array in weights.items()}
        expected = self.architecture.weight_shapes
        if found != expected or any(array.dtype != "float32" for array in weights.values()):
            raise InputError(f"{path}: holds the layers {found}, expected {expected} in float32; {remedy(path)}")
        return {name: weights[name] for name in expected}

    def _write_curve(self, curve: Curve, recorded: dict[str, Any]) -> None:
        write_table(self.curve, pandas.DataFrame(curve.rows, columns=list(curve.COLUMNS)), {"provenance": recorded})

    def _count(self, network: TernaryNetwork, split: str) -> tuple[int, int]:
        """Return the number of correct images of a split, and of all its images."""
        images = self.splits[split]
        return correct_count(network, images.images, images.labels, self.problem.device), len(images)
