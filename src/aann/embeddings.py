"""First neighborhoods in two dimensions (paper, Figures 4, 10 and 11), and how clustered they are.

A point is a perturbed layer, flattened: the original weights w with one weight s = w[i] moved from i to j, which is
w + s (e_j - e_i). Two points differ at four positions at most, so every distance follows from the swaps alone. Nothing
as large as a layer is ever built, and the values are exact. The original network is always the first point.

These distances take few values, so ties are the rule. The methods work on nearest neighbors, and would take the first
in order among tied ones; ``embed`` breaks ties at random instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann import tables
from aann.artifacts import read_table_metadata, remedy, write_table
from aann.errors import InputError
from aann.lineage import provenance
from aann.settings.study import Settings
from aann.swaps import Swaps
from aann.tables import ORIGINAL

POINTS = ("method", "from_index", "to_index", "sign", "validation_correct", "test_correct", "x", "y")
"""Columns of the table of embedded points: one row for each method and point."""

STATISTICS = ("space", "silhouette", "clusters", "hopkins", "points")
"""Columns of the table of statistics: one row for each space, which is ``original`` (the weights) or a method."""

METHODS = ("tsne", "isomap", "lle")

METRICS = {"euclidean": (2, 4), "manhattan": (2, 2), "hamming": (2, 1)}
"""What two swaps add to a distance (squared, if Euclidean). The first number is for from_index if they differ in it,
and for to_index as well. The second is for an equal to_index where they put weights of opposite signs. Hamming counts
positions; divide it by the layer's size for a fraction.
"""

TIE = 1e-6
"""Relative size of the noise that breaks ties: far above rounding, far below the gaps between distances."""


def choose(table: pandas.DataFrame, count: int, seed: int, sources: int | None = None) -> pandas.DataFrame:
    """Return ``count`` rows (all, if there are fewer) drawn without replacement, in random order and renumbered.

    With ``sources``, first that many weights are drawn (distinct values of from_index; all, if there are fewer), and
    then rows from their neighbors only. Without ``sources``, one of 2,000 points of a large layer shares a weight with
    one or two others on average. Nearly all are then equally far apart, and there is little structure to embed.

    Raises ``InputError`` if ``count`` or ``sources`` is below 1 or the table has no rows.
    """
    for name, value in (("count", count), ("sources", sources)):
        if value is not None and value < 1:
            raise InputError(f"{name} {value}: expected at least 1")
    if table.empty:
        raise InputError("neighbors: the table has no rows; run the neighbors stage again")
    random = np.random.default_rng(seed)
    if sources is not None:
        found = np.unique(table["from_index"])
        table = table[table["from_index"].isin(random.choice(found, min(sources, found.size), replace=False))]
    rows = random.choice(len(table), min(count, len(table)), replace=False)
    return table.iloc[rows].reset_index(drop=True)


def distances(table: pandas.DataFrame, metric: str) -> np.ndarray:
    """Return the distances between the original (first) and the swaps of ``table``, a (1 + rows, 1 + rows) float64.

    They equal those between flattened layer weights; ``metric`` is a key of ``METRICS``.
    Raises ``InputError`` for another metric, or if the swaps cannot be of one network.
    """
    if metric not in METRICS:
        raise InputError(f"metric {metric!r}: expected one of {', '.join(METRICS)}")
    swaps, sign = _swaps(table)
    apart, opposed = METRICS[metric]
    opposite = np.where(sign[:, None] != sign, opposed, 0)
    from_differs, to_differs = (indices[:, None] != indices for indices in swaps)
    result = np.zeros((1 + sign.size, 1 + sign.size))
    result[0, 1:] = result[1:, 0] = apart
    result[1:, 1:] = np.where(from_differs, apart, 0) + np.where(to_differs, apart, opposite)
    return np.sqrt(result) if metric == "euclidean" else result


def displacements(table: pandas.DataFrame) -> np.ndarray:
    """Return the original (first, all zeros) and the swaps of ``table`` as a (1 + rows, positions) float64.

    A row is the perturbed weights minus the original ones, at the positions that any swap of the table touches, in
    rising order. All points agree elsewhere, so this keeps distances and local geometry.
    Raises ``InputError`` if the swaps cannot be of one network.
    """
    swaps, sign = _swaps(table)
    positions = np.unique(np.concatenate(swaps))
    result = np.zeros((1 + sign.size, positions.size))
    rows = np.arange(1, 1 + sign.size)
    result[rows, np.searchsorted(positions, swaps.from_index)] = -sign
    result[rows, np.searchsorted(positions, swaps.to_index)] = sign
    return result


def embed(table: pandas.DataFrame, method: str, metric: str, parameters: Mapping[str, Any], seed: int) -> np.ndarray:
    """Return the original (first) and the swaps of ``table`` as a (1 + rows, 2) float64, the same for the same seed.

    ``method`` is ``tsne`` (van der Maaten and Hinton 2008), ``isomap`` (Tenenbaum et al. 2000) or ``lle`` (Roweis and
    Saul 2000); ``parameters`` are keywords of scikit-learn's class for it. LLE works on weights, not on distances, so
    its metric is Euclidean.

    Raises ``InputError`` for another method or metric, and for parameters that the method or the number of points does
    not allow.
    """
    if method not in METHODS:
        raise InputError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    random = np.random.default_rng(seed)
    if method == "lle":
        points = displacements(table)
        points += TIE * random.standard_normal(points.shape)
    else:
        points = distances(table, metric)
        noise = np.triu(random.uniform(0, TIE, points.shape), 1)
        points *= 1 + noise + noise.T
    try:
        with one_thread(), _expected_warnings():
            return np.asarray(_estimator(method, parameters, seed).fit_transform(points), dtype=np.float64)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"method {method!r} on {len(points)} points: {reason}; change its parameters") from error


def clustering(distances: np.ndarray, numbers_of_clusters: Sequence[int]) -> tuple[float, int]:
    """Return the largest mean silhouette coefficient, and the number of clusters that has it (the first, if several).

    Clusters are those of average linkage, cut at each of ``numbers_of_clusters``; ``distances`` is square and
    symmetric. The coefficient lies in [-1, 1]: it is 1 for points in tight, distant clusters, and 0 without clusters,
    as for points that are all equally far apart. Source: Rousseeuw 1987, Silhouettes.

    Raises ``InputError`` unless every number of clusters is at least 2 and smaller than the number of points.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform
    from sklearn.metrics import silhouette_score

    numbers = list(numbers_of_clusters)
    wrong = [number for number in numbers if not 2 <= number < len(distances)]
    if wrong or not numbers:
        found = f"clusters {wrong[0]}" if wrong else "clusters: none given"
        raise InputError(f"{found}: expected at least 2 and fewer than the {len(distances)} points")
    tree = linkage(squareform(distances, checks=False), "average")
    labels = cut_tree(tree, n_clusters=numbers)
    scores = [float(silhouette_score(distances, column, metric="precomputed")) for column in labels.T]
    best = int(np.argmax(scores))
    return scores[best], numbers[best]


