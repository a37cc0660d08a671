"""Snakemake in this process: what a configuration makes of the rules, in half a second."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    GroupSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
    WorkflowSettings,
)


def dry_run(
    folder: Path, config: Mapping[str, Any], *targets: str, cores: int = 2, groups: GroupSettings | None = None
) -> Any:
    """Return the workflow in a folder with a configuration laid over its own, after a dry run of targets.

    It is `snakemake --dry-run` without a process of its own: the rules are read, all jobs are found, and each is handed
    to the executor that only prints. Raises what Snakemake raises.
    """
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL})
    path, environment, handler = list(sys.path), dict(os.environ), signal.getsignal(signal.SIGTERM)
    try:
        with SnakemakeApi(quiet) as api, TemporaryDirectory() as cache:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=cores),
                config_settings=ConfigSettings(config=dict(config)),
                workflow_settings=WorkflowSettings(runtime_source_cache_path=Path(cache)),
                snakefile=folder / "Snakefile",
                workdir=folder,
            )
            jobs = workflow.dag(DAGSettings(targets=set(targets or ("all_figures",))))
            jobs.execute_workflow(executor="dryrun", group_settings=groups)
            return workflow._workflow
    finally:
        sys.path[:] = path
        for name in os.environ.keys() - environment:
            del os.environ[name]
        os.environ.update(environment)
        signal.signal(signal.SIGTERM, handler)
