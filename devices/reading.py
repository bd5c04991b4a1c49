"""From a decoded measurement to the reading that travels. Pure: every time is an argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from devices.measurement import Content, Measurement
from devices.registry import canonical
from wire.identity import reading_id
from wire.reading import REQUIRED, ClockQuality, Flag, Kind, Origin, Reading, Values

LONGEST_PAST = timedelta(days=5 * 365 + 1)
LONGEST_FUTURE = timedelta(minutes=10)
"""A device time outside [received_at - LONGEST_PAST, received_at + LONGEST_FUTURE] is not believed."""

_LONGEST_ERROR = 300
_LONGEST_RAW = 512
_CHARACTERISTIC = re.compile(r"[A-Z0-9-]{4,36}")


class ClockState(StrEnum):
    """What the gateway knows of a device's clock."""

    VERIFIED = "verified"
    OFFSET = "offset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Clock:
    """A device's clock as the gateway knows it.

    VERIFIED: set by the gateway and read back. OFFSET: not set, but read; `offset` is how far it is ahead of
    the true local time (negative if behind). UNKNOWN: neither. `zone` is where the device's wall clock lives.
    """

    state: ClockState = ClockState.UNKNOWN
    offset: timedelta = timedelta(0)
    zone: str = "Europe/Stockholm"

    def __post_init__(self) -> None:
        """Raise ZoneInfoNotFoundError for an unknown zone here, not at the first reading."""
        ZoneInfo(self.zone)


