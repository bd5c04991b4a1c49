"""TimescaleDB in the place of plain PostgreSQL: the same rows and answers, over compressed chunks too.

Its half runs where HEMKURVA_TIMESCALE_DSN names, as a superuser, a server with TimescaleDB preloaded. Each
test makes a database there and drops it; the three roles of the schema, which belong to the server, stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage import migrate, trends
from storage.access import AccessRefused, acting
from storage.bindings import Binding, bind
from storage.database import connect, open_pool
from storage.ingest import IngestStore, Intake, Stored
from tests.integration.alerts import world as ward
from tests.integration.storage import world
from tests.integration.storage.world import NOW, SCALE, gateway, patient, person, weighing
from wire.reading import Reading

SERVER = os.environ.get("HEMKURVA_TIMESCALE_DSN", "")
needs_timescale = pytest.mark.skipif(
    not SERVER, reason="HEMKURVA_TIMESCALE_DSN names no server with TimescaleDB (docs/timescale.md)"
)
DAY = timedelta(days=1)
SINCE = NOW - 400 * DAY
OLD = NOW - 150 * DAY
CHUNKS = "from timescaledb_information.chunks where hypertable_name = 'reading'"


@contextmanager
def new_database() -> Iterator[str]:
    """Yield the connection string of a database made for the moment, with the extension, as the image has it.

    Its background workers rest: the policy runs at once when it is made, and would race with the test.
    """
    name = f"hemkurva_test_{uuid4().hex}"
    with psycopg.connect(SERVER, autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        dsn = make_conninfo(SERVER, dbname=name)
        try:
            run(dsn, "create extension if not exists timescaledb")
            run(dsn, "select _timescaledb_functions.stop_background_workers()")
            yield dsn
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def new_owner(dsn: str) -> Iterator[str]:
    """Yield a role that owns the database and may sign in and make roles, and nothing more."""
    name = f"hemkurva_owner_{uuid4().hex}"
    role = sql.Identifier(name)
    database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("create role {} login createrole").format(role))
        conn.execute(sql.SQL("alter database {} owner to {}").format(database, role))
        conn.execute("drop extension timescaledb")  # so that the owner makes it
    try:
        yield name
    finally:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(sql.SQL("drop owned by {} cascade").format(role))
            conn.execute(sql.SQL("alter database {} owner to current_user").format(database))
            conn.execute(sql.SQL("drop role {}").format(role))


@pytest.fixture
def timescale() -> Iterator[str]:
    with new_database() as dsn:
        migrate.migrate(dsn)
        yield dsn


@pytest.fixture(params=["database", pytest.param("timescale", marks=needs_timescale)])
def either(request: pytest.FixtureRequest) -> str:
    """Connection string of a migrated database, on plain PostgreSQL and on TimescaleDB."""
    dsn: str = request.getfixturevalue(request.param)
    return dsn


def rows(dsn: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(query.encode(), parameters or None).fetchall()


def run(dsn: str, statement: str, *parameters: Any, role: str | None = None) -> int:
    """Execute in a role or as oneself; return how many rows were affected."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        if role:
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        return conn.execute(statement.encode(), parameters or None).rowcount


def compress(dsn: str) -> int:
    """Put all chunks into the columnstore; return how many there are, on plain PostgreSQL none."""
    if not rows(dsn, "select from pg_extension where extname = 'timescaledb'"):
        return 0
    chunks = rows(dsn, f"select format('%I.%I', chunk_schema, chunk_name) {CHUNKS}")
    for (chunk,) in chunks:
        run(dsn, "call convert_to_columnstore(%s::regclass, if_not_columnstore => true)", chunk)
    assert compressed(dsn) == {True}
    return len(chunks)


def compressed(dsn: str) -> set[bool]:
    """Return what chunks of `reading` there are: in the columnstore, in rows, or some of each."""
    return {row[0] for row in rows(dsn, f"select is_compressed {CHUNKS}")}


