import subprocess
import sys

import pandas
import pytest
from commands import check_one_line, run

from aann.errors import InputError
from aann.figures import rules

GRAPH = """flowchart TB
\tid0[split_dataset]
\tid1[sparsify_mnist]
\tid2[sparsify_car]
\tid3[network]
\tid4[driver]
\tid5[figure_1]
\tid6[all_figures]
\tid0 --> id1
\tid0 --> id2
\tid0 --> id3
\tid1 --> id3
\tid2 --> id3
\tid3 --> id4
\tid4 --> id3
\tid3 --> id6
\tid5 --> id6
"""


def test_rules_of_tasks_are_one_and_what_longer_ways_imply_is_left_out():
    graph = rules.read(GRAPH)
    assert set(graph) == {"split_dataset", "sparsify", "network", "driver", "figure_1"}
    assert set(graph.edges) == {("split_dataset", "sparsify"), ("sparsify", "network"), ("network", "driver")}


def test_a_rule_stands_left_of_what_reads_it_and_no_two_share_a_place():
    graph = rules.read(GRAPH)
    placed = rules.places(graph)
    assert all(placed[first][0] < placed[then][0] for first, then in graph.edges)
    assert len(set(placed.values())) == len(placed)


def test_the_figure_has_every_edge_and_always_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        rules.draw(rules.read(GRAPH), tmp_path / f"{name}.png", {"module": "aann.figures.rules"})
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    written = pandas.read_csv(tmp_path / "one.csv")
    assert set(written.itertuples(index=False, name=None)) == set(rules.read(GRAPH).edges)


def test_a_file_without_a_graph_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.mmd").write_text("nothing\n")
    check_one_line(run("figures", "rules", "--graph", "empty.mmd", "--output", "rules.png"), "has no rule graph")
    with pytest.raises(InputError, match="has no rule graph"):
        rules.read("")
    assert not (tmp_path / "rules.png").exists()


def test_the_picture_in_the_documentation_is_of_the_workflow_as_it_is(root):
    command = ["--rulegraph", "mermaid-js", "--", "all_figures", "claims", "report_page"]
    printed = subprocess.run(
        [sys.executable, "-m", "snakemake", *command], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    documented = pandas.read_csv(root / "docs/tables/rules.csv")
    assert set(documented.itertuples(index=False, name=None)) == set(rules.read(printed).edges)
