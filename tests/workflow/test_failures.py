"""Bad input stops the workflow before any job."""

import shlex

import pytest


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("psirne={}", "unknown setting 'psirne' (did you mean 'psiren'?)"),
        ("tasks={mnist: {seeds: []}}", "setting 'tasks.mnist.seeds': List should have at least 1 item"),
        (
            "tasks={mnist: {sparsities: [90, 120]}}",
            "'tasks.mnist.sparsities.1': Input should be less than or equal to 100",
        ),
        ("neighbors={mnist: {first: {fcc: 5}}}", "neighbors.mnist.first: no layer 'fcc'"),
        ("tasks={mnist: {dataset: minst}}", "'tasks.mnist.dataset': Input should be 'mnist'"),
    ],
)
def test_a_wrong_setting_stops_the_workflow_with_its_name(fresh, config, message):
    result = fresh.snakemake("--config", config, "--", "all_figures")
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert message in output
    assert "Traceback" not in output
    assert not fresh.results.exists()


def test_a_path_reaches_the_shell_quoted(fresh):
    result = fresh.snakemake("--dry-run", "--printshellcmds", "--config", "results=a b;c", "--", "all_figures")
    assert result.returncode == 0
    commands = [line for line in (result.stdout + result.stderr).splitlines() if "python -m aann" in line]
    assert any("psiren sparsify" in line for line in commands)
    for line in commands:
        words = shlex.split(line)
        assert all(word.startswith("a b;c/") for word in words if ";c" in word), line


def test_an_unknown_figure_is_named(fresh):
    result = fresh.snakemake("--", "figure_99")
    assert result.returncode == 1
    known = (
        "figure_1, figure_2a, figure_12, figure_2b, figure_3, figure_9, figure_4, figure_10, figure_11, figure_5, "
        "figure_6, figure_7, figure_8a, figure_8b, figure_s1, figure_s2"
    )
    assert f"unknown figure '99'; expected one of {known}" in result.stdout + result.stderr


def test_a_results_folder_that_cannot_be_written_is_named(fresh):
    (fresh.folder / "occupied").write_text("")
    result = fresh.snakemake("--config", "results=occupied/results", "--", "figure_1")
    assert result.returncode == 1
    message = (
        "occupied: is not a folder, so nothing can be made in occupied/results; make it writable or choose another"
    )
    assert message in result.stdout + result.stderr
