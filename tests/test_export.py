import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pandas
import pytest
from browser import chromium, require_programs
from commands import check_one_line, draw, run, shown
from exporting import KINDS, SANITIZED, compiled, images_of, mnist_test, network_of, require
from hypothesis import given
from hypothesis import strategies as st

import aann
from aann.artifacts import write_arrays, write_table
from aann.datasets import splits
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation import reference
from aann.export import board, coding, onnx, packed, page, source
from aann.figures import bytes as bytes_of_networks
from aann.figures import kinds, style
from aann.layers import KINDS as LAYERS
from aann.layers import Convolution, Dense
from aann.lineage import records
from aann.networks import Architecture, TernaryNetwork
from aann.sense.starts import random_network
from aann.settings.files import merge, read_yaml
from aann.settings.study import load, validate
from aann.swaps import sample_swaps
from aann.tables import BYTES, accuracy_row

DESCRIBED = {"classes": ["Äpfel", "b"], "input": {"size": [3, 4], "channels": 1, "centered": False, "fit": "crop"}}


@pytest.fixture(scope="module")
def digits(root):
    """A released network for MNIST, 90 % sparse."""
    return aann.load_network(root / "release/psiren/mnist/p90/seed0.safetensors.gz")


@pytest.fixture(scope="module")
def car(root):
    """A released network for CarRacing, 90 % sparse."""
    return aann.load_network(root / "release/psiren/car/p90/seed0.safetensors.gz")


# --- packed -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 2**32), st.integers(0, 2**32)), max_size=60))
def test_a_range_coder_returns_all_numbers(drawn):
    numbers = [(value % total, total) for total, value in drawn]
    encoder = coding.Encoder()
    for value, total in numbers:
        encoder.number(value, total)
        encoder.choose(value % 3 == 0, total, total + 1)
    decoder = coding.Decoder(encoder.finish())
    for value, total in numbers:
        assert decoder.number(total) == value
        assert decoder.choose(total, total + 1) == (value % 3 == 0)


def test_a_carry_reaches_bytes_that_are_written_already():
    encoder = coding.Encoder()
    values = [(2**32 - 1, 2**32)] * 5 + [(1, 3)] * 40
    for value, total in values:
        encoder.number(value, total)
    decoder = coding.Decoder(encoder.finish())
    assert [decoder.number(total) for _, total in values] == [value for value, _ in values]


@pytest.mark.parametrize("sparsity", [0, 60, 99, 100])
@pytest.mark.parametrize("name", KINDS)
def test_a_packed_network_is_the_same_byte_for_byte(name, sparsity, tmp_path):
    network = network_of(name, sparsity).described({"classes": list("ab"), "input": None})
    found = packed.unpack(packed.pack(network))
    for number, one in enumerate((network, found)):
        one.save(tmp_path / f"{number}.safetensors")
    first, second = ((tmp_path / f"{number}.safetensors").read_bytes() for number in (0, 1))
    assert first == second
    assert found.data == network.data


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_any_weights_are_packed_near_their_entropy(seed, zeros, minus):
    random = np.random.default_rng(seed)
    architecture = Architecture((1, 10, 10), (Dense("fc", 8),))
    shares = [(1 - zeros) * minus, zeros, (1 - zeros) * (1 - minus)]
    weights = random.choice(np.array([-1, 0, 1], np.int8), (8, 100), p=shares)
    network = TernaryNetwork(architecture, {"fc": weights})
    content = packed.pack(network)
    assert packed.unpack(content) == network
    assert len(content) <= packed.entropy(network) + 55


def test_a_released_network_is_packed_in_2120_bytes_and_unpacked_in_50_ms(digits):
    content = packed.pack(digits)
    assert len(content) <= 2120
    assert packed.entropy(digits) == pytest.approx(2051.9, abs=0.1)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        assert packed.unpack(content) == digits
        seconds.append(time.perf_counter() - began)
    assert min(seconds) <= 0.05


def test_every_flipped_bit_of_a_packed_network_is_noticed(digits):
    small, large = packed.pack(network_of("max").described(DESCRIBED)), packed.pack(digits)
    random = np.random.default_rng(0)
    flips = [(small, bit) for bit in range(8 * len(small))]
    flips += [(large, bit) for bit in random.choice(8 * len(large), 500, replace=False).tolist()]
    for content, bit in flips:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InputError, match=r"^here: is "):
            packed.unpack(bytes(damaged), "here")
    for length in range(len(small)):
        with pytest.raises(InputError, match=r"^here: is "):
            packed.unpack(small[:length], "here")


