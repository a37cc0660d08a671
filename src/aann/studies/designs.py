"""A study that fits data: the network, how it is trained, and what is looked at. Scales say how much of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aann.catalog import HALF
from aann.errors import InputError
from aann.networks import Architecture
from aann.studies.looking import Seen


@dataclass(frozen=True)
class Scale:
    """How much of everything. Steps are minibatches; epochs follow from the number of training images."""

    sparsities: tuple[int, ...]
    seeds: tuple[int, ...]
    dense_steps: int
    sparsify_steps: int
    fine_tune_steps: int
    binary_steps: int
    last_layer_epochs: int
    neighbors: int
    embedded: int
    greedy_evaluations: int
    polish_evaluations: int
    backpropagation_steps: int


SCALES = {
    # 2 to 6 minutes on 2 cores for 2,000 images of 32 x 32
    "quick": Scale(
        sparsities=(0, 80, 90, 95),
        seeds=(0, 1),
        dense_steps=3000,
        sparsify_steps=2000,
        fine_tune_steps=300,
        binary_steps=4400,
        last_layer_epochs=15,
        neighbors=2000,
        embedded=400,
        greedy_evaluations=500_000,
        polish_evaluations=100_000,
        backpropagation_steps=200,
    ),
    # some hours
    "thorough": Scale(
        sparsities=(0, 20, 40, 60, 80, 85, 90, 93, 95, 98),
        seeds=(0, 1, 2),
        dense_steps=6000,
        sparsify_steps=12_000,
        fine_tune_steps=1000,
        binary_steps=6000,
        last_layer_epochs=30,
        neighbors=20_000,
        embedded=1500,
        greedy_evaluations=10_000_000,
        polish_evaluations=1_000_000,
        backpropagation_steps=1000,
    ),
}

FOCUS = 90
"""The sparsity at which neighbors and searches are looked at, as in the paper."""

_MOST_EPOCHS = 10_000
"""The limit that settings have; a handful of images reaches it."""

_FEW, _LARGE = 5000, 48
"""With fewer training images, minibatches are small. Images of more pixels a side get another layer."""

_COLORS, _OF_COLORS = 3, {"learning_rate": 0.002, "logit_scale": 20}
"""Channels of images with colors, and how binarized networks learn them best (on CIFAR-10)."""


def network(channels: int, height: int, width: int, classes: int) -> dict[str, Any]:
    """Return a network for images: the paper's, with twice the filters for colors, and another layer for large ones."""
    filters = [16, 32] if channels == 1 else [32, 64]
    if max(height, width) > _LARGE:
        filters = [*filters, 64]
    side, layers = min(height, width), []
    for number, count in enumerate(filters, 1):
        if side < 4:
            break
        kernel = 5 if side >= 12 and number < 3 else 3
        layer = {"type": "convolution", "name": f"{number}.0", "filters": count, "kernel": kernel}
        layers.append({**layer, "padding": kernel // 2, "pool": 2})
        side //= 2
    last = {"type": "dense", "name": "fc", "units": classes}
    signed = {"input_scale": HALF, "signed": True} if centered(channels) else {}
    return {"input_shape": [channels, height, width], **signed, "layers": [*layers, last]}


def centered(channels: int) -> bool:
    """Return whether networks see images around 0: those with colors, which have no black background."""
    return channels == _COLORS


def training(scale: Scale, images: int, side: int, channels: int) -> dict[str, Any]:
    """Return the settings of p-SIREN for so many training images, pixels a side and channels."""
    batch = 32 if images < _FEW else 64
    rate, binary = (0.001, _OF_COLORS) if channels == _COLORS else (0.003 if images < _FEW else 0.005, {})

    def epochs(steps: int) -> float:
        found = min(steps * batch / images, _MOST_EPOCHS)
        return float(round(found)) if found >= 1 else max(0.1, round(found, 1))

    return {
        "batch_size": batch,
        "shift": 2 if side >= 24 else 1,
        "mirror": False,
        "dense": {"epochs": epochs(scale.dense_steps), "learning_rate": rate},
        "sparsify": {"epochs": epochs(scale.sparsify_steps), "learning_rate": rate, "interval": 10},
        "fine_tune": {"epochs": epochs(scale.fine_tune_steps), "learning_rate": rate},
        "binary": {"epochs": epochs(scale.binary_steps), "last_layer_epochs": scale.last_layer_epochs, **binary},
    }


def searches(scale: Scale, layers: list[str], images: int, channels: int) -> dict[str, Any]:
    """Return a search for random starts, and one for networks that are trained: in the last two layers.

    They see as many images as take less than 4 GB.
    """
    most = 20_000 if channels == _COLORS else 25_000
    names = layers[-2:]
    neighbors = dict(zip(names, (2304, 16_384)[-len(names) :], strict=True))
    shared = {
        "strategy": {"kind": "greedy", "most": 32},
        "objective": "margins",
        "images": {"count": most if images > most else "all", "shift": 1, "refresh": 60},
        "layers": {"names": names, "schedule": "gain"},
        "neighbors": neighbors,
        "draw": "grid",
        "racing": {"share": 0.2 if images > _FEW else 1.0},
    }
    greedy = {"margin": 48, "record": 15, "budget": {"evaluations": scale.greedy_evaluations}}
    polish = {"margin": 8, "deficit": 24, "record": 10, "budget": {"evaluations": scale.polish_evaluations}}
    return {"greedy": shared | greedy, "polish": shared | polish}


def figures(task: str) -> dict[str, Any]:
    """Return the figures of a study."""
    random, trained = ({"task": task, "sparsity": FOCUS, "origin": origin} for origin in ("random", "psiren"))
    runs = [{"start": random, "searches": ["greedy"]}, {"start": trained, "searches": ["polish"]}]
    return {
        "accuracy": {"kind": "sparsity", "task": task},
        "neighbors": {"kind": "histograms", "task": task},
        "embedding": {"kind": "embedding", "task": task},
        "climb": {"kind": "climbs", "start": random, "search": "greedy"},
        "comparison": {"kind": "comparison", "runs": runs},
        "improvement": {"kind": "improvement"},
    }


def neighbors(scale: Scale, layers: Mapping[str, int]) -> dict[str, Any]:
    """Return which neighbors are counted, from the number of weights of each layer: more of the last, to embed some."""
    *_, last = layers
    first = dict.fromkeys(layers, scale.neighbors)
    nonzeros, zeros = _parts(layers[last])
    wanted = math.ceil(_SPARE * scale.embedded * nonzeros / min(_SOURCES, nonzeros))
    amount = "exhaustive" if wanted >= nonzeros * zeros else max(wanted, scale.neighbors)
    others = dict.fromkeys(layers, max(1, scale.neighbors // 4))
    return {"sparsities": [FOCUS], "first": {**first, last: amount}, "others": others}


def embedding(scale: Scale, layers: Mapping[str, int]) -> dict[str, Any] | None:
    """Return how neighbors of the last layer are embedded; None if it has too few."""
    *_, last = layers
    nonzeros, zeros = _parts(layers[last])
    points = min(scale.embedded, min(_SOURCES, nonzeros) * zeros)
    if points < _FEWEST_POINTS:
        return None
    near = max(5, min(30, points // 10))
    return {
        "sparsity": FOCUS,
        "layers": [last],
        "count": points,
        "seeds": list(scale.seeds[:1]),
        "tsne": {"perplexity": near},
        "isomap": {"n_neighbors": near},
        "lle": {"n_neighbors": near},
    }


_SOURCES, _SPARE, _FEWEST_POINTS = 20, 1.5, 60
"""Weights whose swaps are embedded, how many times the neighbors are counted that are embedded, and the fewest."""


def _parts(size: int) -> tuple[int, int]:
    """Return how many weights of a layer are not zero in focus, and how many are."""
    nonzeros = max(1, round(size * (100 - FOCUS) / 100))
    return nonzeros, size - nonzeros


def study(name: str, seen: Seen, scale: Scale) -> dict[str, Any]:
    """Return the settings of a study of data, section by section.

    Raises ``InputError`` for images that are so small that a network would have no connections.
    """
    channels, (height, width) = seen.entry["channels"], seen.entry["size"]
    entry = {**seen.entry, "centered": centered(channels)}
    chosen, train = network(channels, height, width, len(seen.classes)), int(seen.counts["train"].sum())
    layers = weights(chosen)
    _require_connections(f"{name}: images of {height} x {width} pixels", layers, scale.sparsities[-1])
    embedded = embedding(scale, layers)
    task = {"dataset": name, "network": "small", "sparsities": list(scale.sparsities), "seeds": list(scale.seeds)}
    return {
        "scale": name,
        "standalone": True,
        "datasets": {name: {**entry, "title": name.replace("-", " ").replace("_", " ").capitalize()}},
        "networks": {"small": chosen},
        "tasks": {name: task},
        "psiren": training(scale, train, min(height, width), channels),
        "neighbors": {name: neighbors(scale, layers)},
        **({"embeddings": {name: embedded}} if embedded else {}),
        "sense": {
            "searches": searches(scale, list(layers), train, channels),
            "improvement": {"search": "polish", "tasks": [name]},
            "backpropagation": {"steps": scale.backpropagation_steps, "batch_size": 32, "records": 10},
        },
        "figures": {key: one for key, one in figures(name).items() if embedded or key != "embedding"},
    }


def _require_connections(images: str, layers: Mapping[str, int], sparsity: int) -> None:
    layer, size = min(layers.items(), key=lambda item: item[1])
    if round(size * sparsity / 100) == size:
        raise InputError(
            f"{images} are too small: layer {layer!r} of their network would have {size} weights, so none is left at "
            f"{sparsity} % zeros; make them larger with --size"
        )


def weights(chosen: dict[str, Any]) -> dict[str, int]:
    """Return how many weights each layer of a network has."""
    return {name: math.prod(shape) for name, shape in Architecture.from_dict(chosen).weight_shapes.items()}
