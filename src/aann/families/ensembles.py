"""Networks that vote: their logits are multiplied by whole numbers that make them alike, and added.

The factor of a network is 2^24 divided by the spread of its logits on validation images, rounded. The spread is the
root of the mean square of logits less their mean over the classes, rounded down. So sums are integers, and exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_ONE = 2**24
"""No logit reaches 2^29, so sums of 2^10 scaled logits of networks without any spread fit 64 bits."""


def factor(logits: np.ndarray) -> int:
    """Return by what a network's logits are multiplied, from those on validation images, int of (images, classes)."""
    images, classes = logits.shape
    wide = logits.astype(np.int64)
    squares = zip((wide**2).sum(axis=1).tolist(), wide.sum(axis=1).tolist(), strict=True)  # beyond 64 bits below
    spread = math.isqrt(sum(classes * square - total**2 for square, total in squares) // (images * classes**2))
    return max(1, (2 * _ONE + spread) // (2 * spread)) if spread else _ONE


def votes(logits: Sequence[np.ndarray], factors: Sequence[int]) -> np.ndarray:
    """Return the class of each image, int64: that of the largest sum of scaled logits, the lowest of equal ones."""
    total = sum(one.astype(np.int64) * scale for one, scale in zip(logits, factors, strict=True))
    classes: np.ndarray = np.asarray(total).argmax(axis=1)
    return classes
