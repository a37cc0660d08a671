"""What a network takes pictures for: the class of each, by what margin, and the runner-up.

A network file says what its classes are called and how a picture becomes an input (``TernaryNetwork.data``). So files
of pictures are read here as those that the network learned from were, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from aann.datasets import pictures
from aann.errors import InputError
from aann.evaluation import plain
from aann.networks import TernaryNetwork
from aann.settings.datasets import ImagesSettings

_COLORS = (1, 3)
"""Channels of pictures."""
_AT_ONCE = 256
"""Pictures that are in memory together."""


@dataclass(frozen=True)
class Prediction:
    """The class of the largest logit, the lowest of equal ones; and the class of the next.

    ``margin`` is the difference of both logits, an integer. ``share`` is the margin in units of the input scale, as the
    paper's networks have it.
    """

    label: int
    name: str
    margin: int
    share: float
    runner_up: str


def predict(network: TernaryNetwork, images: np.ndarray | Sequence[Path | str]) -> np.ndarray:
    """Return the class of each image, int64; see ``aann.predict``."""
    if isinstance(images, np.ndarray):
        return plain.predictions(network, images)
    if isinstance(images, str | Path):
        raise InputError(f"images: are one path, {images}; expected a list of paths, or an array")
    if not (isinstance(images, Sequence) and all(isinstance(path, str | Path) for path in images)):
        raise InputError(f"images: are of type {type(images).__name__}; expected an array, or a list of paths")
    described, classes = reading(network), [np.zeros(0, np.int64)]
    for start in range(0, len(images), _AT_ONCE):
        inputs = [read(Path(path), described) for path in images[start : start + _AT_ONCE]]
        classes.append(plain.predictions(network, np.stack(inputs)))
    return np.concatenate(classes)


def look(
    network: TernaryNetwork, paths: Sequence[Path], described: ImagesSettings
) -> Iterator[tuple[Path, Prediction | InputError]]:
    """Yield for each file what the network takes its picture for, or why it cannot be read."""
    for start in range(0, len(paths), _AT_ONCE):
        chosen = paths[start : start + _AT_ONCE]
        found = [_try_to_read(path, described) for path in chosen]
        inputs = [image for image in found if isinstance(image, np.ndarray)]
        made = iter(predictions(network, np.stack(inputs)) if inputs else ())
        for path, image in zip(chosen, found, strict=True):
            yield path, image if isinstance(image, InputError) else next(made)


def predictions(network: TernaryNetwork, images: np.ndarray) -> list[Prediction]:
    """Return what the network takes each image for; raise ``InputError`` if the images do not fit it."""
    names = class_names(network)
    logits = plain.logits(network, images).astype(np.int64)
    made = []
    for row, order in zip(logits, np.argsort(-logits, axis=1, kind="stable").tolist(), strict=True):
        first, second = order[0], order[min(1, len(order) - 1)]
        margin = int(row[first] - row[second])
        runner_up = names[second] if second != first else ""
        made.append(Prediction(first, names[first], margin, margin / network.architecture.input_scale, runner_up))
    return made


def class_names(network: TernaryNetwork) -> list[str]:
    """Return the names of the classes; their numbers if the network does not say.

    Raises ``InputError`` if it has names for another number of classes.
    """
    count = network.architecture.classes
    names = network.data.get("classes") or [str(number) for number in range(count)]
    if len(names) != count:
        raise InputError(f"network: has {count} classes and names for {len(names)}; make it again")
    return [str(name) for name in names]


def reading(
    network: TernaryNetwork, size: tuple[int, int] | None = None, channels: int | None = None, where: str = "network"
) -> ImagesSettings:
    """Return how a picture becomes an input of the network: as it says itself, or in a size and channels given.

    Raises ``InputError``, which begins with ``where``, if the network does not say and nothing is given, if it takes no
    pictures, and if what is given does not fit it.
    """
    shape = network.architecture.input_shape
    given = {"size": size and list(size), "channels": channels}
    given = {key: value for key, value in given.items() if value is not None}
    said = network.data.get("input", {})
    if said is None or shape[0] not in _COLORS:
        raise InputError(f"{where}: takes no pictures; it was made for inputs of other kinds, of shape {shape}")
    if not said and len(given) < 2:
        raise InputError(
            f"{where}: does not say how its inputs are made, as files of older versions; if they are pictures, give "
            f"--size {shape[1]} {shape[2]} --channels {shape[0]} (in Python: network.described)"
        )
    values = {"centered": network.architecture.signed, **said, **given, "kind": "pictures"}
    try:
        described = ImagesSettings.model_validate({**values, "classes": max(2, network.architecture.classes)})
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"{where}: says {key} {values.get(key)!r} of its inputs; expected that of pictures") from error
    if tuple(described.shape) != tuple(shape):
        raise InputError(f"{where}: takes inputs of --size {shape[1]} {shape[2]} --channels {shape[0]}, and no others")
    return described


def read(path: Path, described: ImagesSettings) -> np.ndarray:
    """Return a picture as an input, of shape (channels, height, width); raise ``InputError`` if it cannot be read."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a picture, so name those in it, such as {path}/*.jpg")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; expected a picture (PNG, JPEG, WebP or BMP)")
    try:
        return pictures.centered(pictures.read(path, described), described)
    except pictures.UnreadableError as error:
        raise InputError(f"{path}: cannot be read as a picture ({error}); expected PNG, JPEG, WebP or BMP") from error


def _try_to_read(path: Path, described: ImagesSettings) -> np.ndarray | InputError:
    try:
        return read(path, described)
    except InputError as error:
        return error
