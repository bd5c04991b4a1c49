"""Who may bind a device, and what stays behind of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from storage.access import AccessRefused, acting, broken_links
from storage.bindings import (
    Binding,
    BindingRefused,
    bind,
    bind_as_staff,
    bound_to,
    end_binding,
    end_binding_as_staff,
)
from storage.database import Pool, connect, open_pool
from storage.ingest import IngestStore, Intake, Stored
from tests.integration.storage import world
from tests.integration.storage.world import NOW, OTHER_UNIT, SCALE, UNIT, gateway, patient, person, weighing

BINDING = Binding(
    gateway_id=gateway(0),
    device_id=SCALE,
    user_slot=1,
    patient_id=patient(0),
    valid_from=NOW - timedelta(days=1),
)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await world.build(database)
    async with open_pool(database, "hemkurva_web") as opened:
        yield opened


async def bind_by(pool: Pool, title: str, binding: Binding = BINDING) -> UUID:
    async with acting(pool, person(f"account {title}"), action="devices", patient_ids=[]) as conn:
        return await bind_as_staff(conn, binding)


async def test_a_nurse_binds_and_the_log_says_so(pool: Pool, database: str) -> None:
    binding_id = await bind_by(pool, "nurse")
    conn = await connect(database, None)
    found = await (await conn.execute("select binding_id, patient_id from device_binding")).fetchall()
    logged = await (
        await conn.execute("select action, account_id, care_unit_id, patient_ids from access_log")
    ).fetchall()
    assert found == [(binding_id, patient(0))]
    assert logged == [("bind_device", person("account nurse"), UNIT, [patient(0)])]
    assert await broken_links(conn) == []
    await conn.close()


@pytest.mark.parametrize("title", ["physician", "operator"])
async def test_others_may_not(pool: Pool, title: str) -> None:
    with pytest.raises(AccessRefused, match="nurse or a coordinator"):
        await bind_by(pool, title)


async def test_nobody_may_not(pool: Pool) -> None:
    async with pool.connection() as conn:
        with pytest.raises(errors.InsufficientPrivilege, match="nurse or a coordinator"):
            await bind_as_staff(conn, BINDING)


async def test_not_without_a_care_relation(pool: Pool, database: str) -> None:
    with psycopg.connect(database) as conn:
        conn.execute("update care_relation set valid_to = now() - interval '1 minute'")
    with pytest.raises(AccessRefused, match="no care relation"):
        await bind_by(pool, "nurse")


async def test_not_with_another_units_gateway(pool: Pool, database: str) -> None:
    """Otherwise one could draw a stranger's waiting readings into a record that one may open."""
    with psycopg.connect(database) as conn:
        conn.execute("update gateway set care_unit_id = %s", [OTHER_UNIT])
    with pytest.raises(AccessRefused, match="another care unit"):
        await bind_by(pool, "nurse")


async def test_a_binding_that_ends_before_it_begins_is_refused(pool: Pool) -> None:
    with pytest.raises(BindingRefused, match="end after it begins"):
        await bind_by(pool, "nurse", replace(BINDING, valid_to=BINDING.valid_from - timedelta(days=1)))


async def test_a_refused_binding_leaves_no_trace(pool: Pool, database: str) -> None:
    await bind_by(pool, "nurse")
    with pytest.raises(BindingRefused):
        await bind_by(pool, "nurse", replace(BINDING, patient_id=patient(1)))
    with psycopg.connect(database) as conn:
        counts = conn.execute(
            "select (select count(*) from device_binding), (select count(*) from access_log)"
        ).fetchone()
    assert counts == (1, 1)


@pytest.mark.parametrize("role", ["hemkurva_web", "hemkurva_ingest", "hemkurva_alerts"])
async def test_no_service_may_bind_past_the_checks(pool: Pool, database: str, role: str) -> None:
    del pool  # it has built the world
    conn = await connect(database, role)
    with pytest.raises(errors.InsufficientPrivilege):
        await bind(conn, BINDING)
    await conn.close()


async def end_by(pool: Pool, title: str, binding_id: UUID) -> None:
    async with acting(pool, person(f"account {title}"), action="end_binding", patient_ids=[]) as conn:
        await end_binding_as_staff(conn, binding_id, NOW)


