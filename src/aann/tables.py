"""The tables that one stage writes and another reads: their keys, their columns, and the order of their rows.

The keys of a table say which network, run or data its rows are about. Readers find rows by key, never by a label or a
path. The other columns are what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aann.artifacts import read_table
from aann.errors import InputError

SPLITS = ("validation", "test")
"""The splits on which networks are counted. They are not counted on training images."""

_TEXT = frozenset(
    (
        *("task", "origin", "search", "walk", "route", "group", "layer", "line", "set", "split", "disturbance"),
        *("to", "transfer", "source", "layers"),
        *("first_set", "first_walk", "second_set", "second_walk"),
        *("sampling", "method", "space", "job", "stage", "after", "chosen_by"),
    )
)
"""Columns that hold text. All others hold numbers."""

NETWORK = ("task", "sparsity", "seed")
"""The keys of a network of p-SIREN. The sparsity is in percent."""

START = ("task", "sparsity", "origin", "seed")
"""The keys of a network that a search starts from. The origin is `random` or `psiren`."""

RUN = ("task", "sparsity", "origin", "search", "seed")
"""The keys of a run of SENSE, and of its last network. The search is empty for the network that it starts from."""


@dataclass(frozen=True)
class Table:
    """The columns of a table, keys first, and those that its rows are sorted ``by`` when tables are gathered."""

    keys: tuple[str, ...]
    measured: tuple[str, ...]
    by: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in order."""
        return self.keys + self.measured

    @property
    def text(self) -> tuple[str, ...]:
        """The columns that hold text."""
        return tuple(column for column in self.columns if column in _TEXT)

    def read(self, path: Path | str, **keys: Any) -> Any:
        """Return the table in a file, as pandas reads it. ``keys`` are the values that all its rows must have.

        A key that the file lacks is added: tables of older versions have fewer keys.

        Raises ``InputError`` if the file cannot be read, a column is missing or of another type, or rows have another
        key than expected.
        """
        expected = [column for column in self.columns if column not in keys]
        numbers = tuple(column for column in expected if column not in _TEXT)
        table = read_table(
            path,
            numbers,
            tuple(column for column in expected if column in _TEXT),
            tuple(key for key in keys if key in _TEXT),
        )
        for key, value in keys.items():
            if key not in table.columns:
                table[key] = value
            different = table.loc[table[key] != value, key].tolist()
            if different:
                raise InputError(
                    f"{path}: its column {key!r} holds {different[0]!r}, expected {value!r}; name another file"
                )
        return table[[*self.columns, *(name for name in table.columns if name not in self.columns)]]

    def make(self, rows: Iterable[Any] | Any, **keys: Any) -> Any:
        """Return rows as a pandas table with these columns; ``keys`` are the same for all rows."""
        import pandas

        return pandas.DataFrame(rows).assign(**keys)[list(self.columns)]


ORIGINAL = -1
"""The ``from_index`` and ``to_index`` of a row of a network that no swap led to; the sign is 0."""

NEIGHBORS = Table((), ("from_index", "to_index", "sign", "validation_correct", "test_correct"))
"""One row for each first neighbor: its swap (flat indices into the layer's weights, the weight moved) and counts."""

HISTOGRAM = Table((*NETWORK, "layer"), ("split", "correct", "neighbors"))
"""One row for each split and count of correct images: how many neighbors have it."""

BYTES = Table(NETWORK, ("bytes", "entropy_bytes", "test_accuracy"))
"""One row for each network of p-SIREN: the bytes of its packed file, the entropy of its weights, and its accuracy."""

SURVEY = Table(
    (*NETWORK, "layer", "split"),
    ("images", "original_correct", "neighborhood", "neighbors", "better", "equal", "worse"),
    by=("sparsity", "layer", "seed", "split"),
)
"""One row for each network, layer and split: how many neighbors exist, were counted, are better, equal and worse."""

POINTS = Table(
    (*NETWORK, "layer", "sampling", "method"),
    ("from_index", "to_index", "sign", "validation_correct", "test_correct", "x", "y", "test_images"),
)
"""One row for each layer, sampling, method and embedded neighbor. The original network has indices -1 and sign 0."""

CLUSTERING = Table(
    ("task", "sparsity", "layer", "sampling", "space"),
    ("seed", "silhouette", "clusters", "hopkins", "points"),
    by=("sampling", "space", "layer", "seed"),
)
"""One row for each layer, sampling, draw (by its seed) and space: how clustered neighbors are.

The space is `original`, that of the weights, or a method.
"""

TRACE = Table(
    RUN,
    (
        "neighborhood",
        "evaluations",
        "layer",
        "from_index",
        "to_index",
        "objective",
        "validation_correct",
        "validation_accuracy",
        "test_correct",
        "test_accuracy",
    ),
)
"""One row for each accepted swap of a SENSE run, and for each neighborhood without one (with indices of -1).

``evaluations`` counts the neighbors evaluated so far. Correct images and accuracies are missing (NaN) where they were
not counted. The start is the first row, with neighborhood 0 and an empty layer.
"""

BASELINE = Table(
    START, ("method", "step", "validation_correct", "validation_accuracy", "test_correct", "test_accuracy")
)
"""One row for each method of backpropagation (`literal`, `straight-through`) and number of minibatches, from 0 on."""

SURVEYED = Table(
    NETWORK,
    (
        "layer",
        "neighborhood",
        "from_index",
        "to_index",
        "sign",
        "best",
        "validation_correct",
        "test_correct",
        "validation_images",
        "test_images",
    ),
)
"""One row for each neighbor that a climb surveyed: its neighborhood, from 1 on, and its swap from the best network of
the neighborhood before. ``best`` is 1 if the climb went on from it, else 0. The start has neighborhood 0, indices of -1
and a sign of 0.
"""

