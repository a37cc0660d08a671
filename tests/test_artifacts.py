import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas
import pyarrow.parquet
import pytest
from commands import lacks, shown
from PIL import Image

from aann import artifacts
from aann.driving import video
from aann.errors import InputError
from aann.figures import style
from aann.lineage import records
from aann.report import story


def test_a_file_is_complete_or_absent(tmp_path):
    path = tmp_path / "folder" / "result.txt"
    with pytest.raises(ZeroDivisionError), artifacts.atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []
    with artifacts.atomic_path(path) as temporary:
        assert not path.exists()
        temporary.write_text("whole")
    assert {entry.name for entry in path.parent.iterdir()} == {"result.txt", ".result.txt.sha256"}
    assert path.read_text() == "whole"


def test_an_older_result_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), artifacts.atomic_path(path) as temporary:
        temporary.write_text("half of the new")
        raise ZeroDivisionError
    assert path.read_text() == "old"


def test_a_killed_process_leaves_nothing_under_the_final_name(tmp_path):
    path = tmp_path / "result.txt"
    program = (
        "import sys, time\nfrom aann.artifacts import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n    print('writing', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not path.exists()


# --- seals ------------------------------------------------------------------------------------------------------------


def write(path, value):
    artifacts.write_table(path, pandas.DataFrame({"a": [value]}))


def value_of(path):
    return artifacts.read_table(path, ("a",)).a.item()


def test_a_seal_is_what_sha256sum_checks(tmp_path):
    write(tmp_path / "table.csv", 1)
    command = ["sha256sum", "--check", ".table.csv.sha256"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert checked.stdout == "table.csv: OK\n"


def test_a_file_that_differs_from_its_seal_is_refused_until_it_is_written_again(tmp_path):
    path = tmp_path / "table.csv"
    write(path, 1)
    path.write_text("a\n2\n")
    message = (
        r"table\.csv: is not what was written there .* delete it and run again .* delete its seal \.table\.csv\.sha"
    )
    with pytest.raises(InputError, match=message):
        value_of(path)
    write(path, 3)
    assert value_of(path) == 3


def test_a_file_that_changed_places_with_another_is_refused_with_its_seal_too(tmp_path):
    one, two = tmp_path / "seed0.csv", tmp_path / "seed1.csv"
    for value, path in enumerate((one, two)):
        write(path, value)
    two.replace(one)
    artifacts.seal_of(two).replace(artifacts.seal_of(one))
    with pytest.raises(InputError, match=r"seed0\.csv: is not what was written there"):
        value_of(one)


def test_a_file_without_a_seal_is_taken_as_it_is(tmp_path):
    path = tmp_path / "table.csv"
    write(path, 1)
    path.write_text("a\n2\n")
    artifacts.seal_of(path).unlink()
    assert value_of(path) == 2
    with artifacts.atomic_path(path, seal=False) as temporary:
        temporary.write_text("a\n3\n")
    assert not artifacts.is_sealed(path)


def test_a_seal_whose_file_is_gone_does_no_harm(tmp_path):
    path = tmp_path / "table.csv"
    write(path, 1)
    path.unlink()
    write(path, 2)
    assert value_of(path) == 2
    artifacts.discard(path)
    artifacts.discard(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("steps", "value", "sealed"), [(0, 1, True), (1, 1, False), (2, 2, False), (3, 2, True)])
def test_wherever_a_write_is_killed_a_whole_file_can_be_read(tmp_path, monkeypatch, steps, value, sealed):
    path, taken = tmp_path / "table.csv", []
    write(path, 1)

    def until_killed(step):
        def run(*arguments, **options):
            if len(taken) == steps:
                raise KeyboardInterrupt
            taken.append(step)
            return step(*arguments, **options)

        return run

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        for name in ("unlink", "replace"):
            patch.setattr(artifacts.Path, name, until_killed(getattr(artifacts.Path, name)))
        write(path, 2)
    assert (value_of(path), artifacts.is_sealed(path)) == (value, sealed)
    write(path, 3)
    assert (value_of(path), artifacts.is_sealed(path)) == (3, True)


# --- reading and writing ----------------------------------------------------------------------------------------------


def test_a_file_has_the_permissions_that_the_user_expects(tmp_path):
    mask = os.umask(0o027)
    try:
        artifacts.write_table(tmp_path / "table.csv", pandas.DataFrame({"a": [1]}))
    finally:
        os.umask(mask)
    assert (tmp_path / "table.csv").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        InputError, match=r"file/results: cannot write here \(Not a directory\); make the folder writable"
    ):
        artifacts.write_table(tmp_path / "file/results/table.csv", pandas.DataFrame({"a": [1]}))

    def refuse(**_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(artifacts.tempfile, "mkstemp", refuse)
    with pytest.raises(InputError, match=r"cannot write here \(Permission denied\)"):
        artifacts.write_table(tmp_path / "table.csv", pandas.DataFrame({"a": [1]}))


def test_a_read_only_folder_is_named_before_anything_runs(tmp_path, monkeypatch):
    artifacts.require_writable(tmp_path / "new/results", "results")
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr(artifacts.os, "access", lambda path, mode: False)
    message = (
        f"{tmp_path}: is not writable, so nothing can be made in {tmp_path}/results; .* the setting 'downloads.folder'"
    )
    with pytest.raises(InputError, match=message):
        artifacts.require_writable(tmp_path / "results", "downloads.folder")


def test_tables_are_read_back_with_their_metadata(tmp_path):
    table = pandas.DataFrame({"sparsity": [0.0, 90.0], "seed": [1, 2]})
    for name in ("table.csv", "table.parquet"):
        artifacts.write_table(tmp_path / name, table, {"seed": 1})
        pandas.testing.assert_frame_equal(artifacts.read_table(tmp_path / name, ("sparsity", "seed")), table)
    metadata = pyarrow.parquet.read_schema(tmp_path / "table.parquet").metadata
    assert json.loads(metadata[b"aann"]) == {"seed": 1}


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_a_damaged_table_without_a_seal_is_named(tmp_path, name):
    path = tmp_path / name
    artifacts.write_table(path, pandas.DataFrame({"a": range(100)}))
    path.write_bytes(path.read_bytes()[: 40 if name.endswith("parquet") else 0])
    artifacts.seal_of(path).unlink()
    with pytest.raises(InputError, match=f"{name}: cannot be read as a table"):
        artifacts.read_table(path)


def test_a_table_without_a_column_is_named(tmp_path):
    artifacts.write_table(tmp_path / "table.csv", pandas.DataFrame({"a": [1]}))
    with pytest.raises(InputError, match=r"table\.csv: lacks the column 'b'"):
        artifacts.read_table(tmp_path / "table.csv", ("a", "b"))


@pytest.mark.parametrize(("values", "message"), [([], "has no rows"), (["x"], "its column 'a' holds no numbers")])
def test_a_table_without_numbers_is_named(tmp_path, values, message):
    artifacts.write_table(tmp_path / "table.csv", pandas.DataFrame({"a": values}))
    with pytest.raises(InputError, match=rf"table\.csv: {message}"):
        artifacts.read_table(tmp_path / "table.csv", ("a",))


def test_a_table_of_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"table\.txt: expected a name that ends in \.csv or \.parquet"):
        artifacts.write_table(tmp_path / "table.txt", pandas.DataFrame({"a": [1]}))


def test_a_write_that_fails_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=r"folder\.csv: could not be written \(Is a directory\)"):
        artifacts.write_table(tmp_path / "folder.csv", pandas.DataFrame({"a": [1]}))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_arrays_are_read_back_in_any_layout(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.int8).reshape(2, 3).T, "a": np.ones((2, 2), np.float32)}
    artifacts.write_arrays(tmp_path / "arrays.safetensors", arrays, {"list": [1, 2]})
    read, metadata = artifacts.read_arrays(tmp_path / "arrays.safetensors")
    assert metadata == {"list": [1, 2]}
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())


