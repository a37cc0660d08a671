import pandas
import pytest
from commands import check_one_line, run

from aann.artifacts import write_table
from aann.errors import InputError
from aann.figures import kinds, sensitivity, style
from aann.settings.files import merge
from aann.settings.study import load, validate
from aann.tables import ACCURACY, OUTCOME, accuracy_row


@pytest.fixture(scope="module")
def otherwise(root):
    return load([root / "config/config.yaml", root / "config/sensitivity.yaml"])


def differing(one, other, path=()):
    """Return the keys at which two settings differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key for name in {*one, *other} for key in differing(one.get(name), other.get(name), (*path, name))}
    return set() if one == other else {path}


def test_each_task_takes_one_decision_the_other_way(otherwise):
    """Nothing else may differ: step 2 to another last sparsity would be another step 2 at 90 %."""
    pairs = [
        (headline.decided.start.task, one.start.task)
        for headline in otherwise.figures["sensitivity"].headlines
        for one in headline.otherwise
        if one.search is None
    ]
    assert len(set(pairs)) == 15
    for decided, name in pairs:
        one, other = (otherwise.task(task).model_dump(exclude={"psiren"}) for task in (decided, name))
        assert one == other
        trained = (otherwise.psiren_of(task).model_dump() for task in (decided, name))
        assert len(differing(*trained)) == 1, name


def test_each_search_takes_one_decision_the_other_way(otherwise):
    decided = otherwise.sense.searches["greedy"].model_dump()
    searches = {name for name in otherwise.sense.searches if name.startswith("greedy-")}
    assert len(searches) == 5
    keys = {
        name: {key[0] for key in differing(decided, otherwise.sense.searches[name].model_dump())} for name in searches
    }
    assert keys == {
        "greedy-accuracy": {"objective", "margin"},
        "greedy-no-race": {"racing"},
        "greedy-any-neighbors": {"draw"},
        "greedy-no-shift": {"images"},
        "greedy-last-layer": {"layers", "neighbors"},
    }


def test_it_is_no_figure_of_the_paper_and_compares_with_its_networks(otherwise, paper_settings):
    assert "sensitivity" not in paper_settings.figures
    plan = kinds.plan(otherwise, "sensitivity")
    assert [one.path for one in plan.inputs if one.role == "0.0"] == [
        f"psiren/mnist/p90/seed{seed}.accuracy.csv" for seed in (0, 1, 2)
    ]
    first = next(one.path for one in plan.inputs if one.role == "2.1")
    assert first == "sense/mnist-p80-random.greedy-accuracy/seed0.outcome.csv"


@pytest.fixture
def results(tmp_path, otherwise):
    """Networks of two headlines: decisions cost a point times their place, and seeds differ by a tenth of one."""
    plan = kinds.plan(otherwise, "sensitivity")
    for one in plan.inputs:
        panel, place = map(int, one.role.split("."))
        right = 9800 - 500 * panel - 100 * place + 10 * one.keys["seed"]
        if "search" in one.keys:
            ends = dict.fromkeys(OUTCOME.measured, 0.1) | {"after_test_accuracy": right / 10_000}
            table = OUTCOME.make([ends], **one.keys)
        else:
            table = ACCURACY.make([accuracy_row((right, 10_000), (right, 10_000), **one.keys)])
        write_table(tmp_path / one.path, table)
    return plan, tmp_path


def test_the_figure_has_the_difference_of_each_network_from_that_of_its_seed(results, monkeypatch):
    plan, folder = results
    saved = []
    monkeypatch.setattr(style, "save", lambda *arguments: saved.append(arguments))
    kinds.make("sensitivity", plan, folder, folder / "figures/x.png")
    figure, _, table, _ = saved[0]
    assert len(table) == 4 * 3 * 6
    for _, panel in table.groupby("panel", sort=False):
        for place, (_, one) in enumerate(panel.groupby("label", sort=False)):
            assert one.difference.to_numpy() == pytest.approx([-0.01 * place] * 3)
    assert figure.axes[0].get_title(loc="left") == "MNIST, 90 % sparse, p-SIREN: 98.10 % as decided (n = 3)"
    assert [label.get_text() for label in figure.axes[2].get_yticklabels()][1] == "no race"


def test_a_decision_with_other_seeds_is_refused():
    rows = [("MNIST", "as decided", 0, 0.9), ("MNIST", "no shift", 1, 0.9)]
    table = pandas.DataFrame(rows, columns=["panel", "label", "seed", "test_accuracy"])
    with pytest.raises(InputError, match="MNIST: only a decision taken the other way has seed 1; give all the same"):
        sensitivity.moved(table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"search": "gredy"}, "figures.sensitivity.headlines.0.decided.search: unknown search"),
        ({"start": {"task": "mnits", "sparsity": 90, "origin": "psiren"}}, "headlines.0.decided.start.task: no task"),
        ({"start": {"task": "mnist", "sparsity": 33, "origin": "psiren"}}, "decided.start.sparsity: 33 is not in"),
        ({"start": {"task": "mnist", "sparsity": 90, "origin": "random"}}, "a random start has no accuracy of its own"),
    ],
)
def test_a_headline_that_cannot_be_served_is_one_line(otherwise, change, message):
    values = otherwise.model_dump(mode="json", include={"figures"})["figures"]["sensitivity"]["headlines"][:1]
    values[0]["decided"].update(change)
    figures = {"figures": {"sensitivity": {"headlines": values}}}
    with pytest.raises(InputError) as error:
        kinds.plan(validate(merge(otherwise.model_dump(mode="json"), figures)), "sensitivity")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_settings_are_checked_by_the_command(tmp_path, root, monkeypatch):
    monkeypatch.chdir(root)
    files = ("--configfile", "config/config.yaml", "--configfile", "config/sensitivity.yaml")
    assert "figure_sensitivity" in run("figures", "list", "--show", "targets", *files).output
    (tmp_path / "more.yaml").write_text("figures: {sensitivity: {headlines: []}}\n")
    found = run("settings", "check", *files, "--configfile", tmp_path / "more.yaml")
    check_one_line(found, "headlines': List should have at least 1 item")
