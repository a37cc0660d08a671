"""A folder of made-up results, from an archive to a figure, as the stages write them."""

import json
import os
from pathlib import Path

import pandas
from commands import draw, run

from aann.artifacts import write_arrays, write_table
from aann.lineage import provenance
from aann.tables import accuracy_row

SCALE = {"scale": "small"}
ARCHIVE = "results/datasets/mnist/images.gz"
DATA = "results/small/datasets/mnist.safetensors"
NETWORK = "results/small/psiren/mnist/p90/seed0.safetensors"
ROW = "results/small/psiren/mnist/p90/seed0.accuracy.csv"
TABLE = "results/small/psiren/mnist/accuracies.csv"
FIGURE = "results/small/figures/figure_2a.png"


def make_results(network):
    """Write, below the current folder, an archive, the splits, two networks, their table and its figure."""
    for folder in ("results/datasets/mnist", "results/small/benchmarks/psiren/mnist/p90"):
        Path(folder).mkdir(parents=True)
    Path(ARCHIVE).write_bytes(b"images")
    recorded = provenance.describe("aann.datasets.splits", [ARCHIVE], SCALE, task="mnist")
    write_arrays(DATA, {}, {"provenance": recorded})
    for seed in (0, 1):
        path = Path(NETWORK).with_name(f"seed{seed}.safetensors")
        network.save(path, provenance.describe("aann.psiren.jobs", [DATA], SCALE, seed=seed, sparsity=90.0))
        row = accuracy_row((9, 10), (8, 10), task="mnist", sparsity=90, seed=seed)
        write_table(path.with_suffix(".accuracy.csv"), pandas.DataFrame([row]))
    benchmark = Path("results/small/benchmarks/psiren/mnist/p90/seed0.jsonl")
    benchmark.write_text(json.dumps({"s": 54.321, "h:m:s": "0:00:54"}) + "\n")
    os.utime(benchmark, (1_795_000_000, 1_795_000_000))
    rows = [ROW, ROW.replace("seed0", "seed1")]
    assert run("psiren", "accuracies", *rows, "--output", TABLE).exit_code == 0
    assert draw_results().exit_code == 0


def draw_results(title="MNIST", results="results/small"):
    """Draw the figure of made-up results."""
    inputs = [("accuracies", "psiren/mnist/accuracies.csv", {"task": "mnist"})]
    return draw("sparsity", inputs, FIGURE, results=results, title=title)