CLIMB = Table(SURVEYED.keys, (*SURVEYED.measured, "x", "y"))
"""``SURVEYED``, embedded in a plane."""

SELECTION = Table(
    NETWORK,
    (
        "layer",
        "chosen_by",
        "size",
        "neighborhood",
        "choosing_correct",
        "choosing_images",
        "fresh_correct",
        "fresh_images",
    ),
)
"""One row for each climb and neighborhood, from 0 (its start) on: correct images among those that choose, and among
fresh test images, which choose nothing. ``chosen_by`` is the split of the former, and ``size`` how many neighbors a
neighborhood has.
"""

OUTCOME = Table(
    RUN,
    (
        "evaluations",
        "accepted",
        "before_validation_accuracy",
        "before_test_accuracy",
        "after_validation_accuracy",
        "after_test_accuracy",
    ),
    by=("task", "sparsity", "seed"),
)
"""One row for each search: its start, and the network that validation images chose; accuracies are fractions."""

WALK = Table(
    (*RUN, "walk"),
    (
        "line",
        "step",
        "evaluations",
        "networks",
        "layer",
        "in_place",
        "connections",
        "neighbors",
        "better",
        "equal",
        "train_correct",
        "train_images",
        "validation_correct",
        "validation_images",
        "test_correct",
        "test_images",
    ),
)
"""One row for each line, count along a walk and layer; an empty layer is the whole network.

The line is `walk`, or `blind` for a network as far from the start whose connections were moved whatever that cost.
``networks`` counts the distinct networks so far, ``in_place`` the start's ``connections`` that are where they were.
``neighbors`` is how many first neighbors in the layer were drawn; ``better`` of them get more validation images right,
and ``equal`` as many. The search is that whose result the walk starts from, empty if there is none.
"""

PAIR = Table(
    ("task", "group"),
    (
        *(f"{place}_{key}" for place in ("first", "second") for key in ("set", "walk", "seed")),
        "connections",
        "distance",
        "matched_distance",
        "disagreement",
        "both_wrong",
        "test_images",
    ),
)
"""One row for each two networks of a group: in how many places their weights differ, before and after units are
matched, on how many test images they disagree, and how many both get wrong. Each has so many connections.
"""

ENSEMBLE = Table(
    ("task", "group"),
    (
        "set",
        "size",
        "number",
        "disturbance",
        "test_correct",
        "test_images",
        "ambiguity",
        "discrepancy",
        "all_wrong",
    ),
)
"""One row for each set, number of voters, choice of them and way of disturbing test images (empty for none).

The set ``one`` is one network with as many connections as the voters. The last three columns are about test images as
they are: on how many not all voters agree, the largest disagreement of two, and how many all get wrong.
"""

ROUTE = Table(
    ("task", "route"),
    ("line", "step", "distance", "validation_correct", "validation_images", "test_correct", "test_images"),
)
"""One row for each line and step of a path: in how many places weights differ from the last network's, and counts.

The line is `straight`, `matched` if units of the last network were matched with the first's, or `detours`.
"""

TRANSFER = Table(
    ("task", "to", "transfer", "seed"),
    (
        *("source", "sparsity", "walk", "search", "layers", "evaluations", "accepted"),
        *(f"{when}_{split}_correct" for when in ("before", "after") for split in SPLITS),
        *(f"{split}_images" for split in SPLITS),
    ),
)
"""One row for each start of a transfer and each search: correct images of the new task, before and after the search.

The start is the ``source``, by its name in the settings. ``layers`` are those that were searched, with blanks between,
and ``accepted`` counts the swaps. Validation images chose the network after the search.
"""

EXPERT_RETURNS = Table((), ("track", "expert_return"))
"""One row for each track: the sum of rewards that the expert gets there."""

RETURNS = Table(RUN, ("track", "return", "expert_return"), by=("sparsity", "seed", "track"))
"""One row for each network and track: its sum of rewards, and the expert's."""

CONFUSION = Table(
    RUN, ("split", "label", "prediction", "frames"), by=("sparsity", "seed", "split", "label", "prediction")
)
"""One row for each network, split, class that the expert chose and class that the network chose: how many frames."""

ACCURACY = Table(
    NETWORK,
    (
        "validation_correct",
        "validation_images",
        "validation_accuracy",
        "test_correct",
        "test_images",
        "test_accuracy",
    ),
    by=("sparsity", "seed"),
)
"""One row for each network: counts of correct images, and accuracies as fractions."""


JOBS = Table((), ("job", "stage", "start", "seconds", "cores", "memory_mb", "after"))
"""One row for each job. It began ``start`` seconds after the first job, and took ``seconds``. ``cores`` is how many it
kept busy, ``memory_mb`` the most memory that it had. ``after`` names the jobs that it waited for, with blanks between.
"""


def read_labelled(path: Path | str) -> Any:
    """Return a table of any columns, as pandas reads it; layers and other labels are text, if they look like numbers.

    Raises ``InputError`` if the file cannot be read.
    """
    columns = read_table(path).columns
    return read_table(path, text=tuple(column for column in columns if column in _TEXT))


def accuracy_row(validation: tuple[int, int], test: tuple[int, int], **keys: Any) -> dict[str, Any]:
    """Return a row of ``ACCURACY`` from (correct, images) of validation and test."""
    row = dict(keys)
    for name, (correct, images) in (("validation", validation), ("test", test)):
        row |= {f"{name}_correct": correct, f"{name}_images": images, f"{name}_accuracy": correct / images}
    return row
