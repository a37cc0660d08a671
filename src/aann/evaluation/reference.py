"""The reference evaluator: a plain PyTorch forward pass over integers.

Every value is an integer below 2^24, which float32 holds exactly (``Architecture`` proves the bound), so the order of
summation and the number of threads do not matter. Max-pooling and HardTanh are both monotone, so their order is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F

from aann.errors import InputError
from aann.networks import Architecture, Convolution, TernaryNetwork

_BATCH = 500


def logits(network: TernaryNetwork, images: np.ndarray) -> np.ndarray:
    """Return the int32 logits, shape (images, classes), of integer images of shape (images, channels, height, width).

    Raises ``InputError`` if the images have another shape or a value outside the network's input range.
    """
    last = torch.from_numpy(network.weights[network.layers[-1]].astype(np.float32))
    batches = [(hidden @ last.T).numpy().astype(np.int32) for hidden in _hidden(network, images)]
    return np.concatenate(batches)


def features(network: TernaryNetwork, images: np.ndarray) -> np.ndarray:
    """Return the inputs of the last layer, int16 of shape (images, features): HardTanh keeps them in that range.

    Raises ``InputError`` as ``logits`` does.
    """
    return np.concatenate([hidden.numpy().astype(np.int16) for hidden in _hidden(network, images)])


@torch.no_grad()
def _hidden(network: TernaryNetwork, images: np.ndarray) -> Iterator[torch.Tensor]:
    """Yield the inputs of the last layer, float32 that hold integers, a batch of images at a time."""
    check_images(network.architecture, images)
    weights = {name: torch.from_numpy(array.astype(np.float32)) for name, array in network.weights.items()}
    scale = network.architecture.input_scale
    for start in range(0, len(images), _BATCH):
        batch = torch.from_numpy(images[start : start + _BATCH].astype(np.float32))
        yield propagate(network.architecture, weights, batch, lambda _, values: values.clamp(-scale, scale))


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
        if isinstance(layer, Convolution):
            kernel = channels_last(weights[layer.name])
            values = F.conv2d(values, kernel, stride=layer.stride, padding=layer.padding)
            if layer.pool:
                values = F.max_pool2d(values, layer.pool, layer.pool_stride or layer.pool)
        else:
            values = values.flatten(1) @ weights[layer.name].T
        values = hard_tanh(layer.name, values)
    return values.flatten(1)


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor in channels-last memory, said so by its strides even where one channel leaves them open.

    PyTorch reads the layout of a convolution off the strides, and takes one channel for channels-first, which makes
    the pooling that follows several times slower.
    """
    if tensor.shape[1] == 1:
        _, _, height, width = tensor.shape
        return tensor.contiguous().as_strided(tensor.shape, (height * width, 1, width, 1))
    return tensor.contiguous(memory_format=torch.channels_last)


def predictions(network: TernaryNetwork, images: np.ndarray) -> np.ndarray:
    """Return the class of the largest logit of each image, int64; a tie goes to the lowest class."""
    classes: np.ndarray = logits(network, images).argmax(axis=1)
    return classes


def correct_count(network: TernaryNetwork, images: np.ndarray, labels: np.ndarray) -> int:
    """Return how many images the network puts into their labelled class; accuracy is this count over their number."""
    return int((predictions(network, images) == labels).sum())


def check_images(architecture: Architecture, images: np.ndarray) -> None:
    """Raise ``InputError`` unless images are a batch of integers in the architecture's shape and input range."""
    if images.ndim != 4 or images.shape[1:] != tuple(architecture.input_shape) or len(images) == 0:
        raise InputError(f"images: have shape {images.shape}, expected (1 or more, {architecture.input_shape})")
    if not np.issubdtype(images.dtype, np.integer):
        raise InputError(f"images: have type {images.dtype}, expected integers")
    lowest = -architecture.input_scale if architecture.signed else 0
    if images.min() < lowest or images.max() > architecture.input_scale:
        raise InputError(
            f"images: hold values from {images.min()} to {images.max()}, expected {lowest} to "
            f"{architecture.input_scale}"
        )
