"""Builds from other folders, from a ZIP, as a module, and where little can be written. docs/elsewhere.md shows them."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import equal_builds
import forks
import pytest
import yaml

BIN = Path(sys.executable).parent

# What snakedeploy 0.17 writes to workflow/Snakefile, with the declaration of the source and the name of the module.
DEPLOYED = """\
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


# declare https://github.com/owner/aann as a module
module aann:
    snakefile:
        {source}
    config:
        config


# use all rules from https://github.com/owner/aann
use rule * from aann
"""


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """A copy of the repository without git, which no test changes."""
    folder = tmp_path_factory.mktemp("clone") / "aann"
    equal_builds.copy_repository(folder, root)
    yield folder
    assert not (folder / "results/quick").exists()
    assert not (folder / ".snakemake").exists()


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of a user, with a small change of the configuration."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine.yaml").write_text("scale: mine\n")
    return folder


def in_a_process(command, folder, environment, **options):
    """Run a command in a process of its own, as `forks.run` does in a fork."""
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, check=False, **options
    )


def snakemake(folder, *arguments, check=True, environment=None, run=forks.run):
    """Run Snakemake in a folder, with no aann but what it finds itself, and return what it printed."""
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [*forks.COMMAND, "--cores", "1", *arguments]
    done = run(command, folder, inherited | (environment or {}))
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == check, output
    return output


def figure_1(results):
    return {ending: (results / f"figures/figure_1.{ending}").read_bytes() for ending in ("pdf", "png", "csv")}


@pytest.fixture(scope="module")
def drawn(root, tmp_path_factory):
    """Figure 1 as it is built in the folder of the workflow."""
    folder = tmp_path_factory.mktemp("drawn") / "aann"
    equal_builds.copy_repository(folder, root)
    snakemake(folder, "figure_1")
    return figure_1(folder / "results/paper")


CONDA = """\
#!/bin/sh
# Stands in for conda: an environment is a python that says that it ran.
case "$1" in
  --version) echo "conda 25.1.0" ;;
  info) echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
  config) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  env)
    while [ "$1" != --prefix ]; do shift; done
    mkdir -p "$2/bin"
    printf '#!/bin/sh\necho "$0" >> ran\nexec {python} "$@"\n' > "$2/bin/python"
    chmod +x "$2/bin/python" ;;
