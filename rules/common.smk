# What several stages share: validated settings, paths, and how a command is told its settings and its code.
import os
import re
import sys
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

from aann.builds import forecast, interruptions, slurm, wording
from aann.lineage import provenance
from aann.artifacts import require_writable, sha256, to_json
from aann.settings.files import require_distinct_keys
from aann.settings.study import completed, require_data, validate
from aann.catalog import TORCHVISION
from aann.datasets import splits
from aann.datasets.archives import FILES as ARCHIVE_FILES, SETTINGS_VARIABLE
from aann.errors import InputError
from aann.builds.safeguards import (
    END_WITH_PARENT,
    KilledJobs,
    begin_again,
    call_first,
    hold_lock,
    keep_to_machine,
    remove_unfinished,
    require_past,
    require_room,
)

logger.addFilter(wording.explain_missing)

try:
    for path in workflow.configfiles:  # of two equal keys, Snakemake takes the last
        require_distinct_keys(Path(path))
    SETTINGS = validate(
        completed(config, ROOT / "config/config.yaml") if MODULE else config
    )
    require_data(SETTINGS)
    require_writable(SETTINGS.results, "results")
    require_writable(SETTINGS.downloads.folder, "downloads.folder")
    if workflow.is_main_process:
        require_room(".snakemake")
        require_past(
            SETTINGS.results,
            SETTINGS.downloads.folder,
            beside("config"),
            beside("workflow"),
        )
        for line in keep_to_machine(workflow.global_resources):
            logger.info(line)
    if workflow.remote_exec:
        slurm.require_build()
except InputError as error:
    raise WorkflowError(str(error))

RESULTS = f"{SETTINGS.results}/{SETTINGS.scale}"
ARCHIVES = SETTINGS.downloads.folder
GPUS = int(SETTINGS.device == "cuda")  # for a job that trains

# Not in a command, which is shown and logged: the address of a mirror may hold a password.
os.environ[SETTINGS_VARIABLE] = to_json(SETTINGS.downloads.mirrors)


class shell(shell):
    """Commands of these rules alone. What is set here is not set for rules of a workflow that imports them."""


# Jobs run the code of this checkout, installed or not. They use the interpreter that runs Snakemake, activated or not,
# unless Snakemake makes them an environment of their own. They keep memory that they have freed. By default, glibc gives
# large arrays back to the system at once and then asks for them again: this took an eighth of the time of a search.
# Each command replaces its shell, so it ends with this process, Snakemake, even if that is killed.
VARIABLES = {
    "PYTHONPATH": SOURCE,
    "MALLOC_MMAP_THRESHOLD_": 33554432,
    "MALLOC_TRIM_THRESHOLD_": 17179869184,
    END_WITH_PARENT: os.getpid(),
}
EXPORTED = " ".join(f"{name}={quote(str(value))}" for name, value in VARIABLES.items())
if DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method:
    EXPORTED += f" PATH={quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(f"set -euo pipefail; export {EXPORTED}; exec ")


# The lock replaces Snakemake's own, which a killed build leaves behind. Any build, with SLURM or without, cancels jobs
# that an earlier build left in SLURM. It then begins again: a cancelled batch deletes what it had made, and Snakemake
# looked for what to do before that. Dry runs, reports and graphs need none of this, and do not call it. On one machine,
# the number of jobs per second has no limit. For a limit, Snakemake looks at all ready jobs again each second, and once
# more for every job that has ended (snakemake/snakemake#3744). At full scale, this took a sixth of a core.
onstart:
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    begin_build()


def begin_build():
    """Lock the results of this scale, clear away what earlier builds left, and listen for jobs that are killed."""
    logger.addHandler(KilledJobs(logger))
    try:
        hold_lock(f"{RESULTS}/logs/build.lock")
        if workflow.executor_plugin.name == "slurm" or slurm.LOCK.exists():
            lost = slurm.begin()
            for number in lost:
                logger.info(f"Cancelled SLURM job {number} of an earlier build.")
            if lost:
                begin_again(workflow.rundir)
        remove_unfinished(RESULTS)
    except InputError as error:
        raise WorkflowError(str(error))
    interruptions.watch(logger)
    forecast.announce(workflow, RESULTS)


# Snakemake ignores the `onstart` of a module.
if MODULE:
    call_first(workflow, begin_build)


# For profiles/slurm/config.yaml alone. SLURM gets several jobs as one, and each of them takes the one `batch` there is.
# So they run one after another, and Snakemake asks SLURM for the memory and cores of one job and for the time of all.
resource_scopes:
    batch="local",


DRIVEN = [task for task in SETTINGS.tasks if SETTINGS.dataset(task).kind == "driving"]
STATIC = [task for task in SETTINGS.tasks if task not in DRIVEN]


