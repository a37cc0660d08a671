"""What runs again after a change: all that depends on it, and nothing else. Also the page, releases and a browser."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from browser import chromium, require_programs

from aann.artifacts import atomic_path, is_intact, seal_of
from aann.errors import InputError
from aann.figures import kinds
from aann.networks import TernaryNetwork
from aann.report import numbers, story, words
from aann.report.contents import contents_of
from aann.settings.figures import label, target
from aann.settings.study import load
from aann.tables import read_labelled

PSIREN = {"dense", "network", "accuracies"} | {f"sparsify_{task}" for task in ("mnist", "mnist-few", "fashion", "car")}
NEIGHBORS = {"survey", "surveys", "embed", "clustering"}
NEIGHBOR_FIGURES = {"figure_3", "figure_4", "figure_9", "figure_10", "figure_11", "figure_s3b"}
CLIMBS = {"figure_6", "figure_7", "figure_8a"}
SENSE = {"random_start", "search", "outcomes", "backpropagation", "climb", "selection"}
SENSE_FIGURES = CLIMBS | {"figure_5", "figure_8b", "figure_s1", "figure_s2", "figure_s3"}
IMPROVED = {"search", "outcomes", "figure_s2"}
ASSESSED = {"assess", "returns", "confusions"}
DRIVING = {"demonstrations", "driver", "split_demonstrations", "video"} | ASSESSED
DRIVING_FIGURES = {"figure_2b", "figure_8b", "figure_9", "figure_10"}
FAMILIES = {"walk", "compare", "path", "transfer"}
FAMILY_FIGURES = {"figure_s4", "figure_s5", "figure_s6", "figure_s7", "figure_s8"}
FIGURES = (
    {"figure_1", "figure_2a", "figure_2b", "figure_12", "figure_s9"} | NEIGHBOR_FIGURES | SENSE_FIGURES | FAMILY_FIGURES
)


@pytest.fixture(scope="module")
def settings(everything):
    """The settings of what was built."""
    return load([everything / "config/config.yaml", everything / "small.yaml"])


def test_nothing_runs_again_without_a_change(built):
    assert built.planned() == set()


def test_every_figure_is_there_with_logs_and_benchmarks(built, settings):
    assert (built.results / "embeddings/mnist/clustering.csv").stat().st_size > 0
    assert set(map(target, settings.figures)) == FIGURES | {"video"}
    for name, entry in settings.figures.items():
        for path in kinds.files(name, entry.kind).values():
            assert (built.results / path).stat().st_size > 0
        assert (built.results / f"logs/figures/{target(name)}.log").is_file()
        assert "h:m:s" in (built.results / f"benchmarks/figures/{target(name)}.jsonl").read_text()


def test_snakemake_looks_for_jobs_to_start_only_when_one_has_ended(built):
    said = (built.folder / "build.txt").read_text()
    assert 0 < said.count("Ready jobs: ") <= 1 + said.count("Finished jobid: ")


def test_every_result_is_sealed_and_nothing_else_is_hidden(built):
    results = {path for path in map(built.results.joinpath, built.files()) if not path.name.startswith(".")}
    assert set(built.folder.glob("results/**/.*")) == {seal_of(path) for path in results}
    assert [path for path in results if not is_intact(path)] == []


def test_networks_are_as_sparse_as_their_paths_say(built):
    paths = list((built.results / "psiren").glob("*/p*/seed0.safetensors"))
    assert len(paths) == 5
    for path in paths:
        assert TernaryNetwork.load(path).sparsity == pytest.approx(float(path.parts[-2][1:]), abs=0.1)


def test_a_comment_changes_nothing(edited):
    assert edited("src/aann/psiren/algorithm.py", "from __future__", "# a comment\nfrom __future__") == set()


def test_the_code_of_p_siren_reruns_it_and_what_follows(edited):
    assert edited("src/aann/psiren/pruning.py", "(1 - reached) ** 3", "(1 - reached) ** 2") == (
        PSIREN | NEIGHBORS | SENSE - {"random_start"} | FAMILIES | DRIVING | FIGURES - {"figure_1"} - CLIMBS
    )


def test_the_code_of_evaluation_reruns_surveys_and_searches_and_what_follows(edited):
    planned = NEIGHBORS | {"search", "outcomes", "climb", "selection", "assess"} | NEIGHBOR_FIGURES | SENSE_FIGURES
    planned |= FAMILIES | FAMILY_FIGURES
    assert edited("src/aann/evaluation/kernels.py", "NO_RIVAL = 2**30", "NO_RIVAL = 2**29") == planned


def test_the_code_of_sense_reruns_searches_and_what_follows(edited):
    planned = {"search", "outcomes", "assess", "walk", "figure_s4", "transfer", "figure_s8", *SENSE_FIGURES} - {
        "figure_5",
        "figure_s3",
    }
    assert edited("src/aann/sense/strategies.py", "changes >= thresholds", "changes > thresholds") == planned


def test_a_search_of_the_settings_reruns_its_runs_and_their_figures(edited):
    assert edited("small.yaml", "evaluations: 450", "evaluations: 460") == {"search", "figure_6"}


def test_the_code_of_embeddings_reruns_them_and_their_figures(edited):
    assert edited("src/aann/embeddings.py", "TIE = 1e-6", "TIE = 1e-7") == {
        "embed",
        "clustering",
        "figure_4",
        "figure_10",
        "figure_11",
        "climb",
        "figure_5",
    }


def test_the_code_of_a_figure_reruns_that_figure(edited):
    assert edited("src/aann/figures/schematic.py", "s=45", "s=50") == {"figure_1"}
    assert edited("src/aann/figures/sparsity.py", "alpha=0.2", "alpha=0.3") == {
        "figure_1",
        "figure_2a",
        "figure_12",
    }


def test_a_setting_reruns_its_stage_and_what_follows(edited):
    assert (
        edited("small.yaml", "last_layer_epochs: 1", "last_layer_epochs: 2")
        == (
            PSIREN - {"sparsify_car", "sparsify_mnist-few"}
            | NEIGHBORS
            | {"search", "outcomes", "climb"}
            | FAMILIES
            | FIGURES
        )
        - {"figure_1", "figure_s3", "figure_s3b"}
        - CLIMBS
        - DRIVING_FIGURES
    )


def test_the_expert_reruns_all_that_learns_from_it(edited):
    planned = edited("small.yaml", "  steps: 60", "  steps: 62")
    assert planned == DRIVING | {"expert", "sparsify_car"} | PSIREN - {
        "sparsify_mnist",
        "sparsify_mnist-few",
        "sparsify_fashion",
        "accuracies",
    } | (NEIGHBORS | {"search", "backpropagation"} | DRIVING_FIGURES)


def test_the_code_of_assessments_lets_networks_drive_again(edited):
    planned = edited("src/aann/driving/assessments.py", "round(reward, 8)", "round(reward, 7)")
    assert planned == ASSESSED | {"expert", "figure_2b", "figure_8b"}


def test_another_number_of_neighbors_reruns_their_survey(edited):
    planned = edited("small.yaml", "      '2.0': 50", "      '2.0': 60")
    assert planned == {"survey", "surveys", "figure_3"}


def test_another_seed_adds_networks_and_leaves_the_others(built, edited):
    planned = edited("small.yaml", "tiny\n    seeds:\n    - 0\n", "tiny\n    seeds:\n    - 0\n    - 1\n")
    assert planned == {
        "dense",
        "sparsify_fashion",
        "network",
        "accuracies",
        "figure_12",
        "transfer",
        "figure_s8",
        *IMPROVED,
    }
    result = built.snakemake("--dry-run", "--", "results/small/psiren/fashion/p90/seed0.safetensors")
    assert "Nothing to be done" in result.stdout + result.stderr


def test_the_report_has_every_figure(built):
    output = built.folder / "report.html"
    result = built.snakemake("--report", str(output))
    assert result.returncode == 0, result.stdout + result.stderr
    text = output.read_text()
    for name in (
        "figure_1.png",
        "figure_2a.png",
        "figure_3.png",
        "figure_4.png",
        "figure_11.html",
        "figure_12.png",
        "figure_s2.png",
        "video.mp4",
    ):
        assert name in text


# --- the page of the report -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page_text(built):
    return (built.results / "report/page.html").read_text(encoding="utf-8")


def write_page(built, notebook, output):
    """Write a page from a notebook as the rule does, and return how the command ended."""
    command = [sys.executable, "-m", "aann", "report", "page", "--notebook", notebook, "--output", output]
    command += ["--template", "workflow/notebooks/page.html.j2", "--results", "results/small"]
    command += ["--configfile", "config/config.yaml", "--configfile", "small.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(built.folder / "src")}
    return subprocess.run(command, cwd=built.folder, env=environment, capture_output=True, text=True, check=False)


class External(HTMLParser):
    """Gathers what a page would load from elsewhere, and how many images have words for those who do not see them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.images, self.ids = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        if tag in ("script", "link", "img", "iframe", "video", "source", "object", "embed"):
            places = [values.get(key) for key in ("src", "href", "data", "srcset")]
            self.found += [place[:80] for place in places if place and not place.startswith("data:")]
        if tag == "img":
            self.images.append(values.get("alt"))