esac
"""


@pytest.fixture
def conda(tmp_path):
    """An environment of a process in which there is a conda."""
    base = tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    (base / "bin/conda").write_text(CONDA.format(base=base, python=sys.executable))
    (base / "bin/conda").chmod(0o755)
    (base / "bin/activate").write_text('export PATH="$1/bin:$PATH"\n')
    return {"PATH": f"{base / 'bin'}:{os.environ['PATH']}"}


# --- another folder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_a_build_in_another_folder_is_equal_and_leaves_its_files_there(clone, elsewhere, drawn, snakefile):
    snakemake(elsewhere, "figure_1", "--snakefile", clone / snakefile)
    assert figure_1(elsewhere / "results/paper") == drawn
    assert (elsewhere / "results/paper/logs/figures/figure_1.log").is_file()
    assert (elsewhere / ".snakemake").is_dir()


def test_the_folder_may_be_named(clone, elsewhere, tmp_path, drawn):
    shutil.copytree(clone, tmp_path / "aann")
    snakemake(tmp_path / "aann", "figure_1", "--configfile", elsewhere / "mine.yaml", "--directory", elsewhere)
    assert figure_1(elsewhere / "results/mine") == drawn
    assert {path.name for path in (tmp_path / "aann/results").iterdir()} == {"README.md"}


def planned(folder, *arguments, **options):
    """Return how many jobs of each rule a dry run plans."""
    output = snakemake(folder, *arguments, "--dry-run", **options)
    table = output.split("Job stats:")[1].partition("\n\n")[0]
    return {rule: int(count) for rule, count in map(str.split, table.splitlines()[3:])}


def test_every_target_is_planned_from_another_folder(clone, elsewhere):
    top, standard = (
        planned(elsewhere, "claims", "report_page", "--snakefile", clone / snakefile)
        for snakefile in ("Snakefile", "workflow/Snakefile")
    )
    assert top == standard
    assert {"claims", "report_page", "figure_12", "fetch_archive"} <= set(top)


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_the_default_target_is_all_figures(clone, elsewhere, snakefile):
    assert planned(elsewhere, "--snakefile", clone / snakefile)["all_figures"] == 1


def test_a_configuration_in_the_folder_takes_the_place_of_the_workflows_own(clone, elsewhere):
    own = yaml.safe_load((clone / "config/config.yaml").read_text())
    (elsewhere / "config").mkdir()
    (elsewhere / "config/config.yaml").write_text(yaml.safe_dump(own | {"scale": "here"}))
    snakemake(elsewhere, "figure_1", "--snakefile", clone / "Snakefile")
    assert (elsewhere / "results/here/figures/figure_1.png").is_file()


def test_claims_and_the_page_are_equal_from_another_folder_and_know_what_they_came_from(everything, tmp_path):
    workflow = shutil.copytree(everything, tmp_path / "aann", symlinks=True)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (workflow / "results").rename(folder / "results")
    made = ("claims/claims.json", "claims/claims.md", "claims/claims.html", "report/page.html")
    before = {name: (folder / "results/small" / name).read_bytes() for name in made}
    for name in made:
        (folder / "results/small" / name).unlink()
    arguments = ("--rerun-triggers", "mtime", "--snakefile", workflow / "Snakefile")
    snakemake(folder, "claims", "report_page", "--configfile", workflow / "small.yaml", *arguments)
    assert {name: (folder / "results/small" / name).read_bytes() for name in made} == before
    for name in ("claims/claims.json", "report/page.html"):
        command = [sys.executable, "-m", "aann", "provenance", "--json", f"results/small/{name}"]
        environment = os.environ | {"PYTHONPATH": str(workflow / "src")}
        traced = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(traced.stdout)["problems"] == []


# --- as a module ------------------------------------------------------------------------------------------------------


@pytest.fixture
def importing(elsewhere):
    """Return how to write a workflow that imports this one, given its text, and how to run it."""

    def write(text, config="scale: mine\n"):
        for folder in ("workflow", "config"):
            (elsewhere / folder).mkdir(exist_ok=True)
        (elsewhere / "workflow/Snakefile").write_text(text)
        (elsewhere / "config/config.yaml").write_text(config)
        return elsewhere

    return write


IMPORTING = """
from pathlib import Path


rule mine:
    output:
        "mine.txt",
    shell:
        "echo one > {{output}}; echo two >> {{output}}"


module aann:
    snakefile:
        {source!r}
    config:
        {{"scale": "mine"}}


use rule * from aann as aann_*


onstart:
    Path("began").write_text("as the importing workflow wants")
"""


def test_as_a_module_its_own_code_runs_beside_other_rules(clone, importing, drawn, tmp_path):
    folder = importing(IMPORTING.format(source=str(clone / "workflow/Snakefile")))
    (tmp_path / "installed/aann").mkdir(parents=True)
    (tmp_path / "installed/aann/__init__.py").write_text("raise SystemExit('the installed package runs')")
    remains = folder / "results/mine/figures/.unfinished.figure_1.k3x_9q2a.csv"
    remains.parent.mkdir(parents=True)
    remains.write_text("")
    snakemake(folder, "aann_figure_1", "mine", environment={"PYTHONPATH": str(tmp_path / "installed")})
    assert figure_1(folder / "results/mine") == drawn
    assert (folder / "mine.txt").read_text() == "one\ntwo\n"
    assert (folder / "began").is_file()
    assert not remains.exists()
    assert (folder / "results/mine/logs/build.lock").is_file()


def test_as_a_module_it_refuses_a_second_build_and_no_dry_run(clone, importing):
    folder = importing(IMPORTING.format(source=str(clone / "Snakefile")))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder / "results/mine/logs/build.lock"], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        snakemake(folder, "aann_figure_1", "--dry-run")
        output = snakemake(folder, "aann_figure_1", check=False)
    finally:
        holder.kill()
        holder.communicate()
    assert f"build.lock: another build is at work here (process {holder.pid} on" in output
    assert "Traceback" not in output
    assert not (folder / "results/mine/figures/figure_1.png").exists()


HOLDER = """
import sys, time
from aann.builds.safeguards import hold_lock
hold_lock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_as_a_module_single_rules_can_be_used_and_changed(clone, importing, conda):
    text = f"""
module aann:
    snakefile:
        {str(clone / "Snakefile")!r}
    config:
        config["figures"]


configfile: "config/config.yaml"


use rule figure_1 from aann with:
    threads: 1
"""
    text = text.replace("module aann", 'configfile: "config/config.yaml"\n\n\nmodule aann')
    folder = importing(text, "figures: {scale: drawn}\nunrelated: 1\n")
    snakemake(folder, "figure_1")
    assert (folder / "results/drawn/figures/figure_1.png").is_file()
    output = snakemake(folder, "figure_1", "--dry-run", "--sdm", "conda", environment=conda)
    assert f"Conda environment {clone}/envs/jobs.yaml will be created" in output