def sealed(body):
    return b"AANN" + zlib.crc32(body).to_bytes(4, "big") + body


def test_other_versions_and_other_descriptions_are_refused():
    content = packed.pack(network_of("dense"))
    with pytest.raises(InputError, match="is of version 2, and this package reads version 1"):
        packed.unpack(sealed(b"\x02" + content[9:]))
    for text in ("[]", "{", '{"architecture": 3}', '{"architecture": {"layers": [], "input_shape": [1, 1, 1]}}'):
        encoder = coding.Encoder()
        packed._write_text(encoder, text)
        with pytest.raises(InputError):
            packed.unpack(sealed(b"\x01" + encoder.finish()))


def test_the_text_that_the_format_knows_never_changes():
    assert zlib.crc32(packed._known_text().encode()) == 3226547810


# --- C ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_c_has_the_logits_of_python_for_every_kind_of_layer(name, tmp_path):
    images, network = images_of(KINDS[name], 5), network_of(name)
    program = compiled(network, tmp_path, *SANITIZED, lanes=4)
    assert np.array_equal(program.logits(images), reference.logits(network, images))
    assert program.run().returncode == 0


def test_c_counts_all_test_images_of_mnist_as_python_does(digits, tmp_path, data_mirror):
    images, labels = mnist_test(data_mirror)
    expected = reference.logits(digits, images)
    found = compiled(digits, tmp_path / "fast", "-O2", lanes=32).logits(images)
    assert np.array_equal(found, expected)
    assert (found.argmax(axis=1) == labels).sum() == reference.correct_count(digits, images, labels)
    checked = compiled(digits, tmp_path / "checked", *SANITIZED)
    assert np.array_equal(checked.logits(images[:300]), expected[:300])


def test_the_small_networks_are_small_and_the_same_in_c(root, tmp_path):
    settings = load([root / "config/config.yaml", root / "config/small.yaml"])
    assert "small" not in load([root / "config/config.yaml"]).figures
    plan = kinds.plan(settings, "small")
    assert plan.inputs[0].path == "psiren/mnist-small/accuracies.csv"
    architecture = Architecture.from_dict(settings.network("mnist-small"))
    images = images_of(architecture, 40)
    for sparsity in settings.export["mnist-small"].sparsities:
        network = random_network(architecture, sparsity, 0)
        assert len(packed.pack(network)) < packed.entropy(network) + 60
        program = compiled(network, tmp_path / f"{sparsity:g}", "-O1", lanes=8)
        assert np.array_equal(program.logits(images), reference.logits(network, images))


def test_c_drives_as_python_does(car, tmp_path):
    images = images_of(car.architecture, 100)
    expected = reference.logits(car, images)
    assert np.array_equal(compiled(car, tmp_path / "fast", "-O2").logits(images), expected)
    checked = compiled(car, tmp_path / "checked", *SANITIZED, lanes=8)
    assert np.array_equal(checked.logits(images[:20]), expected[:20])


def test_main_says_in_one_line_what_is_wrong_with_its_file(tmp_path):
    program = compiled(network_of("max"), tmp_path, "-O1")
    expected = "expected 396 for each image (2 channels, 11 rows, 9 columns)"
    for size in (397, 0):
        (tmp_path / "images").write_bytes(b"x" * size)
        done = program.run("images")
        assert (done.returncode, done.stderr) == (1, f"error: images: has {size} bytes, {expected}\n")
    done = program.run("absent")
    assert (done.returncode, done.stderr) == (1, "error: absent: cannot be read; name a file of images\n")


def test_main_notices_that_logits_differ_from_the_test_vector(tmp_path):
    program = compiled(network_of("dense"), tmp_path)
    source.save(network_of("dense"), tmp_path, images_of(KINDS["dense"], 1)[0], np.zeros(5, int))
    program.compile()
    done = program.run()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "are not those of test_vector.h" in done.stderr


def test_sizes_that_the_c_file_cannot_count_are_refused():
    network = TernaryNetwork(Architecture((1, 1, 1), (Dense("fc", 70_000),)), {"fc": np.zeros((70_000, 1), np.int8)})
    with pytest.raises(InputError, match="layer 'fc': its outputs are 70000, and the format c counts up to 65535"):
        source.header(network)


class Other(Dense):
    type = "other"


