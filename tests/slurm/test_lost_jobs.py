"""Jobs that SLURM ended: for time, for memory, or since somebody cancelled them. They come back."""

import subprocess

import pytest

TARGETS = {
    "dense": "results/small/psiren/mnist/dense/seed0.safetensors",
    "demonstrations": "results/small/driving/car/demonstrations/validation.safetensors",
    "backpropagation": "results/small/sense/mnist-p90-random.backpropagation/seed0.parquet",
}


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def survived(slurm_workflow):
    """A build with a job that asks for too little memory, one that asks for too little time, and a cancelled one."""
    rules = slurm_workflow.folder / "rules"
    text = (rules / "psiren.smk").read_text()
    (rules / "psiren.smk").write_text(text.replace("mem_mb=growing(3000)", "mem_mb=growing(500)", 1))
    edit(
        rules / "driving.smk",
        "runtime=growing(20)",
        "runtime=growing(1)",
    )
    edit(
        rules / "driving.smk",
        '"python -m aann driving demonstrate',
        '"sh -c \'sleep 95; exec \\"$@\\"\' - python -m aann driving demonstrate',
    )
    with slurm_workflow.started(*TARGETS.values()) as build:
        job = slurm_workflow.wait_for_job("backpropagation", "sense/mnist-p90-random.backpropagation/seed0.log")
        subprocess.run(["scancel", job.number], check=True)
        assert build.wait(timeout=1800) == 0, slurm_workflow.said
    return slurm_workflow


def test_a_job_that_ran_out_of_time_comes_back_with_more(survived):
    jobs = survived.jobs("demonstrations")
    assert len(jobs) > 1
    assert [job.state for job in jobs] == ["TIMEOUT"] * (len(jobs) - 1) + ["COMPLETED"]
    assert [job.minutes for job in jobs] == list(range(1, len(jobs) + 1))


def test_a_job_that_ran_out_of_memory_comes_back_with_more(survived):
    jobs = survived.jobs("dense")
    assert len(jobs) > 1
    assert [job.state for job in jobs] == ["FAILED"] * (len(jobs) - 1) + ["COMPLETED"]
    assert [job.memory for job in jobs] == [f"{500 * attempt}M" for attempt in range(1, len(jobs) + 1)]


def test_a_cancelled_job_is_submitted_again(survived):
    assert [job.state for job in survived.jobs("backpropagation")] == ["CANCELLED", "COMPLETED"]


def test_all_results_are_there_and_the_logs_of_lost_jobs_say_why(survived):
    assert all((survived.folder / target).stat().st_size > 0 for target in TARGETS.values())
    for rule, reason in {
        "demonstrations": "TIME LIMIT",
        "dense": "exceeded memory limit",
        "backpropagation": "CANCELLED",
    }.items():
        logs = list((survived.folder / "logs/slurm").glob(f"*_{rule}/**/*.log"))
        assert len(logs) == len(survived.jobs(rule)) - 1
        # On a slow machine, one may end by itself just before SLURM ends it for the next limit, and says nothing then.
        assert any(reason in log.read_text() for log in logs)