def test_the_page_is_one_file_of_bounded_size_with_every_figure(built, settings, page_text):
    assert (built.results / "report/page.html").stat().st_size <= 15_000_000
    page = External(page_text)
    assert page.found == []
    assert "@import" not in page_text.split("</style>")[0]
    assert len(page.images) == len(settings.figures) - 1  # and a video
    assert all(page.images)
    assert {f"figure-{name}" for name in settings.figures} <= page.ids
    for anchor in re.findall(r'<a href="#([^"]+)"', page_text):
        assert anchor in page.ids
    assert str(built.folder) not in page_text


def test_the_numbers_and_verdicts_of_the_page_are_those_of_the_tables(built, page_text):
    with (built.results / "figures/figure_2a.csv").open() as file:
        for row in csv.DictReader(file):
            assert f"<td>{100 * float(row['test_accuracy']):.2f} %</td>" in page_text
    claims = json.loads((built.results / "claims/claims.json").read_text())["claims"]
    for name, claim in claims.items():
        (row,) = re.findall(rf'<tr id="{name}">.*?</tr>', page_text, re.DOTALL)
        assert f'">{claim["verdict"]}' in row
    assert "scikit-learn digits (small scale)" in page_text
    assert "These are results of the scale" in page_text


def told(built, settings):
    """Return what the page shows, as its notebook has it."""
    return story.Story(built.results, "small", contents_of(settings).model_dump())


