"""Training, validation and test images of a task: one file, recorded with hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import is_sealed, read_arrays, write_arrays
from aann.datasets import archives, embedded
from aann.errors import InputError
from aann.lineage import provenance
from aann.settings.datasets import DatasetSettings
from aann.settings.study import Settings

SPLITS = ("train", "validation", "test")


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


def make(settings: Settings, task: str, archives_folder: Path, output: Path) -> None:
    """Split the data set of a task, and write the splits. Raises ``InputError`` as ``split`` does."""
    dataset = settings.task(task).dataset
    made = split(dataset, settings.datasets, archives_folder)
    inputs = sources(dataset, archives_folder)
    recorded = provenance.describe("aann.datasets.splits", inputs, settings.part("datasets", task), task=task)
    save(output, made, recorded)


def split(dataset: str, settings: DatasetSettings, folder: Path) -> dict[str, Images]:
    """Return the splits of a data set by name: train, validation and test. ``folder`` holds the archives, if any.

    The test images are the data set's own (for data sets made here, drawn by seed). Validation images are drawn from
    the training images by seed, equally many of each class (or one more). Raises ``InputError`` if there are too few.
    """
    if dataset in archives.DATASETS:
        train_images, train_labels, *rest = archives.load(dataset, folder)
        train, test = Images(train_images, train_labels), Images(*rest)
    else:
        everything = Images(*embedded.load(dataset, settings.letters, settings.seed))
        train, test = _set_aside(everything, settings.test_images, settings.seed, "datasets.test_images")
    train, validation = _set_aside(train, settings.validation_images, settings.seed, "datasets.validation_images")
    return {"train": train, "validation": validation, "test": test}


def sources(dataset: str, folder: Path) -> list[Path]:
    """Return the files that ``split`` reads: the archives of a downloaded data set, or none."""
    if dataset not in archives.DATASETS:
        return []
    return [folder / name for name in archives.FILES]


def _set_aside(images: Images, count: int, seed: int, setting: str) -> tuple[Images, Images]:
    """Return the other images, and ``count`` drawn with equal shares of every class (differing by at most 1)."""
    random = np.random.default_rng(seed)
    classes = np.unique(images.labels)
    shares = count // len(classes) + (np.arange(len(classes)) < count % len(classes))
    chosen = []
    for label, share in zip(classes, shares, strict=True):
        members = np.flatnonzero(images.labels == label)
        if share >= len(members):
            raise InputError(
                f"setting '{setting}': {count} images need {share} of class {label}, which has {len(members)}; "
                "choose fewer"
            )
        chosen.append(random.choice(members, share, replace=False))
    aside = np.zeros(len(images), bool)
    aside[np.concatenate(chosen)] = True
    return images.take(np.flatnonzero(~aside)), images.take(np.flatnonzero(aside))


def save(path: Path | str, splits: Mapping[str, Images], recorded: Mapping[str, Any]) -> None:
    """Write the splits as one safetensors file; the metadata has the number of images and a hash of each split."""
    arrays = {}
    for name, images in splits.items():
        arrays[f"{name}.images"], arrays[f"{name}.labels"] = images.images, images.labels
    hashes = {name: {"images": len(images), "sha256": images.sha256} for name, images in splits.items()}
    write_arrays(path, arrays, {"splits": hashes, "provenance": dict(recorded)})


def load(path: Path | str) -> dict[str, Images]:
    """Read what ``save`` wrote; raise ``InputError`` if a split is missing, or if the file is not what its seal says.

    Of a copy without a seal, the hash of each split is compared.
    """
    arrays, metadata = read_arrays(path)
    sealed = is_sealed(path)
    splits = {}
    for name in SPLITS:
        try:
            splits[name] = Images(arrays[f"{name}.images"], arrays[f"{name}.labels"])
            expected = metadata["splits"][name]["sha256"]
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: holds no {name} images; delete it and run again to rebuild it") from error
        if not sealed and splits[name].sha256 != expected:
            raise InputError(f"{path}: its {name} images are damaged; delete it and run again to rebuild it")
    return splits
