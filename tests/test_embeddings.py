import numpy as np
import pandas
import pytest
from sklearn.metrics import pairwise_distances

from aann.artifacts import write_table
from aann.embeddings import (
    METHODS,
    ORIGINAL,
    POINTS,
    STATISTICS,
    choose,
    clustering,
    displacements,
    distances,
    embed,
    embed_neighborhood,
    hopkins,
    make_embedding,
)
from aann.errors import InputError
from aann.swaps import all_swaps, apply_swap
from aann.tables import SPLITS, SURVEY

PARAMETERS = {"tsne": {"perplexity": 5, "max_iter": 250}, "isomap": {"n_neighbors": 5}, "lle": {"n_neighbors": 5}}


@pytest.fixture
def weights():
    """Twelve weights whose 35 neighbors share every combination of from, to and sign."""
    return np.array([[1, 0, -1, 0, 0, 1], [0, 0, -1, 1, 0, 0]], np.int8)


@pytest.fixture
def table(weights):
    swaps = all_swaps(weights)
    random = np.random.default_rng(0)
    counts = random.integers(50, 100, (2, swaps.from_index.size))
    columns = {**swaps._asdict(), "sign": weights.flat[swaps.from_index]}
    return pandas.DataFrame(columns | {"validation_correct": counts[0], "test_correct": counts[1]})


def flattened(weights, table):
    neighbors = [apply_swap(weights, row.from_index, row.to_index).ravel() for row in table.itertuples()]
    return np.array([weights.ravel(), *neighbors])


def test_a_sample_has_distinct_rows_of_the_table_and_depends_on_the_seed(table):
    chosen = choose(table, 10, seed=1)
    assert len(chosen) == len(chosen.drop_duplicates()) == len(chosen.merge(table)) == 10
    assert list(chosen.index) == list(range(10))
    assert chosen.equals(choose(table, 10, seed=1))
    assert not chosen.equals(choose(table, 10, seed=2))


def test_a_sample_larger_than_the_table_is_all_of_it(table):
    chosen = choose(table, 1000, seed=0, sources=1000)
    assert chosen.sort_values(["from_index", "to_index"]).reset_index(drop=True).equals(table)


def test_sources_limit_the_weights_that_move(table):
    chosen = choose(table, 1000, seed=0, sources=2)
    moved = chosen.from_index.unique()
    assert len(moved) == 2
    assert len(chosen) == table.from_index.isin(moved).sum()
    assert len({tuple(sorted(choose(table, 1000, seed, 2).from_index.unique())) for seed in range(9)}) > 1


@pytest.mark.parametrize("arguments", [{"count": 0}, {"count": 5, "sources": 0}])
def test_a_sample_of_nothing_is_refused(table, arguments):
    with pytest.raises(InputError, match=r"0: expected at least 1"):
        choose(table, seed=0, **arguments)


def test_an_empty_table_is_refused(table):
    for use in (lambda rows: choose(rows, 5, 0), displacements):
        with pytest.raises(InputError, match="no rows"):
            use(table.iloc[:0])


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "hamming"])
def test_distances_equal_those_between_flattened_weights(weights, table, metric):
    vectors = flattened(weights, table)
    expected = pairwise_distances(vectors, metric=metric) * (weights.size if metric == "hamming" else 1)
    found = distances(table, metric)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    if metric != "euclidean":
        assert set(np.unique(found)) <= {0, 1, 2, 3, 4}


def test_displacements_are_weights_minus_the_original_at_the_positions_that_move(weights, table):
    part = table.iloc[[3, 9, 20]]
    positions = sorted({*part.from_index, *part.to_index})
    vectors = flattened(weights, part).astype(float)
    np.testing.assert_array_equal(displacements(part), (vectors - vectors[0])[:, positions])
    np.testing.assert_allclose(pairwise_distances(displacements(part)), distances(part, "euclidean"), atol=1e-7)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("to_index", 5, "index 5: is both"),
        ("sign", -1, "from_index 0: its sign"),
        ("sign", 0, "from_index 0: its sign"),
    ],
)
def test_swaps_that_cannot_be_of_one_network_are_refused(table, column, value, message):
    wrong = table.astype({"sign": int})
    wrong.loc[0, column] = value
    for use in (lambda rows: distances(rows, "hamming"), displacements):
        with pytest.raises(InputError, match=message):
            use(wrong)


def test_an_unknown_metric_or_method_is_refused(table):
    with pytest.raises(InputError, match="metric 'cosine': expected one of euclidean"):
        distances(table, "cosine")
    with pytest.raises(InputError, match="method 'umap': expected one of tsne"):
        embed(table, "umap", "euclidean", {}, 0)


@pytest.mark.parametrize("method", METHODS)
def test_an_embedding_is_finite_and_the_same_for_the_same_seed(table, method):
    one, two, other = (embed(table, method, "euclidean", PARAMETERS[method], seed) for seed in (3, 3, 4))
    assert one.shape == (1 + len(table), 2)
    assert one.dtype == np.float64
    assert np.isfinite(one).all()
    assert np.array_equal(one, two)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_neighbors_that_share_the_weight_that_moved_stand_together(method):
    start, end = np.repeat(np.arange(3), 40), np.arange(3, 123)
    rows = pandas.DataFrame({"from_index": start, "to_index": end, "sign": 1})
    places = embed(rows, method, "euclidean", {"tsne": {"perplexity": 15}}.get(method, {"n_neighbors": 25}), 0)[1:]
    within = np.mean([places[start == source].std(axis=0).sum() for source in range(3)])
    assert within < 0.5 * places.std(axis=0).sum()


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("tsne", {"perplexity": 500}), ("isomap", {"n_neighbors": 500}), ("lle", {"n_neighbors": 500}), ("lle", {"k": 5})],
)
def test_parameters_that_do_not_fit_are_refused_in_one_line(table, method, parameters):
    with pytest.raises(InputError, match=f"^method '{method}' on 36 points: .*change its parameters$"):
        embed(table, method, "euclidean", parameters, 0)


