"""Read models of the patient's and the next of kin's pages, on a connection of `storage.access.acting`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from psycopg.rows import class_row

from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Profile:
    """The patient, and who answers for her: the named contact, the deputy and their unit."""

    patient_id: UUID
    given_name: str
    family_name: str
    born: date
    zone: str
    phone: str
    contact_name: str
    contact_title: str
    contact_phone: str
    deputy_name: str
    deputy_phone: str
    care_unit_id: str
    unit_name: str
    unit_phone: str
    unit_zone: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as the patient sees it. `text_sv` and `text_en` are None where values may not be seen."""

    case_id: UUID
    family: str
    level: str
    state: str
    opened_at: datetime
    deadline: datetime
    contact_deadline: datetime | None
    owner_kind: str
    owner_name: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    contacted_at: datetime | None
    contacted_by: str | None
    closed_at: datetime | None
    text_sv: str | None
    text_en: str | None
    confirmed: bool | None


@dataclass(frozen=True, slots=True)
class Measured:
    """How often a kind was measured in a time, and when last. No values."""

    kind: str
    readings: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What a patient has allowed a next of kin: `scope` is "status" or "values"."""

    patient_id: UUID
    scope: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitHours:
    """When a unit is staffed: weekday 1 is Monday, times are wall-clock in `zone`."""

    zone: str
    hours: tuple[tuple[int, time, time], ...]
    closed: tuple[date, ...]


async def profile(conn: Connection, patient_id: UUID) -> Profile | None:
    """Return the patient with her named contact, or None if she may not be seen or has no contact yet."""
    async with conn.cursor(row_factory=class_row(Profile)) as cursor:
        await cursor.execute(
            "select p.patient_id, p.given_name, p.family_name, p.born, p.zone, p.phone,"
            " s.given_name || ' ' || s.family_name as contact_name, s.title as contact_title,"
            " s.phone as contact_phone, d.given_name || ' ' || d.family_name as deputy_name,"
            " d.phone as deputy_phone, u.care_unit_id, u.name as unit_name, u.phone as unit_phone,"
            " u.zone as unit_zone"
            " from patient p join named_contact n on n.patient_id = p.patient_id and n.valid_to is null"
            " join staff s on s.staff_id = n.staff_id join staff d on d.staff_id = n.deputy_id"
            " join care_unit u on u.care_unit_id = n.care_unit_id where p.patient_id = %s",
            [patient_id],
        )
        return await cursor.fetchone()


async def cases(conn: Connection, patient_id: UUID, closed_since: datetime) -> list[CaseView]:
    """Return the open cases and those closed since a time, the newest first."""
    async with conn.cursor(row_factory=class_row(CaseView)) as cursor:
        await cursor.execute(
            "select c.case_id, c.family, c.level, c.state, c.opened_at, c.deadline, c.contact_deadline,"
            " c.owner_kind, o.given_name || ' ' || o.family_name as owner_name, c.acknowledged_at,"
            " a.given_name || ' ' || a.family_name as acknowledged_by, k.at as contacted_at,"
            " k.staff_name as contacted_by, c.closed_at, f.text_sv, f.text_en, f.confirmed"
            " from alert_case c left join staff o on o.staff_id = c.owner_staff_id"
            " left join account aa on aa.account_id = c.acknowledged_by"
            " left join staff a on a.staff_id = aa.staff_id"
            " left join lateral (select e.at, s.given_name || ' ' || s.family_name as staff_name"
            "   from case_event e left join account ea on ea.account_id = e.account_id"
            "   left join staff s on s.staff_id = ea.staff_id"
            "   where e.case_id = c.case_id and e.kind = 'contacted'"
            "     and e.detail ->> 'reached' is distinct from 'false'"
            # A worsening takes the acknowledgement back: a contact made before it is no answer to it.
            "     and e.at >= c.acknowledged_at"
            "   order by e.event_id desc limit 1) k on true"
            " left join lateral (select * from finding f where f.case_id = c.case_id"
            "   order by f.measured_at desc, f.finding_id limit 1) f on true"
            " where c.patient_id = %s and (c.state <> 'closed' or c.closed_at >= %s)"
            " order by c.opened_at desc, c.case_id",
            [patient_id, closed_since],
        )
        return await cursor.fetchall()


async def measured(
    conn: Connection, patient_id: UUID, from_time: datetime, to_time: datetime
) -> list[Measured]:
    """Return what was measured in [from_time, to_time), without values. Raises as `acting` says."""
    async with conn.cursor(row_factory=class_row(Measured)) as cursor:
        await cursor.execute(
            "select kind, readings, last_at from measured_by(%s, %s, %s) order by kind",
            [patient_id, from_time, to_time],
        )
        return await cursor.fetchall()


async def evaluation_pending(conn: Connection, patient_id: UUID) -> bool:
    """Say whether readings of the patient wait for the rules."""
    cursor = await conn.execute("select evaluation_pending(%s)", [patient_id])
    row = await cursor.fetchone()
    return bool(row and row[0])


async def consents(conn: Connection, next_of_kin_id: UUID) -> list[Consent]:
    """Return each patient's latest consent for a next of kin, those in force first."""
    async with conn.cursor(row_factory=class_row(Consent)) as cursor:
        await cursor.execute(
            "select * from (select distinct on (patient_id) patient_id, scope, revoked_at from kin_consent"
            " where next_of_kin_id = %s"
            "   order by patient_id, revoked_at nulls first, scope desc, given_at desc) latest"
            " order by revoked_at nulls first, patient_id",
            [next_of_kin_id],
        )
        return await cursor.fetchall()


async def unit_hours(conn: Connection, care_unit_id: str) -> UnitHours:
    """Return when a unit is staffed and the days on which it is closed all the same."""
    cursor = await conn.execute("select zone from care_unit where care_unit_id = %s", [care_unit_id])
    row = await cursor.fetchone()
    hours = await conn.execute(
        "select weekday, opens, closes from staffed_hours where care_unit_id = %s order by weekday, opens",
        [care_unit_id],
    )
    closed = await conn.execute("select day from closed_day where care_unit_id = %s", [care_unit_id])
    return UnitHours(
        zone=row[0] if row else "Europe/Stockholm",
        hours=tuple((day, opens, closes) for day, opens, closes in await hours.fetchall()),
        closed=tuple(day for (day,) in await closed.fetchall()),
    )