def test_a_module_without_a_configuration_has_the_workflows_own(clone, importing):
    folder = importing(
        f"module aann:\n    snakefile: {str(clone / 'Snakefile')!r}\nuse rule * from aann\n", "unrelated: 1"
    )
    assert "results/paper/figures/figure_1.png" in snakemake(folder, "figure_1", "--dry-run")


def test_a_whole_configuration_of_a_module_is_taken_as_it_is(clone, importing):
    whole = yaml.safe_load((clone / "config/config.yaml").read_text())
    del whole["neighbors"]["mnist"]
    folder = importing(DEPLOYED.format(source=repr(str(clone / "Snakefile"))), yaml.safe_dump(whole))
    output = snakemake(folder, "figure_1", "--dry-run", check=False)
    assert "configuration: figures.3.task: the setting 'neighbors' has no task 'mnist'" in output


@pytest.mark.parametrize(
    ("before", "option", "message"),
    [
        (
            "",
            '    prefix: "there"\n',
            "module: this workflow takes no prefix and no replace_prefix; name another folder",
        ),
        (
            "import aann\n",
            "",
            "aann: the Snakefile has imported this package before the module, which needs its own in",
        ),
    ],
    ids=["a prefix", "another package"],
)
def test_what_a_module_cannot_do_is_said_in_a_line(clone, importing, tmp_path, before, option, message):
    (tmp_path / "installed/aann").mkdir(parents=True)
    (tmp_path / "installed/aann/__init__.py").write_text("")
    source = str(clone / "Snakefile")
    folder = importing(f"{before}module aann:\n    snakefile: {source!r}\n{option}use rule * from aann\n")
    output = snakemake(
        folder, "figure_1", "--dry-run", check=False, environment={"PYTHONPATH": str(tmp_path / "installed")}
    )
    assert message in output
    assert "Traceback" not in output


# --- from a git repository, as snakedeploy writes it ------------------------------------------------------------------


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(root, tmp_path_factory):
    """A git repository of one commit, with the tag v1.0.0."""
    folder = tmp_path_factory.mktemp("repository") / "aann"
    equal_builds.copy_repository(folder, root)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=All")
    git(folder, "tag", "v1.0.0")
    return folder


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("ref", ["github", "gitfile"])
def test_snakedeploys_layout_runs_from_the_commit_that_it_names(repository, importing, drawn, tmp_path, ref):
    cache = tmp_path / "cache"
    hosted = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/aann"
    git(tmp_path, "clone", "--quiet", "--bare", repository, hosted)  # so that nothing is fetched
    source = {
        "github": 'github("owner/aann", path="workflow/Snakefile", tag="v1.0.0")',
        "gitfile": f'gitfile({str(repository)!r}, path="workflow/Snakefile", tag="v1.0.0")',
    }[ref]
    whole = (repository / "config/config.yaml").read_text().replace("scale: paper", "scale: mine")
    folder = importing(DEPLOYED.format(source=source), whole)
    shutil.copytree(repository / "profiles", folder / "profiles")
    environment = {"XDG_CACHE_HOME": str(cache)}
    snakemake(folder, "figure_1", environment=environment)
    assert figure_1(folder / "results/mine") == drawn
    (copy,) = (folder / ".snakemake/aann").iterdir()
    assert copy.name == git(repository, "rev-parse", "HEAD")
    assert (copy / "workflow/notebooks/report.ipynb").read_bytes() == (
        repository / "workflow/notebooks/report.ipynb"
    ).read_bytes()
    jobs = planned(folder, "all_figures", "claims", "report_page", environment=environment)
    assert {"claims", "report_page", "figure_12"} <= set(jobs)
    assert "figure_1" not in jobs


