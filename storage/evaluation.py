"""The evaluator's side of the queue `evaluation_due`, and what it needs to know of patients and gateways.

A due row is deleted in the transaction that writes what followed from it: a crash before COMMIT leaves it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import psycopg

from storage import columns
from storage.database import Connection, DatabaseUnavailable, connect

ROLE = "hemkurva_alerts"

ReadingRow: TypeAlias = tuple[
    UUID,  # reading_id
    str,  # kind
    datetime,  # measured_at
    float | None,  # systolic
    float | None,  # diastolic
    float | None,  # pulse
    float | None,  # heart_rate
    float | None,  # weight
    int | None,  # breathlessness
    int | None,  # orthopnoea
    int | None,  # swelling
    int | None,  # dizziness
    Sequence[str],  # flags
    UUID | None,  # corrects
    int,  # which patient of those asked for, counted from 1
]
"""mm[Hg], /min, kg, symptom grades 0-3 (wire/reading.py)."""


class Due(NamedTuple):
    """A due row: the earliest measured time that is new, and when it came by the database's clock."""

    since: datetime
    arrived: datetime


class PlanVersion(NamedTuple):
    """The newest plan of a patient, without its document. `started` is when the first one was signed."""

    patient_id: UUID
    version: int
    signed_at: datetime
    started: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class GatewayHeard:
    """When a gateway was last heard, by its own message or by the broker's about its end.

    `ever` false: it has not been heard yet, and `received_at` is when it was enrolled.
    """

    gateway_id: str
    zone: str
    received_at: datetime
    ever: bool = True


@asynccontextmanager
async def session(dsn: str) -> AsyncGenerator[Connection]:
    """Yield an autocommit connection in the role of the alerts service.

    Raises DatabaseUnavailable when there is none, or when it is lost in the block.
    """
    conn = await connect(dsn, ROLE)
    try:
        columns.register(conn)
        # Every look-up is by key, and a plan made while the tables were empty must not stay with a scan.
        await conn.execute("set plan_cache_mode = force_generic_plan")
        await conn.execute("set enable_seqscan = off")
        yield conn
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    finally:
        await conn.close()


_CLAIM = """
with head as (
    select patient_id from evaluation_due
    where created_at <= clock_timestamp() and patient_id <> all(%(not)s)
    order by due_id limit %(patients)s for update skip locked
), due as (
    select due_id from evaluation_due
    where patient_id in (select patient_id from head) and created_at <= clock_timestamp()
    for update skip locked
), gone as (
    delete from evaluation_due d using due where d.due_id = due.due_id
    returning d.patient_id, d.since, d.created_at
)
select patient_id, array_agg(since), array_agg(created_at) from gone group by patient_id
"""


async def claim(
    conn: Connection, *, patients: int, passing_over: Iterable[UUID] = ()
) -> dict[UUID, list[Due]]:
    """Take the due rows of at most `patients` patients out of the queue, and return whose they were.

    Call it in a transaction: the rows are gone only with its COMMIT. Rows that another evaluator has claimed
    are left to it.
    """
    values = {"patients": patients, "not": columns.uuids(passing_over)}
    cursor = await conn.execute(_CLAIM, values, prepare=True)
    return {
        row[0]: [Due(*pair) for pair in zip(row[1], row[2], strict=True)] for row in await cursor.fetchall()
    }


async def lock_patients(conn: Connection, patient_ids: Sequence[UUID]) -> None:
    """Wait until no other transaction evaluates any of them. One order for all: no deadlock."""
    await conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(p::text, 1)) from unnest(%s) as p",
        [columns.uuids(sorted(patient_ids))],
        prepare=True,
    )


