"""Omron's 14-byte memory record, little-endian variant (HEM-7142T2 and kin).

Source: captures and behaviour of public projects (see the vectors); no specification is public. Other models
keep the same quantities in another order, so which record a cuff has must be known from its model.
"""

from __future__ import annotations

import struct
from datetime import datetime

from devices.errors import DecodeError, need_exactly
from devices.measurement import NotYetCarried

_RECORD = struct.Struct("<4B2H6x")
_SYSTOLIC_BIAS = 25
_HIGHEST_RAW_SYSTOLIC = 0xE1
_FIRST_YEAR, _LAST_YEAR = 2000, 2063


class OmronRecord(NotYetCarried, frozen=True, kw_only=True):
    """Pressures in mm[Hg], pulse rate in /min, the cuff's own time without a zone.

    The record's status bits (movement, irregular pulse, cuff) are not read: their order differs between
    models. It must not become a reading before they are, because they decide whether it counts.
    """

    systolic: int
    diastolic: int
    pulse_rate: int
    taken_at: datetime | None = None


def decode(frame: bytes, device_name: str | None = None) -> OmronRecord:
    """Return the record.

    Raises DecodeError for a length other than 14 and for a slot that was never written (all ones or zeros).
    """
    need_exactly(frame, _RECORD.size, "an Omron memory record")
    systolic, diastolic, pulse, year, date, time = _RECORD.unpack(frame)
    if systolic > _HIGHEST_RAW_SYSTOLIC:
        raise DecodeError(
            f"empty slot: its first byte is {systolic:#04x}, above {_HIGHEST_RAW_SYSTOLIC:#04x}"
        )
    if not any(frame[:8]):
        raise DecodeError("empty slot: pressures, pulse and time are all zero")
    return OmronRecord(
        systolic=systolic + _SYSTOLIC_BIAS,
        diastolic=diastolic,
        pulse_rate=pulse,
        taken_at=_taken_at(year, date, time),
    )


def encode(record: OmronRecord) -> bytes:
    """Return the fourteen bytes, with no status bit set. Raises ValueError for values that do not fit."""
    systolic = record.systolic - _SYSTOLIC_BIAS
    if not 0 <= systolic <= _HIGHEST_RAW_SYSTOLIC:
        raise ValueError(f"a systolic pressure of {record.systolic} does not fit an Omron record")
    if not (0 <= record.diastolic <= 0xFF and 0 <= record.pulse_rate <= 0xFF):
        raise ValueError(f"pressure {record.diastolic} or pulse {record.pulse_rate} does not fit 8 bits")
    year, date, time = _pack_time(record.taken_at)
    return _RECORD.pack(systolic, record.diastolic, record.pulse_rate, year, date, time)


def _taken_at(year: int, date: int, time: int) -> datetime | None:
    month, day, hour = date >> 10 & 0xF, date >> 5 & 0x1F, date & 0x1F
    # The seconds of some cuffs run to 63: no reason to lose the time.
    minute, second = time >> 6 & 0x3F, min(time & 0x3F, 59)
    try:
        return datetime(_FIRST_YEAR + (year & 0x3F), month, day, hour, minute, second)  # noqa: DTZ001 - no zone
    except ValueError:
        return None


def _pack_time(moment: datetime | None) -> tuple[int, int, int]:
    if moment is None:
        return 0, 0, 0
    if moment.tzinfo is not None:
        raise ValueError("a device's clock has no zone: convert to the device's local time and drop the zone")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"year {moment.year} does not fit an Omron record ({_FIRST_YEAR}-{_LAST_YEAR})")
    date = moment.month << 10 | moment.day << 5 | moment.hour
    return moment.year - _FIRST_YEAR, date, moment.minute << 6 | moment.second
