"""The formats of ``aann export``: each writes a network, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from aann.errors import InputError
from aann.evaluation import reference
from aann.export import onnx, packed, source
from aann.lineage import provenance, records
from aann.networks import TernaryNetwork

_SEED = 0
"""Draws the image of the test vector."""


def _write_c(network: TernaryNetwork, output: Path) -> None:
    """Write a folder with a test vector of one random image."""
    if output.is_file():
        raise InputError(f"{output}: is a file, and the format c is a folder; name another --output")
    architecture = network.architecture
    lowest = -architecture.input_scale if architecture.signed else 0
    random = np.random.default_rng(_SEED)
    image = random.integers(lowest, architecture.input_scale, architecture.input_shape, np.int64, endpoint=True)
    source.save(network, output, image, reference.logits(network, image[None])[0])


FORMATS: Mapping[str, Callable[[TernaryNetwork, Path], object]] = {
    "packed": packed.save,
    "c": _write_c,
    "onnx": onnx.save,
    "network": TernaryNetwork.save,
}
"""What writes a network, by the name of the format: a file, or a folder for c. ``network`` is what training wrote."""


def export(network: TernaryNetwork, path: Path, form: str, output: Path) -> None:
    """Write the network of a file in a format, and a record of what it came from beside it.

    The record of the format c is beside its header. Raises ``InputError`` if the format does not know the network, or
    if the output cannot be written.
    """
    FORMATS[form](network, output)
    main = output / source.HEADER if form == "c" else output
    records.write_beside(main, provenance.describe("aann.export.formats", [path], format=form))