def test_clusters_that_no_near_neighbors_join_can_be_embedded():
    start, end = np.repeat(np.arange(10), 20), np.arange(10, 210)
    rows = pandas.DataFrame({"from_index": start, "to_index": end, "sign": 1})
    for method in METHODS:
        parameters = {"tsne": {"perplexity": 3, "max_iter": 250}}.get(method, {"n_neighbors": 3})
        assert np.isfinite(embed(rows, method, "euclidean", parameters, 0)).all()


def test_equidistant_neighbors_can_be_embedded():
    apart = pandas.DataFrame({"from_index": np.arange(40), "to_index": np.arange(40, 80), "sign": 1})
    for method in METHODS:
        assert np.isfinite(embed(apart, method, "euclidean", PARAMETERS[method], 0)).all()


def test_silhouette_finds_the_number_of_tight_clusters():
    random = np.random.default_rng(0)
    points = np.repeat([[0, 0], [100, 0], [0, 100]], 10, axis=0) + random.normal(0, 0.1, (30, 2))
    silhouette, clusters = clustering(pairwise_distances(points), [2, 3, 4, 5])
    assert clusters == 3
    assert silhouette > 0.99


def test_silhouette_is_zero_where_all_stand_equally_far_apart():
    assert clustering(2 * (1 - np.eye(20)), [2, 5]) == (pytest.approx(0), 2)


@pytest.mark.parametrize("numbers", [[], [1], [2, 5]])
def test_numbers_of_clusters_that_do_not_fit_are_refused(numbers):
    with pytest.raises(InputError, match=r"clusters.*: expected at least 2 and fewer than the 5 points"):
        clustering(1 - np.eye(5), numbers)


def test_hopkins_tells_uniform_from_clustered_points():
    random = np.random.default_rng(0)
    uniform = [hopkins(random.uniform(0, 1, (1000, 2)), seed) for seed in range(20)]
    centers = random.uniform(0, 1, (10, 2))
    clustered = np.repeat(centers, 100, axis=0) + random.normal(0, 0.005, (1000, 2))
    assert np.mean(uniform) == pytest.approx(0.5, abs=0.05)
    assert hopkins(clustered, 0) > 0.75
    assert hopkins(clustered, 0) == hopkins(clustered, 0) != hopkins(clustered, 1)


def test_hopkins_at_its_limits():
    assert np.isnan(hopkins(np.zeros((20, 2)), 0))
    with pytest.raises(InputError, match="has 1 points"):
        hopkins(np.zeros((1, 2)), 0)


def test_a_neighborhood_is_embedded_with_its_original_and_its_statistics(table):
    arguments = {
        "count": 20,
        "sources": None,
        "metric": "manhattan",
        "methods": PARAMETERS,
        "numbers_of_clusters": [2, 3],
        "seed": 7,
    }
    points, statistics = embed_neighborhood(table, (81, 82), **arguments)
    assert tuple(points.columns) == POINTS
    for method, rows in points.groupby("method"):
        original, neighbors = rows.iloc[0], rows.iloc[1:]
        assert original.tolist()[:6] == [method, ORIGINAL, ORIGINAL, 0, 81, 82]
        assert len(neighbors.merge(table, on=list(table.columns))) == 20
    assert tuple(statistics.columns) == STATISTICS
    assert statistics.space.tolist() == ["original", *PARAMETERS]
    assert (statistics.points == 21).all()
    assert statistics.clusters.isin([2, 3]).all()
    assert statistics.silhouette.between(-1, 1).all()
    assert statistics.hopkins.isna().tolist() == [True, False, False, False]
    again = embed_neighborhood(table, (81, 82), **arguments)
    pandas.testing.assert_frame_equal(points, again[0], check_exact=True)
    pandas.testing.assert_frame_equal(statistics, again[1], check_exact=True)


@pytest.mark.parametrize(("key", "value"), [("layer", "1.0"), ("seed", 1), ("task", "car"), ("sparsity", 80.0)])
def test_neighbors_of_another_survey_are_refused(paper_settings, table, tmp_path, key, value):
    keys = {"task": "mnist", "sparsity": 90.0, "seed": 0, "layer": "fc"}
    counts = dict.fromkeys(("images", "original_correct", "neighborhood", "neighbors", "better", "equal", "worse"), 9)
    write_table(tmp_path / "summary.csv", SURVEY.make([{"split": split, **counts} for split in SPLITS], **keys))
    write_table(tmp_path / "neighbors.parquet", table, {"provenance": {**keys, key: value}})
    paths = [tmp_path / name for name in ("neighbors.parquet", "summary.csv", "points.parquet", "statistics.csv")]
    with pytest.raises(InputError, match=rf"neighbors.parquet: is of {key} {value}, expected {keys[key]}; name"):
        make_embedding(paper_settings, "mnist", "fc", *paths)
    assert not paths[2].exists()
