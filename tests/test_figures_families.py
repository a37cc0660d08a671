import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
import yaml

from aann.errors import InputError
from aann.figures import ensembles, kinds, members, paths, style, transfers, walks
from aann.report import families
from aann.settings.study import validate

PROVENANCE = {"module": "aann.figures", "inputs": {"a.csv": "0" * 64}}
RUN = {"task": "mnist", "sparsity": 90.0, "origin": "psiren", "search": "", "walk": "replace"}
COUNTED = ("train", "validation", "test")


@pytest.fixture
def values(root):
    return yaml.safe_load((root / "config/config.yaml").read_text())


@pytest.fixture
def kept(monkeypatch):
    """The figure and the table that a drawing hands over to be saved."""
    found = []
    monkeypatch.setattr(style, "save", lambda figure, output, table, provenance: found.append((figure, table)))
    yield found
    plt.close("all")


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


# --- walks ------------------------------------------------------------------------------------------------------------


def walk_table(seed, last=0, **keys):
    """Return a walk on which accuracy stays at 98 %, and falls to 10 % if connections move blindly."""
    rows = []
    for step, left in enumerate((100, 60, 20, last)):
        for line, correct in (("walk", 98), ("blind", 10 + 88 * left // 100)):
            for layer, whole, here in (("", 100, left), ("1.0", 20, min(20, left)), ("fc", 80, left - min(20, left))):
                counts = {f"{split}_correct": correct + seed for split in COUNTED}
                images = {f"{split}_images": 100 for split in COUNTED}
                counted = {"step": step, "evaluations": step, "networks": step, "line": line, "layer": layer}
                counted |= {"neighbors": 10 * bool(layer), "better": 1, "equal": 4}
                rows.append(
                    {**RUN, "seed": seed, **counted, "in_place": here, "connections": whole, **counts, **images}
                )
    return pandas.DataFrame(rows).assign(**keys)


def test_a_walk_is_drawn_by_what_has_moved_beside_moving_blindly(kept, tmp_path):
    table = pandas.concat([walk_table(0), walk_table(1), walk_table(0, origin="random", search="greedy")])
    walks.draw(table, {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, drawn = kept[0]
    names = ["training", "validation", "test", "test, moved blindly", "layer 1.0", "layer fc"]
    assert labels(figure) == names
    titles = [axis.get_title() for axis in figure.axes[:2]]
    assert titles == ["From p-SIREN, 90 % sparse", "From random, then greedy, 90 % sparse"]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert np.allclose(lines["test"].get_ydata(), 1.5)
    blind = lines["test, moved blindly"].get_ydata()
    assert (blind[0], blind[-1]) == (1.5, 89.5)
    assert len(drawn) == len(table)
    assert np.allclose({line.get_label(): line.get_ydata() for line in figure.axes[4].lines}["layer 1.0"], 50)
    layers = {line.get_label(): line.get_ydata() for line in figure.axes[2].lines}
    assert (layers["layer fc"][40], layers["layer fc"][100]) == (50, 100)


def test_a_walk_is_drawn_as_far_as_all_seeds_have_come(kept, tmp_path):
    table = pandas.concat([walk_table(0, last=10), walk_table(1)])
    walks.draw(table, {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)
    test = {line.get_label(): line.get_ydata() for line in kept[0][0].axes[0].lines}["test"]
    assert np.isfinite(test[:91]).all()
    assert np.isnan(test[91:]).all()


def test_every_layer_of_a_walk_is_drawn_and_no_two_look_alike(kept, tmp_path):
    whole = walk_table(0)
    layer = whole[whole.layer == "fc"]
    names = [f"{number}.0" for number in range(10)]
    table = pandas.concat([whole[whole.layer == ""], *(layer.assign(layer=name) for name in names)])
    walks.draw(table, {"mnist": "MNIST"}, "MNIST", tmp_path / "x.png", PROVENANCE)
    drawn = kept[0][0].axes[1].lines
    assert [line.get_label() for line in drawn] == [f"layer {name}" for name in names]
    assert len({(line.get_color(), str(line._unscaled_dash_pattern)) for line in drawn}) == len(names)


def test_walks_of_several_tasks_have_rows_of_their_own():
    table = pandas.concat([walk_table(0), walk_table(2, task="letters")])
    found = families.walks(table, {"mnist": "MNIST", "letters": "Letters"})
    assert found[["Data", "End, test"]].to_numpy().tolist() == [["MNIST", "98.00 %"], ["Letters", "100.00 %"]]
    assert "Data" not in families.walks(walk_table(0), {"mnist": "MNIST"})


# --- members ----------------------------------------------------------------------------------------------------------


def pair(first, second, distance, disagreement):
    ends = {
        f"{end}_{key}": value for end, name in (("first", first), ("second", second)) for key, value in name.items()
    }
    counts = {"connections": 100, "distance": distance, "matched_distance": distance // 2, "both_wrong": 1}
    return {"task": "mnist", "group": "g", **ends, **counts, "disagreement": disagreement, "test_images": 1000}


def member(name, seed):
    return {"set": name, "walk": "", "seed": seed}


def vote(name, size, number, disturbance, correct):
    counts = {"ambiguity": 30, "discrepancy": 20, "all_wrong": 5, "test_images": 1000}
    keys = {"set": name, "size": size, "number": number, "disturbance": disturbance}
    return {"task": "mnist", "group": "g", **keys, "test_correct": correct, **counts}


VOTES = pandas.DataFrame(
    [
        vote(name, 1, number, way, 980 - 100 * bool(way))
        for name in ("a", "b")
        for number in (0, 1)
        for way in ("", "noisy")
    ]
    + [vote("a", 2, 0, way, 990 - 90 * bool(way)) for way in ("", "noisy")]
    + [vote("one", 2, 0, "", 985)]
)


def test_pairs_are_named_by_their_sets_and_drawn_before_and_after_matching(kept, tmp_path):
    rows = [pair(member("a", 0), member("a", 1), 180, 20), pair(member("a", 0), member("b", 0), 40, 5)]
    pairs = pandas.DataFrame(rows)
    sets = {"a": "a", "b": "others of b"}
    assert members.named(pairs, sets).tolist() == ["a", "a and others of b"]
    assert members.whole_sets(VOTES)[["set", "size"]].to_numpy().tolist() == [["a", 2], ["b", 1]]
    members.draw(pairs, VOTES, sets, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, drawn = kept[0]
    points = [collection.get_offsets().tolist() for collection in figure.axes[0].collections[1::3]]
    assert points == [[[90.0, 2.0]], [[20.0, 0.5]]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["a", "a and others of b"]
    assert families.members(pairs, sets)["Places that differ, of the most possible"].tolist() == ["90.00 %", "20.00 %"]
    assert drawn.equals(pairs)


def test_a_set_that_shares_networks_with_one_before_it_has_the_others_in_pairs(paper_settings):
    plan = kinds.plan(paper_settings, "s5")
    assert plan.options["sets"] == {"seeds": "seeds", "walkers": "walkers", "all": "others of all"}


def test_a_plan_without_the_names_of_sets_says_so(monkeypatch, paper_settings, tmp_path):
    monkeypatch.setattr(kinds.Source, "table", lambda *_: pandas.DataFrame())
    plan = kinds.plan(paper_settings, "s5").model_copy(update={"options": {}})
    with pytest.raises(InputError, match="--plan: has no option 'sets'; the kind 'members' needs it, so add it"):
        members.read(kinds.Source(plan, tmp_path))


def test_no_two_kinds_of_pairs_look_alike(kept, tmp_path):
    sets = {name: name for name in "abcde"}
    both = [(first, second) for place, first in enumerate(sets) for second in list(sets)[place:]]
    pairs = pandas.DataFrame([pair(member(first, 0), member(second, 1), 180, 20) for first, second in both])
    members.draw(pairs, VOTES, sets, "MNIST", tmp_path / "x.png", PROVENANCE)
    drawn = kept[0][0].axes[0].collections[1::3]
    assert len({(str(one.get_facecolor()), one.get_paths()[0].vertices.tobytes()) for one in drawn}) == len(both)


# --- ensembles --------------------------------------------------------------------------------------------------------


def test_what_voters_add_is_the_most_of_them_less_single_ones():
    found = ensembles.gains(VOTES[VOTES.set != "one"].assign(percent=VOTES.test_correct / 10))
    assert found.loc["a"].to_dict() == {"": 1.0, "noisy": 2.0}
    assert found.loc["b"].to_dict() == {"": 0.0, "noisy": 0.0}


def test_votes_are_drawn_beside_single_networks_of_as_many_connections(kept, tmp_path):
    ensembles.draw(VOTES, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, _ = kept[0]
    assert "range over n choices of voters" in figure.legends[0].get_title().get_text()
    lines = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    assert lines["a (n = 2, 1)"] == [[1, 98], [2, 99]]
    assert lines["one network, as many connections (n = 1)"] == [[2, 98.5]]
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["as they are", "noisy"]


# --- paths ------------------------------------------------------------------------------------------------------------


def test_the_legend_of_a_path_has_the_lowest_accuracy_of_each_line(kept, tmp_path):
    rows = [
        {"task": "mnist", "route": "away", "line": line, "step": step, "distance": 100 - 50 * step}
        | {"test_correct": correct, "test_images": 100, "validation_correct": 0, "validation_images": 100}
        for line, low in (("straight", 60), ("matched", 90))
        for step, correct in enumerate((98, low, 97))
    ]
    paths.draw(pandas.DataFrame(rows), "MNIST", tmp_path / "x.png", PROVENANCE)
    axis = kept[0][0].axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["straight: 60.0 %", "units matched: 90.0 %"]
    assert axis.lines[0].get_xdata().tolist() == [0, 50, 100]


# --- transfers --------------------------------------------------------------------------------------------------------


def counts(source, search, layers, before, after, seed):
    found = {"task": "mnist", "to": "fashion", "transfer": "away", "seed": seed, "source": source, "sparsity": 90.0}
    found |= {"walk": "", "search": search, "layers": layers, "evaluations": 9, "accepted": 3}
    found |= {"before_validation_correct": 0, "before_test_correct": before + seed}
    return found | {
        **{"after_validation_correct": 0, "after_test_correct": after + seed},
        **{"validation_images": 100, "test_images": 100},
    }


ADAPTED = pandas.DataFrame(
    counts(source, search, layers, before, after + more, seed)
    for source, before, after in (("random", 10, 40), ("trained", 20, 60))
    for search, layers, more in (("last", "fc", 0), ("all", "1.0 fc", 10))
    for seed in (0, 2)
)
TRAINED = pandas.DataFrame(
    {"task": task, "sparsity": sparsity, "seed": seed, "validation_correct": 0, "validation_images": 100}
    | {"test_correct": correct, "test_images": 100}
    for task, sparsity, correct in (("fashion", 90.0, 88), ("fashion", 80.0, 50), ("mnist", 90.0, 98))
    for seed in (0, 1)
)


def test_starts_are_drawn_before_and_after_each_search_beside_networks_trained_there(kept, tmp_path):
    transfers.draw(ADAPTED, TRAINED, {"away": "MNIST to\nFashion"}, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, drawn = kept[0]
    assert labels(figure) == [
        "trained on the new task, images as they are",
        "after last (fc)",
        "after all (1.0, fc)",
        "before",
    ]
    axis = figure.axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert lines["after last (fc)"] == [[-0.15, 41], [0.85, 61]]
    assert lines["after all (1.0, fc)"] == [[0.15, 51], [1.15, 71]]
    assert lines["trained on the new task, images as they are"] == [[0, 88], [1, 88]]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["random", "trained"]
    assert axis.get_title() == "MNIST to\nFashion"
    assert len(drawn) == len(ADAPTED) + 2
    assert drawn[drawn.source == ""].after_test_correct.tolist() == [88, 88]


def test_every_search_of_every_transfer_is_drawn_with_its_layers(kept, tmp_path):
    first = [counts("trained", search, "1.0 fc", 10, after, 0) for search, after in (("a", 20), ("b", 30), ("c", 40))]
    second = [counts("trained", search, "head", 10, after, 0) for search, after in (("a", 50), ("d", 60))]
    adapted = pandas.concat([pandas.DataFrame(first), pandas.DataFrame(second).assign(transfer="back")])
    panels = {"away": "Away", "back": "Back"}
    transfers.draw(adapted, TRAINED, panels, "MNIST", tmp_path / "x.png", PROVENANCE)
    figure, _ = kept[0]
    names = ["after a (1.0, fc or head)", "after b (1.0, fc)", "after c (1.0, fc)", "after d (head)"]
    assert {*names} <= {*labels(figure)}
    shown = [{line.get_label(): line for line in axis.lines} for axis in figure.axes]
    ends = [[float(lines[name].get_ydata()[0]) for name in names if name in lines] for lines in shown]
    assert ends == [[20, 30, 40], [50, 60]]
    looks = {name: (line.get_color(), line.get_marker()) for lines in shown for name, line in lines.items()}
    assert len({looks[name] for name in names}) == 4


def test_more_searches_than_a_figure_of_transfers_has_looks_for_are_refused(values):
    more = {f"more-{number}": "adapt-last" for number in range(5)}
    values["sense"]["searches"] |= {name: values["sense"]["searches"][like] for name, like in more.items()}
    for name, some in (("to-mnist", [0, 1, 2]), ("turned", [2, 3, 4])):
        values["families"]["transfers"][name]["searches"] = [f"more-{number}" for number in some]
    with pytest.raises(InputError, match=r"^configuration: figures\.s8\.transfers: have 7 searches; a figure has "):
        kinds.plan(validate(values), "s8")


# --- nothing to draw --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "tables", "message"),
    [
        (walks.draw, [walk_table(0).head(0), {}], "its tables have no rows; delete them and walk again"),
        (ensembles.draw, [VOTES.head(0)], "its table has no rows; name 'sizes' of the group"),
        (paths.draw, [pandas.DataFrame()], "its tables have no rows; delete them and run the paths again"),
        (
            transfers.draw,
            [ADAPTED.head(0), TRAINED, {"away": "Away"}],
            "its tables have no rows; delete them and run the transfers again",
        ),
    ],
)
def test_nothing_to_draw_is_one_line(draw, tables, message, tmp_path):
    with pytest.raises(InputError, match=message):
        draw(*tables, "MNIST", tmp_path / "x.png", PROVENANCE)
