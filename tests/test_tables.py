import re

import pandas
import pytest

from aann import tables
from aann.artifacts import read_table, write_table
from aann.errors import InputError
from aann.tables import Table

TABLES = {name: table for name, table in vars(tables).items() if isinstance(table, Table)}
KINDS = pytest.mark.parametrize("ending", ["csv", "parquet"])
RUN = {"task": "mnist", "sparsity": 90.0, "origin": "psiren", "search": "", "seed": 3}
DRIVEN = [{"track": 7, "return": 1.5, "expert_return": 2.5}, {"track": 8, "return": 3.5, "expert_return": 4.5}]


@pytest.fixture
def written(tmp_path):
    """Write returns of a network, without some columns and with others changed, and return the file."""

    def write(ending, without=(), **changes):
        path = tmp_path / f"returns.{ending}"
        write_table(path, tables.RETURNS.make(DRIVEN, **RUN).drop(columns=list(without)).assign(**changes))
        return path

    return write


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_each_column_once_keys_first_and_is_sorted_by_its_own(name):
    table = TABLES[name]
    assert len({*table.columns}) == len(table.columns)
    assert table.columns[: len(table.keys)] == table.keys
    assert {*table.by} | {*table.text} <= {*table.columns}


def test_rows_get_the_keys_and_the_order_of_the_table():
    made = tables.RETURNS.make([{"expert_return": 2.5, "more": 0, "track": 7, "return": 1.5}], **RUN)
    assert tuple(made.columns) == tables.RETURNS.columns
    assert made.iloc[0].to_dict() == {**RUN, "track": 7, "return": 1.5, "expert_return": 2.5}


@pytest.mark.parametrize("missing", ["seed", "track"])
def test_rows_without_a_column_are_no_table(missing):
    values = {**RUN, **DRIVEN[0]}
    del values[missing]
    with pytest.raises(KeyError, match=missing):
        tables.RETURNS.make([values])


@KINDS
def test_a_table_is_read_as_it_was_made(written, ending):
    made = tables.RETURNS.make(DRIVEN, **RUN)
    found = tables.RETURNS.read(written(ending))
    pandas.testing.assert_frame_equal(found, made, check_dtype=False)
    pandas.testing.assert_frame_equal(tables.RETURNS.read(written(ending), **RUN), made, check_dtype=False)


@KINDS
@pytest.mark.parametrize("absent", [("task",), ("search",), ("sparsity", "seed"), tuple(RUN)])
def test_keys_that_a_file_lacks_are_filled_in(written, ending, absent):
    path = written(ending, without=absent)
    assert not {*absent} & {*read_table(path).columns}
    found = tables.RETURNS.read(path, **RUN)
    pandas.testing.assert_frame_equal(found, tables.RETURNS.make(DRIVEN, **RUN), check_dtype=False)
    with pytest.raises(InputError, match=f"lacks the column '({'|'.join(absent)})'"):
        tables.RETURNS.read(path)


@KINDS
@pytest.mark.parametrize(
    ("key", "value"), [("task", "fashion"), ("search", "greedy"), ("sparsity", 80.0), ("seed", 4), ("origin", "random")]
)
def test_another_key_is_refused(written, ending, key, value):
    path = written(ending, **{key: value})
    expected = f"{path}: its column '{key}' holds {value!r}, expected {RUN[key]!r}; name another file"
    with pytest.raises(InputError, match=f"^{re.escape(expected)}$"):
        tables.RETURNS.read(path, **RUN)
    assert tables.RETURNS.read(path)[key].tolist() == [value] * 2


@KINDS
def test_one_row_of_another_key_is_enough(written, ending):
    with pytest.raises(InputError, match=r"its column 'seed' holds 4, expected 3"):
        tables.RETURNS.read(written(ending, seed=[3, 4]), **RUN)


@KINDS
def test_text_that_looks_like_a_number_or_like_nothing_is_text(written, ending):
    path = written(ending, task="90", search="")
    assert tables.RETURNS.read(path, task="90", search="").task.tolist() == ["90"] * 2
    assert {*tables.RETURNS.read(path).search} == {""}


@KINDS
def test_other_columns_stay_behind_those_of_the_table(written, ending):
    found = tables.RETURNS.read(written(ending, note="x"), seed=3)
    assert tuple(found.columns) == (*tables.RETURNS.columns, "note")


@KINDS
def test_a_column_that_is_absent_or_holds_no_numbers_is_named(written, ending):
    with pytest.raises(InputError, match=r"lacks the column 'track'"):
        tables.RETURNS.read(written(ending, without=["track"]), **RUN)
    with pytest.raises(InputError, match=r"its column 'track' holds no numbers"):
        tables.RETURNS.read(written(ending, track="x"), **RUN)


def test_a_row_of_accuracies_has_counts_and_fractions():
    row = tables.accuracy_row((9, 10), (4, 5), task="mnist", sparsity=90, seed=0)
    (found,) = tables.ACCURACY.make([row]).to_dict("records")
    assert found == {
        **{"task": "mnist", "sparsity": 90, "seed": 0},
        **{"validation_correct": 9, "validation_images": 10, "validation_accuracy": 0.9},
        **{"test_correct": 4, "test_images": 5, "test_accuracy": 0.8},
    }
