"""What ingest writes: one transaction per batch of messages, on one synchronous connection.

Synchronous, because ingest does one thing after the other; an event loop would only cost time.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from storage import columns
from storage.database import DatabaseUnavailable, dsn_as
from storage.heartbeat import BEAT
from wire.reading import Reading

LONGEST_TOPIC = 200
"""Characters of a topic that are kept; a longer one does not fit into an index."""

SyncConnection: TypeAlias = psycopg.Connection[TupleRow]
Result = TypeVar("Result")
_REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    errors.ProgramLimitExceeded,
    struct.error,  # these three: a value that does not fit its column
    ValueError,
    OverflowError,
)


class IntakeRefused(Exception):
    """PostgreSQL refused the content, not the moment: sending the same again is no use."""


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Bytes that could not be used. `reason` is a stable code; `detail` names no values and no person."""

    topic: str
    reason: str
    detail: str
    raw: bytes
    gateway_id: str | None = None
    reading_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A gateway's status message, as JSON."""

    gateway_id: str
    online: bool
    status: str


@dataclass(slots=True)
class Intake:
    """What one transaction stores: readings with their gateway, quarantine entries, signs of life."""

    readings: list[tuple[str, Reading]] = field(default_factory=lambda: [])
    quarantine: list[QuarantineEntry] = field(default_factory=lambda: [])
    heard: list[Heard] = field(default_factory=lambda: [])


@dataclass(frozen=True, slots=True)
class Stored:
    """How many readings were new: `assigned` to a patient, or put into the `unassigned` tray."""

    assigned: int = 0
    unassigned: int = 0