@pytest.mark.parametrize("form", ["c", "onnx"])
def test_kinds_of_layers_that_a_format_does_not_know_are_refused(form, tmp_path, monkeypatch):
    monkeypatch.setitem(LAYERS, "other", Other)
    architecture = Architecture((1, 2, 2), (Other("fc", 2),))
    network = TernaryNetwork(architecture, {"fc": np.ones((2, 4), np.int8)})
    assert packed.unpack(packed.pack(network)) == network
    write = {"c": lambda: source.header(network), "onnx": lambda: onnx.save(network, tmp_path / "x.onnx")}[form]
    with pytest.raises(InputError, match=f"layer 'fc': the format {form} has no layer of the kind 'other'"):
        write()


# --- boards -----------------------------------------------------------------------------------------------------------


def test_a_microcontroller_reads_digits_as_python_does_with_8_kb_of_flash_and_of_memory(digits, tmp_path, data_mirror):
    require(*board.PROGRAMS)
    images = mnist_test(data_mirror)[0][:200]
    found = board.measure(digits, images, "cortex-m3", tmp_path)
    assert np.array_equal(found.logits, reference.logits(digits, images))
    assert found.flash <= 4500
    assert found.memory + found.stack <= 4500
    assert found.instructions <= 4_200_000


@pytest.mark.parametrize("name", ["max", "average", "by side"])
def test_the_smallest_processor_has_the_logits_of_python(name, tmp_path):
    require(*board.PROGRAMS)
    images = images_of(KINDS[name], 5)
    found = board.measure(network_of(name), images, "cortex-m0", tmp_path)
    assert np.array_equal(found.logits, reference.logits(network_of(name), images))


def test_the_map_of_memory_names_the_boards_that_are_emulated():
    assert all(name in (board.FOLDER / "board.ld").read_text() for name in board.BOARDS.values())


def test_a_network_that_a_board_cannot_hold_is_refused(tmp_path):
    require(*board.PROGRAMS)
    wide = Architecture((1, 200, 200), (Dense("fc", 2),))
    with pytest.raises(InputError, match=r"^arm-none-eabi-gcc: fails in .*overflowed"):
        board.measure(random_network(wide, 90, 0), images_of(wide, 1), "cortex-m0", tmp_path)


def test_a_compiler_that_is_not_there_is_named(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="arm-none-eabi-gcc: is not installed; on Debian: apt-get install"):
        board.measure(digits, np.zeros((1, 1, 28, 28), np.uint8), "cortex-m3", tmp_path)


# --- ONNX -------------------------------------------------------------------------------------------------------------