def test_equal_content_gives_equal_bytes(tmp_path):
    for name in ("one", "two"):
        artifacts.write_arrays(tmp_path / f"{name}.safetensors", {"a": np.ones(3)}, {"x": 1, "y": 2})
        artifacts.write_table(tmp_path / f"{name}.parquet", pandas.DataFrame({"a": [1.5]}), {"x": 1, "y": 2})
    for ending in ("safetensors", "parquet"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


# --- folders whose names are not UTF-8 --------------------------------------------------------------------------------

ROUND = """
import sys
from pathlib import Path

import numpy
import pandas

from aann import artifacts
from aann.lineage import records

folder, encoding = Path(sys.argv[1]), sys.argv[2]
assert sys.getfilesystemencoding() == encoding, sys.getfilesystemencoding()
table = pandas.DataFrame({"a": [1, 2]})
for name in ("table.parquet", "table.csv"):
    artifacts.write_table(folder / name, table, {"provenance": {"seed": 3}})
    assert artifacts.read_table(folder / name, ("a",)).equals(table)
assert artifacts.read_table_metadata(folder / "table.parquet") == {"provenance": {"seed": 3}}
artifacts.write_arrays(folder / "arrays.safetensors", {"a": numpy.arange(3)}, {"provenance": {"seed": 4}})
assert artifacts.read_arrays(folder / "arrays.safetensors")[0]["a"].tolist() == [0, 1, 2]
assert records.find(folder / "arrays.safetensors").provenance == {"seed": 4}
"""


@pytest.fixture(scope="session")
def locales(tmp_path_factory):
    """A folder with a locale of ISO-8859-1, which few machines have."""
    folder = tmp_path_factory.mktemp("locales")
    command = ["localedef", "--inputfile", "de_DE", "--charmap", "ISO-8859-1", folder / "de_DE.ISO-8859-1"]
    if not shutil.which("localedef") or subprocess.run(command, capture_output=True, check=False).returncode:
        lacks("localedef cannot make a locale here: Debian's package locales has its sources")
    return folder


@pytest.fixture(params=["ascii", "iso8859-1"])
def elsewhere(request):
    """The encoding of names of files, and the environment of a process that has it."""
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    if request.param == "ascii":
        return request.param, plain
    locale = {"LOCPATH": str(request.getfixturevalue("locales")), "LC_ALL": "de_DE.ISO-8859-1"}
    return request.param, plain | locale


def test_files_are_where_the_locale_says(tmp_path, elsewhere, root):
    encoding, environment = elsewhere
    folder = tmp_path / os.fsdecode("für".encode("latin-1"))
    folder.mkdir()
    command = [sys.executable, "-c", ROUND, folder, encoding]
    environment = os.environ | environment | {"PYTHONPATH": str(root / "src")}
    result = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert sorted(shown(folder)) == ["arrays.safetensors", "table.csv", "table.parquet"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["für".encode(), "für".encode("latin-1"), "行".encode()])
def test_every_kind_of_file_is_written_and_read_in_a_folder_of_any_name(tmp_path, name):
    folder = tmp_path / os.fsdecode(name)
    artifacts.write_table(folder / "table.parquet", pandas.DataFrame({"a": [1]}), {"provenance": {"kind": "table"}})
    artifacts.write_arrays(folder / "arrays.safetensors", {"a": np.ones(2)}, {"provenance": {"kind": "arrays"}})
    figure, _ = plt.subplots()
    style.save(figure, folder / "figure.png", pandas.DataFrame({"a": [1]}), {"kind": "figure"})
    frame, comment = Image.new("RGB", video._SIZE), artifacts.to_json({"kind": "video"})
    with artifacts.atomic_path(folder / "video.mp4") as temporary:
        video._encode(temporary, iter([frame]), Fraction(25), {"comment": comment})
    files = sorted(path for path in folder.iterdir() if path.suffix not in (".sha256", ".csv", ".pdf"))
    kinds = [records.find(path).provenance["kind"] for path in files]
    assert kinds == ["arrays", "figure", "table", "video"]
    assert story._middle_frame(folder / "video.mp4")[:4] == b"\x89PNG"
    assert artifacts.read_table(folder / "table.parquet", ("a",)).a.item() == 1
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [name]


def test_nobody_is_told_to_delete_a_file_of_their_own(tmp_path):
    mine, ours = tmp_path / "mine.safetensors", tmp_path / "ours.safetensors"
    mine.write_bytes(b"of another program")
    with pytest.raises(InputError, match=r"not a safetensors file .*; name a file that this package wrote"):
        artifacts.read_arrays(mine)
    with artifacts.atomic_path(ours) as temporary:
        temporary.write_bytes(b"of this program")
    with pytest.raises(InputError, match=r"not a safetensors file .*; delete it and run again to rebuild it"):
        artifacts.read_arrays(ours)
