"""The reference evaluator: a plain PyTorch forward pass over integers.

Every sum is an integer that the type of its numbers holds exactly, so the order of summation and the number of threads
do not matter. On the CPU the type is float32 if no unit of the network can go beyond 2^24, else float64, which is exact
for every network (``aann.networks.LARGEST_SUM``). Other devices compute in float64 and without cuDNN, whose
convolutions may round or transform.

Pooling comes before HardTanh. With max-pooling their order is free, since both are monotone; average pooling is a sum,
which HardTanh limits as it limits all others.

Processors that multiply bfloat16 sum in float32 and round results to bfloat16, which holds all integers up to 256. With
an input scale up to that, HardTanh cuts what was rounded to the scale anyway. So hidden layers are exact there, too,
unless rounded sums are added up, as in average pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from aann import extras
from aann.devices import bfloat16_is_fast
from aann.errors import InputError
from aann.evaluation.evaluator import sample_by_label
from aann.evaluation.inputs import check_architecture, check_images, check_labels
from aann.evaluation.objectives import ACCURACY, NO_RIVAL, Objective
from aann.evaluation.plain import LARGEST_EXACT
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork, require_layer
from aann.swaps import apply_swap, check_swaps

with extras.named():
    import torch
    import torch.nn.functional as F

_BATCH = 500


def logits(network: TernaryNetwork, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Return the int32 logits, shape (images, classes), of integer images of shape (images, channels, height, width).

    Raises ``InputError`` if the images have another shape or a value outside the network's input range, and for a
    device that PyTorch does not know.
    """
    last = _on(device, network.weights[network.layers[-1]], exact_type(device, network.largest_sum))
    batches = [
        (hidden.to(last.dtype) @ last.T).cpu().numpy().astype(np.int32) for hidden in _hidden(network, images, device)
    ]
    return np.concatenate(batches)


