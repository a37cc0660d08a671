"""The report page: words, tables, plots and what the notebook may hold; tests/workflow makes a whole one."""

import ast
import json
import re
from functools import partial
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import climbing
import nbformat
import numpy as np
import pandas
import pytest
from commands import check_one_line, run, shown
from PIL import Image

from aann.artifacts import atomic_path
from aann.errors import InputError
from aann.figures import climbs, schematic, style
from aann.report import page, plots, story, summaries, words
from aann.report.contents import CLAIMS, contents_of
from aann.report.story import Story
from aann.settings.files import merge, read_yaml
from aann.settings.study import load, validate

trace = partial(climbing.trace, layers=("1.0", "fc"), repeat=5, low=0.1)
baseline = partial(climbing.baseline, last=1000, low=0.1)
TEMPLATE = "workflow/notebooks/page.html.j2"


NOTEBOOKS = ("report", "study")


@pytest.fixture(scope="module")
def paper_notebook(root):
    return nbformat.read(root / "workflow/notebooks/report.ipynb", as_version=4)


@pytest.fixture(params=NOTEBOOKS)
def notebook(root, request):
    return nbformat.read(root / f"workflow/notebooks/{request.param}.ipynb", as_version=4)


@pytest.fixture
def networks():
    rows = [(sparsity, seed, 9000 - 10 * sparsity + seed) for sparsity in (0, 50, 90, 95) for seed in range(3)]
    table = pandas.DataFrame(rows, columns=["sparsity", "seed", "test_correct"]).assign(test_images=10_000)
    return table.assign(test_accuracy=table.test_correct / table.test_images)


@pytest.fixture
def climb():
    return climbs.points(pandas.concat(map(trace, range(3))), pandas.concat(map(baseline, range(3))))


# --- words ------------------------------------------------------------------------------------------------------------


def test_numbers_in_words():
    assert words.percent(0.98765) == "98.77 %"
    assert words.percent([0.5, 0.25, np.nan, 0.75]) == "50.00 % (25.00 to 75.00, n = 3)"
    assert words.points(0.0312) == "+3.12 points"
    assert words.plain([1, 2]) == "1.50 (1.00 to 2.00, n = 2)"
    assert words.percent([]) == "not counted"
    assert words.number(22_127_616) == "22,127,616"
    assert words.whole([2073, 2073]) == "2,073"
    assert words.whole([1000, 3000]) == "2,000 (1,000 to 3,000)"
    assert words.listed(["a"]) == "a"
    assert words.listed("abc") == "a, b and c"
    assert words.table(pandas.DataFrame({"a": ["x|y"], "b": [1]})) == "| a | b |\n| --- | --- |\n| x\\|y | 1 |"


# --- summaries --------------------------------------------------------------------------------------------------------


def test_accuracies_are_those_of_the_lowest_the_studied_and_the_highest_sparsity(networks):
    found = summaries.accuracies({"MNIST": networks, "Letters": networks[networks.sparsity == 50]}, 90)
    assert found.Sparsity.to_list() == ["0 %", "90 %", "95 %", "50 %"]
    assert found["Test accuracy"][1] == "81.01 % (81.00 to 81.02, n = 3)"


def test_better_neighbors_are_shares_of_those_counted():
    columns = ["sparsity", "seed", "layer", "split", "neighborhood", "neighbors", "better", "equal"]
    rows = [
        (90.0, 0, "fc", "test", 100, 100, 25, 5),
        (90.0, 1, "fc", "test", 100, 10, 5, 1),
        (90.0, 0, "fc", "validation", 100, 100, 99, 1),
        (90.0, 0, "1.0", "test", 5000, 50, 1, 2),
    ]
    found = summaries.better(pandas.DataFrame(rows, columns=columns)).set_index("Layer")
    assert found.loc["fc", ["Counted", "Better", "Equal"]].to_list() == ["all", "25.00 %", "5.00 %"]
    assert found.loc["fc", "Better, all networks"] == "37.50 % (25.00 to 50.00, n = 2)"
    assert found.loc["1.0", ["First neighbors", "Counted", "Better"]].to_list() == ["5,000", "50", "2.00 %"]


