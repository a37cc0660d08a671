"""A copy of the repository with a cut-down configuration that still has every kind of rule."""

import fcntl
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Self

import forks
import pytest
import yaml
from equal_builds import EVERYTHING, copy_repository
from numba.core.caching import _CacheLocator

from aann.evaluation import kernels

EMBEDDED = {
    "count": 40,
    "sources": 3,
    "seeds": [0],
    "clusters": [2, 5],
    "tsne": {"perplexity": 5, "max_iter": 250},
    "isomap": {"n_neighbors": 10},
    "lle": {"n_neighbors": 10},
}

FEW = {
    "images": 100,
    "batch_size": 16,
    "precision": "float32",
    "dense": {"epochs": 1},
    "sparsify": {"epochs": 1, "interval": 2},
    "binary": {"epochs": 1, "last_layer_epochs": 2},
}
_TRAINED = {"task": "mnist", "sparsity": 90, "origin": "psiren"}

SMALL = {
    "scale": "small",
    "tasks": {
        "mnist": {"dataset": "digits", "network": "tiny", "sparsities": [0, 90], "seeds": [0]},
        "fashion": {"dataset": "letters", "network": "tiny", "sparsities": [90], "seeds": [0]},
        "mnist-few": {"dataset": "digits", "network": "tiny", "seeds": [0, 1], "psiren": FEW},
        "car": {
            "network": "tiny-driver",
            "sparsities": [90],
            "seeds": [0],
            "psiren": {
                "batch_size": 4,
                "dense": {"epochs": 1},
                "sparsify": {"epochs": 1, "interval": 2},
                "binary": {"epochs": 1, "last_layer_epochs": 0},
            },
        },
    },
    "networks": {
        "tiny": {
            "input_shape": [1, 28, 28],
            "layers": [
                {"type": "convolution", "name": "1.0", "filters": 2, "kernel": 5, "stride": 2, "pool": 2},
                {"type": "dense", "name": "2.0", "units": 8},
                {"type": "dense", "name": "fc", "units": 10},
            ],
        },
        "tiny-driver": {
            "input_shape": [2, 84, 84],
            "input_scale": 51,
            "signed": True,
            "layers": [
                {"type": "convolution", "name": "1.0", "filters": 2, "kernel": 7, "stride": 4, "pool": 4},
                {"type": "convolution", "name": "2.0", "filters": 2, "kernel": 3},
                {"type": "dense", "name": "fc1", "units": 20},
                {"type": "dense", "name": "fc2", "units": 3},
            ],
        },
    },
    "driving": {
        "steps": 60,
        "tracks": {"train": 3, "rounds": [1], "validation": 1, "test": 1, "returns": 2},
        "brief": 1,
        "psiren": {
            "batch_size": 4,
            "dense": {"epochs": 1},
            "sparsify": {"epochs": 1, "interval": 2},
            "binary": {"epochs": 1, "last_layer_epochs": 0},
        },
    },
    "neighbors": {
        "mnist": {
            "sparsities": [90],
            "first": {"1.0": "exhaustive", "2.0": 50, "fc": "exhaustive"},
            "others": {"1.0": 5, "2.0": 5, "fc": 5},
            "more_seeds": {90: None},
        },
        "mnist-few": {"first": {"1.0": 5, "2.0": 5, "fc": 5}, "others": {"1.0": 5, "2.0": 5, "fc": 5}},
        "car": {"first": {"1.0": 30, "2.0": 30, "fc1": 30, "fc2": "exhaustive"}, "more_seeds": {90: None}},
    },
    "embeddings": {"mnist": EMBEDDED, "car": EMBEDDED},
    "sense": {
        "climb": {"neighbors": 12, "seeds": None, "tsne": {"perplexity": 5, "max_iter": 250}},
        "selection": {"neighbors": [5, 1000], "images": 50},
        "backpropagation": {"steps": 20, "records": 2},
        "searches": {
            "figure-6": {"neighbors": {"1.0": 5, "2.0": 5, "fc": 5}, "budget": {"evaluations": 450}},
            "figure-7": {"neighbors": {"fc": 5}, "budget": {"evaluations": 450}},
            "figure-8a": {"neighbors": {"1.0": 5, "2.0": 5, "fc": 5}, "budget": {"evaluations": 450}},
            "best": {"images": {"count": "all"}, "budget": {"evaluations": 500}},
            "annealing": {"images": {"count": "all"}, "budget": {"evaluations": 500}},
            "greedy": {"images": {"count": 500}, "budget": {"evaluations": 20_000}},
            "brief-polish": {"racing": {"share": 1}, "budget": {"evaluations": 20_000}},
            "adapt-last": {"images": {"count": "all"}, "neighbors": {"fc": 500}, "budget": {"evaluations": 500}},
            "adapt-all": {
                "images": {"count": "all"},
                "neighbors": {"1.0": 100, "2.0": 100, "fc": 500},
                "budget": {"evaluations": 500},
            },
            "figure-8b": {"budget": {"evaluations": 40}},
            "car-greedy": {"images": {"count": "all"}, "racing": {"share": 1}, "budget": {"evaluations": 5000}},
            "car-polish": {"images": {"count": "all"}, "racing": {"share": 1}, "budget": {"evaluations": 5000}},
        },
    },
    "families": {
        "walks": {
            "replace": {
                "tolerance": 10,
                "loan": 10,
                "images": {"shift": 0, "refresh": 0},
                "budget": {"evaluations": 10_000},
            },
            "second": None,
            "third": None,
        },
        "groups": {
            "mnist-90": {
                "sets": {
                    "walkers": [{"start": _TRAINED, "walks": ["replace"]}],
                    "seeds": [{"start": _TRAINED}],
                    "ten-seeds": None,
                    "all": [{"start": _TRAINED}, {"start": _TRAINED, "walks": ["replace"]}],
                },
                "sizes": {1: 90, 2: 0, 3: None, 5: None, 9: None},
            }
        },
        "paths": {"walker-to-walker": None},
    },
    "figures": {
        "6": {"start": {"seeds": None}},
        "7": {"start": {"seeds": None}},
        "s6": {"paths": ["to-a-walker"]},
        "s1": {
            "runs": [
                {"start": {"task": "mnist", "sparsity": 80, "origin": "random"}, "searches": ["best", "greedy"]},
                {"start": {"task": "mnist", "sparsity": 90, "origin": "random"}, "searches": ["best", "greedy"]},
                {"start": {"task": "mnist", "sparsity": 90, "origin": "psiren"}, "searches": ["annealing"]},
            ]
        },
    },
    "datasets": {
        "digits": {"validation_images": 200, "test_images": 100},
        "letters": {"images": 400, "validation_images": 200, "test_images": 100},
    },
    "psiren": {
        "precision": "float32",
        "dense": {"epochs": 1},
        "sparsify": {"epochs": 1, "interval": 2},
        "binary": {"epochs": 1, "last_layer_epochs": 1},
    },
}


