import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import check_one_line, run
from made_up import ARCHIVE, DATA, FIGURE, NETWORK, ROW, TABLE, draw_results, make_results

from aann.artifacts import seal_of, sha256
from aann.errors import InputError
from aann.figures import kinds
from aann.lineage import records, release
from aann.networks import TernaryNetwork

RESULTS = "results/small"
BELOW = {name: name.removeprefix(f"{RESULTS}/") for name in (DATA, NETWORK, ROW, TABLE, FIGURE)}
PACK = ("release", "pack", FIGURE, "--results", RESULTS, "--network", NETWORK, "--output", "release")
UNPACK = ("release", "unpack", "release", "--results", RESULTS)
COMPARE = ("release", "compare", "release", "--results", RESULTS)
RECORD = f"{TABLE}{records.ENDING}"


@pytest.fixture
def results(tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    make_results(network)


@pytest.fixture
def packed(results):
    """A release, without the results that it was made of but for what was drawn."""
    found = run(*PACK)
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("release: 3 files, 0.0 MB")
    drawn = Path(FIGURE).read_bytes()
    shutil.rmtree("results")
    Path(FIGURE).parent.mkdir(parents=True)
    Path(FIGURE).write_bytes(drawn)


def test_a_release_has_what_was_drawn_from_the_networks_and_hashes_of_the_rest(packed):
    manifest = json.loads(Path("release/manifest.json").read_text())
    assert set(manifest["files"]) == {BELOW[TABLE], BELOW[NETWORK], f"{BELOW[TABLE]}{records.ENDING}"}
    assert manifest["scale"] == "small"
    assert manifest["drawn"] == {BELOW[FIGURE]: sha256(FIGURE)}
    assert {ROW, DATA, "results/datasets/mnist/images.gz"} <= set(manifest["sources"])
    assert manifest["versions"]["torch"]


def test_unpacked_files_are_equal_and_stay_as_they_are(packed, network):
    expected = json.loads(Path("release/manifest.json").read_text())["files"]
    assert run(*UNPACK).exit_code == 0
    assert {name: sha256(f"{RESULTS}/{name}") for name in expected} == {
        name: entry["sha256"] for name, entry in expected.items()
    }
    assert {name: Path(f"{RESULTS}/{name}").stat().st_size for name in expected} == {
        name: entry["bytes"] for name, entry in expected.items()
    }
    assert TernaryNetwork.load(NETWORK).family == network.family
    before = Path(TABLE).stat().st_mtime_ns
    assert run(*UNPACK).exit_code == 0
    assert Path(TABLE).stat().st_mtime_ns == before


def test_what_is_drawn_again_is_compared_to_the_last_byte(packed):
    assert run(*UNPACK).exit_code == 0
    Path(FIGURE).unlink()
    missing = run(*COMPARE)
    assert missing.exit_code == 1
    assert missing.stderr == f"{FIGURE}: is missing\n"
    assert draw_results().exit_code == 0
    equal = run(*COMPARE)
    assert equal.exit_code == 0
    assert equal.stdout == f"{RESULTS}: all 1 drawn results are equal to the last byte\n"
    assert draw_results(title="Digits").exit_code == 0
    other = run(*COMPARE)
    assert other.exit_code == 1
    assert other.stderr == f"{FIGURE}: differs from that of the release\n"


def test_a_release_is_the_same_from_whatever_folder_it_is_packed(results, tmp_path, monkeypatch):
    here = release.pack(Path(RESULTS), [Path(FIGURE)], [Path(NETWORK)], Path("release"))
    monkeypatch.chdir("/")
    files = [[tmp_path / FIGURE], [tmp_path / NETWORK]]
    assert release.pack(tmp_path / RESULTS, *files, tmp_path / "other") == here


def test_results_drawn_from_an_absolute_folder_are_not_packed_without_their_inputs(results, tmp_path):
    """Their records have the last parts of paths."""
    assert draw_results(results=str(tmp_path / RESULTS)).exit_code == 0
    message = r"^accuracies\.csv: is not there, and .*; draw it again, with 'results' in the settings as a path that is"
    with pytest.raises(InputError, match=message):
        release.pack(Path(RESULTS), [Path(FIGURE)], [], Path("release"))


def test_two_releases_of_the_same_results_have_equal_bytes(results):
    contents = []
    for folder in (Path("one"), Path("two")):
        release.pack(Path(RESULTS), [Path(FIGURE)], [Path(NETWORK)], folder)
        contents.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert contents[0] == contents[1]


def damage_network(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def swap_network(path):
    path.write_bytes(gzip.compress(b"another network", mtime=0))


def add_line(path):
    path.write_text(path.read_text() + "1,2,3\n")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (f"{BELOW[NETWORK]}.gz", damage_network, "is damaged: not a whole gzip file"),
        (f"{BELOW[NETWORK]}.gz", swap_network, "is damaged: not what release/manifest.json says"),
        (BELOW[TABLE], add_line, "is damaged: not what release/manifest.json says"),
        (BELOW[TABLE], Path.unlink, "is missing, but release/manifest.json names it"),
        ("extra.csv", lambda path: path.write_text("a\n1\n"), "is not in release/manifest.json"),
        ("manifest.json", Path.unlink, "so release is no release"),
        ("manifest.json", lambda path: path.write_text("{"), "is not the manifest of a release"),
        ("manifest.json", lambda path: path.write_text('{"files": {}}'), "is not the manifest of a release"),
    ],
)
def test_a_damaged_release_is_named_and_nothing_is_unpacked(packed, name, change, message):
    change(Path("release") / name)
    check_one_line(run(*UNPACK), f"release/{name}: ", message, "get the release again")
    assert not Path(TABLE).exists()
    assert not Path(NETWORK).exists()


