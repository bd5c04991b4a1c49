"""Who may bind a device, and what stays behind of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from storage.access import AccessRefused, acting, broken_links
from storage.bindings import Binding, BindingRefused, bind, bind_as_staff
from storage.database import Pool, connect, open_pool
from tests.integration.storage import world
from tests.integration.storage.world import NOW, OTHER_UNIT, SCALE, UNIT, gateway, patient, person

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