def onnx_logits(network, images, path):
    import onnxruntime

    onnx.save(network, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([onnx.OUTPUT], {onnx.INPUT: images})[0]


@pytest.mark.parametrize("name", KINDS)
def test_onnxruntime_has_the_logits_of_python_for_every_kind_of_layer(name, tmp_path):
    network, images = network_of(name), images_of(KINDS[name], 5)
    found = onnx_logits(network, images, tmp_path / "network.onnx")
    assert found.dtype == np.int32
    assert np.array_equal(found, reference.logits(network, images))


@pytest.mark.parametrize("names", [("images", "logits"), ("inputs", "highest"), ("lowest", "lowest.pool")])
def test_layers_of_any_name_go_to_onnx(names, tmp_path):
    first, last = names
    network = random_network(Architecture((1, 6, 6), (Convolution(first, 3, 3, pool=2), Dense(last, 4))), 60, 0)
    images = images_of(network.architecture, 20)
    found = onnx_logits(network, images, tmp_path / "network.onnx")
    assert np.array_equal(found, reference.logits(network, images))


def test_onnxruntime_has_the_logits_of_python_on_released_networks(digits, car, tmp_path, data_mirror):
    images, _ = mnist_test(data_mirror)
    assert np.array_equal(onnx_logits(digits, images, tmp_path / "digits.onnx"), reference.logits(digits, images))
    frames = images_of(car.architecture, 100)
    assert np.array_equal(onnx_logits(car, frames, tmp_path / "car.onnx"), reference.logits(car, frames))


def test_sums_beyond_float32_are_refused_as_onnx(tmp_path):
    architecture = Architecture((1, 30, 30), (Dense("fc", 2),), input_scale=2**15 - 1)
    network = TernaryNetwork(architecture, {"fc": np.ones((2, 900), np.int8)})
    with pytest.raises(InputError, match="a sum could reach 29490300, and float32"):
        onnx.save(network, tmp_path / "x.onnx")


# --- Figure S9 --------------------------------------------------------------------------------------------------------


def test_a_figure_shows_the_bytes_and_the_errors_of_networks_beside_other_projects(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, inputs = [], [("accuracies", "accuracies.csv", {"task": "mnist"})]
    for sparsity, correct in ((50, 10), (90, 8)):
        path, keys = f"p{sparsity}.safetensors", {"task": "mnist", "sparsity": sparsity, "seed": 0}
        random_network(network.architecture, sparsity, 0).save(path)
        rows.append(accuracy_row((9, 10), (correct, 10), **keys))
        inputs.append(("networks", path, keys))
    write_table("accuracies.csv", pandas.DataFrame(rows))
    elsewhere = [{"label": "one", "bytes": 100, "percent": 90}, {"label": "one", "bytes": 200, "percent": 95}]
    assert draw("bytes", inputs, "figure_s9.png", elsewhere=elsewhere).exit_code == 0
    found = BYTES.read("figure_s9.csv", task="mnist")
    sizes = [len(packed.pack(random_network(network.architecture, sparsity, 0))) for sparsity in (50, 90)]
    assert found.bytes.tolist() == sizes
    assert found.test_accuracy.tolist() == [1.0, 0.8]


@pytest.mark.parametrize("levels", [[80], [50, 80, 90]])
def test_the_first_and_the_last_sparsity_are_named_once(levels, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(style, "save", lambda figure, *_: drawn.extend(figure.axes[0].texts))
    rows = [
        {"task": "mnist", "sparsity": level, "seed": 0, "bytes": 9000 - level, "test_accuracy": 0.9} for level in levels
    ]
    bytes_of_networks.draw(pandas.DataFrame(rows), [], "MNIST", tmp_path / "x.png", {})
    assert [text.get_text() for text in drawn] == [
        f"{level} % sparse" for level in dict.fromkeys((levels[0], levels[-1]))
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"export": {"cat": {"sparsities": [90]}}}, "export.cat: no such task; 'tasks' has"),
        ({"export": {"mnist": {"sparsities": [42]}}}, "export.mnist.sparsities: 42 is not in tasks.mnist.sparsities"),
        (
            {"export": {"mnist": {"formats": ["zip"]}}},
            "'export.mnist.formats.0': Input should be 'packed', 'c', 'onnx' or 'page'",
        ),
        ({"figures": {"s9": {"least": 99}}}, "figures.s9.least: tasks.mnist.sparsities has none of at least 99"),
    ],
)
def test_wrong_settings_are_named(changed, message, root):
    values = merge(read_yaml(root / "config/config.yaml"), changed)
    with pytest.raises(InputError, match=message):
        kinds.plan(validate(values), "s9")


# --- commands ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(network, tmp_path, monkeypatch):
    """A network in a file of the current folder."""
    monkeypatch.chdir(tmp_path)
    network.save("network.safetensors")
    return "network.safetensors"


def export(network, form, output):
    return run("export", network, "--format", form, "--output", output)


def test_a_network_goes_to_every_format_and_back(saved, network, root):
    assert export(saved, "packed", "small.aann").exit_code == 0
    assert aann.load_network("small.aann") == network
    Path("small.txt").write_bytes(Path("small.aann").read_bytes())  # what a file holds counts, not its name
    Path("safe.aann").write_bytes(Path(saved).read_bytes())
    assert aann.load_network("small.txt") == aann.load_network("safe.aann") == network
    for form, output in (("c", "c"), ("onnx", "network.onnx"), ("network", "back.safetensors")):
        result = export("small.aann", form, output)
        assert result.exit_code == 0, result.output
    assert shown("c") == {*source.FILES, "network.h.provenance.json"}
    assert aann.load_network("back.safetensors") == network
    assert Path("back.safetensors").read_bytes() == Path(saved).read_bytes()
    record = records.find(Path("small.aann"))
    assert list(record.provenance["inputs"]) == [saved]


def blocks(text):
    """Return the commands of a page, but those of the workflow."""
    found = [block.split("```")[0] for block in text.split("```\n")[1::2]]
    return [block for block in found if block.strip() and not block.startswith(("snakemake", "make"))]


def test_the_commands_of_the_page_about_the_edge_run_as_they_are_written(root, tmp_path, data_mirror):
    require("gcc")
    released = "release/psiren/mnist/p90/seed0.safetensors.gz"
    (tmp_path / released).parent.mkdir(parents=True)
    shutil.copy(root / released, tmp_path / released)
    mirror = data_mirror if "://" in data_mirror else str(Path(data_mirror).resolve())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PATH": path, "AANN_DATA_MIRROR": mirror}
    script = "set -e\n" + "".join(blocks((root / "docs/edge.md").read_text()))
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines()[-3:]] == ["7", "2", "1"]
    assert (tmp_path / "digits.aann").stat().st_size == 2073
    assert "A network that you can change by hand" in (tmp_path / "digits.html").read_text()
    assert script.count("aann export") == 5


