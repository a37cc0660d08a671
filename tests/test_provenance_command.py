import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from commands import run
from made_up import ARCHIVE, DATA, FIGURE, NETWORK, ROW, SCALE, TABLE, make_results

from aann.artifacts import seal_of, write_arrays, write_table
from aann.cli import main
from aann.errors import InputError
from aann.lineage import provenance, records
from aann.lineage import trace as lineage


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def results(tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    make_results(network)
    return tmp_path


def traced(path, *more):
    result = run("provenance", path, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("ending", ["png", "csv", "pdf"])
def test_a_figure_goes_back_to_the_archives_with_hashes_settings_and_seeds(results, ending):
    path = FIGURE.replace("png", ending)
    found = traced(path)
    assert found["problems"] == []
    assert list(found["files"]) == [
        *(path, TABLE, ROW, DATA, ARCHIVE),
        ROW.replace("seed0", "seed1"),
    ]
    assert all(file["sha256"] == digest(name) for name, file in found["files"].items())
    assert found["files"][path]["record"] == FIGURE
    assert found["files"][path]["provenance"]["title"] == "MNIST"
    row = found["files"][ROW]
    assert (row["record"], row["provenance"]["seed"], row["provenance"]["settings"]) == (NETWORK, 0, SCALE)
    assert row["provenance"]["code"] == provenance.code_fingerprint("aann.psiren.jobs")
    assert row["provenance"]["versions"] == provenance.versions()
    assert row["inputs"] == [{"recorded": DATA, "sha256": digest(DATA), "path": DATA, "state": "same"}]
    assert (found["files"][ARCHIVE]["record"], found["files"][ARCHIVE]["inputs"]) == (None, [])


def test_times_are_those_of_the_benchmark_of_the_job(results):
    files = traced(TABLE)["files"]
    assert files[ROW]["seconds"] == 54.321
    assert files[ROW]["made"] == "2026-11-18T11:06:40+00:00"
    assert (files[DATA]["made"], files[DATA]["seconds"]) == (None, None)


def test_the_text_is_a_tree_that_follows_each_file_once_and_ends_with_what_they_share(results):
    text = run("provenance", FIGURE).stdout
    tree, settings, versions = text.split("\n\n")
    lines = tree.splitlines()
    assert lines[0].startswith(f"{FIGURE}  [{digest(FIGURE)[:12]}], aann.figures.sparsity (code ")
    assert [line.split("  [")[0] for line in lines[1:]] == [
        f"└─ {TABLE}",
        f"   ├─ {ROW}",
        f"   │  └─ {DATA}",
        f"   │     └─ {ARCHIVE}",
        f"   └─ {ROW.replace('seed0', 'seed1')}",
        f"      └─ {DATA}",
    ]
    assert lines[2].endswith("seed 0, sparsity 90.0, settings 1, versions 1, 2026-11-18T11:06:40+00:00 in 54.3 s")
    assert lines[4].endswith("a source: nothing recorded what it came from")
    assert lines[6].endswith("as above")
    assert settings == "Settings 1\n  {scale: small}"
    assert versions == "Versions 1\n  " + ", ".join(map(" ".join, sorted(provenance.versions().items()))) + "\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_letters_shows_question_marks(results, encoding):
    result = CliRunner(charset=encoding).invoke(main, ["provenance", FIGURE])
    assert result.exit_code == 0, result.exception
    assert result.stdout.splitlines()[1].startswith(f"?? {TABLE}")


def test_a_file_that_was_changed_after_it_was_used_is_named(results):
    with Path(ROW).open("a") as file:
        file.write("\n")
    problem = f"{ROW}: was changed after it was used; its hash differs from what {TABLE}.provenance.json recorded"
    unsealed = f"{ROW}: was changed after it was made; its hash differs from that of its seal"
    assert traced(FIGURE)["problems"] == [problem, unsealed]
    text = run("provenance", FIGURE).stdout
    assert problem in text.split("What does not fit")[1]
    assert [line.split("  [")[0] for line in text.splitlines() if "CHANGED" in line] == [f"   ├─ {ROW}"]


def test_a_table_that_was_changed_after_it_was_made_is_named_by_the_record_beside_it(results):
    with Path(TABLE).open("a") as file:
        file.write("90,5,1,1,1,1,1,1\n")
    assert traced(TABLE)["problems"] == [
        f"{TABLE}: was changed after it was made; its hash differs from what {TABLE}.provenance.json recorded"
    ]


def test_an_input_that_moved_is_found_by_its_hash_and_one_that_is_gone_is_named(results):
    moved = Path("results/small/elsewhere")
    moved.mkdir()
    shutil.move(DATA, moved / "mnist.safetensors")
    found = traced(NETWORK)
    assert found["problems"] == []
    assert found["files"][NETWORK]["inputs"][0]["path"] == str(moved / "mnist.safetensors")
    assert found["files"][NETWORK]["inputs"][0]["state"] == "moved"
    (moved / "mnist.safetensors").rename(moved / "renamed.safetensors")
    assert traced(NETWORK)["files"][NETWORK]["inputs"][0]["path"] == str(moved / "renamed.safetensors")
    (moved / "renamed.safetensors").unlink()
    assert traced(NETWORK)["problems"] == [f"{DATA}: is an input of {NETWORK} and is missing; no file has its content"]
    assert f"└─ {DATA}  [" in run("provenance", NETWORK).stdout


def test_another_file_of_the_same_content_and_name_takes_the_place_of_a_changed_one(results):
    Path("results/small/copy").mkdir()
    shutil.copy(ROW, "results/small/copy")
    Path(ROW).write_text("x\n")
    found = traced(TABLE)
    assert found["files"][TABLE]["inputs"][0]["path"] == "results/small/copy/seed0.accuracy.csv"
    assert found["problems"] == []


def test_it_works_from_anywhere_and_by_a_given_folder(results, monkeypatch):
    monkeypatch.chdir("/")
    found = traced(results / FIGURE)
    assert found["problems"] == []
    assert found["files"][str((results / ARCHIVE).relative_to("/"))]["record"] is None
    assert traced(results / FIGURE, "--results", results / "results/small") == found


def test_a_missing_or_damaged_file_is_one_line(results):
    missing = run("provenance", "absent.png")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)
    assert missing.stderr.startswith("error: absent.png: there is no such file")
    Path(NETWORK).write_bytes(b"")
    damaged = run("provenance", FIGURE)
    assert (damaged.exit_code, damaged.stderr.count("\n")) == (1, 1)
    assert "seed0.safetensors: cannot be read as a file of this package" in damaged.stderr


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"provenance": {"inputs": []}}'])
def test_a_record_that_holds_something_else_is_one_line(results, text):
    Path(f"{TABLE}.provenance.json").write_text(text)
    seal_of(f"{TABLE}.provenance.json").unlink()
    with pytest.raises(InputError) as error:
        records.find(Path(TABLE))
    assert str(error.value).startswith(f"{TABLE}.provenance.json: ")
    assert "\n" not in str(error.value)


