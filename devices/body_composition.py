"""Body Composition Measurement (2A9C). Source: GATT Specification Supplement, BCS 1.0."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from devices import date_time, quirks
from devices.fields import Fields, pack, pack_scaled
from devices.measurement import NotYetCarried
from devices.weight import KG_PER_LB, M_PER_INCH, UNKNOWN_USER, UNSUCCESSFUL

_IMPERIAL, _TIME, _USER, _METABOLISM, _MUSCLE_PERCENT = 0x01, 0x02, 0x04, 0x08, 0x10
_IMPEDANCE, _WEIGHT, _HEIGHT, _MULTIPLE_PACKET = 0x0200, 0x0400, 0x0800, 0x1000
_MASSES = (
    (0x0020, "muscle_mass"),
    (0x0040, "fat_free_mass"),
    (0x0080, "soft_lean_mass"),
    (0x0100, "body_water_mass"),
)


class BodyComposition(NotYetCarried, frozen=True, kw_only=True):
    """Shares in %, masses and weight in kg, height in m, basal metabolism in kJ, impedance in Ohm.

    `measurement_unsuccessful` means that the scale tried and failed; the body fat is then None. Zeros are
    passed on: some scales fill a failed frame with them. `multiple_packet`: a second frame belongs to this.
    """

    body_fat_percent: float | None
    measurement_unsuccessful: bool = False
    taken_at: datetime | None = None
    user_id: int | None = None
    basal_metabolism_kj: int | None = None
    muscle_percent: float | None = None
    muscle_mass: float | None = None
    fat_free_mass: float | None = None
    soft_lean_mass: float | None = None
    body_water_mass: float | None = None
    impedance_ohm: float | None = None
    weight: float | None = None
    height: float | None = None
    multiple_packet: bool = False


def decode(frame: bytes, device_name: str | None = None) -> BodyComposition:
    """Return the measurement. Reserved flag bits and trailing bytes are ignored.

    0xFFFF in a field means that it was not measured. A Soehnle Shape50 counts masses in 0.1 kg. Raises
    DecodeError for a frame shorter than its flags say.
    """
    fields = Fields(frame)
    flags = fields.uint16("the flags")
    fat = fields.uint16("the body fat")
    imperial = bool(flags & _IMPERIAL)
    kg = 0.1 if quirks.weighs_in_tenths(device_name) else KG_PER_LB / 100 if imperial else 0.005
    taken_at = fields.date_time("the time stamp") if flags & _TIME else None
    user = fields.uint8("the user id") if flags & _USER else UNKNOWN_USER
    metabolism = fields.uint16("the basal metabolism") if flags & _METABOLISM else UNSUCCESSFUL
    muscle = _scaled(fields, flags & _MUSCLE_PERCENT, 0.1, "the muscle percentage")
    masses = {name: _scaled(fields, flags & bit, kg, name) for bit, name in _MASSES}
    return BodyComposition(
        body_fat_percent=_quantity(fat, 0.1),
        measurement_unsuccessful=fat == UNSUCCESSFUL,
        taken_at=taken_at,
        user_id=None if user == UNKNOWN_USER else user,
        basal_metabolism_kj=None if metabolism == UNSUCCESSFUL else metabolism,
        muscle_percent=muscle,
        **masses,
        impedance_ohm=_scaled(fields, flags & _IMPEDANCE, 0.1, "the impedance"),
        weight=_scaled(fields, flags & _WEIGHT, kg, "the weight"),
        height=_scaled(fields, flags & _HEIGHT, M_PER_INCH / 10 if imperial else 0.001, "the height"),
        multiple_packet=bool(flags & _MULTIPLE_PACKET),
    )


def encode(measurement: BodyComposition, *, unit: Literal["kg", "lb"] = "kg") -> bytes:
    """Return the frame; what is None is left out, and no body fat becomes "measurement unsuccessful".

    Resolution is 0.1 %, 0.1 Ohm, 0.005 kg or 0.01 lb, 0.001 m or 0.1 inch. Raises ValueError for values that
    do not fit.
    """
    imperial = unit == "lb"
    kg = KG_PER_LB / 100 if imperial else 0.005
    flags = imperial * _IMPERIAL | measurement.multiple_packet * _MULTIPLE_PACKET
    tail = b""
    if measurement.taken_at is not None:
        flags |= _TIME
        tail += date_time.pack(measurement.taken_at)
    if measurement.user_id is not None:
        flags |= _USER
        tail += pack(measurement.user_id, 1, "user id")
    if measurement.basal_metabolism_kj is not None:
        flags |= _METABOLISM
        tail += pack_scaled(measurement.basal_metabolism_kj, 1, "basal metabolism")
    quantities = (
        (_MUSCLE_PERCENT, "muscle_percent", 0.1),
        *((bit, name, kg) for bit, name in _MASSES),
        (_IMPEDANCE, "impedance_ohm", 0.1),
        (_WEIGHT, "weight", kg),
        (_HEIGHT, "height", M_PER_INCH / 10 if imperial else 0.001),
    )
    for bit, name, resolution in quantities:
        value: float | None = getattr(measurement, name)
        if value is not None:
            flags |= bit
            tail += pack_scaled(value, resolution, name)
    return pack(flags, 2, "flags") + _pack_fat(measurement) + tail


def _scaled(fields: Fields, is_present: int, resolution: float, what: str) -> float | None:
    return _quantity(fields.uint16(what), resolution) if is_present else None


def _quantity(raw: int, resolution: float) -> float | None:
    # Nine decimals take away what binary fractions add: 194 * 0.1 is 19.400000000000002.
    return None if raw == UNSUCCESSFUL else round(raw * resolution, 9)


def _pack_fat(measurement: BodyComposition) -> bytes:
    if measurement.body_fat_percent is None or measurement.measurement_unsuccessful:
        return pack(UNSUCCESSFUL, 2, "body fat")
    return pack_scaled(measurement.body_fat_percent, 0.1, "body fat")
