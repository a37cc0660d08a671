"""The tool that compares two builds sees what differs.

`test_anywhere.py` runs it, and `test_interruptions.py` compares two builds of everything.
"""

import pytest
from equal_builds import SECOND, build, compared, copy_repository, differing

FILES = {
    "results/README.md": "the same in any build",
    "results/small/figures/figure_1.csv": "a\n1\n",
    "results/small/logs/figures/figure_1.log": "took 1 s",
    "results/small/benchmarks/figures/figure_1.jsonl": "{}",
    "results/datasets/mnist/images.gz": "images",
}


@pytest.fixture
def folders(tmp_path):
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folders


def test_equal_folders_have_no_differences_and_times_are_not_compared(folders):
    one, other = folders
    (other / "results/small/logs/figures/figure_1.log").write_text("took 2 s")
    (other / "results/small/benchmarks/figures/figure_1.jsonl").unlink()
    assert list(differing(one, other)) == []
    assert list(compared(one)) == ["datasets/mnist/images.gz", "small/figures/figure_1.csv"]


def test_every_difference_is_a_line(folders):
    one, other = folders
    (one / "results/small/figures/figure_1.csv").write_text("a\n2\n")
    (one / "results/datasets/mnist/images.gz").unlink()
    (one / "results/small/figures/.figure_2.png").write_text("left over")
    assert list(differing(one, other)) == [
        f"datasets/mnist/images.gz: only in {other}",
        f"small/figures/.figure_2.png: only in {one}",
        "small/figures/figure_1.csv: differs",
    ]


def test_a_build_that_fails_ends_with_what_snakemake_printed(tmp_path):
    copy_repository(tmp_path)
    (tmp_path / "wrong.yaml").write_text("psirne: {}\n")
    with pytest.raises(SystemExit, match=r"(?s)unknown setting 'psirne'.*error: the build in .* failed; see its build"):
        build(tmp_path, SECOND, 1, ["wrong.yaml"])
