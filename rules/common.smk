# What several stages share: validated settings, paths, and how a command is told its settings and its code.
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Rules run the code of this checkout with the interpreter that runs Snakemake, installed or not, activated or not.
SOURCE = str(Path(workflow.basedir) / "src")
sys.path.insert(0, SOURCE)
os.environ["PYTHONPATH"] = os.pathsep.join([SOURCE, *filter(None, [os.environ.get("PYTHONPATH")])])
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

from aann import config as aann_config
from aann.artifacts import to_json
from aann.errors import InputError
from aann.provenance import code_fingerprint

try:
    SETTINGS = aann_config.validate(config)
except InputError as error:
    raise WorkflowError(str(error))

RESULTS = f"{SETTINGS.results}/{SETTINGS.scale}"
ARCHIVES = SETTINGS.datasets.folder


wildcard_constraints:
    task="|".join(SETTINGS.tasks),
    dataset="mnist|fashion-mnist",
    sparsity=r"\d+(\.\d+)?",
    seed=r"\d+",


def stage_settings(section):
    """Return a params function: the settings of one stage for the job's task, as JSON."""
    return lambda wildcards: to_json(SETTINGS.part(section, wildcards.task))


def sparsities_of(task):
    """Return the sparsities of a task as they stand in paths."""
    return [f"{sparsity:g}" for sparsity in SETTINGS.task(task).sparsities]


def networks_of(task, pattern):
    """Return `pattern` for every sparsity and seed of a task."""
    return expand(pattern, task=task, sparsity=sparsities_of(task), seed=SETTINGS.task(task).seeds)
