"""Weight Scale Feature (2A9E). Source: GATT Specification Supplement, Weight Scale Service 1.0."""

from __future__ import annotations

from devices.fields import Fields
from devices.measurement import Measurement

_TIME, _USERS, _BMI = 0x01, 0x02, 0x04
_WEIGHT_SHIFT, _WEIGHT_MASK = 3, 0xF
_HEIGHT_SHIFT, _HEIGHT_MASK = 7, 0x7
_KG = {1: 0.5, 2: 0.2, 3: 0.1, 4: 0.05, 5: 0.02, 6: 0.01, 7: 0.005}
_M = {1: 0.01, 2: 0.005, 3: 0.001}


class WeightScaleFeature(Measurement, frozen=True, kw_only=True):
    """What a scale can do. The resolutions (kg, m) follow from the codes: None if not given or reserved."""

    timestamp_supported: bool = False
    multiple_users_supported: bool = False
    bmi_supported: bool = False
    weight_resolution_code: int = 0
    height_resolution_code: int = 0
    weight_resolution_kg: float | None = None
    height_resolution_m: float | None = None


def decode(frame: bytes, device_name: str | None = None) -> WeightScaleFeature:
    """Return the features. Reserved bits and trailing bytes are ignored. Raises DecodeError if truncated."""
    bits = Fields(frame).uint32("the features")
    weight = bits >> _WEIGHT_SHIFT & _WEIGHT_MASK
    height = bits >> _HEIGHT_SHIFT & _HEIGHT_MASK
    return WeightScaleFeature(
        timestamp_supported=bool(bits & _TIME),
        multiple_users_supported=bool(bits & _USERS),
        bmi_supported=bool(bits & _BMI),
        weight_resolution_code=weight,
        height_resolution_code=height,
        weight_resolution_kg=_KG.get(weight),
        height_resolution_m=_M.get(height),
    )


def encode(feature: WeightScaleFeature) -> bytes:
    """Return the four bytes; the codes count, not the resolutions. Raises ValueError if one does not fit."""
    weight, height = feature.weight_resolution_code, feature.height_resolution_code
    if not (0 <= weight <= _WEIGHT_MASK and 0 <= height <= _HEIGHT_MASK):
        raise ValueError(f"resolution codes {weight} and {height} do not fit 4 and 3 bits")
    bits = (
        feature.timestamp_supported * _TIME
        | feature.multiple_users_supported * _USERS
        | feature.bmi_supported * _BMI
        | weight << _WEIGHT_SHIFT
        | height << _HEIGHT_SHIFT
    )
    return bits.to_bytes(4, "little")