def any_of(names):
    """Return a pattern for any of these names, and for no name at all if there are none."""
    return "|".join(map(re.escape, names)) or "none"


wildcard_constraints:
    task=any_of(SETTINGS.tasks),
    dataset=any_of(TORCHVISION),
    archive=any_of(ARCHIVE_FILES),
    sparsity=r"\d+(\.\d+)?",
    seed=r"\d+",
    origin="random|psiren",
    search=any_of(SETTINGS.sense.searches),
    layer=any_of(
        sorted(
            {
                layer.name
                for network in SETTINGS.networks.values()
                for layer in network.layers
            }
        )
    ),
    kind=r"train|validation|test|round[1-9]\d*",
    round=r"[1-9]\d*",
    stage="psiren|sense",
    run=r"(-(random|psiren)(\.[a-z][a-z0-9_-]*)?)?",


def growing(amount, for_each_thread=0):
    """Return a resource that grows with every attempt, so that a job that needed more memory or time gets it.

    First amounts are above those in the benchmarks of the paper's scale. A third of the memory is spare, since a job on
    a cluster has two processes of Snakemake beside it. Minutes are ten times as many, since processors may be slower.
    """
    return lambda wildcards, attempt, threads: attempt * (
        amount + threads * for_each_thread
    )


def code_fingerprint(*modules):
    """Return the fingerprint of modules; nothing in the process of a job, which never checks what is up to date."""
    return provenance.code_fingerprint(*modules) if workflow.is_main_process else ""


def stage_settings(section):
    """Return a params function: the settings of one stage for the job's task, as JSON."""
    return lambda wildcards: to_json(SETTINGS.part(section, wildcards.task))




def sparsities_of(task):
    """Return the sparsities of a task as they are in paths."""
    return [f"{sparsity:g}" for sparsity in SETTINGS.task(task).sparsities]


def networks_of(task, pattern, **values):
    """Return `pattern` for every sparsity and seed of a task, and for other values."""
    return expand(
        pattern,
        task=task,
        sparsity=sparsities_of(task),
        seed=SETTINGS.task(task).seeds,
        **values,
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


def sense_settings(key):
    """Return a params function: what a job of stage sense other than a search depends on, as JSON."""
    return lambda wildcards: to_json(SETTINGS.sense_part(wildcards.task, key))


def network_settings(task):
    """Return, as settings in their own right, the network of a task."""
    return {
        key: value
        for key, value in SETTINGS.part("sense", task).items()
        if key != "sense"
    }


def start_network(wildcards):
    """Return the network that a run starts from."""
    trained = wildcards.origin == "psiren"
    return (
        rules.network.output.network if trained else rules.random_start.output[0]
    ).format(**wildcards)


def driving_settings(*keys):
    """Return a params function: what a job of stage driving that needs these keys depends on, as JSON."""
    return lambda wildcards: to_json(SETTINGS.driving_part(wildcards.task, keys))


def tracks_of(kind):
    """Return how many tracks a kind has; a round that the settings do not have is an error."""
    if not kind.startswith("round"):
        return getattr(SETTINGS.driving.tracks, kind)
    counts, number = SETTINGS.driving.tracks.rounds, int(kind.removeprefix("round"))
    if number > len(counts):
        raise WorkflowError(
            f"{kind}: the setting 'driving.tracks.rounds' has {len(counts)}"
        )
    return counts[number - 1]


def training_kinds(rounds):
    """Return the kinds of tracks whose frames networks are trained on after so many rounds."""
    return ["train", *(f"round{number}" for number in range(1, rounds + 1))]


def driver_of(wildcards):
    """Return the origin and the search of the network that is assessed; the search is empty where there is none."""
    origin, _, search = (wildcards.run.lstrip("-") or "psiren").partition(".")
    return origin, search


def driven_network(wildcards):
    """Return the network that is assessed: of p-SIREN, or where a run of SENSE starts or ends."""
    folder = (
        "{task}/p{sparsity}"
        if wildcards.stage == "psiren"
        else "{task}-p{sparsity}{run}"
    )
    pattern = f"{RESULTS}/{{stage}}/{folder}/seed{{seed}}.safetensors"
    return pattern.format(**wildcards)


def tracks_driven(wildcards):
    """Return on how many tracks a network is assessed. Networks of SENSE are assessed on all."""
    chosen = SETTINGS.driving
    thorough = (
        wildcards.stage == "sense" or float(wildcards.sparsity) in chosen.thorough
    )
    return (
        chosen.tracks.returns if thorough else min(chosen.brief, chosen.tracks.returns)
    )
