"""Training, validation and test images of a task: one file, recorded with hashes."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from aann.artifacts import is_sealed, read_arrays, write_arrays
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


class Source(Protocol):
    """What a module of this package offers that reads data sets of a kind; it has the kind's name."""

    def read(self, data: Any, archives: Path) -> dict[str, Images]:
        """Return the splits that the data have, at least ``train``. ``archives`` is where archives are kept."""

    def files(self, data: Any, archives: Path) -> list[Path]:
        """Return the files that ``read`` reads."""


def module_of(data: DatasetSettings) -> str:
    """Return the name of the module that reads a data set; raise ``InputError`` if it is driven."""
    if data.kind == "driving":
        raise InputError("data sets of kind 'driving' are recorded; make their splits with `driving split`")
    return f"aann.datasets.{data.kind}"


def _source(data: DatasetSettings) -> Source:
    return cast(Source, importlib.import_module(module_of(data)))


def make(settings: Settings, task: str, archives: Path | None, output: Path) -> None:
    """Split the data set of a task, and write the splits. Raises ``InputError`` as ``split`` does."""
    name, data = settings.task(task).dataset, settings.dataset(task)
    place = archives or Path(settings.downloads.folder)
    made = split(name, data, place)
    recorded = provenance.describe(module_of(data), files(data, place), settings.part("datasets", task), task=task)
    save(output, made, recorded)


def files(data: DatasetSettings, archives: Path) -> list[Path]:
    """Return the files that a data set is read from; none if it is made here."""
    return _source(data).files(data, archives)


def split(name: str, data: Any, archives: Path) -> dict[str, Images]:
    """Return the splits of a data set, which the settings call ``name``: train, validation and test.

    Test and validation images are the data set's own, or else are drawn from the others by seed, equally many of each
    class (or one more). Raises ``InputError`` if there are too few, and if the data are not what their settings say.
    """
    found = _source(data).read(data, archives)
    for aside in ("test", "validation"):
        if aside not in found:
            key = f"{aside}_images"
            drawn = _set_aside(found["train"], getattr(data, key), data.seed, f"datasets.{name}.{key}")
            found["train"], found[aside] = drawn
    return {part: found[part] for part in SPLITS}


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
