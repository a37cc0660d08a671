"""Packed files: a network in about as many bytes as the entropy of the positions and signs of its connections.

A file is ``AANN``, the CRC-32 of all that follows, a version, and one range-coded number. The number begins with the
description as JSON: the architecture and what the network was made for. Then each layer follows: how many of its
weights are 0 and -1, and the weights in C order. A weight costs what is left to say: of the weights that are still to
come, the share that is 0 is known, and of the others the share that is -1. This is as short as numbering all layers of
equal counts, which the paper calls a family (section 3.2).

The JSON costs what a text does not share with the networks of the paper, a few bytes for one of them.
"""

from __future__ import annotations

import json
import math
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aann.artifacts import atomic_path, remedy, require_intact, to_json
from aann.errors import InputError
from aann.export.coding import Decoder, Encoder
from aann.networks import Architecture, TernaryNetwork

ENDING = ".aann"

MAGIC = b"AANN"
"""How a packed file begins."""
_VERSION = 1
_HEADER = len(MAGIC) + 1 + 4


def pack(network: TernaryNetwork) -> bytes:
    """Return the network as the content of a packed file; the same network always has the same bytes."""
    encoder = Encoder()
    described = {"data": network.data} if network.data else {}
    _write_text(encoder, to_json({"architecture": network.architecture.to_dict(), **described}))
    for weights in network.weights.values():
        _write_weights(encoder, weights.ravel())
    content = bytes([_VERSION]) + encoder.finish()
    return MAGIC + zlib.crc32(content).to_bytes(4, "big") + content


def unpack(content: bytes, source: str = "packed network") -> TernaryNetwork:
    """Return the network that ``pack`` wrote: its weights, its architecture, and what it was made for.

    Raises ``InputError``, which begins with ``source``, if it is no packed file, is of another version, or is damaged.
    Every single flipped bit is noticed.
    """
    if len(content) <= _HEADER or not content.startswith(MAGIC):
        raise InputError(f"{source}: is not a packed network; name a file of 'aann export --format packed'")
    checksum, body = content[len(MAGIC) : _HEADER - 1], content[_HEADER - 1 :]
    if zlib.crc32(body).to_bytes(4, "big") != checksum:
        raise InputError(f"{source}: is damaged: its checksum does not fit; get or make it again")
    if body[0] != _VERSION:
        raise InputError(f"{source}: is of version {body[0]}, and this package reads version {_VERSION}; update it")
    decoder = Decoder(body[1:])
    try:
        described = json.loads(_read_text(decoder))
        architecture, data = Architecture.from_dict(described["architecture"]), described.get("data")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source}: does not describe a network ({error!r}); make it again") from error
    weights = {name: _read_weights(decoder, shape) for name, shape in architecture.weight_shapes.items()}
    return TernaryNetwork(architecture, weights, source, data)


def save(network: TernaryNetwork, path: Path | str) -> int:
    """Write a packed file and return its size in bytes; raise ``InputError`` if it cannot be written."""
    content = pack(network)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return len(content)