@pytest.mark.parametrize("part", ["files", "drawn"])
@pytest.mark.parametrize(
    "name",
    [
        "../out.csv",
        "/tmp/out.csv",
        "a/../../out.csv",
        "a//out.csv",
        "./out.csv",
        ".out.csv",
        "a b",
        "a\n.csv",
        "~/a",
        "",
    ],
)
def test_a_manifest_cannot_name_what_lies_outside_of_the_results(packed, name, part):
    path = Path("release/manifest.json")
    manifest = json.loads(path.read_text())
    manifest[part][name] = manifest[part].popitem()[1]
    path.write_text(json.dumps(manifest))
    command = UNPACK if part == "files" else COMPARE
    check_one_line(run(*command), "release/manifest.json: is not the manifest of a release")
    assert not list(Path().glob("**/*out.csv"))


@pytest.mark.parametrize("target", ["file", "folder"])
def test_a_release_with_a_link_is_refused(packed, tmp_path_factory, target):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    stored = Path("release") / BELOW[TABLE]
    linked = stored if target == "file" else stored.parent
    shutil.move(linked, elsewhere / linked.name)
    linked.symlink_to(elsewhere / linked.name)
    check_one_line(run(*UNPACK), f"{linked}: is a link, and a release has none; get the release again")
    assert not Path(TABLE).exists()


