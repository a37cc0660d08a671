"""Every rule on SLURM: all jobs but the short ones run there, several of a batch as one."""

import re
from collections import Counter

import yaml
from equal_builds import EVERYTHING

from aann.figures import kinds
from aann.settings.figures import target
from aann.settings.study import load


def test_everything_runs_through_slurm(root, slurm_workflow):
    slurm_workflow.partition = "main"
    groups = yaml.safe_load((root / "profiles/slurm/config.yaml").read_text())["group-components"]
    slurm_workflow.options = ("--group-components", *(f"{group}=20" for group in groups))  # its jobs are of seconds
    said = slurm_workflow.build(*EVERYTHING)
    submitted = Counter(re.findall(r"^ *rule ([\w-]+):", said, re.MULTILINE))
    beside = set(re.findall(r"^localrule ([\w-]+):", said, re.MULTILINE))
    jobs = slurm_workflow.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    named = "|".join(sorted(submitted, key=len, reverse=True))  # a batch may hold several
    assert all(re.fullmatch(f"({named})(_({named}))*", job.rule) for job in jobs)
    assert {rule for job in jobs for rule in re.findall(named, job.rule)} == set(submitted)
    assert len([job for job in jobs if job.rule == "network"]) < submitted["network"]
    figures = load([root / "config/config.yaml", slurm_workflow.folder / "small.yaml"]).figures
    assert set(map(target, figures)) <= beside
    for name, entry in figures.items():
        for path in kinds.files(name, entry.kind).values():
            assert (slurm_workflow.results / path).stat().st_size > 0