def test_exports_of_what_is_no_network_say_so_in_one_line(saved, tmp_path):
    check_one_line(export("absent", "packed", "x.aann"), "absent: there is no such file")
    (tmp_path / "x.aann").write_bytes(b"AANN123456789")
    check_one_line(export("x.aann", "c", "c"), "x.aann: is damaged: its checksum does not fit")
    (tmp_path / "y.aann").write_bytes(b"something else")
    check_one_line(export("y.aann", "c", "c"), "y.aann: is not a packed network")


def test_exports_that_cannot_be_written_say_so_in_one_line(saved, tmp_path):
    (tmp_path / "file").write_text("")
    check_one_line(export(saved, "c", "file"), "file: is a file, and the format c is a folder")
    for form in ("packed", "c", "onnx"):
        check_one_line(export(saved, form, "file/x"), "cannot write here")
    for form in ("packed", "onnx", "network"):
        check_one_line(export(saved, form, "."), "--output .: is a folder; name the file to write")


def test_sums_beyond_32_bits_are_refused_when_the_network_is_read(saved, tmp_path):
    layers = [{"type": "dense", "name": "fc", "units": 2}]
    described = {"input_shape": [1, 200, 200], "input_scale": 2**15 - 1, "signed": False, "layers": layers}
    write_arrays("large.safetensors", {"fc": np.ones((2, 40_000), np.int8)}, {"architecture": described})
    check_one_line(export("large.safetensors", "c", "c"), "a unit could reach 1310680000", "sums below 536870912")


