"""A&D's own weight characteristic (UC-352BLE and kin): a Weight Measurement in steps of 0.1 kg or 0.1 lb.

Source: behaviour of the maker's sample application for Android; no specification is public. It has unit,
time stamp and user id as 2A9D has; what its BMI flag would bring is not known and is ignored.
"""

from __future__ import annotations

from typing import Literal

from devices import date_time
from devices.fields import Fields, pack, pack_scaled
from devices.weight import KG_PER_LB, UNKNOWN_USER, UNSUCCESSFUL, Weight

UUID = "23434101-1FE4-1EFF-80CB-00FF78297D8B"

_POUNDS, _TIME, _USER = 0x01, 0x02, 0x04


def decode(frame: bytes, device_name: str | None = None) -> Weight:
    """Return the weight. Unknown flag bits and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint8("the flags")
    raw = fields.uint16("the weight")
    taken_at = fields.date_time("the time stamp") if flags & _TIME else None
    user = fields.uint8("the user id") if flags & _USER else UNKNOWN_USER
    kilograms = raw / 10 * KG_PER_LB if flags & _POUNDS else raw / 10
    return Weight(
        weight=None if raw == UNSUCCESSFUL else kilograms,
        taken_at=taken_at,
        user_id=None if user == UNKNOWN_USER else user,
        measurement_unsuccessful=raw == UNSUCCESSFUL,
    )


def encode(measurement: Weight, *, unit: Literal["kg", "lb"] = "kg") -> bytes:
    """Return the frame; BMI and height have no place in it. Raises ValueError for values that do not fit."""
    flags = _POUNDS if unit == "lb" else 0
    tail = b""
    if measurement.taken_at is not None:
        flags |= _TIME
        tail += date_time.pack(measurement.taken_at)
    if measurement.user_id is not None:
        flags |= _USER
        tail += pack(measurement.user_id, 1, "user id")
    resolution = KG_PER_LB / 10 if unit == "lb" else 0.1
    if measurement.weight is None or measurement.measurement_unsuccessful:
        weight = pack(UNSUCCESSFUL, 2, "weight")
    else:
        weight = pack_scaled(measurement.weight, resolution, "weight")
    return bytes((flags,)) + weight + tail
