"""Intermediate Cuff Pressure (2A36). Source: GATT Specification Supplement, Blood Pressure Service 1.1.1.

The frame is that of a blood pressure: the first number is the cuff's pressure now, the next two are unused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from devices import blood_pressure
from devices.blood_pressure import BloodPressure, PulseRateRange
from devices.measurement import Measurement


class IntermediateCuffPressure(Measurement, frozen=True, kw_only=True):
    """What the cuff holds while it is measuring, in mm[Hg]; pulse rate in /min. Never a result.

    The other fields are those of a BloodPressure.
    """

    cuff_pressure: float | None
    pulse_rate: float | None = None
    taken_at: datetime | None = None
    user_id: int | None = None
    body_movement: bool | None = None
    cuff_too_loose: bool | None = None
    irregular_pulse: bool | None = None
    pulse_rate_range: PulseRateRange | None = None
    improper_position: bool | None = None

    def why_no_reading(self) -> str:
        """Return the reason in words, for the operator."""
        return "an intermediate cuff pressure is a step on the way to a blood pressure, not a result"


def decode(frame: bytes, device_name: str | None = None) -> IntermediateCuffPressure:
    """Return the pressure. Reserved flag bits, the two unused numbers and trailing bytes are ignored.

    Raises DecodeError for a frame shorter than its flags say.
    """
    measured = blood_pressure.decode(frame, device_name)
    return IntermediateCuffPressure(
        cuff_pressure=measured.systolic,
        pulse_rate=measured.pulse_rate,
        taken_at=measured.taken_at,
        user_id=measured.user_id,
        body_movement=measured.body_movement,
        cuff_too_loose=measured.cuff_too_loose,
        irregular_pulse=measured.irregular_pulse,
        pulse_rate_range=measured.pulse_rate_range,
        improper_position=measured.improper_position,
    )


def encode(measurement: IntermediateCuffPressure, *, unit: Literal["mmHg", "kPa"] = "mmHg") -> bytes:
    """Return the frame; what is None is left out. Raises ValueError as `blood_pressure.encode` does."""
    same = BloodPressure(
        systolic=measurement.cuff_pressure,
        diastolic=None,
        pulse_rate=measurement.pulse_rate,
        taken_at=measurement.taken_at,
        user_id=measurement.user_id,
        body_movement=measurement.body_movement,
        cuff_too_loose=measurement.cuff_too_loose,
        irregular_pulse=measurement.irregular_pulse,
        pulse_rate_range=measurement.pulse_rate_range,
        improper_position=measurement.improper_position,
    )
    return blood_pressure.encode(same, unit=unit)
