"""The series behind the charts, for our pages and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from alerts.rules.plan import Limit, Plan, Target
from clinician_api import home_bp, trend
from clinician_api.errors import NotFound
from clinician_api.session import Anyone, now, pool
from storage import trends
from storage.access import acting
from storage.trends import EventRow, PlanRow, ReadingRow

router = APIRouter(tags=["readings"])

LOOK_BACK = timedelta(days=trend.BASELINE_FROM + 1)
"""What is read before the window, so that its first day has a usual level too."""


class Point(BaseModel):
    """Where a reading comes from. `at` is the measured time; `clock` says whose clock that is."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    at: datetime
    device: str
    clock: str
    origin: str
    flags: list[str]


class Value(Point):
    """One value: weight in kg, or pulse in /min."""

    value: float


class PressurePoint(Point):
    """Systolic and diastolic in mm[Hg], pulse in /min; `part` is the patient's part of the day."""

    systolic: float
    diastolic: float
    pulse: float | None
    part: Literal["morning", "evening", "other"]


class SymptomPoint(Point):
    """Grades 0 (as usual) to 3 (much more); null where the question was not answered."""

    breathlessness: int | None
    orthopnoea: int | None
    swelling: int | None
    dizziness: int | None


class WeightDay(BaseModel):
    """One day (at its noon): 7-day mean and the band of the usual level, kg. Null where there is none."""

    at: datetime
    mean: float | None
    low: float | None
    high: float | None
    usual: float | None


class Marker(BaseModel):
    """Something that happened: a contact, a consultation, a new plan, a change of medication."""

    at: datetime
    kind: Literal["contact", "consultation", "plan", "medication"]
    text: str


class Series(BaseModel):
    """A patient's readings in [from, to), with what is computed from them and what the plan says."""

    patient_id: UUID
    zone: str
    start: Annotated[datetime, Field(serialization_alias="from")]
    to: datetime
    weight: list[Value]
    weight_days: list[WeightDay]
    pressure: list[PressurePoint]
    pulse: list[Value]
    symptoms: list[SymptomPoint]
    targets: list[Target]
    limits: list[Limit]
    markers: list[Marker]


@router.get("/api/patients/{patient_id}/series")
async def series(
    request: Request, patient_id: UUID, person: Anyone, days: Annotated[int, Query(ge=0, le=36_500)] = 14
) -> Series:
    """Return the last `days` of a patient's readings; 0 is everything since the first one.

    403 without consent to values, 404 when there is no such patient for the person who asks.
    """
    at = now(request)
    async with acting(pool(request), person.account_id, action="series", patient_ids=[patient_id]) as conn:
        zone = await trends.zone_of(conn, patient_id)
        if zone is None:
            raise NotFound
        start = at - timedelta(days=days)
        if days == 0:
            start = await trends.first_measured(conn, patient_id) or at - timedelta(days=14)
        start = midnight(start, ZoneInfo(zone))
        readings = await trends.readings(conn, patient_id, start - LOOK_BACK, at + timedelta(minutes=5))
        # Consent to values is consent to values, not to the plan, the medication or who has called.
        kin = person.role == "next_of_kin"
        contacts = [] if kin else await trends.contacts(conn, patient_id, start, at)
        plans = [] if kin else await trends.plans(conn, patient_id)
    return build(patient_id, zone, start, at, readings, contacts, plans)


def midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the start of the day in the zone, in UTC."""
    return datetime.combine(at.astimezone(zone).date(), time(0), zone).astimezone(UTC)


def build(
    patient_id: UUID,
    zone_name: str,
    start: datetime,
    end: datetime,
    readings: Sequence[ReadingRow],
    contacts: Sequence[EventRow],
    plans: Sequence[PlanRow],
) -> Series:
    """Return the series of readings that reach back far enough for the usual level (`LOOK_BACK`)."""
    zone = ZoneInfo(zone_name)
    shown = [row for row in readings if row.measured_at >= start]
    plan = Plan.model_validate(plans[-1].document) if plans else None
    return Series(
        patient_id=patient_id,
        zone=zone_name,
        start=start,
        to=end,
        weight=[_value(row, row.weight) for row in shown if row.weight is not None],
        weight_days=_weight_days(readings, start, end, zone),
        pressure=[_pressure(row, zone) for row in shown if row.kind == "blood_pressure"],
        pulse=[_value(row, pulse) for row in shown if (pulse := row.pulse or row.heart_rate) is not None],
        symptoms=[_symptoms(row) for row in shown if row.kind == "symptoms"],
        targets=list(plan.targets) if plan else [],
        limits=list(plan.limits) if plan else [],
        markers=_markers(contacts, plans, plan, start, end, zone),
    )


def _point(row: ReadingRow) -> dict[str, object]:
    return {
        "id": row.reading_id,
        "at": row.measured_at,
        "device": row.device_id,
        "clock": row.clock,
        "origin": row.origin,
        "flags": row.flags,
    }


def _value(row: ReadingRow, value: float) -> Value:
    return Value.model_validate({**_point(row), "value": value})


def _pressure(row: ReadingRow, zone: ZoneInfo) -> PressurePoint:
    part = home_bp.part_of_day(row.measured_at, zone)
    values = {"systolic": row.systolic, "diastolic": row.diastolic, "pulse": row.pulse, "part": str(part)}
    return PressurePoint.model_validate({**_point(row), **values})


def _symptoms(row: ReadingRow) -> SymptomPoint:
    names = ("breathlessness", "orthopnoea", "swelling", "dizziness")
    return SymptomPoint.model_validate({**_point(row), **{name: getattr(row, name) for name in names}})


def _weight_days(
    readings: Sequence[ReadingRow], start: datetime, end: datetime, zone: ZoneInfo
) -> list[WeightDay]:
    usable = [(r.measured_at, r.weight) for r in readings if r.weight is not None and not r.flags]
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    return [
        WeightDay(at=_noon(day.day, zone), mean=day.mean, low=day.low, high=day.high, usual=day.usual)
        for day in trend.bands(trend.daily(usable, zone), first, last)
    ]


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone).astimezone(UTC)


def _markers(
    contacts: Sequence[EventRow],
    plans: Sequence[PlanRow],
    plan: Plan | None,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> list[Marker]:
    kinds = {"contacted": "contact", "consulted": "consultation"}
    found = [
        Marker.model_validate({"at": row.at, "kind": kinds[row.kind], "text": row.staff_name or ""})
        for row in contacts
        if row.detail.get("reached") is not False
    ]
    found += [Marker(at=row.signed_at, kind="plan", text=f"{row.version}: {row.signed_by}") for row in plans]
    for line in plan.medications if plan else ():
        found.append(Marker(at=_noon(line.since, zone), kind="medication", text=f"{line.name} {line.dose}"))
        if line.until is not None:
            found.append(Marker(at=_noon(line.until, zone), kind="medication", text=f"{line.name}: –"))
    return sorted((m for m in found if start <= m.at <= end), key=lambda marker: marker.at)
