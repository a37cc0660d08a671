"""The wheel: what is in it, and what it does where only the library's own dependencies are installed."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile

import numpy as np
import pytest
import yaml
from pathspec import PathSpec
from PIL import Image
from test_environment import needed_by

import aann
from aann.evaluation import reference
from aann.extras import EXTRAS
from aann.swaps import sample_swaps

BUILT_FROM = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
NETWORK = "release/psiren/mnist/p90/seed0.safetensors.gz"


UNCHANGED = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
"""The environment of processes that find no package but those that are installed."""


def ended(command, env=UNCHANGED, **options):
    return subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, check=False, **options)


def done(command, **options):
    result = ended(command, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel of a copy of the files that it is built from, by the setuptools that is here (torch needs one)."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        shutil.copy(root / name, copy)
    for name in ("config", "src"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    pip = [sys.executable, "-m", "pip", "--isolated", "wheel", "--quiet", "--no-index", "--no-deps"]
    done([*pip, "--no-build-isolation", "--wheel-dir", folder, copy])
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def library(root, wheel, tmp_path_factory):
    """A virtual environment with the wheel, and of all packages here only those that the library needs."""
    folder = tmp_path_factory.mktemp("library")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--isolated", "--python", python, "install", "--quiet"]
    done([*pip, "--no-index", "--no-deps", "--no-compile", wheel])
    (site,) = folder.glob("lib/*/site-packages")
    needed = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    for name in needed_by(needed):
        here = importlib.metadata.distribution(name)
        for top in {path.parts[0] for path in here.files} - {"..", "__pycache__"}:
            (site / top).symlink_to(here.locate_file(top))
    return folder / "bin"


@pytest.fixture
def alone(tmp_path):
    """What processes of the environment are started with: an empty folder, and no path to the repository."""
    (tmp_path / "empty").mkdir()
    return {"cwd": tmp_path / "empty", "env": UNCHANGED | {"NUMBA_CACHE_DIR": str(tmp_path / "compiled")}}


def test_the_wheel_has_all_files_of_the_package_and_the_settings(root, wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
        described = {name: opened.read(name).decode() for name in opened.namelist() if name.endswith("METADATA")}
    package = {path.relative_to(root / "src").as_posix() for path in (root / "src/aann").rglob("*") if path.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    assert {"aann/py.typed", "aann/export/c/aann.c", "aann/export/page/explorer.html"} < package
    assert names == package | {f"aann/config/{path.name}" for path in (root / "config").glob("*.yaml")}
    (metadata,) = described.values()
    assert re.findall(r"^Provides-Extra: (.*)$", metadata, flags=re.MULTILINE) == [*EXTRAS, "test"]


def test_the_command_says_its_version(library, alone):
    assert done([library / "aann", "--version"], **alone) == f"aann, version {aann.__version__}\n"
    assert done([library / "python", "-m", "aann", "--version"], **alone).endswith(f", version {aann.__version__}\n")
    asked = "import importlib.metadata; print(importlib.metadata.version('aann'))"
    assert done([library / "python", "-c", asked], **alone) == f"{aann.__version__}\n"


LIGHT = """
import sys, aann
network = aann.load_network(sys.argv[1])
described = type(network)(network.architecture, network.weights, data={"input": {"size": [28, 28], "channels": 1}})
print(aann.predict(described, sys.argv[2:]).tolist())
print(*sorted({"numba", "pandas", "pyarrow", "scipy", "torch"} & {name.partition(".")[0] for name in sys.modules}))
"""


def test_the_command_and_python_predict_from_a_picture_with_little_imported(root, library, alone):
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(alone["cwd"] / "picture.png")
    expected = reference.predictions(aann.load_network(root / NETWORK), pixels[None, None])
    given = ("--size", 28, 28, "--channels", 1)
    printed = done([library / "aann", "predict", root / NETWORK, "picture.png", *given], **alone)
    assert printed.startswith(f"picture.png: {expected.item()}, margin ")
    command = [library / "python", "-W", "error", "-c", LIGHT, root / NETWORK, "picture.png"]
    assert done(command, **alone) == f"{expected.tolist()}\n\n"


EVERYTHING = """
import json, sys
import numpy as np, aann
network = aann.load_network(sys.argv[1])
images, labels = np.load("images.npy"), np.load("labels.npy")
evaluator = aann.Evaluator(network, images, labels)
found = aann.count_neighbors(network, "fc", images, labels, amount=20, seed=3)
random = aann.random_network("static", sparsity=90, seed=0)
print(json.dumps({
    "count": aann.evaluate(network, images, labels),
    "logits": evaluator.logits().tolist(),
    "neighbors": found.correct.tolist(),
    "apart": aann.families.hamming(network, random),
    "sparsity": random.sparsity,
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


def test_it_counts_and_looks_at_neighbors_as_here(root, library, alone):
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (50, 1, 28, 28), dtype=np.uint8), random.integers(0, 10, 50)
    np.save(alone["cwd"] / "images.npy", images)
    np.save(alone["cwd"] / "labels.npy", labels)
    found = json.loads(done([library / "python", "-W", "error", "-c", EVERYTHING, root / NETWORK], **alone))
    network = aann.load_network(root / NETWORK)
    slow = reference.ReferenceEvaluator(network, images, labels)
    swaps = sample_swaps(network.weights["fc"], 20, np.random.default_rng(3))
    assert found["count"] == slow.correct_count()
    assert found["logits"] == slow.logits().tolist()
    assert found["neighbors"] == slow.correct_counts("fc", *swaps).tolist()
    assert (found["sparsity"], found["apart"].keys()) == (90, network.weights.keys())
    assert not {*found["modules"]} & {module for modules in EXTRAS.values() for module in modules}


@pytest.mark.parametrize("form", ["packed", "c"])
def test_it_exports_as_here(root, library, alone, form, tmp_path):
    command = ["export", root / NETWORK, "--format", form, "--output"]
    done([library / "aann", *command, "there"], **alone)
    done(
        [sys.executable, "-m", "aann", *command, tmp_path / "here"], env=os.environ | {"PYTHONPATH": str(root / "src")}
    )
    there, here = alone["cwd"] / "there", tmp_path / "here"
    for path in sorted(here.rglob("*")) if here.is_dir() else [here]:
        if not path.name.endswith(".json") and not path.name.startswith("."):
            assert (there / path.relative_to(here)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("figures", "draw", "1", "--output", "figure.png"), "matplotlib: is not installed.*'aann\\[workflow\\]'"),
        (("driving", "expert", "--count", "1", "--output", "x.csv"), "torch: is not installed.*'aann\\[workflow\\]'"),
        (("export", NETWORK, "--format", "onnx", "--output", "x.onnx"), "'aann\\[export\\]'"),
        (("results", "touch"), "Snakefile: there is no such file; run this in the folder of the workflow"),
    ],
)
def test_what_needs_an_extra_or_the_workflow_says_so_in_one_line(root, library, alone, arguments, said):
    result = ended([library / "aann", *(root / NETWORK if each == NETWORK else each for each in arguments)], **alone)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(f"error: .*{said}\n", result.stderr)


