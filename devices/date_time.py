"""Date Time (2A08): seven bytes of wall clock without a zone. Source: GATT Specification Supplement."""

from __future__ import annotations

import struct
from datetime import datetime

from devices.errors import DecodeError, need_exactly
from devices.measurement import Measurement

SIZE = 7
_LAYOUT = struct.Struct("<H5B")
_UNKNOWN = bytes(SIZE)
_FIRST_YEAR, _LAST_YEAR = 1582, 9999
_LIMITS = (("month", 12), ("day", 31), ("hour", 23), ("minute", 59), ("second", 59))


class DateTime(Measurement, frozen=True):
    """A device's wall clock; None if year, month or day is not known, or the day does not exist."""

    datetime: datetime | None


def decode(frame: bytes, device_name: str | None = None) -> DateTime:
    """Return the date and time.

    Raises DecodeError for a length other than 7 and for parts outside the format's ranges (hour 24).
    """
    need_exactly(frame, SIZE, "a Date Time")
    _refuse_reserved(_LAYOUT.unpack(frame))
    return DateTime(lenient(frame, 0))


def encode(value: DateTime) -> bytes:
    """Return the seven bytes; an unknown time is all zero. Raises ValueError for a time with a zone."""
    return pack(value.datetime)


def lenient(frame: bytes, offset: int) -> datetime | None:
    """Return the time that stands inside a longer frame, or None if it is unusable in whatever way.

    A blood pressure with an impossible date is still a blood pressure, so this never raises; the caller has
    checked that seven bytes are there.
    """
    year, month, day, hour, minute, second = _LAYOUT.unpack_from(frame, offset)
    if year < _FIRST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a device's clock has no zone
    except ValueError:
        return None


def pack(value: datetime | None) -> bytes:
    """Return the seven bytes of a wall clock, all zero for None. Raises ValueError for one with a zone."""
    if value is None:
        return _UNKNOWN
    if value.tzinfo is not None:
        raise ValueError("a device's clock has no zone: convert to the device's local time and drop the zone")
    if value.year < _FIRST_YEAR:
        raise ValueError(f"year {value.year} is before {_FIRST_YEAR}, the first that the format allows")
    return _LAYOUT.pack(value.year, value.month, value.day, value.hour, value.minute, value.second)


def _refuse_reserved(parts: tuple[int, ...]) -> None:
    year, *rest = parts
    if year and not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise DecodeError(f"year {year} is outside {_FIRST_YEAR}-{_LAST_YEAR} (0 would mean unknown)")
    for (name, highest), value in zip(_LIMITS, rest, strict=True):
        if value > highest:
            raise DecodeError(f"{name} {value} is above {highest}")
