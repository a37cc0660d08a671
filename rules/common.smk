# What several stages share: validated settings, paths, and how a command is told its settings and its code.
import sys
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError

# Rules run the code of this checkout with the interpreter that runs Snakemake, installed or not, activated or not.
SOURCE = str(Path(workflow.basedir) / "src")
sys.path.insert(0, SOURCE)
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={quote(SOURCE)} PATH={quote(str(Path(sys.executable).parent))}:$PATH; "
)

from aann.artifacts import require_writable, to_json
from aann.config import validate
from aann.datasets.archives import DATASETS as DOWNLOADED, FILES as ARCHIVE_FILES
from aann.errors import InputError
from aann.provenance import code_fingerprint

try:
    SETTINGS = validate(config)
    require_writable(SETTINGS.results)
except InputError as error:
    raise WorkflowError(str(error))

RESULTS = f"{SETTINGS.results}/{SETTINGS.scale}"

DATASET_TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "scikit-learn digits (quick scale)",
    "letters": "Drawn letters (quick scale)",
}


wildcard_constraints:
    task="|".join(SETTINGS.tasks),
    dataset="|".join(DOWNLOADED),
    sparsity=r"\d+(\.\d+)?",
    seed=r"\d+",


def stage_settings(section):
    """Return a params function: the settings of one stage for the job's task, as JSON."""
    return lambda wildcards: to_json(SETTINGS.part(section, wildcards.task))


def archives_of(task):
    """Return the archives that hold a task's data set; none if it is made here."""
    dataset = SETTINGS.task(task).dataset
    return (
        expand(rules.fetch_dataset.output, dataset=dataset)
        if dataset in DOWNLOADED
        else []
    )


def sparsities_of(task):
    """Return the sparsities of a task as they stand in paths."""
    return [f"{sparsity:g}" for sparsity in SETTINGS.task(task).sparsities]


def networks_of(task, pattern):
    """Return `pattern` for every sparsity and seed of a task."""
    return expand(
        pattern,
        task=task,
        sparsity=sparsities_of(task),
        seed=SETTINGS.task(task).seeds,
    )
