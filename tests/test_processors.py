"""What processors may change: counts of a network never, training within a tolerance.

Libraries choose their routines by the instructions that a processor has. Here they are told that it has few, in a
process of its own: PyTorch, oneDNN, MKL and OpenBLAS by their variables, Numba by the name of a processor.
"""

import json
import os
import subprocess
import sys

import pytest

OTHER_PROCESSORS = {
    "oldest": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    },
    "AVX2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
}

TOLERANCE = 0.02
"""By how much test accuracy may differ between processors: one network, trained briefly, on few test images."""

COUNTS = """
import json, sys
import numpy, torch
from aann.settings.study import load
from aann.evaluation import incremental, reference
from aann.networks import Architecture
from aann.sense.starts import random_network
from aann.swaps import sample_swaps

network = random_network(Architecture.from_dict(load(["config/config.yaml"]).network("mnist")), 90, 0)
random = numpy.random.default_rng(0)
images = random.integers(0, 256, (256, 1, 28, 28), numpy.uint8)
labels = random.integers(0, 10, 256)
evaluator = incremental.IncrementalEvaluator(network, images, labels)
swaps = {layer: sample_swaps(network.weights[layer], 40, random) for layer in network.layers}
print(json.dumps({
    "capability": torch.backends.cpu.get_cpu_capability(),
    "logits": reference.logits(network, images).tolist(),
    "counts": {layer: evaluator.correct_counts(layer, *chosen).tolist() for layer, chosen in swaps.items()},
}))
"""

TRAINING = """
import json
from pathlib import Path
import torch
from aann import devices
from aann.psiren import algorithm as psiren
from aann.settings.psiren import PSirenSettings
from aann.settings.study import load
from aann.datasets import sources
from aann.evaluation.reference import correct_count
from aann.networks import Architecture

settings = load(["config/config.yaml", "config/quick.yaml"])
images, _ = sources.split("digits", settings.datasets["digits"], Path())
brief = {"dense": {"epochs": 1}, "sparsify": {"epochs": 1, "interval": 5}, "binary": {"epochs": 2}}
chosen = PSirenSettings.model_validate({"batch_size": 16, "precision": "float32", **brief})
architecture = Architecture.from_dict(settings.network("mnist"))
problem = psiren.Problem(architecture, images["train"], images["validation"], chosen, seed=0)
dense, _ = psiren.train_dense(problem)
stops, _ = psiren.sparsify(problem, dense, [80.0])
network, _ = psiren.p_siren(problem, stops[80.0], 80.0)
test = images["test"]
print(json.dumps({
    "capability": torch.backends.cpu.get_cpu_capability(),
    "precision": devices.precision("auto", "cpu"),
    "accuracy": correct_count(network, test.images, test.labels) / len(test),
    "sparsity": network.sparsity,
}))
"""


@pytest.fixture(scope="module")
def results_on(root, tmp_path_factory):
    """Run a script on a processor, and return what it printed."""

    def run(script, processor):
        told = OTHER_PROCESSORS.get(processor, {})
        if told:  # what is compiled for another processor is kept apart
            told = {**told, "NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("compiled"))}
        command = [sys.executable, "-c", script]
        environment = {**os.environ, "PYTHONPATH": "src", "OMP_NUM_THREADS": "1", **told}
        result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def test_counts_are_equal_on_a_processor_with_few_instructions(results_on):
    here, there = (results_on(COUNTS, processor) for processor in ("this", "oldest"))
    assert there.pop("capability") == "DEFAULT"
    assert here.pop("capability") != "DEFAULT"
    assert len({count for counts in here["counts"].values() for count in counts}) > 1
    assert there == here


def test_training_on_other_processors_stays_within_the_tolerance(results_on):
    here = results_on(TRAINING, "this")
    assert here["accuracy"] > 0.6
    for processor, capability in (("oldest", "DEFAULT"), ("AVX2", "AVX2")):
        there = results_on(TRAINING, processor)
        assert there["capability"] == capability
        assert there["sparsity"] == here["sparsity"]
        assert there["precision"] == "float32"
        assert abs(there["accuracy"] - here["accuracy"]) <= TOLERANCE
