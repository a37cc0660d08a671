import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aann.errors import InputError
from aann.settings import reference as settings_reference
from aann.settings.files import merge, read_yaml, require_distinct_keys, with_nulls, with_text_keys
from aann.settings.study import Settings, load, validate

TOO_LARGE = [
    {"type": "convolution", "name": "1.0", "filters": 2, "kernel": 7},
    {"type": "dense", "name": "fc", "units": 3},
]
STEP_ALONE = [{"type": "convolution", "name": "a", "filters": 1, "kernel": 3, "pool_stride": 2}]


@pytest.fixture
def values(root):
    return yaml.safe_load((root / "config/config.yaml").read_text())


def test_the_full_scale_has_the_papers_levels_and_networks(paper_settings):
    fifteen = {0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 87, 89, 91, 93, 95}
    for task, more in (("mnist", set()), ("fashion", set()), ("car", {96, 97, 98, 99})):
        assert set(paper_settings.task(task).sparsities) == fifteen | {90} | more
        assert len(paper_settings.task(task).seeds) == 3


def test_the_quick_scale_is_laid_over_the_paper(root):
    quick = load([root / "config/config.yaml", root / "config/quick.yaml"])
    assert quick.scale == "quick"
    assert {task.dataset for task in quick.tasks.values()} == {"digits", "letters", "driving", "driving-rgb"}
    assert quick.task("mnist").network == "static"


def test_schema_and_reference_are_written_from_the_models(root):
    assert (root / "workflow/schemas/config.schema.yaml").read_text() == settings_reference.schema_yaml()
    assert (root / "config/README.md").read_text() == settings_reference.markdown()


