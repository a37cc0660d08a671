"""How long a build takes: what is expected, how it is corrected, and what is said."""

import csv
import logging
from types import SimpleNamespace

import pandas
import pytest
from commands import check_one_line, run

from aann.builds import forecast
from aann.builds.forecast import Forecast, Job, Kind, Table, Teller, announcement, in_words, kind_of, renewed, wider


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("psiren/mnist/dense/seed12", ["psiren/mnist/dense/seed*", "psiren/*/dense/seed*"]),
        ("psiren/mnist/p97.5/seed0", ["psiren/mnist/p97.5/seed*", "psiren/mnist/p*/seed*", "psiren/*/p*/seed*"]),
        (
            "sense/car-p80-random.figure-8b/seed1",
            [
                "sense/car-p80-random.figure-8b/seed*",
                "sense/car-p*-random.figure-8b/seed*",
                "sense/*-p*-random.figure-8b/seed*",
            ],
        ),
        ("figures/figure_2a", ["figures/figure_2a"]),
    ],
)
def test_jobs_that_differ_in_seeds_are_of_one_kind_and_others_are_like_it(name, kinds):
    assert wider(kind_of(name)) == kinds


def test_what_is_not_in_the_table_is_taken_from_what_is_like_it_or_unknown():
    table = Table({"psiren/mnist/p90/seed*": Kind(30, 1), "psiren/mnist/p80/seed*": Kind(50, 1)})
    assert table.find("psiren/mnist/p90/seed7").seconds == 30
    assert table.find("psiren/mnist/p42/seed0").seconds == 40
    assert table.find("psiren/letters/p42/seed0").seconds == 40
    assert table.find("psiren/mnist/dense/seed0") is None


def test_the_table_of_a_scale_is_made_again_and_the_others_stay():
    rows = [
        {"scale": "paper", "kind": "claims/claims", "jobs": "1", "cores": "1", "seconds": "2"},
        {"scale": "quick", "kind": "gone", "jobs": "1", "cores": "1", "seconds": "2"},
    ]
    jobs = [
        {"job": f"psiren/mnist/dense/seed{seed}", "seconds": seconds, "cores": 1} for seed, seconds in enumerate("1239")
    ]
    assert renewed(rows, "quick", jobs) == [
        rows[0],
        {"scale": "quick", "kind": "psiren/mnist/dense/seed*", "jobs": 4, "cores": "1", "seconds": "2.5"},
    ]


def test_a_later_run_completes_the_first_in_the_time_of_its_machine():
    first = [{"job": "psiren/mnist/dense/seed0", "seconds": 10.0, "cores": 1}]
    later = [
        {"job": "psiren/mnist/dense/seed1", "seconds": 20.0, "cores": 1},
        {"job": "families/a/seed0", "seconds": 7.0, "cores": 1},
    ]
    assert forecast.completed(first, later) == [first[0], {"job": "families/a/seed0", "seconds": 3.5, "cores": 1}]
    assert forecast.completed([], later) == later
    assert forecast.completed(first, later[1:]) == [*first, later[1]]


def test_the_command_renews_the_table(tmp_path, monkeypatch, root):
    copy = tmp_path / "forecast.csv"
    copy.write_bytes(forecast.TABLE.read_bytes())
    monkeypatch.setattr(forecast.renew, "__defaults__", (copy,))
    tables = ("--jobs", root / "docs/tables/times.csv", "--jobs", root / "docs/tables/times_later.csv")
    assert run("times", "forecast", *tables, "--scale", "paper").exit_code == 0
    assert copy.read_bytes() == forecast.TABLE.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["forecast.csv"]
    check_one_line(
        run("times", "forecast", "--jobs", tmp_path / "none.csv", "--scale", "paper"), "none.csv: there is no such"
    )


def test_every_row_of_the_table_is_of_a_kind_once():
    with forecast.TABLE.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["scale"] for row in rows} == {"paper", "quick"}
    assert len({(row["scale"], row["kind"]) for row in rows}) == len(rows)
    assert all(
        float(row["seconds"]) > 0 and float(row["cores"]) >= 1 and kind_of(row["kind"]) == row["kind"] for row in rows
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (61, "about 1 min"),
        (90 * 60, "about 90 min"),
        (100 * 60, "about 1 h 40 min"),
        (9640, "about 2 h 41 min"),
    ],
)
def test_times_are_in_words(seconds, words):
    assert in_words(seconds) == words


@pytest.fixture
def chain():
    """Three jobs of 100 seconds, one after another, and one of 300 beside them."""
    return {
        1: Job(1, frozenset(), 100.0),
        2: Job(1, frozenset({1}), 100.0),
        3: Job(1, frozenset({2}), 100.0),
        4: Job(1, frozenset(), 300.0),
    }


