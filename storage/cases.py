"""Cases as the alerts service reads and writes them. What people do to a case is not here.

Every function expects the caller's transaction; cases are locked while something is decided about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from storage import columns
from storage.database import Connection


class Subject(NamedTuple):
    """What a case is about: a patient or a gateway, exactly one of them."""

    patient_id: UUID | None = None
    gateway_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row of alert_case that is not closed by people, as far as the alerts service changes it."""

    case_id: UUID
    subject: Subject
    family: str
    level: str
    state: str
    opened_at: datetime
    owner_kind: str
    owner_staff_id: UUID | None
    owner_unit_id: str
    deadline: datetime
    contact_deadline: datetime | None
    acknowledged_at: datetime | None = None
    acknowledged_by: UUID | None = None
    closed_at: datetime | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A row of finding. Texts are plain words in Swedish and English."""

    finding_id: UUID
    case_id: UUID
    subject: Subject
    rule: str
    level: str
    measured_at: datetime
    evaluated_at: datetime
    numbers: dict[str, Any]
    text_sv: str
    text_en: str
    confirmed: bool | None
    reading_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a case's history that no person has caused."""

    case_id: UUID
    at: datetime
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotification:
    """Somebody to tell that there is a case. `staff_id` None is the unit's shared mailbox."""

    notification_id: UUID
    case_id: UUID
    channel: str
    reason: str
    staff_id: UUID | None
    address: str
    created_at: datetime


@dataclass(slots=True)
class Changes:
    """What one transaction writes."""

    opened: list[Case] = field(default_factory=list[Case])
    changed: list[Case] = field(default_factory=list[Case])
    findings: list[StoredFinding] = field(default_factory=list[StoredFinding])
    events: list[Event] = field(default_factory=list[Event])
    notifications: list[NewNotification] = field(default_factory=list[NewNotification])

    def __bool__(self) -> bool:
        """Return whether there is anything to write."""
        return bool(self.opened or self.changed or self.findings or self.events or self.notifications)


class TeamRow(NamedTuple):
    """Who answers for a patient. Without a named contact there is a unit all the same."""

    patient_id: UUID
    care_unit_id: str
    staff_id: UUID | None
    staff_email: str | None
    deputy_id: UUID | None
    deputy_email: str | None


@dataclass(frozen=True, slots=True)
class Unit:
    """A care unit's calendar and addresses."""

    care_unit_id: str
    zone: str
    email: str | None
    hours: tuple[tuple[int, time, time], ...]
    closed: frozenset[date]
    nurses: tuple[tuple[UUID, str], ...]


_CASE_COLUMNS = (
    "select case_id, patient_id, gateway_id, family, level, state, opened_at, owner_kind, owner_staff_id,"
    " owner_unit_id, deadline, contact_deadline, acknowledged_at, acknowledged_by, closed_at, cause"
    " from alert_case"
)


def _case(row: Sequence[Any]) -> Case:
    return Case(
        case_id=row[0],
        subject=Subject(row[1], row[2]),
        family=row[3],
        level=row[4],
        state=row[5],
        opened_at=row[6],
        owner_kind=row[7],
        owner_staff_id=row[8],
        owner_unit_id=row[9],
        deadline=row[10],
        contact_deadline=row[11],
        acknowledged_at=row[12],
        acknowledged_by=row[13],
        closed_at=row[14],
        cause=row[15],
    )


async def lock_open_of_patients(conn: Connection, patient_ids: Sequence[UUID]) -> list[Case]:
    """Return the patients' cases that are not closed, locked against everybody until the end."""
    cursor = await conn.execute(
        _CASE_COLUMNS + " where patient_id = any(%s) and state <> 'closed' order by case_id for update",
        [columns.uuids(patient_ids)],
        prepare=True,
    )
    return [_case(row) for row in await cursor.fetchall()]


async def lock_open_of_gateways(conn: Connection, gateway_ids: Sequence[str]) -> list[Case]:
    """Return the gateways' cases that are not closed, locked against everybody until the end."""
    cursor = await conn.execute(
        _CASE_COLUMNS + " where gateway_id = any(%s) and state <> 'closed' order by case_id for update",
        [columns.texts(gateway_ids)],
        prepare=True,
    )
    return [_case(row) for row in await cursor.fetchall()]


_CONTACTED = (
    "select e.case_id from case_event e join alert_case c using (case_id) where e.kind = 'contacted'"
    " and e.detail ->> 'reached' is distinct from 'false' and e.at >= c.acknowledged_at"
)
_OVERDUE = """
select c.case_id from alert_case c
where c.state <> 'closed' and (
    (c.state = 'open' and c.deadline <= %(now)s)
    or (c.state = 'acknowledged' and c.contact_deadline <= %(now)s and not exists (
        select from case_event e where e.case_id = c.case_id and e.kind = 'contacted'
            and e.detail ->> 'reached' is distinct from 'false' and e.at >= c.acknowledged_at)))
order by case when c.state = 'open' then c.deadline else c.contact_deadline end, c.case_id
"""