def test_silhouettes_are_of_the_sampling_that_is_asked_for():
    columns = ["sampling", "layer", "space", "seed", "silhouette"]
    rows = [
        ("sources", "fc", "tsne", 0, 0.6),
        ("sources", "fc", "tsne", 1, 0.8),
        ("sources", "1.0", "tsne", 0, 0.2),
        ("uniform", "fc", "tsne", 0, 0.0),
    ]
    found = summaries.clustering(pandas.DataFrame(rows, columns=columns), "sources").set_index("Layer")
    assert found["t-SNE"].to_dict() == {"1.0": "0.20", "fc": "0.70 (0.60 to 0.80, n = 2)"}
    assert found.columns.to_list() == ["t-SNE"]


def test_climbs_end_where_their_last_counted_row_is(climb):
    found = summaries.climbs({"6": climb}).iloc[0]
    rows = climb[(climb.line == "SENSE") & climb.test_accuracy.notna()]
    last = [rows[rows.seed == seed].test_accuracy.iloc[-1] for seed in range(3)]
    assert found["Climb, test"] == words.percent(last)
    assert found["Backpropagation, literal"] == "10.00 % (10.00 to 10.00, n = 3)"
    assert found["Straight-through"] == "90.00 % (90.00 to 90.00, n = 3)"


def test_searches_are_named_by_where_they_start():
    runs = pandas.concat(trace(seed, sparsity=80.0, search="best") for seed in range(2))
    found = summaries.searches(runs, {"mnist": "MNIST"}).iloc[0]
    assert "Data" not in found
    assert found[["Start", "Search", "Neighbors evaluated"]].to_list() == ["Random start, 80 % sparse", "best", "3,000"]
    assert found["End, test"] == words.percent(runs[runs.neighborhood == 30].test_accuracy)


def test_searches_of_several_tasks_have_rows_and_entries_of_a_menu_of_their_own():
    runs = pandas.concat([trace(0), trace(1, top=0.5).assign(task="letters")])
    titles = {"mnist": "MNIST", "letters": "Letters"}
    found = summaries.searches(runs, titles)
    ends = runs[runs.test_accuracy.notna()].groupby("task", sort=False).test_accuracy.last()
    assert found["End, test"].to_list() == [words.percent(one) for one in ends]
    assert found.Data.to_list() == ["MNIST", "Letters"]
    menu = plots.searches(runs, titles).layout.updatemenus[0].buttons
    assert [button.label.split(",")[0] for button in menu] == ["MNIST", "Letters"]


def test_returns_are_means_of_networks_beside_the_expert_on_the_same_tracks():
    columns = ["line", "sparsity", "origin", "search", "seed", "return", "expert_return"]
    rows = [("drive", 80.0, "random", None, 0, 90.0, 100.0), ("drive", 80.0, "random", None, 1, 70.0, 100.0)]
    rows += [("drive", 80.0, "random", "best", 0, 50.0, 100.0), ("search", 80.0, "random", "best", 0, None, None)]
    drawn = pandas.DataFrame(rows, columns=columns).assign(task="car")
    found = summaries.drives(drawn, {"car": "CarRacing"}).set_index("Driver")
    assert found.index.to_list() == ["Random start, 80 % sparse", "Random start, 80 % sparse, after best"]
    assert found["Return"].to_list() == ["80.00 (70.00 to 90.00, n = 2)", "50.00"]
    assert found["Share of the expert's"].to_list() == ["80.00 % (70.00 to 90.00, n = 2)", "50.00 %"]
    both = pandas.concat([drawn, drawn.assign(task="rally")])
    found = summaries.drives(both, {"car": "CarRacing", "rally": "Rally"})
    assert found.Data.to_list() == ["CarRacing", "CarRacing", "Rally", "Rally"]


