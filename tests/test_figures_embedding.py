import json
import re

import numpy as np
import pandas
import pytest
from PIL import Image

from aann.errors import InputError
from aann.figures import style
from aann.figures.embedding import Panel, draw, write_html
from aann.tables import ORIGINAL

PROVENANCE = {"module": "aann.figures", "inputs": {"a.csv": "0" * 64}}
COLUMNS = ["layer", "method", "from_index", "to_index", "sign", "validation_correct", "test_correct", "x", "y"]
PANELS = (Panel("1.0", "tsne", "side"), Panel("fc", "lle", "top"), Panel("1.0", "tsne", "top"))


@pytest.fixture
def points():
    random = np.random.default_rng(0)
    rows = []
    for layer in ("1.0", "fc"):
        for method in ("tsne", "lle"):
            rows.append((layer, method, ORIGINAL, ORIGINAL, 0, 900, 910, *random.normal(size=2)))
            rows += [
                (layer, method, 100 + index, 5000 + index, (-1) ** index, 900, 800 + index, *random.normal(size=2))
                for index in range(30)
            ]
    return pandas.DataFrame(rows, columns=COLUMNS)


def test_the_figure_is_png_pdf_and_csv_and_always_the_same_bytes(points, tmp_path):
    for name in ("one", "two"):
        draw(points, PANELS, 1000, "MNIST", tmp_path / f"{name}.png", PROVENANCE)
    for ending in ("png", "pdf", "csv", "html"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert json.loads(image.text["Provenance"]) == PROVENANCE
        assert image.width == 300 * 7
        colors = {color for _, color in image.convert("RGB").getcolors(2**24)}
    assert tuple(bytes.fromhex(style.BLUE[1:])) in colors
    written = pandas.read_csv(tmp_path / "one.csv", dtype={"layer": str})
    drawn = [("1.0", "tsne"), ("fc", "lle")]
    assert sorted(set(zip(written.layer, written.method, strict=True))) == drawn
    assert len(written) == 2 * 31


def test_the_figure_has_letters_numbers_of_points_and_a_scale_of_accuracy_for_each_layer(points, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(style, "save", lambda figure, *_: figures.append(figure))
    draw(points, PANELS, 1000, "MNIST", tmp_path / "x.png", PROVENANCE)
    titles = [axis.get_title() for axis in figures[0].axes if axis.get_title()]
    assert titles == [
        "(a) Layer 1.0, t-SNE\nn = 30 neighbors",
        "(b) Layer 1.0, t-SNE\nn = 30 neighbors",
        "(c) Layer fc, LLE\nn = 30 neighbors",
    ]
    assert [axis.name for axis in figures[0].axes if axis.get_title()] == ["3d", "rectilinear", "rectilinear"]
    bars = [axis for axis in figures[0].axes if axis.get_ylabel() == "Test accuracy (%)"]
    assert [axis.get_ylim() for axis in bars] == [(80, 91), (80, 91)]


def test_the_page_works_offline_and_names_every_swap(points, tmp_path):
    for name in ("one", "two"):
        write_html(points, PANELS, 1000, "MNIST", tmp_path / f"{name}.html")
    page = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "two.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link|img|iframe)[^>]*\b(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "Plotly.newPlot" in page
    data = re.search(r'Plotly\.newPlot\(\s*"embedding",\s*(\[.*?\]),\s*\{"template"', page, re.DOTALL)
    traces = json.loads(data[1])
    assert [trace["type"] for trace in traces] == 4 * ["scatter3d"]
    assert len({trace["scene"] for trace in traces}) == 2
    neighbors, original = traces[:2]
    assert neighbors["text"][3] == "swap 103 → 5003, sign −1<br>test: 803 of 1,000 right (80.30 %)"  # noqa: RUF001
    assert neighbors["z"][3] == pytest.approx(80.3)
    assert len(neighbors["text"]) == len(neighbors["x"]) == 30
    assert original["text"] == ["original network<br>test: 910 of 1,000 right (91.00 %)"]


def test_a_panel_without_points_is_refused(points, tmp_path):
    panels = [Panel("2.0", "tsne")]
    for write in (
        lambda: draw(points, panels, 1000, "MNIST", tmp_path / "x.png", PROVENANCE),
        lambda: write_html(points, panels, 1000, "MNIST", tmp_path / "x.html"),
    ):
        with pytest.raises(InputError, match=r"no points of layer '2\.0' by method 'tsne'"):
            write()
    assert not list(tmp_path.iterdir())
