"""Nothing is unpickled: no code can do it, and a pickle in the place of any input is refused with one line.

What runs a pickle runs whatever its author wrote. Two things are left out here, since they are not data: Numba keeps
what it has compiled beside the code, as Python does, and processes of one job hand each other arguments.
"""

import ast
import json
import pickle
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from commands import check_one_line, run
from snakemake.parser import parse
from snakemake.sourcecache import infer_source_file

from aann.figures import kinds
from aann.report.contents import contents_of
from aann.settings.study import load

MODULES = {"_pickle", "cloudpickle", "dill", "jsonpickle", "joblib", "marshal", "pickle", "shelve"}
LOADERS = {
    "np": {"load"},
    "numpy": {"load"},
    "torch": {"load"},
    "yaml": {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"},
}
NAMES = {"eval", "exec", "read_pickle", "to_pickle", "allow_pickle", "UnsafeLoader", "FullLoader"}


def unpickling(tree):
    """Return what could run code from data, as it stands in a syntax tree."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names if alias.name.split(".")[0] in MODULES}
            case ast.ImportFrom(module=str(module), names=names):
                found |= {module} if module.split(".")[0] in MODULES else set()
                found |= {f"{module}.{name.name}" for name in names if name.name in LOADERS.get(module, ())}
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in LOADERS.get(module, ()):
                found.add(f"{module}.{name}")
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.keyword(arg=str(name)) if name in NAMES:
                found.add(name)
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", {"pickle"}),
        ("from joblib.numpy_pickle import load", {"joblib.numpy_pickle"}),
        ("from torch import load", {"torch.load"}),
        ("torch.load(path)", {"torch.load"}),
        ("np.load(path, allow_pickle=True)", {"np.load", "allow_pickle"}),
        ("yaml.load(text, yaml.FullLoader)", {"yaml.load", "FullLoader"}),
        ("pandas.read_pickle(path)", {"read_pickle"}),
        ("eval(text)", {"eval"}),
        ("json.load(file); yaml.safe_load(text); self.load(path)", set()),
    ],
)
def test_what_unpickles_is_found(source, found):
    assert unpickling(ast.parse(source)) == found


def rules_as_python(path):
    source = SimpleNamespace(open=lambda file: StringIO(path.read_text(encoding="utf-8")))
    return parse(infer_source_file(path), SimpleNamespace(sourcecache=source), {})[0]


def cells_as_python(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_no_code_unpickles(root):
    readers = {
        "src/**/*.py": lambda path: path.read_text(encoding="utf-8"),
        "benchmarks/*.py": lambda path: path.read_text(encoding="utf-8"),
        "Snakefile": rules_as_python,
        "workflow/Snakefile": rules_as_python,
        "rules/*.smk": rules_as_python,
        "workflow/notebooks/*.ipynb": cells_as_python,
    }
    for pattern, read in readers.items():
        paths = list(root.glob(pattern))
        assert paths, pattern
        for path in paths:
            assert unpickling(ast.parse(read(path))) == set(), path


# --- pickles in the place of inputs -----------------------------------------------------------------------------------


class Touches:
    """Its pickle makes a file where it is read."""

    def __reduce__(self):
        return Path.touch, (Path("unpickled"),)


PICKLES = {
    "binary": pickle.dumps(Touches()),
    "text": pickle.dumps(Touches(), protocol=0),
    "yaml": b"!!python/object/apply:os.mkdir [unpickled]\n",
}

DATA = ("--task", "mnist", "--seed", "0", "--data", "x.safetensors")
SEARCH = (*DATA, "--search", "greedy", "--sparsity", "90", "--origin", "random", "--network", "x.safetensors")
SURVEY = (
    "--task",
    "mnist",
    "--layer",
    "fc",
    "--amount",
    "5",
    "--seed",
    "0",
    "--sparsity",
    "90",
    "--best",
    "b",
    "--histogram",
    "h",
    "--summary",
    "s",
    "--output",
    "o.parquet",
)
DRAWN = ("--results", ".", "--output", "figure.png")
JUDGED = ("--results", "results/paper", "--output", "claims.json", "--claims")
TOLD = ("--results", "results/paper", "--output", "page.html", "--template", "x.j2", "--notebook", "x.ipynb")
SETTLED = {"splits", "archive", "network", "claims", "notebook", "contents"}
"""Commands that are given good settings, so that these are not what is refused."""


def plan(kind, role, path, **options):
    """Return a figure's plan of one input."""
    return json.dumps({"kind": kind, "inputs": [{"role": role, "path": path}], "options": options})


STUDY = load([Path(__file__).parents[1] / "config/config.yaml"])
VIDEO = plan("video", "network", "x.safetensors", **kinds.plan(STUDY, "video").options)

COMMANDS = {
    "splits": ("psiren", "dense", *DATA, "--curve", "c.parquet", "--output", "o"),
    "archive": ("datasets", "split", "--task", "mnist", "--archives", "archives", "--output", "o"),
    "network": ("sense", "search", *SEARCH, "--trace", "t.parquet", "--output", "o", "--outcome", "o.csv"),
    "survey": ("neighbors", "survey", *SURVEY, "--network", "x.safetensors", "--data", "x.safetensors"),
    "table": ("figures", "draw", "5", "--plan", plan("path", "climbs", "x.parquet"), *DRAWN),
    "table of text": ("figures", "draw", "2a", "--plan", plan("sparsity", "accuracies", "x.csv"), *DRAWN),
    "network of a video": ("figures", "draw", "video", "--plan", VIDEO, *DRAWN),
    "plan": ("figures", "draw", "2a", "--plan", PICKLES["yaml"].decode(), *DRAWN),
    "contents": ("report", "page", *TOLD, "--contents", PICKLES["yaml"].decode()),
    "rows": ("psiren", "accuracies", "x.csv", "--output", "o.csv"),
    "graph": ("figures", "rules", "--graph", "x.mmd", "--output", "o.png"),
    "figure": ("provenance", "x.png"),
    "video": ("provenance", "x.mp4"),
    "record": ("provenance", "x.json"),
    "settings": ("settings", "check", "--configfile", "x.yaml"),
    "claims": ("claims", "judge", *JUDGED, "x.yaml"),
    "verdicts": ("claims", "check", "x.json"),
    "notebook": ("report", "page", *TOLD),
    "release": ("release", "unpack", "release", "--results", "results/paper"),
    "network that predicts": ("predict", "x.safetensors", "x.png"),
}


@pytest.mark.parametrize("kind", PICKLES)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_pickle_in_the_place_of_an_input_is_refused_and_not_run(root, tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    content = PICKLES[kind]
    for ending in ("safetensors", "parquet", "csv", "mmd", "png", "mp4", "json", "yaml", "ipynb", "j2"):
        Path(f"x.{ending}").write_bytes(content)
    for folder, file in (("archives/mnist", "train-images-idx3-ubyte.gz"), ("release", "manifest.json")):
        Path(folder).mkdir(parents=True)
        (Path(folder) / file).write_bytes(content)
    for result in contents_of(STUDY).files:  # all of these are hashed before the notebook is read
        path = Path("results/paper", result)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    given = ("--configfile", root / "config/config.yaml") if name in SETTLED else ()
    named = {
        "archive": "archives/mnist/train-images-idx3-ubyte.gz: has MD5",
        "release": "manifest.json",
        "plan": "--plan",
        "contents": "--contents",
    }
    check_one_line(run(*COMMANDS[name], *given), named.get(name, "x."))
    assert not Path("unpickled").exists()


def test_the_pickles_do_run_where_they_are_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("binary", "text"):
        pickle.loads(PICKLES[kind])
        assert Path("unpickled").is_file()
        Path("unpickled").unlink()
