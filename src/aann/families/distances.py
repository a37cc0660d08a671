"""How far apart two networks are: places whose weights differ, as they are and after the best matching of units.

Networks that differ only in the order of their hidden units compute the same. So the distance that counts is that to
the nearest reordering of the other network. Units are matched by their incoming and outgoing weights (Pittorino et al.
2022, arXiv 2202.03038), layer by layer, from input to output and from output to input, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from aann.arguments import require_network
from aann.errors import InputError
from aann.networks import TernaryNetwork

_Weights = dict[str, np.ndarray]


def hamming(first: TernaryNetwork, second: TernaryNetwork) -> dict[str, int]:
    """Return by layer how many places have different weights; raise ``InputError`` for another architecture."""
    require_alike(first, second)
    return {layer: int((first.weights[layer] != second.weights[layer]).sum()) for layer in first.layers}


def matched(first: TernaryNetwork, second: TernaryNetwork) -> TernaryNetwork:
    """Return ``second`` with its hidden units reordered, so that it is as near to ``first`` as this search finds.

    It computes what ``second`` does. Raises ``InputError`` for another architecture, and for layers that do not give
    each unit weights for every unit of the layer before.
    """
    require_alike(first, second)
    wanted, hidden = _grouped(first), list(first.layers[:-1])
    found = [_improved(wanted, _grouped(second), order) for order in (hidden, hidden[::-1])]
    return min([second, *(_network(second, weights) for weights in found)], key=lambda one: _distance(first, one))


def require_alike(first: TernaryNetwork, second: TernaryNetwork) -> None:
    """Raise ``InputError`` unless two networks have one architecture."""
    require_network(first)
    require_network(second)
    if first.architecture != second.architecture:
        shapes = (one.architecture.weight_shapes for one in (first, second))
        raise InputError("members: have other architectures: {} and {}; compare networks of one".format(*shapes))


def require_family(first: TernaryNetwork, second: TernaryNetwork) -> None:
    """Raise ``InputError`` with the first layer that differs unless two networks are of one family."""
    require_alike(first, second)
    for layer, counts in first.family.items():
        if second.family[layer] != counts:
            raise InputError(
                f"layer {layer!r}: has {counts} weights of -1, 0 and +1 in one network, {second.family[layer]} in the "
                "other; name two of one family, such as a network and a walk's end"
            )


def _distance(first: TernaryNetwork, second: TernaryNetwork) -> int:
    return sum(hamming(first, second).values())


def _grouped(network: TernaryNetwork) -> _Weights:
    """Return weights as (units, units of the layer before, weights for each), by layer."""
    grouped, before = {}, network.architecture.input_shape[0]
    for layer, weights in network.weights.items():
        if weights[0].size % before or (weights.ndim > 2 and weights.shape[1] != before):
            raise InputError(
                f"layer {layer!r}: its units have no weights for some units before; units cannot be matched"
            )
        grouped[layer] = weights.reshape(len(weights), before, -1)
        before = len(weights)
    return grouped


def _network(like: TernaryNetwork, grouped: Mapping[str, np.ndarray]) -> TernaryNetwork:
    weights = {layer: grouped[layer].reshape(array.shape) for layer, array in like.weights.items()}
    return TernaryNetwork(like.architecture, weights, data=like.data)


def _improved(wanted: _Weights, weights: _Weights, order: list[str]) -> _Weights:
    """Return weights whose units were matched with those wanted, hidden layer by hidden layer, until nothing changes.

    In the first round, units are matched only by layers on the side where the round begins, as others are not matched.
    """
    layers = list(wanted)
    forward = order[:1] == layers[:1]
    for layer in order:
        following = layers[layers.index(layer) + 1]
        weights = _reordered(wanted, weights, layer, following, incoming=forward, outgoing=not forward)
    while True:
        before = weights
        for layer in order:
            weights = _reordered(wanted, weights, layer, layers[layers.index(layer) + 1], incoming=True, outgoing=True)
        if all(np.array_equal(before[layer], weights[layer]) for layer in layers):
            return weights


def _reordered(
    wanted: _Weights, weights: _Weights, layer: str, following: str, incoming: bool, outgoing: bool
) -> _Weights:
    """Return weights with the units of one layer in the order that is nearest to those wanted."""
    agreeing = np.zeros((len(wanted[layer]), len(wanted[layer])), np.int64)
    if incoming:
        agreeing += _agreement(wanted[layer], weights[layer])
    if outgoing:
        agreeing += _agreement(wanted[following].swapaxes(0, 1), weights[following].swapaxes(0, 1))
    _, order = linear_sum_assignment(agreeing, maximize=True)
    if agreeing[np.arange(len(order)), order].sum() == np.trace(agreeing):
        return weights
    return weights | {layer: weights[layer][order], following: weights[following][:, order]}


def _agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return in how many places each unit of one array has the weights of each of the other, int64 (units, units)."""
    flat = [array.reshape(len(array), -1) for array in (first, second)]
    equal = ((flat[0] == value).astype(np.int64) @ (flat[1] == value).astype(np.int64).T for value in (-1, 0, 1))
    total: np.ndarray = sum(equal, np.zeros((len(first), len(second)), np.int64))
    return total
