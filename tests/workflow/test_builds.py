"""What runs again after a change (all that depends on it, and nothing else), and what a kill leaves behind."""

import os
import signal
import subprocess
import time

import pytest

from aann.networks import TernaryNetwork

PSIREN = {"dense", "sparsify_mnist", "sparsify_fashion", "sparsify_car", "network", "accuracies"}
NEIGHBORS = {"survey", "surveys", "embed", "clustering"}
NEIGHBOR_FIGURES = {"figure_3", "figure_4", "figure_9", "figure_10", "figure_11"}
CLIMBS = {"figure_6", "figure_7", "figure_8a"}
SENSE = {"random_start", "search", "outcomes", "backpropagation", "climb"}
SENSE_FIGURES = CLIMBS | {"figure_5", "figure_8b", "figure_s1", "figure_s2"}
IMPROVED = {"search", "outcomes", "figure_s2"}
ASSESSED = {"assess", "returns", "confusions"}
DRIVING = {"demonstrations", "driver", "split_demonstrations", "video"} | ASSESSED
DRIVING_FIGURES = {"figure_2b", "figure_8b", "figure_9", "figure_10"}
FIGURES = {"figure_1", "figure_2a", "figure_2b", "figure_12"} | NEIGHBOR_FIGURES | SENSE_FIGURES


@pytest.fixture
def edited(built):
    """Edit a file for one test, and return what a dry run then plans."""
    originals = {}

    def edit(path, old, new):
        text = (built.folder / path).read_text()
        assert old in text
        originals.setdefault(path, text)
        (built.folder / path).write_text(text.replace(old, new, 1))
        return built.planned()

    yield edit
    for path, text in originals.items():
        (built.folder / path).write_text(text)


def test_nothing_runs_again_without_a_change(built):
    assert built.planned() == set()


def test_every_figure_is_there_with_logs_and_benchmarks(built):
    assert (built.results / "embeddings/mnist/clustering.csv").stat().st_size > 0
    assert (built.results / "figures/video.mp4").stat().st_size > 0
    for name in ("1", "2a", "2b", "3", "4", "5", "6", "7", "8a", "8b", "9", "10", "11", "12", "s1", "s2"):
        for ending in ("pdf", "png", "csv"):
            assert (built.results / f"figures/figure_{name}.{ending}").stat().st_size > 0
        assert (built.results / f"logs/figures/figure_{name}.log").is_file()
        assert "h:m:s" in (built.results / f"benchmarks/figures/figure_{name}.jsonl").read_text()
    assert not list(built.folder.glob("results/**/.*"))


def test_a_comment_changes_nothing(edited):
    assert edited("src/aann/psiren.py", "from __future__", "# a comment\nfrom __future__") == set()


def test_the_code_of_p_siren_reruns_it_and_what_follows(edited):
    assert edited("src/aann/psiren.py", "(1 - reached) ** 3", "(1 - reached) ** 2") == (
        PSIREN | NEIGHBORS | SENSE - {"random_start"} | DRIVING | FIGURES - {"figure_1"}
    )


def test_the_code_of_evaluation_reruns_surveys_and_searches_and_what_follows(edited):
    planned = NEIGHBORS | {"search", "outcomes", "climb", "assess"} | NEIGHBOR_FIGURES | SENSE_FIGURES
    assert edited("src/aann/evaluation/kernels.py", "NO_RIVAL = 2**30", "NO_RIVAL = 2**29") == planned


def test_the_code_of_sense_reruns_searches_and_what_follows(edited):
    planned = {"search", "outcomes", "assess", *SENSE_FIGURES} - {"figure_5"}
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
        == (PSIREN - {"sparsify_car"} | NEIGHBORS | {"search", "outcomes", "climb"} | FIGURES)
        - {"figure_1"}
        - CLIMBS
        - DRIVING_FIGURES
    )


def test_the_expert_reruns_all_that_learns_from_it(edited):
    planned = edited("small.yaml", "  steps: 60", "  steps: 62")
    assert planned == DRIVING | {"expert", "sparsify_car"} | PSIREN - {
        "sparsify_mnist",
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
    assert planned == {"dense", "sparsify_fashion", "network", "accuracies", "figure_12", *IMPROVED}
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


def result_files(workflow):
    """Return the content of every result by its path; times stand in logs and benchmarks only."""
    paths = [path for path in workflow.results.rglob("*.*") if path.is_file()]
    kept = [path for path in paths if path.relative_to(workflow.results).parts[0] not in ("logs", "benchmarks")]
    return {str(path.relative_to(workflow.results)): path.read_bytes() for path in kept}


def test_a_killed_build_goes_on_and_ends_equal_to_an_undisturbed_one_in_another_folder(fresh, built):
    process = subprocess.Popen(
        fresh.command("--", "all_figures"),
        cwd=fresh.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log = fresh.results / "logs/psiren/mnist/dense/seed0.log"
    deadline = time.monotonic() + 120
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert log.exists()
    for name, content in result_files(fresh).items():
        assert "/." in f"/{name}" or content == result_files(built)[name]
    fresh.snakemake("--unlock")
    fresh.build()
    undisturbed = result_files(built)
    networks = [name for name in undisturbed if name.startswith("psiren/") and name.endswith(".safetensors")]
    assert len(networks) == 3 + 4 + 4
    assert {name: content for name, content in result_files(fresh).items() if "/." not in name} == undisturbed
    for name in undisturbed:
        if "/p" in name and name.endswith("seed0.safetensors") and "/sparse/" not in name:
            network = TernaryNetwork.load(built.results / name)
            assert network.sparsity == pytest.approx(float(name.split("/p")[-1].split("/")[0]), abs=0.1)
