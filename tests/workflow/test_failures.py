"""Bad input stops the workflow before any job."""

import re
import shlex

import pytest
import yaml
from dry_runs import dry_run
from snakemake.exceptions import MissingRuleException, WorkflowError

from aann.datasets.archives import MIRROR_VARIABLE
from aann.settings.figures import in_order, target
from aann.settings.study import load


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
        ("tasks={mnist: {dataset: minst}}", "tasks.mnist.dataset: no data set 'minst' (did you mean 'mnist'?)"),
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
    known = ", ".join(map(target, in_order(load([fresh.folder / "config/config.yaml"]).figures)))
    assert f"\nunknown figure '99'; expected one of {known}\n" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(("target", "format_"), [("export", "packed or onnx or c or page"), ("explorer", "page")])
def test_an_export_of_nothing_is_refused(fresh, target, format_):
    with pytest.raises(WorkflowError, match=f"'export' names no network in the format {format_}; see config"):
        dry_run(fresh.folder, {"export": {"mnist": None}}, target)


@pytest.mark.parametrize(
    "path",
    [
        "car/psiren/p90-random.greedy/seed0.returns.csv",
        "car/sense/p90/seed0.returns.csv",
        "car/sense/p80-random.no-search/seed0.returns.csv",
        "mnist/psiren/p90/seed0.returns.csv",
        "mnist/returns.csv",
        "mnist/confusions.csv",
        "mnist/expert.csv",
        "mnist/driver1.safetensors",
        "mnist/demonstrations/train.safetensors",
    ],
)
def test_no_rule_makes_drives_of_what_does_not_drive(fresh, path):
    with pytest.raises(MissingRuleException):
        dry_run(fresh.folder, {}, f"results/small/driving/{path}")


def test_a_report_before_its_build_names_the_target_to_build(fresh):
    result = fresh.snakemake("--report", "report.html")
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert re.search(
        r"^results/small/figures/figure_\S+: was not built, so there is nothing to report; build the target of the "
        r"report first \(all_figures, if you name none\), by the same command without --report$",
        output,
        re.MULTILINE,
    )
    assert "Error" not in output
    assert not (fresh.folder / "report.html").exists()


def test_a_results_folder_that_cannot_be_written_is_named(fresh):
    (fresh.folder / "occupied").write_text("")
    result = fresh.snakemake("--config", "results=occupied/results", "--", "figure_1")
    assert result.returncode == 1
    message = (
        "occupied: is not a folder, so nothing can be made in occupied/results; make it writable or choose another"
    )
    assert message in result.stdout + result.stderr


SECRET = "-".join(("pass", "word"))  # so that this file, which is copied too, does not hold it


@pytest.fixture
def no_network(monkeypatch):
    """Let every address but this machine's be asked of a proxy that is not there, and whose password is secret too."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://me:{SECRET}@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_failed_download_shows_which_mirrors_were_tried_and_no_password(
    workflow_in, tmp_path, monkeypatch, no_network
):
    workflow = workflow_in(tmp_path / "copy")
    mirror = f"http://me:{SECRET}@127.0.0.1:9/of-settings?token={SECRET}"
    mirrors = {"downloads": {"mirrors": [mirror]}, "tasks": {"mnist": {"dataset": "mnist"}}}
    (workflow.folder / "mirrors.yaml").write_text(yaml.safe_dump(mirrors))
    monkeypatch.setenv(MIRROR_VARIABLE, mirror.replace("settings", "environment"))
    result = workflow.snakemake("mirrors.yaml", "--printshellcmds", "--", "results/small/datasets/mnist.safetensors")
    output = result.stdout + result.stderr
    assert result.returncode == 1
    for place in ("environment", "settings"):
        tried = rf"http://\*\*\*@127\.0\.0\.1:9/of-{place}/mnist/[a-z0-9-]+\.gz\?\*\*\*: \[Errno 111\]"
        assert re.search(tried, output)
    assert SECRET not in output
    written = [path for path in workflow.folder.rglob("*") if path.is_file() and path.name != "mirrors.yaml"]
    assert len([path for path in written if path.suffix == ".log"]) >= 2
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("mirrors", [f"https://me:{SECRET}@host", [f"https://me:{SECRET}@host\t"]])
def test_a_wrong_mirror_is_named_without_its_password(fresh, mirrors):
    (fresh.folder / "wrong.yaml").write_text(yaml.safe_dump({"downloads": {"mirrors": mirrors}}))
    result = fresh.snakemake("wrong.yaml", "--", "all_figures")
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "'downloads.mirrors" in output
    assert "https://***@host" in output
    assert SECRET not in output
