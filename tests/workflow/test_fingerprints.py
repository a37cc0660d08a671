"""No result depends on code that nobody watches: the fingerprint of a job holds what it imports and what decides it."""

import itertools
import json
import re

import pytest

from aann.lineage import provenance
from aann.lineage.provenance import NO_RESULT_DEPENDS_ON, code_fingerprint, covered

IMPORTED = re.compile(r"^import time:.*\| +(aann[\w.]*)$", re.MULTILINE)
WITHOUT_CODE = {"fetch_archive"}
"""Rules whose results do not depend on code: what they fetch is verified."""


def jobs(workflow):
    """Yield rule, log and parameters of every job that Snakemake has a record of, once for each output."""
    for path in (workflow.folder / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            record = json.loads(path.read_text())
            yield record["rule"], [workflow.folder / log for log in record["log"]], record["params"]


def modules(root):
    """Return the names of all modules of the package."""
    paths = (path.relative_to(root / "src").with_suffix("") for path in (root / "src/aann").rglob("*.py"))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths]


def fingerprints(root):
    """Return modules by their fingerprint: each alone, and two of a package together."""
    alone = [(name,) for name in modules(root) if not left_out(name)]
    pairs = [
        pair
        for pair in itertools.combinations([name for (name,) in alone], 2)
        if pair[0].rpartition(".")[0] == pair[1].rpartition(".")[0] != "aann"
    ]
    return {code_fingerprint(*names): names for names in (*alone, *pairs)}


def read_with_settings(root):
    """Return what settings import to be checked, whatever the job; a job whose result it decides imports it, too."""
    settings = [name for name in modules(root) if name.startswith("aann.settings.")]
    return covered(name for module in settings for name in provenance._read(module).imports)


def left_out(module):
    return module == "aann" or ".".join(module.split(".")[:2]) in NO_RESULT_DEPENDS_ON


def test_every_module_that_a_job_imports_is_in_its_fingerprint(built, root):
    known, allowed = fingerprints(root), read_with_settings(root)
    missing, seen = {}, set()
    for rule, logs, params in jobs(built):
        if rule in WITHOUT_CODE or rule in seen:
            continue
        seen.add(rule)
        imported = {name for log in logs for name in IMPORTED.findall(log.read_text())}
        assert "aann.errors" in imported, f"{rule}: its log does not say what it imported"
        named = {
            name for text in params for value in re.findall(r"\b[0-9a-f]{16}\b", text) for name in known.get(value, ())
        }
        assert named, f"{rule}: has no fingerprint"
        lacks = {name for name in imported if not left_out(name)} - covered(named) - allowed
        if lacks:
            missing[rule] = sorted(lacks)
    assert missing == {}
    assert len(seen) > 20


def test_what_no_fingerprint_holds_has_a_reason_and_is_there(root):
    known = set(modules(root))
    assert set(NO_RESULT_DEPENDS_ON) <= known
    assert all(len(reason) > 10 for reason in NO_RESULT_DEPENDS_ON.values())


