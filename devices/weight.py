"""Weight Measurement (2A9D). Source: GATT Specification Supplement, Weight Scale Service 1.0."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Literal

from devices import date_time
from devices.errors import need
from devices.measurement import Content, Measurement
from wire.reading import Kind

KG_PER_LB = 0.45359237
M_PER_INCH = 0.0254
UNKNOWN_USER = 255
UNSUCCESSFUL = 0xFFFF

_IMPERIAL, _TIME, _USER, _BMI = 0x01, 0x02, 0x04, 0x08
_WEIGHT = struct.Struct("<BH")
_BMI_AND_HEIGHT = struct.Struct("<2H")


class Weight(Measurement, frozen=True, kw_only=True):
    """Weight in kg, BMI in kg/m2, height in m, the device's own time without a zone.

    `measurement_unsuccessful` means that the scale tried and failed; weight is then None.
    """

    weight: float | None
    bmi: float | None = None
    height: float | None = None
    taken_at: datetime | None = None
    user_id: int | None = None
    measurement_unsuccessful: bool = False

    def content(self) -> Content:
        """Return what goes into a reading; the height turns into cm."""
        return Content(
            kind=Kind.WEIGHT,
            values={
                "weight": self.weight,
                "bmi": self.bmi,
                "height": None if self.height is None else self.height * 100,
            },
            taken_at=self.taken_at,
            user_id=self.user_id,
        )


def decode(frame: bytes, device_name: str | None = None) -> Weight:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    need(frame, _WEIGHT.size, "the weight")
    flags, raw = _WEIGHT.unpack_from(frame)
    offset = _WEIGHT.size
    taken_at = user = bmi = height = None
    if flags & _TIME:
        need(frame, offset + date_time.SIZE, "the time stamp")
        taken_at = date_time.lenient(frame, offset)
        offset += date_time.SIZE
    if flags & _USER:
        need(frame, offset + 1, "the user id")
        user = frame[offset]
        offset += 1
    if flags & _BMI:
        need(frame, offset + _BMI_AND_HEIGHT.size, "BMI and height")
        raw_bmi, raw_height = _BMI_AND_HEIGHT.unpack_from(frame, offset)
        bmi = raw_bmi / 10
        height = raw_height / 10 * M_PER_INCH if flags & _IMPERIAL else raw_height / 1000
    return Weight(
        weight=None if raw == UNSUCCESSFUL else _kilograms(raw, bool(flags & _IMPERIAL)),
        bmi=bmi,
        height=height,
        taken_at=taken_at,
        user_id=None if user == UNKNOWN_USER else user,
        measurement_unsuccessful=raw == UNSUCCESSFUL,
    )


def encode(measurement: Weight, *, unit: Literal["kg", "lb"] = "kg") -> bytes:
    """Return the frame; what is None is left out, and no weight becomes "measurement unsuccessful".

    BMI and height go together: if only one is known the other is written as 0. Resolution is 0.005 kg or
    0.01 lb, 0.001 m or 0.1 inch. Raises ValueError for values that do not fit (327.67 kg is the highest).
    """
    imperial = unit == "lb"
    flags = _IMPERIAL if imperial else 0
    tail = b""
    if measurement.taken_at is not None:
        flags |= _TIME
        tail += date_time.pack(measurement.taken_at)
    if measurement.user_id is not None:
        flags |= _USER
        tail += bytes((measurement.user_id,))
    if measurement.bmi is not None or measurement.height is not None:
        flags |= _BMI
        tail += _pack_body(measurement, imperial)
    return _WEIGHT.pack(flags, _raw_weight(measurement, imperial)) + tail


def _kilograms(raw: int, imperial: bool) -> float:
    return raw / 100 * KG_PER_LB if imperial else raw / 200


def _raw_weight(measurement: Weight, imperial: bool) -> int:
    if measurement.weight is None or measurement.measurement_unsuccessful:
        return UNSUCCESSFUL
    raw = round(measurement.weight / KG_PER_LB * 100 if imperial else measurement.weight * 200)
    if not 0 <= raw < UNSUCCESSFUL:
        raise ValueError(f"{measurement.weight} kg does not fit a Weight Measurement")
    return raw


def _pack_body(measurement: Weight, imperial: bool) -> bytes:
    height = measurement.height or 0.0
    raw_bmi = round((measurement.bmi or 0.0) * 10)
    raw_height = round(height / M_PER_INCH * 10 if imperial else height * 1000)
    if not (0 <= raw_bmi <= 0xFFFF and 0 <= raw_height <= 0xFFFF):
        raise ValueError(f"BMI {measurement.bmi} or height {height} m does not fit a Weight Measurement")
    return _BMI_AND_HEIGHT.pack(raw_bmi, raw_height)
