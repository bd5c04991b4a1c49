"""What a nurse needs in ten seconds, from a patient's readings: now, usual, symptoms, gaps, quality. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.rules.plan import Plan, Symptom
from alerts.rules.series import NOT_EXCLUDING
from clinician_api.trend import bands, daily
from storage.trends import ReadingRow

DAYS = 14


@dataclass(frozen=True, slots=True)
class Vital:
    """The latest usable value of a quantity, and what is usual for this patient (trend.bands)."""

    value: float
    at: datetime
    usual: float | None


@dataclass(frozen=True, slots=True)
class Pressure:
    """The latest usable blood pressure in mm[Hg] and the usual one."""

    systolic: float
    diastolic: float
    at: datetime
    usual_systolic: float | None
    usual_diastolic: float | None


@dataclass(frozen=True, slots=True)
class Symptoms:
    """The latest answers: what is worse, with its grade 1-3; empty means "as usual"."""

    at: datetime
    worse: dict[str, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Days of the last fortnight without a reading that the plan wants daily."""

    kind: str
    days: int
    of: int


@dataclass(frozen=True, slots=True)
class Glance:
    """A patient at one glance."""

    weight: Vital | None
    pressure: Pressure | None
    pulse: Vital | None
    symptoms: Symptoms | None
    gaps: list[Gap]
    flagged: int
    readings: int
    flags: list[str]


def usable(reading: ReadingRow) -> bool:
    """Say whether a reading's quality lets it count (the irregular-pulse flag does not exclude)."""
    return NOT_EXCLUDING.issuperset(reading.flags)


def glance(readings: Sequence[ReadingRow], plan: Plan | None, now: datetime, zone: ZoneInfo) -> Glance:
    """Return the glance of readings in order of time that reach back 28 days or more."""
    good = [reading for reading in readings if usable(reading)]
    recent = [r for r in readings if r.measured_at >= now - timedelta(days=DAYS)]
    flagged = [r for r in recent if not usable(r)]
    today = now.astimezone(zone).date()
    return Glance(
        weight=_vital(good, lambda r: r.weight, today, zone),
        pressure=_pressure(good, today, zone),
        pulse=_vital(good, lambda r: r.pulse if r.kind == "blood_pressure" else None, today, zone),
        symptoms=_symptoms(good),
        gaps=_gaps(readings, plan, today, zone),
        flagged=len(flagged),
        readings=len(recent),
        flags=sorted({flag for r in flagged for flag in r.flags if flag not in NOT_EXCLUDING}),
    )


def _vital(
    readings: Sequence[ReadingRow], value: Callable[[ReadingRow], float | None], today: date, zone: ZoneInfo
) -> Vital | None:
    points = [(r.measured_at, v) for r in readings if (v := value(r)) is not None]
    if not points:
        return None
    usual = bands(daily(points, zone), today, today)[0].usual
    return Vital(points[-1][1], points[-1][0], usual)


def _pressure(readings: Sequence[ReadingRow], today: date, zone: ZoneInfo) -> Pressure | None:
    systolic = _vital(readings, lambda r: r.systolic, today, zone)
    diastolic = _vital(readings, lambda r: r.diastolic, today, zone)
    if systolic is None or diastolic is None:
        return None
    return Pressure(systolic.value, diastolic.value, systolic.at, systolic.usual, diastolic.usual)


def _symptoms(readings: Sequence[ReadingRow]) -> Symptoms | None:
    latest = next((r for r in reversed(readings) if r.kind == "symptoms"), None)
    if latest is None:
        return None
    grades = {symptom.value: getattr(latest, symptom.value) for symptom in Symptom}
    return Symptoms(latest.measured_at, {name: grade for name, grade in grades.items() if grade})


def _gaps(readings: Sequence[ReadingRow], plan: Plan | None, today: date, zone: ZoneInfo) -> list[Gap]:
    """Count from the patient's first reading on, up to yesterday: today is not over."""
    if plan is None or not readings:
        return []
    first = max(readings[0].measured_at.astimezone(zone).date(), today - timedelta(days=DAYS))
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    gaps: list[Gap] = []
    for item in plan.schedule:
        if item.days_per_week < 7:
            continue
        measured = {r.measured_at.astimezone(zone).date() for r in readings if r.kind == item.kind}
        gaps.append(Gap(item.kind, sum(day not in measured for day in days), len(days)))
    return gaps


def age(born: date, today: date) -> int:
    """Return full years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
