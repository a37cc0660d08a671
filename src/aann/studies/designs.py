"""A study that fits data: the network, how it is trained, and what is looked at. Scales say how much of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from aann.studies.looking import Seen


@dataclass(frozen=True)
class Scale:
    """How much of everything. Steps are minibatches; epochs follow from the number of training images."""

    sparsities: tuple[int, ...]
    seeds: tuple[int, ...]
    dense_steps: int
    sparsify_steps: int
    binary_steps: int
    last_layer_epochs: int
    neighbors: int
    embedded: int
    greedy_evaluations: int
    polish_evaluations: int
    backpropagation_steps: int


SCALES = {
    # about 10 minutes on 2 cores for 2,000 images of 32 x 32
    "quick": Scale(
        sparsities=(0, 80, 90, 95),
        seeds=(0, 1),
        dense_steps=3000,
        sparsify_steps=2000,
        binary_steps=2200,
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

_FEW = 5000
"""Training images; with fewer, minibatches are small."""


def network(channels: int, height: int, width: int, classes: int) -> dict[str, Any]:
    """Return a network for images: the paper's for small grey ones, and another layer and more filters for colors."""
    filters = [16, 32] if channels == 1 else [32, 64, 64]
    if min(height, width) > 48:
        filters = [*filters, 64][:3]
    side, layers = min(height, width), []
    for number, count in enumerate(filters, 1):
        if side < 4:
            break
        kernel = 5 if side >= 12 and number < 3 else 3
        layer = {"type": "convolution", "name": f"{number}.0", "filters": count, "kernel": kernel}
        layers.append({**layer, "padding": kernel // 2, "pool": 2})
        side //= 2
    last = {"type": "dense", "name": "fc", "units": classes}
    return {"input_shape": [channels, height, width], "layers": [*layers, last]}


def training(scale: Scale, images: int, side: int) -> dict[str, Any]:
    """Return the settings of p-SIREN for so many training images."""
    batch = 32 if images < _FEW else 64
    learning_rate = 0.003 if images < _FEW else 0.005

    def epochs(steps: int) -> float:
        found = steps * batch / images
        return max(1.0, float(round(found))) if found >= 1 else round(found, 2)

    return {
        "batch_size": batch,
        "shift": 2 if side >= 24 else 1,
        "dense": {"epochs": epochs(scale.dense_steps), "learning_rate": learning_rate},
        "sparsify": {
            "epochs": epochs(scale.sparsify_steps),
            "learning_rate": learning_rate,
            "interval": max(1, min(20, scale.sparsify_steps // 200)),
        },
        "fine_tune": {"epochs": epochs(scale.dense_steps // 5)},
        "binary": {"epochs": epochs(scale.binary_steps), "last_layer_epochs": scale.last_layer_epochs},
    }


def searches(scale: Scale, layers: list[str], images: int) -> dict[str, Any]:
    """Return a search for random starts, and one for networks that are trained: in the last two layers."""
    names = layers[-2:]
    neighbors = dict(zip(names, (2304, 16_384)[-len(names) :], strict=True))
    shared = {
        "strategy": {"kind": "greedy", "most": 32},
        "objective": "margins",
        "images": {"count": min(images, 25_000) if images > 25_000 else "all", "shift": 1, "refresh": 60},
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


def study(name: str, seen: Seen, scale: Scale) -> dict[str, Any]:
    """Return the settings of a study of data, section by section."""
    channels, (height, width) = seen.entry["channels"], seen.entry["size"]
    chosen = network(channels, height, width, len(seen.classes))
    layers = [layer["name"] for layer in chosen["layers"]]
    train = int(seen.counts["train"].sum())
    few = max(5, min(30, scale.embedded // 10))
    return {
        "scale": name,
        "standalone": True,
        "datasets": {name: {**seen.entry, "title": name.replace("-", " ").replace("_", " ").capitalize()}},
        "networks": {"small": chosen},
        "tasks": {
            name: {
                "dataset": name,
                "network": "small",
                "sparsities": list(scale.sparsities),
                "seeds": list(scale.seeds),
            }
        },
        "psiren": training(scale, train, min(height, width)),
        "neighbors": {
            name: {
                "sparsities": [FOCUS],
                "first": dict.fromkeys(layers, scale.neighbors),
                "others": dict.fromkeys(layers, max(1, scale.neighbors // 4)),
            }
        },
        "embeddings": {
            name: {
                "sparsity": FOCUS,
                "layers": [layers[-1]],
                "count": scale.embedded,
                "seeds": [0],
                "isomap": {"n_neighbors": few},
                "lle": {"n_neighbors": few},
            }
        },
        "sense": {
            "searches": searches(scale, layers, train),
            "improvement": {"search": "polish", "tasks": [name]},
            "backpropagation": {"steps": scale.backpropagation_steps, "batch_size": 32, "records": 10},
        },
        "figures": figures(name),
    }


def weights(chosen: dict[str, Any]) -> int:
    """Return how many weights a network has."""
    from aann.networks import Architecture

    return sum(math.prod(shape) for shape in Architecture.from_dict(chosen).weight_shapes.values())
