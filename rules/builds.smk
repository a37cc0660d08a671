# What a build does beside its jobs: the environment of their commands, its lock, and what earlier builds left.


class shell(shell):
    """Commands of these rules alone: what is set here is not set for rules of a workflow that imports them."""


# Rules run the code of this checkout with the interpreter that runs Snakemake, installed or not, activated or not, unless
# Snakemake makes them an environment of their own. They keep memory that they have freed: by default, glibc gives large
# arrays back to the system at once and then asks for them again, which took an eighth of the time of a search. They end
# with Snakemake, this process, even if it is killed, since each is one command in place of its shell.
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


# The lock takes the place of Snakemake's own, which a killed build leaves behind. Jobs that it left in SLURM are cancelled,
# by a build without SLURM too; then all begins again, since a batch that is cancelled deletes what it had made, and what is
# to do was found before. Not called for dry runs, reports or graphs, which need neither. On one machine, jobs are not
# limited per second: Snakemake, for its limit, looks at all ready jobs again each second, and once more for every job that
# ended before (snakemake/snakemake#3744), which at full scale took a sixth of a core.
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


# Snakemake leaves out the `onstart` of a module.
if MODULE:
    call_first(workflow, begin_build)