def test_a_benchmark_that_holds_something_else_gives_no_seconds(results):
    Path("results/small/benchmarks/psiren/mnist/p90/seed0.jsonl").write_text("[]\n")
    assert traced(ROW)["files"][ROW]["seconds"] is None


def test_the_job_of_all_sparsities_has_one_benchmark(results):
    path = Path("results/small/psiren/mnist/sparse/p90/seed0.safetensors")
    write_arrays(path, {}, {"provenance": provenance.describe("aann.psiren.jobs", [], SCALE)})
    benchmark = Path("results/small/benchmarks/psiren/mnist/sparse/seed0.jsonl")
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text('{"s": 98.5}\n')
    assert traced(path)["files"][str(path)]["seconds"] == 98.5


def test_a_video_carries_its_own_record(results):
    av = pytest.importorskip("av")
    described = provenance.describe("aann.driving.video", [NETWORK], SCALE)
    with av.open("results/small/figures/video.mp4", "w") as container:
        container.metadata["comment"] = json.dumps(described)
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode())
    found = traced("results/small/figures/video.mp4")
    assert list(found["files"]) == ["results/small/figures/video.mp4", NETWORK, DATA, ARCHIVE]
    Path("results/small/figures/video.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"video\.mp4: cannot be read as a video of this package"):
        records.find(Path("results/small/figures/video.mp4"))


def test_the_folder_of_a_scale_is_known_by_what_it_holds(results):
    assert lineage.results_of(Path(NETWORK)) == results / "results/small"
    shutil.rmtree("results/small/benchmarks")
    for path in (FIGURE, NETWORK, DATA):
        assert lineage.results_of(Path(path)) == results / "results/small"
    assert lineage.results_of(results / "alone.csv") == results


def test_scales_are_those_of_all_settings_on_the_way(results, network):
    assert lineage.scales([Path(FIGURE), Path(ARCHIVE)], Path("results/small")) == {
        Path(FIGURE): {"small"},
        Path(ARCHIVE): set(),
    }
    network.save(Path(NETWORK), provenance.describe("aann.psiren.jobs", [DATA], {"scale": "other"}))
    assert lineage.scales([Path(FIGURE)], Path("results/small")) == {Path(FIGURE): {"small", "other"}}


def test_a_record_that_names_its_own_file_ends(results, monkeypatch):
    monkeypatch.chdir("results/small")
    write_table("alone.csv", pandas.DataFrame({"a": [1]}))
    records.write_beside("alone.csv", {"inputs": {"alone.csv": "0" * 64}, "settings": {"scale": "small"}})
    assert lineage.scales([Path("alone.csv")], Path()) == {Path("alone.csv"): {"small"}}
    assert traced("alone.csv")["problems"] == [
        "alone.csv: was changed after it was used; its hash differs from what alone.csv.provenance.json recorded"
    ]
    assert run("provenance", "alone.csv").stdout.count("alone.csv  [") == 2


def test_every_command_that_gathers_tables_records_what_it_gathered(tmp_path, monkeypatch):
    from aann import gathering, tables

    monkeypatch.chdir(tmp_path)
    commands = {
        ("psiren", "accuracies"): tables.ACCURACY,
        ("neighbors", "summaries"): tables.SURVEY,
        ("embeddings", "clustering"): tables.CLUSTERING,
        ("sense", "outcomes"): tables.OUTCOME,
        ("driving", "returns"): tables.RETURNS,
        ("driving", "confusions"): tables.CONFUSION,
    }
    assert {*commands.values()} == {*gathering.GATHERED.values()}
    for command, table in commands.items():
        write_table("row.csv", table.make([dict.fromkeys(table.columns, 1) | dict.fromkeys(table.text, "a")]))
        assert run(*command, "row.csv", "--output", "all.csv").exit_code == 0
        found = records.find(Path("all.csv"))
        assert found.provenance["inputs"] == {"row.csv": digest("row.csv")}
        assert found.sha256 == digest("all.csv")