async def overdue(conn: Connection, now: datetime) -> list[UUID]:
    """Return the cases with a promise that has passed, the oldest promise first.

    They are open and not acknowledged by their deadline, or acknowledged and nobody has been reached by the
    time to contact. They are not locked: look again at each under a lock.
    """
    cursor = await conn.execute(_OVERDUE, {"now": now})
    return [row[0] for row in await cursor.fetchall()]


async def lock_free(conn: Connection, case_ids: Sequence[UUID]) -> list[Case]:
    """Return those of the cases that are not closed, locked; those that others hold are left to them."""
    cursor = await conn.execute(
        _CASE_COLUMNS + " where case_id = any(%s) and state <> 'closed' for update skip locked",
        [columns.uuids(case_ids)],
    )
    return [_case(row) for row in await cursor.fetchall()]


async def contacted(conn: Connection, case_ids: Sequence[UUID]) -> set[UUID]:
    """Return in which of the cases somebody has been reached since the acknowledgement.

    A worsening takes the acknowledgement back: a contact made before it is no answer to it.
    """
    cursor = await conn.execute(_CONTACTED + " and e.case_id = any(%s)", [columns.uuids(case_ids)])
    return {row[0] for row in await cursor.fetchall()}


async def open_subjects(conn: Connection, family: str) -> set[Subject]:
    """Return which patients or gateways have a case of the family that is not closed."""
    cursor = await conn.execute(
        "select patient_id, gateway_id from alert_case where family = %s and state <> 'closed'", [family]
    )
    return {Subject(*row) for row in await cursor.fetchall()}


_FINDING_COLUMNS = (
    "select f.finding_id, f.case_id, f.patient_id, f.gateway_id, f.rule, f.level, f.measured_at,"
    " f.evaluated_at, f.numbers, f.text_sv, f.text_en, f.confirmed, f.reading_ids"
    " from finding f"
)


def _finding(row: Sequence[Any]) -> StoredFinding:
    return StoredFinding(
        finding_id=row[0],
        case_id=row[1],
        subject=Subject(row[2], row[3]),
        rule=row[4],
        level=row[5],
        measured_at=row[6],
        evaluated_at=row[7],
        numbers=row[8],
        text_sv=row[9],
        text_en=row[10],
        confirmed=row[11],
        reading_ids=tuple(row[12]),
    )


async def findings_at(
    conn: Connection, subjects: Sequence[Subject], rules: Sequence[str], times: Sequence[datetime]
) -> list[StoredFinding]:
    """Return those of the findings, named by subject, rule and measured time, that are stored."""
    cursor = await conn.execute(
        _FINDING_COLUMNS + " join unnest(%s, %s, %s, %s) as w (patient_id, gateway_id, rule, measured_at)"
        " on f.rule = w.rule and f.measured_at = w.measured_at"
        " and (f.patient_id = w.patient_id or f.gateway_id = w.gateway_id)",
        [
            columns.uuids(subject.patient_id for subject in subjects),
            columns.texts(subject.gateway_id for subject in subjects),
            columns.texts(rules),
            columns.instants(times),
        ],
        prepare=True,
    )
    return [_finding(row) for row in await cursor.fetchall()]


async def findings_of(conn: Connection, case_ids: Sequence[UUID]) -> list[StoredFinding]:
    """Return all findings of the cases."""
    cursor = await conn.execute(
        _FINDING_COLUMNS + " where f.case_id = any(%s)", [columns.uuids(case_ids)], prepare=True
    )
    return [_finding(row) for row in await cursor.fetchall()]


_TEAMS = """
select w.patient_id,
    coalesce(c.care_unit_id, r.care_unit_id, g.care_unit_id, (select min(care_unit_id) from care_unit)),
    case when c.current then c.staff_id end, case when c.current then s.email end,
    case when c.current then c.deputy_id end, case when c.current then d.email end
from unnest(%(patients)s) as w (patient_id)
left join lateral (
    select n.*, n.valid_from <= %(now)s and (n.valid_to is null or n.valid_to > %(now)s) as current
    from named_contact n where n.patient_id = w.patient_id order by current desc, n.valid_from desc limit 1
) c on true
left join lateral (
    select care_unit_id from care_relation n where n.patient_id = w.patient_id
    order by n.valid_to desc nulls first, n.valid_from desc limit 1
) r on true
left join lateral (
    select care_unit_id from device_binding b join gateway using (gateway_id)
    where b.patient_id = w.patient_id order by b.valid_from desc limit 1
) g on true
left join staff s on s.staff_id = c.staff_id
left join staff d on d.staff_id = c.deputy_id
"""


async def teams(conn: Connection, patient_ids: Sequence[UUID], now: datetime) -> list[TeamRow]:
    """Return who answers for each patient now.

    Without a current named contact it is the last one's unit, else that of a care relation, of the gateway at
    home, or any: no case is ever ownerless.
    """
    cursor = await conn.execute(_TEAMS, {"patients": columns.uuids(patient_ids), "now": now}, prepare=True)
    return [TeamRow(*row) for row in await cursor.fetchall()]


