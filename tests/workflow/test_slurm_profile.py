"""What SLURM gets as one job at the paper's scale, by the times of the full run in docs/tables/times.csv."""

import re
from collections import defaultdict
from pathlib import Path

import pandas
import pytest
import yaml
from dry_runs import dry_run
from snakemake.settings.types import GroupSettings


@pytest.fixture(scope="module")
def submitted(fresh):
    """The rules and the seconds of each job that goes to SLURM."""
    profile = yaml.safe_load((fresh.folder / "profiles/slurm/config.yaml").read_text())
    groups = GroupSettings(overwrite_groups=profile["groups"], group_components=profile["group-components"])
    workflow = dry_run(fresh.folder, {}, "all_figures", "claims", "report_page", groups=groups)
    seconds = pandas.read_csv(fresh.folder / "docs/tables/times.csv").set_index("job").seconds
    jobs = defaultdict(list)
    for job in workflow.dag.needrun_jobs(exclude_finished=False):
        if job.rule.norun or job.rule.name in workflow._localrules:
            continue
        name = Path(job.benchmark).with_suffix("").as_posix().partition("/benchmarks/")[2]
        if "/mnist-few" not in name and not name.startswith("families/"):  # seconds; not part of that run
            jobs[workflow.dag.get_job_group(job) or job].append((job.rule.name, taken(name, seconds)))
    return [({rule for rule, _ in job}, sum(taken for _, taken in job)) for job in jobs.values()]


def taken(name, seconds):
    """Return how long a job took in the full run, or one of another seed, if the run did not have that seed."""
    others = (re.sub(r"seed\d+", f"seed{seed}", name) for seed in (2, 0))
    return seconds[next(one for one in (name, *others) if one in seconds)]


def test_no_slurm_job_is_much_shorter_than_a_minute_and_none_is_long(submitted):
    seconds = pandas.Series([taken for _, taken in submitted])
    assert seconds.min() > 10  # a batch of what is left; which searches go together is up to Snakemake, and changes
    assert seconds.quantile(0.1) > 55
    assert seconds.max() < 20 * 60


def test_what_waits_for_one_another_alone_goes_together(submitted):
    rules = [rules for rules, _ in submitted]
    assert {"demonstrations", "driver", "split_demonstrations"} in rules
    assert sum("dense" in job for job in rules) == 23
    for task, seeds in (("mnist", 10), ("fashion", 3), ("car", 10)):
        assert rules.count({"dense", f"sparsify_{task}"}) == seeds
