"""Current Time (2A2B): how a gateway sets a device's clock and reads it back. Source: GSS, CTS 1.1."""

from __future__ import annotations

import datetime as dt

from devices import date_time
from devices.errors import DecodeError, need_exactly
from devices.measurement import Measurement

SIZE = 10
_MANUAL, _EXTERNAL, _TIME_ZONE, _DST = 0x01, 0x02, 0x04, 0x08


class CurrentTime(Measurement, frozen=True, kw_only=True):
    """A device's wall clock (no zone) with the reasons for its last adjustment.

    `day_of_week` 1 is Monday, as the device says it (it may contradict the date); None if not known.
    `fractions256` counts 1/256 s.
    """

    datetime: dt.datetime | None
    day_of_week: int | None = None
    fractions256: int = 0
    adjust_manual: bool = False
    adjust_external: bool = False
    adjust_time_zone: bool = False
    adjust_dst: bool = False


def decode(frame: bytes, device_name: str | None = None) -> CurrentTime:
    """Return the clock. Raises DecodeError for a length other than 10 and for parts outside their ranges."""
    need_exactly(frame, SIZE, "a Current Time")
    day, fractions, reason = frame[7:]
    if day > 7:
        raise DecodeError(f"day of week {day} is above 7 (Sunday)")
    return CurrentTime(
        datetime=date_time.decode(frame[: date_time.SIZE]).datetime,
        day_of_week=day or None,
        fractions256=fractions,
        adjust_manual=bool(reason & _MANUAL),
        adjust_external=bool(reason & _EXTERNAL),
        adjust_time_zone=bool(reason & _TIME_ZONE),
        adjust_dst=bool(reason & _DST),
    )


def encode(value: CurrentTime) -> bytes:
    """Return the ten bytes. Raises ValueError for a time with a zone or a number that does not fit."""
    reason = (
        value.adjust_manual * _MANUAL
        | value.adjust_external * _EXTERNAL
        | value.adjust_time_zone * _TIME_ZONE
        | value.adjust_dst * _DST
    )
    return date_time.pack(value.datetime) + bytes((value.day_of_week or 0, value.fractions256, reason))


def at(moment: dt.datetime) -> CurrentTime:
    """Return the clock that stands at a wall-clock time, with its day of week and fraction of a second."""
    return CurrentTime(
        datetime=moment.replace(microsecond=0),
        day_of_week=moment.isoweekday(),
        fractions256=moment.microsecond * 256 // 1_000_000,
    )
