"""Data sets of torchvision whose items are an image and a class.

torchvision checks the files of its own data sets by their MD5 sums. It unpickles those of some (such as CIFAR-10) after
that: give it no folder that others can write to.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aann.datasets.pictures import centered, fitted, room
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.settings.datasets import TorchvisionDataSettings

_SPLITS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
"""What torchvision's classes call splits."""


def read(data: TorchvisionDataSettings, archives: Path) -> Found:
    """Return the images of a class of torchvision; classes without training images are left out.

    Raises ``InputError`` if there is no such class, if its files are not there, or if its items are other things.
    """
    made = _class(data)
    parts: dict[str, Images] = {}
    names: list[str] = []
    for part, options in _parts(made, data).items():
        items = _load(made, data, options)
        names = list(getattr(items, "classes", None) or names)
        parts[part] = _read_part(items, data)
    present = np.unique(parts["train"].labels)
    chosen = {part: _renumbered(images, present, data) for part, images in parts.items()}
    known = [str(names[label]) for label in present] if present.max() < len(names) else None
    return Found(chosen, known, {"images": sum(map(len, chosen.values()))})


def files(data: TorchvisionDataSettings, archives: Path) -> list[Path]:
    """Return no files, since torchvision knows which they are; ``listing`` has them."""
    return []


def listing(data: TorchvisionDataSettings) -> tuple[Path, list[Path]]:
    """Return the folder and its files; none if torchvision may download them, since it checks them then."""
    root = Path(data.root)
    return root, [] if data.download else sorted(path for path in root.rglob("*") if path.is_file())


def _where(data: TorchvisionDataSettings) -> str:
    return f"torchvision.datasets.{data.dataset}"


def _class(data: TorchvisionDataSettings) -> Any:
    from torchvision import datasets

    found = getattr(datasets, data.dataset, None)
    if not inspect.isclass(found):
        raise InputError(f"{_where(data)}: there is no such class; expected one such as CIFAR10, SVHN or EMNIST")
    return found


def _parts(made: Any, data: TorchvisionDataSettings) -> dict[str, dict[str, Any]]:
    """Return the splits of a class, and what it takes to get each."""
    takes = inspect.signature(made).parameters
    if "train" in takes:
        return {"train": {"train": True}, "test": {"train": False}}
    if "split" in takes and "split" not in data.options:
        known = {word for words in _SPLITS.values() for word in words}
        allowed = {word for word in known if f"'{word}'" in str(takes["split"].annotation)} or {"train", "test"}
        names = {part: [word for word in words if word in allowed] for part, words in _SPLITS.items()}
        return {part: {"split": words[0]} for part, words in names.items() if words}
    return {"train": {}}


def _load(made: Any, data: TorchvisionDataSettings, options: dict[str, Any]) -> Any:
    takes = inspect.signature(made).parameters
    wanted = {**data.options, **options, **({"download": True} if data.download else {})}
    unknown = [name for name in wanted if name not in takes]
    if unknown:
        raise InputError(f"{_where(data)}: takes no {unknown[0]!r}; it takes {', '.join(takes)}")
    try:
        return made(data.root, **wanted)
    except Exception as error:  # of any kind: torchvision's classes raise what they meet
        reason = " ".join(str(error).split())
        raise InputError(
            f"{_where(data)}: cannot be read from {data.root} ({reason}); name the folder that holds it, or let it be "
            "fetched there with download: true"
        ) from error


def _read_part(items: Any, data: TorchvisionDataSettings) -> Images:
    images, labels = room(len(items), data), np.empty(len(items), np.int64)
    for index in range(len(items)):
        item = items[index]
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], Image.Image)):
            raise InputError(f"{_where(data)}: its items are no pairs of an image and a class; choose another")
        try:
            images[index], labels[index] = fitted(item[0], data), int(item[1])
        except (TypeError, ValueError) as error:
            raise InputError(f"{_where(data)}: item {index} has no class ({error}); choose another") from error
    return Images(images, labels)


def _renumbered(images: Images, present: np.ndarray, data: TorchvisionDataSettings) -> Images:
    """Return images of the classes that are present, which are numbered in their order."""
    kept = np.isin(images.labels, present)
    chosen = images if kept.all() else images.take(np.flatnonzero(kept))
    return Images(centered(chosen.images, data), np.searchsorted(present, chosen.labels).astype(np.int64))
