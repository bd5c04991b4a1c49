"""Temperature Measurement (2A1C) and Intermediate Temperature (2A1E), which have the same frame.

Source: GATT Specification Supplement, Health Thermometer Service 1.0.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Literal

from devices import date_time
from devices.fields import Fields, pack
from devices.ieee11073 import to_float32
from devices.measurement import NotYetCarried

_FAHRENHEIT, _TIME, _TYPE = 0x01, 0x02, 0x04
_FLAGS_AND_VALUE = struct.Struct("<BI")


class Temperature(NotYetCarried, frozen=True, kw_only=True):
    """Temperature in Cel, the device's own time without a zone.

    `temperature_type` is where it was taken (1 armpit, 2 body, 3 ear, 4 finger, 5 gastrointestinal tract,
    6 mouth, 7 rectum, 8 toe, 9 eardrum; others are reserved), as the device says it.
    """

    temperature: float | None
    taken_at: datetime | None = None
    temperature_type: int | None = None


def decode(frame: bytes, device_name: str | None = None) -> Temperature:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint8("the flags")
    value = fields.float32("the temperature")
    return Temperature(
        temperature=_celsius(value) if flags & _FAHRENHEIT else value,
        taken_at=fields.date_time("the time stamp") if flags & _TIME else None,
        temperature_type=fields.uint8("the temperature type") if flags & _TYPE else None,
    )


def encode(measurement: Temperature, *, unit: Literal["Cel", "degF"] = "Cel") -> bytes:
    """Return the frame; what is None is left out, except the temperature, which becomes NaN.

    Raises ValueError for values that do not fit the format.
    """
    value = measurement.temperature
    flags = 0
    tail = b""
    if unit == "degF":
        flags |= _FAHRENHEIT
        value = None if value is None else round(value * 1.8 + 32, 4)
    if measurement.taken_at is not None:
        flags |= _TIME
        tail += date_time.pack(measurement.taken_at)
    if measurement.temperature_type is not None:
        flags |= _TYPE
        tail += pack(measurement.temperature_type, 1, "temperature type")
    return _FLAGS_AND_VALUE.pack(flags, to_float32(value)) + tail


def _celsius(fahrenheit: float | None) -> float | None:
    return None if fahrenheit is None else (fahrenheit - 32) / 1.8