def test_a_large_video_is_a_picture_and_a_link(built, settings, monkeypatch):
    monkeypatch.setattr(story, "_VIDEO_LIMIT", 1)
    shown = told(built, settings).video("A network drives").text
    assert "<video" not in shown
    assert 'src="data:image/png;base64,' in shown
    assert '<a href="../figures/video.mp4">' in shown


def test_what_the_story_does_not_have_is_named(built, settings):
    read = told(built, settings)
    with pytest.raises(InputError, match=r"figures/figure_1\.pdf: is no table of the page"):
        read.table("figures/figure_1.pdf")
    with pytest.raises(InputError, match=r"claims\.json: has no claim 'nothing'; name one of config/claims\.yaml"):
        read.claim("nothing")
    assert set(read.table("3").layer) == {"1.0", "2.0", "fc"}


def test_the_page_is_equal_to_the_byte_when_it_is_made_again(built, tmp_path):
    result = write_page(built, "workflow/notebooks/report.ipynb", tmp_path / "again.html")
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "again.html").read_bytes() == (built.results / "report/page.html").read_bytes()


def test_the_page_of_numbers_has_a_table_of_each_figure_with_the_numbers_of_its_table(built, settings, tmp_path):
    found = numbers.page(told(built, settings))
    for name in ("2a", "12", "2b", "3", "9", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"):
        assert f"\n## Figure {label(name)}: " in found
    rows = read_labelled(built.results / "figures/figure_2a.csv")
    for row in rows.itertuples():
        validation, test = words.percent(row.validation_accuracy), words.percent(row.test_accuracy)
        assert f"| {row.sparsity:g} % | {validation} | {test} | " in found
    table = read_labelled(built.results / "figures/figure_s9.csv")
    assert f"| {words.whole(table.bytes)} | " in found
    command = [sys.executable, "-m", "aann", "report", "numbers", "--output", tmp_path / "numbers.md"]
    command += ["--configfile", "config/config.yaml", "--configfile", "small.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(built.folder / "src")}
    subprocess.run(command, cwd=built.folder, env=environment, check=True)
    assert (tmp_path / "numbers.md").read_text(encoding="utf-8") == found


def test_numbers_of_figures_that_a_run_lacks_are_left_out(built, settings):
    few = settings.model_copy(update={"figures": {name: settings.figures[name] for name in ("2a", "6", "7", "8a")}})
    found = numbers.page(told(built, few))
    assert re.findall(r"^## (.+?):", found, re.MULTILINE) == ["Figure 2a"]


def test_a_change_of_the_notebook_makes_the_page_again_and_nothing_else(built):
    notebook = built.folder / "workflow/notebooks/report.ipynb"
    original = notebook.read_text()
    notebook.write_text(original.replace("The question", "What is asked"))
    result = built.snakemake("--dry-run", "--", "report_page")
    notebook.write_text(original)
    planned = re.findall(r"^(?:local)?rule (\w+):", result.stdout + result.stderr, re.MULTILINE)
    assert planned == ["report_page"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "cell 'the-cell' failed with ZeroDivisionError (division by zero): 1 / 0; the page was not made"),
        (
            "from aann.report.notebook import Story; Story(results, 'paper')",
            "cell 'the-cell': results/small: is not the folder of the scale 'paper'",
        ),
        ("import os; os._exit(1)", "its kernel died; run it again with more memory"),
    ],
)
def test_a_cell_that_fails_is_one_line_and_no_page(built, tmp_path, source, message):
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    first = {**cell, "id": "parameters", "source": "results, scale = '', ''", "metadata": {"tags": ["parameters"]}}
    cells = [first, {**cell, "id": "the-cell", "source": source}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "failing.ipynb").write_text(json.dumps(content))
    result = write_page(built, tmp_path / "failing.ipynb", tmp_path / "page.html")
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {tmp_path / 'failing.ipynb'}: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.html*"))


