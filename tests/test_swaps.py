import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from aann.errors import InputError
from aann.figures.schematic import ORIGINAL, SWAPS
from aann.swaps import (
    all_swaps,
    apply_swap,
    apply_swaps,
    neighborhood_size,
    sample_neighbor,
    sample_swaps,
    swaps_at,
)

LAYERS = arrays(np.int8, array_shapes(max_dims=4, max_side=4), elements=st.integers(-1, 1))


def test_the_papers_examples_are_swaps_of_its_network():
    neighbors = [
        [0, 1, -1, 0, 1, -1],
        [1, 0, -1, 1, 0, -1],
        [1, 0, -1, -1, 1, 0],
        [1, -1, 0, 0, 1, -1],
    ]
    assert ORIGINAL.tolist() == [1, 0, -1, 0, 1, -1]
    assert [apply_swap(ORIGINAL, *swap).tolist() for swap in SWAPS] == neighbors


@given(LAYERS)
def test_every_swap_keeps_the_family_and_changes_two_weights(weights):
    before = weights.copy()
    swaps = all_swaps(weights)
    assert len(swaps.from_index) == np.count_nonzero(weights) * np.count_nonzero(weights == 0)
    assert len({*zip(*map(np.ndarray.tolist, swaps), strict=True)}) == len(swaps.from_index)
    for from_index, to_index in list(zip(*swaps, strict=True))[:50]:
        neighbor = apply_swap(weights, from_index, to_index)
        assert (
            np.bincount(neighbor.ravel() + 1, minlength=3).tolist()
            == np.bincount(weights.ravel() + 1, minlength=3).tolist()
        )
        assert np.flatnonzero((neighbor != weights).ravel()).tolist() == sorted([from_index, to_index])
        assert neighbor.flat[to_index] == weights.flat[from_index]
    assert np.array_equal(weights, before)


@pytest.mark.parametrize(
    ("from_index", "to_index", "message"),
    [
        (1, 3, "from_index 1: holds 0"),
        (0, 2, "to_index 2: holds -1"),
        (6, 1, "from_index 6: out of range, expected 0 to 5"),
        (0, -1, "to_index -1: out of range"),
    ],
)
def test_what_is_no_swap_is_refused(from_index, to_index, message):
    with pytest.raises(InputError, match=message):
        apply_swap(ORIGINAL, from_index, to_index)


@given(LAYERS, st.integers(0, 2**32 - 1))
def test_a_sample_has_different_swaps_of_the_layer(weights, seed):
    size = neighborhood_size(weights)
    everything = set(zip(*map(np.ndarray.tolist, all_swaps(weights)), strict=True))
    assert len(everything) == size
    for count in {1, size // 2, size} - {0}:
        if size:
            sample = list(zip(*sample_swaps(weights, count, np.random.default_rng(seed)), strict=True))
            assert len(sample) == len(set(sample)) == count
            assert set(sample) <= everything
    with pytest.raises(InputError, match=f"sample of {size + 1} swaps: the layer has {size} first neighbors"):
        sample_swaps(weights, size + 1, np.random.default_rng(seed))


def test_every_swap_is_equally_likely():
    weights = np.array([1, 0, -1, 0, 0], np.int8)
    random = np.random.default_rng(0)
    samples = [sample_swaps(weights, 2, random) for _ in range(3000)]
    drawn = np.concatenate([swaps.from_index * 5 + swaps.to_index for swaps in samples])
    counts = np.bincount(drawn)[np.unique(drawn)]
    assert len(counts) == neighborhood_size(weights) == 6
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)


@given(LAYERS, st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_kth_neighbor_differs_by_k_swaps_and_keeps_the_family(weights, k, seed):
    most = min(np.count_nonzero(weights), np.count_nonzero(weights == 0))
    random = np.random.default_rng(seed)
    if k > most:
        with pytest.raises(InputError, match=f"{k} swaps: the layer has"):
            sample_neighbor(weights, k, random)
        return
    moved = apply_swaps(weights, *sample_neighbor(weights, k, random))
    assert np.count_nonzero(moved != weights) == 2 * k
    assert np.array_equal(np.sort(moved, axis=None), np.sort(weights, axis=None))


def test_swaps_of_one_neighbor_share_no_index():
    with pytest.raises(InputError, match="from_index 0: is in two swaps"):
        apply_swaps(ORIGINAL, np.array([0, 0]), np.array([1, 3]))
    with pytest.raises(InputError, match="swap 8: there is no such swap, expected 0 to 7"):
        swaps_at(ORIGINAL, np.array([8]))
