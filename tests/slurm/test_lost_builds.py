"""Snakemake is killed while its jobs are in SLURM: the same command again cancels them, goes on, and ends the same."""

import pytest
from workflow.conftest import Workflow

from aann.builds.safeguards import hold_lock

TARGETS = ("figure_12", "results/small/psiren/mnist/accuracies.csv")
RULES = {"dense", "sparsify_mnist", "sparsify_fashion", "network"}


@pytest.fixture(scope="module")
def killed(slurm_workflow):
    """A build that was killed while jobs of it ran and waited, then done by the same command; and those jobs."""
    with slurm_workflow.started(*TARGETS) as build:
        slurm_workflow.wait_for_job("dense_sparsify_mnist", "psiren/mnist/dense/seed0.log")
        build.kill()
        build.wait()
    lost = slurm_workflow.unfinished()
    assert "dense_sparsify_mnist" in {job.rule for job in lost}
    slurm_workflow.build(*TARGETS)
    return slurm_workflow, lost


def rules_of(jobs):
    """Return the rules that jobs did; one job may be of several."""
    names = [job.rule for job in jobs]
    return {rule for rule in RULES if any(rule in name for name in names)}


def test_jobs_of_a_killed_build_end_before_the_next_one_submits_any(killed):
    workflow, lost = killed
    jobs = {job.number: job for job in workflow.jobs()}
    cancelled = [jobs[job.number] for job in lost]
    later = [job for job in jobs.values() if int(job.number) > max(int(job.number) for job in lost)]
    assert {job.state for job in cancelled} == {"CANCELLED"}
    assert {job.state for job in later} == {"COMPLETED"}
    assert "network" in rules_of(later)
    assert rules_of(job for job in jobs.values() if job.state == "COMPLETED") == RULES  # some may have ended before
    assert max(job.ended for job in cancelled) <= min(job.started for job in later)


def test_a_killed_build_ends_equal_to_an_undisturbed_one_without_slurm(killed, root, tmp_path):
    undisturbed = Workflow.of(root, tmp_path)
    undisturbed.build(*TARGETS)
    expected, found = undisturbed.files(), killed[0].files()
    assert "figures/figure_12.png" in expected
    assert found.keys() == expected.keys()
    assert [name for name, content in found.items() if content != expected[name]] == []


def test_a_build_beside_one_with_jobs_in_slurm_is_refused(killed):
    workflow, _ = killed
    hold_lock(workflow.folder / ".snakemake/slurm.lock")  # until the process of these tests ends
    result = workflow.snakemake("--forcerun", "figure_12", "--", "figure_12")
    assert result.returncode == 1
    assert "slurm.lock: another build is at work here" in result.stdout + result.stderr