def test_gains_are_those_of_whole_climbs():
    columns = ["chosen_by", "choosing_images", "size", "neighborhood", "choosing_gain", "fresh_gain"]
    rows = [("test", 1024, 100, 5, 0.5, 0.5), ("test", 1024, 100, 6, 0.01, 0.002), ("test", 1024, 100, 6, 0.03, 0.0)]
    found = summaries.gains(pandas.DataFrame(rows, columns=columns)).iloc[0]
    assert found["Gain there"] == "+2.00 points (+1.00 to +3.00, n = 2)"
    assert found["Gain on fresh images"] == "+0.10 points (+0.00 to +0.20, n = 2)"
    assert found[["Chosen by", "Neighbors in a neighborhood"]].to_list() == ["1,024 test images", "100"]


def test_improvement_is_the_paired_test_over_all_sparsities():
    nan = float("nan")
    rows = [("mnist", 90.0, 0.0, 9.0, 0.5), ("mnist", 95.0, 0.0, 9.0, 0.5), ("mnist", nan, nan, 0.25, 0.0001)]
    outcomes = pandas.DataFrame(rows, columns=["task", "sparsity", "seed", "difference", "p"])
    found = summaries.improvement(outcomes, {"fashion": "Letters", "mnist": "Digits"})
    assert found.to_numpy().tolist() == [["Digits", "2", "+0.25 points", "< 0.001"]]


# --- plots ------------------------------------------------------------------------------------------------------------


def test_every_network_is_a_point_that_tells_its_counts(networks):
    figure = plots.sparsity({"MNIST": networks, "Letters": networks})
    points = [line for line in figure.data if line.mode == "markers"]
    assert [line.name for line in points] == ["MNIST", "Letters"]
    assert list(points[0].y) == (100 * networks.test_accuracy).to_list()
    assert points[0].text[7] == "MNIST<br>90 % sparse, seed 1<br>8,101 of 10,000 test images right (81.01 %)"


def test_a_menu_chooses_between_figures_and_lines_have_few_points(climb):
    long = pandas.concat(trace(seed, steps=2000) for seed in range(2))
    figure = plots.climbs({"6": climb, "8a": climbs.points(long, baseline(0, last=1000, low=0.1))})
    assert [line.visible for line in figure.data] == 9 * [True] + 4 * [False]
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["Figure 6", "Figure 8a"]
    assert list(menu.buttons[1].args[0]["visible"]) == 9 * [False] + 4 * [True]
    assert max(len(line.x) for line in figure.data) == 300
    assert (figure.data[9].x[0], figure.data[9].x[-1]) == (0, 2000)


# --- the notebook -----------------------------------------------------------------------------------------------------


def test_the_notebook_is_clean_and_its_cells_are_named(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id) for cell in notebook.cells)
    assert [cell.id for cell in code if "parameters" in cell.metadata.get("tags", [])] == ["parameters"]
    assert max(len(ast.parse(cell.source).body) for cell in code) <= 5


def test_the_notebook_imports_from_one_module_whose_code_the_workflow_tracks(notebook):
    imports = [
        node
        for cell in notebook.cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [getattr(node, "module", None) for node in imports] == ["aann.report.notebook"]


NAMES_OF_THINGS = re.compile(
    r"ICLR 2021|Figures? \w?\d+\w?( to \d+)?|Figure S\d|Algorithm \d|\b[12]\.0\b|[-−+]1\b|\b0 \(no connection\)"  # noqa: RUF001
    r"|dashed grey 0|near 1: tight and distant clusters; 0: none|only −1, 0 and|weights that are 0|is not 0"  # noqa: RUF001
)
"""Numbers in the prose that are names, weights, or what an index means, and no results."""


def prose(cell):
    if cell.cell_type == "markdown":
        return cell.source
    strings = [node.value for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Constant)]
    return " ".join(" ".join(string.split()) for string in strings if isinstance(string, str) and " " in string)


def test_no_number_stands_in_the_prose_itself(notebook):
    for cell in notebook.cells:
        assert not re.search(r"\d", NAMES_OF_THINGS.sub("", prose(cell))), cell.id


def test_the_prose_names_no_data_set(notebook):
    for cell in notebook.cells:
        assert not re.search(r"mnist|digits|letters|carracing", prose(cell), re.IGNORECASE), cell.id


