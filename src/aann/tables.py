"""The columns of tables that one stage writes and another reads."""

from __future__ import annotations

from typing import Any

SPLITS = ("validation", "test")
"""The images that networks are counted on; those they were trained on are not."""

NEIGHBORS = ("from_index", "to_index", "sign", "validation_correct", "test_correct")
"""One row a first neighbor: the swap, as flat indices into the layer's weights and the weight moved; correct images."""

HISTOGRAM = ("split", "correct", "neighbors")
"""One row a split and count of correct images: how many neighbors have it."""

SURVEY = (
    "sparsity",
    "seed",
    "layer",
    "split",
    "images",
    "original_correct",
    "neighborhood",
    "neighbors",
    "better",
    "equal",
    "worse",
)
"""One row a network, layer and split: how many neighbors there are, were counted, and are better, equal and worse."""

SURVEY_TEXT = ("layer", "split")
SURVEY_NUMBERS = tuple(column for column in SURVEY if column not in SURVEY_TEXT)
"""The columns of ``SURVEY`` by what they hold."""

POINT_TEXT = ("layer", "sampling", "method")
POINT_NUMBERS = ("from_index", "to_index", "sign", "validation_correct", "test_correct", "x", "y", "test_images")
"""One row a layer, sampling, method and embedded neighbor; the original network has indices of -1 and a sign of 0."""

CLUSTERING_TEXT = ("layer", "sampling", "space")
CLUSTERING_NUMBERS = ("seed", "silhouette", "clusters", "hopkins", "points")
"""One row a layer, sampling, draw and space (`original`, the weights, or a method): how clustered neighbors are."""

ACCURACY = (
    "sparsity",
    "seed",
    "validation_correct",
    "validation_images",
    "validation_accuracy",
    "test_correct",
    "test_images",
    "test_accuracy",
)
"""One row a network: sparsity in percent, counts of correct images, and accuracies as fractions."""


def accuracy_row(sparsity: float, seed: int, validation: tuple[int, int], test: tuple[int, int]) -> dict[str, Any]:
    """Return a row of ``ACCURACY`` from (correct, images) of validation and test."""
    row = {"sparsity": sparsity, "seed": seed}
    for name, (correct, images) in (("validation", validation), ("test", test)):
        row |= {f"{name}_correct": correct, f"{name}_images": images, f"{name}_accuracy": correct / images}
    return row
