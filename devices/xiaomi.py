"""Xiaomi Mi Scale 1 (service data of 181D) and 2 (181B): weights that are only ever advertised.

Source: captures and tests of public projects (see the vectors); no specification is public. The same
weighing is advertised again and again, while it settles, when it has, and after the person has stepped off.
"""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Literal

from devices import date_time
from devices.errors import need_exactly
from devices.measurement import NotYetCarried
from devices.weight import KG_PER_LB

_POUNDS, _HAS_IMPEDANCE, _STABILIZED, _REMOVED = 0x01, 0x02, 0x20, 0x80
_SCALE_1_KG = _SCALE_2_KG = 0x02
_LOWEST_INVALID_IMPEDANCE = 0xFFFD

_SCALE_1 = struct.Struct("<BH7s")
_SCALE_2 = struct.Struct("<BB7sHH")

Unit = Literal["kg", "lb"]


class ScaleAdvertisement(NotYetCarried, frozen=True, kw_only=True):
    """Weight in kg, impedance in Ohm, the scale's own clock without a zone (it may never have been set).

    Only a frame that is `stabilized` holds a result; `load_removed` repeats the last one, whatever it was. No
    frame says who stood on the scale.
    """

    weight: float
    stabilized: bool
    load_removed: bool
    taken_at: datetime | None = None
    impedance_ohm: int | None = None


def decode_scale_1(frame: bytes, device_name: str | None = None) -> ScaleAdvertisement:
    """Return what a Mi Scale 1 advertises. Raises DecodeError for a length other than 10."""
    need_exactly(frame, _SCALE_1.size, "the service data of a Mi Scale 1")
    control, raw, clock = _SCALE_1.unpack(frame)
    return _advertisement(control, raw, clock, "lb" if control & _POUNDS else "kg", None)


def decode_scale_2(frame: bytes, device_name: str | None = None) -> ScaleAdvertisement:
    """Return what a Mi Scale 2 advertises. Raises DecodeError for a length other than 13."""
    need_exactly(frame, _SCALE_2.size, "the service data of a Mi Scale 2")
    unit, control, clock, impedance, raw = _SCALE_2.unpack(frame)
    measured = control & _HAS_IMPEDANCE and 0 < impedance < _LOWEST_INVALID_IMPEDANCE
    return _advertisement(
        control, raw, clock, "lb" if unit & _POUNDS else "kg", impedance if measured else None
    )


def encode_scale_1(advertisement: ScaleAdvertisement, *, unit: Unit = "kg") -> bytes:
    """Return the ten bytes; a Mi Scale 1 measures no impedance. Raises ValueError for what does not fit."""
    control = _control(advertisement) | (_POUNDS if unit == "lb" else _SCALE_1_KG)
    return _SCALE_1.pack(control, _raw(advertisement, unit), date_time.pack(advertisement.taken_at))


def encode_scale_2(advertisement: ScaleAdvertisement, *, unit: Unit = "kg") -> bytes:
    """Return the thirteen bytes. Raises ValueError for a weight or an impedance that does not fit."""
    impedance = advertisement.impedance_ohm
    if impedance is not None and not 0 < impedance < _LOWEST_INVALID_IMPEDANCE:
        raise ValueError(f"an impedance of {impedance} Ohm does not fit this format")
    control = _control(advertisement) | (0 if impedance is None else _HAS_IMPEDANCE)
    first = _SCALE_2_KG | (_POUNDS if unit == "lb" else 0)
    clock = date_time.pack(advertisement.taken_at)
    return _SCALE_2.pack(first, control, clock, impedance or 0, _raw(advertisement, unit))


def _advertisement(
    control: int, raw: int, clock: bytes, unit: Unit, impedance: int | None
) -> ScaleAdvertisement:
    removed = bool(control & _REMOVED)
    return ScaleAdvertisement(
        # A catty is half a kilogram and counted in hundredths, so its raw number is that of kilograms.
        weight=raw / 100 * KG_PER_LB if unit == "lb" else raw / 200,
        # The bit stays set after the person has stepped off, but then the frame is an echo.
        stabilized=bool(control & _STABILIZED) and not removed,
        load_removed=removed,
        taken_at=date_time.lenient(clock, 0),
        impedance_ohm=impedance,
    )


def _control(advertisement: ScaleAdvertisement) -> int:
    return advertisement.stabilized * _STABILIZED | advertisement.load_removed * _REMOVED


def _raw(advertisement: ScaleAdvertisement, unit: Unit) -> int:
    weight = advertisement.weight
    raw = round(weight / KG_PER_LB * 100 if unit == "lb" else weight * 200)
    if not 0 <= raw <= 0xFFFF:
        raise ValueError(f"{weight} kg does not fit 16 bits")
    return raw
