import json

import matplotlib.pyplot as plt
import pandas
import pytest
import seaborn
from commands import shown
from PIL import Image

from aann.figures import schematic, sparsity, style
from aann.tables import ACCURACY, accuracy_row

PROVENANCE = {"module": "aann.figures", "inputs": {"a.csv": "0" * 64}}


@pytest.fixture
def accuracies():
    rows = [
        accuracy_row(
            (9000 + seed, 10_000),
            (9000 - 10 * seed - int(level), 10_000),
            task="mnist",
            sparsity=level,
            seed=seed,
        )
        for level in (0.0, 50.0, 95.0)
        for seed in (0, 1, 2)
    ]
    return pandas.DataFrame(rows)


def parameters():
    """Return all parameters of Matplotlib, with numbers to nine digits."""
    return {name: f"{value:.9g}" if isinstance(value, float) else value for name, value in plt.rcParams.items()}


def test_the_theme_is_seaborns_but_for_our_colours_and_sizes_of_text():
    seaborn.reset_orig()
    style.use_style()
    used = parameters()
    seaborn.set_theme(context="paper", style="ticks")
    unused = {"figure.figsize", "image.cmap"}  # each figure names its own
    differ = {name for name, value in parameters().items() if used[name] != value} - unused
    assert {"font.size", "axes.prop_cycle"} <= differ
    assert differ <= {*style._OURS, "axes.prop_cycle"}


def draw_schematic(_, output):
    schematic.draw(output, PROVENANCE)


def draw_sparsity(accuracies, output):
    sparsity.draw(accuracies, "MNIST", output, PROVENANCE)


@pytest.mark.parametrize("draw", [draw_schematic, draw_sparsity])
def test_a_figure_is_png_pdf_and_csv_with_provenance_and_always_the_same_bytes(draw, accuracies, tmp_path):
    for name in ("one", "two"):
        draw(accuracies, tmp_path / f"{name}.png")
    assert shown(tmp_path) == {f"{name}.{ending}" for name in ("one", "two") for ending in ("png", "pdf", "csv")}
    for ending in ("png", "pdf", "csv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert json.loads(image.text["Provenance"]) == PROVENANCE
        assert image.width >= 300 * style.COLUMN_WIDTH
        assert len(image.convert("RGB").getcolors(2**24)) > 20
    assert b"aann.figures" in (tmp_path / "one.pdf").read_bytes()


def test_figure_1_draws_the_papers_vectors(tmp_path):
    schematic.draw(tmp_path / "figure_1.png", PROVENANCE)
    table = pandas.read_csv(tmp_path / "figure_1.csv", index_col="network")
    assert table.loc["N0"].tolist() == [1, 0, -1, 0, 1, -1]
    assert table.loc["N4"].tolist() == [1, -1, 0, 0, 1, -1]
    assert list(table.index) == ["N0", "N1", "N2", "N3", "N4"]


def test_figure_2a_writes_the_table_it_draws(accuracies, tmp_path):
    draw_sparsity(accuracies, tmp_path / "figure_2a.png")
    written = pandas.read_csv(tmp_path / "figure_2a.csv")
    assert tuple(written.columns) == ACCURACY.columns
    pandas.testing.assert_frame_equal(written, accuracies)


def test_figure_2a_says_how_many_networks_a_point_has(accuracies, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(style, "save", lambda figure, *_: titles.append(figure.legends[0].get_title().get_text()))
    draw_sparsity(accuracies, tmp_path / "x.png")
    draw_sparsity(accuracies.iloc[:-1], tmp_path / "x.png")
    assert titles == ["n = 3 networks a point", "n = 2 to 3 networks a point"]


def test_accuracy_is_the_count_over_the_number():
    row = accuracy_row((9, 10), (7, 8), task="mnist", sparsity=90, seed=1)
    assert tuple(row) == ACCURACY.columns
    assert (row["validation_accuracy"], row["test_accuracy"]) == (0.9, 0.875)