def test_every_setting_is_described():
    schema = Settings.model_json_schema()
    for name, model in {"Settings": schema, **schema["$defs"]}.items():
        for key, field in model["properties"].items():
            assert field.get("description"), f"{name}.{key}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psirne": {}}, "unknown setting 'psirne' (did you mean 'psiren'?)"),
        (
            {"psiren": {"sparsify": {"densities": {"fc": 2}, "distribution": "global"}}},
            "densities: need distribution uniform; leave out one of the two",
        ),
        (
            {"tasks": {"mnist": {"psiren": {"sparsify": {"densities": {"fc1": 2}}}}}},
            "tasks.mnist.psiren.sparsify.densities: no layer 'fc1'; the task's network has 1.0, 2.0, fc",
        ),
        ({"psiren": {"sparsify": {"densities": {"fc": 0}}}}, "'psiren.sparsify.densities.fc': Input should be greater"),
        ({"psiren": {"binary": {"epoch": 3}}}, "unknown setting 'psiren.binary.epoch' (did you mean 'epochs'?)"),
        ({"tasks": {"mnist": {"seed": 1}}}, "unknown setting 'tasks.mnist.seed' (did you mean 'seeds'?)"),
        (
            {"networks": {"static": {"layers": [{"type": "dense", "name": "fc", "unit": 3}]}}},
            "unknown setting 'networks.static.layers.0.unit' (did you mean 'units'?); expected",
        ),
        ({"tasks": {"mnist": {"sparsities": [50, 101]}}}, "'tasks.mnist.sparsities.1': Input should be less than or"),
        ({"tasks": {"mnist": {"sparsities": [-1]}}}, "'tasks.mnist.sparsities.0': Input should be greater than or"),
        ({"tasks": {"mnist": {"sparsities": [50, 50.0]}}}, "sparsities: 50.0 is there twice"),
        ({"tasks": {"mnist": {"seeds": []}}}, "'tasks.mnist.seeds': List should have at least 1 item"),
        ({"tasks": {"mnist": {"seeds": [0, 1, 0]}}}, "seeds: 0 is there twice"),
        ({"tasks": {"mnist": {"seeds": [0.5]}}}, "'tasks.mnist.seeds.0': Input should be a valid integer"),
        (
            {"neighbors": {"mnist": {"more_seeds": {80: [3]}}}},
            "'neighbors.mnist': more_seeds: 80 is not in sparsities, which has",
        ),
        ({"neighbors": {"mnist": {"more_seeds": {90: [3, 3]}}}}, "more_seeds.90: 3 is there twice"),
        ({"neighbors": {"mnist": {"more_seeds": {"ninety": [3]}}}}, "more_seeds: ninety is not in sparsities"),
        ({"figures": {"6": {"start": {"seeds": []}}}}, "start.seeds': List should have at least 1 item"),
        ({"figures": {"6": {"start": {"seeds": [1, 1]}}}}, "seeds: 1 is there twice"),
        ({"sense": {"climb": {"seeds": [2, 2]}}}, "seeds: 2 is there twice"),
        (
            {"tasks": {"mnist": {"dataset": "minst"}}},
            "tasks.mnist.dataset: no data set 'minst' (did you mean 'mnist'?); 'datasets'",
        ),
        (
            {"tasks": {"mnist": {"network": "cnn"}}},
            "tasks.mnist.network: no network 'cnn'; 'networks' has static, dynamic",
        ),
        (
            {"tasks": {"../evil": {"dataset": "mnist", "network": "static"}}},
            "expected small letters, digits, - and _, a letter first",
        ),
        ({"scale": "a b; rm"}, "'scale': expected small letters, digits, - and _, a letter first (found 'a b; rm')"),
        ({"psiren": {"dense": {"epoches": 1}}}, "unknown setting 'psiren.dense.epoches' (did you mean 'epochs'?)"),
        ({"psiren": {"dense": {"epochs": -1}}}, "setting 'psiren.dense.epochs': Input should be greater than 0"),
        ({"tasks": {"mnist": {"sparsities": [33.3333]}}}, "'tasks.mnist.sparsities.0': sparsities have at most three"),
        ({"tasks": {"mnist": {"network": "dynamic"}}}, "tasks.mnist.network: 'dynamic' does not fit 'mnist'; expected"),
        (
            {"results": "~/results"},
            "'results': expected a path, written out, that does not begin with ~ or - and has none",
        ),
        ({"results": "{task}"}, "has none of { } * ? (found '{task}')"),
        (
            {"networks": {"static": {"layers": [{"name": "fc"}]}}},
            "expected type: convolution or dense",
        ),
        ({"psiren": {"batch_size": "many"}}, "'psiren.batch_size': Input should be a valid integer"),
        ({"psiren": {"batch_size": True}}, "batch_size: true and false are not numbers"),
        ({"tasks": {"mnist": {"seeds": [False]}}}, "seeds: true and false are not numbers"),
        ({"sense": {"searches": {"best": {"neighbors": {"fc": True}}}}}, "neighbors.fc': true and false are not numb"),
        ({"psiren": {"sparsify": {"densities": {"fc": True}}}}, "densities.fc': true and false are not numbers"),
        ({"families": {"groups": {"mnist-90": {"sizes": {1: True}}}}}, "sizes.1': true and false are not numbers"),
        ({"psiren": {"dense": {"learning_rate": float("nan")}}}, "learning_rate"),
        ({"psiren": None}, "'psiren'"),
        (
            {"export": {"car": {"sparsities": [90], "formats": ["packed", "page"]}}},
            "export.car.formats: page needs grey images to draw on, and tasks.car.network has input_shape [2, 84, 84] "
            "and signed: true; choose others",
        ),
        (
            {"tasks": {"mine": {"like": "minst"}}},
            "setting 'tasks.mine.like': no such task 'minst'; expected one of mnist, ",
        ),
        ({"tasks": {"mine": {"like": "mine"}}}, "setting 'tasks.mine.like': no such task 'mine'; expected one of"),
        (
            {"tasks": {"mine": {"like": "mnist"}, "yours": {"like": "mine"}}},
            "setting 'tasks.yours.like': mine is like mnist itself; name that one",
        ),
        ({"tasks": {"mine": {"like": "mnist", "psiren": {"shfit": 0}}}}, "(did you mean 'shift'?)"),
        ({"driving": {"expert": {"gain": float("inf")}}}, "'driving.expert.gain': Input should be a finite number"),
        ({"results": "-rf"}, "'results': expected a path, written out, that does not begin with ~ or -"),
        ({"results": "a\tb"}, "'results': expected characters that can be printed, on one line"),
        ({"results": 300 * "x"}, "'results': names of folders have at most 255 bytes"),
        ({"scale": 65 * "x"}, "'scale': String should have at most 64 characters"),
        ({"downloads": {"mirrors": ["a\nb"]}}, "'downloads.mirrors.0': expected characters that can be printed"),
        ({"datasets": {"x": {}}}, "'datasets.x': expected kind: archives or digits or letters"),
        ({"datasets": {"x": {"kind": "folders"}}}, "'datasets.x': expected kind: archives or digits or letters"),
        ({"datasets": {"x": {"kind": "letters", "image": 3}}}, "'datasets.x.image' (did you mean 'images'?); expected"),
        ({"datasets": {"mnist": {"archives": "minst"}}}, "'datasets.mnist.archives': Input should be 'mnist', 'fash"),
        ({"datasets": {"driving": {"sees": "all"}}}, "'datasets.driving.sees': Input should be 'two-frames' or"),
        ({"datasets": {"mnist": None}}, "tasks.mnist.dataset: no data set 'mnist'"),
        (
            {"datasets": {"mnist": {"classes": 4}}},
            "does not fit 'mnist'; expected input_shape [1, 28, 28] and a last",
        ),
        (
            {"networks": {"static": {"input_scale": 99}}},
            "not fit 'mnist'; expected an input_scale of at least 255",
        ),
        ({"datasets": {"driving": {"limit": 60}}}, "expected signed: true and an input_scale of at least 60"),
        ({"figures": {"3": {"kind": "histogram"}}}, "'figures.3': expected kind: schematic or sparsity or driving"),
        ({"figures": {"new": {"task": "mnist"}}}, "'figures.new': expected kind: schematic or sparsity or driving"),
        ({"figures": {"2a": {"tusk": "car"}}}, "unknown setting 'figures.2a.tusk' (did you mean 'task'?); expected"),
        ({"figures": {"1": {"task": "mnist"}}}, "unknown setting 'figures.1.task'; expected one of kind, category"),
        ({"figures": {"new": {"kind": "sparsity"}}}, "setting 'figures.new.task' is missing"),
        ({"figures": {"A B": {"kind": "path"}}}, "expected small letters, digits, - and _, a letter or digit first"),
        (
            {"figures": {"drive": {"kind": "video", "task": "car"}}},
            "figures.drive: is of the kind 'video'; expected a n",
        ),
        ({"figures": {"video": {"kind": "sparsity"}}}, "figures.video: is of the kind 'sparsity'; expected another"),
        ({"figures": {"6": {"start": {"origin": "psirne"}}}}, "'figures.6.start.origin': Input should be 'random' or"),
        ({"figures": {"s1": {"runs": []}}}, "'figures.s1.runs': List should have at least 1 item"),
        ({"figures": {"4": {"panels": [{"method": "pca"}]}}}, "'figures.4.panels.0.method': Input should be 'tsne'"),
        (
            {"sense": {"improvement": {"search": "none"}}},
            "'sense': improvement.search: no search 'none'; 'searches' has",
        ),
        ({"a\nb": 1}, "unknown setting 'a\\nb'; expected one of scale"),
        ({"psiren": 1000 * [1]}, "1, 1, ...); see config/README.md"),
        ({"sense": {"searches": {"climb": 3}}}, "'sense.searches.climb': expected a mapping"),
        ({"networks": {"static": {"layers": STEP_ALONE}}}, "pool_stride: has no use without pool; give pool the side"),
        ({"networks": {"static": {"layers": []}}}, "'networks.static.layers': List should have at least 1 item"),
        (
            {"networks": {"other": {"input_shape": [1, 2, 2], "layers": TOO_LARGE}}},
            "networks.other: layer '1.0': nothing is left",
        ),
        (
            {"networks": {"other": {"input_shape": [1, 2, 2], "layers": [{**TOO_LARGE[0], "kernel": [1, 2, 3]}]}}},
            "'networks.other.layers.0.kernel': expected a whole number of at least 1, or two: [vertical, horizontal]",
        ),
        (
            {"datasets": {"mnist": {"classes": 1}}},
            "'datasets.mnist.classes': Input should be greater than or equal to 2",
        ),
        (
            {"datasets": {"mnist": {"classes": "x"}}},
            "mnist.classes': Input should be a valid list or a valid integer (f",
        ),
        ({"datasets": {"mnist": {"classes": ["a"]}}}, "'datasets.mnist.classes': List should have at least 2 items"),
        (
            {"datasets": {"mnist": {"classes": ["a", "a"]}}},
            "classes': names of classes: a is there twice; expected dist",
        ),
        (
            {"datasets": {"mnist": {"classes": ["a", "b\t"]}}},
            "'datasets.mnist.classes.1': expected characters that can",
        ),
        (
            {"sense": {"searches": {"figure-6": {"images": {"count": 0}}}}},
            "'sense.searches.figure-6.images.count': Input should be greater than or equal to 1 (found 0)",
        ),
        (
            {"sense": {"searches": {"figure-6": {"images": {"count": "most"}}}}},
            "'sense.searches.figure-6.images.count': Input should be 'all' or a valid integer (found 'most')",
        ),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(values, change, message):
    with pytest.raises(InputError) as error:
        validate(merge(values, change), "my.yaml")
    assert str(error.value).startswith("my.yaml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_task_that_is_like_another_has_what_it_does_not_say_itself(values):
    values["psiren"] = {"batch_size": 7}
    values["tasks"]["mine"] = {"like": "mnist", "seeds": [5], "psiren": {"binary": {"mask": "fixed"}}}
    values["tasks"]["yours"] = {"like": "car", "psiren": {"binary": {"mask": "fixed"}}}
    values["tasks"]["theirs"] = {"like": "car"}
    settings = validate(values)
    mine, mnist = settings.task("mine"), settings.task("mnist")
    assert (mine.dataset, mine.network, mine.sparsities, mine.seeds) == (mnist.dataset, "static", mnist.sparsities, [5])
    assert mine.psiren == validate({**values, "psiren": {"batch_size": 7, "binary": {"mask": "fixed"}}}).psiren
    learned = settings.psiren_of("car").binary
    assert settings.psiren_of("yours").binary == learned.model_copy(update={"mask": "fixed"})
    assert settings.psiren_of("theirs") == settings.psiren_of("car")
    assert settings.part("psiren", "theirs")["tasks"] == {"theirs": settings.part("psiren", "car")["tasks"]["car"]}


@pytest.mark.parametrize("written", ["kept/here", "./kept/here", "kept/here/", "kept//here"])
def test_a_folder_is_the_same_however_it_is_written(values, written):
    found = validate(merge(values, {"results": written, "downloads": {"folder": written}}))
    assert (found.results, found.downloads.folder) == ("kept/here", "kept/here")


def test_a_search_is_not_named_as_other_runs_are(values):
    values["sense"]["searches"]["climb"] = values["sense"]["searches"]["best"]
    with pytest.raises(InputError, match=r"'sense': searches: 'climb' is the name of other runs; choose another"):
        validate(values)


def test_numbers_may_be_text_as_snakemake_hands_them_on(values):
    changed = {"psiren": {"batch_size": "256", "binary": {"epochs": "0.5"}}, "tasks": {"mnist": {"seeds": ["4"]}}}
    settings = validate(merge(values, changed))
    assert (settings.psiren.batch_size, settings.psiren.binary.epochs, settings.task("mnist").seeds) == (256, 0.5, [4])


def test_a_missing_setting_is_named(values):
    del values["tasks"]["mnist"]["network"]
    with pytest.raises(InputError, match=r"setting 'tasks\.mnist\.network' is missing"):
        validate(values)


def test_a_file_that_is_laid_over_another_says_so_where_that_is_not_given(root):
    quick = root / "config/quick.yaml"
    with pytest.raises(InputError) as error:
        load([quick])
    line = str(error.value)
    assert line.startswith(f"{quick}: setting 'networks' is missing; files are laid over one another")
    assert line.endswith(f": --configfile config/config.yaml --configfile {quick}")
    assert load([root / "config/config.yaml", quick]).scale == "quick"


def test_a_study_of_its_own_is_laid_over_nothing(tmp_path):
    (tmp_path / "own.yaml").write_text("standalone: true\nscale: mine\n")
    with pytest.raises(InputError, match=r"own.yaml: setting 'networks' is missing; see config/README.md$"):
        load([tmp_path / "own.yaml"])


def test_an_unknown_task_is_named(paper_settings):
    with pytest.raises(InputError, match=r"unknown task 'mnits' \(did you mean 'mnist'\?\)"):
        paper_settings.task("mnits")


def test_files_that_hold_no_settings_are_named(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    for name, message in (("list", "expected a mapping"), ("broken", "is not YAML"), ("absent", "cannot be read")):
        with pytest.raises(InputError, match=rf"{name}\.yaml: {message}"):
            load([tmp_path / f"{name}.yaml"])


@pytest.mark.parametrize("text", ["psiren: &a {dense: *a}\n", f"a: {5000 * '['}{5000 * ']'}\n"])
def test_settings_without_an_end_are_refused(tmp_path, text):
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(InputError, match=r"my\.yaml: has an anchor within itself, or far too many levels"):
        read_yaml(tmp_path / "my.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("scale: a\nfigures:\n  a: {kind: path}\n  a: {kind: schematic}\n", "line 4: 'a' is there twice"),
        ('figures:\n  "1": {kind: path}\n  1: {kind: schematic}\n', "line 3: '1' is there twice"),
        ("a: [{b: 1, b: 2}]\n", "line 1: 'b' is there twice"),
    ],
)
def test_a_key_that_a_file_has_twice_is_named_with_its_line(tmp_path, text, line):
    (tmp_path / "my.yaml").write_text(text)
    for read in (lambda: load([tmp_path / "my.yaml"]), lambda: require_distinct_keys(tmp_path / "my.yaml")):
        with pytest.raises(InputError) as error:
            read()
        assert str(error.value) == f"{tmp_path / 'my.yaml'}: {line}; keep one of them"


def test_a_key_that_an_anchor_has_too_is_no_repetition(tmp_path):
    (tmp_path / "my.yaml").write_text("a: &a {b: 1}\nc: {<<: *a, b: 2}\nd: [*a, *a]\n")
    assert read_yaml(tmp_path / "my.yaml")["c"] == {"b": 2}


def test_a_figure_may_be_called_by_a_number(values, tmp_path):
    (tmp_path / "my.yaml").write_text("figures: {2: {kind: sparsity, task: car}, 3: {task: car}}\n")
    merged = merge(with_text_keys(values), read_yaml(tmp_path / "my.yaml"))
    assert validate(merged) == validate({**merged, "figures": {**merged["figures"], "13": None}})
    assert validate(merged).figure("3").task == validate(merged).figure("2").task == "car"
    both = validate({**values, "figures": {"3": values["figures"]["3"], 3: {"task": "car"}}})
    assert both.figure("3").kind == "histograms"
    assert both.figure("3").task == "car"


def test_a_stages_part_is_settings_and_leaves_out_the_lists(paper_settings):
    part = paper_settings.part("psiren", "mnist")
    assert validate(part).psiren == paper_settings.psiren
    assert set(part["tasks"]["mnist"]) == {"dataset", "network"}
    assert "datasets" not in part
    assert "downloads" not in part


MAPPINGS = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=6)


