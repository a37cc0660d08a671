# What a build does besides its jobs: the environment of their commands, its lock, and what earlier builds left.


class shell(shell):
    """Commands of these rules alone. What is set here is not set for rules of a workflow that imports them."""


# Jobs run the code of this checkout, installed or not. They use the interpreter that runs Snakemake, activated or not,
# unless Snakemake makes them an environment of their own. They keep memory that they freed: by default, glibc gives
# large arrays back to the system at once and then asks for them again, which took an eighth of the time of a search.
# Each command replaces its shell, so it ends with this process, Snakemake, even if that is killed.
VARIABLES = {
    "PYTHONPATH": SOURCE,
    "MALLOC_MMAP_THRESHOLD_": 33554432,
    "MALLOC_TRIM_THRESHOLD_": 17179869184,
    END_WITH_PARENT: os.getpid(),
}
ENVIRONMENT = " ".join(f"{name}={quote(str(value))}" for name, value in VARIABLES.items())
if DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method:
    ENVIRONMENT += f" PATH={quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(f"set -euo pipefail; export {ENVIRONMENT}; exec ")


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
        hold_lock(Path(RESULTS) / LOCK)
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
