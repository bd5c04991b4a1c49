"""Blood Pressure Feature (2A49). Source: GATT Specification Supplement, Blood Pressure Service 1.1.1."""

from __future__ import annotations

import msgspec

from devices.fields import Fields
from devices.measurement import Measurement


class BloodPressureFeature(Measurement, frozen=True):
    """What a cuff can tell beside the pressures, in the order of the bits."""

    body_movement_detection: bool = False
    cuff_fit_detection: bool = False
    irregular_pulse_detection: bool = False
    pulse_rate_range_detection: bool = False
    measurement_position_detection: bool = False
    multiple_bond: bool = False
    e2e_crc: bool = False
    user_data_service: bool = False
    user_facing_time: bool = False


_BITS = len(BloodPressureFeature.__struct_fields__)


def decode(frame: bytes, device_name: str | None = None) -> BloodPressureFeature:
    """Return the features. Reserved bits and trailing bytes are ignored. Raises DecodeError if truncated."""
    bits = Fields(frame).uint16("the features")
    return BloodPressureFeature(*(bool(bits >> bit & 1) for bit in range(_BITS)))


def encode(feature: BloodPressureFeature) -> bytes:
    """Return the two bytes."""
    bits = sum(is_set << bit for bit, is_set in enumerate(msgspec.structs.astuple(feature)))
    return bits.to_bytes(2, "little")