def to_utc(local: datetime, zone: str) -> datetime:
    """Return the instant of a device's wall-clock time.

    In the hour that happens twice (autumn) it is the first of the two. A time that does not exist (spring)
    comes from a clock that was not yet put forward, so it is read with the offset before the change: 02:30
    becomes 03:30 summer time. Raises ZoneInfoNotFoundError for an unknown zone.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def to_reading(
    measurement: Measurement,
    *,
    frame: bytes,
    characteristic: str,
    device_id: str,
    received_at: datetime,
    clock: Clock,
    live: bool,
) -> Reading:
    """Return the reading of a measurement.

    `received_at` is aware. `live` is True for a measurement made just now and False for one out of the
    device's memory. A measurement without the values that its kind needs, or with a value that no person can
    have, becomes a reading of kind UNREADABLE with the reason in words; nothing is thrown away. Raises
    ValueError if `received_at` has no zone.
    """
    content = measurement.content()
    record = _Record(frame, canonical(characteristic), device_id, received_at, clock, live)
    if content is None:
        return _unreadable(record, measurement.why_no_reading())
    values = _measured(content)
    problem = _problem(content, values)
    if problem is not None:
        return _unreadable(record, problem, content)
    return _build(record, content.kind, values=msgspec.convert(values, Values), content=content)


def unreadable(
    error: str | Exception,
    *,
    frame: bytes,
    characteristic: str,
    device_id: str,
    received_at: datetime,
    live: bool,
) -> Reading:
    """Return the reading of a frame that could not be decoded, so that the operator sees it."""
    record = _Record(frame, canonical(characteristic), device_id, received_at, Clock(), live)
    return _unreadable(record, str(error) or type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Record:
    frame: bytes
    characteristic: str
    device_id: str
    received_at: datetime
    clock: Clock
    live: bool


def _unreadable(record: _Record, error: str, content: Content | None = None) -> Reading:
    return _build(record, Kind.UNREADABLE, values=Values(), content=content, error=error[:_LONGEST_ERROR])


def _build(
    record: _Record, kind: Kind, *, values: Values, content: Content | None, error: str | None = None
) -> Reading:
    if record.received_at.tzinfo is None:
        raise ValueError("received_at must be aware: use the gateway's clock in UTC")
    device_time = content.taken_at if content else None
    user_slot = content.user_id if content else None
    measured_at, quality = _measured_at(device_time, record)
    fits = _CHARACTERISTIC.fullmatch(record.characteristic)
    return Reading(
        reading_id=reading_id(
            device_id=record.device_id,
            user_slot=user_slot,
            characteristic=record.characteristic,
            raw=record.frame,
            device_time=device_time,
            received_at=record.received_at,
        ),
        device_id=record.device_id,
        kind=kind,
        values=values,
        received_at=record.received_at,
        measured_at=measured_at,
        device_time=device_time.isoformat(timespec="seconds") if device_time else None,
        clock=quality,
        user_slot=user_slot,
        flags=content.flags if content else [],
        origin=Origin.LIVE if record.live else Origin.DEVICE_MEMORY,
        characteristic=record.characteristic if fits else None,
        # An attribute has at most 512 bytes (Core 5.4, Vol 3, Part F, 3.2.9); the wire takes no more either.
        raw=record.frame[:_LONGEST_RAW].hex(),
        error=error,
    )


def _measured_at(device_time: datetime | None, record: _Record) -> tuple[datetime | None, ClockQuality]:
    """Return when it was measured and how that is known (design: three clocks are kept)."""
    if device_time is not None and record.clock.state is not ClockState.UNKNOWN:
        moment = _believed(device_time, record)
        if moment is not None:
            verified = record.clock.state is ClockState.VERIFIED
            return moment, ClockQuality.VERIFIED if verified else ClockQuality.OFFSET
    if record.live:
        return record.received_at.astimezone(UTC), ClockQuality.GATEWAY
    return None, ClockQuality.UNVERIFIED


def _believed(device_time: datetime, record: _Record) -> datetime | None:
    try:
        moment = _moment(device_time, record)
    except OverflowError:  # a year that leaves the calendar when it is corrected
        return None
    plausible = record.received_at - LONGEST_PAST <= moment <= record.received_at + LONGEST_FUTURE
    return moment if plausible else None


def _moment(device_time: datetime, record: _Record) -> datetime:
    clock = record.clock
    if clock.state is ClockState.VERIFIED:
        return to_utc(device_time, clock.zone)
    # A clock that is off has not followed the change of daylight saving either, and is most often off because
    # of that: what counts is how much time has passed on it.
    shows = record.received_at.astimezone(ZoneInfo(clock.zone)).replace(tzinfo=None) + clock.offset
    return record.received_at.astimezone(UTC) - (shows - device_time)


def _measured(content: Content) -> dict[str, float]:
    """Return the values that were measured, rounded to what the formats can resolve.

    Many devices write 0 into an optional field they did not measure (mean pressure, BMI); that is no value.
    """
    required = REQUIRED[content.kind]
    return {
        name: round(value, 3)
        for name, value in content.values.items()
        if value is not None and (value != 0 or name in required)
    }


def _problem(content: Content, values: dict[str, float]) -> str | None:
    missing = [name for name in REQUIRED[content.kind] if name not in values]
    if missing:
        return f"the device gave no {' and no '.join(missing)}{_reported(content.flags)}"
    for name, value in values.items():
        low, high, unit = _RANGES[name]
        if not low <= value <= high:
            return f"{name} {value:g} is outside {low:g}-{high:g} {unit}{_reported(content.flags)}"
    return None


def _reported(flags: list[Flag]) -> str:
    return f"; the device reports {', '.join(flags)}" if flags else ""


def _ranges() -> dict[str, tuple[float, float, str]]:
    """Read (lowest, highest, unit) of each value out of the contract, so that they are written down once."""
    found: dict[str, tuple[float, float, str]] = {}
    for name, hint in get_type_hints(Values, include_extras=True).items():
        for part in get_args(hint):
            if get_origin(part) is Annotated:
                meta: msgspec.Meta = part.__metadata__[0]
                unit = (meta.description or "").split(";")[0]
                found[name] = (float(meta.ge or 0), float(meta.le or 0), unit)
    return found


_RANGES = _ranges()