def test_every_figure_is_shown_and_every_claim_that_is_named_exists(paper_notebook, root):
    source = "\n".join(cell.source for cell in paper_notebook.cells if cell.cell_type == "code")
    shown = re.findall(r'story\.figure\("(\w+)"', source)
    released = load([root / "config/config.yaml", root / "config/release.yaml"])
    optional = re.findall(r'story\.figure_if_there\(\s*"(\w+)"', source)
    assert optional == ["s4", "s5", "s6", "s7", "s8"]  # which runs without families do not have
    assert sorted([*shown, "video", *optional, "s3", "s3b", "s9"]) == sorted(released.figures)
    assert "story.more_figures()" in source  # shows all others
    claims = (root / "config/claims.yaml").read_text()
    for name in re.findall(r'story\.claim\("([\w-]+)"', source):
        assert f"\n  {name}:\n" in claims


# --- contents ---------------------------------------------------------------------------------------------------------


def test_the_page_is_made_of_all_figures_the_tables_beside_them_and_the_claims(paper_settings):
    contents = contents_of(paper_settings)
    assert list(contents.figures) == list(paper_settings.figures)
    assert list(contents.data.items()) == [
        ("mnist", "MNIST"),
        ("car", "CarRacing"),
        ("fashion", "Fashion-MNIST"),
        ("mnist-few", "MNIST"),
    ]
    assert contents.figures["s2"].options["titles"] == {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
    beside = ("neighbors/{}/surveys.csv", "embeddings/{}/clustering.csv")
    assert set(contents.tables) == {name.format(task) for name in beside for task in ("mnist", "car")} | {
        "neighbors/mnist-few/surveys.csv"
    }
    drawn = {path for name in contents.figures for path in contents.figures[name].files.values()}
    assert set(contents.files) == {
        *(path for path in drawn if path.endswith(("png", "csv", "mp4"))),
        *contents.tables,
        "export/mnist/p90/seed0.html",
        CLAIMS,
    }


def test_the_page_links_to_pages_on_which_a_network_can_be_tried(paper_settings):
    story = object.__new__(Story)
    story.contents = contents_of(paper_settings)
    assert '<a href="../export/mnist/p90/seed0.html">' in story.explorers().text
    story.contents = contents_of(paper_settings.model_copy(update={"export": {}}))
    assert story.explorers().text == ""


def test_the_page_does_not_depend_on_the_order_in_which_files_are_laid_over_each_other(root):
    files = [root / "config/config.yaml", root / "config/quick.yaml"]
    over = read_yaml(files[1])
    as_snakemake = validate(merge(merge(over, read_yaml(files[0])), over))
    assert list(as_snakemake.figures) != list(load(files).figures)
    assert contents_of(as_snakemake).model_dump_json() == contents_of(load(files)).model_dump_json()


def test_figures_that_no_cell_shows_come_at_the_end(tmp_path):
    results = tmp_path / "mine"
    one = {"kind": "sparsity", "shows": "accuracy against sparsity", "title": "Signs", "options": {}}
    figures = {name: {**one, "files": {"png": f"figures/figure_{name}.png"}} for name in ("a", "b")}
    (results / "figures").mkdir(parents=True)
    for name in figures:
        schematic.draw(results / f"figures/figure_{name}.png", {"settings": {"scale": "mine"}})
    read = story.Story(results, "mine", {"figures": figures, "data": {"signs": "Signs"}})
    read.figure("a", "Told")
    more = read.more_figures().text
    assert re.findall(r'<figure id="(.*?)"', more) == ["figure-b"]
    assert "Accuracy against sparsity, on Signs." in more
    assert read.more_figures().text == ""
    with pytest.raises(InputError, match=r"the page has no figure '3'; the setting 'figures' has a, b"):
        read.figure("3", "Neighbors")
    assert read.figure_if_there("3", "Neighbors").text == ""
    assert read.figure_if_there("a", "Told").text == read.figure("a", "Told").text
    assert read.missing("a", "s4", "s5").text == "*This run does not have Figures S4 and S5.*"
    assert read.missing("a", "b").text == ""


@pytest.mark.parametrize("text", ["{", '{"figures": {"a": {}}}', "[]"])
def test_contents_that_are_none_are_one_line(text, root):
    files = ("--notebook", "n", "--template", "t", "--results", "r", "--output", "o")
    result = run("report", "page", *files, "--contents", text, "--configfile", root / "config/config.yaml")
    check_one_line(result, "--contents: ")


# --- the page ---------------------------------------------------------------------------------------------------------


def executed(*cells):
    made = [nbformat.v4.new_code_cell(source, id=name, **more) for name, source, more in cells]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), *made])


