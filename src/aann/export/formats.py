"""The formats of ``aann export``: each writes a network, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from aann.datasets import splits
from aann.errors import InputError
from aann.evaluation import plain
from aann.export import files, onnx, packed, page, source
from aann.lineage import provenance, records
from aann.networks import TernaryNetwork

_SEED = 0
"""Draws the image of the test vector."""


def _write_c(network: TernaryNetwork, output: Path) -> None:
    """Write a folder with a test vector of one random image."""
    if output.is_file():
        raise InputError(f"{output}: is a file, and the format c is a folder; name another --output")
    architecture = network.architecture
    random, shape = np.random.default_rng(_SEED), architecture.input_shape
    image = random.integers(*architecture.input_range, shape, np.int64, endpoint=True)
    source.save(network, output, image, plain.logits(network, image[None])[0])


FORMATS: Mapping[str, Callable[[TernaryNetwork, Path], object]] = {
    "packed": packed.save,
    "c": _write_c,
    "onnx": onnx.save,
    "network": TernaryNetwork.save,
}
"""What writes a network, by the name of the format: a file, or a folder for c. ``network`` is what training wrote."""

PAGE = "page"
"""The format that needs test images, too."""


def export(path: Path, form: str, output: Path, data: Path | None = None) -> None:
    """Write the network of a file in a format, and a record of what it came from beside it.

    ``data`` are splits of a task, whose test images a page shows. The record of the format c is beside its header.
    Raises ``InputError`` if the file holds no network, if the format does not know it, if a page has no data or another
    format has, or if the output cannot be written.
    """
    network = files.load(path)
    if (form == PAGE) != (data is not None):
        raise InputError("--data: a page needs the splits of a task, and no other format takes them")
    if data is None:
        FORMATS[form](network, output)
    else:
        page.save(network, splits.load(data)["test"], output)
    main = output / source.HEADER if form == "c" else output
    inputs = [path] if data is None else [path, data]
    records.write_beside(main, provenance.describe("aann.export.formats", inputs, format=form))
