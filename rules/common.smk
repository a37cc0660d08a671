# What several stages share: validated settings, paths, and how a command is told its settings and its code.
import os
import re
import sys
from functools import reduce
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

from aann.builds import forecast, interruptions, slurm, wording
from aann.lineage import provenance
from aann.artifacts import require_writable, sha256, to_json
from aann.settings.files import merge, require_distinct_keys, with_nulls, with_text_keys
from aann.settings import work
from aann.settings.study import completed, require_data, validate
from aann.catalog import TORCHVISION
from aann.datasets import sources
from aann.datasets.archives import FILES as ARCHIVE_FILES, SETTINGS_VARIABLE
from aann.errors import InputError
from aann.builds.safeguards import END_WITH_PARENT, LOCK, KilledJobs, begin_again, call_first, hold_lock
from aann.builds.safeguards import keep_to_machine, remove_unfinished, require_past, require_room

logger.addFilter(wording.explain)

try:
    for path in workflow.configfiles:  # of two equal keys, Snakemake takes the last
        require_distinct_keys(Path(path))
    given = workflow.config_settings
    SETTINGS = validate(
        completed(config, ROOT / "config/config.yaml")
        if MODULE
        else reduce(merge, map(with_text_keys, (config, given.overwrite_config, with_nulls(given.config))))
    )
    require_data(SETTINGS)
    require_writable(SETTINGS.results, "results")
    require_writable(SETTINGS.downloads.folder, "downloads.folder")
    if workflow.is_main_process:
        require_room(".snakemake")
        require_past(SETTINGS.results, SETTINGS.downloads.folder, beside("config"), beside("workflow"))
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


# For profiles/slurm/config.yaml alone. SLURM gets several jobs as one, and each of them takes the one `batch` there is.
# So they run one after another, and Snakemake asks SLURM for the memory and cores of one job and for the time of all.
resource_scopes:
    batch="local",


DRIVEN = [task for task in SETTINGS.tasks if SETTINGS.is_driven(task)]
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
    searched=rf"(\.({any_of(SETTINGS.sense.searches)}))?",
    walk=any_of(SETTINGS.families.walks),
    group=any_of(SETTINGS.families.groups),
    path=any_of(SETTINGS.families.paths),
    transfer=any_of(SETTINGS.families.transfers),
    layer=any_of(sorted({layer.name for network in SETTINGS.networks.values() for layer in network.layers})),
    kind=r"train|validation|test|round[1-9]\d*",
    round=r"[1-9]\d*",
    stage=r"psiren(?=/p[\d.]+/)|sense(?=/p[\d.]+-)",  # of p-SIREN, without a run after the sparsity, or of a run
    run=rf"(-(random|psiren)(\.({any_of(SETTINGS.sense.searches)}))?)?",


def growing(amount, for_each_thread=0):
    """Return a resource that grows with every attempt, so that a job that needed more memory or time gets it.

    First amounts are above those in the benchmarks of the paper's scale (docs/tables/times.csv, times_later.csv): memory
    by a sixth and more, since a job on a cluster has two processes of Snakemake beside it, and minutes by two times and
    more, since processors may be slower.
    """
    return lambda wildcards, attempt, threads: attempt * (amount + threads * for_each_thread)


SHORT = {"mem_mb": 1000, "runtime": 5}  # resources of local jobs that take seconds


def code_fingerprint(*modules):
    """Return the fingerprint of modules; nothing in the process of a job, which never checks what is up to date."""
    return provenance.code_fingerprint(*modules) if workflow.is_main_process else ""


def checked(function, *values):
    """Return what a function returns; an error in what it is given ends the build."""
    try:
        return function(*values)
    except InputError as error:
        raise WorkflowError(str(error))


def asked(question, *values):
    """Return the answer of a function of ``aann.settings.work``; an error in the settings ends the build."""
    return checked(question, SETTINGS, *values)


def filled(pattern, question, *values):
    """Return paths: a pattern filled in with each row that such a function returns."""
    return [path for row in asked(question, *values) for path in expand(pattern, **row)]


def literal(value):
    """Return a params function of a value as it is: Snakemake takes words in braces, as a title has, for wildcards."""
    return lambda wildcards: value


def stage_settings(section):
    """Return a params function: the settings of one stage for the job's task, as JSON."""
    return lambda wildcards: to_json(SETTINGS.part(section, wildcards.task))


def folder_content(task):
    """Return the hash of the folder that a task's data set is read from, if it is one; for jobs themselves, nothing."""
    memory = Path(".snakemake/aann/contents.json")
    return asked(sources.content_of, task, memory) if workflow.is_main_process else ""


def recorded(*kinds):
    """Return a function of a task that gives its demonstrations of these kinds, its own or those of one it is like."""
    return lambda wildcards: expand(
        rules.demonstrations.output, task=asked(work.maker, wildcards.task, "demonstrations"), kind=kinds
    )