def load(path: Path | str) -> TernaryNetwork:
    """Return the network of a packed file.

    Raises ``InputError`` as ``unpack`` does, and if the file is missing or is not what its seal says.
    """
    path = require_intact(path)
    try:
        return unpack(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {remedy(path)}") from error


def entropy(network: TernaryNetwork) -> float:
    """Return the entropy, in bytes, of weights drawn at random with the shares of -1, 0 and +1 of each layer."""
    bits = 0.0
    for counts in network.family.values():
        total = sum(counts)
        bits -= sum(count * math.log2(count / total) for count in counts if count)
    return bits / 8


# --- weights ----------------------------------------------------------------------------------------------------------


def _write_weights(encoder: Encoder, weights: np.ndarray) -> None:
    plus, minus = int((weights == 1).sum()), int((weights == -1).sum())
    left = len(weights)
    zeros = left - plus - minus
    encoder.number(zeros, left + 1)
    encoder.number(minus, left - zeros + 1)
    for weight in weights.tolist():
        if zeros == left:
            return
        encoder.choose(weight != 0, zeros, left)
        if weight:
            encoder.choose(weight > 0, minus, left - zeros)
            minus -= weight < 0
        else:
            zeros -= 1
        left -= 1


def _read_weights(decoder: Decoder, shape: tuple[int, ...]) -> np.ndarray:
    left = math.prod(shape)
    zeros = decoder.number(left + 1)
    minus = decoder.number(left - zeros + 1)
    weights = bytearray(left)
    for place in range(left):
        if zeros == left:
            break
        if not decoder.choose(zeros, left):
            zeros -= 1
        elif decoder.choose(minus, left - zeros):
            weights[place] = 1
        else:
            weights[place] = 0xFF
            minus -= 1
        left -= 1
    return np.frombuffer(bytes(weights), np.int8).reshape(shape)


# --- text -------------------------------------------------------------------------------------------------------------

_LENGTH_BITS = 24
_LETTERS = 128
"""JSON is ASCII: other characters are escaped."""

_MATCHES = (24, 12, 6, 3)
"""A letter is guessed from what followed so many equal letters before, the longest known run first."""


class _Guesses:
    """What the letter after a text probably is, from that text and from descriptions of the paper's networks."""

    def __init__(self) -> None:
        self._text = _known_text()
        self._right, self._asked = dict.fromkeys(_MATCHES, 30), dict.fromkeys(_MATCHES, 31)

    def next(self) -> tuple[str, int, int, int]:
        """Return a letter, in how many of how many cases such guesses were right, and the length of the run.

        The letter is empty, and the length 0, if there is no guess.
        """
        for length in _MATCHES:
            place = self._text.rfind(self._text[-length:], 0, -1)
            if place >= 0:
                return self._text[place + length], self._right[length], self._asked[length], length
        return "", 0, 1, 0

    def learn(self, letter: str, guessed: str, length: int) -> None:
        """Take notice of the letter that came."""
        self._text += letter
        if length:
            self._asked[length] += 1
            self._right[length] += letter == guessed


def _write_text(encoder: Encoder, text: str) -> None:
    encoder.number(len(text), 1 << _LENGTH_BITS)
    guesses = _Guesses()
    for letter in text:
        guessed, right, asked, length = guesses.next()
        if length:
            encoder.choose(letter != guessed, right, asked)
        if letter != guessed:
            encoder.number(ord(letter), _LETTERS)
        guesses.learn(letter, guessed, length)


def _read_text(decoder: Decoder) -> str:
    guesses, letters = _Guesses(), []
    for _ in range(decoder.number(1 << _LENGTH_BITS)):
        guessed, right, asked, length = guesses.next()
        is_guessed = length and not decoder.choose(right, asked)
        letters.append(guessed if is_guessed else chr(decoder.number(_LETTERS)))
        guesses.learn(letters[-1], guessed, length)
    return "".join(letters)


@cache
def _known_text() -> str:
    """Return descriptions of networks, the most likely last. The text is part of version 1 of the format."""
    names = to_json({"data": {"classes": ["a", "b"], "input": {"fit": "crop", **_PICTURES}}})
    return names + "".join(to_json({"architecture": one}) for one in _KNOWN)


_PICTURES = {"size": [28, 28], "channels": 1, "centered": False}


def _convolution(name: str, filters: int, kernel: int, pool: int, **others: int) -> dict[str, Any]:
    common = {"stride": 1, "padding": 0, "pool_stride": 0, **others}
    return {"type": "convolution", "name": name, "filters": filters, "kernel": kernel, "pool": pool, **common}


def _network(shape: tuple[int, ...], scale: int, signed: bool, *layers: dict[str, Any]) -> dict[str, Any]:
    return {"input_shape": list(shape), "input_scale": scale, "signed": signed, "layers": list(layers)}


_KNOWN = (
    _network(
        (2, 84, 84),
        51,
        True,
        _convolution("1.0", 32, 7, 2, stride=4),
        _convolution("2.0", 64, 5, 2),
        {"type": "dense", "name": "fc1", "units": 100},
        {"type": "dense", "name": "fc2", "units": 3},
    ),
    _network(
        (1, 28, 28),
        255,
        False,
        _convolution("1.0", 16, 5, 2, padding=2),
        _convolution("2.0", 32, 5, 2, padding=2),
        {"type": "dense", "name": "fc", "units": 10},
    ),
)
