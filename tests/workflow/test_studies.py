"""A study of one's own, from a folder of photos to its page, as docs/study.md shows it."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import forks
import pandas
import pytest
import yaml
from own_data import real_data  # noqa: F401 (fixture)

from aann.lineage import records
from aann.settings.study import load

CLASSES = ("0", "3", "5")
PHOTOS = 15
LESS = {
    "tasks": {"signs": {"sparsities": [0, 90], "seeds": [0]}},
    "psiren": {
        "precision": "float32",
        "dense": {"epochs": 12},
        "sparsify": {"epochs": 3},
        "fine_tune": {"epochs": 1},
        "binary": {"epochs": 6, "last_layer_epochs": 2},
    },
    "neighbors": {"signs": {"first": {"1.0": 20, "2.0": 20, "fc": 50}, "others": {}}},
    "embeddings": {
        "signs": {
            "count": 40,
            "clusters": [2, 5],
            "tsne": {"perplexity": 5, "max_iter": 250},
            "isomap": {"n_neighbors": 10},
            "lle": {"n_neighbors": 10},
        }
    },
    "sense": {
        "backpropagation": {"steps": 20, "records": 2},
        "searches": {name: {"budget": {"evaluations": 20_000}} for name in ("greedy", "polish")},
    },
}
"""Laid over the study that was written, so that a test can wait for it."""


def blocks(root, language):
    """Return the blocks of the page in a language, in their order; commands have none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (root / "docs/study.md").read_text(), re.MULTILINE | re.DOTALL)
    return [text.strip() for name, text in found if name == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, real_data):  # noqa: F811 (fixture)
    """An empty folder with photos of three classes, and two photos more."""
    place = tmp_path_factory.mktemp("empty")
    for name in CLASSES:
        (place / "photos" / name).mkdir(parents=True)
        for photo in sorted((real_data / "sign-digits" / name).glob("*.JPG"))[:PHOTOS]:
            shutil.copy(photo, place / "photos" / name)
    for number, name in enumerate(CLASSES[:2], 1):
        shutil.copy(sorted((real_data / "sign-digits" / name).glob("*.JPG"))[PHOTOS], place / f"photo{number}.jpg")
    return place


@pytest.fixture(scope="module")
def done(root, folder):
    """What each command of the page printed, in the empty folder; the build has less to do."""
    (folder / "less.yaml").write_text(yaml.safe_dump(LESS))
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    printed = []
    for command in blocks(root, ""):
        program, *arguments = shlex.split(command)
        if program == "snakemake":
            arguments = ["-m", "snakemake", "-s", str(root / "workflow/Snakefile"), *arguments, "less.yaml"]
        result = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        printed.append(result.stdout)
    return printed


def test_the_page_shows_three_commands(root):
    assert [command.split()[:4] for command in blocks(root, "")] == [
        ["python", "-m", "aann", "study"],
        ["snakemake", "--cores", "2", "all_figures"],
        ["python", "-m", "aann", "predict"],
    ]


def test_the_settings_that_the_page_shows_are_those_that_are_written(root, done, folder):
    (shown,) = blocks(root, "yaml")
    written = yaml.safe_load((folder / "signs.yaml").read_text())
    for key, value in yaml.safe_load(shown).items():
        assert written[key] == value


def test_from_a_folder_of_photos_to_a_page(root, done, folder):
    assert "photos: 45 images of 3 classes (folder)" in done[0]
    settings, results = load([folder / "signs.yaml"]), folder / "results/signs"
    for name in settings.figures:
        for ending in ("png", "pdf", "csv"):
            assert (results / f"figures/figure_{name}.{ending}").stat().st_size > 0
    page = (results / "report/page.html").read_text()
    assert "<title>A study of architecture agnostic neural networks</title>" in page
    for part in ('id="examples-signs"', 'id="mistakes-signs"', "plot-confusion-signs", "balanced accuracy"):
        assert part in page
    for name in settings.figures:
        assert page.count(f'<figure id="figure-{name}">') == 1
    assert not re.search(r'<(script|link|img|iframe)[^>]*(src|href)="(https?:)?//', page)
    inputs = records.find(results / "report/page.html").provenance["inputs"]
    assert {"results/signs/datasets/signs.safetensors", "study.ipynb"} <= {
        name.removeprefix("workflow/notebooks/") for name in inputs
    }


def test_new_photos_are_named(done, folder):
    lines = done[2].splitlines()
    assert [line.split(": ")[0] for line in lines] == ["photo1.jpg", "photo2.jpg"]
    table = pandas.read_csv(folder / "classes.csv", dtype=str)
    assert {*table["class"], *table.runner_up} <= {*CLASSES}


def test_nothing_runs_again_until_an_image_changes(root, done, folder):
    command = [*forks.COMMAND, "-s", root / "workflow/Snakefile", "--cores", "2", "--dry-run", "all_figures"]

    def planned():
        result = forks.run([*command, "--configfile", "signs.yaml", "less.yaml"], folder, os.environ)
        assert result.returncode == 0, result.stdout + result.stderr
        return {*re.findall(r"^(?:local)?rule (\w+):", result.stdout + result.stderr, re.MULTILINE)}

    assert planned() == set()
    photo = sorted((folder / "photos/0").iterdir())[0]
    photo.write_bytes((folder / "photo1.jpg").read_bytes())
    assert "split_dataset" in planned()
