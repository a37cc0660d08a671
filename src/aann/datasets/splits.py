"""Training, validation and test images of a task: one file, recorded with hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import is_sealed, read_array_metadata, read_arrays, remedy, write_arrays
from aann.catalog import PARTS
from aann.errors import InputError
from aann.settings.datasets import DatasetSettings

SPLITS = PARTS


@dataclass(frozen=True)
class Images:
    """Images, uint8 or int8 of shape (images, channels, height, width), and their int64 labels."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray) -> Images:
        """Return the images at ``indices``."""
        return Images(self.images[indices], self.labels[indices])

    @property
    def sha256(self) -> str:
        """The SHA-256 of images and labels, in C order."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def describe(data: DatasetSettings) -> dict[str, Any]:
    """Return what the settings of a data set alone say of its images."""
    channels, height, width = data.shape
    made = {"size": [height, width], "channels": channels, "centered": data.signed, "fit": getattr(data, "fit", "crop")}
    return {"classes": data.class_names, "input": None if data.kind == "driving" else made}


def described(path: Path | str) -> dict[str, Any]:
    """Return what ``describe`` does, of splits that ``save`` wrote; nothing if they do not say."""
    data = read_array_metadata(path).get("data") or {}
    return {key: data[key] for key in ("classes", "input") if key in data}


def save(
    path: Path | str,
    splits: Mapping[str, Images],
    recorded: Mapping[str, Any],
    described: Mapping[str, Any] | None = None,
) -> None:
    """Write the splits as one safetensors file; the metadata has the number of images and a hash of each split.

    ``described`` is what ``describe`` returns, and more.
    """
    arrays = {}
    for name, images in splits.items():
        arrays[f"{name}.images"], arrays[f"{name}.labels"] = images.images, images.labels
    hashes = {name: {"images": len(images), "sha256": images.sha256} for name, images in splits.items()}
    write_arrays(path, arrays, {"splits": hashes, "data": dict(described or {}), "provenance": dict(recorded)})


def load(path: Path | str) -> dict[str, Images]:
    """Read what ``save`` wrote; raise ``InputError`` if a split is missing, or if the file is not what its seal says.

    If a copy has no seal, the hash of each split is compared.
    """
    arrays, metadata = read_arrays(path)
    sealed = is_sealed(path)
    splits = {}
    for name in SPLITS:
        try:
            splits[name] = Images(arrays[f"{name}.images"], arrays[f"{name}.labels"])
            expected = metadata["splits"][name]["sha256"]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{path}: holds no {name} images; expected the splits of a task, as 'aann datasets split' writes them"
            ) from error
        if not sealed and splits[name].sha256 != expected:
            raise InputError(f"{path}: its {name} images are damaged; {remedy(path)}")
    return splits