def hopkins(coordinates: np.ndarray, seed: int) -> float:
    """Return the Hopkins statistic of (n, 2) coordinates: about 0.5 if spread uniformly, towards 1 if clustered.

    It samples a tenth of the points, and draws as many random places in the bounding box. With u the squared distances
    to the nearest point from these places, and w those from the sampled points, it is sum u / (sum u + sum w). It is
    NaN if all points coincide.
    Sources: Hopkins and Skellam 1954; Lawson and Jurs 1990.

    Raises ``InputError`` for fewer than 2 points.
    """
    from scipy.spatial import KDTree

    if len(coordinates) < 2:
        raise InputError(f"Hopkins statistic: has {len(coordinates)} points, expected at least 2")
    random = np.random.default_rng(seed)
    size = max(1, len(coordinates) // 10)
    places = random.uniform(coordinates.min(axis=0), coordinates.max(axis=0), (size, coordinates.shape[1]))
    sampled = coordinates[random.choice(len(coordinates), size, replace=False)]
    tree = KDTree(coordinates)
    empty = (tree.query(places)[0] ** 2).sum()
    between = (tree.query(sampled, k=2)[0][:, 1] ** 2).sum()
    return float(empty / (empty + between)) if empty + between > 0 else float("nan")


def embed_neighborhood(
    table: pandas.DataFrame,
    original: tuple[int, int],
    *,
    count: int,
    sources: int | None,
    metric: str,
    methods: Mapping[str, Mapping[str, Any]],
    numbers_of_clusters: Sequence[int],
    seed: int,
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Return the embedded points (columns ``POINTS``) and the statistics (columns ``STATISTICS``) of one layer.

    ``table`` holds its first neighbors; ``choose`` takes ``count`` of them. ``original`` is how many validation and
    test images the original network has right. ``methods`` maps the methods to use to their parameters. The original
    network is the first point of every method. Statistics count it too; ``hopkins`` is NaN for the space of weights.

    Raises ``InputError`` as ``choose``, ``embed`` and ``clustering`` do.
    """
    chosen = choose(table, count, seed, sources)
    rows = pandas.concat([_original_row(original), chosen[list(POINTS[1:-2])]], ignore_index=True)
    apart = distances(chosen, metric)
    points = []
    statistics = [("original", *clustering(apart, numbers_of_clusters), float("nan"), len(apart))]
    for method, parameters in methods.items():
        places = embed(chosen, method, metric, parameters, seed)
        points.append(rows.assign(method=method, x=places[:, 0], y=places[:, 1])[list(POINTS)])
        found = clustering(_euclidean(places), numbers_of_clusters)
        statistics.append((method, *found, hopkins(places, seed), len(places)))
    return pandas.concat(points, ignore_index=True), pandas.DataFrame(statistics, columns=list(STATISTICS))


def embed_samples(
    table: pandas.DataFrame, original: tuple[int, int], settings: Mapping[str, Any]
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Return points and statistics of one layer for both samplings, with a column ``sampling``.

    ``settings`` are those of the section ``embeddings`` (see config/README.md). Points are those of the first seed;
    statistics have a row for every seed, in the column ``seed``.

    Raises ``InputError`` as ``embed_neighborhood`` does.
    """
    points, statistics = [], []
    for sampling, sources in (("uniform", None), ("sources", settings["sources"])):
        for seed in settings["seeds"]:
            found = embed_neighborhood(
                table,
                original,
                count=settings["count"],
                sources=sources,
                metric=settings["metric"],
                methods={method: settings[method] for method in METHODS},
                numbers_of_clusters=settings["clusters"],
                seed=seed,
            )
            if seed == settings["seeds"][0]:
                points.append(found[0].assign(sampling=sampling))
            statistics.append(found[1].assign(sampling=sampling, seed=seed))
    return pandas.concat(points, ignore_index=True), pandas.concat(statistics, ignore_index=True)


def _original_row(original: tuple[int, int]) -> pandas.DataFrame:
    values = (ORIGINAL, ORIGINAL, 0, *original)
    return pandas.DataFrame([values], columns=list(POINTS[1:-2]))


def _swaps(table: pandas.DataFrame) -> tuple[Swaps, np.ndarray]:
    """Return swaps and their signs, int64, checked to be what swaps of one network can be."""
    from_index, to_index, sign = (table[name].to_numpy(np.int64) for name in (*Swaps._fields, "sign"))
    if sign.size == 0:
        raise InputError("neighbors: the table has no rows; run the neighbors stage again")
    both = np.intersect1d(from_index, to_index)
    if both.size:
        raise InputError(f"index {both[0]}: is both from_index and to_index, so the swaps are not of one network")
    _, first, group = np.unique(from_index, return_index=True, return_inverse=True)
    wrong = from_index[(np.abs(sign) != 1) | (sign != sign[first][group])]
    if wrong.size:
        raise InputError(f"from_index {wrong[0]}: its sign must be -1 or +1, and the same in all of its swaps")
    return Swaps(from_index, to_index), sign


def _estimator(method: str, parameters: Mapping[str, Any], seed: int) -> Any:
    from sklearn.manifold import TSNE, Isomap, LocallyLinearEmbedding

    # Dense solvers: ARPACK starts Isomap from a random vector that cannot be seeded. For LLE, it fails on the singular
    # matrix of points in a regular pattern.
    if method == "tsne":
        return TSNE(**{"metric": "precomputed", "init": "random", "random_state": seed, **parameters})
    if method == "isomap":
        return Isomap(**{"metric": "precomputed", "eigen_solver": "dense", **parameters})
    return LocallyLinearEmbedding(**{"eigen_solver": "dense", "random_state": seed, **parameters})


@contextmanager
def one_thread() -> Iterator[None]:
    """Sum in one order. Several threads would change the last digits, and then t-SNE would give another picture."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


@contextmanager
def _expected_warnings() -> Iterator[None]:
    """Silence Isomap's warnings on separate clusters. They are expected, and Isomap joins them by shortest edges."""
    from scipy.sparse import SparseEfficiencyWarning

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of connected components", UserWarning)
        warnings.simplefilter("ignore", SparseEfficiencyWarning)
        yield


def _euclidean(coordinates: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(coordinates)))


def _require_survey(neighbors: Path, survey: pandas.Series) -> None:
    """Raise ``InputError`` if neighbors are, by their record, of another network or layer than a row of a survey."""
    recorded = read_table_metadata(neighbors).get("provenance", {})
    for key in tables.HISTOGRAM.keys:
        found = recorded.get(key, survey[key])
        if found != survey[key]:
            raise InputError(f"{neighbors}: is of {key} {found}, expected {survey[key]}; name another file")


def make_embedding(
    settings: Settings, task: str, layer: str, neighbors: Path, summary: Path, points: Path, statistics: Path
) -> None:
    """Embed neighbors of a survey; write the points, and how clustered they are. ``summary`` is of the same survey.

    Raises ``InputError`` if a table is missing, damaged, or of another task or layer.
    """
    part = settings.part("embeddings", task)
    survey = tables.SURVEY.read(summary, task=task, layer=layer).set_index("split")
    if not {*tables.SPLITS} <= {*survey.index}:
        raise InputError(f"{summary}: lacks a row of {' or '.join(tables.SPLITS)}; {remedy(summary)}")
    sampled = tables.NEIGHBORS.read(neighbors)
    _require_survey(neighbors, survey.loc["test"])
    original = (int(survey.original_correct["validation"]), int(survey.original_correct["test"]))
    placed, clustered = embed_samples(sampled, original, part["embeddings"][task])
    keys = {"task": task, "sparsity": float(survey.sparsity["test"]), "layer": layer}
    images = int(survey.images["test"])
    placed = tables.POINTS.make(placed, **keys, seed=int(survey.seed["test"]), test_images=images)
    recorded = provenance.describe("aann.embeddings", [neighbors, summary], part, task=task, layer=layer)
    write_table(points, placed, {"provenance": recorded})
    write_table(statistics, tables.CLUSTERING.make(clustered, **keys))
