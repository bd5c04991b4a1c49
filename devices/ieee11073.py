"""IEEE 11073-20601 numbers as Bluetooth profiles use them: SFLOAT (16 bit), FLOAT (32 bit), little-endian.

Both are a two's complement decimal exponent in the top bits (4 or 8) over a two's complement mantissa (12 or
24 bits). Five bit patterns with exponent 0 are not numbers: NaN, NRes (not at this resolution), +INFINITY,
-INFINITY and one that is reserved. All five decode to None, because none of them is a measured value.
"""

from __future__ import annotations

import math
import struct

from devices.errors import need_exactly
from devices.measurement import Measurement

_NOT_A_NUMBER_16 = frozenset((0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802))
_NOT_A_NUMBER_32 = frozenset((0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00800002))
_NAN_16 = 0x07FF
_NAN_32 = 0x007FFFFF
_LARGEST_16 = 0x07FD
_LARGEST_32 = 0x007FFFFD

_UINT16 = struct.Struct("<H")
_UINT32 = struct.Struct("<I")


class Number(Measurement, frozen=True):
    """A number on its own. None stands for each of the five special values."""

    value: float | None


def sfloat(raw: int) -> float | None:
    """Return the value of an SFLOAT given as unsigned 16-bit integer."""
    if raw in _NOT_A_NUMBER_16:
        return None
    mantissa = raw & 0x0FFF
    exponent = raw >> 12
    return _value(
        mantissa - 0x1000 if mantissa & 0x0800 else mantissa, exponent - 16 if exponent & 8 else exponent
    )


def float32(raw: int) -> float | None:
    """Return the value of a FLOAT given as unsigned 32-bit integer."""
    if raw in _NOT_A_NUMBER_32:
        return None
    mantissa = raw & 0x00FFFFFF
    exponent = raw >> 24
    return _value(
        mantissa - 0x1000000 if mantissa & 0x800000 else mantissa,
        exponent - 256 if exponent & 0x80 else exponent,
    )


def to_sfloat(value: float | None) -> int:
    """Return the SFLOAT nearest to a value, as unsigned 16-bit integer; None becomes NaN.

    Raises ValueError for what no SFLOAT can hold (above 2.045e10, infinite).
    """
    if value is None:
        return _NAN_16
    mantissa, exponent = _decompose(value, largest=_LARGEST_16, digits=4, lowest=-8, highest=7)
    return (exponent & 0xF) << 12 | (mantissa & 0x0FFF)


def to_float32(value: float | None) -> int:
    """Return the FLOAT nearest to a value, as unsigned 32-bit integer; None becomes NaN.

    Raises ValueError for what no FLOAT can hold.
    """
    if value is None:
        return _NAN_32
    mantissa, exponent = _decompose(value, largest=_LARGEST_32, digits=7, lowest=-128, highest=127)
    return (exponent & 0xFF) << 24 | (mantissa & 0x00FFFFFF)


def decode_sfloat(frame: bytes, device_name: str | None = None) -> Number:
    """Return the number in two bytes. Raises DecodeError for any other length."""
    need_exactly(frame, 2, "an SFLOAT")
    return Number(sfloat(_UINT16.unpack(frame)[0]))


def decode_float32(frame: bytes, device_name: str | None = None) -> Number:
    """Return the number in four bytes. Raises DecodeError for any other length."""
    need_exactly(frame, 4, "a FLOAT")
    return Number(float32(_UINT32.unpack(frame)[0]))


def encode_sfloat(number: Number) -> bytes:
    """Return the two bytes of a number. Raises ValueError as `to_sfloat` does."""
    return _UINT16.pack(to_sfloat(number.value))


def encode_float32(number: Number) -> bytes:
    """Return the four bytes of a number. Raises ValueError as `to_float32` does."""
    return _UINT32.pack(to_float32(number.value))


def _value(mantissa: int, exponent: int) -> float:
    # Dividing integers rounds once; multiplying by 10.0**-1 would give 92.80000000000001.
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def _decompose(value: float, *, largest: int, digits: int, lowest: int, highest: int) -> tuple[int, int]:
    """Return (mantissa, exponent): as many digits as fit, exponent 0 for a whole number if it fits."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number; use None for an unknown value")
    exponent = 0 if value == 0 else max(lowest, math.floor(math.log10(abs(value))) - digits + 1)
    mantissa = _scaled(value, exponent)
    if abs(mantissa) > largest:
        exponent += 1
        mantissa = _scaled(value, exponent)
    while exponent < 0 and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    while exponent > 0 and abs(mantissa) * 10 <= largest:
        mantissa, exponent = mantissa * 10, exponent - 1
    if exponent > highest or abs(mantissa) > largest:
        raise ValueError(f"{value} is too large for this number format")
    return mantissa, exponent


def _scaled(value: float, exponent: int) -> int:
    return round(value / 10**exponent) if exponent >= 0 else round(value * 10**-exponent)
