"""Every configuration gives a valid dry run, or is refused with one line that names the key.

`AANN_CONFIGURATIONS` says how many are tried: a hundred unless it is set, thousands by hand. Each is a dry run by
Snakemake itself, in this process; a few go through its command line, too.
"""

import os
import re
from collections import Counter

import forks
import pytest
import yaml
from configurations import Generator
from dry_runs import dry_run
from hypothesis import HealthCheck, Phase, given, settings
from snakemake_interface_common.exceptions import WorkflowError

from aann.settings.figures import target
from aann.settings.files import merge
from aann.settings.study import Settings

COUNT = int(os.environ.get("AANN_CONFIGURATIONS", "100"))


@pytest.fixture(scope="module")
def base(fresh):
    """The cut-down configuration as a whole; nothing is laid under it in this copy."""
    path = fresh.folder / "config/config.yaml"
    read = merge(yaml.safe_load(path.read_text()), yaml.safe_load((fresh.folder / "small.yaml").read_text()))
    path.write_text("{}\n")
    return read


@pytest.fixture(scope="module")
def generator(root):
    return Generator(yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text()))


def refusal(folder, config, *more):
    """Return the line that refuses a configuration, and nothing if it gives a valid dry run of all figures and more."""
    try:
        jobs = dry_run(folder, config, "all_figures", *more).dag.jobs
        figures = config.get("figures") or {}
        drawn = {target(name) for name, entry in figures.items() if entry is not None}
        assert {"all_figures", *drawn, *more} <= {job.rule.name for job in jobs}
    except WorkflowError as error:
        assert type(error) is WorkflowError, f"{type(error).__name__}: {error}"
        return str(error)
    return ""


def check_names_a_key(line, config):
    assert line.startswith("configuration: "), line
    assert "\n" not in line
    start = line.removeprefix("configuration: ")
    quoted = re.match(r"(?:unknown )?setting '(.*?)'(?=[:; ])", start)
    named = quoted[1] if quoted else start.split(":")[0]
    keys = {*Settings.model_fields, *(key if key.isprintable() else repr(key)[1:-1] for key in config)}
    assert any(f"{named}.".startswith(f"{key}.") for key in keys), line


def test_every_configuration_is_accepted_or_refused_with_a_line_that_names_the_key(fresh, base, generator):
    found = Counter()

    @settings(max_examples=COUNT, database=None, derandomize=COUNT <= 1000, suppress_health_check=list(HealthCheck))
    @given(generator.configurations(base))
    def check(config):
        kept = config.get("figures") == base["figures"]  # the claims and the page are about them
        line = refusal(fresh.folder, config, *(("claims", "report_page") if kept else ()))
        if line:
            check_names_a_key(line, config)
        found["refused" if line else "accepted"] += 1

    check()
    print(f"{found.total()} configurations: {found['accepted']} accepted, {found['refused']} refused")
    assert min(found["accepted"], found["refused"]) > COUNT / 20
    assert found.total() >= COUNT


def test_the_command_accepts_and_refuses_the_same(fresh, base, generator):
    command = [*forks.COMMAND, "--cores", "2", "--dry-run", "--configfile", "tried.yaml", "--"]

    @settings(max_examples=6, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(generator.configurations(base))
    def check(config):
        (fresh.folder / "tried.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        result = forks.run([*command, "all_figures"], fresh.folder, os.environ)
        output = result.stdout + result.stderr
        line = refusal(fresh.folder, config)
        assert result.returncode == bool(line), output
        assert (line or "This was a dry-run") in output
        assert "Traceback" not in output

    check()


def test_a_gpu_is_asked_for_only_by_jobs_that_train_and_only_with_cuda(fresh, base):
    for device, number in (("cpu", 0), ("auto", 0), ("cuda", 1)):
        jobs = dry_run(fresh.folder, base | {"device": device}).dag.jobs
        asking = {job.rule.name for job in jobs if job.resources.get("gpu")}
        training = {
            "dense",
            "sparsify_mnist",
            "sparsify_mnist-few",
            "sparsify_fashion",
            "sparsify_car",
            "network",
            "driver",
            "backpropagation",
        }
        assert asking == (training if number else set())


def test_null_on_the_command_line_takes_an_entry_away(fresh, base):
    one, *others = (name for name in base["figures"] if not name.startswith("video"))
    jobs = dry_run(fresh.folder, base | {"figures": base["figures"] | {one: "null"}}).dag.jobs
    drawn = {job.rule.name for job in jobs if job.rule.name.startswith("figure_")}
    assert drawn == {f"figure_{name}" for name in others}