def test_a_table_of_another_scale_is_one_line_and_no_page(built, tmp_path):
    record = built.results / "psiren/mnist/accuracies.csv.provenance.json"
    original = record.read_text()
    with atomic_path(record) as temporary:
        temporary.write_text(original.replace('"settings":{}', '"settings":{"scale":"quick"}'))
    assert record.read_text() != original
    result = write_page(built, "workflow/notebooks/report.ipynb", tmp_path / "page.html")
    with atomic_path(record) as temporary:
        temporary.write_text(original)
    assert result.returncode == 1
    assert "figure_2a.png: came from results of the scale 'quick', expected 'small' alone" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


# --- releases ---------------------------------------------------------------------------------------------------------


def test_everything_is_drawn_again_from_a_release_to_the_last_byte(built, settings, root, workflow_in, tmp_path):
    recipe = subprocess.run(
        [
            "make",
            "--dry-run",
            "--silent",
            "release",
            "figures-from-release",
            "READY=",
            "BIN=bin",
            "PAPER=results/small",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.replace("\\\n", " ")
    recipe = recipe.replace("config/release.yaml", "small.yaml")  # the settings of the run that is packed here
    _, pack, unpack, draw, compare = recipe.splitlines()
    released = workflow_in(tmp_path / "released")
    for folder in (built.folder, released.folder):
        shutil.rmtree(folder / "release")  # of the paper's scale

    def run(command, folder):
        bins = {"bin/python": sys.executable, "bin/snakemake": shlex.join(released.command())}
        for name, program in bins.items():
            command = command.replace(name, program)
        environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
        result = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    run(pack, built.folder)
    shutil.move(built.folder / "release", released.folder)
    assert "files are what the manifest says" in run(unpack, released.folder)
    assert not (released.results / "figures").exists()
    jobs = set(re.findall(r"^(?:local)?rule (\w+):", run(draw, released.folder), re.MULTILINE))
    assert jobs == {"all_figures", "claims", "report_page", *map(target, settings.figures)}
    assert "drawn results are equal to the last byte" in run(compare, released.folder)


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    require_programs()
    with chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_the_page_opens_in_a_browser_with_all_images_and_plots(built, settings, browser):
    browser.open(built.results / "report/page.html")
    names = ["plot-sparsity", "plot-neighbors", "plot-path", "plot-climbs", "plot-searches"]
    assert browser.drawn_plots() == names
    widths = browser.run("return [...document.images].map(image => image.naturalWidth)")
    assert len(widths) == len(settings.figures) - 1
    assert min(widths) > 100
    assert browser.wait_for("return document.querySelector('video').videoWidth") > 100
    browser.check()


@pytest.mark.parametrize("name", ["4", "5", "10", "11"])
def test_an_interactive_figure_draws_in_a_browser(built, browser, name):
    browser.open(built.results / f"figures/figure_{name}.html")
    assert len(browser.drawn_plots()) == 1
    browser.check()


def test_the_report_of_snakemake_opens_in_a_browser_with_all_figures(built, settings, browser):
    output = built.folder / "report.html"
    result = built.snakemake("--report", str(output), "--", "all_figures", "claims")
    assert result.returncode == 0, result.stdout + result.stderr
    browser.open(output)
    found = browser.run("return Object.entries(results).map(([path, one]) => [path, one.labels, one.caption])")
    drawn = [path for name, entry in settings.figures.items() for path in kinds.files(name, entry.kind).values()]
    shown = [path for path in drawn if not path.endswith(("pdf", "csv"))]
    complete = [path for path, labels, caption in found if labels["figure"] and labels["shows"] and caption]
    assert sorted(complete) == sorted(f"results/small/{name}" for name in [*shown, "claims/claims.html"])
    shown = set(browser.run("return document.body.innerText").splitlines())
    assert {"Networks and neighbors", "p-SIREN", "SENSE", "Claims"} <= shown
    browser.run(
        "window.images = Object.values(results).filter(one => one.mime_type == 'image/png').map(one => {"
        " const image = new Image(); image.src = one.data_uri; document.body.append(image); return image; })"
    )
    browser.wait_for("return window.images.every(image => image.complete)")
    sizes = browser.run("return window.images.map(image => image.naturalWidth)")
    assert len(sizes) == len(settings.figures) - 1
    assert min(sizes) > 100
    browser.check()
