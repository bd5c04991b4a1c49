"""A reading: one measurement of one device, as the gateway sends it.

A reading never names a patient. The server binds (gateway, device, user slot) to a patient for a range of
time and resolves it at the measured time.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

# Python's `$` also matches before a last newline, hence the look-ahead; elsewhere it changes nothing.
DEVICE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$(?!\n)"

DeviceId = Annotated[str, Meta(pattern=DEVICE_ID_PATTERN, max_length=64)]
"""Stable name of a physical device at a gateway, e.g. its Bluetooth identity address."""
UtcTime = Annotated[datetime, Meta(tz=True)]
SymptomGrade = Annotated[int, Meta(ge=0, le=3)]
"""0 as usual, 1 a little more, 2 clearly more, 3 much more."""


class Kind(StrEnum):
    """What was measured. One kind is one set of values.

    UNREADABLE is a record that gave no values (truncated, all NaN, foreign): its raw bytes and `error` travel
    all the same, so that the operator sees it in quarantine and nothing is lost at home.
    """

    BLOOD_PRESSURE = "blood_pressure"
    WEIGHT = "weight"
    HEART_RATE = "heart_rate"
    SYMPTOMS = "symptoms"
    UNREADABLE = "unreadable"


class ClockQuality(StrEnum):
    """Where `measured_at` comes from (design: three clocks are kept)."""

    VERIFIED = "verified"  # the device's clock, set by the gateway and read back
    OFFSET = "offset"  # the device's clock, corrected by a known offset
    GATEWAY = "gateway"  # the gateway's receive time of a live measurement
    UNVERIFIED = "unverified"  # nobody knows; `measured_at` is absent


class Origin(StrEnum):
    """How the reading reached the gateway."""

    LIVE = "live"
    DEVICE_MEMORY = "device_memory"
    MANUAL = "manual"


class Flag(StrEnum):
    """Quality flags. All but IRREGULAR_PULSE ask for a repeat and keep the reading out of the rules."""

    BODY_MOVEMENT = "body_movement"
    CUFF_TOO_LOOSE = "cuff_too_loose"
    IRREGULAR_PULSE = "irregular_pulse"
    PULSE_BELOW_RANGE = "pulse_below_range"
    PULSE_ABOVE_RANGE = "pulse_above_range"
    IMPROPER_POSITION = "improper_position"
    NO_SENSOR_CONTACT = "no_sensor_contact"


Pulse = Annotated[float, Meta(ge=15, le=300, description="/min; LOINC 8867-4; MDC 149546 cuff, 147842 heart")]
DeviceTime = Annotated[str, Meta(max_length=19, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$(?!\n)")]


class Values(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The measured quantities, each in one unit (UCUM) and within what a living adult or child can have.

    A value outside its range is refused at decoding, so that 2047 mm[Hg] never becomes a reading.
    """

    systolic: Annotated[float, Meta(ge=30, le=300, description="mm[Hg]; LOINC 8480-6")] | None = None
    diastolic: Annotated[float, Meta(ge=10, le=250, description="mm[Hg]; LOINC 8462-4")] | None = None
    mean_arterial: Annotated[float, Meta(ge=10, le=280, description="mm[Hg]; LOINC 8478-0")] | None = None
    pulse: Pulse | None = None
    heart_rate: Pulse | None = None
    weight: Annotated[float, Meta(ge=1, le=500, description="kg; LOINC 29463-7")] | None = None
    bmi: Annotated[float, Meta(ge=5, le=150, description="kg/m2; LOINC 39156-5")] | None = None
    height: Annotated[float, Meta(ge=30, le=260, description="cm; LOINC 8302-2")] | None = None
    breathlessness: SymptomGrade | None = None
    orthopnoea: SymptomGrade | None = None
    swelling: SymptomGrade | None = None
    dizziness: SymptomGrade | None = None


REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.BLOOD_PRESSURE: ("systolic", "diastolic"),
    Kind.WEIGHT: ("weight",),
    Kind.HEART_RATE: ("heart_rate",),
    Kind.SYMPTOMS: (),
    Kind.UNREADABLE: (),
}
"""Values without which a reading of that kind says nothing."""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One measurement with its three clocks and its raw frame.

    `measured_at` is absent if and only if `clock` is "unverified"; such a reading is quarantined.
    `device_time` is the device's own clock exactly as it stood in the record, without a zone.
    """

    reading_id: UUID
    device_id: DeviceId
    kind: Kind
    values: Values
    received_at: UtcTime
    measured_at: UtcTime | None = None
    device_time: DeviceTime | None = None
    clock: ClockQuality = ClockQuality.UNVERIFIED
    user_slot: Annotated[int, Meta(ge=0, le=254)] | None = None
    flags: Annotated[list[Flag], Meta(max_length=8)] = []
    origin: Origin = Origin.LIVE
    characteristic: Annotated[str, Meta(pattern=r"^[A-Z0-9-]{4,36}$(?!\n)")] | None = None
    raw: Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$(?!\n)", max_length=1024)] | None = None
    error: Annotated[str, Meta(max_length=300)] | None = None

    def __post_init__(self) -> None:
        """Refuse what no range can express: a kind without its values, a clock that contradicts its time."""
        for name in REQUIRED[self.kind]:
            if getattr(self.values, name) is None:
                raise ValueError(f"a {self.kind} reading needs {name}")
        if (self.measured_at is None) != (self.clock is ClockQuality.UNVERIFIED):
            raise ValueError("measured_at is absent if and only if the clock is unverified")
        if (self.error is None) != (self.kind is not Kind.UNREADABLE):
            raise ValueError("error is present if and only if the reading is unreadable")
