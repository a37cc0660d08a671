"""The sheet of figures that the README shows."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from commands import check_one_line, run, shown
from PIL import Image

from aann.artifacts import sha256
from aann.errors import InputError
from aann.figures import sheet
from aann.settings.figures import label

SHAPES = [1.3, 1.25, 2.26, 1.43, 1.19, 1.94, 2.12, 0.8, 2.64]


@pytest.fixture
def pictures(tmp_path):
    """Pictures of one color each; the first is half transparent."""
    colors = {"figure_10": (0, 0, 200, 128), "figure_2a": (200, 0, 0, 255), "figure_s1": (0, 200, 0, 255)}
    for name, color in colors.items():
        Image.new("RGBA", (300, 200), color).save(tmp_path / f"{name}.png")
    return [tmp_path / f"{name}.png" for name in colors]


@pytest.mark.parametrize("shapes", [SHAPES, SHAPES[:1], 20 * [1.5], [0.2, 9.0, 0.2]])
def test_pictures_keep_their_shapes_fill_rows_and_do_not_meet(shapes):
    placed = sheet.places(shapes)
    assert len(placed) == len(shapes)
    for shape, place in zip(shapes, placed, strict=True):
        assert place.width == round(shape * place.height)
        assert 0 < place.left <= place.left + place.width < sheet.WIDTH
    for one, following in pairwise(placed):
        below = following.top > one.top + one.height
        beside = following.top == one.top and following.height == one.height
        assert below or (beside and following.left > one.left + one.width)
    for row in {place.top for place in placed}:
        last = max((place for place in placed if place.top == row), key=lambda place: place.left)
        assert last.left + last.width > 0.95 * sheet.WIDTH


def test_figures_are_in_their_order_on_white_under_their_names(tmp_path, pictures):
    assert list(sheet.names(pictures)) == ["2a", "10", "s1"]
    for name in ("one.png", "two.png"):
        sheet.draw(pictures, tmp_path / name, {"module": "aann.figures.sheet"})
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        drawn = image.convert("RGB")
    assert drawn.width == sheet.WIDTH
    placed = sheet.places(3 * [1.5])
    middles = [drawn.getpixel((place.left + place.width // 2, place.top + place.height // 2)) for place in placed]
    assert middles == [(200, 0, 0), (127, 127, 227), (0, 200, 0)]
    for place in placed:
        name = drawn.crop((place.left, place.top - 26, place.left + 120, place.top)).convert("L")
        assert name.getextrema()[0] < 100


def test_the_command_writes_one_file_that_says_what_it_came_from(tmp_path, pictures):
    output = tmp_path / "docs/gallery.png"
    result = run("figures", "sheet", *pictures, "--output", output)
    assert result.exit_code == 0, result.output
    assert [path.name for path in output.parent.iterdir()] == ["gallery.png"]
    with Image.open(output) as image:
        recorded = json.loads(image.text["Provenance"])
    assert recorded["inputs"] == {path.name: sha256(path) for path in pictures}


def test_what_is_no_picture_of_a_figure_is_named(tmp_path, pictures):
    output = tmp_path / "sheet.png"
    Image.new("RGB", (9, 9)).save(tmp_path / "explorer.png")
    (tmp_path / "figure_3.png").write_bytes(pictures[0].read_bytes()[:60])
    (tmp_path / "figure_4.png").write_text("no picture")
    before = shown(tmp_path)
    for name, reason in (("explorer", "no name of a figure"), ("figure_3", "no PNG"), ("figure_4", "no PNG")):
        path = tmp_path / f"{name}.png"
        check_one_line(run("figures", "sheet", *pictures, path, "--output", output), str(path), reason)
    check_one_line(run("figures", "sheet", tmp_path / "figure_5.png", "--output", output), "figure_5.png")
    assert shown(tmp_path) == before
    with pytest.raises(InputError, match=r"figure_10\.png: is figure 10, and so is"):
        sheet.names([*pictures, tmp_path / "more/figure_10.png"])


def test_the_sheet_of_the_documentation_is_of_its_pictures_and_each_is_in_the_gallery(root):
    paths = sorted((root / "docs/images").glob("figure_*.png"))
    with Image.open(root / "docs/images/gallery.png") as image:
        recorded = json.loads(image.text["Provenance"])["inputs"]
    current = {str(path.relative_to(root)): sha256(path) for path in paths}
    again = "python -m aann figures sheet docs/images/figure_*.png --output docs/images/gallery.png"
    assert recorded == current, f"the sheet is of other pictures; run: {again}"
    gallery = re.sub(r"\s+", " ", (root / "docs/gallery.md").read_text())
    for name, path in sheet.names(paths).items():
        assert f"(images/{path.name})" in gallery
        assert f"Figure {label(name)}" in gallery


@pytest.fixture
def gallery(root, tmp_path, pictures):
    """A function that runs `make gallery` where results have pictures of all figures of the settings, and one more."""
    figures, config = tmp_path / "results/figures", yaml.safe_load((root / "config/config.yaml").read_text())
    for folder in (figures, tmp_path / "results/claims", tmp_path / "docs/images", tmp_path / "config"):
        folder.mkdir(parents=True)
    for path in pictures:
        path.rename(figures / path.name)
    Image.new("RGB", (30, 20)).save(figures / "figure_small.png")
    config["figures"] = {name: config["figures"][name] for name in sheet.names(pictures)}
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "config/release.yaml").write_text("export: {mnist: null}\n")
    chosen = (f"BIN={Path(sys.executable).parent}", "PAPER=results", "READY=")
    return partial(
        subprocess.run,
        ["make", "--makefile", root / "Makefile", *chosen, "gallery"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
    )


def test_make_gallery_puts_figures_their_sheet_and_verdicts_into_the_documentation(root, tmp_path, pictures, gallery):
    docs = tmp_path / "docs"
    claims = "# Title\n\n50 results.\n\n| [2a](../figures/figure_2a.png) | [video](../figures/video.mp4) |\n"
    (tmp_path / "results/claims/claims.md").write_text(claims)
    gallery(check=True)
    assert shown(docs / "images") == {*(path.name for path in pictures), "gallery.png"}
    assert shown(docs) == {"images", "verdicts.md"}
    (answers,) = re.findall(r"This page answers: .+", (root / "docs/verdicts.md").read_text())
    links = "| [2a](images/figure_2a.png) | [video](driving.md) |"
    assert (docs / "verdicts.md").read_text() == f"# Title\n\n{answers}\n\n50 results.\n\n{links}\n"


@pytest.mark.parametrize("claims", [None, ""])
def test_make_gallery_keeps_the_verdicts_where_there_are_no_others(tmp_path, gallery, claims):
    (tmp_path / "docs/verdicts.md").write_text("# Verdicts\n")
    if claims is not None:
        (tmp_path / "results/claims/claims.md").write_text(claims)
    result = gallery(check=False)
    assert result.returncode != 0
    assert "error: results/claims/claims.md: is missing or empty; make it first: make claims\n" in result.stdout
    assert (tmp_path / "docs/verdicts.md").read_text() == "# Verdicts\n"
    assert not shown(tmp_path / "docs/images")