class IngestStore:
    """The connection of one ingest process; it is opened when needed and again after it broke.

    Every method raises DatabaseUnavailable when it should be called again later.
    """

    def __init__(self, dsn: str) -> None:
        """Remember where the database is; connect later."""
        self._dsn = dsn_as(dsn, "hemkurva_ingest")
        self._connection: SyncConnection | None = None

    def gateways(self, gateway_ids: Iterable[str]) -> dict[str, datetime | None]:
        """Return those of the gateways that are enrolled, each with the time of its revocation, if any."""
        wanted = columns.texts(gateway_ids)
        rows = self._run(
            lambda c: c.execute(
                "select gateway_id, revoked_at from gateway where gateway_id = any(%s)",
                [wanted],
                prepare=True,
            ).fetchall()
        )
        return {row[0]: row[1] for row in rows}

    def write(self, intake: Intake, now: datetime) -> Stored:
        """Store all of it in one transaction and return after COMMIT.

        A reading that was stored before is left as it is. Raises IntakeRefused, with nothing stored, if some
        of it cannot be stored at all.
        """
        return self._run(lambda c: _write(c, intake, now))

    def beat(self, instance: str, now: datetime, detail: dict[str, Any]) -> None:
        """Say that this ingest process is alive (storage.heartbeat.beat, synchronously)."""
        self._run(lambda c: c.execute(BEAT, ["ingest", instance, now, Jsonb(detail)], prepare=True))

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _run(self, work: Callable[[SyncConnection], Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = _connect(self._dsn)
            return work(self._connection)
        except _REFUSALS as error:
            raise IntakeRefused(type(error).__name__) from error
        except psycopg.Error as error:
            self.close()
            raise DatabaseUnavailable(str(error).strip()) from error


def _connect(dsn: str) -> SyncConnection:
    connection = psycopg.connect(dsn, autocommit=True, connect_timeout=3)
    # Shorter than the broker's patience with a client that says nothing meanwhile.
    connection.execute("set statement_timeout = '20s'")
    columns.register(connection)
    # Every look-up here is by key and the number of rows varies from 1 to thousands: one plan fits all.
    connection.execute("set plan_cache_mode = force_generic_plan")
    connection.execute("set enable_seqscan = off")
    # A receipt promises that the row outlives a crash, whatever the server's default is.
    connection.execute(
        "select set_config('synchronous_commit', 'on', false)"
        " where current_setting('synchronous_commit') = 'off'"
    )
    return connection


def _write(connection: SyncConnection, intake: Intake, now: datetime) -> Stored:
    if not intake.quarantine and not intake.heard:
        return _insert_readings(connection, intake.readings)  # one statement is one transaction
    with connection.transaction():
        stored = _insert_readings(connection, intake.readings)
        _insert_quarantine(connection, intake.quarantine, now)
        _upsert_heard(connection, intake.heard, now)
    return stored


# Identity first: a reading that is known already goes nowhere. Two workers with the same reading meet at its
# primary key, where the second waits for the first; ids in order keep that from being a deadlock. The hashed
# look-up `(... in ...) is true` does not depend on the planner's idea of how many rows there are.
_READINGS = """
with incoming as (
    select t.*, string_to_array(flag_list, ',') as flags
    from unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
            %s, %s, %s)
        as t (reading_id, measured_at, kind, gateway_id, device_id, user_slot, systolic, diastolic,
            mean_arterial, pulse, heart_rate, weight, bmi, height, breathlessness, orthopnoea, swelling,
            dizziness, flag_list, origin, clock, device_time, received_at, characteristic, raw)
), fresh as (
    insert into reading_identity (reading_id) select reading_id from incoming
    on conflict do nothing returning reading_id
), resolved as materialized (
    select i.*, b.patient_id
    from incoming i
    left join lateral (
        select d.patient_id from device_binding d
        where d.gateway_id = i.gateway_id and d.device_id = i.device_id
            and d.user_slot is not distinct from i.user_slot
            and d.valid_from <= i.measured_at and (d.valid_to is null or d.valid_to > i.measured_at)
        limit 1
    ) b on true
    where (i.reading_id in (select reading_id from fresh)) is true
), stored as (
    insert into reading (patient_id, measured_at, reading_id, kind, gateway_id, device_id, user_slot,
        systolic, diastolic, mean_arterial, pulse, heart_rate, weight, bmi, height, breathlessness,
        orthopnoea, swelling, dizziness, flags, origin, clock, device_time, received_at, characteristic, raw)
    select patient_id, measured_at, reading_id, kind, gateway_id, device_id, user_slot,
        systolic, diastolic, mean_arterial, pulse, heart_rate, weight, bmi, height, breathlessness,
        orthopnoea, swelling, dizziness, flags, origin, clock, device_time, received_at, characteristic, raw
    from resolved where patient_id is not null
    returning patient_id, measured_at
), tray as (
    insert into unassigned_reading (reading_id, gateway_id, device_id, user_slot, measured_at, received_at,
        kind, reading)
    select reading_id, gateway_id, device_id, user_slot, measured_at, received_at,
        kind, jsonb_strip_nulls(to_jsonb(r))
    from resolved r where patient_id is null
    returning 1
), due as (
    insert into evaluation_due (patient_id, since)
    select patient_id, min(measured_at) from stored group by patient_id
)
select (select count(*) from stored), (select count(*) from tray)
"""


def _insert_readings(connection: SyncConnection, readings: Sequence[tuple[str, Reading]]) -> Stored:
    if not readings:
        return Stored()
    once = {reading.reading_id: (gateway_id, reading) for gateway_id, reading in reversed(readings)}
    ordered = [once[key] for key in sorted(once)]
    row = connection.execute(_READINGS, _columns(ordered), prepare=True).fetchone()
    assert row is not None  # two sub-selects always give a row
    return Stored(*row)


def _columns(rows: list[tuple[str, Reading]]) -> list[columns.Column]:
    readings = [reading for _, reading in rows]
    values = [reading.values for reading in readings]

    def floats(name: str) -> columns.Column:
        return columns.float8s(map(attrgetter(name), values))

    def grades(name: str) -> columns.Column:
        return columns.int2s(map(attrgetter(name), values))

    return [
        columns.uuids(r.reading_id for r in readings),
        columns.instants(_measured(r) for r in readings),
        columns.texts(r.kind for r in readings),
        columns.texts(gateway_id for gateway_id, _ in rows),
        columns.texts(r.device_id for r in readings),
        columns.int2s(r.user_slot for r in readings),
        floats("systolic"),
        floats("diastolic"),
        floats("mean_arterial"),
        floats("pulse"),
        floats("heart_rate"),
        floats("weight"),
        floats("bmi"),
        floats("height"),
        grades("breathlessness"),
        grades("orthopnoea"),
        grades("swelling"),
        grades("dizziness"),
        columns.texts(",".join(r.flags) for r in readings),
        columns.texts(r.origin for r in readings),
        columns.texts(r.clock for r in readings),
        columns.local_times(_device_time(r) for r in readings),
        columns.instants(r.received_at for r in readings),
        columns.texts(r.characteristic for r in readings),
        columns.byteas(None if r.raw is None else bytes.fromhex(r.raw) for r in readings),
    ]


def _measured(reading: Reading) -> datetime:
    if reading.measured_at is None:
        raise ValueError("a reading without measured_at belongs in quarantine")
    return reading.measured_at


def _device_time(reading: Reading) -> datetime | None:
    return None if reading.device_time is None else datetime.fromisoformat(reading.device_time)


_QUARANTINE = """
insert into quarantine as q (topic, digest, gateway_id, reading_id, reason, detail, raw, seen, received_at)
select t.*, %s from unnest(%s, %s, %s, %s, %s, %s, %s, %s) as t
on conflict (topic, digest) do update set seen = q.seen + excluded.seen
"""


def _insert_quarantine(connection: SyncConnection, entries: Sequence[QuarantineEntry], now: datetime) -> None:
    if not entries:
        return
    keys = [(entry.topic[:LONGEST_TOPIC], sha256(entry.raw).digest()) for entry in entries]
    seen = Counter(keys)
    once = dict(zip(keys, entries, strict=True))
    ordered = [(key, once[key]) for key in sorted(once)]  # in order, so that two workers cannot deadlock
    values = [
        columns.texts(topic for (topic, _), _ in ordered),
        columns.byteas(digest for (_, digest), _ in ordered),
        columns.texts(entry.gateway_id for _, entry in ordered),
        columns.uuids(entry.reading_id for _, entry in ordered),
        columns.texts(entry.reason for _, entry in ordered),
        columns.texts(entry.detail for _, entry in ordered),
        columns.byteas(entry.raw for _, entry in ordered),
        columns.int2s(seen[key] for key, _ in ordered),
    ]
    connection.execute(_QUARANTINE, [now, *values], prepare=True)


def _upsert_heard(connection: SyncConnection, heard: Sequence[Heard], now: datetime) -> None:
    """Keep each gateway's latest status. A will says little, so it is laid over what was said before."""
    latest = {item.gateway_id: item for item in heard}
    for gateway_id in sorted(latest):
        item = latest[gateway_id]
        connection.execute(
            "insert into gateway_status as g (gateway_id, received_at, online, status)"
            " values (%s, %s, %s, %s) on conflict (gateway_id) do update set"
            " received_at = excluded.received_at, online = excluded.online,"
            " status = case when excluded.online then excluded.status else g.status || excluded.status end",
            [gateway_id, now, item.online, item.status],
            prepare=True,
        )
