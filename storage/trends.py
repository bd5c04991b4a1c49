"""Read models of the trend pages, on a connection of `storage.access.acting`, which has logged the access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from storage.database import Connection


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A stored reading in the units of wire/reading.py (mm[Hg], /min, kg, grades 0-3); times aware."""

    reading_id: UUID
    measured_at: datetime
    received_at: datetime
    kind: str
    device_id: str
    systolic: float | None
    diastolic: float | None
    pulse: float | None
    heart_rate: float | None
    weight: float | None
    breathlessness: int | None
    orthopnoea: int | None
    swelling: int | None
    dizziness: int | None
    flags: list[str]
    origin: str
    clock: str
    corrects: UUID | None
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something a person did about a case that belongs on the time axis."""

    at: datetime
    kind: str
    staff_name: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One version of a patient's plan; `document` is what alerts.rules.plan.Plan reads."""

    version: int
    document: Mapping[str, Any]
    signed_by: str
    signed_at: datetime


async def readings(
    conn: Connection, patient_id: UUID, from_time: datetime, to_time: datetime
) -> list[ReadingRow]:
    """Return the readings measured in [from_time, to_time), oldest first, without those corrected later.

    Raises psycopg.errors.InsufficientPrivilege without a care relation or consent to values.
    """
    async with conn.cursor(row_factory=class_row(ReadingRow)) as cursor:
        await cursor.execute(
            "with r as (select * from readings_of(%s, %s, %s))"
            " select reading_id, measured_at, received_at, kind, device_id, systolic, diastolic, pulse,"
            " heart_rate, weight, breathlessness, orthopnoea, swelling, dizziness, flags, origin, clock,"
            " corrects, stored_at from r"
            " where not exists (select from r later where later.corrects = r.reading_id)"
            " order by measured_at, reading_id",
            [patient_id, from_time, to_time],
        )
        return await cursor.fetchall()


async def contacts(
    conn: Connection, patient_id: UUID, from_time: datetime, to_time: datetime
) -> list[EventRow]:
    """Return contacts and consultations about the patient's cases in [from_time, to_time), oldest first."""
    async with conn.cursor(row_factory=class_row(EventRow)) as cursor:
        await cursor.execute(
            "select e.at, e.kind, s.given_name || ' ' || s.family_name as staff_name, e.detail"
            " from case_event e join alert_case c using (case_id)"
            " left join account a on a.account_id = e.account_id left join staff s using (staff_id)"
            " where c.patient_id = %s and e.at >= %s and e.at < %s and e.kind in ('contacted', 'consulted')"
            " order by e.at, e.event_id",
            [patient_id, from_time, to_time],
        )
        return await cursor.fetchall()


async def plans(conn: Connection, patient_id: UUID) -> list[PlanRow]:
    """Return all versions of the patient's plan, the current one last."""
    async with conn.cursor(row_factory=class_row(PlanRow)) as cursor:
        await cursor.execute(
            "select p.version, p.document, s.given_name || ' ' || s.family_name as signed_by, p.signed_at"
            " from plan p join staff s on s.staff_id = p.signed_by where p.patient_id = %s"
            " order by p.version",
            [patient_id],
        )
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """One line of the physician's list: no values, but whether somebody must look, and why."""

    patient_id: UUID
    given_name: str
    family_name: str
    born: date
    zone: str
    document: Mapping[str, Any] | None
    level: str | None
    state: str | None
    text_sv: str | None
    text_en: str | None
    last_at: datetime | None


async def visible_patients(conn: Connection) -> list[UUID]:
    """Return the patients whom the acting person may see; what a list of them logs."""
    cursor = await conn.execute("select patient_id from patient")
    return [row[0] for row in await cursor.fetchall()]


async def listed(conn: Connection, since: datetime, now: datetime) -> list[ListedPatient]:
    """Return the patients whom the acting person may see, those with the worst open case first.

    `last_at` is the latest measurement in [since, now).
    """
    async with conn.cursor(row_factory=class_row(ListedPatient)) as cursor:
        await cursor.execute(
            "select p.patient_id, p.given_name, p.family_name, p.born, p.zone, d.document, c.level, c.state,"
            " f.text_sv, f.text_en, m.last_at from patient p"
            " left join lateral (select document from plan where plan.patient_id = p.patient_id"
            "   order by version desc limit 1) d on true"
            " left join lateral (select * from alert_case a where a.patient_id = p.patient_id"
            "   and a.state <> 'closed' order by array_position(array['red', 'yellow', 'grey'], a.level),"
            "   a.opened_at limit 1) c on true"
            " left join lateral (select * from finding where finding.case_id = c.case_id"
            "   order by measured_at desc limit 1) f on true"
            " left join lateral (select max(last_at) as last_at"
            "   from measured_by(p.patient_id, %s, %s)) m on true"
            " order by array_position(array['red', 'yellow', 'grey'], c.level), p.family_name, p.given_name",
            [since, now],
        )
        return await cursor.fetchall()


async def zone_of(conn: Connection, patient_id: UUID) -> str | None:
    """Return the patient's time zone, or None when there is no such patient for the acting person."""
    cursor = await conn.execute("select zone from patient where patient_id = %s", [patient_id])
    row = await cursor.fetchone()
    return row[0] if row else None


async def first_measured(conn: Connection, patient_id: UUID) -> datetime | None:
    """Return when the patient's oldest reading was measured, None before the first one."""
    cursor = await conn.execute(
        "select min(measured_at) from readings_of(%s, '-infinity', 'infinity')", [patient_id]
    )
    row = await cursor.fetchone()
    return row[0] if row else None
