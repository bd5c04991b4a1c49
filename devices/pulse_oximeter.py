"""Pulse oximeters: spot-check (2A5E), continuous (2A5F), features (2A60).

Source: GATT Specification Supplement, Pulse Oximeter Service 1.0.1.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from devices import date_time
from devices.fields import Fields, pack
from devices.ieee11073 import to_sfloat
from devices.measurement import Measurement, NotYetCarried

_SPOT_TIME, _SPOT_CLOCK_NOT_SET = 0x01, 0x10
_SPOT_STATUS, _SPOT_SENSOR, _SPOT_AMPLITUDE = 0x02, 0x04, 0x08
_FAST, _SLOW, _STATUS, _SENSOR, _AMPLITUDE = 0x01, 0x02, 0x04, 0x08, 0x10
_STATUS_SUPPORT, _SENSOR_SUPPORT = 0x01, 0x02


class SpotCheck(NotYetCarried, frozen=True, kw_only=True):
    """One finished measurement: SpO2 in %, pulse rate in /min, amplitude index in %.

    The two status fields are the bits of the specification. A time stamp from a clock that the device says
    is not set is no time: `taken_at` is then None.
    """

    spo2: float | None
    pulse_rate: float | None
    taken_at: datetime | None = None
    measurement_status: int | None = None
    device_sensor_status: int | None = None
    pulse_amplitude_index: float | None = None
    device_clock_not_set: bool = False


class Continuous(NotYetCarried, frozen=True, kw_only=True):
    """What the oximeter shows now, and with faster and slower averaging; units as in SpotCheck."""

    spo2: float | None
    pulse_rate: float | None
    spo2_fast: float | None = None
    pulse_rate_fast: float | None = None
    spo2_slow: float | None = None
    pulse_rate_slow: float | None = None
    measurement_status: int | None = None
    device_sensor_status: int | None = None
    pulse_amplitude_index: float | None = None


class OximeterFeatures(Measurement, frozen=True):
    """What an oximeter can do, in the order of the bits; the last two are which status bits it can set."""

    measurement_status_supported: bool = False
    device_sensor_status_supported: bool = False
    spot_check_storage_supported: bool = False
    timestamp_supported: bool = False
    spo2pr_fast_supported: bool = False
    spo2pr_slow_supported: bool = False
    pulse_amplitude_index_supported: bool = False
    multiple_bonds_supported: bool = False
    measurement_status_bits: int | None = None
    device_sensor_status_bits: int | None = None


_FEATURE_BITS = 8


def decode_spot_check(frame: bytes, device_name: str | None = None) -> SpotCheck:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint8("the flags")
    spo2 = fields.sfloat("the SpO2")
    pulse = fields.sfloat("the pulse rate")
    taken_at = fields.date_time("the time stamp") if flags & _SPOT_TIME else None
    return SpotCheck(
        spo2=spo2,
        pulse_rate=pulse,
        taken_at=None if flags & _SPOT_CLOCK_NOT_SET else taken_at,
        measurement_status=fields.uint16("the measurement status") if flags & _SPOT_STATUS else None,
        device_sensor_status=fields.uint24("the sensor status") if flags & _SPOT_SENSOR else None,
        pulse_amplitude_index=fields.sfloat("the amplitude index") if flags & _SPOT_AMPLITUDE else None,
        device_clock_not_set=bool(flags & _SPOT_CLOCK_NOT_SET),
    )


def encode_spot_check(measurement: SpotCheck) -> bytes:
    """Return the frame; what is None is left out, except SpO2 and pulse rate, which become NaN.

    Raises ValueError for values that do not fit the format.
    """
    flags = measurement.device_clock_not_set * _SPOT_CLOCK_NOT_SET
    tail = b""
    if measurement.taken_at is not None:
        flags |= _SPOT_TIME
        tail += date_time.pack(measurement.taken_at)
    present, status = _pack_status(measurement, (_SPOT_STATUS, _SPOT_SENSOR, _SPOT_AMPLITUDE))
    pair = _pack_pair(measurement.spo2, measurement.pulse_rate)
    return bytes((flags | present,)) + pair + tail + status


def decode_continuous(frame: bytes, device_name: str | None = None) -> Continuous:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint8("the flags")
    return Continuous(
        spo2=fields.sfloat("the SpO2"),
        pulse_rate=fields.sfloat("the pulse rate"),
        spo2_fast=fields.sfloat("the fast SpO2") if flags & _FAST else None,
        pulse_rate_fast=fields.sfloat("the fast pulse rate") if flags & _FAST else None,
        spo2_slow=fields.sfloat("the slow SpO2") if flags & _SLOW else None,
        pulse_rate_slow=fields.sfloat("the slow pulse rate") if flags & _SLOW else None,
        measurement_status=fields.uint16("the measurement status") if flags & _STATUS else None,
        device_sensor_status=fields.uint24("the sensor status") if flags & _SENSOR else None,
        pulse_amplitude_index=fields.sfloat("the amplitude index") if flags & _AMPLITUDE else None,
    )


def encode_continuous(measurement: Continuous) -> bytes:
    """Return the frame; what is None is left out, or NaN where it stands in a pair with something known.

    Raises ValueError for values that do not fit the format.
    """
    flags = 0
    tail = b""
    for bit, spo2, pulse in (
        (_FAST, measurement.spo2_fast, measurement.pulse_rate_fast),
        (_SLOW, measurement.spo2_slow, measurement.pulse_rate_slow),
    ):
        if spo2 is not None or pulse is not None:
            flags |= bit
            tail += _pack_pair(spo2, pulse)
    present, status = _pack_status(measurement, (_STATUS, _SENSOR, _AMPLITUDE))
    pair = _pack_pair(measurement.spo2, measurement.pulse_rate)
    return bytes((flags | present,)) + pair + tail + status


def decode_features(frame: bytes, device_name: str | None = None) -> OximeterFeatures:
    """Return the features. Reserved bits and trailing bytes are ignored. Raises DecodeError if truncated."""
    fields = Fields(frame)
    bits = fields.uint16("the features")
    return OximeterFeatures(
        *(bool(bits >> bit & 1) for bit in range(_FEATURE_BITS)),
        measurement_status_bits=fields.uint16("the status support") if bits & _STATUS_SUPPORT else None,
        device_sensor_status_bits=fields.uint24("the sensor support") if bits & _SENSOR_SUPPORT else None,
    )


def encode_features(features: OximeterFeatures) -> bytes:
    """Return the frame; a support field is written as 0 if it is announced but not known."""
    flags = msgspec.structs.astuple(features)[:_FEATURE_BITS]
    frame = pack(sum(is_set << bit for bit, is_set in enumerate(flags)), 2, "features")
    if features.measurement_status_supported:
        frame += pack(features.measurement_status_bits or 0, 2, "measurement status")
    if features.device_sensor_status_supported:
        frame += pack(features.device_sensor_status_bits or 0, 3, "device and sensor status")
    return frame


def _pack_pair(spo2: float | None, pulse: float | None) -> bytes:
    return pack(to_sfloat(spo2), 2, "SpO2") + pack(to_sfloat(pulse), 2, "pulse rate")


def _pack_status(measurement: SpotCheck | Continuous, bits: tuple[int, int, int]) -> tuple[int, bytes]:
    """Return the flags and the bytes of measurement status, sensor status and amplitude index."""
    flags = 0
    tail = b""
    if measurement.measurement_status is not None:
        flags |= bits[0]
        tail += pack(measurement.measurement_status, 2, "measurement status")
    if measurement.device_sensor_status is not None:
        flags |= bits[1]
        tail += pack(measurement.device_sensor_status, 3, "device and sensor status")
    if measurement.pulse_amplitude_index is not None:
        flags |= bits[2]
        tail += pack(to_sfloat(measurement.pulse_amplitude_index), 2, "amplitude index")
    return flags, tail
