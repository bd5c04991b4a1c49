"""Read models of the nurse: the inbox, one case, the patients of her unit. Each logs whom it shows.

Whom a person may see is decided by the policies of the schema; what is shown here is logged first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import class_row

from storage import bindings, reviews, trends
from storage.access import acting
from storage.database import Connection, Pool
from storage.sessions import Person

Scope = Literal["mine", "unit"]
MOST_ROWS = 100
"""Cases that one view shows; the worst come first, and the page says how many more there are."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case with what its list line and its head need. `text_*` are the words of its worst finding.

    For a technical case `patient_id` and what follows from it are None, and the gateway stands instead.
    """

    case_id: UUID
    family: str
    level: str
    state: str
    opened_at: datetime
    deadline: datetime
    contact_deadline: datetime | None
    owner_kind: str
    owner_staff_id: UUID | None
    owner_unit_id: str
    owner_name: str | None
    unit_name: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    cause: str | None
    useful: bool | None
    patient_id: UUID | None
    given_name: str | None
    family_name: str | None
    born: date | None
    sex: str | None
    phone: str | None
    patient_zone: str | None
    gateway_id: str | None
    gateway_label: str | None
    text_sv: str | None
    text_en: str | None
    confirmed: bool | None
    findings: int
    last_contact: datetime | None
    contacted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading in a small picture: mm[Hg], /min, kg."""

    patient_id: UUID
    measured_at: datetime
    kind: str
    systolic: float | None
    diastolic: float | None
    pulse: float | None
    weight: float | None
    flags: list[str]


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the inbox shows: the cases of one scope, the counts of both, and how many are within plan."""

    cases: list[CaseRow]
    readings: Mapping[UUID, list[Measured]]
    mine: int
    unit: int
    within_plan: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of a case, in words and numbers."""

    rule: str
    level: str
    measured_at: datetime
    text_sv: str
    text_en: str
    confirmed: bool | None
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to a case, and who did it; None is the service itself."""

    at: datetime
    kind: str
    by: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case with everything its page shows; `others` are the same patient's other open cases."""

    case: CaseRow
    others: list[CaseRow]
    findings: list[FindingRow]
    events: list[EventRow]
    readings: list[trends.ReadingRow]
    plan: trends.PlanRow | None
    contacts: list[trends.EventRow]
    review: reviews.Review | None


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient of the unit, for the list and the head of her page."""

    patient_id: UUID
    given_name: str
    family_name: str
    born: date
    sex: str
    phone: str
    zone: str
    municipality: str
    contact_name: str | None
    deputy_name: str | None
    contact_unit: str | None
    plan: Mapping[str, Any] | None
    worst_level: str | None
    open_case: UUID | None
    last_measured: datetime | None


@dataclass(frozen=True, slots=True)
class PatientView:
    """One patient's page."""

    patient: PatientRow
    plan: trends.PlanRow | None
    readings: list[trends.ReadingRow]
    cases: list[CaseRow]
    contacts: list[trends.EventRow]
    review: reviews.Review | None
    devices: list[bindings.Bound]


_CASE = """
select c.case_id, c.family, c.level, c.state, c.opened_at, c.deadline, c.contact_deadline,
    c.owner_kind, c.owner_staff_id, c.owner_unit_id,
    o.given_name || ' ' || o.family_name as owner_name, u.name as unit_name,
    c.acknowledged_at, coalesce(k.given_name || ' ' || k.family_name, ka.login) as acknowledged_by,
    c.closed_at, c.cause, c.useful,
    p.patient_id, p.given_name, p.family_name, p.born, p.sex, p.phone, p.zone as patient_zone,
    g.gateway_id, g.label as gateway_label,
    f.text_sv, f.text_en, f.confirmed, coalesce(n.findings, 0) as findings,
    l.last_contact, l.contacted_at
from alert_case c
join care_unit u on u.care_unit_id = c.owner_unit_id
left join staff o on o.staff_id = c.owner_staff_id
left join account ka on ka.account_id = c.acknowledged_by
left join staff k on k.staff_id = ka.staff_id
left join patient p on p.patient_id = c.patient_id
left join gateway g on g.gateway_id = c.gateway_id
left join lateral (
    select text_sv, text_en, confirmed from finding f where f.case_id = c.case_id
    order by f.level = 'red' desc, f.level = 'yellow' desc, f.measured_at desc, f.rule limit 1
) f on true
left join lateral (select count(*) as findings from finding f where f.case_id = c.case_id) n on true
left join lateral (
    -- A worsening takes the acknowledgement back: a contact made before it is no answer to it.
    select max(e.at) as last_contact,
        max(e.at) filter (where e.case_id = c.case_id and e.at >= c.acknowledged_at) as contacted_at
    from case_event e join alert_case x on x.case_id = e.case_id
    where x.patient_id = c.patient_id and e.kind = 'contacted'
        and e.detail ->> 'reached' is distinct from 'false'
) l on true
"""
_ORDER = """
order by c.state = 'closed', c.level = 'red' desc, c.level = 'yellow' desc,
    case when c.state = 'open' then c.deadline else coalesce(c.contact_deadline, c.deadline) end, c.case_id
"""
_OPEN = """
select c.case_id, c.patient_id from alert_case c
where c.state <> 'closed' and (c.owner_unit_id = %(unit)s or c.owner_staff_id = %(staff)s)
    and (%(whole_unit)s or c.owner_staff_id = %(staff)s or c.acknowledged_by = %(account)s)
order by c.level = 'red' desc, c.level = 'yellow' desc,
    case when c.state = 'open' then c.deadline else coalesce(c.contact_deadline, c.deadline) end, c.case_id
limit %(most)s
"""
_COUNTS = """
select count(*), count(*) filter (where c.owner_staff_id = %(staff)s or c.acknowledged_by = %(account)s)
from alert_case c
where c.state <> 'closed' and (c.owner_unit_id = %(unit)s or c.owner_staff_id = %(staff)s)
"""


