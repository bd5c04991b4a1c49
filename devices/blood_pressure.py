"""Blood Pressure Measurement (2A35). Source: GATT Specification Supplement, Blood Pressure Service 1.1.1."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Literal

from devices import date_time, quirks
from devices.errors import need
from devices.ieee11073 import sfloat, to_sfloat
from devices.measurement import Content, Measurement
from wire.reading import Flag, Kind

MMHG_PER_KPA = 7.500615758
UNKNOWN_USER = 255

_KPA, _TIME, _PULSE, _USER, _STATUS = 0x01, 0x02, 0x04, 0x08, 0x10
_BODY_MOVEMENT, _CUFF_TOO_LOOSE, _IRREGULAR_PULSE, _POSITION = 0x01, 0x02, 0x04, 0x20
_RANGE_SHIFT = 3

PulseRateRange = Literal["within", "above", "below"]
_RANGES: tuple[PulseRateRange | None, ...] = ("within", "above", "below", None)

_PRESSURES = struct.Struct("<B3H")
_UINT16 = struct.Struct("<H")
_SWAPPED_UINT16 = struct.Struct(">H")
_PLAUSIBLE_PULSE = (20, 300)


class BloodPressure(Measurement, frozen=True, kw_only=True):
    """Pressures in mm[Hg], pulse rate in /min, the device's own time without a zone.

    The five status fields are None when the frame has no status word; `pulse_rate_range` also when the word
    holds the reserved value.
    """

    systolic: float | None
    diastolic: float | None
    mean_arterial_pressure: float | None = None
    pulse_rate: float | None = None
    taken_at: datetime | None = None
    user_id: int | None = None
    body_movement: bool | None = None
    cuff_too_loose: bool | None = None
    irregular_pulse: bool | None = None
    pulse_rate_range: PulseRateRange | None = None
    improper_position: bool | None = None

    def content(self) -> Content:
        """Return what goes into a reading, with every status that is set as a flag."""
        return Content(
            kind=Kind.BLOOD_PRESSURE,
            values={
                "systolic": self.systolic,
                "diastolic": self.diastolic,
                "mean_arterial": self.mean_arterial_pressure,
                "pulse": self.pulse_rate,
            },
            flags=_flags(self),
            taken_at=self.taken_at,
            user_id=self.user_id,
        )


def decode(frame: bytes, device_name: str | None = None) -> BloodPressure:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    Some Beurer cuffs (see `quirks`) write pulse and status with the high byte first, and a user id without
    its flag. Raises DecodeError for a frame shorter than its flags, or such a cuff, say.
    """
    need(frame, _PRESSURES.size, "the three pressures")
    flags, systolic, diastolic, mean = _PRESSURES.unpack_from(frame)
    unit = MMHG_PER_KPA if flags & _KPA else 1.0
    offset = _PRESSURES.size
    taken_at = pulse = user = None
    status: int | None = None
    if flags & _TIME:
        need(frame, offset + date_time.SIZE, "the time stamp")
        taken_at = date_time.lenient(frame, offset)
        offset += date_time.SIZE
    swapped = quirks.swaps_pulse(device_name) and not _is_in_order(frame, flags, offset)
    uint16 = _SWAPPED_UINT16 if swapped else _UINT16
    if flags & _PULSE:
        need(frame, offset + 2, "the pulse rate")
        pulse = sfloat(uint16.unpack_from(frame, offset)[0])
        offset += 2
    if flags & _USER or swapped:
        need(frame, offset + 1, "the user id")
        user = frame[offset]
        offset += 1
    if flags & _STATUS:
        need(frame, offset + 2, "the measurement status")
        status = uint16.unpack_from(frame, offset)[0]
    return BloodPressure(
        systolic=_pressure(systolic, unit),
        diastolic=_pressure(diastolic, unit),
        mean_arterial_pressure=_pressure(mean, unit),
        pulse_rate=pulse,
        taken_at=taken_at,
        user_id=None if user == UNKNOWN_USER else user,
        body_movement=_bit(status, _BODY_MOVEMENT),
        cuff_too_loose=_bit(status, _CUFF_TOO_LOOSE),
        irregular_pulse=_bit(status, _IRREGULAR_PULSE),
        pulse_rate_range=None if status is None else _RANGES[status >> _RANGE_SHIFT & 3],
        improper_position=_bit(status, _POSITION),
    )


def encode(measurement: BloodPressure, *, unit: Literal["mmHg", "kPa"] = "mmHg") -> bytes:
    """Return the frame; what is None is left out, except pressures, which become NaN.

    A status word is written if any status is known. Raises ValueError for values that do not fit the format.
    """
    factor = MMHG_PER_KPA if unit == "kPa" else 1.0
    flags = _KPA if unit == "kPa" else 0
    tail = b""
    if measurement.taken_at is not None:
        flags |= _TIME
        tail += date_time.pack(measurement.taken_at)
    if measurement.pulse_rate is not None:
        flags |= _PULSE
        tail += _UINT16.pack(to_sfloat(measurement.pulse_rate))
    if measurement.user_id is not None:
        flags |= _USER
        tail += bytes((measurement.user_id,))
    status = _status(measurement)
    if status is not None:
        flags |= _STATUS
        tail += _UINT16.pack(status)
    pressures = (measurement.systolic, measurement.diastolic, measurement.mean_arterial_pressure)
    raw = (to_sfloat(None if value is None else value / factor) for value in pressures)
    return _PRESSURES.pack(flags, *raw) + tail


def _is_in_order(frame: bytes, flags: int, offset: int) -> bool:
    """Tell whether the pulse makes sense as the specification orders its bytes; swapped, it is absurd."""
    if not flags & _PULSE or len(frame) < offset + 2:
        return False
    pulse = sfloat(_UINT16.unpack_from(frame, offset)[0])
    return pulse is None or _PLAUSIBLE_PULSE[0] <= pulse <= _PLAUSIBLE_PULSE[1]


def _pressure(raw: int, unit: float) -> float | None:
    value = sfloat(raw)
    return None if value is None else value * unit


def _bit(status: int | None, mask: int) -> bool | None:
    return None if status is None else bool(status & mask)


def _status(measurement: BloodPressure) -> int | None:
    bits = (
        (measurement.body_movement, _BODY_MOVEMENT),
        (measurement.cuff_too_loose, _CUFF_TOO_LOOSE),
        (measurement.irregular_pulse, _IRREGULAR_PULSE),
        (measurement.improper_position, _POSITION),
    )
    if measurement.pulse_rate_range is None and all(known is None for known, _ in bits):
        return None
    status = _RANGES.index(measurement.pulse_rate_range) << _RANGE_SHIFT
    return status | sum(mask for is_set, mask in bits if is_set)


def _flags(measurement: BloodPressure) -> list[Flag]:
    found = (
        (measurement.body_movement, Flag.BODY_MOVEMENT),
        (measurement.cuff_too_loose, Flag.CUFF_TOO_LOOSE),
        (measurement.irregular_pulse, Flag.IRREGULAR_PULSE),
        (measurement.pulse_rate_range == "below", Flag.PULSE_BELOW_RANGE),
        (measurement.pulse_rate_range == "above", Flag.PULSE_ABOVE_RANGE),
        (measurement.improper_position, Flag.IMPROPER_POSITION),
    )
    return [flag for is_set, flag in found if is_set]