# --- with conda -------------------------------------------------------------------------------------------------------


def test_with_conda_one_environment_is_planned_and_jobs_run_in_it(clone, elsewhere, conda, drawn):
    arguments = ("--snakefile", clone / "Snakefile", "--software-deployment-method", "conda")
    planned = snakemake(elsewhere, "all_figures", "claims", "--dry-run", *arguments, environment=conda)
    assert re.findall(r"Conda environment (.+) will be created", planned) == [str(clone / "envs/jobs.yaml")]
    snakemake(elsewhere, "figure_1", *arguments, environment=conda)
    (ran,) = set((elsewhere / "ran").read_text().split())
    assert re.fullmatch(rf"{elsewhere}/\.snakemake/conda/\w+/bin/python", ran)
    assert figure_1(elsewhere / "results/paper") == drawn
    done = snakemake(elsewhere, "figure_1", *arguments, environment=conda)
    assert "Nothing to be done" in done


LACKING = """
import sys

class Lacking:  # as if numpy, which a plugin of Snakemake may import before, were not there
    def find_spec(name, path=None, target=None):
        if name == "aann.artifacts":
            raise ModuleNotFoundError("No module named 'numpy'", name="numpy")

sys.meta_path.insert(0, Lacking)
"""


def test_a_package_that_snakemake_lacks_is_named(clone, elsewhere, conda, tmp_path):
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/sitecustomize.py").write_text(LACKING)
    arguments = ("figure_1", "--dry-run", "--snakefile", clone / "Snakefile", "--sdm", "conda")
    environment = conda | {"PYTHONPATH": str(tmp_path / "lacking")}
    output = snakemake(elsewhere, *arguments, check=False, environment=environment, run=in_a_process)
    assert (
        "numpy: Snakemake reads this workflow with it, even if jobs have an environment of their own; install" in output
    )
    assert "Traceback" not in output


def test_without_conda_the_environment_of_jobs_reruns_nothing(clone, tmp_path):
    workflow = shutil.copytree(clone, tmp_path / "aann")
    snakemake(workflow, "figure_1")
    environment = workflow / "envs/jobs.yaml"
    environment.write_text(environment.read_text().replace("matplotlib==", "matplotlib==1"))
    assert "Nothing to be done" in snakemake(workflow, "figure_1", "--dry-run")


# --- where little can be written --------------------------------------------------------------------------------------


