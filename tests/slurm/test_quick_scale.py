"""The quick scale, every job of which but the short ones runs in SLURM."""

from collections import Counter

from aann.report import FIGURES


def test_the_quick_scale_runs_through_slurm(slurm_workflow):
    slurm_workflow.configfile = "config/quick.yaml"
    slurm_workflow.partition = "main"
    planned = slurm_workflow.snakemake("--dry-run", "--", "all_figures")
    lines = (planned.stdout + planned.stderr).splitlines()
    rules = Counter(line.removeprefix("rule ").rstrip(":") for line in lines if line.startswith("rule "))
    assert rules.total() > 50
    slurm_workflow.build()
    jobs = slurm_workflow.jobs()
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert Counter(job.rule for job in jobs) == rules
    figures = slurm_workflow.folder / "results/quick/figures"
    for name in FIGURES:
        for ending in ("pdf", "png", "csv"):
            assert (figures / f"figure_{name}.{ending}").stat().st_size > 0
    assert (figures / "video.mp4").stat().st_size > 0
