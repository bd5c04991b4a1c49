"""The optional fields of a frame, one after the other; each one is refused if the frame ends before it."""

from __future__ import annotations

import struct
from datetime import datetime

from devices import date_time
from devices.errors import need
from devices.ieee11073 import float32, sfloat

_INT16 = struct.Struct("<h")
_UINT16 = struct.Struct("<H")
_UINT32 = struct.Struct("<I")


class Fields:
    """Reads a frame from its start. Each method raises DecodeError, naming the field, if it is cut off.

    Numbers are little-endian. `what` says which field it is, for the message.
    """

    __slots__ = ("_end", "_frame")

    def __init__(self, frame: bytes) -> None:
        """Stand before the first byte."""
        self._frame = frame
        self._end = 0

    def uint8(self, what: str) -> int:
        """Return one byte."""
        return self._frame[self._take(1, what)]

    def uint16(self, what: str) -> int:
        """Return two bytes as an unsigned number."""
        return _UINT16.unpack_from(self._frame, self._take(2, what))[0]

    def int16(self, what: str) -> int:
        """Return two bytes as a signed number."""
        return _INT16.unpack_from(self._frame, self._take(2, what))[0]

    def uint24(self, what: str) -> int:
        """Return three bytes as an unsigned number."""
        start = self._take(3, what)
        return int.from_bytes(self._frame[start : start + 3], "little")

    def uint32(self, what: str) -> int:
        """Return four bytes as an unsigned number."""
        return _UINT32.unpack_from(self._frame, self._take(4, what))[0]

    def sfloat(self, what: str) -> float | None:
        """Return a 16-bit IEEE 11073 number; None for each of its special values."""
        return sfloat(self.uint16(what))

    def float32(self, what: str) -> float | None:
        """Return a 32-bit IEEE 11073 number; None for each of its special values."""
        return float32(self.uint32(what))

    def date_time(self, what: str) -> datetime | None:
        """Return the device's wall clock; None if it is not known or does not exist."""
        return date_time.lenient(self._frame, self._take(date_time.SIZE, what))

    def _take(self, length: int, what: str) -> int:
        start = self._end
        self._end = start + length
        need(self._frame, self._end, what)
        return start


def pack(value: int, size: int, what: str) -> bytes:
    """Return an unsigned number as `size` little-endian bytes. Raises ValueError if it does not fit."""
    if not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{what} {value} does not fit {8 * size} bits")
    return value.to_bytes(size, "little")


def pack_scaled(value: float, resolution: float, what: str) -> bytes:
    """Return a number as 16-bit multiple of its resolution. Raises ValueError for what does not fit.

    0xFFFF is not written, because these formats use it for "not measured".
    """
    raw = round(value / resolution)
    if not 0 <= raw < 0xFFFF:
        raise ValueError(f"{what} {value} does not fit 16 bits with a resolution of {resolution}")
    return raw.to_bytes(2, "little")
