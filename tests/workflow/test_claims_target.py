"""Claims are judged from what rules make, and a claim that names something else stops the workflow before any job."""

import shlex

import pytest


@pytest.fixture
def edited(fresh):
    """Edit the claims for one test, and return what a dry run of the target says."""
    path = fresh.folder / "config/claims.yaml"
    original = path.read_text()

    def edit(old, new):
        assert old in original
        path.write_text(original.replace(old, new, 1))
        result = fresh.snakemake("--dry-run", "--printshellcmds", "--", "claims")
        return result.returncode, result.stdout + result.stderr

    yield edit
    path.write_text(original)


def test_the_target_judges_from_the_results_of_its_scale(edited):
    code, output = edited("claims:", "claims:")
    assert code == 0
    (command,) = [line for line in output.splitlines() if "python -m aann claims judge" in line]
    words = shlex.split(command)
    assert words[words.index("--claims") + 1] == "config/claims.yaml"
    assert words[words.index("--results") + 1] == "results/small"
    assert words[words.index("--output") + 1] == "results/small/claims/claims.json"
    for rule in ("figure_2a", "figure_s2", "outcomes", "surveys", "clustering", "video"):
        assert f"rule {rule}:" in output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "table: figures/figure_1.csv",
            "table: figures/figure_13.csv",
            "claim 'first-neighbors': no rule makes its table 'figures/figure_13.csv'",
        ),
        ('figure: "1"', 'figure: "13"', "claim 'first-neighbors': no rule makes its figure 'figures/figure_13.png'"),
        ("statistic: count", "statistic: counts", "key 'claims.first-neighbors.measure.statistic': Input should be"),
        ("unit: number", "units: number", "unknown key 'claims.first-neighbors.units' (did you mean 'unit'?)"),
        ("claims:", "claims: [", "config/claims.yaml: is not YAML"),
    ],
)
def test_a_claim_that_no_rule_can_serve_is_named(edited, old, new, message):
    code, output = edited(old, new)
    assert code == 1
    (line,) = [line for line in output.splitlines() if message in line]
    assert line.count("config/claims.yaml") == 1
    assert "Traceback" not in output