async def inbox(
    pool: Pool, person: Person, scope: Scope, *, today_from: datetime, readings_from: datetime, now: datetime
) -> Inbox:
    """Return the open cases of the person's unit, worst first, then by what is due first.

    `today_from` is when her day began, `readings_from` where the small pictures begin.
    """
    who = {"unit": person.care_unit_id, "staff": person.staff_id, "account": person.account_id}
    case_ids: list[UUID] = []
    patients: list[UUID] = []

    async def find(conn: Connection) -> Sequence[UUID]:
        cursor = await conn.execute(_OPEN, {**who, "whole_unit": scope == "unit", "most": MOST_ROWS})
        rows = await cursor.fetchall()
        case_ids.extend(row[0] for row in rows)
        patients.extend({row[1] for row in rows if row[1]})
        return patients

    async with acting(pool, person.account_id, action="inbox", patient_ids=find) as conn:
        cases = await _cases(conn, case_ids)
        readings = await _measured(conn, patients, readings_from, now)
        cursor = await conn.execute(_COUNTS, who)
        unit, mine = await cursor.fetchone() or (0, 0)
        cursor = await conn.execute("select patients_within_plan(%s)", [today_from])
        green = await cursor.fetchone()
    return Inbox(cases, readings, mine, unit, int(green[0]) if green else 0)


async def case(
    pool: Pool, person: Person, case_id: UUID, *, readings_from: datetime, now: datetime
) -> CaseView | None:
    """Return a case with its patient's readings since `readings_from`, or None where she may not see it."""

    async def find(conn: Connection) -> Sequence[UUID]:
        return await patient_of_case(conn, case_id)

    async with acting(pool, person.account_id, action="case", patient_ids=find) as conn:
        rows = await _cases(conn, [case_id])
        if not rows:
            return None
        row = rows[0]
        who = row.patient_id
        plans = await trends.plans(conn, who) if who else []
        return CaseView(
            case=row,
            others=[other for other in await open_cases(conn, who) if other.case_id != case_id]
            if who
            else [],
            findings=await _findings(conn, case_id),
            events=await _events(conn, case_id),
            readings=await trends.readings(conn, who, readings_from, now) if who else [],
            plan=plans[-1] if plans else None,
            contacts=await trends.contacts(conn, who, datetime.min.replace(tzinfo=now.tzinfo), now)
            if who
            else [],
            review=await reviews.latest(conn, who) if who else None,
        )


async def open_cases(conn: Connection, patient_id: UUID) -> list[CaseRow]:
    """Return the patient's open cases that the acting person may see, worst first."""
    cursor = await conn.execute(
        "select case_id from alert_case where patient_id = %s and state <> 'closed'", [patient_id]
    )
    case_ids = [row[0] for row in await cursor.fetchall()]
    return await _cases(conn, case_ids) if case_ids else []


async def patient_of_case(conn: Connection, case_id: UUID) -> list[UUID]:
    """Return the patient of a case that the acting person may see; empty otherwise."""
    cursor = await conn.execute(
        "select patient_id from alert_case where case_id = %s and patient_id is not null", [case_id]
    )
    return [row[0] for row in await cursor.fetchall()]


_PATIENT = """
select p.patient_id, p.given_name, p.family_name, p.born, p.sex, p.phone, p.zone, p.municipality,
    s.given_name || ' ' || s.family_name as contact_name,
    d.given_name || ' ' || d.family_name as deputy_name, u.name as contact_unit,
    l.document as plan, w.level as worst_level, w.case_id as open_case, m.last_measured
from patient p
left join named_contact n on n.patient_id = p.patient_id and n.valid_to is null
left join staff s on s.staff_id = n.staff_id
left join staff d on d.staff_id = n.deputy_id
left join care_unit u on u.care_unit_id = n.care_unit_id
left join lateral (
    select document from plan l where l.patient_id = p.patient_id order by version desc limit 1
) l on true
left join lateral (
    select c.level, c.case_id from alert_case c where c.patient_id = p.patient_id and c.state <> 'closed'
    order by c.level = 'red' desc, c.level = 'yellow' desc, c.deadline limit 1
) w on true
left join lateral (
    select max(b.last_at) as last_measured from measured_by(p.patient_id, %(from)s, %(to)s) b
) m on true
where p.patient_id = any(%(patients)s)
order by p.family_name, p.given_name, p.patient_id
"""