KERNELS = "src/aann/evaluation/kernels.py"


def share_compiled(root: Path, folder: Path) -> None:
    """Let a copy of the repository use what Numba compiled for the original, and add to it.

    Numba keeps compiled code in a folder named for where the source is, so that each copy would compile it again.
    """
    kept = Path(kernels.forward_margins.stats.cache_path)
    if not kept.is_relative_to(root):  # it is below NUMBA_CACHE_DIR, or beside other code
        return
    place = folder / kept.parent.relative_to(root) / _CacheLocator.get_suitable_cache_subpath(str(folder / KERNELS))
    place.parent.mkdir(parents=True)
    kept.mkdir(parents=True, exist_ok=True)
    place.symlink_to(kept)


class Workflow:
    """A copy of the repository in which Snakemake runs and code can be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, root: Path, folder: Path) -> Self:
        """Copy the repository at ``root`` to a folder."""
        copy_repository(folder, root)
        share_compiled(root, folder)
        (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
        return cls(folder)

    @property
    def results(self) -> Path:
        return self.folder / "results/small"

    def command(self, *arguments: str) -> list[str]:
        return [*forks.COMMAND, "--cores", "2", "--configfile", "small.yaml", *arguments]

    def snakemake(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        return forks.run(self.command(*arguments), self.folder, os.environ | variables)

    def build(self, *targets: str, options: tuple[str, ...] = (), **variables: str) -> str:
        result = self.snakemake(*options, "--", *(targets or ("all_figures",)), **variables)
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    def files(self) -> dict[str, bytes]:
        """Return the content of every result by its path; times stand in logs and benchmarks only."""
        paths = [path.relative_to(self.results) for path in self.results.rglob("*") if path.is_file()]
        kept = [path for path in paths if path.parts[0] not in ("logs", "benchmarks")]
        return {str(path): (self.results / path).read_bytes() for path in kept}

    def planned(self, *targets: str) -> set[str]:
        """Return the rules that a dry run would execute, without the one that only collects."""
        result = self.snakemake("--dry-run", "--", *(targets or ("all_figures",)))
        assert result.returncode == 0, result.stdout + result.stderr
        words = [line.split() for line in (result.stdout + result.stderr).splitlines()]
        rules = {line[1].rstrip(":") for line in words if len(line) == 2 and line[0] in ("rule", "localrule")}
        return rules - {"all_figures"}


@pytest.fixture(scope="session")
def workflow_in(root):
    """Make a copy in a folder."""
    return partial(Workflow.of, root)


@pytest.fixture(scope="module")
def fresh(root, tmp_path_factory):
    """A copy in which nothing was built."""
    return Workflow.of(root, tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def everything(root, tmp_path_factory, worker_id):
    """The folder of a copy in which everything was built at one go. All tests share it; none changes it.

    What Snakemake said, with its view of each round of its scheduler, is in build.txt there. Logs of jobs say what each
    imported.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "everything"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            workflow = Workflow.of(root, tmp_path_factory.mktemp("everything"))
            said = workflow.build(*EVERYTHING, options=("--verbose",), PYTHONPROFILEIMPORTTIME="1")
            (workflow.folder / "build.txt").write_text(said)
            workflow.folder.rename(folder)
    return folder


@pytest.fixture(scope="module")
def built(everything, tmp_path_factory):
    """A copy in which everything was built at one go."""
    return Workflow(shutil.copytree(everything, tmp_path_factory.mktemp("built") / "copy", symlinks=True))


@pytest.fixture
def edited(built):
    """Edit a file for one test, and return what a dry run then plans."""
    originals = {}

    def edit(path, old, new):
        text = (built.folder / path).read_text()
        assert old in text
        originals.setdefault(path, text)
        (built.folder / path).write_text(text.replace(old, new, 1))
        return built.planned()

    yield edit
    for path, text in originals.items():
        (built.folder / path).write_text(text)
