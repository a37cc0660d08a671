import json
import math
import os
from pathlib import Path

import pandas
import pytest
from commands import check_one_line, run
from made_up import make_results

from aann.figures import jobs as drawing
from aann.lineage import times
from aann.tables import JOBS

BEGAN = 1_795_000_000


def table(*rows):
    return pandas.DataFrame([dict(zip(JOBS.columns, row, strict=True)) for row in rows])


@pytest.fixture
def diamond():
    """A first job, two that wait for it, one of which is long, and a last that waits for both."""
    return table(
        ("first", "datasets", 0.0, 10.0, 1, 100.0, ""),
        ("long", "psiren", 10.0, 50.0, 1, 300.0, "first"),
        ("short", "psiren", 10.0, 20.0, 1, 200.0, "first"),
        ("last", "figures", 60.0, 5.0, 1, 50.0, "long short"),
    )


def benchmark(name, ended, seconds, cpu=None, memory=100.0):
    path = Path(f"results/small/benchmarks/{name}.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    cpu = seconds if cpu is None else cpu
    path.write_text(json.dumps({"s": seconds, "cpu_time": cpu, "max_rss": memory}) + "\n")
    os.utime(path, (BEGAN + ended, BEGAN + ended))


@pytest.fixture
def results(tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    make_results(network)
    benchmark("datasets/mnist", 10, 10)
    benchmark("psiren/mnist/p90/seed0", 40, 30, cpu=29, memory=500.5)  # in its first 15 seconds
    benchmark("psiren/mnist/p90/seed1", 35, 20, cpu=15)
    benchmark("psiren/mnist/accuracies", 41, 1)
    benchmark("figures/figure_2a", 45, 4)


def test_jobs_have_times_memory_and_what_they_waited_for(results):
    found = times.read(Path("results/small")).set_index("job")
    assert list(found.index) == [
        "datasets/mnist",
        "psiren/mnist/p90/seed0",
        "psiren/mnist/p90/seed1",
        "psiren/mnist/accuracies",
        "figures/figure_2a",
    ]
    assert found.start.tolist() == [0, 10, 15, 40, 41]
    assert found.seconds.tolist() == [10, 30, 20, 1, 4]
    assert found.cores.tolist() == [1, 2, 1, 1, 1]
    assert found.memory_mb["psiren/mnist/p90/seed0"] == 500.5
    assert found.stage.tolist() == ["datasets", "psiren", "psiren", "psiren", "figures"]
    assert found.after.tolist() == [
        "",
        "datasets/mnist",
        "datasets/mnist",
        "psiren/mnist/p90/seed0 psiren/mnist/p90/seed1",
        "psiren/mnist/accuracies",
    ]


@pytest.mark.parametrize(
    ("cores", "overhead", "seconds"),
    [(1, 0, 85), (2, 0, 65), (8, 0, 65), (math.inf, 0, 65), (math.inf, 30, 155), (1, 10, 125)],
)
def test_the_time_on_so_many_cores(diamond, cores, overhead, seconds):
    assert times.makespan(diamond, cores, overhead) == seconds


def test_the_longest_way_begins_first_and_wide_jobs_wait_for_cores():
    wide = table(
        ("a", "psiren", 0.0, 4.0, 1, 1.0, ""),
        ("b", "psiren", 0.0, 4.0, 1, 1.0, ""),
        ("c", "psiren", 0.0, 10.0, 1, 1.0, "never-measured"),
        ("d", "psiren", 0.0, 3.0, 2, 1.0, ""),
    )
    assert times.makespan(wide, 2) == 13
    assert times.makespan(wide, 1) == 21
    assert times.makespan(wide, 4) == 10


def test_the_figure_has_every_job_and_a_forecast(diamond, tmp_path):
    drawing.draw(diamond, 2, "A run", tmp_path / "times.png", {"module": "aann.figures.jobs"})
    drawn = pandas.read_csv(tmp_path / "times.csv").set_index("job")
    assert drawn.seconds["long"] == 50
    assert drawn.seconds["1 cores"] == 85
    assert drawn.seconds["32 cores"] == 65
    assert drawn.seconds["cluster"] == 65 + 3 * drawing.SUBMISSION_SECONDS
    assert drawing.lanes(diamond).tolist() == [0, 0, 1, 0]


def test_the_commands_write_the_table_and_draw_it(results):
    assert run("times", "jobs", "--results", "results/small", "--output", "jobs.csv").exit_code == 0
    assert JOBS.read("jobs.csv").job.iloc[0] == "datasets/mnist"
    drawn = run("figures", "jobs", "--jobs", "jobs.csv", "--cores", "2", "--title", "A run", "--output", "times.png")
    assert drawn.exit_code == 0
    assert {path.name for path in Path().glob("times.*")} == {"times.png", "times.pdf", "times.csv"}


def test_results_without_benchmarks_or_with_a_damaged_one_are_named(results):
    check_one_line(
        run("times", "jobs", "--results", "results", "--output", "jobs.csv"), "results/benchmarks: has no benchmarks"
    )
    Path("results/small/benchmarks/figures/figure_2a.jsonl").write_text("{}\n")
    check_one_line(
        run("times", "jobs", "--results", "results/small", "--output", "jobs.csv"),
        "results/small/benchmarks/figures/figure_2a.jsonl: is not a benchmark of Snakemake",
    )
    assert not Path("jobs.csv").exists()
