"""Glucose Measurement (2A18). Source: GATT Specification Supplement, Glucose Service 1.0.1."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import Literal

from devices import date_time
from devices.fields import Fields, pack
from devices.ieee11073 import to_sfloat
from devices.measurement import NotYetCarried

KG_PER_MOL = 0.180156
"""Molar mass of glucose."""

_OFFSET, _CONCENTRATION, _MOLAR, _STATUS, _CONTEXT = 0x01, 0x02, 0x04, 0x08, 0x10
_OVERRUN, _UNDERRUN = 0x7FFF, -0x8000
_INT16 = struct.Struct("<h")


class Glucose(NotYetCarried, frozen=True, kw_only=True):
    """Concentration in mmol/L. `taken_at` is the base time moved by the offset (minutes), without a zone.

    `sample_type` and `sample_location` are the codes of the specification and `sensor_status` its bits, as
    they stand in the frame. `context_follows`: a Glucose Measurement Context with the same number comes.
    """

    sequence_number: int
    base_time: datetime | None = None
    time_offset_min: int | None = None
    taken_at: datetime | None = None
    glucose: float | None = None
    sample_type: int | None = None
    sample_location: int | None = None
    sensor_status: int | None = None
    context_follows: bool = False


def decode(frame: bytes, device_name: str | None = None) -> Glucose:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    An offset that ran over or under is unknown, and so is then the time. Raises DecodeError for a frame
    shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint8("the flags")
    number = fields.uint16("the sequence number")
    base = fields.date_time("the base time")
    offset = fields.int16("the time offset") if flags & _OFFSET else 0
    known = offset not in (_OVERRUN, _UNDERRUN)
    glucose = fields.sfloat("the concentration") if flags & _CONCENTRATION else None
    sample = fields.uint8("type and location") if flags & _CONCENTRATION else None
    return Glucose(
        sequence_number=number,
        base_time=base,
        time_offset_min=offset if flags & _OFFSET and known else None,
        taken_at=_moved(base, offset) if known else None,
        glucose=_millimolar(glucose, flags),
        sample_type=None if sample is None else sample & 0xF,
        sample_location=None if sample is None else sample >> 4,
        sensor_status=fields.uint16("the sensor status") if flags & _STATUS else None,
        context_follows=bool(flags & _CONTEXT),
    )


def encode(measurement: Glucose, *, unit: Literal["mol/L", "kg/L"] = "mol/L") -> bytes:
    """Return the frame; what is None is left out. `taken_at` is not written: base time and offset say it.

    Concentration, type and location go together: if only some are known, the others become NaN and 0.
    Raises ValueError for values that do not fit the format.
    """
    flags = measurement.context_follows * _CONTEXT
    tail = b""
    if measurement.time_offset_min is not None:
        flags |= _OFFSET
        tail += _pack_offset(measurement.time_offset_min)
    sample = (measurement.glucose, measurement.sample_type, measurement.sample_location)
    if any(part is not None for part in sample):
        flags |= _CONCENTRATION | (_MOLAR if unit == "mol/L" else 0)
        tail += _pack_sample(measurement, 1000 if unit == "mol/L" else 1000 / KG_PER_MOL)
    if measurement.sensor_status is not None:
        flags |= _STATUS
        tail += pack(measurement.sensor_status, 2, "sensor status")
    number = pack(measurement.sequence_number, 2, "sequence number")
    return bytes((flags,)) + number + date_time.pack(measurement.base_time) + tail


def _moved(base: datetime | None, minutes: int) -> datetime | None:
    if base is None:
        return None
    try:
        return base + timedelta(minutes=minutes)
    except OverflowError:  # 9999-12-31 and later
        return None


def _millimolar(value: float | None, flags: int) -> float | None:
    if value is None:
        return None
    return round(value * 1000 if flags & _MOLAR else value * 1000 / KG_PER_MOL, 9)


def _pack_offset(minutes: int) -> bytes:
    if not _UNDERRUN < minutes < _OVERRUN:
        raise ValueError(f"a time offset of {minutes} minutes does not fit 16 bits")
    return _INT16.pack(minutes)


def _pack_sample(measurement: Glucose, factor: float) -> bytes:
    kind, location = measurement.sample_type or 0, measurement.sample_location or 0
    if not (0 <= kind <= 0xF and 0 <= location <= 0xF):
        raise ValueError(f"sample type {kind} or location {location} does not fit 4 bits")
    value = None if measurement.glucose is None else measurement.glucose / factor
    return pack(to_sfloat(value), 2, "concentration") + bytes((kind | location << 4,))
