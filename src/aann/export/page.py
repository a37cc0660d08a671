"""A page on which a visitor draws for a network and moves its connections: one file, without network access.

The page computes in the integers of the package, by ``page/engine.js``, over the first test images. It keeps all sums
of all images, so that a moved connection changes only what it reaches.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import atomic_path, to_json
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation.inputs import check_images, check_labels
from aann.export import source
from aann.networks import TernaryNetwork

FOLDER = Path(__file__).parent / "page"

IMAGES = 1000
"""Test images on a page, at most."""

_LARGEST = 1_000_000
"""Bytes of all images on a page, before base64."""


def save(network: TernaryNetwork, test: Images, path: Path | str) -> None:
    """Write a page of a network and the first test images.

    Raises ``InputError`` if nobody can draw inputs of the network (several channels, or signed ones), if the images do
    not fit it, and as ``source.save`` does.
    """
    content = page(network, test)
    with atomic_path(path) as temporary:
        temporary.write_text(content, encoding="utf-8")


def page(network: TernaryNetwork, test: Images) -> str:
    """Return the content of a page; raise ``InputError`` as ``save`` does."""
    architecture = network.architecture
    if architecture.input_shape[0] != 1 or architecture.signed:
        raise InputError(
            f"network: takes inputs of shape {architecture.input_shape}"
            f"{' that may be negative' if architecture.signed else ''}; a page needs grey ones, to draw on"
        )
    check_images(architecture, test.images)
    check_labels(architecture, test.images, test.labels)
    count = min(IMAGES, len(test.images), max(1, _LARGEST // test.images[0].nbytes))
    described = to_json(_study(network, test.images[:count], test.labels[:count])).replace("<", "\\u003c")
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in ("engine.js", "explorer.js"))
    template = (FOLDER / "explorer.html").read_text(encoding="utf-8")
    before, between, after = template.replace("@script@", "@study@").split("@study@")
    return before + described + between + script + after


def _study(network: TernaryNetwork, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    architecture = network.architecture
    kind = np.dtype(np.uint8 if architecture.input_scale < 2**8 else "<i2")
    names = network.data.get("classes") or [str(number) for number in range(architecture.classes)]
    return {
        "size": list(architecture.input_shape[1:]),
        "scale": architecture.input_scale,
        "classes": [str(name) for name in names],
        "layers": [_layer(network, fields) for fields in source.fields(network)],
        "bytes": kind.itemsize,
        "images": _text(images.astype(kind)),
        "labels": _text(labels.astype("<u2")),
    }


def _layer(network: TernaryNetwork, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a layer, its weights, the bits of its sums, and what a menu says about it.

    Connections move from unit to unit, so a unit may come to have as many as there are places or connections.
    """
    weights = network.weights[fields["name"]]
    connections = int(np.count_nonzero(weights))
    most = network.architecture.input_scale * min(connections, weights[0].size)
    return {
        **fields,
        "bits": 16 if most < 2**15 else 32,
        "content": _text(weights),
        "words": f"{connections:,} connections at {weights.size:,} places",
    }


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
