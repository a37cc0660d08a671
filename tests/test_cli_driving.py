import json
import os
import shutil
import subprocess
import sys

import av
import numpy as np
import pandas
import pytest
from commands import check_one_line, draw, lacks, run, shown

from aann.artifacts import discard, read_arrays, read_table, seal_of, write_arrays, write_table
from aann.datasets import splits
from aann.datasets.splits import Images
from aann.driving import LEFT, RIGHT, assessments, demonstrations
from aann.driving.episodes import ExpertDriver, NetworkDriver, returned
from aann.networks import Architecture, TernaryNetwork
from aann.sense.starts import random_network
from aann.settings.study import load
from aann.tables import BASELINE, CONFUSION, EXPERT_RETURNS, RETURNS, TRACE

CONVOLUTION = {"type": "convolution", "name": "1.0", "filters": 2, "kernel": 7, "stride": 4, "pool": 4}
DENSE = {"type": "dense", "name": "fc", "units": 3}
FEW = {"batch_size": 8, "shift": 0, "precision": "float32", "binary": {"epochs": 1, "last_layer_epochs": 1}}
VALUES = {
    "scale": "quick",
    "networks": {
        "frames": {"input_shape": [2, 84, 84], "input_scale": 51, "signed": True, "layers": [CONVOLUTION, DENSE]},
        "color": {"input_shape": [3, 72, 72], "signed": True, "layers": [CONVOLUTION, DENSE]},
        "static": {"input_shape": [1, 28, 28], "layers": [DENSE | {"units": 10}]},
    },
    "tasks": {
        "car": {"dataset": "driving", "network": "frames"},
        "car-rgb": {"dataset": "driving-rgb", "network": "color"},
        "mnist": {"dataset": "digits", "network": "static"},
    },
    "datasets": {
        "driving": {"kind": "driving", "sees": "two-frames"},
        "driving-rgb": {"kind": "driving", "sees": "color"},
        "digits": {"kind": "digits"},
    },
    "driving": {"steps": 40, "sparsity": 60, "psiren": FEW},
}


@pytest.fixture
def configured(tmp_path):
    """A file of settings with small networks and short episodes."""
    path = tmp_path / "settings.yaml"
    path.write_text(json.dumps(VALUES))
    return path


@pytest.fixture
def settings(configured):
    return load([configured])


@pytest.fixture
def drive(configured):
    """Run a command of the stage with these settings; others may be laid over them."""

    def run_command(*arguments, **changes):
        more = configured.with_name("more.yaml")
        more.write_text(json.dumps(changes))
        return run("driving", *arguments, "--configfile", configured, "--configfile", more)

    return run_command


@pytest.fixture
def driver(settings, tmp_path):
    """A network, and the file that holds it."""
    network = random_network(Architecture.from_dict(settings.network("car")), 60, 0)
    network.save(tmp_path / "driver.safetensors")
    return network


def outputs(folder):
    return shown(folder) - {"settings.yaml", "more.yaml", "driver.safetensors"}


