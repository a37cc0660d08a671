"""Where data come from, and how they are split. Each kind of source is a module of this package that has its name.

A kind has two functions, and a third if it reads a folder whose files the settings do not name (see ``Source``). Its
settings are a model in ``aann.settings.datasets``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from aann.datasets import contents
from aann.datasets.splits import SPLITS, Images, describe, save
from aann.errors import AdvisedError, InputError
from aann.lineage import provenance
from aann.settings.datasets import DatasetSettings, ImagesSettings
from aann.settings.study import Settings


@dataclass
class Found:
    """What a source holds: splits by name, at least ``train``.

    ``classes`` are names that the data give. ``counts`` are recorded: how many images there were, how many files were
    passed over, and so on.
    """

    parts: dict[str, Images]
    classes: Sequence[str] | None = None
    counts: dict[str, int] = field(default_factory=dict)


class Source(Protocol):
    """What the module of a kind offers."""

    def read(self, data: Any, archives: Path) -> Found:
        """Return what a data set holds. ``archives`` is where archives are kept."""

    def files(self, data: Any, archives: Path) -> list[Path]:
        """Return the files that ``read`` reads, as far as the settings name them."""


def module_of(data: DatasetSettings) -> str:
    """Return the name of the module that reads a data set; raise ``InputError`` if it is driven."""
    if data.kind == "driving":
        raise InputError("data sets of kind 'driving' are recorded; make their splits with `driving split`")
    return f"aann.datasets.{data.kind}"


def _source(data: DatasetSettings) -> Source:
    return cast(Source, importlib.import_module(module_of(data)))


def files(data: DatasetSettings, archives: Path) -> list[Path]:
    """Return the files that a data set is read from; none if it is made here, or if it is a folder of any files."""
    return _source(data).files(data, archives)


def content(data: DatasetSettings, memory: Path | None = None) -> str:
    """Return the hash of the folder that a data set is read from; nothing for other kinds, or without the folder.

    With a file as ``memory``, only what changed since the last call is read.
    """
    listing = getattr(_source(data), "listing", None)
    if listing is None:
        return ""
    folder, found = listing(data)
    return contents.digest(folder, found, memory)


def content_of(settings: Settings, task: str, memory: Path) -> str:
    """Return ``content`` of the data set of a task."""
    return content(settings.dataset(task), memory)


def make(settings: Settings, task: str, archives: Path | None, output: Path) -> None:
    """Split the data set of a task, and write the splits. Raises ``InputError`` as ``split`` does."""
    name, data = settings.task(task).dataset, settings.dataset(task)
    place = archives or Path(settings.downloads.folder)
    before = content(data)
    made, described = split(name, data, place)
    part = settings.part("datasets", task)
    recorded = provenance.describe(module_of(data), files(data, place), part, task=task, content=content(data))
    if before and recorded["content"] != before:
        raise InputError(f"datasets.{name}: its files changed while they were read; run again")
    save(output, made, recorded, described)


def split(name: str, data: Any, archives: Path) -> tuple[dict[str, Images], dict[str, Any]]:
    """Return the splits of a data set, which the settings call ``name``, and a description of its images.

    Splits are train, validation and test. Test and validation images are the data set's own, or else drawn from the
    others by seed. The description has the names of the ``classes``, the ``input`` (how an image becomes what a network
    sees; None if it is no image) and ``counts``. Warns of images that are in two splits.

    Raises ``InputError`` if there are too few images, and if the data are not what their settings say.
    """
    return divide(f"datasets.{name}", data, read(data, archives))


def read(data: DatasetSettings, archives: Path) -> Found:
    """Return what a data set holds, before it is split; raise ``InputError`` if it cannot be read."""
    return _source(data).read(data, archives)


def divide(place: str, data: Any, found: Found) -> tuple[dict[str, Images], dict[str, Any]]:
    """Return the splits of what was found, and a description; see ``split``. Messages call the data ``place``."""
    classes = _classes(place, data, found)
    for part in ("test", "validation"):
        if part not in found.parts:
            found.parts["train"], found.parts[part] = _set_aside(found.parts["train"], data, part, place, classes)
    parts = {part: found.parts[part] for part in SPLITS}
    _require_as_described(place, data, parts, classes)
    if found.counts.get("unreadable"):
        print(f"warning: {place}: {found.counts['unreadable']} images cannot be read; skipped", file=sys.stderr)
    counts = {**found.counts, **_repeated(place, parts)}
    return parts, describe(data) | {"classes": list(classes), "counts": counts}


def _classes(place: str, data: DatasetSettings, found: Found) -> Sequence[str]:
    """Return the names of the classes; raise ``InputError`` if data and settings disagree."""
    known = getattr(data, "classes", data.class_names)
    if found.classes is None:
        return data.class_names
    agree = len(found.classes) == known if isinstance(known, int) else list(found.classes) == known
    if not agree:
        raise InputError(
            f"{place}: classes: the data have {len(found.classes)} classes ({_listed(found.classes)}), "
            f"the setting has {known if isinstance(known, int) else _listed(known)}; make it equal"
        )
    return found.classes


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:12], *(["..."] if len(names) > 12 else [])])


def _set_aside(
    images: Images, data: DatasetSettings, part: str, place: str, classes: Sequence[str]
) -> tuple[Images, Images]:
    """Return the other images, and those drawn for a part: a share of each class, or a number of images.

    A number is divided into equal shares of every class, which differ by at most 1.
    """
    random = np.random.default_rng(data.seed)  # type: ignore[attr-defined]
    key = f"{part}_share" if isinstance(data, ImagesSettings) else f"{part}_images"
    chosen, beside = [], " beside its test images" if part == "validation" else ""
    for label, members, share in _shares(images.labels, getattr(data, key)):
        if share >= len(members):
            raise AdvisedError(
                f"{place}: {key}: {getattr(data, key):g} of the images need {share} of class "
                f"{classes[label]!r}, which has {len(members)}{beside}",
                "choose fewer, or add images to the class",
                "add images to the class",
            )
        chosen.append(random.choice(members, share, replace=False))
    aside = np.zeros(len(images), bool)
    aside[np.concatenate(chosen)] = True
    return images.take(np.flatnonzero(~aside)), images.take(np.flatnonzero(aside))


def _shares(labels: np.ndarray, amount: float) -> list[tuple[int, np.ndarray, int]]:
    """Return every class, its images, and how many of them are set aside."""
    present = np.unique(labels)
    members = [np.flatnonzero(labels == label) for label in present]
    if isinstance(amount, float):
        shares = [max(1, round(amount * len(each))) for each in members]
    else:
        shares = [amount // len(present) + (index < amount % len(present)) for index in range(len(present))]
    return list(zip(present.tolist(), members, shares, strict=True))


def _require_as_described(
    place: str, data: DatasetSettings, parts: Mapping[str, Images], classes: Sequence[str]
) -> None:
    """Raise ``InputError`` unless images and labels are those of the settings, and every class is learned."""
    for part, images in parts.items():
        if len(images) == 0 or list(images.images.shape[1:]) != data.shape:
            raise InputError(
                f"{place}: its {part} images have shape {images.images.shape}, expected 1 or more of "
                f"{tuple(data.shape)}"
            )
        if images.labels.min() < 0 or images.labels.max() >= len(classes):
            raise InputError(
                f"{place}: classes: the {part} labels are {images.labels.min()} to {images.labels.max()}, "
                f"expected 0 to {len(classes) - 1}, since it has {len(classes)} classes"
            )
    absent = np.flatnonzero(np.bincount(parts["train"].labels, minlength=len(classes)) == 0)
    if len(absent):
        raise InputError(
            f"{place}: classes: no training image is of class {absent[0]} ({classes[absent[0]]!r}); expected "
            f"some of each of the {len(classes)} classes"
        )


def _repeated(place: str, parts: Mapping[str, Images]) -> dict[str, int]:
    """Return how many images of a split are in an earlier one, too; say so if there are any."""
    known: set[bytes] = set()
    counts = {}
    for part, images in parts.items():
        seen = [blake2b(np.ascontiguousarray(image).data, digest_size=16).digest() for image in images.images]
        counts[part] = sum(one in known for one in seen)
        known.update(seen)
    found = {f"repeated_in_{part}": count for part, count in counts.items() if count}
    for part, count in counts.items():
        if count:
            print(
                f"warning: {place}: {count} of {len(parts[part])} {part} images are in an earlier split, too; "
                "what they measure is memory, so keep such images in one split",
                file=sys.stderr,
            )
    return found