def features(network: TernaryNetwork, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Return the inputs of the last layer, int16 of shape (images, features): HardTanh keeps them in that range.

    Raises ``InputError`` as ``logits`` does.
    """
    return np.concatenate([hidden.to(torch.int16).cpu().numpy() for hidden in _hidden(network, images, device)])


@torch.no_grad()
def _hidden(network: TernaryNetwork, images: np.ndarray, device: str = "cpu") -> Iterator[torch.Tensor]:
    """Yield the inputs of the last layer, floats that hold integers, a batch of images at a time."""
    check_images(network.architecture, images)
    scale = network.architecture.input_scale
    largest = network.largest_sum
    rounded = device == "cpu" and largest <= LARGEST_EXACT and _may_round(network.architecture)
    kind = torch.bfloat16 if rounded else exact_type(device, largest)
    weights = {name: _on(device, array, kind) for name, array in network.weights.items()}
    for start in range(0, len(images), _BATCH):
        batch = _on(device, images[start : start + _BATCH], kind)
        with torch.backends.cudnn.flags(enabled=False):
            hidden = propagate(network.architecture, weights, batch, lambda _, values: values.clamp(-scale, scale))
        yield hidden


def _may_round(architecture: Architecture) -> bool:
    """Return whether bfloat16 is fast here, and HardTanh cuts all that it rounds.

    A kind of layer that adds up rounded sums does not fit; the two kinds here are known not to.
    """
    fits = all(type(layer) in (Convolution, Dense) and layer.added == 1 for layer in architecture.layers)
    return fits and architecture.input_scale <= 256 and bfloat16_is_fast()


def exact_type(device: str, largest: int) -> torch.dtype:
    """Return the type in which sums up to the ``largest`` are exact on a device."""
    return torch.float32 if device == "cpu" and largest <= LARGEST_EXACT else torch.float64


def _on(device: str, array: np.ndarray, kind: torch.dtype) -> torch.Tensor:
    """Return integers as floats that hold them exactly, on a device."""
    try:
        return torch.from_numpy(array.astype(np.float32)).to(device, kind)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r}: cannot be used ({reason}); expected one of PyTorch's") from error


def propagate(
    architecture: Architecture,
    weights: Mapping[str, torch.Tensor],
    images: torch.Tensor,
    hard_tanh: Callable[[str, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Return the inputs of the last layer, shape (images, features).

    ``images`` are floats of shape (images, channels, height, width), ``weights`` float tensors by layer name, and
    ``hard_tanh`` is applied to each hidden layer's name and values.
    """
    values = channels_last(images)
    for layer in architecture.layers[:-1]:
        values = hard_tanh(layer.name, FORWARDS[layer.type](layer, weights[layer.name], values))
    return values.flatten(1)


def _convolution(layer: Convolution, weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    values = F.conv2d(values, channels_last(weights), stride=layer.stride, padding=layer.padding)
    if not layer.pool:
        return values
    if layer.pooling == "average":
        return F.avg_pool2d(values, *layer.window, divisor_override=1)
    return F.max_pool2d(values, *layer.window)


def _dense(layer: Dense, weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1) @ weights.T


FORWARDS: dict[str, Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "convolution": _convolution,
    "dense": _dense,
}
"""What a layer makes of its weights and inputs before HardTanh, by type; training has the same."""


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor in channels-last memory, said so by its strides even where one channel leaves them open.

    PyTorch reads the layout of a convolution off the strides, and takes one channel for channels-first, which makes
    the pooling that follows several times slower.
    """
    if tensor.shape[1] == 1:
        _, _, height, width = tensor.shape
        return tensor.contiguous().as_strided(tensor.shape, (height * width, 1, width, 1))
    return tensor.contiguous(memory_format=torch.channels_last)


def predictions(network: TernaryNetwork, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Return the class of the largest logit of each image, int64; a tie goes to the lowest class."""
    classes: np.ndarray = logits(network, images, device).argmax(axis=1)
    return classes


def correct_count(network: TernaryNetwork, images: np.ndarray, labels: np.ndarray, device: str = "cpu") -> int:
    """Return how many images the network puts into their labelled class; accuracy is this count over their number."""
    return int((predictions(network, images, device) == labels).sum())


class ReferenceEvaluator:
    """An ``Evaluator`` that does a forward pass for each neighbor; the incremental evaluator is checked against it.

    ``device`` is a name that PyTorch knows. A block of a ``sample`` is one image.

    Raises ``InputError`` for images or labels that do not fit the network.
    """

    def __init__(self, network: TernaryNetwork, images: np.ndarray, labels: np.ndarray, device: str = "cpu") -> None:
        check_images(network.architecture, images)
        check_labels(network.architecture, images, labels)
        self.network, self.images = network, len(images)
        self._images, self._labels, self._device = images, labels, device
        self._everything = np.arange(self.images)

    def logits(self) -> np.ndarray:
        """Return the int32 logits, shape (images, classes)."""
        return logits(self.network, self._images, self._device)

    def correct_count(self) -> int:
        """Return how many images the network puts into their labelled class."""
        return self.images + self.value(ACCURACY)

    def value(self, objective: Objective) -> int:
        """Return the objective of the network as it is."""
        return self._value(self.network, objective, self._everything)

    def sample(self, share: float, random: np.random.Generator) -> np.ndarray:
        """Return images for ``changes``: of each label about this share, at least one, drawn at random."""
        return sample_by_label(self._labels, share, random)

    def correct_counts(self, layer: str, from_index: np.ndarray, to_index: np.ndarray) -> np.ndarray:
        """Return how many images each neighbor puts into their labelled class, int64, one a swap.

        Raises ``InputError`` for a layer that is not there and for indices that are no swaps.
        """
        return self.images + self._values(layer, from_index, to_index, ACCURACY, self._everything)

    def changes(
        self,
        layer: str,
        from_index: np.ndarray,
        to_index: np.ndarray,
        objective: Objective,
        blocks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return by how much each swap would change the objective, int64: over ``blocks``, or over all images."""
        chosen = self._everything if blocks is None else blocks
        values = self._values(layer, from_index, to_index, objective, chosen)
        return values - self._value(self.network, objective, chosen)

    def accept(self, layer: str, from_index: int, to_index: int) -> None:
        """Go on to a neighbor; raise ``InputError`` as ``correct_counts`` does."""
        self.network = neighbor(self.network, layer, from_index, to_index)

    def move_to(self, network: TernaryNetwork) -> None:
        """Go on to any network of the architecture; raise ``InputError`` for one of another architecture."""
        check_architecture(network, self.network.architecture)
        self.network = network

    def _values(
        self, layer: str, from_index: np.ndarray, to_index: np.ndarray, objective: Objective, chosen: np.ndarray
    ) -> np.ndarray:
        require_layer(layer, self.network.layers)
        swaps = zip(*check_swaps(self.network.weights[layer], from_index, to_index), strict=True)
        values = [self._value(neighbor(self.network, layer, *swap), objective, chosen) for swap in swaps]
        return np.array(values, np.int64)

    def _value(self, network: TernaryNetwork, objective: Objective, chosen: np.ndarray) -> int:
        found = margins(logits(network, self._images[chosen], self._device), self._labels[chosen])
        return int(np.clip(found, objective.low, objective.high).sum())


def neighbor(network: TernaryNetwork, layer: str, from_index: int, to_index: int) -> TernaryNetwork:
    """Return the first neighbor that a swap in a layer leads to.

    Raises ``InputError`` if there is no such layer, and as ``apply_swap`` does.
    """
    require_layer(layer, network.layers)
    changed = apply_swap(network.weights[layer], from_index, to_index)
    return TernaryNetwork(network.architecture, {**network.weights, layer: changed})


def margins(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the margin of each image, int64, from logits of shape (images, classes); see ``objectives``."""
    images, classes = np.arange(len(values)), np.arange(values.shape[1])
    rivals = values.astype(np.int64) + (classes < labels[:, None])
    rivals[images, labels] = values[images, labels] - NO_RIVAL if len(classes) == 1 else rivals.min() - 1
    found: np.ndarray = values[images, labels].astype(np.int64) - rivals.max(axis=1)
    return found
