"""Heart Rate Measurement (2A37). Source: GATT Specification Supplement, Heart Rate Service 1.0."""

from __future__ import annotations

import struct

from devices.errors import DecodeError, need
from devices.measurement import Content, Measurement
from wire.reading import Flag, Kind

_WIDE, _CONTACT, _CONTACT_SUPPORTED, _ENERGY, _RR = 0x01, 0x02, 0x04, 0x08, 0x10
_UINT16 = struct.Struct("<H")


class HeartRate(Measurement, frozen=True, kw_only=True):
    """Heart rate in /min, energy expended in kJ, RR intervals in ms with a resolution of 1/1024 s.

    `sensor_contact` None means that the sensor cannot tell. The frame carries no time.
    """

    heart_rate: int
    sensor_contact: bool | None = None
    energy_kj: int | None = None
    rr_intervals_ms: tuple[float, ...] = ()

    def content(self) -> Content:
        """Return what goes into a reading: the rate, and whether the sensor touched the skin."""
        return Content(
            kind=Kind.HEART_RATE,
            values={"heart_rate": float(self.heart_rate)},
            flags=[Flag.NO_SENSOR_CONTACT] if self.sensor_contact is False else [],
        )


def decode(frame: bytes, device_name: str | None = None) -> HeartRate:
    """Return the measurement. Reserved flag bits are ignored, and trailing bytes if no RR intervals follow.

    Raises DecodeError for a frame shorter than its flags say, and for half an RR interval at its end.
    """
    need(frame, 2, "the heart rate")
    flags = frame[0]
    offset = 3 if flags & _WIDE else 2
    need(frame, offset, "the 16-bit heart rate")
    rate = _UINT16.unpack_from(frame, 1)[0] if flags & _WIDE else frame[1]
    energy = None
    if flags & _ENERGY:
        need(frame, offset + 2, "the energy expended")
        energy = _UINT16.unpack_from(frame, offset)[0]
        offset += 2
    return HeartRate(
        heart_rate=rate,
        sensor_contact=bool(flags & _CONTACT) if flags & _CONTACT_SUPPORTED else None,
        energy_kj=energy,
        rr_intervals_ms=_intervals(frame, offset) if flags & _RR else (),
    )


def encode(measurement: HeartRate) -> bytes:
    """Return the frame, with an 8-bit heart rate if it fits. Raises ValueError for values that do not fit."""
    wide = measurement.heart_rate > 0xFF
    flags = _WIDE if wide else 0
    tail = b""
    if measurement.sensor_contact is not None:
        flags |= _CONTACT_SUPPORTED | (_CONTACT if measurement.sensor_contact else 0)
    if measurement.energy_kj is not None:
        flags |= _ENERGY
        tail += _pack(measurement.energy_kj, "energy expended")
    if measurement.rr_intervals_ms:
        flags |= _RR
        tail += b"".join(_pack(round(ms * 1024 / 1000), "RR interval") for ms in measurement.rr_intervals_ms)
    rate = _pack(measurement.heart_rate, "heart rate")
    return bytes((flags,)) + (rate if wide else rate[:1]) + tail


def _intervals(frame: bytes, offset: int) -> tuple[float, ...]:
    rest = len(frame) - offset
    if rest % 2:
        raise DecodeError(f"truncated: {rest} bytes of RR intervals, which take two bytes each")
    return tuple(raw * 1000 / 1024 for (raw,) in _UINT16.iter_unpack(frame[offset:]))


def _pack(value: int, what: str) -> bytes:
    if not 0 <= value <= 0xFFFF:
        raise ValueError(f"{what} {value} does not fit 16 bits")
    return _UINT16.pack(value)