async def lock_patient(conn: Connection, patient_id: UUID) -> None:
    """Wait until no other transaction evaluates the patient, on any connection."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended(%s::uuid::text, 1))", [patient_id])


async def lock_gateways(conn: Connection, gateway_ids: Sequence[str]) -> None:
    """Wait until no other transaction watches any of them. One order for all: no deadlock."""
    await conn.execute(
        "select pg_advisory_xact_lock(hashtextextended(g, 2)) from unnest(%s) as g",
        [columns.texts(sorted(gateway_ids))],
        prepare=True,
    )


_PLANS = """
select p.patient_id, newest.version, newest.signed_at, first.signed_at, p.zone
from unnest(%s) as wanted (patient_id)
join patient p using (patient_id)
cross join lateral (
    select version, signed_at from plan where plan.patient_id = p.patient_id order by version desc limit 1
) newest
cross join lateral (
    select signed_at from plan where plan.patient_id = p.patient_id order by version limit 1
) first
"""


async def newest_plans(conn: Connection, patient_ids: Sequence[UUID]) -> list[PlanVersion]:
    """Return the newest plan of each patient that has one."""
    cursor = await conn.execute(_PLANS, [columns.uuids(patient_ids)], prepare=True)
    return [PlanVersion(*row) for row in await cursor.fetchall()]


async def plan_documents(
    conn: Connection, versions: Sequence[tuple[UUID, int]]
) -> dict[tuple[UUID, int], Any]:
    """Return the documents (alerts.rules.plan.Plan, as JSON) of plan versions."""
    cursor = await conn.execute(
        "select patient_id, version, document from unnest(%s, %s) as wanted (patient_id, version)"
        " join plan using (patient_id, version)",
        [columns.uuids(key[0] for key in versions), columns.int2s(key[1] for key in versions)],
        prepare=True,
    )
    return {(row[0], row[1]): row[2] for row in await cursor.fetchall()}


_WINDOWS = """
select r.*, p.number
from unnest(%s, %s, %s) with ordinality as p (patient_id, weights_since, since, number)
cross join lateral (
    select reading_id, kind, measured_at, systolic, diastolic, pulse, heart_rate, weight, breathlessness,
        orthopnoea, swelling, dizziness, flags, corrects
    from reading
    where reading.patient_id = p.patient_id and reading.measured_at > least(p.weights_since, p.since)
        and (reading.measured_at > p.since or reading.kind = 'weight')
    order by measured_at, reading_id
) r
"""


async def windows(
    conn: Connection, since: Mapping[UUID, tuple[datetime, datetime]]
) -> dict[UUID, list[ReadingRow]]:
    """Return each patient's weights measured later than the first time, and other readings than the second.

    They come in order of measured time. The second time is not before the first.
    """
    found: list[list[Any]] = [[] for _ in since]
    cursor = conn.cursor(binary=True)
    starts = [columns.instants(start[index] for start in since.values()) for index in (0, 1)]
    await cursor.execute(_WINDOWS, [columns.uuids(since), *starts], prepare=True)
    for row in await cursor.fetchall():
        found[row[14] - 1].append(row)  # a number, because a UUID in each row costs as much as the rest
    return dict(zip(since, found, strict=True))


async def look_again(conn: Connection, patient_id: UUID, since: datetime, at: datetime) -> None:
    """Make the patient due at a time to come, once."""
    await conn.execute(
        "insert into evaluation_due (patient_id, since, created_at) select %(patient)s, %(since)s, %(at)s"
        " where not exists (select from evaluation_due"
        "  where patient_id = %(patient)s and created_at = %(at)s)",
        {"patient": patient_id, "since": since, "at": at},
    )


async def patients_with_plan(conn: Connection, *, after: UUID | None, limit: int) -> list[UUID]:
    """Return the next patients, in order, that somebody watches."""
    cursor = await conn.execute(
        "select distinct patient_id from plan where %(after)s::uuid is null or patient_id > %(after)s"
        " order by patient_id limit %(limit)s",
        {"after": after, "limit": limit},
    )
    return [row[0] for row in await cursor.fetchall()]


_LAST = """
select wanted.patient_id, wanted.kind, last.measured_at
from unnest(%s, %s) as wanted (patient_id, kind)
cross join lateral (
    select measured_at from reading
    where reading.patient_id = wanted.patient_id and reading.kind = wanted.kind
    order by measured_at desc limit 1
) last
"""


async def last_measured(
    conn: Connection, wanted: Sequence[tuple[UUID, str]]
) -> dict[UUID, dict[str, datetime]]:
    """Return when each (patient, kind) was last measured, whatever the quality."""
    pairs = [columns.uuids(pair[0] for pair in wanted), columns.texts(pair[1] for pair in wanted)]
    cursor = await conn.execute(_LAST, pairs, prepare=True)
    found: dict[UUID, dict[str, datetime]] = {}
    for patient_id, kind, measured_at in await cursor.fetchall():
        found.setdefault(patient_id, {})[kind] = measured_at
    return found


async def patients_last_heard(
    conn: Connection, patient_ids: Sequence[UUID], now: datetime
) -> dict[UUID, datetime]:
    """Return when any gateway that a device of the patient is bound to was last heard."""
    cursor = await conn.execute(
        "select b.patient_id, max(s.received_at) from device_binding b"
        " join gateway g using (gateway_id) join gateway_status s using (gateway_id)"
        " where b.patient_id = any(%(patients)s) and b.valid_from <= %(now)s"
        " and (b.valid_to is null or b.valid_to > %(now)s) and g.revoked_at is null group by b.patient_id",
        {"patients": columns.uuids(patient_ids), "now": now},
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def readings_arriving(
    conn: Connection,
    patient_ids: Sequence[UUID],
    *,
    stored_after: datetime,
    heard_after: datetime,
    now: datetime,
) -> set[UUID]:
    """Return those whose readings are on their way.

    One from a backlog, more than an hour old when it was stored, was stored between `stored_after` and `now`,
    or a gateway of theirs that was heard after `heard_after` said that readings wait in its outbox. What is
    stored as it is measured says nothing about what else waits: a strap may send for hours.
    """
    cursor = await conn.execute(
        "select patient_id from reading where patient_id = any(%(patients)s) and stored_at > %(stored)s"
        " and measured_at > %(now)s - interval '100 days'"
        " and stored_at <= %(now)s and measured_at < stored_at - interval '1 hour'"
        " union select b.patient_id from device_binding b join gateway_status s using (gateway_id)"
        " where b.patient_id = any(%(patients)s) and b.valid_to is null and s.received_at > %(heard)s"
        " and (s.status ->> 'outbox')::bigint > 0",
        {"patients": columns.uuids(patient_ids), "stored": stored_after, "heard": heard_after, "now": now},
    )
    return {row[0] for row in await cursor.fetchall()}


_GATEWAYS_HEARD = """
select g.gateway_id, u.zone, coalesce(s.received_at, g.enrolled_at), s.received_at is not null
from gateway g join care_unit u using (care_unit_id) left join gateway_status s using (gateway_id)
where g.revoked_at is null and (s.received_at is not null or exists (
    select from device_binding b where b.gateway_id = g.gateway_id
        and b.valid_from <= %(now)s and (b.valid_to is null or b.valid_to > %(now)s)))
order by g.gateway_id
"""


async def gateways_heard(conn: Connection, now: datetime) -> list[GatewayHeard]:
    """Return every gateway in use: heard at some time, or not yet though a device is bound to it now."""
    cursor = await conn.execute(_GATEWAYS_HEARD, {"now": now})
    return [GatewayHeard(*row) for row in await cursor.fetchall()]


_INGEST_HEARD = """
select case when count(*) > 0 then
    coalesce(max(at) filter (where coalesce((detail ->> 'broker')::boolean, true)), 'epoch') end
from service_heartbeat where service = 'ingest'
"""


async def ingest_heard(conn: Connection) -> datetime | None:
    """Return when an ingest process last said that it hears the broker; None if none has ever been alive."""
    cursor = await conn.execute(_INGEST_HEARD)
    row = await cursor.fetchone()
    return row[0] if row else None