async def patients(
    pool: Pool, person: Person, search: str, *, readings_from: datetime, now: datetime
) -> list[PatientRow]:
    """Return the patients whom the person may see and whose name has `search` in it, by family name.

    At most MOST_ROWS; narrow the search to see the others.
    """
    found: list[UUID] = []

    async def find(conn: Connection) -> Sequence[UUID]:
        cursor = await conn.execute(
            "select patient_id from patient"
            " where position(lower(%(search)s) in lower(given_name || ' ' || family_name)) > 0"
            " or position(lower(%(search)s) in lower(family_name || ', ' || given_name)) > 0"
            " order by family_name, given_name, patient_id limit %(most)s",
            {"search": search, "most": MOST_ROWS},
        )
        found.extend(row[0] for row in await cursor.fetchall())
        return found

    async with acting(pool, person.account_id, action="patient_list", patient_ids=find) as conn:
        return await _patients(conn, found, readings_from, now)


async def patient(
    pool: Pool, person: Person, patient_id: UUID, *, readings_from: datetime, now: datetime
) -> PatientView | None:
    """Return one patient's page, or None where the person may not see her."""

    async def find(conn: Connection) -> Sequence[UUID]:
        cursor = await conn.execute("select patient_id from patient where patient_id = %s", [patient_id])
        return [row[0] for row in await cursor.fetchall()]

    async with acting(pool, person.account_id, action="patient", patient_ids=find) as conn:
        cursor = await conn.execute("select from patient where patient_id = %s", [patient_id])
        if await cursor.fetchone() is None:
            return None
        rows = await _patients(conn, [patient_id], readings_from, now)
        plans = await trends.plans(conn, patient_id)
        cursor = await conn.execute(
            "select c.case_id from alert_case c where c.patient_id = %s order by c.opened_at desc limit 20",
            [patient_id],
        )
        case_ids = [row[0] for row in await cursor.fetchall()]
        return PatientView(
            patient=rows[0],
            plan=plans[-1] if plans else None,
            readings=await trends.readings(conn, patient_id, readings_from, now),
            cases=await _cases(conn, case_ids),
            contacts=await trends.contacts(conn, patient_id, datetime.min.replace(tzinfo=now.tzinfo), now),
            review=await reviews.latest(conn, patient_id),
            devices=await bindings.bound_to(conn, patient_id, now),
        )


async def _cases(conn: Connection, case_ids: Sequence[UUID]) -> list[CaseRow]:
    async with conn.cursor(row_factory=class_row(CaseRow)) as cursor:
        await cursor.execute(_CASE + " where c.case_id = any(%s) " + _ORDER, [list(case_ids)])
        return await cursor.fetchall()


async def _measured(
    conn: Connection, patients: Sequence[UUID], from_time: datetime, to_time: datetime
) -> dict[UUID, list[Measured]]:
    async with conn.cursor(row_factory=class_row(Measured)) as cursor:
        await cursor.execute(
            "select r.patient_id, r.measured_at, r.kind, r.systolic, r.diastolic, r.pulse, r.weight, r.flags"
            " from unnest(%s::uuid[]) who cross join lateral readings_of(who, %s, %s) r"
            " where r.kind in ('weight', 'blood_pressure') order by r.patient_id, r.measured_at",
            [list(patients), from_time, to_time],
        )
        by_patient: dict[UUID, list[Measured]] = {}
        async for row in cursor:
            by_patient.setdefault(row.patient_id, []).append(row)
        return by_patient


async def _findings(conn: Connection, case_id: UUID) -> list[FindingRow]:
    async with conn.cursor(row_factory=class_row(FindingRow)) as cursor:
        await cursor.execute(
            "select rule, level, measured_at, text_sv, text_en, confirmed, numbers from finding"
            " where case_id = %s"
            " order by level = 'red' desc, level = 'yellow' desc, measured_at desc, rule",
            [case_id],
        )
        return await cursor.fetchall()


async def _events(conn: Connection, case_id: UUID) -> list[EventRow]:
    async with conn.cursor(row_factory=class_row(EventRow)) as cursor:
        await cursor.execute(
            "select e.at, e.kind, s.given_name || ' ' || s.family_name as by, e.detail"
            " from case_event e left join account a on a.account_id = e.account_id"
            " left join staff s on s.staff_id = a.staff_id where e.case_id = %s order by e.event_id",
            [case_id],
        )
        return await cursor.fetchall()


async def _patients(
    conn: Connection, patient_ids: Sequence[UUID], from_time: datetime, to_time: datetime
) -> list[PatientRow]:
    async with conn.cursor(row_factory=class_row(PatientRow)) as cursor:
        await cursor.execute(_PATIENT, {"patients": list(patient_ids), "from": from_time, "to": to_time})
        return await cursor.fetchall()