@dataclass(frozen=True)
class House:
    """One patient with a bound scale, through ingest's own functions."""

    dsn: str

    @classmethod
    async def build(cls, dsn: str) -> House:
        """Register everything and bind the scale's slot 1; slot 2 is bound to nobody."""
        await world.build(dsn)
        await cls(dsn).bind(0, slot=1)
        return cls(dsn)

    async def bind(self, number: int, *, slot: int) -> None:
        """Give a slot of the scale to a patient, with the readings that wait for it."""
        binding = Binding(
            gateway_id=gateway(0),
            device_id=SCALE,
            user_slot=slot,
            patient_id=patient(number),
            valid_from=SINCE,
        )
        async with await connect(self.dsn, None) as conn:
            await bind(conn, binding)

    def take(self, *readings: Reading) -> Stored:
        """Store them as ingest does, in its role."""
        store = IngestStore(self.dsn)
        try:
            return store.write(Intake(readings=[(gateway(0), reading) for reading in readings]), NOW)
        finally:
            store.close()

    async def seen(self, number: int = 0, *, by: str = "nurse") -> list[tuple[UUID, datetime, float | None]]:
        """Return what a member of staff sees of a patient, in the pages' role."""
        account = person(f"account {by}")
        async with (
            open_pool(self.dsn, "hemkurva_web", size=1) as pool,
            acting(pool, account, action="trend", patient_ids=[patient(number)]) as conn,
        ):
            found = await trends.readings(conn, patient(number), SINCE, NOW + DAY)
        return [(row.reading_id, row.measured_at, row.weight) for row in found]


def in_order(*readings: Reading) -> list[tuple[UUID, datetime | None, float | None]]:
    """Return what is to be seen of these readings."""
    ordered = sorted(readings, key=lambda r: (r.measured_at or SINCE, r.reading_id))
    return [(r.reading_id, r.measured_at, r.values.weight) for r in ordered]


def half_a_year() -> list[Reading]:
    """One weighing a day: seven chunks."""
    return [weighing(80 + n / 10, at=NOW - n * DAY) for n in range(180)]


async def test_the_same_answers_over_old_and_new_rows(either: str) -> None:
    """Stored, sent again, late, and read, with all that was there before in the columnstore."""
    house = await House.build(either)
    days = half_a_year()
    assert house.take(*days) == Stored(assigned=180)
    compress(either)
    late = [weighing(90 + n, at=OLD - n * DAY + timedelta(hours=1)) for n in range(3)]
    assert house.take(*late, *days) == Stored(assigned=3)
    assert house.take(*days, *late) == Stored()
    assert await house.seen() == in_order(*days, *late)
    compress(either)
    assert await house.seen() == in_order(*days, *late)
    due = rows(either, "select patient_id, since from evaluation_due order by due_id")
    assert due == [(patient(0), NOW - 179 * DAY), (patient(0), OLD - 2 * DAY + timedelta(hours=1))]


async def test_a_binding_brings_old_readings_among_the_compressed(either: str) -> None:
    house = await House.build(either)
    days = half_a_year()
    house.take(*days)
    guest = [weighing(60 + n, at=OLD + n * DAY, slot=2) for n in range(3)]
    assert house.take(*guest) == Stored(unassigned=3)
    compress(either)
    await house.bind(1, slot=2)
    assert await house.seen(1) == in_order(*guest)
    assert await house.seen(0) == in_order(*days)
    assert house.take(*guest) == Stored()


async def test_the_key_refuses_a_second_row(either: str) -> None:
    """Even without `reading_identity`: a row like one in the columnstore is no new row."""
    house = await House.build(either)
    house.take(*half_a_year())
    compress(either)
    again = "insert into reading select * from reading where measured_at = %s"
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(either, again, OLD)
    assert run(either, again + " on conflict do nothing", OLD) == 0
    assert rows(either, "select count(*) from reading") == [(180,)]