async def gateway_units(conn: Connection, gateway_ids: Sequence[str]) -> dict[str, str]:
    """Return the unit that has handed out each gateway."""
    cursor = await conn.execute(
        "select gateway_id, care_unit_id from gateway where gateway_id = any(%s)",
        [columns.texts(gateway_ids)],
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


_UNITS = """
select u.care_unit_id, u.zone, u.email,
    array(select weekday from staffed_hours h where h.care_unit_id = u.care_unit_id order by weekday, opens),
    array(select opens from staffed_hours h where h.care_unit_id = u.care_unit_id order by weekday, opens),
    array(select closes from staffed_hours h where h.care_unit_id = u.care_unit_id order by weekday, opens),
    array(select day from closed_day c where c.care_unit_id = u.care_unit_id),
    array(select staff_id from staff s where s.care_unit_id = u.care_unit_id and s.title = 'nurse'
        order by staff_id),
    array(select s.email from staff s where s.care_unit_id = u.care_unit_id and s.title = 'nurse'
        order by staff_id)
from care_unit u where u.care_unit_id = any(%s)
"""


async def units(conn: Connection, care_unit_ids: Iterable[str]) -> list[Unit]:
    """Return the units' calendars and addresses."""
    cursor = await conn.execute(_UNITS, [columns.texts(care_unit_ids)], prepare=True)
    return [
        Unit(
            care_unit_id=row[0],
            zone=row[1],
            email=row[2],
            hours=tuple(zip(row[3], row[4], row[5], strict=True)),
            closed=frozenset(row[6]),
            nurses=tuple(zip(row[7], row[8], strict=True)),
        )
        for row in await cursor.fetchall()
    ]


async def write(conn: Connection, changes: Changes) -> None:
    """Write cases, findings, history and waiting notifications, in the caller's transaction."""
    async with conn.cursor() as cursor:
        if changes.opened:
            await cursor.executemany(_OPEN, [_opened(case) for case in changes.opened])
        if changes.changed:
            await cursor.executemany(_CHANGE, [_changed(case) for case in changes.changed])
        if changes.findings:
            await cursor.executemany(_FIND, [_found(finding) for finding in changes.findings])
        if changes.events:
            await cursor.executemany(_HAPPEN, [_happened(event) for event in changes.events])
        if changes.notifications:
            await cursor.executemany(_NOTIFY, [_notified(item) for item in changes.notifications])


_OPEN = (
    "insert into alert_case (case_id, patient_id, gateway_id, family, level, state, opened_at, owner_kind,"
    " owner_staff_id, owner_unit_id, deadline, contact_deadline)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_CHANGE = (
    "update alert_case set level = %s, state = %s, owner_kind = %s, owner_staff_id = %s, owner_unit_id = %s,"
    " deadline = %s, contact_deadline = %s, acknowledged_at = %s, acknowledged_by = %s, closed_at = %s,"
    " cause = %s where case_id = %s"
)
_FIND = (
    "insert into finding as f (finding_id, case_id, patient_id, gateway_id, rule, level, measured_at,"
    " evaluated_at, numbers, text_sv, text_en, confirmed, reading_ids)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " on conflict (finding_id) do update set case_id = excluded.case_id, level = excluded.level,"
    " evaluated_at = excluded.evaluated_at, numbers = excluded.numbers, text_sv = excluded.text_sv,"
    " text_en = excluded.text_en, confirmed = excluded.confirmed, reading_ids = excluded.reading_ids"
)
_HAPPEN = "insert into case_event (case_id, at, kind, detail) values (%s, %s, %s, %s)"
_NOTIFY = (
    "insert into notification (notification_id, case_id, channel, reason, staff_id, address, created_at,"
    " next_attempt_at) values (%s, %s, %s, %s, %s, %s, %s, %s)"
)


def _opened(case: Case) -> list[Any]:
    owner = [case.owner_kind, case.owner_staff_id, case.owner_unit_id]
    head = [case.case_id, *case.subject, case.family, case.level, case.state, case.opened_at]
    return [*head, *owner, case.deadline, case.contact_deadline]


def _changed(case: Case) -> list[Any]:
    owner = [case.owner_kind, case.owner_staff_id, case.owner_unit_id]
    acknowledged = [case.acknowledged_at, case.acknowledged_by]
    promise = [case.deadline, case.contact_deadline]
    return [
        case.level,
        case.state,
        *owner,
        *promise,
        *acknowledged,
        case.closed_at,
        case.cause,
        case.case_id,
    ]


def _found(finding: StoredFinding) -> list[Any]:
    head = [finding.finding_id, finding.case_id, *finding.subject, finding.rule, finding.level]
    times = [finding.measured_at, finding.evaluated_at]
    words = [Jsonb(finding.numbers), finding.text_sv, finding.text_en]
    return [*head, *times, *words, finding.confirmed, list(finding.reading_ids)]


def _happened(event: Event) -> list[Any]:
    return [event.case_id, event.at, event.kind, Jsonb(event.detail)]


def _notified(item: NewNotification) -> list[Any]:
    head = [item.notification_id, item.case_id, item.channel, item.reason, item.staff_id, item.address]
    return [*head, item.created_at, item.created_at]