def save_frames(path, count, seed, shape=(2, 84, 84)):
    """Write demonstrations in whose first channel the side of their class is bright."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    seen = random.integers(-20, 21, (count, *shape))
    side = np.select([labels == LEFT, labels == RIGHT], [30, -30])[:, None, None]
    seen[:, 0, :, : shape[2] // 2] += side
    seen[:, 0, :, shape[2] // 2 :] -= side
    images = Images(seen.clip(-51, 51).astype(np.int8), labels)
    arrays = {"seen": images.images, "labels": labels.astype(np.uint8)}
    write_arrays(path, arrays, {"sha256": images.sha256, "provenance": {}})
    return images


# --- demonstrate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["car", "car-rgb"])
def test_demonstrations_of_the_expert_are_recorded(drive, settings, tmp_path, task):
    output = tmp_path / "validation.safetensors"
    result = drive("demonstrate", "--task", task, "--kind", "validation", "--count", 2, "--output", output)
    assert (result.exit_code, outputs(tmp_path)) == (0, {"validation.safetensors"})
    tracks = demonstrations.tracks("validation", 2)
    expected = demonstrations.Round("validation", settings.dataset(task), tracks, settings.driving)
    found = demonstrations.load(output)
    assert found.sha256 == demonstrations.join([expected.demonstrate(track) for track in tracks]).sha256
    recorded = read_arrays(output)[1]["provenance"]
    assert recorded["settings"] == settings.driving_part(task, ("seed", "repeat", "steps", "every", "expert", "noise"))
    assert (recorded["task"], recorded["kind"]) == (task, "validation")


def test_in_a_round_a_network_drives(drive, driver, settings, tmp_path):
    files = ("--driver", tmp_path / "driver.safetensors", "--output", tmp_path / "round1.safetensors")
    assert drive("demonstrate", "--task", "car", "--kind", "round1", "--count", 1, *files).exit_code == 0
    (track,) = demonstrations.tracks("round1", 1)
    by_network = demonstrations.Round("round1", settings.dataset("car"), [track], settings.driving, driver)
    assert demonstrations.load(tmp_path / "round1.safetensors").sha256 == by_network.demonstrate(track).sha256
    (name,) = read_arrays(tmp_path / "round1.safetensors")[1]["provenance"]["inputs"]
    assert name == "driver.safetensors"


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"--task": "cra"}, ("unknown task 'cra' (did you mean 'car'?)",)),
        ({"--task": "mnist"}, ("'mnist'", "driving")),
        ({"--kind": "tests"}, ("tracks of kind 'tests': there are none; expected validation, test,",)),
        ({"--count": 100_001}, ("100001 tracks of kind 'train': expected 1 to 100000",)),
        ({"--driver": "absent.safetensors"}, ("absent.safetensors: there is no such file",)),
    ],
)
def test_demonstrations_that_cannot_be_made_are_one_line(drive, tmp_path, changes, messages):
    options = {"--task": "car", "--kind": "train", "--count": 1, "--output": tmp_path / "x.safetensors"} | changes
    result = drive("demonstrate", *(part for option in options.items() for part in option))
    check_one_line(result, *messages)
    assert outputs(tmp_path) == set()


def test_a_driver_of_another_architecture_is_named(drive, driver, tmp_path):
    files = ("--driver", tmp_path / "driver.safetensors", "--output", tmp_path / "x.safetensors")
    result = drive("demonstrate", "--task", "car-rgb", "--kind", "round1", "--count", 1, *files)
    check_one_line(result, "driver.safetensors: belongs to another architecture")
    assert outputs(tmp_path) == set()


def test_wrong_settings_of_the_stage_are_named(drive, tmp_path):
    arguments = ("demonstrate", "--task", "car", "--kind", "train", "--count", 1, "--output", tmp_path / "x")
    noise = {"shortest": 9, "longest": 8}
    check_one_line(drive(*arguments, driving={"repeat": 0}), "'driving.repeat'", "greater than or equal to 1")
    check_one_line(drive(*arguments, driving={"noise": noise}), "'driving.noise'", "shortest: 9 is more than longest")
    check_one_line(drive(*arguments, driving={"mirrors": 1}), "unknown setting 'driving.mirrors'", "'mirror'")
    assert outputs(tmp_path) == set()


@pytest.mark.parametrize(("key", "value"), [("signed", False), ("input_scale", 50)])
def test_a_network_that_cannot_take_what_is_seen_is_named_before_any_drive(drive, tmp_path, key, value):
    arguments = ("demonstrate", "--task", "car", "--kind", "train", "--count", 1, "--output", tmp_path / "x")
    check_one_line(drive(*arguments, networks={"frames": {key: value}}), "tasks.car.network", "'frames'", key)
    assert outputs(tmp_path) == set()


def test_an_interrupted_command_goes_on_and_leaves_no_parts(drive, tmp_path, monkeypatch):
    def demonstrate(self, track):
        if track == 300_000 + 1:
            raise OSError("power cut")
        return original(self, track)

    original = demonstrations.Round.demonstrate
    output = tmp_path / "train.safetensors"
    arguments = ("demonstrate", "--task", "car", "--kind", "train", "--count", 2, "--output", output)
    with monkeypatch.context() as patch:
        patch.setattr(demonstrations.Round, "demonstrate", demonstrate)
        result = drive(*arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "error: track 300001: its episode failed (OSError: power cut); see the log"
    )
    assert outputs(tmp_path) == {"train.safetensors.parts"}
    assert drive(*arguments).exit_code == 0
    assert outputs(tmp_path) == {"train.safetensors"}


# --- driver and split -------------------------------------------------------------------------------------------------


@pytest.fixture
def frames(tmp_path):
    """Options that name demonstrations of four kinds, and these."""
    made = {name: save_frames(tmp_path / f"{name}.safetensors", 60, seed) for seed, name in enumerate("abvt")}
    train = ("--train", tmp_path / "a.safetensors", "--train", tmp_path / "b.safetensors")
    return made, (*train, "--validation", tmp_path / "v.safetensors")


def test_a_driver_is_made_of_demonstrations_and_is_always_the_same(drive, settings, frames, tmp_path):
    made, options = frames
    for name in ("one", "two"):
        result = drive("driver", "--task", "car", *options, "--output", tmp_path / f"{name}.safetensors")
        assert result.exit_code == 0
    found = TernaryNetwork.load(tmp_path / "one.safetensors", Architecture.from_dict(settings.network("car")))
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    for array in found.weights.values():
        assert (array == 0).sum() == round(0.6 * array.size)
    splits_of_test = dict.fromkeys(("validation", "test"), made["t"])
    table = assessments.confusion(found, splits_of_test)
    right = table[(table.split == "test") & (table.label == table.prediction)].frames.sum()
    assert right > 30


def test_a_split_has_mirrored_training_frames_and_the_others_as_they_are(drive, settings, frames, tmp_path):
    made, options = frames
    output = tmp_path / "car.safetensors"
    result = drive("split", "--task", "car", *options, "--test", tmp_path / "t.safetensors", "--output", output)
    assert result.exit_code == 0
    found = splits.load(output)
    assert found["validation"].sha256 == made["v"].sha256
    assert found["test"].sha256 == made["t"].sha256
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    assert found["train"].sha256 == demonstrations.training_frames(paths, settings.driving).sha256
    assert found["train"].sha256 != demonstrations.join([made["a"], made["b"]]).sha256
    recorded = read_arrays(output)[1]["provenance"]
    assert {*recorded["inputs"]} == {f"{name}.safetensors" for name in "abvt"}
    assert recorded["settings"]["driving"] == {"seed": 0, "mirror": 0.5}


@pytest.fixture(params=["driver", "split"])
def gathering(request, frames, tmp_path):
    """Arguments of a command that gathers demonstrations."""
    more = ("--test", tmp_path / "t.safetensors") if request.param == "split" else ()
    return (request.param, "--task", "car", *frames[1], *more, "--output", tmp_path / "x.safetensors")


def test_frames_that_are_altered_or_absent_are_named(drive, gathering, tmp_path):
    arrays, metadata = read_arrays(tmp_path / "b.safetensors")
    write_arrays(tmp_path / "b.safetensors", arrays | {"labels": arrays["labels"][::-1]}, metadata)
    seal_of(tmp_path / "b.safetensors").unlink()
    check_one_line(drive(*gathering), "b.safetensors: holds other frames or labels than were recorded")
    (tmp_path / "b.safetensors").unlink()
    check_one_line(drive(*gathering), "b.safetensors: there is no such file")
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("name", ["b", "v"])
def test_frames_of_another_task_are_named(drive, gathering, tmp_path, name):
    save_frames(tmp_path / f"{name}.safetensors", 60, 1, shape=(3, 72, 72))
    check_one_line(drive(*gathering), f"{name}.safetensors", "(3, 72, 72)", "(2, 84, 84)")
    assert not (tmp_path / "x.safetensors").exists()


# --- expert and assess ------------------------------------------------------------------------------------------------


def test_the_experts_returns_are_written(drive, settings, tmp_path):
    assert drive("expert", "--count", 2, "--output", tmp_path / "expert.csv").exit_code == 0
    found = EXPERT_RETURNS.read(tmp_path / "expert.csv")
    assert found.track.tolist() == list(demonstrations.tracks("returns", 2))
    driver = ExpertDriver(settings.driving)
    expected = [returned(driver, None, settings.driving, track) for track in found.track]
    assert found.expert_return.tolist() == [round(reward, 8) for reward in expected]


@pytest.fixture
def assessed(drive, driver, tmp_path):
    """Assess the driver; options may be replaced."""
    everything = {name: save_frames(tmp_path / "frames.safetensors", 30, seed) for seed, name in enumerate("abc")}
    data = dict(zip(splits.SPLITS, everything.values(), strict=True))
    discard(tmp_path / "frames.safetensors")
    splits.save(tmp_path / "car.safetensors", data, {})
    expert = pandas.DataFrame({"track": [9, 7, 8], "expert_return": [90.0, 70.0, 80.0]})
    write_table(tmp_path / "expert.csv", expert)

    def assess(**changes):
        options = {
            **{"task": "car", "sparsity": 60, "origin": "random", "search": "greedy", "seed": 4, "count": 2},
            "network": tmp_path / "driver.safetensors",
            **{"data": tmp_path / "car.safetensors", "expert": tmp_path / "expert.csv"},
            **{"returns": tmp_path / "returns.csv", "confusion": tmp_path / "confusion.csv"},
            **changes,
        }
        return drive("assess", *(part for name, value in options.items() for part in (f"--{name}", value)))

    return assess, data


def test_a_network_is_assessed_on_the_first_of_the_experts_tracks(assessed, driver, settings, tmp_path):
    assess, data = assessed
    assert assess().exit_code == 0
    keys = {"task": "car", "sparsity": 60.0, "origin": "random", "search": "greedy", "seed": 4}
    found = RETURNS.read(tmp_path / "returns.csv", **keys)
    assert tuple(read_table(tmp_path / "returns.csv").columns) == RETURNS.columns
    rewards = [returned(NetworkDriver(driver), settings.dataset("car"), settings.driving, track) for track in (9, 7)]
    assert found[list(RETURNS.measured)].to_numpy().tolist() == [
        [9, round(rewards[0], 8), 90],
        [7, round(rewards[1], 8), 70],
    ]
    counted = CONFUSION.read(tmp_path / "confusion.csv", **keys)
    expected = assessments.confusion(driver, data).reset_index(drop=True)
    pandas.testing.assert_frame_equal(counted[list(CONFUSION.measured)], expected)
    assert tuple(read_table(tmp_path / "confusion.csv").columns) == CONFUSION.columns


def test_a_network_that_no_search_ended_with_has_an_empty_search(assessed, tmp_path):
    assess, _ = assessed
    assert assess(search="", origin="psiren").exit_code == 0
    for table, name in ((RETURNS, "returns"), (CONFUSION, "confusion")):
        found = table.read(tmp_path / f"{name}.csv", search="", origin="psiren")
        assert {*found.search} == {*table.read(tmp_path / f"{name}.csv").search} == {""}


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"task": "car-rgb"}, ("driver.safetensors: belongs to another architecture",)),
        ({"task": "carr"}, ("unknown task 'carr' (did you mean 'car'?)",)),
        ({"data": "absent.safetensors"}, ("absent.safetensors: there is no such file",)),
        ({"expert": "absent.csv"}, ("absent.csv: there is no such file",)),
        ({"count": 4}, ("expert.csv", "3", "4")),
    ],
)
def test_an_assessment_that_cannot_work_is_one_line(assessed, tmp_path, changes, messages):
    check_one_line(assessed[0](**changes), *messages)
    assert outputs(tmp_path) == {"car.safetensors", "expert.csv"}


def test_a_table_of_something_else_than_the_expert_is_named(assessed, tmp_path):
    write_table(tmp_path / "expert.csv", pandas.DataFrame({"track": [1]}))
    check_one_line(assessed[0](), "expert.csv: lacks the column 'expert_return'")
    write_table(tmp_path / "expert.csv", pandas.DataFrame({"track": [0.5], "expert_return": [1.0]}))
    check_one_line(assessed[0](count=1), "track")
    assert outputs(tmp_path) == {"car.safetensors", "expert.csv"}


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(tmp_path):
    """Returns and confusions of four networks, a file each, in no order."""
    paths = {"returns": [], "confusions": []}
    for place, (sparsity, seed) in enumerate([(90.0, 1), (50.0, 0), (90.0, 0), (50.0, 1)]):
        values = {"task": "car", "sparsity": sparsity, "origin": "psiren", "search": "", "seed": seed}
        driven = [{**values, "track": track, "return": 10.5 * track, "expert_return": 800.0} for track in (2, 1)]
        counted = [
            {**values, "split": split, "label": label, "prediction": prediction, "frames": 1 + label + 3 * prediction}
            for split in ("validation", "test")
            for label, prediction in np.ndindex(3, 3)
        ]
        for kind, table in (("returns", driven), ("confusions", counted)):
            path = tmp_path / f"{kind}{place}.csv"
            write_table(path, pandas.DataFrame(table))
            paths[kind].append(path)
    return paths


def test_rows_of_networks_are_gathered_by_sparsity_and_seed(rows, tmp_path):
    orders = {"returns": RETURNS.by, "confusions": CONFUSION.by}
    for kind, order in orders.items():
        output = tmp_path / "all.csv"
        assert run("driving", kind, *rows[kind], "--output", output).exit_code == 0
        found, *parts = (read_table(path, text=("search",)) for path in (output, *rows[kind]))
        expected = pandas.concat(parts)
        assert found[list(order)].apply(tuple, axis=1).is_monotonic_increasing
        assert {"sparsity", "seed"} < {*order}
        assert sorted(map(tuple, found.to_numpy())) == sorted(map(tuple, expected.to_numpy()))
        output.unlink()


def test_a_row_of_another_table_is_named(rows, tmp_path):
    result = run("driving", "returns", rows["confusions"][0], "--output", tmp_path / "all.csv")
    check_one_line(result, "confusions0.csv: lacks the column 'track'")
    result = run("driving", "confusions", rows["returns"][0], "--output", tmp_path / "all.csv")
    check_one_line(result, "returns0.csv: lacks the column 'label'")
    assert not (tmp_path / "all.csv").exists()


# --- video ------------------------------------------------------------------------------------------------------------


def test_a_video_is_written_and_its_return_told(drive, driver, settings, tmp_path):
    files = ("--network", tmp_path / "driver.safetensors", "--output", tmp_path / "drive.mp4")
    result = drive("video", "--task", "car", "--title", "60 % sparse", *files)
    first = demonstrations.tracks("returns", 1)[0]
    reward = returned(NetworkDriver(driver), settings.dataset("car"), settings.driving, first)
    assert (result.exit_code, result.stderr) == (0, f"track {first}: return {reward:.1f}\n")
    assert outputs(tmp_path) == {"drive.mp4"}
    with av.open(str(tmp_path / "drive.mp4")) as container:
        assert len([*container.decode(video=0)]) == 20
        assert container.metadata["title"] == "60 % sparse"
        recorded = json.loads(container.metadata["comment"])
    assert ([*recorded["inputs"]], recorded["track"]) == (["driver.safetensors"], first)
    other = drive("video", "--task", "car", "--title", "60 % sparse", "--track", 7, *files)
    assert other.stderr.startswith("track 7: return ")


def test_a_video_that_cannot_be_made_leaves_nothing(drive, driver, tmp_path, monkeypatch):
    files = ("--network", tmp_path / "driver.safetensors", "--output", tmp_path / "drive.mp4")
    arguments = ("video", "--title", "60 % sparse", *files)
    check_one_line(drive(*arguments, "--task", "car-rgb"), "driver.safetensors: belongs to another architecture")
    with monkeypatch.context() as patch:
        patch.setattr(av.codec, "Codec", lambda name, mode: (_ for _ in ()).throw(ValueError(name)))
        result = drive(*arguments, "--task", "car")
    check_one_line(result, "video: no H.264 encoder (libx264); install one: pip install 'aann[driving]'")
    assert outputs(tmp_path) == set()


def test_a_video_of_a_track_below_zero_is_refused(drive, driver, tmp_path):
    files = ("--network", tmp_path / "driver.safetensors", "--output", tmp_path / "drive.mp4")
    result = drive("video", "--title", "x", *files, "--task", "car", "--track", -1)
    assert result.exit_code in (1, 2)
    assert "track" in result.stderr
    assert outputs(tmp_path) == set()


# --- figures ----------------------------------------------------------------------------------------------------------


OF_PSIREN = {"task": "car", "origin": "psiren", "search": ""}


@pytest.fixture
def gathered(rows, tmp_path):
    """The tables of all networks."""
    for kind, paths in rows.items():
        assert run("driving", kind, *paths, "--output", tmp_path / f"{kind}.csv").exit_code == 0
    return tmp_path / "confusions.csv", tmp_path / "returns.csv"


def test_figure_2b_is_drawn_from_its_tables(gathered, tmp_path):
    confusions, returns = gathered
    inputs = [("confusions", confusions, OF_PSIREN), ("returns", returns, OF_PSIREN)]
    assert draw("driving", inputs, tmp_path / "figures/figure_2b.png").exit_code == 0
    assert shown(tmp_path / "figures") == {f"figure_2b.{ending}" for ending in ("pdf", "png", "csv")}
    table = read_table(tmp_path / "figures/figure_2b.csv")
    right, counts = [1 + 4 * label for label in range(3)], [[1 + k + 3 * p for p in range(3)] for k in range(3)]
    assert len(table) == 4
    assert {*table.test_correct} == {sum(right)}
    assert {*table.test_images} == {np.sum(counts)}
    assert {*table["return"]} == {(10.5 + 21) / 2}


def test_figure_2b_names_a_table_of_something_else(gathered, tmp_path):
    confusions, returns = gathered
    output = tmp_path / "figures/figure_2b.png"
    for files, problem in (
        ((returns, returns), "returns.csv: lacks the column 'label'"),
        ((confusions, tmp_path / "absent.csv"), "absent.csv: there is no such file"),
    ):
        inputs = [(role, path, OF_PSIREN) for role, path in zip(("confusions", "returns"), files, strict=True)]
        check_one_line(draw("driving", inputs, output), problem)
    inputs = [("confusions", confusions, OF_PSIREN), ("returns", returns, OF_PSIREN | {"task": "car-rgb"})]
    check_one_line(draw("driving", inputs, output), "returns.csv: its column 'task' holds 'car', expected 'car-rgb'")
    assert not (tmp_path / "figures").exists()


@pytest.fixture
def of_drives(rows, tmp_path):
    """Inputs of Figure 8b: two seeds of a climb, backpropagation and a search, and the returns of three networks."""
    steps = np.arange(5)
    trace = pandas.DataFrame(
        {
            **{"neighborhood": steps, "evaluations": 100 * steps, "from_index": steps, "to_index": steps},
            **{"objective": steps, "validation_correct": steps, "validation_accuracy": 0.1 * steps},
            **{"test_correct": steps, "test_accuracy": 0.1 * steps, "layer": ["", "1.0", "fc", "fc", "1.0"]},
        }
    )
    baseline = pandas.DataFrame(
        {
            **{"method": ["literal"] * 5, "step": steps, "validation_correct": steps, "test_correct": steps},
            **{"validation_accuracy": 0.05 * steps, "test_accuracy": 0.05 * steps},
        }
    )
    inputs = [("returns", path, OF_PSIREN) for path in rows["returns"][:3]]
    for seed in (0, 1):
        keys = {"task": "car", "sparsity": 80.0, "origin": "random", "seed": seed}
        for role, search in (("traces", "figure-8b"), ("searches", "greedy")):
            path = tmp_path / f"{search}{seed}.parquet"
            write_table(path, TRACE.make(trace, **keys, search=search))
            inputs.append((role, path, {**keys, "search": search}))
        write_table(tmp_path / f"baseline{seed}.parquet", BASELINE.make(baseline, **keys))
        inputs.append(("baselines", tmp_path / f"baseline{seed}.parquet", keys))
    return inputs


def test_figure_8b_is_drawn_from_its_tables(of_drives, tmp_path):
    options = {"layers": ["1.0", "fc"], "titles": {"car": "CarRacing"}}
    assert draw("drives", of_drives, tmp_path / "figures/figure_8b.png", **options).exit_code == 0
    assert shown(tmp_path / "figures") == {"figure_8b.pdf", "figure_8b.png", "figure_8b.csv"}
    table = read_table(tmp_path / "figures/figure_8b.csv")
    assert table.line.value_counts().to_dict() == {
        **{"SENSE": 10, "literal": 10, "search": 10, "drive": 3},
    }
    assert {*table["return"].dropna()} == {(10.5 + 21) / 2}


def test_figure_8b_names_a_table_of_something_else(of_drives, rows, tmp_path):
    output = tmp_path / "figures/figure_8b.png"
    for role, path, problem in (
        ("returns", rows["confusions"][0], "confusions0.csv: lacks the column 'track'"),
        ("searches", tmp_path / "baseline0.parquet", "baseline0.parquet: lacks the column"),
    ):
        check_one_line(draw("drives", [*of_drives, (role, path, {})], output, layers=["1.0", "fc"]), problem)
    assert not (tmp_path / "figures").exists()


def test_the_expert_drives_where_dev_shm_is_read_only(configured, root, tmp_path):
    mounts = ["unshare", "--mount", "sh", "-c", 'mount -o remount,ro,bind /dev/shm && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*mounts, "true"], capture_output=True, check=False).returncode:
        lacks("makes /dev/shm read-only, which needs root on Linux")
    command = [sys.executable, "-m", "aann", "driving", "expert", "--count", "2", "--threads", "2"]
    command += ["--configfile", configured, "--output"]
    said = []
    for before, name in ((mounts, "alone.csv"), ([], "together.csv")):
        result = subprocess.run(
            [*before, *command, tmp_path / name],
            env=os.environ | {"PYTHONPATH": str(root / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        said.append(result.stderr)
    assert said[0].startswith("warning: one process drives in place of 2, since others need semaphores (Read-only file")
    assert [text.count("\n") for text in said] == [1, 0]
    assert (tmp_path / "alone.csv").read_bytes() == (tmp_path / "together.csv").read_bytes()
