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

TRACE_TEXT = ("layer",)
TRACE_NUMBERS = (
    "neighborhood",
    "evaluations",
    "from_index",
    "to_index",
    "objective",
    "validation_correct",
    "validation_accuracy",
    "test_correct",
    "test_accuracy",
)
"""One row an accepted swap of a SENSE run, or a neighborhood that had none (with indices of -1); the start comes first.

``evaluations`` counts the neighbors evaluated so far; correct images and accuracies are missing (NaN) where they were
not counted. The start has neighborhood 0 and an empty layer.
"""

BASELINE_TEXT = ("method",)
BASELINE_NUMBERS = ("step", "validation_correct", "validation_accuracy", "test_correct", "test_accuracy")
"""One row a method of backpropagation (`literal`, `straight-through`) and minibatches so far, from 0 on."""

SURVEYED_TEXT = ("layer",)
SURVEYED_NUMBERS = (
    "neighborhood",
    "from_index",
    "to_index",
    "sign",
    "best",
    "validation_correct",
    "test_correct",
    "validation_images",
    "test_images",
)
"""One row a neighbor that a climb surveyed: its neighborhood from 1 on, the swap that leads there from the best of the
neighborhood before, and whether (1 or 0) it is the one the climb went on from. The start has neighborhood 0, indices of
-1 and a sign of 0.
"""

OUTCOME_TEXT = ("task",)
OUTCOME_NUMBERS = (
    "sparsity",
    "seed",
    "evaluations",
    "accepted",
    "before_validation_accuracy",
    "before_test_accuracy",
    "after_validation_accuracy",
    "after_test_accuracy",
)
"""One row a search: where it started, and the network that validation images chose; accuracies are fractions."""

EXPERT_RETURNS = ("track", "expert_return")
"""One row a track: the sum of rewards that the expert gets there."""

RETURNS = ("sparsity", "seed", "track", "return", "expert_return")
"""One row a network and track: its sum of rewards, and the expert's."""

CONFUSION_TEXT = ("split",)
CONFUSION_NUMBERS = ("sparsity", "seed", "label", "prediction", "frames")
CONFUSION = ("sparsity", "seed", "split", "label", "prediction", "frames")
"""One row a network, split, class that the expert chose and class that the network chose: how many frames."""

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
