# What several stages share: validated settings, paths, and how a command is told its settings and its code.
import re
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
from aann.datasets import TITLES as DATASET_TITLES
from aann.datasets.archives import DATASETS as DOWNLOADED, FILES as ARCHIVE_FILES
from aann.errors import InputError
from aann.provenance import code_fingerprint

try:
    SETTINGS = validate(config)
    require_writable(SETTINGS.results, "results")
    require_writable(SETTINGS.datasets.folder, "datasets.folder")
except InputError as error:
    raise WorkflowError(str(error))

RESULTS = f"{SETTINGS.results}/{SETTINGS.scale}"
ARCHIVES = SETTINGS.datasets.folder
MIRRORS = " ".join(f"--mirror {quote(mirror)}" for mirror in SETTINGS.datasets.mirrors)


wildcard_constraints:
    task="|".join(SETTINGS.tasks),
    dataset="|".join(DOWNLOADED),
    archive="|".join(map(re.escape, ARCHIVE_FILES)),
    sparsity=r"\d+(\.\d+)?",
    seed=r"\d+",
    layer="|".join(
        sorted(
            {
                re.escape(layer.name)
                for network in SETTINGS.networks.values()
                for layer in network.layers
            }
        )
    ),


def stage_settings(section):
    """Return a params function: the settings of one stage for the job's task, as JSON."""
    return lambda wildcards: to_json(SETTINGS.part(section, wildcards.task))


def archives_of(task):
    """Return the archives that hold a task's data set; none if it is made here."""
    dataset = SETTINGS.task(task).dataset
    archives = ARCHIVE_FILES if dataset in DOWNLOADED else ()
    return expand(rules.fetch_archive.output, dataset=dataset, archive=archives)


def data_title(task):
    """Return what a figure says its data are."""
    title = DATASET_TITLES[SETTINGS.task(task).dataset]
    return title if SETTINGS.scale == "paper" else f"{title} ({SETTINGS.scale} scale)"


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


def studied(task):
    """Return the settings of the neighborhoods of a task, or raise an error that names them."""
    if task not in SETTINGS.neighbors:
        raise WorkflowError(f"the setting 'neighbors' has no task {task!r}")
    return SETTINGS.neighbors[task]


def layers_of(task, seed):
    """Return the layers whose neighbors are counted for a network, each with how many."""
    chosen = studied(task)
    return chosen.first if int(seed) == SETTINGS.task(task).seeds[0] else chosen.others


def neighbors_to_survey(wildcards):
    """Return how many neighbors of a layer are counted; a layer that the settings do not name is an error."""
    layers = layers_of(wildcards.task, wildcards.seed)
    if wildcards.layer not in layers:
        raise WorkflowError(
            f"layer {wildcards.layer!r} of seed {wildcards.seed}: not in the setting 'neighbors.{wildcards.task}', "
            f"which has {', '.join(layers)}"
        )
    return layers[wildcards.layer]


def surveys_of(task, pattern):
    """Return `pattern` for every sparsity, seed and layer whose neighbors are counted."""
    return [
        path
        for sparsity in studied(task).sparsities
        for seed in SETTINGS.task(task).seeds
        for layer in layers_of(task, seed)
        for path in expand(
            pattern, task=task, sparsity=f"{sparsity:g}", seed=seed, layer=layer
        )
    ]


def histograms_of(task, pattern):
    """Return the panels of Figure 3: sparsity, layer and histogram of each survey of the first seed."""
    seed = SETTINGS.task(task).seeds[0]
    return [
        (f"{sparsity:g}", layer, path)
        for sparsity in studied(task).sparsities
        for layer in studied(task).first
        for path in expand(
            pattern, task=task, sparsity=f"{sparsity:g}", seed=seed, layer=layer
        )
    ]


def embedded(task):
    """Return the settings of the embeddings of a task, or raise an error that names them."""
    studied(task)
    if task not in SETTINGS.embeddings:
        raise WorkflowError(f"the setting 'embeddings' has no task {task!r}")
    return SETTINGS.embeddings[task]


def embedded_survey(wildcards, pattern):
    """Return `pattern` for the network whose neighbors are embedded: that of the task's first seed."""
    return expand(
        pattern,
        task=wildcards.task,
        sparsity=f"{embedded(wildcards.task).sparsity:g}",
        seed=SETTINGS.task(wildcards.task).seeds[0],
        layer=wildcards.layer,
    )


def embeddings_of(task, pattern):
    """Return `pattern` for every layer whose neighbors are embedded."""
    return expand(pattern, task=task, layer=embedded(task).layers)


def embedding_title(task):
    """Return what a figure of embedded neighbors says of them."""
    chosen = embedded(task)
    sample = (
        f", neighbors of {chosen.sources} moving weights"
        if chosen.drawn == "sources"
        else ""
    )
    return f"{data_title(task)}, {chosen.sparsity:g} % sparse{sample}"


def refuse_figure(name):
    """Raise an error that lists the figures there are."""
    known = [rule.name for rule in workflow.rules if rule.name.startswith("figure_")]
    raise WorkflowError(f"unknown figure {name!r}; expected one of {', '.join(known)}")
