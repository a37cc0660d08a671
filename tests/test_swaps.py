import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from aann.errors import InputError
from aann.figures.schematic import ORIGINAL, SWAPS
from aann.swaps import all_swaps, apply_swap

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
    from_indices, to_indices = all_swaps(weights)
    assert len(from_indices) == np.count_nonzero(weights) * np.count_nonzero(weights == 0)
    assert len({*zip(from_indices.tolist(), to_indices.tolist(), strict=True)}) == len(from_indices)
    for start, end in list(zip(from_indices, to_indices, strict=True))[:50]:
        neighbor = apply_swap(weights, start, end)
        assert (
            np.bincount(neighbor.ravel() + 1, minlength=3).tolist()
            == np.bincount(weights.ravel() + 1, minlength=3).tolist()
        )
        assert np.flatnonzero((neighbor != weights).ravel()).tolist() == sorted([start, end])
        assert neighbor.flat[end] == weights.flat[start]
    assert np.array_equal(weights, before)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (1, 3, "from_index 1: holds 0"),
        (0, 2, "to_index 2: holds -1"),
        (6, 1, "from_index 6: out of range, expected 0 to 5"),
        (0, -1, "to_index -1: out of range"),
    ],
)
def test_what_is_no_swap_is_refused(start, end, message):
    with pytest.raises(InputError, match=message):
        apply_swap(ORIGINAL, start, end)
