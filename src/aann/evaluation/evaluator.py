"""What an evaluator is: exact counts for a network and its neighbors, and steps from neighbor to neighbor.

Two classes fulfil ``Evaluator`` with equal results: ``reference.ReferenceEvaluator``, a forward pass for each neighbor,
and ``incremental.IncrementalEvaluator``, which computes only what a swap changes. Surveys and searches are written
against the protocol, and take what makes an evaluator as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from aann.evaluation.objectives import Objective
from aann.networks import TernaryNetwork


class Evaluator(Protocol):
    """A ternary network, the images that it is evaluated on, and steps from neighbor to neighbor.

    A swap moves the weight at ``from_index`` to ``to_index``: flat indices, in C order, into the weights of a layer.
    """

    @property
    def network(self) -> TernaryNetwork:
        """The network with all accepted swaps."""
        ...

    @property
    def images(self) -> int:
        """The number of images."""
        ...

    def correct_count(self) -> int:
        """Return how many images the network puts into their labelled class."""
        ...

    def value(self, objective: Objective) -> int:
        """Return the objective of the network as it is."""
        ...

    def sample(self, share: float, random: np.random.Generator) -> np.ndarray:
        """Return blocks of images for ``changes``: of each label about this share, at least one, drawn at random."""
        ...

    def correct_counts(self, layer: str, from_index: np.ndarray, to_index: np.ndarray) -> np.ndarray:
        """Return how many images each neighbor puts into their labelled class, int64, one a swap.

        Raises ``InputError`` for an unknown layer, no swaps at all, an index out of range, a swap from a zero weight or
        to a non-zero one.
        """
        ...

    def changes(
        self,
        layer: str,
        from_index: np.ndarray,
        to_index: np.ndarray,
        objective: Objective,
        blocks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return by how much each swap would change the objective, int64; arguments as in ``correct_counts``.

        With ``blocks``, from ``sample``, it is the change over their images alone.
        """
        ...

    def accept(self, layer: str, from_index: int, to_index: int) -> None:
        """Go on to a neighbor; raise ``InputError`` as ``correct_counts`` does."""
        ...

    def move_to(self, network: TernaryNetwork) -> None:
        """Go on to any network of the architecture; raise ``InputError`` for one of another architecture."""
        ...


class EvaluatorFactory(Protocol):
    """What makes an evaluator: a class of them, or a function that chooses one."""

    def __call__(
        self,
        network: TernaryNetwork,
        images: np.ndarray,
        labels: np.ndarray,
        layers: Sequence[str] | None = None,
        threads: int = 1,
        shuffled: np.random.Generator | None = None,
    ) -> Evaluator:
        """Return an evaluator.

        ``images`` are integers of shape (images, channels, height, width), ``labels`` integers of shape (images,).
        Swaps are evaluated in ``layers`` (all if None). ``threads`` changes the speed only. Samples are drawn from
        images that ``shuffled`` puts in an order, if it is given.
        """
        ...


def sample_by_label(labels: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return the indices, rising, of about this share of each label, at least one of each, drawn at random."""
    of_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [random.choice(found, max(1, round(share * len(found))), replace=False) for found in of_label]
    return np.sort(np.concatenate(drawn))
