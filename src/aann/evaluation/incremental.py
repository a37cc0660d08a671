"""The incremental evaluator: the exact count of a neighbor's correct images, at the cost of what its swap changes.

It keeps the integers that a forward pass computes (``state``), and for a swap computes again only what depends on it
(``scores``). Its results equal those of the reference evaluator, integer for integer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aann.arguments import listed, require_network
from aann.errors import InputError
from aann.evaluation.evaluator import sample_by_label
from aann.evaluation.inputs import check_architecture, check_images, check_labels
from aann.evaluation.objectives import ACCURACY, Objective
from aann.evaluation.scores import scores
from aann.evaluation.state import State
from aann.evaluation.threads import Threads
from aann.networks import TernaryNetwork, require_layer
from aann.swaps import apply_swap, check_swaps

_BATCH = 2**21
"""Swaps whose tables are in memory at a time."""


class IncrementalEvaluator:
    """An ``Evaluator`` that computes only what a swap changes.

    ``images`` are integers of shape (images, channels, height, width), ``labels`` integers of shape (images,). The
    network's intermediate values are kept from the first of ``layers`` on (all by default); only swaps there can be
    evaluated. ``threads`` changes speed, never results, and neither does the order of images: with ``shuffled`` it is
    random, so that a ``sample`` of blocks stands for all images; else it saves work. ``state`` has what is kept.

    >>> import aann, numpy as np
    >>> network = aann.random_network("static", sparsity=90, seed=0)
    >>> random = np.random.default_rng(0)
    >>> images, labels = random.integers(0, 256, (200, 1, 28, 28)), random.integers(0, 10, 200)
    >>> evaluator = aann.Evaluator(network, images, labels)
    >>> evaluator.correct_count()
    17
    >>> evaluator.correct_counts("fc", from_index=np.array([6457, 3872]), to_index=np.array([847, 715]))
    array([20, 13])
    >>> evaluator.accept("fc", from_index=6457, to_index=847)
    >>> evaluator.correct_count()
    20

    Raises ``InputError`` for images or labels that do not fit the network, unknown layers, no threads, and no network.
    """

    def __init__(
        self,
        network: TernaryNetwork,
        images: np.ndarray,
        labels: np.ndarray,
        layers: Sequence[str] | None = None,
        threads: int = 1,
        shuffled: np.random.Generator | None = None,
    ) -> None:
        require_network(network)
        check_images(network.architecture, images)
        check_labels(network.architecture, images, labels)
        workers = Threads(threads)
        kept = listed("layers", layers or network.layers)
        for name in kept:
            require_layer(name, network.layers)
        self.architecture, self._described = network.architecture, network.data
        self.images = len(images)
        first = min(network.layers.index(name) for name in kept)
        self.state = State(network, images, labels, first, workers, shuffled)

    # --- the network as it is -----------------------------------------------------------------------------------------

    @property
    def network(self) -> TernaryNetwork:
        """The network with all accepted swaps."""
        return TernaryNetwork(self.architecture, self.state.weights, data=self._described)

    @property
    def threads(self) -> int:
        """The number of threads, which may be changed at any time."""
        return self.state.threads.number

    @threads.setter
    def threads(self, number: int) -> None:
        self.state.threads = Threads(number)

    def logits(self) -> np.ndarray:
        """Return the int32 logits, shape (images, classes), in the order the images were given in."""
        logits = np.empty((self.images, self.architecture.classes), np.int32)
        here = self.state.blocks.present < 0
        logits[self.state.order[here]] = self.state.logits.transpose(0, 2, 1)[here]
        return logits

    def correct_count(self) -> int:
        """Return how many images the network puts into their labelled class."""
        return self.images + self.value(ACCURACY)

    def value(self, objective: Objective) -> int:
        """Return the objective of the network as it is."""
        return self.state.sum_scores(self.state.blocks.chosen, objective)

    def sample(self, share: float, random: np.random.Generator) -> np.ndarray:
        """Return blocks of images for ``changes``: of each label about this share, at least one, drawn at random."""
        return sample_by_label(self.state.blocks.labels, share, random)

    # --- its neighbors ------------------------------------------------------------------------------------------------

    def correct_counts(self, layer: str, from_index: np.ndarray, to_index: np.ndarray) -> np.ndarray:
        """Return how many images each neighbor puts into their labelled class, int64, one a swap.

        ``from_index`` and ``to_index`` are flat indices, in C order, into the layer's weights.

        Raises ``InputError`` for a layer that is not there or not kept, no swaps at all, an index out of range, a swap
        from a zero weight or to a non-zero one.
        """
        counts = self._scores(layer, from_index, to_index, ACCURACY, self.state.blocks.chosen)
        counts += self.images
        return counts

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
        chosen = self.state.blocks.chosen if blocks is None else blocks
        before = self.state.sum_scores(chosen, objective)
        return self._scores(layer, from_index, to_index, objective, chosen) - before

    def _scores(
        self, layer: str, from_index: np.ndarray, to_index: np.ndarray, objective: Objective, blocks: np.ndarray
    ) -> np.ndarray:
        self._require_kept(layer)
        swaps = check_swaps(self.state.weights[layer], from_index, to_index)
        batches = [slice(first, first + _BATCH) for first in range(0, len(swaps.from_index), _BATCH)]
        return np.concatenate([scores(self.state, layer, swaps.take(batch), objective, blocks) for batch in batches])

    # --- accepted swaps -----------------------------------------------------------------------------------------------

    def accept(self, layer: str, from_index: int, to_index: int) -> None:
        """Go on to a neighbor: all that is kept is brought up to date in place.

        Raises ``InputError`` as ``correct_counts`` does.
        """
        self._require_kept(layer)
        self.state.change(layer, apply_swap(self.state.weights[layer], from_index, to_index))
        self.state.compute_margins()

    def move_to(self, network: TernaryNetwork) -> None:
        """Go on to any network of the architecture, such as a k-th neighbor, all in place.

        Raises ``InputError`` for another architecture, or other weights in a layer whose values are not kept.
        """
        check_architecture(network, self.architecture)
        for layer, weights in network.weights.items():
            if not np.array_equal(weights, self.state.weights[layer]):
                self._require_kept(layer)
                self.state.change(layer, weights.copy())
        self.state.compute_margins()

    def _require_kept(self, layer: str) -> None:
        require_layer(layer, self.state.names)
        if self.state.names.index(layer) < self.state.first:
            raise InputError(f"layer {layer!r}: its values were not kept; name it in `layers` of the evaluator")