def output(**data):
    return {"outputs": [nbformat.v4.new_output("display_data", {key.replace("_", "/"): data[key] for key in data})]}


def test_code_is_hidden_and_parameters_are_left_out(root):
    notebook = executed(
        ("parameters", "scale = 'x'", {"metadata": {"tags": ["injected-parameters"]}}),
        ("one", "a < b", output(text_html="<b>shown</b>", text_plain="not shown")),
        ("two", "c", output(text_markdown="*emphasis*")),
    )
    text = page.render(notebook, root / TEMPLATE)
    assert "scale =" not in text
    assert '<details class="code"><summary>Code</summary><pre>a &lt; b</pre></details>' in text
    assert "<b>shown</b>" in text
    assert "<em>emphasis</em>" in text
    assert "not shown" not in text
    assert not re.search(r"<(script|link|img|iframe)[^>]*(https?:)?//", text)


SCRIPT = "</script></p><script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """Gathers the tags of a page, and what stands in attributes that run code."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.handlers = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def png():
    buffer = BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_looks_like_html_in_names_and_tables_is_text_on_the_page(root):
    cells = pandas.DataFrame({"Data": [SCRIPT], "p": ["< 0.001"]})
    prose = story.Prose(f"On {SCRIPT}\n\n{words.table(cells)}")._repr_markdown_()
    figure = story._figure("figure-1", "Figure 1", f"Shown on {SCRIPT}", png())
    networks = pandas.DataFrame({"sparsity": [90.0], "seed": 0, "test_correct": 1, "test_images": 2})
    drawn = plots.sparsity({SCRIPT: networks.assign(test_accuracy=0.5)})
    plot = story.Story.plot(None, "plot", drawn, SCRIPT).text
    shown = [output(text_markdown=prose), output(text_html=figure), output(text_plain=SCRIPT)]
    text = page.render(executed(*((f"cell-{i}", SCRIPT, data) for i, data in enumerate(shown))), root / TEMPLATE)
    assert text.count("alert(1)") == 2 * 8
    assert "<td>&lt; 0.001</td>" in text
    assert Tags(text).tags.count("img") == 1
    assert "script" not in Tags(text).tags
    assert Tags(text).handlers == Tags(plot).handlers == []
    assert plot.count("</script>") == Tags(plot).tags.count("script") == 1


def test_a_page_of_a_plot_keeps_its_title_a_text(tmp_path):
    table = pandas.DataFrame({"sparsity": [90.0], "seed": 0, "test_correct": 1, "test_images": 2, "test_accuracy": 0.5})
    style.save_page(plots.sparsity({"MNIST": table}).update_layout(title=SCRIPT), "plot", tmp_path / "a.html")
    plain = plots.sparsity({"MNIST": table}).update_layout(title="MNIST")
    style.save_page(plain, "plot", tmp_path / "b.html")
    first, second = (Tags((tmp_path / name).read_text()) for name in ("a.html", "b.html"))
    assert (first.tags, first.handlers) == (second.tags, second.handlers)


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": [{"source": []}]}'])
def test_a_notebook_that_is_none_is_one_line(root, tmp_path, content):
    (tmp_path / "bad.ipynb").write_text(content)
    (tmp_path / "claims").mkdir()
    with atomic_path(tmp_path / CLAIMS) as temporary:
        temporary.write_text("{}")
    files = ("--template", root / TEMPLATE, "--results", tmp_path, "--output", tmp_path / "page.html")
    more = ("--contents", "{}", "--configfile", root / "config/config.yaml")
    result = run("report", "page", "--notebook", tmp_path / "bad.ipynb", *files, *more)
    check_one_line(result, "bad.ipynb: is not a notebook of format 4.5")
    assert shown(tmp_path) == {"bad.ipynb", "claims"}