def test_onnx_that_is_not_installed_is_named(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    check_one_line(export(saved, "onnx", "x.onnx"), "the format onnx needs the package onnx", "pip install")


def test_the_same_network_has_the_same_bytes_in_every_format(saved):
    outputs = {"packed": "{}.aann", "onnx": "{}.onnx", "c": "{}"}
    for form, output in outputs.items():
        for number in "12":
            assert export(saved, form, output.format(number)).exit_code == 0
    for first, second in (
        ("1.aann", "2.aann"),
        ("1.onnx", "2.onnx"),
        *((f"1/{name}", f"2/{name}") for name in source.FILES),
    ):
        assert Path(first).read_bytes() == Path(second).read_bytes()
    assert json.loads(Path("1.onnx.provenance.json").read_text())["provenance"]["format"] == "onnx"


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tested(data_mirror):
    images, labels = mnist_test(data_mirror)
    return Images(images, labels.astype(np.int64))


READY = "return window.explorer && explorer.state.ready"
PATIENCE = 10 if os.environ.get("CI") else 1
"""How many times as long things may take on any machine, and with other tests beside them."""


@pytest.fixture(scope="module")
def opened(digits, tested, tmp_path_factory):
    """A browser with the page of a released network, once all images are counted."""
    require_programs()
    folder = tmp_path_factory.mktemp("page")
    page.save(digits, tested, folder / "page.html")
    assert (folder / "page.html").stat().st_size <= 1_500_000
    with chromium(folder) as browser:
        browser.open(folder / "page.html")
        browser.wait_for(READY)
        yield browser
        browser.check()


def counted(network, tested):
    return reference.correct_count(network, tested.images[: page.IMAGES], tested.labels[: page.IMAGES])


def at(browser, element, across, down):
    """Return where a share of an element is, in pixels of the window."""
    box = browser.run(f"""const element = document.getElementById('{element}');
      element.scrollIntoView({{block: 'center'}});
      const box = element.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]""")
    return round(box[0] + across * box[2]), round(box[1] + down * box[3])


def test_a_page_is_painted_within_a_second(opened):
    paints = opened.run("return performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)")
    assert 0 < paints[0] <= 1000 * PATIENCE


def test_a_stroke_that_the_mouse_draws_has_the_logits_of_python(opened, digits):
    points = [at(opened, "pad", *place) for place in ((0.3, 0.2), (0.7, 0.2), (0.5, 0.5), (0.4, 0.85))]
    opened.drag(points)
    seen = np.array(opened.run("return Array.from(explorer.seen())")).reshape(1, 1, 28, 28)
    assert (seen > 0).sum() > 40
    expected = reference.logits(digits, seen)[0].tolist()
    assert opened.run("return explorer.logits()") == expected
    shown = opened.run("return [...document.querySelectorAll('#logits .number')].map(cell => cell.textContent)")
    assert [int(text.replace(",", "")) for text in shown] == expected
    answer = opened.run("return document.getElementById('answer').textContent")
    assert answer == f"The network says {int(np.argmax(expected))}."


def test_the_pen_moves_by_keyboard(opened, digits):
    opened.run("document.getElementById('clear').click(); document.getElementById('pad').focus()")
    opened.keys(" " + 5 * opened.DOWN + 3 * opened.RIGHT + " ")
    seen = np.array(opened.run("return Array.from(explorer.seen())")).reshape(1, 1, 28, 28)
    assert (seen > 0).sum() > 15
    assert opened.run("return explorer.logits()") == reference.logits(digits, seen)[0].tolist()


def where(browser, number, start, end):
    """Return where two weights are on the map of a layer, in pixels of the window, once the first is in view."""
    return browser.run(
        """
        const [number, ...indices] = arguments, scroll = document.getElementById('scroll');
        explorer.choose(number);
        const lying = explorer.lying[number], map = document.getElementById('map');
        const share = index => {
          const [column, row] = lying.cell(index);
          return [(column + .5) / lying.columns, (row + .5) / lying.rows];
        };
        scroll.scrollTop = share(indices[0])[1] * map.clientHeight - scroll.clientHeight / 2;
        scroll.scrollIntoView({block: 'center'});
        const box = map.getBoundingClientRect();
        return indices.map(share).map(([across, down]) =>
          [Math.floor(box.left + across * box.width), Math.floor(box.top + down * box.height)]);
        """,
        number,
        start,
        end,
    )


def test_a_connection_that_the_mouse_moves_is_counted_as_in_python_and_taken_back(opened, digits, tested):
    before = counted(digits, tested)
    assert opened.run("return explorer.counter.count") == before
    for layer in digits.layers:
        weights = digits.weights[layer].ravel()
        start = int(np.flatnonzero(weights)[3])
        end = next(index for index in range(start, len(weights)) if weights[index] == 0)
        opened.drag(where(opened, digits.layers.index(layer), start, end))
        after = counted(reference.neighbor(digits, layer, start, end), tested)
        assert opened.run("return explorer.state.swaps.slice(-1)[0]") == [digits.layers.index(layer), start, end]
        assert opened.run("return document.getElementById('count').textContent") == str(after)
        opened.run("document.getElementById('undo').click()")
        assert opened.run("return explorer.counter.count") == before


def test_swaps_are_counted_as_in_python_within_100_ms(opened, digits, tested):
    random, network, slowest = np.random.default_rng(0), digits, 0
    for layer in 3 * digits.layers:
        (start,), (end,) = sample_swaps(network.weights[layer], 1, random)
        network = reference.neighbor(network, layer, int(start), int(end))
        script = f"const count = explorer.move({digits.layers.index(layer)}, {start}, {end}); return [count, {TIME}]"
        count, milliseconds = opened.run(script)
        assert count == counted(network, tested)
        slowest = max(slowest, milliseconds)
    for _ in 3 * digits.layers:
        opened.run("explorer.undo()")
    assert opened.run("return explorer.counter.count") == counted(digits, tested)
    assert slowest <= 100 * PATIENCE


TIME = "explorer.state.milliseconds"


def test_a_connection_moves_by_keyboard(opened, digits):
    opened.run(f"explorer.choose({len(digits.layers) - 1}); document.getElementById('map').focus()")
    weights = digits.weights["fc"].ravel()
    row = [49 * channel + column for channel in range(12) for column in range(7)]
    start = next(place for place, index in enumerate(row) if weights[index])
    end = next(place for place, index in enumerate(row) if not weights[index])
    step = opened.RIGHT if end > start else opened.LEFT
    opened.keys(opened.RIGHT * start + opened.ENTER + step * abs(end - start) + opened.ENTER)
    assert opened.run("return explorer.state.swaps") == [[len(digits.layers) - 1, row[start], row[end]]]
    opened.keys(opened.CONTROL + "z")
    assert opened.run("return explorer.state.swaps") == []


def test_the_best_of_random_neighbors_is_exact_and_not_worse(opened, digits, tested):
    before = opened.run("return explorer.counter.count")
    opened.run(f"explorer.choose({len(digits.layers) - 1}); document.getElementById('best').click()")
    opened.wait_for("return !explorer.state.busy")
    network = digits
    for _, start, end in opened.run("return explorer.state.swaps"):
        network = reference.neighbor(network, "fc", start, end)
    found = opened.run("return explorer.counter.count")
    assert found == counted(network, tested)
    assert found >= before
    opened.run("explorer.undo()")


def test_a_page_fits_a_phone_and_a_finger_moves_a_connection(opened, digits):
    opened.resize(390, 800)
    assert opened.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    weights = digits.weights["2.0"].ravel()
    start = int(np.flatnonzero(weights)[0])
    end = next(index for index in range(start, len(weights)) if weights[index] == 0)
    for point in where(opened, 1, start, end):
        opened.drag([point], "touch")
    ((layer, start, end),) = opened.run("return explorer.state.swaps")
    assert layer == 1
    assert weights[start] != 0
    assert weights[end] == 0
    opened.run("explorer.undo()")
    opened.resize(1200, 1600)


def some_places(digits):
    """Return a connection of the layer 2.0, and an empty place some cells behind it."""
    weights = digits.weights["2.0"].ravel()
    start = int(np.flatnonzero(weights)[0])
    return start, next(index for index in range(start + 4, len(weights)) if weights[index] == 0)


HELD = "return explorer.state.held"


def test_a_finger_that_trembles_takes_a_connection_and_puts_it_back(opened, digits):
    opened.resize(390, 800)
    start, end = some_places(digits)
    (x, y), _ = where(opened, 1, start, end)
    opened.drag([(x, y), (x + 7, y + 5)], "touch")
    assert opened.run(HELD) == start
    opened.drag([(x + 3, y), (x - 2, y)], "touch")
    assert opened.run(HELD) is None
    assert opened.run("return explorer.state.swaps") == []
    opened.drag([(x, y), (x + 9, y + 9)], "touch")
    assert opened.run(HELD) is None
    opened.resize(1200, 1600)


def test_a_mouse_puts_back_or_drags_the_connection_that_it_took(opened, digits):
    start, end = some_places(digits)
    first, last = where(opened, 1, start, end)
    for points, button, held in (
        ([first], 2, None),
        ([first], 0, start),
        ([last], 2, start),
        ([first], 0, None),
        ([first], 0, start),
        ([first, last], 0, None),
    ):
        assert opened.run("return explorer.state.swaps") == []
        opened.drag(points, button=button)
        assert opened.run(HELD) == held
    assert opened.run("return explorer.state.swaps") == [[1, start, end]]
    opened.run("explorer.undo()")


def open_page(browser, network, folder):
    """Open the page of a network with a few random images."""
    images = images_of(network.architecture, 3)
    page.save(network, Images(images, reference.predictions(network, images)), folder / "page.html")
    browser.open(folder / "page.html")
    browser.wait_for(READY)


@pytest.mark.parametrize("size", [(32, 64), (45, 15)])
def test_ink_is_where_the_pointer_is_on_images_of_any_shape(size, opened, tmp_path):
    network = random_network(Architecture((1, *size), (Dense("fc", 3),)), 60, 0)
    open_page(opened, network, tmp_path)
    opened.drag([at(opened, "pad", 0.7, 0.8)] * 2)
    found = opened.run("""
      const {width, height} = pad, {data} = pad.getContext('2d').getImageData(0, 0, width, height);
      const box = pad.getBoundingClientRect(), mean = {x: 0, y: 0, all: 0};
      for (let at = 0; at < width * height; ++at) {
        const ink = 255 - data[4 * at];
        mean.x += ink * (at % width + .5) / width;
        mean.y += ink * (Math.floor(at / width) + .5) / height;
        mean.all += ink;
      }
      return [mean.x / mean.all, mean.y / mean.all, box.height / box.width]""")
    assert found == pytest.approx([0.7, 0.8, size[0] / size[1]], abs=0.03)
    seen = np.array(opened.run("return Array.from(explorer.seen())")).reshape(1, 1, *size)
    assert opened.run("return explorer.logits()") == reference.logits(network, seen)[0].tolist()


@pytest.mark.parametrize(("size", "hidden"), [((28, 28), 512), ((2, 2), 1000)])
def test_maps_of_large_dense_layers_fit_their_pane_and_a_canvas(size, hidden, opened, tmp_path):
    network = random_network(Architecture((1, *size), (Dense("1", hidden), Dense("2", 10))), 90, 0)
    open_page(opened, network, tmp_path)
    for ratio in (2, 1):
        opened.run(f"Object.defineProperty(window, 'devicePixelRatio', {{value: {ratio}, configurable: true}})")
        for number, layer in enumerate(network.layers):
            weights = network.weights[layer].ravel()
            start, end = (int(np.flatnonzero(found)[-1]) for found in (weights, weights == 0))
            first, last = where(opened, number, start, end)
            shown = opened.run(
                """
                const {cell, columns} = explorer.lying[arguments[0]], side = map.width / columns;
                const [column, row] = cell(arguments[1]).map(at => Math.floor((at + .5) * side));
                const pixel = map.getContext('2d').getImageData(column, row, 1, 1).data;
                const fits = map.clientWidth <= map.parentElement.clientWidth;
                return [map.width, map.height, fits, [...pixel].slice(0, 3)]""",
                number,
                start,
            )
            assert max(shown[:2]) <= 16_000
            assert shown[2]
            assert shown[3] == ([0x00, 0x72, 0xB2] if weights[start] == 1 else [0xD5, 0x5E, 0x00])
            opened.drag([first, last])
            assert opened.run("return explorer.state.swaps") == [[number, start, end]]
            opened.run("explorer.undo()")
    unit, source = divmod(end, hidden)
    words = opened.run("return document.getElementById('under').textContent")
    assert words == f"to unit {unit + 1} from unit {source + 1}: no connection"


def test_the_keyboard_scrolls_a_map_that_is_wider_than_its_pane(opened, tmp_path):
    open_page(opened, random_network(Architecture((1, 2, 900), (Dense("fc", 2),)), 60, 0), tmp_path)
    opened.run("map.focus(); explorer.state.cursor = [898, 0]")
    opened.keys(opened.RIGHT)
    right, end = opened.run("return [map, map.parentElement].map(element => element.getBoundingClientRect().right)")
    assert right <= end


@pytest.mark.parametrize("name", ["a step without pooling", "no pooling", "by side", "wide padding", "large stride"])
def test_the_page_counts_every_kind_of_layer_that_one_can_draw_for(name, opened, tmp_path):
    network, images = network_of(name), images_of(KINDS[name], 30)
    labels = reference.predictions(network, images[::-1])
    page.save(network, Images(images, labels), tmp_path / "page.html")
    opened.open(tmp_path / "page.html")
    opened.wait_for(READY)
    random = np.random.default_rng(0)
    for layer in network.layers:
        (start,), (end,) = sample_swaps(network.weights[layer], 1, random)
        network = reference.neighbor(network, layer, int(start), int(end))
        count = opened.run(f"return explorer.move({network.layers.index(layer)}, {start}, {end})")
        assert count == reference.correct_count(network, images, labels)
    logits = opened.run("return Array.from({length: 30}, (_, image) => explorer.counter.logits(image))")
    assert logits == reference.logits(network, images).tolist()


def test_sums_on_a_page_stay_exact_when_all_connections_move_to_one_filter(opened, tmp_path):
    architecture = Architecture((1, 12, 12), (Convolution("1", 2, 12), Dense("fc", 2)))
    filters = np.zeros((2, 1, 12, 12), np.int8)
    filters[0].flat[:128] = filters[1].flat[:12] = 1
    network = TernaryNetwork(architecture, {"1": filters, "fc": np.eye(2, dtype=np.int8)})
    images, labels = np.full((1, 1, 12, 12), 255), np.array([0])
    page.save(network, Images(images, labels), tmp_path / "page.html")
    opened.open(tmp_path / "page.html")
    opened.wait_for(READY)
    for number in range(12):
        opened.run(f"explorer.move(0, {144 + number}, {128 + number})")
        network = reference.neighbor(network, "1", 144 + number, 128 + number)
        assert opened.run("return explorer.counter.logits(0)") == reference.logits(network, images)[0].tolist()


def test_networks_that_nobody_can_draw_for_have_no_page(car, saved, network, tmp_path):
    images = Images(images_of(car.architecture, 2).astype(np.int8), np.zeros(2, np.int64))
    with pytest.raises(
        InputError, match=r"takes inputs of shape \(2, 84, 84\) that may be negative; a page needs grey"
    ):
        page.save(car, images, tmp_path / "page.html")
    check_one_line(export(saved, "page", "page.html"), "--data: a page needs the splits of a task")


def test_a_command_writes_a_page_of_a_network_and_splits(saved, network, blobs):
    splits.save("data.safetensors", {name: blobs(20, 0) for name in ("train", "validation", "test")}, {})
    result = run("export", saved, "--format", "page", "--data", "data.safetensors", "--output", "page.html")
    assert result.exit_code == 0, result.output
    record = records.find(Path("page.html")).provenance
    assert sorted(record["inputs"]) == ["data.safetensors", saved]
    assert "@study@" not in Path("page.html").read_text()


def test_text_in_names_of_classes_is_no_code_on_a_page(network, blobs):
    named = network.described({"classes": ["</script><b>", "1", "2", "3"]})
    assert "</script><b>" not in page.page(named, blobs(20, 0))
