"""A range coder: symbols of known probability become a number, at close to their entropy (Martin 1979).

The encoder and the decoder keep an interval of 64 bits. A symbol narrows it to its share, and leading bytes that both
ends of the interval agree on are written. All arithmetic is in integers, so equal symbols give equal bytes anywhere.
"""

from __future__ import annotations

_BITS = 64
_FULL = 1 << _BITS
_TOP = _BITS - 8
_LEAST = 1 << _TOP
"""The interval is at least this wide before a symbol, so that shares of any total below 2^32 are nearly exact."""


class Encoder:
    """Writes symbols; ``finish`` returns the bytes."""

    def __init__(self) -> None:
        self._low, self._range = 0, _FULL - 1
        self._written = bytearray()

    def encode(self, start: int, size: int, total: int) -> None:
        """Write the symbol that has ``size`` of ``total`` shares, from share number ``start`` on."""
        share = self._range // total
        self._low += share * start
        self._range = share * size if start + size < total else self._range - share * start
        self._carry()
        while self._range < _LEAST:
            self._written.append(self._low >> _TOP)
            self._low = (self._low << 8) % _FULL
            self._range <<= 8

    def choose(self, second: bool, first_share: int, total: int) -> None:
        """Write one of two symbols; the first has ``first_share`` of ``total`` shares."""
        if second:
            self.encode(first_share, total - first_share, total)
        else:
            self.encode(0, first_share, total)

    def number(self, value: int, total: int) -> None:
        """Write a number from 0 to ``total`` - 1, all equally likely."""
        self.encode(value, 1, total)

    def finish(self) -> bytes:
        """Return the shortest bytes in the interval. The decoder reads zeros behind them."""
        for bits in range(_TOP, -1, -8):
            within = -(-self._low >> bits) << bits
            if within < self._low + self._range:
                break
        self._low = within
        self._carry()
        self._written += self._low.to_bytes(8, "big")
        return bytes(self._written).rstrip(b"\0")

    def _carry(self) -> None:
        if self._low < _FULL:
            return
        self._low -= _FULL
        place = len(self._written) - 1
        while self._written[place] == 0xFF:
            self._written[place] = 0
            place -= 1
        self._written[place] += 1


class Decoder:
    """Reads what an ``Encoder`` wrote, symbol by symbol, with the same shares."""

    def __init__(self, written: bytes) -> None:
        self._code, self._range = int.from_bytes(written[:8].ljust(8, b"\0"), "big"), _FULL - 1
        self._left = iter(written[8:])

    def choose(self, first_share: int, total: int) -> bool:
        """Return whether it is the second of two symbols."""
        bound = self._range // total * first_share
        second = first_share < total and self._code >= bound
        if second:
            self._code -= bound
            self._range -= bound
        elif first_share < total:
            self._range = bound
        if self._range < _LEAST:
            self._read()
        return second

    def number(self, total: int) -> int:
        """Return a number from 0 to ``total`` - 1."""
        share = self._range // total
        value = min(self._code // share, total - 1)
        self._code -= share * value
        self._range = share if value + 1 < total else self._range - share * value
        if self._range < _LEAST:
            self._read()
        return value

    def _read(self) -> None:
        while self._range < _LEAST:
            self._code = (self._code << 8) | next(self._left, 0)
            self._range <<= 8