@pytest.mark.parametrize("code", ["aann.load_data('digits', 'x')", "import aann.evaluation.reference"])
def test_python_says_which_extra_is_missing(library, alone, code):
    script = f"import aann, aann.errors\ntry:\n    {code}\nexcept aann.errors.InputError as error:\n    print(error)"
    printed = done([library / "python", "-c", script], **alone)
    assert re.fullmatch(r"(sklearn|torch): is not installed, .* pip install 'aann\[workflow\]'\n", printed)


# --- what describes the repository ------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_changelog_and_of_the_citation(root):
    cited = yaml.safe_load((root / "CITATION.cff").read_text())
    released = re.findall(r"^## \[([\d.]+)\] - (\S+)$", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert released[0] == (aann.__version__, str(cited["date-released"]))
    assert cited["version"] == aann.__version__
    assert released == sorted(released, key=lambda entry: entry[1], reverse=True)


def test_the_citation_is_valid(root):
    validator = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    assert "ok" in done([*validator, root / "CITATION.cff"])


def test_the_catalog_of_workflows_finds_what_it_asks_for(root):
    """There is no validator of its file. These are its conditions, and the keys that its pages read."""
    readme = (root / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    assert (root / "workflow/Snakefile").is_file()
    assert (root / "config/README.md").is_file()
    assert not (root / "workflow/rules").exists()
    (usage,) = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text()).values()
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert {key: type(value) for key, value in usage["mandatory-flags"].items()} == {"desc": str, "flags": str}
    deployment = usage["software-stack-deployment"]
    assert deployment.keys() <= {"conda", "apptainer", "apptainer+conda"}
    assert {type(value) for value in (usage["report"], *deployment.values())} == {bool}


def test_the_recipe_for_a_container_names_what_is_here(root):
    recipe = (root / "envs/Dockerfile").read_text()
    (folder,) = re.findall(r"^COPY \. (\S+)$", recipe, flags=re.MULTILINE)
    for target in re.findall(rf"make -C {folder} (\w+)$", recipe, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", (root / "Makefile").read_text(), flags=re.MULTILINE)
    named = {path for path in re.findall(rf"{folder}/([\w./]+)", recipe) if not path.startswith(".venv")}
    assert named == {"Snakefile"}
    assert (root / "Snakefile").is_file()
    left_out = PathSpec.from_lines("gitignore", (root / ".dockerignore").read_text().splitlines())
    for line in (root / ".gitignore").read_text().splitlines():
        path = line.strip("/").replace("*", "x")
        assert left_out.match_file(path) != line.startswith("!"), line
    assert not left_out.match_file("results/README.md")