def test_the_time_left_is_that_of_the_schedule_and_shrinks_as_jobs_run(chain):
    assert Forecast(chain, 1).left(0) == 600
    build = Forecast(chain, 2)
    assert build.left(0) == 300
    build.begin(1, 0)
    build.begin(4, 0)
    assert build.left(60) == 240
    build.end(1, 100)
    assert build.share == pytest.approx(1 / 6)
    assert build.left(100) == 200


def test_a_machine_that_is_slower_is_noticed_when_jobs_end_and_when_they_are_late(chain):
    build = Forecast(chain, 2)
    for number, begun in ((1, 0), (4, 0)):
        build.begin(number, begun)
    build.end(1, 200)
    assert build.left(200) == pytest.approx(2 * 200, rel=0.1)
    late = Forecast(chain, 2)
    late.begin(1, 0)
    assert late.left(500) > 2 * Forecast(chain, 2).left(0)


def test_what_was_measured_here_is_not_scaled_by_what_was_measured_elsewhere():
    jobs = {1: Job(1, frozenset(), 1000.0), 2: Job(1, frozenset(), 1000.0, here=True)}
    build = Forecast(jobs, 1)
    build.begin(1, 0)
    build.end(1, 5000)
    assert build.left(5000) == 1000


def test_a_build_begins_with_a_line(chain):
    assert (
        announcement(Forecast(chain, 2))
        == "About 5 min on 2 cores (measured on another machine; corrected as jobs end)."
    )
    chain[5] = Job(1, frozenset(), None)
    assert announcement(Forecast(chain, 1)) == (
        "About 10 min on 1 core (measured on another machine; corrected as jobs end, without 1 that was never "
        "measured)."
    )
    known = {1: Job(1, frozenset(), 100.0, here=True), 2: Job(1, frozenset({1}), 0.0)}
    assert "(measured here before; corrected" in announcement(Forecast(known, 1))
    assert announcement(Forecast({1: Job(1, frozenset(), 0.0)}, 1)) == "Nothing is to be made."
    unknown = {1: Job(1, frozenset(), None), 2: Job(1, frozenset({1}), 0.0)}
    assert announcement(Forecast(unknown, 1)).startswith("How long this takes is not known, since nothing like it")


class Event(SimpleNamespace):
    """What Snakemake logs of its jobs."""

    @classmethod
    def of(cls, name, **values):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, None, (), None)
        record.__dict__.update(event=SimpleNamespace(name=name), **values)
        return record


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(forecast.time, "monotonic", lambda: now.seconds)
    return now


def test_the_time_left_is_said_now_and_then(clock):
    build = Forecast({number: Job(1, frozenset(), 100.0) for number in range(40)}, 1)
    said, wrong = [], []
    teller = Teller(build, said.append, wrong.append)
    for number in range(40):
        teller.emit(Event.of("JOB_STARTED", jobs=[number]))
        clock.seconds += 100
        teller.emit(Event.of("JOB_FINISHED", job_id=number))
        teller.emit(Event.of("PROGRESS", done=number + 1, total=40))
        teller.emit(logging.LogRecord("snakemake", logging.INFO, "", 0, "other words", (), None))
    assert wrong == []
    assert said[0] == "1 of 40 jobs, 2% of the work; about 65 min left"
    assert said[1] == "5 of 40 jobs, 12% of the work; about 58 min left"
    assert 8 <= len(said) <= 12


def test_a_short_build_says_nothing_more(clock):
    build = Forecast({number: Job(1, frozenset(), 1.0) for number in range(10)}, 1)
    said = []
    teller = Teller(build, said.append, said.append)
    for number in range(10):
        teller.emit(Event.of("JOB_STARTED", jobs=[number]))
        clock.seconds += 1
        teller.emit(Event.of("JOB_FINISHED", job_id=number))
        teller.emit(Event.of("PROGRESS", done=number + 1, total=10))
    assert said == []


def test_what_goes_wrong_is_one_line_for_those_who_look_for_it():
    said, wrong = [], []
    teller = Teller(Forecast({}, 1), said.append, wrong.append)
    teller.emit(Event.of("JOB_STARTED"))
    teller.emit(Event.of("JOB_FINISHED", job_id=[]))
    assert said == []
    assert len(wrong) == 2
    assert all(line.startswith("No forecast: ") and "\n" not in line for line in wrong)


def test_the_forecast_of_a_table_of_jobs_is_that_of_the_figure(root):
    """The schedule is one: that of the figure of times, and that of a build."""
    table = pandas.read_csv(root / "docs/tables/times.csv")
    drawn = table[table.stage == "forecast"].set_index("job").seconds
    measured = table[table.stage != "forecast"].fillna({"after": ""})
    numbers = {name: number for number, name in enumerate(measured.job)}
    jobs = {
        numbers[row.job]: Job(int(row.cores), frozenset(numbers[name] for name in row.after.split()), row.seconds)
        for row in measured.itertuples()
    }
    assert Forecast(jobs, 2).left(0) == pytest.approx(drawn["2 cores"], rel=0.01)
