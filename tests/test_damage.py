"""Damage to every kind of intermediate is named by the command that reads it, before it writes anything."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import yaml
from commands import check_one_line, run, shown

from aann import checkpoints, tables
from aann.artifacts import read_table
from aann.commands import options
from aann.errors import InputError

LAYERS = [{"type": "dense", "name": "1.0", "units": 8}, {"type": "dense", "name": "fc", "units": 10}]
DRIVER = [
    {"type": "convolution", "name": "1.0", "filters": 2, "kernel": 7, "stride": 4, "pool": 4},
    {"type": "dense", "name": "fc", "units": 3},
]
TSNE = {"perplexity": 5, "max_iter": 250}
EPOCH = {"epochs": 1, "last_layer_epochs": 0}
EMBEDDED = {"layers": ["fc"], "count": 30, "sources": 3, "seeds": [0], "clusters": [2], "tsne": TSNE}
FEW = {"connections": 5, "places": 5}
RANDOM = {"task": "mnist", "sparsity": 90, "origin": "random"}
WALKED = {"start": RANDOM, "walks": ["short"]}
SETTINGS = {
    "scale": "small",
    "networks": {
        "static": {"input_shape": [1, 28, 28], "layers": LAYERS},
        "frames": {"input_shape": [2, 84, 84], "input_scale": 51, "signed": True, "layers": DRIVER},
    },
    "tasks": {
        "mnist": {"dataset": "digits", "network": "static"},
        "car": {"dataset": "driving", "network": "frames"},
    },
    "datasets": {
        "digits": {"kind": "digits", "validation_images": 100, "test_images": 100},
        "driving": {"kind": "driving", "sees": "two-frames"},
    },
    "psiren": {"precision": "float32", "dense": {"epochs": 1}, "sparsify": {"epochs": 1}, "binary": EPOCH},
    "embeddings": {"mnist": EMBEDDED | {"isomap": {"n_neighbors": 10}, "lle": {"n_neighbors": 10}}},
    "sense": {
        "searches": {
            "short": {
                "layers": {"names": ["1.0", "fc"]},
                "neighbors": {"1.0": 5, "fc": 5},
                "budget": {"evaluations": 60},
            }
        },
        "backpropagation": {"steps": 4, "records": 2},
        "climb": {"task": "mnist", "neighbors": 6, "tsne": TSNE},
        "selection": {"task": "mnist", "neighbors": [6], "images": 50},
    },
    "families": {
        "walks": {
            "short": {
                **{"tolerance": 10, "loan": 10, "layers": {"all": FEW}, "repairs": ["fc"]},
                "budget": {"evaluations": 200},
            }
        },
        "groups": {
            "two": {
                "task": "mnist",
                "sets": {"starts": [{"start": RANDOM, "seeds": "first"}], "ends": [{**WALKED, "seeds": "first"}]},
            }
        },
        "paths": {
            "away": {"start": {"start": RANDOM}, "end": {"start": RANDOM, "walk": "short"}, "layers": {"all": {}}}
        },
        "transfers": {
            "turned": {
                "starts": {"one": {"start": RANDOM, "shuffled": True}},
                **{"to": "mnist", "rotation": {"least": 30, "most": 60}, "searches": ["short"]},
            }
        },
    },
    "driving": {"steps": 20, "sparsity": 60, "psiren": {"batch_size": 8, "precision": "float32", "binary": EPOCH}},
}
SAMPLE = {"table": "accuracies.csv", "column": "test_correct", "of": "test_images", "units": ["seed"]}
CLAIM = {
    "kind": "result",
    "statement": "It learns.",
    "source": "Section 1",
    "figure": "2a",
    "unit": "percent",
    "measure": {"statistic": "share", "samples": [SAMPLE]},
    "rule": {"kind": "at least", "value": 1},
    "expected": "reproduced",
}

SEEDED, OF_CAR, FROM_START = (
    "--task mnist --seed {seed}",
    "--task car",
    "--task mnist --seed {seed} --network small/start.safetensors --data small/data.safetensors",
)
FRAMES = "--train small/train.safetensors --validation small/validation.safetensors"
STEPS = {
    "split": "datasets split --task mnist --archives . --output {out}/data.safetensors *",
    "dense": f"psiren dense {SEEDED} --data small/data.safetensors --output {{out}}/dense.safetensors"
    " --curve {out}/dense.curve.parquet *",
    "sparsify": f"psiren sparsify {SEEDED} --data small/data.safetensors --dense small/dense.safetensors --sparsity 90"
    " --output {out}/sparse.safetensors --curve {out}/sparse.curve.parquet *",
    "network": f"psiren network {SEEDED} --data small/data.safetensors --sparse small/sparse.safetensors --sparsity 90"
    " --output {out}/network.safetensors --curve {out}/curve.parquet --accuracy {out}/accuracy.csv *",
    "accuracies": "psiren accuracies small/accuracy.csv --output {out}/accuracies.csv",
    "survey": "neighbors survey --task mnist --network small/network.safetensors --data small/data.safetensors"
    " --layer fc --amount 90 --seed {seed} --sparsity 90 --output {out}/neighbors.parquet --best {out}/best.parquet"
    " --histogram {out}/histogram.csv --summary {out}/summary.csv",
    "surveys": "neighbors summaries small/summary.csv --output {out}/surveys.csv",
    "embed": "embeddings embed --task mnist --layer fc --neighbors small/neighbors.parquet --summary small/summary.csv"
    " --points {out}/points.parquet --statistics {out}/statistics.csv *",
    "clustering": "embeddings clustering small/statistics.csv --output {out}/clustering.csv",
    "start": f"sense start {SEEDED} --sparsity 90 --output {{out}}/start.safetensors *",
    "search": f"sense search {FROM_START} --search short --sparsity 90 --origin random --trace {{out}}/trace.parquet"
    " --output {out}/found.safetensors --outcome {out}/outcome.csv *",
    "outcomes": "sense outcomes small/outcome.csv --output {out}/improvement.csv",
    "backpropagation": f"sense backpropagation {FROM_START} --sparsity 90 --origin random"
    " --output {out}/baseline.parquet *",
    "climb": f"sense climb {FROM_START} --sparsity 90 --output {{out}}/climb.parquet *",
    "selection": f"sense selection {FROM_START} --sparsity 90 --output {{out}}/selection.parquet *",
    "walk": f"families walk {FROM_START} --walk short --sparsity 90 --origin random --table {{out}}/walk.parquet"
    " --output {out}/walked.safetensors *",
    "compare": "families compare --group two --task mnist --data small/data.safetensors --pairs {out}/pairs.csv"
    " --ensembles {out}/ensembles.csv small/start.safetensors small/walked.safetensors *",
    "path": "families path --path away --start small/start.safetensors --end small/walked.safetensors"
    " --data small/data.safetensors --output {out}/path.parquet *",
    "transfer": "families transfer --transfer turned --seed {seed} --data small/data.safetensors"
    " --output {out}/transfer.csv small/start.safetensors *",
    "train": f"driving demonstrate {OF_CAR} --kind train --count 2 --output {{out}}/train.safetensors *",
    "validation": f"driving demonstrate {OF_CAR} --kind validation --count 1 --output {{out}}/validation.safetensors *",
    "driver": f"driving driver {OF_CAR} {FRAMES} --output {{out}}/driver.safetensors *",
    "round": f"driving demonstrate {OF_CAR} --kind round1 --count 1 --driver small/driver.safetensors"
    " --output {out}/round.safetensors *",
    "frames": f"driving split {OF_CAR} {FRAMES} --test small/round.safetensors --output {{out}}/car.safetensors *",
    "expert": "driving expert --count 1 --output {out}/expert.csv *",
    "assess": f"driving assess {OF_CAR} --seed {{seed}} --sparsity 60 --origin psiren"
    " --network small/driver.safetensors --data small/car.safetensors --expert small/expert.csv --count 1"
    " --returns {out}/return.csv --confusion {out}/confusion.csv *",
    "returns": "driving returns small/return.csv --output {out}/returns.csv",
    "confusions": "driving confusions small/confusion.csv --output {out}/confusions.csv",
    "video": f"driving video {OF_CAR} --network small/driver.safetensors --title x"
    " --output {out}/figures/video.mp4 *",
    "figure 2a": "{draw} --output {out}/figures/figure_2a.png",
    "claims": "claims judge --claims claims.yaml --results small --output {out}/claims/claims.json *",
}
"""How the stages make their files, by hand; `*` stands for the settings."""

DRAWN_BY_HAND = ("2b", "3", "4", "5", "8a", "8b", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")
READERS = STEPS | {
    **{f"figure {name}": "{draw} --output {out}/x.png" for name in DRAWN_BY_HAND},
    "film": "{draw} --output {out}/x.mp4",
    "check": "claims check small/claims/claims.json",
    "page": "report page --notebook report.ipynb --template page.html.j2 --results small --output {out}/page.html"
    " --contents {contents} *",
    "pack": "release pack small/figures/figure_2a.png --results small --network small/found.safetensors"
    " --output {out}/release",
}
"""What reads the files: the stages, and what draws, judges and ships."""

READ = {
    "data.safetensors": (
        *("dense", "survey", "search", "backpropagation", "climb", "selection"),
        *("walk", "compare", "path", "transfer"),
    ),
    "dense.safetensors": ("sparsify",),
    "sparse.safetensors": ("network",),
    "network.safetensors": ("survey",),
    "accuracy.csv": ("accuracies",),
    "accuracies.csv": ("figure 2a", "figure s8", "claims", "pack"),
    "accuracies.csv.provenance.json": ("pack",),
    "neighbors.parquet": ("embed",),
    "summary.csv": ("surveys", "embed"),
    "histogram.csv": ("figure 3",),
    "surveys.csv": ("figure 3",),
    "points.parquet": ("figure 4",),
    "statistics.csv": ("clustering",),
    "start.safetensors": ("search", "backpropagation", "climb", "selection", "walk", "compare", "path", "transfer"),
    "trace.parquet": ("figure 8a", "figure 8b", "figure s1"),
    "found.safetensors": ("pack",),
    "outcome.csv": ("outcomes",),
    "improvement.csv": ("figure s2",),
    "baseline.parquet": ("figure 8a", "figure 8b"),
    "climb.parquet": ("figure 5",),
    "selection.parquet": ("figure s3",),
    "walked.safetensors": ("compare", "path"),
    "walk.parquet": ("figure s4",),
    "pairs.csv": ("figure s5",),
    "ensembles.csv": ("figure s5", "figure s7"),
    "path.parquet": ("figure s6",),
    "transfer.csv": ("figure s8",),
    "train.safetensors": ("driver", "frames"),
    "validation.safetensors": ("driver", "frames"),
    "round.safetensors": ("frames",),
    "driver.safetensors": ("round", "assess", "video", "film"),
    "car.safetensors": ("assess",),
    "expert.csv": ("assess",),
    "return.csv": ("returns", "figure 8b"),
    "confusion.csv": ("confusions",),
    "returns.csv": ("figure 2b",),
    "confusions.csv": ("figure 2b",),
    "figures/figure_2a.png": ("page", "pack"),
    "figures/figure_2a.csv": ("page",),
    "figures/video.mp4": ("page",),
    "claims/claims.json": ("check", "page"),
}
"""Every kind of file, and all that reads it."""

LAYERED = {"layers": ["1.0", "fc"]}
DRAWN = {
    "figure 2a": ("sparsity", {"accuracies": "accuracies.csv"}, {}),
    "figure 2b": ("driving", {"confusions": "confusions.csv", "returns": "returns.csv"}, {}),
    "figure 3": ("histograms", {"surveys": "surveys.csv", "histograms": "histogram.csv"}, {"seed": 0}),
    "figure 4": ("embedding", {"points": "points.parquet"}, {"sampling": "sources", "panels": [["fc", "tsne", "top"]]}),
    "figure 5": ("path", {"climbs": "climb.parquet"}, {}),
    "figure 8a": ("climbs", {"traces": "trace.parquet", "baselines": "baseline.parquet"}, LAYERED),
    "figure 8b": (
        "drives",
        {
            **{"traces": "trace.parquet", "baselines": "baseline.parquet", "searches": "trace.parquet"},
            "returns": "return.csv",
        },
        LAYERED,
    ),
    "figure s1": ("comparison", {"traces": "trace.parquet"}, {"marks": [], "titles": {"mnist": "x"}}),
    "figure s2": ("improvement", {"outcomes": "improvement.csv"}, {"titles": {"mnist": "x"}}),
    "figure s3": ("selection", {"selections": "selection.parquet"}, {"paper": 3}),
    "figure s4": ("walks", {"walks": "walk.parquet"}, {"titles": {"mnist": "x"}}),
    "figure s5": ("members", {"pairs": "pairs.csv", "ensembles": "ensembles.csv"}, {}),
    "figure s6": ("paths", {"routes": "path.parquet"}, {}),
    "figure s7": ("ensembles", {"ensembles": "ensembles.csv"}, {}),
    "figure s8": (
        "transfers",
        {"transfers": "transfer.csv", "trained": "accuracies.csv"},
        {"panels": {"turned": "x"}},
    ),
    "film": ("video", {"network": "driver.safetensors"}, {"task": "car", "settings": SETTINGS}),
}
"""What figures are drawn from, by role, and how they look."""

SHOWN = {
    name: {"kind": name, "shows": "x", "title": "x", "options": {}, "files": files}
    for name, files in {
        "sparsity": {ending: f"figures/figure_2a.{ending}" for ending in ("png", "csv")},
        "video": {"mp4": "figures/video.mp4"},
    }.items()
}
"""The figures of the page."""

VERSIONS = {
    "current": (0, {}),
    "another seed": (1, {"datasets": {"digits": {"seed": 1}}, "driving": {"seed": 1}}),
    "an older version": (
        0,
        {"networks": {"static": {"layers": [LAYERS[0] | {"units": 9}, LAYERS[1]]}}, "driving": {"steps": 24}},
    ),
}


def do(step, out, seed=0):
    values = {"out": out, "seed": seed, "contents": compact({"figures": SHOWN})}
    if step in DRAWN:
        kind, inputs, options = DRAWN[step]
        given = [{"role": role, "path": path} for role, path in inputs.items()]
        plan = {"kind": kind, "title": "x", "inputs": given, "options": options}
        values["draw"] = f"figures draw x --results small --plan {compact(plan)}"
    command = READERS[step].format(**values).replace("*", "--configfile settings.yaml --configfile more.yaml")
    return run(*command.split())


def compact(value):
    """Return JSON without blanks."""
    return json.dumps(value, separators=(",", ":"))


def build(version):
    """Make all files in ``small``, below the current folder."""
    seed, changes = VERSIONS[version]
    Path("more.yaml").write_text(json.dumps(changes))
    for step in STEPS:
        result = do(step, "small", seed)
        assert result.exit_code == 0, (step, result.output)
    shutil.copytree("small", version)


@pytest.fixture(scope="session")
def built(root, tmp_path_factory):
    """A folder with the files in ``small``, which took the place of other versions, and with copies of all versions."""
    folder = tmp_path_factory.mktemp("damage")
    with contextlib.chdir(folder):
        Path("settings.yaml").write_text(json.dumps(SETTINGS))
        Path("claims.yaml").write_text(yaml.safe_dump({"claims": {"learns": CLAIM}}))
        for name in ("report.ipynb", "page.html.j2"):
            shutil.copy(root / "workflow/notebooks" / name, name)
        for version in reversed(VERSIONS):
            build(version)
    return folder


@pytest.fixture
def damage(built, monkeypatch):
    """Give a file below ``small`` another content for one test."""
    monkeypatch.chdir(built)
    damaged = []

    def put(name, how):
        path = Path("small", name)
        damaged.append(name)
        if how in VERSIONS:
            assert path.read_bytes() != Path(how, name).read_bytes()
            shutil.copy2(Path(how, name), path)
        else:
            change(path, how)

    yield put
    for name in damaged:
        shutil.copy2(Path("current", name), Path("small", name))


def flip(ending, content):
    """Return content of which one bit differs: of its last digit, if it is text that would still be read."""
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    place = places[-1] if ending in (".csv", ".json") else len(content) // 2
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "truncated": lambda _, content: content[: len(content) // 2],
    "a byte short": lambda _, content: content[:-1],
    "a bit flipped": flip,
    "empty": lambda *_: b"",
}


CASES = [(name, how) for name in READ for how in (*DAMAGES, "another seed", "an older version")]
CASES.remove(("expert.csv", "another seed"))  # the expert has no seed


@pytest.mark.parametrize(("name", "how"), CASES)
def test_a_damaged_file_is_named_by_all_that_read_it_and_nothing_is_made(damage, tmp_path, name, how):
    damage(name, how)
    for reader in READ[name]:
        check_one_line(do(reader, tmp_path), f"small/{name}: is not what was written there", "delete it and run again")
        assert list(tmp_path.iterdir()) == [], reader


# --- keys -------------------------------------------------------------------------------------------------------------

NETWORK = {"task": "mnist", "sparsity": 90}
CLIMBED = NETWORK | {"origin": "random", "search": "short"}
DRIVEN = {"task": "car", "sparsity": 60, "origin": "psiren", "search": ""}
HELD = {
    "accuracy.csv": (tables.ACCURACY, NETWORK),
    "accuracies.csv": (tables.ACCURACY, NETWORK),
    "neighbors.parquet": (tables.NEIGHBORS, {}),
    "best.parquet": (tables.NEIGHBORS, {}),
    "histogram.csv": (tables.HISTOGRAM, NETWORK | {"layer": "fc"}),
    "summary.csv": (tables.SURVEY, NETWORK | {"layer": "fc"}),
    "surveys.csv": (tables.SURVEY, NETWORK | {"layer": "fc"}),
    "points.parquet": (tables.POINTS, NETWORK | {"layer": "fc"}),
    "statistics.csv": (tables.CLUSTERING, NETWORK | {"layer": "fc"}),
    "clustering.csv": (tables.CLUSTERING, NETWORK | {"layer": "fc"}),
    "trace.parquet": (tables.TRACE, CLIMBED),
    "outcome.csv": (tables.OUTCOME, CLIMBED),
    "improvement.csv": (tables.OUTCOME, CLIMBED),
    "baseline.parquet": (tables.BASELINE, NETWORK | {"origin": "random"}),
    "climb.parquet": (tables.CLIMB, NETWORK),
    "selection.parquet": (tables.SELECTION, NETWORK),
    "walk.parquet": (tables.WALK, NETWORK | {"origin": "random", "search": "", "walk": "short"}),
    "pairs.csv": (tables.PAIR, {"task": "mnist", "group": "two"}),
    "ensembles.csv": (tables.ENSEMBLE, {"task": "mnist", "group": "two"}),
    "path.parquet": (tables.ROUTE, {"task": "mnist", "route": "away"}),
    "transfer.csv": (tables.TRANSFER, {"task": "mnist", "to": "mnist", "transfer": "turned"}),
    "expert.csv": (tables.EXPERT_RETURNS, {}),
    "return.csv": (tables.RETURNS, DRIVEN),
    "returns.csv": (tables.RETURNS, DRIVEN),
    "confusion.csv": (tables.CONFUSION, DRIVEN),
    "confusions.csv": (tables.CONFUSION, DRIVEN),
}
"""Every table, what it is, and what its keys are besides the seed."""


def test_every_table_is_known(built):
    made = {name for name in shown(built / "small") if name.endswith((".csv", ".parquet"))}
    assert made - {"curve.parquet", "dense.curve.parquet", "sparse.curve.parquet"} == {*HELD}


@pytest.mark.parametrize(("folder", "seed"), [("current", 0), ("another seed", 1)])
@pytest.mark.parametrize("name", HELD)
def test_a_table_has_all_keys_of_what_its_rows_are_about(built, name, folder, seed):
    table, keys = HELD[name]
    path = built / folder / name
    if "seed" in table.keys:
        keys = keys | {"seed": seed}
    assert tuple(read_table(path).columns) == table.columns
    found = table.read(path, **keys)
    assert len(found)
    assert {*table.keys} - {*keys} <= {"split", "sampling", "method", "space"}
    for key, value in keys.items():
        with pytest.raises(InputError, match=f"its column '{key}' holds"):
            table.read(path, **{key: f"not {value}" if key in table.text else value + 1})


# --- interrupted work -------------------------------------------------------------------------------------------------


def stop(step, out, last):
    """Run a step whose last output cannot be written, so that unfinished work stays beside the output."""
    (out / last).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(options, "require_no_folder", lambda *given: None)  # as if the folder came during the work
        result = do(step, out)
    assert (result.exit_code, f"{last}: could not be written" in result.stderr) == (1, True)
    (out / last).rmdir()


def check_made(step, out, name):
    """Check that a step makes what it makes undisturbed, and leaves nothing else behind."""
    assert do(step, out).exit_code == 0
    assert (out / name).read_bytes() == Path("small", name).read_bytes()
    assert shown(out) <= shown("small")


def change(path, how):
    before = path.read_bytes()
    path.write_bytes(DAMAGES[how](path.suffix, before))
    assert path.read_bytes() != before


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize(
    ("step", "last", "name"), [("survey", "summary.csv", "neighbors.parquet"), ("train",) + ("train.safetensors",) * 2]
)
def test_damaged_parts_are_made_anew(built, tmp_path, monkeypatch, step, last, name, how):
    monkeypatch.chdir(built)
    stop(step, tmp_path, last)
    change(next((tmp_path / f"{name}.parts").glob("[!.]*")), how)
    check_made(step, tmp_path, name)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_without_it_the_search_starts_anew(built, tmp_path, monkeypatch, how):
    monkeypatch.chdir(built)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", -1.0)
    stop("search", tmp_path, "outcome.csv")
    checkpoint = tmp_path / "trace.checkpoint.safetensors"
    change(checkpoint, how)
    check_one_line(do("search", tmp_path), f"{checkpoint}: is not what was written there", "delete it and run again")
    assert "trace.parquet" not in shown(tmp_path)
    checkpoint.unlink()
    check_made("search", tmp_path, "trace.parquet")
