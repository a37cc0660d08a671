"""How long builds say that they take: those of the settings that are shipped, and one that really runs."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest
import yaml
from dry_runs import dry_run

from aann.builds import forecast

EVERYTHING = ("all_figures", "claims", "report_page")


@pytest.fixture
def expected(fresh, monkeypatch):
    """Return the forecast of a build of everything on two cores, in a folder where nothing was built."""
    monkeypatch.chdir(fresh.folder)

    def of_everything(config, scale):
        dag = dry_run(fresh.folder, config, *EVERYTHING).dag
        return forecast.of_build(dag.needrun_jobs(exclude_finished=False), dag, 2, Path("results") / scale)

    return of_everything


def test_the_run_that_was_measured_is_known_and_takes_what_it_took(fresh, expected):
    build = expected(yaml.safe_load((Path(__file__).parent / "measured_run.yaml").read_text()), "paper")
    table = pandas.read_csv(fresh.folder / "docs/tables/times.csv").set_index("job")
    assert build.unknown == 0
    assert not build.here
    assert build.left(0) == pytest.approx(table.seconds["2 cores"], rel=0.05)


def test_every_job_of_the_paper_scale_is_known(expected):
    build = expected({}, "paper")
    assert build.unknown == 0
    assert 3600 < build.left(0) < 4 * 3600


def test_the_quick_scale_is_known_and_takes_minutes(fresh, expected):
    build = expected(yaml.safe_load((fresh.folder / "config/quick.yaml").read_text()), "quick")
    assert build.unknown == 0
    assert 60 < build.left(0) < 1800


def test_the_readme_says_how_many_jobs_the_quick_scale_has(root, fresh, monkeypatch):
    monkeypatch.chdir(fresh.folder)
    dag = dry_run(fresh.folder, yaml.safe_load((root / "config/quick.yaml").read_text())).dag
    jobs = len(list(dag.needrun_jobs(exclude_finished=False)))
    assert f"`make quick`: {jobs} jobs" in (root / "README.md").read_text()


def test_a_build_that_was_measured_here_says_so_and_one_that_never_was_says_that(everything, built):
    assert (everything / "build.txt").read_text().count("How long this takes is not known") == 1
    figure = built.results / "figures/figure_2a.png"
    figure.unlink()
    said = built.build("figure_2a")
    assert re.findall(r"^.* on 2 cores .*$", said, re.MULTILINE) == [
        "Less than a minute on 2 cores (measured here before; corrected as jobs end)."
    ]
    figure.unlink()
    assert " on 2 cores " not in built.build("figure_2a", options=("--quiet", "progress"))


def test_no_forecast_is_made_where_none_can_be_and_none_fails_a_build(monkeypatch, caplog):
    logger = logging.getLogger("snakemake.logging")
    before = list(logger.handlers)
    for values in (
        {"is_main_process": False, "local_exec": True, "touch": False},
        {"is_main_process": True, "local_exec": False, "touch": False},
        {"is_main_process": True, "local_exec": True, "touch": True},
    ):
        forecast.announce(SimpleNamespace(**values), "results/small")
    assert caplog.messages == []
    with caplog.at_level(logging.DEBUG, logger=logger.name):
        forecast.announce(SimpleNamespace(is_main_process=True, local_exec=True, touch=False), "results/small")
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("No forecast: ")
    assert logger.handlers == before