def stored_for(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as conn:
        return conn.execute("select patient_id, measured_at from reading order by measured_at").fetchall()


async def test_after_its_end_readings_are_nobodys_and_the_next_patient_gets_hers(
    pool: Pool, database: str
) -> None:
    binding_id = await bind_by(pool, "nurse")
    store = IngestStore(database)
    hour = timedelta(hours=1)
    too_late = NOW + timedelta(minutes=30)
    assert store.write(Intake(readings=[(gateway(0), weighing(at=NOW - hour))]), NOW) == Stored(assigned=1)
    assert store.write(Intake(readings=[(gateway(0), weighing(at=too_late))]), NOW) == Stored(assigned=1)
    await end_by(pool, "nurse", binding_id)
    after = [weighing(at=NOW), weighing(at=NOW + hour), weighing(at=NOW - 2 * hour)]
    sent = Intake(readings=[(gateway(0), reading) for reading in after])
    assert store.write(sent, NOW) == Stored(assigned=1, unassigned=2)
    store.close()
    stays = [(patient(0), NOW - 2 * hour), (patient(0), NOW - hour), (patient(0), too_late)]
    assert stored_for(database) == stays, "what was stored before the end stays"
    await bind_by(pool, "nurse", replace(BINDING, patient_id=patient(1), valid_from=NOW))
    assert {(patient(1), NOW), (patient(1), NOW + hour), *stays} == set(stored_for(database))


async def test_the_end_of_a_binding_is_in_the_log(pool: Pool, database: str) -> None:
    await end_by(pool, "nurse", await bind_by(pool, "nurse"))
    conn = await connect(database, None)
    logged = await (await conn.execute("select action, patient_ids from access_log")).fetchall()
    assert logged == [("bind_device", [patient(0)]), ("end_binding", [patient(0)])]
    assert await broken_links(conn) == []
    await conn.close()


@pytest.mark.parametrize("title", ["physician", "coordinator", "operator"])
async def test_only_a_nurse_ends_a_binding(pool: Pool, title: str) -> None:
    binding_id = await bind_by(pool, "nurse")
    with pytest.raises(AccessRefused, match="only a nurse"):
        await end_by(pool, title, binding_id)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (b"update gateway set care_unit_id = 'SE2321000016-B001'", "another care unit"),
        (b"update care_relation set valid_to = now() - interval '1 minute'", "no care relation"),
    ],
)
async def test_the_patient_and_the_gateway_must_be_of_the_nurses_unit(
    pool: Pool, database: str, change: bytes, refusal: str
) -> None:
    binding_id = await bind_by(pool, "nurse")
    with psycopg.connect(database) as conn:
        conn.execute(change)
    with pytest.raises(AccessRefused, match=refusal):
        await end_by(pool, "nurse", binding_id)
    with psycopg.connect(database) as conn:
        assert conn.execute("select valid_to from device_binding").fetchone() == (None,)
        assert conn.execute("select count(*) from access_log").fetchone() == (1,)


async def test_an_unknown_binding_is_refused_like_a_strangers(pool: Pool) -> None:
    with pytest.raises(AccessRefused, match="no such binding"):
        await end_by(pool, "nurse", uuid4())


async def test_an_end_that_makes_no_sense_is_refused(pool: Pool, database: str) -> None:
    binding_id = await bind_by(pool, "nurse")
    conn = await connect(database, None)
    async with conn:
        for too_early in (BINDING.valid_from, BINDING.valid_from - timedelta(days=1)):
            with pytest.raises(BindingRefused, match="later time"):
                async with conn.transaction():
                    await end_binding(conn, binding_id, too_early)
        with pytest.raises(BindingRefused, match="no such binding"):
            async with conn.transaction():
                await end_binding(conn, uuid4(), NOW)
        await end_binding(conn, binding_id, NOW)
        with pytest.raises(BindingRefused, match="ended before"):
            async with conn.transaction():
                await end_binding(conn, binding_id, NOW)
        await end_binding(conn, binding_id, NOW - timedelta(hours=1))
        row = await (await conn.execute("select valid_to from device_binding")).fetchone()
        assert row == (NOW - timedelta(hours=1),), "an earlier end is a correction"


async def test_what_a_patient_has_at_home(pool: Pool, database: str) -> None:
    with psycopg.connect(database) as sync:
        sync.execute(
            "insert into gateway_status values (%s, %s, true, %s)",
            [gateway(0), NOW, Jsonb({"devices": [1, {"device_id": SCALE, "name": "UC-352BLE"}]})],
        )
    binding_id = await bind_by(pool, "nurse")
    await bind_by(pool, "nurse", replace(BINDING, user_slot=2, patient_id=patient(1)))
    async with acting(pool, person("account nurse"), action="x", patient_ids=[patient(0)]) as conn:
        [bound] = await bound_to(conn, patient(0), NOW)
        assert (bound.binding_id, bound.device_name, bound.gateway_label, bound.user_slot) == (
            binding_id, "UC-352BLE", "kit 0", 1,
        )  # fmt: skip
        await end_binding_as_staff(conn, binding_id, NOW)
        assert await bound_to(conn, patient(0), NOW) == []
    async with acting(pool, person("account operator"), action="x", patient_ids=[]) as conn:
        assert await bound_to(conn, patient(1), NOW) == []


@pytest.mark.parametrize("role", ["hemkurva_web", "hemkurva_ingest", "hemkurva_alerts"])
async def test_no_service_may_end_a_binding_past_the_checks(pool: Pool, database: str, role: str) -> None:
    binding_id = await bind_by(pool, "nurse")
    conn = await connect(database, role)
    with pytest.raises(errors.InsufficientPrivilege):
        await end_binding(conn, binding_id, NOW)
    await conn.close()
