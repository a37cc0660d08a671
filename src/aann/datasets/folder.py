"""A folder of images: a sub-folder a class, in folders of splits, if any (``SPLIT_NAMES``).

Below the folder of a class, images may be in folders of their own. Hidden files, and files that are no PNG, JPEG, WebP
or BMP by their names, are passed over and counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from aann.catalog import PARTS, SPLIT_NAMES
from aann.datasets.pictures import ENDINGS, Pictures
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.settings.datasets import FolderDataSettings

_SHOWN = 5
"""Names of folders that a message lists."""

_EXPECTED = "expected a sub-folder for each class, with PNG, JPEG, WebP or BMP files"


@dataclass
class _Tree:
    """Images by split and class, and how many other files there are."""

    parts: dict[str, dict[str, list[Path]]]
    passed_over: int = 0


def read(data: FolderDataSettings, archives: Path) -> Found:
    """Return the images of a folder; raise ``InputError`` that names what is wrong in it."""
    root = Path(data.folder)
    tree = _scan(root)
    if not tree.parts["train"]:
        raise InputError(f"{root}: holds no folders; {_EXPECTED}")
    classes = _ordered(data, [*tree.parts["train"]])
    counts = {"images": 0, "passed_over": tree.passed_over, "unreadable": 0}
    parts = {part: _read_part(data, root, part, tree, classes, counts) for part in tree.parts}
    return Found(parts, classes, counts)


def files(data: FolderDataSettings, archives: Path) -> list[Path]:
    """Return no files, since they are too many to name; ``listing`` has them."""
    return []


def listing(data: FolderDataSettings) -> tuple[Path, list[Path]]:
    """Return the folder and all its images; none if it is not there."""
    root = Path(data.folder)
    parts = _scan(root).parts.values() if root.is_dir() else ()
    return root, [path for classes in parts for paths in classes.values() for path in paths]


def _scan(root: Path) -> _Tree:
    try:
        folders, passed = _folders(root)
        tree = _Tree({"train": {}}, passed)
        splits = _splits(root, folders)
        if not splits:
            _add(tree, "train", folders)
        for part, folder in splits.items():
            below, passed = _folders(folder)
            tree.passed_over += passed
            _add(tree, part, below)
        return tree
    except OSError as error:
        raise InputError(f"{error.filename or root}: cannot be read ({error.strerror}); {_EXPECTED}") from error


def _splits(root: Path, folders: Sequence[Path]) -> dict[str, Path]:
    """Return the folders that are splits; none if all are classes, which may have such names if they hold no folders.

    Raises ``InputError`` if there are classes beside splits, no training images, or two folders of one split.
    """
    named = [folder for folder in folders if folder.name.casefold() in SPLIT_NAMES]
    others = [folder.name for folder in folders if folder not in named]
    if not named or (others and not any(_folders(folder)[0] for folder in named)):
        return {}
    found = ", ".join(folder.name for folder in named)
    if others:
        raise InputError(
            f"{root}: has folders of splits ({found}) beside others ({', '.join(others[:_SHOWN])}); expected only "
            "train, validation and test, each with a sub-folder for each class; move or rename the others"
        )
    splits: dict[str, Path] = {}
    for folder in named:
        part = SPLIT_NAMES[folder.name.casefold()]
        if part in splits:
            raise InputError(f"{root}: has two folders of {part} images; put them into one")
        splits[part] = folder
    if "train" not in splits:
        raise InputError(
            f"{root}: has folders of splits ({found}), and none of training images; expected train beside them; add it"
        )
    return {part: splits[part] for part in PARTS if part in splits}


def _add(tree: _Tree, part: str, folders: list[Path]) -> None:
    """Add the images below the folders of classes."""
    tree.parts[part] = {}
    for folder in folders:
        found: list[Path] = []
        for place, below, names in os.walk(folder):
            below[:] = sorted(name for name in below if not _is_hidden(name))
            images = sorted(name for name in names if not _is_hidden(name) and Path(name).suffix.lower() in ENDINGS)
            tree.passed_over += len(names) - len(images)
            found += [Path(place, name) for name in images]
        tree.parts[part][folder.name] = found


def _folders(folder: Path) -> tuple[list[Path], int]:
    """Return the folders in a folder, and how many other files there are."""
    inside = sorted(folder.iterdir())
    folders = [path for path in inside if path.is_dir() and not _is_hidden(path.name)]
    return folders, sum(path.is_file() for path in inside)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _ordered(data: FolderDataSettings, names: list[str]) -> list[str]:
    """Return classes in the order of the settings or, without, of their names; numbers by their value."""
    if isinstance(data.classes, list) and {*data.classes} == {*names}:
        return data.classes
    return sorted(names, key=int) if all(name.isdecimal() for name in names) else sorted(names)


def _read_part(
    data: FolderDataSettings, root: Path, part: str, tree: _Tree, classes: list[str], counts: dict[str, int]
) -> Images:
    found = tree.parts[part]
    empty = [name for name, paths in found.items() if not paths and part == "train"]
    unknown = [name for name in found if name not in classes]
    if empty:
        raise InputError(f"{root}: class {empty[0]!r} has no {part} images; {_EXPECTED}")
    if unknown:
        raise InputError(f"{root}: class {unknown[0]!r} has {part} images and no training images; add some")
    pictures = Pictures(sum(map(len, found.values())), data, data.skip_unreadable)
    rows = [(path, label) for label, name in enumerate(classes) for path in found.get(name, ())]
    for path, label in tqdm(rows, unit=" images", mininterval=5, desc=part):
        pictures.add(path, label, str(path))
    counts["images"] += len(rows) - pictures.unreadable
    counts["unreadable"] += pictures.unreadable
    return pictures.images()
