"""The columns of tables that one stage writes and another reads."""

from __future__ import annotations

from typing import Any

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