def keep_to_permissions():
    """Let a process that is about to start keep to the permissions of files even as root, and so all that it starts."""
    libc, drop, override, search = ctypes.CDLL(None), 24, 1, 2  # linux/prctl.h, linux/capability.h
    for capability in (override, search):
        libc.prctl(drop, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
def test_a_checkout_that_cannot_be_written_is_enough(clone, elsewhere, drawn, tmp_path):
    workflow = shutil.copytree(clone, tmp_path / "aann")
    for cache in list(workflow.rglob("__pycache__")):
        shutil.rmtree(cache)
    folders = [workflow, *(path for path in workflow.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        refused = subprocess.run(
            ["touch", workflow / "src/x"], check=False, preexec_fn=keep_to_permissions, capture_output=True
        )
        assert refused.returncode == 1
        run = partial(in_a_process, preexec_fn=keep_to_permissions)
        snakemake(elsewhere, "figure_1", "--snakefile", workflow / "Snakefile", run=run)
        output = snakemake(workflow, "figure_1", check=False, run=run)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert figure_1(elsewhere / "results/paper") == drawn
    assert (elsewhere / "results/paper/logs/figures/figure_1.log").read_text() == ""
    assert not list(workflow.rglob("__pycache__"))
    assert "Permission denied" in output


def test_make_needs_no_home(clone, tmp_path):
    workflow = shutil.copytree(clone, tmp_path / "aann")
    (workflow / "ready").touch()
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "XDG_CACHE_HOME")}
    command = ["make", "rules", f"BIN={BIN}", "READY=ready"]
    done = subprocess.run(
        command,
        cwd=workflow,
        env=environment | {"HOME": "/dev/null/home"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workflow / "results/paper/jobs/rules.png").stat().st_size > 0


# --- from a ZIP -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_the_files_of_the_repository_are_found_without_git(repository, tmp_path):
    listed = git(repository, "ls-files").splitlines()
    for ignored in (
        ".venv/bin/python",
        "results/paper/x.csv",
        "src/aann/__pycache__/x.pyc",
        "src/aann.egg-info/PKG-INFO",
    ):
        (repository / ignored).parent.mkdir(parents=True, exist_ok=True)
        (repository / ignored).touch()
    assert sorted(path.as_posix() for path in equal_builds.repository_files(repository)) == sorted(listed)


def test_verify_builds_twice_and_says_that_all_is_equal_even_from_a_zip(clone):
    assert not (clone / ".git").exists()
    program = [sys.executable, "tests/workflow/equal_builds.py", "--cores", "1", "2", "--target", "figure_1"]
    environment = os.environ | {"PYTHONPATH": str(clone / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(program, cwd=clone, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, last = done.stdout.splitlines()
    assert first == "built with --cores 1 and PYTHONHASHSEED=1 LC_ALL=C.UTF-8 TZ=UTC0"
    assert second.startswith("built with --cores 2")
    assert last == "all 3 results are equal to the byte (logs and benchmarks are not compared)"


# --- SLURM with another folder ----------------------------------------------------------------------------------------


def test_a_build_begins_again_in_the_folder_it_was_started_from_when_lost_jobs_were_cancelled(
    clone, elsewhere, tmp_path
):
    commands, folder = tmp_path / "bin", tmp_path / "results of mine"
    commands.mkdir()
    (folder / ".snakemake").mkdir(parents=True)
    (folder / ".snakemake/slurm.lock").touch()
    (folder / "listed").write_text(f"11|aann_0a7ff4b3|{folder}\n12|aann_0a7ff4b3|{elsewhere}\n")
    for name, text in (("squeue", "cat listed"), ("scancel", 'echo "$@" > cancelled; : > listed')):
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    environment = {"PATH": f"{commands}:{os.environ['PATH']}"}
    arguments = ("--snakefile", clone / "Snakefile", "--configfile", "mine.yaml", "--directory", folder)
    output = snakemake(elsewhere, "figure_1", *arguments, environment=environment)
    assert "Cancelled SLURM job 11 of an earlier build." in output
    assert (folder / "cancelled").read_text() == "11\n"
    assert (folder / "results/mine/figures/figure_1.png").is_file()
    assert not (elsewhere / "results").exists()


# --- what others look for ---------------------------------------------------------------------------------------------


def test_the_repository_has_what_the_catalog_of_workflows_asks_for(root):
    words = (root / "README.md").read_text().lower()
    assert "snakemake" in words
    assert "workflow" in words
    assert (root / "workflow/Snakefile").is_file()
    assert list((root / "rules").glob("*.smk"))
    assert (root / "config/README.md").is_file()
    declared = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert declared["software-stack-deployment"] == {"conda": True, "apptainer": False}
    assert declared["report"] is True


def test_commands_that_are_shown_have_their_targets_before_files_of_settings(root):
    after = re.compile(r"--configfile(?:[ \t]+\S+\.ya?ml)+[ \t]+(?:--[ \t]+)?[A-Za-z]")
    patterns = ("*.md", "docs/*.md", "config/*.md", "results/*.md", "Makefile", ".ci/run", "src/aann/*.py")
    patterns += ("rules/*.smk", "profiles/*/*.yaml")
    texts = {path: path.read_text() for pattern in patterns for path in root.glob(pattern)}
    assert sum("--configfile" in text for text in texts.values()) > 4
    assert [(path.name, after.findall(text)) for path, text in texts.items() if after.search(text)] == []
