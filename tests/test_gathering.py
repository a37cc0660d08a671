from pathlib import Path

import pandas
import pytest

from aann.artifacts import read_table, sha256, write_table
from aann.errors import InputError
from aann.gathering import GATHERED, gather
from aann.lineage import records

NAMES = pytest.mark.parametrize("name", GATHERED)


def rows(table, place):
    """Return two rows of a table, with other values for each place."""
    numbers = {column: [10 - place, 3.5 + place] for column in table.columns if column not in table.text}
    words = {column: [f"{column}{place}", f"{column}{place + 1}"] for column in table.text}
    return table.make({**numbers, **words})


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Write three files of rows, in no order, and return their paths."""
    monkeypatch.chdir(tmp_path)

    def write(name):
        paths = [Path(f"part{place}.csv") for place in (1, 0, 2)]
        for path, place in zip(paths, (1, 0, 2), strict=True):
            write_table(path, rows(GATHERED[name], place))
        return paths

    return write


@NAMES
def test_all_rows_are_gathered_with_their_keys_and_sorted(parts, name):
    table = GATHERED[name]
    gather(name, parts(name), Path("all.csv"))
    found = table.read("all.csv")
    assert tuple(found.columns) == tuple(read_table("all.csv").columns) == table.columns
    expected = pandas.concat([rows(table, place) for place in range(3)])
    assert sorted(found.itertuples(index=False)) == sorted(expected.itertuples(index=False))
    order = found[list(table.by)].apply(tuple, axis=1)
    assert table.by
    assert order.is_monotonic_increasing


@NAMES
def test_the_order_of_files_changes_nothing(parts, name):
    paths = parts(name)
    gather(name, paths, Path("one.csv"))
    gather(name, paths[::-1], Path("two.csv"))
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


def test_what_was_gathered_is_recorded(parts):
    paths = parts("outcomes")
    gather("outcomes", paths, Path("all.csv"))
    found = records.find(Path("all.csv"))
    assert found.provenance["module"] == "aann.gathering"
    assert found.provenance["inputs"] == {path.name: sha256(path) for path in paths}
    assert found.sha256 == sha256("all.csv")


@NAMES
def test_rows_that_two_files_have_are_refused(parts, name):
    paths = parts(name)
    write_table("copy.csv", rows(GATHERED[name], 0))
    key = GATHERED[name].keys[0]
    with pytest.raises(
        InputError, match=rf"^copy.csv: has rows that part0.csv has, too \({key} .*; give each table once"
    ):
        gather(name, [*paths, Path("copy.csv")], Path("all.csv"))
    assert not list(Path().glob("all.csv*"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "part2.csv: there is no such file"),
        (lambda path: path.write_text("sparsity\n1\n"), "part2.csv: is not what was written there"),
        (lambda path: write_table(path, pandas.DataFrame({"sparsity": [1]})), "part2.csv: lacks the column"),
        (lambda path: write_table(path, rows(GATHERED["returns"], 0)), "part2.csv: lacks the column"),
    ],
)
def test_a_file_that_is_not_such_a_table_is_named_and_nothing_is_written(parts, damage, message):
    paths = parts("accuracies")
    damage(Path("part2.csv"))
    with pytest.raises(InputError, match=message):
        gather("accuracies", paths, Path("all.csv"))
    assert not list(Path().glob("all.csv*"))