@given(st.dictionaries(st.sampled_from("abc"), MAPPINGS), st.dictionaries(st.sampled_from("abc"), MAPPINGS))
def test_merging_changes_neither_and_takes_the_later_value(base, over):
    base_before, over_before = copy.deepcopy(base), copy.deepcopy(over)
    merged = merge(base, over)
    assert (base, over) == (base_before, over_before)
    assert set(merged) == set(base) | set(over)
    for key, value in over.items():
        if not isinstance(value, dict):
            assert merged[key] == value
    assert merge(merged, over) == merged


def test_null_takes_an_entry_away_that_a_file_below_has(values):
    settings = validate(merge(values, {"tasks": {"car-rgb": None}, "networks": {"dynamic": None}}))
    assert "car-rgb" not in settings.tasks
    assert "dynamic" not in settings.networks


def test_null_of_the_command_line_is_text_within_mappings(values):
    given = {"export": {"mnist": "null"}, "sense": {"climb": "null"}, "datasets": {"x": {"classes": ["null", "a"]}}}
    expected = {"export": {"mnist": None}, "sense": {"climb": None}, "datasets": {"x": {"classes": ["null", "a"]}}}
    assert with_nulls(given) == expected


def test_null_for_an_entry_that_another_needs_is_named(values):
    with pytest.raises(InputError, match=r"tasks.mnist.network: no network 'static'; 'networks' has dynamic"):
        validate(merge(values, {"networks": {"static": None}}))
