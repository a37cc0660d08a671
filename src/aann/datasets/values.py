"""Arrays of images and labels, as users have them, made into those of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from aann.catalog import BRIGHTEST
from aann.datasets.pictures import centered, fitted, room
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.errors import AdvisedError, InputError
from aann.settings.datasets import MOST_CLASSES, ImagesSettings

_DEEP = 65_535
"""White in 16 bits."""
_SCALES = f"0 to 1, 0 to {BRIGHTEST}, or whole numbers to {_DEEP}"
_AT_ONCE = 1000
_CHANNELS = (1, 3, 4)


def found(pairs: Mapping[str, tuple[Any, Any]], data: ImagesSettings, axis: str, where: str) -> Found:
    """Return what arrays hold: images and labels by split, which are anything that NumPy takes for arrays.

    Images are whole numbers from 0 to 255 (or to 65,535 in 16 bits), or fractions from 0 to 1; ``axis`` says which of
    their axes has the channels. Raises ``InputError`` that says where something else is.
    """
    arrays = {part: _array(images, f"{where}: {part} images") for part, (images, _) in pairs.items()}
    scale = _scale(arrays, where)
    parts = {}
    numbers, names = classes_of({part: labels for part, (_, labels) in pairs.items()}, data, where)
    for part, images in arrays.items():
        if len(numbers[part]) != len(images):
            raise InputError(f"{where}: has {len(numbers[part])} {part} labels for {len(images)} images")
        made = _bytes(_channels_last(images, axis, f"{where}: {part} images"), scale, data)
        parts[part] = Images(centered(made, data), numbers[part])
    return Found(parts, names, {"images": sum(map(len, parts.values()))})


def _array(values: Any, where: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{where}: are no array ({' '.join(str(error).split())}); expected numbers") from error
    if array.dtype.kind not in "buif":
        raise InputError(f"{where}: have type {array.dtype}, expected numbers")
    if array.ndim < 3 or array.size == 0:
        raise InputError(
            f"{where}: have shape {array.shape}, expected (images, height, width), with channels after or before"
        )
    return array


def _chunks(images: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(images), _AT_ONCE):
        yield start, images[start : start + _AT_ONCE]


def _scale(arrays: Mapping[str, np.ndarray], where: str) -> float:
    """Return by what images are multiplied, so that white is 255: the same in all splits. Black ones fit any scale.

    Raises ``InputError`` that names two splits whose scales differ.
    """
    ranges = {part: _range(images, f"{where}: {part} images") for part, images in arrays.items()}
    scales = {
        part: _white(found, arrays[part].dtype, f"{where}: {part} images")
        for part, found in ranges.items()
        if found != (0, 0)
    }
    first = next(iter(scales), "")
    for part, scale in scales.items():
        if scale != scales[first]:
            one, other = (_described(name, arrays[name].dtype, ranges[name]) for name in (first, part))
            raise InputError(
                f"{where}: {one}, and {other}; expected one scale in all splits, so multiply or divide one of them "
                f"({_SCALES})"
            )
    return scales.get(first, 1.0)


def _described(part: str, kind: np.dtype, found: tuple[float, float]) -> str:
    return f"{part} images ({kind}) hold numbers from {found[0]:g} to {found[1]:g}"


def _range(images: np.ndarray, where: str) -> tuple[float, float]:
    """Return the smallest and the largest number in images; raise ``InputError`` for NaN."""
    chunks = [chunk for _, chunk in _chunks(images)]
    low, high = (float(limit([limit(chunk) for chunk in chunks])) for limit in (np.min, np.max))
    if np.isnan(low):
        raise InputError(f"{where} hold NaN; expected numbers from 0 to 1, or from 0 to {BRIGHTEST}")
    return low, high


def _white(found: tuple[float, float], kind: np.dtype, where: str) -> float:
    """Return by what images of a range and type are multiplied, so that white is 255."""
    low, high = found
    if low >= 0 and high * BRIGHTEST < BRIGHTEST + 0.5:  # a fraction that was rounded may be above 1
        return float(BRIGHTEST)
    if low >= 0 and high <= BRIGHTEST:
        return 1.0
    if low >= 0 and high <= _DEEP and kind.kind in "ui":
        return BRIGHTEST / _DEEP
    raise InputError(f"{where} hold numbers from {low:g} to {high:g}; expected {_SCALES}")


def _channels_last(images: np.ndarray, axis: str, where: str) -> np.ndarray:
    """Return images of shape (images, height, width, channels)."""
    if images.ndim == 3:
        return images[..., None]
    if images.ndim == 4:
        last = images.shape[3] in _CHANNELS and axis != "first"
        first = images.shape[1] in _CHANNELS and axis != "last"
        if last and first:
            raise AdvisedError(
                f"{where}: have shape {images.shape}",
                "say where the channels are with axis: first or last",
                "say where the channels are with --axis first or --axis last",
            )
        if last or first:
            return images if last else np.moveaxis(images, 1, 3)
    place = {"first": "before height and width, as axis says", "last": "after height and width, as axis says"}
    raise InputError(
        f"{where}: have shape {images.shape}, expected 3 axes, or 4 with 1, 3 or 4 channels "
        f"{place.get(axis, 'before or after height and width')}"
    )


def _bytes(images: np.ndarray, scale: float, data: ImagesSettings) -> np.ndarray:
    """Return images in the size and colors of a data set, uint8 of shape (images, channels, height, width)."""
    made = room(len(images), data)
    fits = images.shape[1:] == (*data.size, data.channels)
    for start, chunk in _chunks(images):
        pixels = chunk if scale == 1 and chunk.dtype == np.uint8 else np.rint(chunk * scale).astype(np.uint8)
        if fits:
            made[start : start + len(pixels)] = pixels.transpose(0, 3, 1, 2)
            continue
        for index, image in enumerate(pixels):
            flat = image[..., 0] if image.shape[2] == 1 else image
            made[start + index] = fitted(Image.fromarray(np.ascontiguousarray(flat)), data)
    return made


def classes_of(
    labels: Mapping[str, Any], data: ImagesSettings, where: str
) -> tuple[dict[str, np.ndarray], list[str] | None]:
    """Return the number of each image's class, int64, by split; and the names of classes if labels are names.

    Raises ``InputError`` that says where labels are neither.
    """
    arrays = {part: _labels(values, f"{where}: {part} labels") for part, values in labels.items()}
    if all(array.dtype.kind != "U" for array in arrays.values()):
        return {part: array.astype(np.int64) for part, array in arrays.items()}, None
    texts = {part: array.astype(str).tolist() for part, array in arrays.items()}
    present = sorted({*texts["train"]})
    names = data.classes if isinstance(data.classes, list) and {*data.classes} == {*present} else present
    return {part: _numbers(each, names, f"{where}: {part} labels") for part, each in texts.items()}, list(names)


def _numbers(texts: list[str], names: Sequence[str], where: str) -> np.ndarray:
    number_of = {name: number for number, name in enumerate(names)}
    unknown = [text for text in texts if text not in number_of]
    if unknown:
        raise InputError(f"{where}: {unknown[0]!r} is the class of no training image")
    return np.array([number_of[text] for text in texts], np.int64)


def _labels(values: Any, where: str) -> np.ndarray:
    """Return labels as they are, if each is a whole number that may be that of a class, or a name."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{where}: are no array ({' '.join(str(error).split())}); expected whole numbers") from error
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise InputError(
            f"{where}: have shape {array.shape}, as if one-hot; give the number of each class, labels.argmax(axis=1)"
        )
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array.flat):  # as pandas keeps names
        array = array.astype(str)
    if array.ndim != 1 or array.dtype.kind not in "buifU":
        raise InputError(
            f"{where}: have shape {array.shape} and type {array.dtype}, expected a whole number an image, or a name"
        )
    if array.dtype.kind != "U":
        _require_numbers_of_classes(array, where)
    return array


def _require_numbers_of_classes(array: np.ndarray, where: str) -> None:
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.rint(array))).all():
        raise InputError(f"{where}: are no whole numbers; expected 0, 1, 2, ...")
    if array.size and array.min() < 0:
        raise InputError(f"{where}: hold {array.min():g}; expected 0, 1, 2, ...")
    if array.size and array.max() >= MOST_CLASSES:
        raise InputError(
            f"{where}: hold {array.max()}; expected numbers below {MOST_CLASSES}, since there are no more classes; "
            "number the classes 0, 1, 2, ..."
        )