def test_an_absent_template_is_one_line_before_anything_runs(root, tmp_path):
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": []}))
    with pytest.raises(InputError, match=r"no\.j2: there is no such file"):
        page.write_page(tmp_path / "a.ipynb", tmp_path / "no.j2", tmp_path / "page.html", {})


def write_notebook(path, *sources):
    """Write a notebook with cells of code, and return its path."""
    empty = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**empty, "id": f"cell-{number}", "source": source} for number, source in enumerate(sources)]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_kernel_that_does_not_start_is_one_line_with_its_reason(tmp_path, monkeypatch):
    (tmp_path / "ipykernel_launcher.py").write_text("raise ImportError('nothing is installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    line = r"a\.ipynb: Kernel died before replying to kernel_info: ImportError: nothing is installed; run it again"
    with pytest.raises(InputError, match=line):
        page.run(write_notebook(tmp_path / "a.ipynb"), {})


def test_what_the_process_of_the_kernel_says_is_not_said_beside_the_error(tmp_path, capfd):
    says = "import os; os.write(1, b'said'); os.write(2, b'Assertion failed'); 1 / 0"
    with pytest.raises(InputError, match="cell 'cell-0' failed with ZeroDivisionError"):
        page.run(write_notebook(tmp_path / "a.ipynb", says), {})
    assert capfd.readouterr() == ("", "")


WHERE = "from ipykernel.connect import get_connection_info; import json; print(json.loads(get_connection_info())['ip'])"


def reached_at(notebook):
    """Run a notebook, and return where its kernel says that it is reached."""
    (cell,) = [cell for cell in page.run(notebook, {}).cells if cell["source"] == WHERE]
    return cell["outputs"][0]["text"].strip()


@pytest.fixture
def temporary(monkeypatch):
    """Set the folder of temporary files."""

    def use(folder):
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr("tempfile.tempdir", None)

    return use


@pytest.mark.parametrize("length", [20, 86, 87, 120])
def test_a_kernel_runs_however_long_the_folder_of_temporary_files_is(tmp_path, temporary, length):
    with TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short) / ("x" * (length - len(short) - 1))
        temporary(folder)
        place = reached_at(write_notebook(tmp_path / "a.ipynb", WHERE))
        assert list(folder.iterdir()) == []
    assert place.startswith(f"{folder}/" if length < 87 else "/tmp/tmp")
    assert not Path(place).parent.exists()


def test_a_kernel_is_reached_by_tcp_where_no_folder_holds_sockets(tmp_path, temporary, monkeypatch):
    temporary(tmp_path / ("x" * 120))
    monkeypatch.setattr(page, "_SHORT_FOLDERS", (str(tmp_path / "absent"), str(tmp_path / ("x" * 120))))
    assert reached_at(write_notebook(tmp_path / "a.ipynb", WHERE)) == "127.0.0.1"


def test_a_folder_whose_name_zeromq_would_write_otherwise_is_no_place_for_sockets(tmp_path):
    (tmp_path / "ü").mkdir()
    (tmp_path / "u").mkdir()
    assert [page._holds_sockets(tmp_path / name) for name in "üu"] == [False, True]
    assert list(tmp_path.rglob("*-*")) == []


def test_a_kernel_that_answers_too_late_is_one_line(root, monkeypatch):
    def late(*_, **given):
        assert given["iopub_timeout"] >= 60
        raise TimeoutError("A cell timed out while it was being executed, after 600 seconds.\nThe message was: none")

    monkeypatch.setattr("papermill.execute_notebook", late)
    with pytest.raises(InputError, match=r"^[^\n]*report.ipynb: A cell timed out [^\n]*Run it again when[^\n]*$"):
        page.run(root / "workflow/notebooks/report.ipynb", {})