DECIDES = {
    "how gathered rows are sorted": (
        "gathering.py",
        'kind="stable"',
        'kind="stable", ascending=False',
        {"accuracies", "surveys", "clustering", "outcomes", "returns", "confusions"},
    ),
    "by what rows are sorted": (
        "tables.py",
        'by=("sparsity", "seed"),',
        'by=("seed", "sparsity"),',
        {"accuracies", "figure_2a", "figure_12"},
    ),
    "the number of images of a figure": (
        "figures/embedding.py",
        "points.test_images.max()",
        "points.test_images.min()",
        {"figure_4", "figure_10", "figure_11"},
    ),
    "which rows a figure shows": (
        "figures/embedding.py",
        "points[points.sampling == ",
        "points[points.sampling != ",
        {"figure_4", "figure_10"},
    ),
    "how a figure bins": ("figures/histograms.py", "_BINS = 60", "_BINS = 50", {"figure_3", "figure_9"}),
    "what is significant": ("figures/improvement.py", "_SIGNIFICANT = 0.05", "_SIGNIFICANT = 0.01", {"figure_s2"}),
    "the width of figures": (
        "figures/style.py",
        "COLUMN_WIDTH = 3.5",
        "COLUMN_WIDTH = 3.4",
        {"figure_2a", "figure_3", "figure_s1"},
    ),
    "what is half-way from road to grass": (
        "driving/views.py",
        "_HALFWAY = 153",
        "_HALFWAY = 150",
        {"demonstrations", "assess", "video"},
    ),
    "how far back an earlier frame is": (
        "driving/views.py",
        "LAG = 2",
        "LAG = 3",
        {"demonstrations", "assess", "video"},
    ),
    "which tracks there are": (
        "driving/demonstrations.py",
        '_KINDS = ("validation", "test",',
        '_KINDS = ("test", "validation",',
        {"demonstrations", "expert", "assess"},
    ),
    "to what returns are rounded": (
        "driving/assessments.py",
        "round(reward, 8)",
        "round(reward, 7)",
        {"expert", "assess", "returns"},
    ),
    "the size of a video": ("driving/video.py", "_SIDE = 150", "_SIDE = 140", {"video"}),
    "how fast a layer's gain is forgotten": ("sense/layers.py", "_MEMORY = 0.8", "_MEMORY = 0.7", {"search"}),
    "in how many parts images race": ("sense/neighborhoods.py", "_PARTS = 4", "_PARTS = 5", {"search"}),
    "how many moves are taken back": ("families/moves.py", "count //= 2", "count //= 3", {"walk", "path"}),
    "how networks are shuffled": (
        "families/transfers.py",
        "default_rng([seed, 10])",
        "default_rng([seed, 11])",
        {"transfer"},
    ),
    "how votes are scaled": ("families/ensembles.py", "_ONE = 2**24", "_ONE = 2**23", {"compare", "figure_s7"}),
    "how many best neighbors are kept": ("neighbors.py", "BEST = 1000", "BEST = 900", {"survey"}),
    "how ties are broken": ("embeddings.py", "TIE = 1e-6", "TIE = 1e-7", {"embed", "climb"}),
    "which test images choose": (
        "sense/selection.py",
        "default_rng([seed, 8])",
        "default_rng([seed, 9])",
        {"selection"},
    ),
    "how much noise letters have": (
        "datasets/letters.py",
        "_FONTS = (",
        '_FONTS = ("DejaVuSans.ttf",',
        {"split_dataset"},
    ),
    "how bright digits are": ("datasets/digits.py", "_BRIGHTEST = 16", "_BRIGHTEST = 17", {"split_dataset"}),
    "how sparsity rises": (
        "psiren/pruning.py",
        "(1 - reached) ** 3",
        "(1 - reached) ** 2",
        {"sparsify_mnist", "sparsify_car", "driver"},
    ),
    "how the learning rate falls": (
        "training.py",
        "0.5 * math.cos",
        "0.4 * math.cos",
        {"dense", "network", "backpropagation"},
    ),
    "what is counted exactly": ("evaluation/reference.py", "_BATCH = 500", "_BATCH = 400", {"network", "assess"}),
    "how a random network is drawn": (
        "sense/starts.py",
        "default_rng([seed, 0])",
        "default_rng([seed, 1])",
        {"random_start"},
    ),
    "a default of p-SIREN": (
        "settings/psiren.py",
        'dense training.")\n    learning_rate: LearningRate = Field(0.005',
        'dense training.")\n    learning_rate: LearningRate = Field(0.006',
        {"dense"},
    ),
    "a default of the expert": (
        "settings/driving.py",
        "Field(1.7, gt=0",
        "Field(1.8, gt=0",
        {"demonstrations", "expert"},
    ),
}
"""Places that change a result: the file, what is there, what takes its place, and some of the rules that must run."""


@pytest.mark.parametrize("what", DECIDES)
def test_what_decides_a_result_reruns_its_jobs(edited, what):
    path, old, new, rules = DECIDES[what]
    assert rules <= edited(f"src/aann/{path}", old, new)


def test_the_limit_of_what_drivers_see_reruns_their_jobs(edited):
    """It was a constant of the settings that no fingerprint held; now it is a value of the data set."""
    planned = edited("config/config.yaml", "kind: driving, ", "kind: driving, limit: 40, ")
    assert {"demonstrations", "driver", "split_demonstrations", "assess", "video"} <= planned