def test_a_link_in_the_results_is_not_written_through(packed, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "table.csv"
    Path(TABLE).parent.mkdir(parents=True)
    Path(TABLE).symlink_to(outside)
    assert run(*UNPACK).exit_code == 0
    assert not Path(TABLE).is_symlink()
    assert not outside.exists()


def test_results_that_differ_or_are_of_another_scale_are_kept(packed):
    Path(TABLE).parent.mkdir(parents=True)
    Path(TABLE).write_text("mine\n")
    check_one_line(run(*UNPACK), f"{TABLE}: differs from that of the release")
    assert Path(TABLE).read_text() == "mine\n"
    assert not Path(NETWORK).exists()
    check_one_line(run(*UNPACK[:-1], "results/paper"), "is not the folder of the scale 'small'")


def test_what_is_packed_again_from_what_was_unpacked_keeps_the_hashes_of_its_sources(packed):
    before = json.loads(Path("release/manifest.json").read_text())
    assert run(*UNPACK).exit_code == 0
    assert run(*PACK, "--replace").exit_code == 0
    assert json.loads(Path("release/manifest.json").read_text()) == before
    assert sorted(path.name for path in Path().iterdir()) == ["release", "results"]


def test_hashes_of_sources_that_were_made_anew_are_not_kept(packed, network):
    assert run(*UNPACK).exit_code == 0
    manifest = json.loads(Path("release/manifest.json").read_text())
    gone, changed = "results/datasets/mnist/gone.gz", "results/datasets/mnist/changed.gz"
    manifest["sources"] |= {gone: "0", changed: "1"}
    Path("release/manifest.json").write_text(json.dumps(manifest))
    Path(changed).parent.mkdir(parents=True)
    Path(changed).write_text("of another build")
    assert run(*PACK, "--replace").exit_code == 0
    kept = json.loads(Path("release/manifest.json").read_text())["sources"]
    assert kept == {name: digest for name, digest in manifest["sources"].items() if name != changed}
    shutil.rmtree("results")
    make_results(network)
    assert run(*PACK, "--replace").exit_code == 0
    assert gone not in json.loads(Path("release/manifest.json").read_text())["sources"]


def test_only_an_intact_release_is_replaced(packed):
    assert run(*UNPACK).exit_code == 0
    Path("release/mine.txt").write_text("mine\n")
    check_one_line(run(*PACK, "--replace"), "release/mine.txt: is not in release/manifest.json")
    assert Path("release/mine.txt").read_text() == "mine\n"
    check_one_line(run(*PACK), "release: is there already")


def test_make_pack_takes_the_figures_of_the_settings_and_no_others(root, tmp_path, paper_settings):
    """With a Python that lists figures, and otherwise only writes down how it was called."""
    figures = tmp_path / "results/paper/figures"
    figures.mkdir(parents=True)
    (figures / "figure_small.png").write_text("")
    shutil.copytree(root / "config", tmp_path / "config")
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    calls = f'case "$*" in *"figures list"*) exec {sys.executable} "$@";; *) echo "$*" >> calls.txt;; esac'
    python.write_text(f"#!/bin/sh\n{calls}\n")
    python.chmod(0o755)
    command = ["make", "--makefile", root / "Makefile", "BIN=bin", "READY=", "pack"]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    words = (tmp_path / "calls.txt").read_text().split()
    expected = [
        path for name, entry in paper_settings.figures.items() for path in kinds.files(name, entry.kind).values()
    ]
    assert words[:4] == ["-m", "aann", "release", "pack"]
    assert {word for word in words if "/figures/" in word} == {f"results/paper/{path}" for path in expected}


def test_a_release_is_not_made_from_results_that_do_not_fit(results):
    with pytest.raises(InputError, match="is there already"):
        release.pack(Path(RESULTS), [Path(FIGURE)], [], Path("results"))
    with pytest.raises(InputError, match="lies outside"):
        release.pack(Path(RESULTS), [Path(FIGURE)], [Path("results/datasets/mnist/images.gz")], Path("release"))
    drawn = Path(RESULTS, "figures/x.csv")
    drawn.write_text("x\n")
    records.write_beside(drawn, {"inputs": {"results/datasets/mnist/images.gz": sha256(Path(ARCHIVE))}})
    with pytest.raises(InputError, match="lies outside"):
        release.pack(Path(RESULTS), [drawn], [], Path("release"))
    records.write_beside(drawn, {"inputs": {"results/small/gone.csv": "0"}})
    with pytest.raises(InputError, match=r"gone\.csv: is not there, and .*x\.csv was drawn from it; draw it again"):
        release.pack(Path(RESULTS), [drawn], [], Path("release"))
    with pytest.raises(InputError, match="does not say what it came from"):
        release.pack(Path(RESULTS), [Path("results/datasets/mnist/images.gz")], [], Path("release"))
    add_line(Path(TABLE))
    with pytest.raises(InputError, match="is not what was written there"):
        release.pack(Path(RESULTS), [Path(FIGURE)], [], Path("release"))
    seal_of(TABLE).unlink()
    with pytest.raises(InputError, match="was changed after"):
        release.pack(Path(RESULTS), [Path(FIGURE)], [], Path("release"))
    assert not Path("release").exists()
