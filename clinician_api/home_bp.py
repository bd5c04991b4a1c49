"""The home blood-pressure protocol: which readings count, and what they say together. Pure, no I/O.

Protocol and thresholds: 2021 European Society of Hypertension practice guidelines for office and
out-of-office blood pressure measurement (Stergiou et al., J Hypertens 2021;39:1293-1302): duplicate readings
one minute apart, morning and evening, for 7 days (3 at the least), the first day dropped, at least 12
readings in the mean, 135/85 mm[Hg] or more is high. What counts as morning and evening, and how far apart
a duplicate may be, the guideline leaves open; those values are our choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, stdev
from zoneinfo import ZoneInfo

DAYS = 7
MIN_READINGS = 12
MIN_DAYS = 3
HIGH_SYSTOLIC = 135.0
HIGH_DIASTOLIC = 85.0
DUPLICATE_WITHIN = timedelta(minutes=10)
_MORNING = (time(4), time(12))
_EVENING_FROM = time(16)
_KEEPS = frozenset({"irregular_pulse"})  # says something about the heart, nothing about the measurement


class Part(StrEnum):
    """The part of the patient's day; OTHER is shown but not part of the protocol."""

    MORNING = "morning"
    EVENING = "evening"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Pressure:
    """One blood-pressure reading. Pressures in mm[Hg], pulse in /min, `at` aware."""

    at: datetime
    systolic: float
    diastolic: float
    pulse: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mean:
    """Means and standard deviations in mm[Hg]; the deviation of one value is unknown (None)."""

    n: int
    systolic: float
    diastolic: float
    systolic_sd: float | None
    diastolic_sd: float | None
    pulse: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the table: at most two readings each in the morning and in the evening."""

    day: date
    morning: tuple[Pressure, ...]
    evening: tuple[Pressure, ...]
    counts: bool

    @property
    def readings(self) -> tuple[Pressure, ...]:
        """Return the day's protocol readings in order of time."""
        return self.morning + self.evening


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a protocol period says. `high_share` is the part (0-1) of counted readings >= 135/85."""

    first: date
    last: date
    days: tuple[Day, ...]
    counted_days: int
    mean: Mean | None
    morning: Mean | None
    evening: Mean | None
    high_share: float | None
    left_out: int

    @property
    def complete(self) -> bool:
        """Say whether there is enough to decide on: 12 readings on 3 days after the first one."""
        return self.mean is not None and self.mean.n >= MIN_READINGS and self.counted_days >= MIN_DAYS

    @property
    def high(self) -> bool:
        """Say whether the mean reaches 135 systolic or 85 diastolic."""
        return self.mean is not None and is_high(self.mean.systolic, self.mean.diastolic)


def is_high(systolic: float, diastolic: float) -> bool:
    """Say whether a home value is high: systolic >= 135 or diastolic >= 85 mm[Hg]."""
    return systolic >= HIGH_SYSTOLIC or diastolic >= HIGH_DIASTOLIC


def part_of_day(at: datetime, zone: ZoneInfo) -> Part:
    """Return the part of the day in the patient's zone: morning 04-12, evening 16-24."""
    local = at.astimezone(zone).time()
    if _MORNING[0] <= local < _MORNING[1]:
        return Part.MORNING
    return Part.EVENING if local >= _EVENING_FROM else Part.OTHER


def usable(reading: Pressure) -> bool:
    """Say whether nothing was wrong with the measurement itself (an irregular pulse is not wrong)."""
    return _KEEPS.issuperset(reading.flags)


def protocol(readings: Iterable[Pressure], zone: ZoneInfo, until: date) -> Protocol | None:
    """Return the protocol week that ends with the last day measured on or before `until` (patient's zone).

    The first day with a reading in that week is shown and not counted. None if nothing was measured.
    """
    ordered = sorted(readings, key=lambda reading: reading.at)
    days = [reading.at.astimezone(zone).date() for reading in ordered]
    last = max((day for day in days if day <= until), default=None)
    if last is None:
        return None
    first = last - timedelta(days=DAYS - 1)
    week = [r for r, day in zip(ordered, days, strict=True) if first <= day <= last]
    table = _table(week, zone)
    counted = tuple(row for row in table if row.counts)
    return _summary(first, last, table, counted, len(week))


def _table(week: Sequence[Pressure], zone: ZoneInfo) -> tuple[Day, ...]:
    by_day: dict[date, list[Pressure]] = {}
    for reading in week:
        by_day.setdefault(reading.at.astimezone(zone).date(), []).append(reading)
    first = min(by_day)
    return tuple(
        Day(
            day=day,
            morning=_duplicate(r for r in of_day if part_of_day(r.at, zone) is Part.MORNING),
            evening=_duplicate(r for r in of_day if part_of_day(r.at, zone) is Part.EVENING),
            counts=day != first,
        )
        for day, of_day in sorted(by_day.items())
    )


def _duplicate(readings: Iterable[Pressure]) -> tuple[Pressure, ...]:
    """Return the first two usable readings that belong together; a lone one counts as one."""
    good = [reading for reading in readings if usable(reading)]
    for one, two in pairwise(good):
        if two.at - one.at <= DUPLICATE_WITHIN:
            return one, two
    return tuple(good[:1])


def _summary(
    first: date, last: date, table: tuple[Day, ...], counted: tuple[Day, ...], measured: int
) -> Protocol:
    pressures = [reading for row in counted for reading in row.readings]
    high = [reading for reading in pressures if is_high(reading.systolic, reading.diastolic)]
    return Protocol(
        first=first,
        last=last,
        days=table,
        counted_days=sum(1 for row in counted if row.readings),
        mean=_mean(pressures),
        morning=_mean([reading for row in counted for reading in row.morning]),
        evening=_mean([reading for row in counted for reading in row.evening]),
        high_share=len(high) / len(pressures) if pressures else None,
        left_out=measured - sum(len(row.readings) for row in table),
    )


def _mean(readings: Sequence[Pressure]) -> Mean | None:
    if not readings:
        return None
    systolic = [reading.systolic for reading in readings]
    diastolic = [reading.diastolic for reading in readings]
    pulses = [reading.pulse for reading in readings if reading.pulse is not None]
    several = len(readings) > 1
    return Mean(
        n=len(readings),
        systolic=fmean(systolic),
        diastolic=fmean(diastolic),
        systolic_sd=stdev(systolic) if several else None,
        diastolic_sd=stdev(diastolic) if several else None,
        pulse=fmean(pulses) if pulses else None,
    )