async def test_nothing_leads_past_the_care_relation(either: str) -> None:
    """The pages' role reads neither the table nor what it is made of; an operator reads nobody's values."""
    house = await House.build(either)
    house.take(*half_a_year())
    compress(either)
    parts = rows(
        either,
        "select format('%I.%I', n.nspname, c.relname)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.oid = 'reading'::regclass or n.nspname = '_timescaledb_internal'"
        " and c.relkind = 'r' and c.relname like '%\\_chunk'",
    )
    assert len(parts) in (1, 15)  # the table; or with it seven chunks, and each one's columnstore
    for (part,) in parts:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(either, f"select from {part}", role="hemkurva_web")
    with pytest.raises(AccessRefused):
        await house.seen(by="operator")


async def test_the_rules_read_compressed_history(either: str) -> None:
    wards = await ward.build(either)
    wards.take_in(*(ward.weight(80.0, ward.NOW - n * DAY) for n in range(3, 60)))
    await wards.evaluate()
    assert wards.cases() == []
    compress(either)
    wards.take_in(ward.weight(82.4))
    await wards.evaluate()
    assert [(case["family"], case["level"], case["state"]) for case in wards.cases()] == [
        ("weight", "yellow", "open")
    ]
    assert wards.notified() == [("opened", "contact@example.org")]


@needs_timescale
def test_reading_is_a_hypertable_with_columnstore(timescale: str) -> None:
    made = "from timescaledb_information.{} where hypertable_name = 'reading'"
    dimensions = made.format("dimensions")
    assert rows(timescale, f"select column_name, time_interval {dimensions}") == [("measured_at", 30 * DAY)]
    settings = "select segmentby, orderby from timescaledb_information.hypertable_columnstore_settings"
    assert rows(timescale, settings) == [("patient_id", "measured_at,reading_id")]
    jobs = f"select proc_name, config ->> 'compress_after', scheduled {made.format('jobs')}"
    assert rows(timescale, jobs) == [("policy_compression", "90 days", True)]  # and nothing that deletes
    indexes = rows(timescale, "select indexname from pg_indexes where tablename = 'reading'")
    assert indexes == [("reading_pkey",)]


@needs_timescale
async def test_the_policy_takes_what_is_old_and_only_that(timescale: str) -> None:
    house = await House.build(timescale)
    [(now,)] = rows(timescale, "select now()")
    house.take(weighing(80, at=OLD), weighing(81, at=now))
    [(job,)] = rows(
        timescale, "select job_id from timescaledb_information.jobs where hypertable_name = 'reading'"
    )
    run(timescale, "call run_job(%s)", job)
    chunks = f"select is_compressed {CHUNKS} order by range_start"
    assert rows(timescale, chunks) == [(True,), (False,)]
    house.take(weighing(82, at=OLD + timedelta(hours=1)))
    assert rows(timescale, chunks) == [(True,), (False,)]
    run(timescale, "call run_job(%s)", job)
    assert [weight for _, _, weight in await house.seen()] == [80, 82]  # the third is later than NOW


@needs_timescale
def test_an_owner_without_superuser_may_migrate() -> None:
    with new_database() as dsn, new_owner(dsn) as owner:
        migrate.migrate(make_conninfo(dsn, options=f"-c role={owner}"))
        found = rows(dsn, "select owner, compression_enabled from timescaledb_information.hypertables")
        assert found == [(owner, True)]


@needs_timescale
async def test_a_database_that_began_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The migration's file, run by hand and once too often, brings the readings along."""
    known = migrate.available()
    text = resources.files("storage").joinpath("migrations", "0003_timescale.sql").read_text("utf-8")
    without = [(number, name, "select 1" if number == 3 else body) for number, name, body in known]
    monkeypatch.setattr(migrate, "available", lambda: without)
    with new_database() as dsn:
        migrate.migrate(dsn)
        house = await House.build(dsn)
        days = half_a_year()
        house.take(*days)
        for _ in range(2):
            run(dsn, text)
        assert await house.seen() == in_order(*days)
        assert compress(dsn) == 7
        assert house.take(*days) == Stored()
        assert await house.seen() == in_order(*days)
