"""Who sees whom, and that every look is written down first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from storage.access import AccessRefused, acting, broken_links
from storage.database import connect, open_pool
from tests.integration.api import world
from tests.integration.api.conftest import Site

NAME = "Ekström"


async def log_of(site: Site) -> list[tuple[str, UUID, list[UUID]]]:
    """Return (action, account, patients) of the access log, oldest first."""
    conn = await connect(site.dsn, None)
    async with conn:
        cursor = await conn.execute(
            "select action, account_id, patient_ids from access_log order by entry_id"
        )
        return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def run_as_owner(site: Site, statement: Any) -> None:
    """Execute a statement as the owner of the database."""
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute(statement)


async def test_each_view_is_logged_with_whom_it_showed(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        await client.get("/inbox?show=unit")
        await client.get(f"/cases/{cases['red']}")
        await client.get(f"/patients/{world.INGRID}")
        await client.get("/api/cases?show=mine")
    nurse = world.account_id("nurse")
    assert await log_of(site) == [
        ("inbox", nurse, [world.MONIKA, world.LARS, world.ERIK]),
        ("case", nurse, [world.MONIKA]),
        ("patient", nurse, [world.INGRID]),
        ("inbox", nurse, [world.MONIKA, world.ERIK]),
    ]


async def test_the_chain_of_the_log_holds_and_shows_a_removed_or_changed_line(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        for _ in range(3):
            await client.get("/inbox")
    conn = await connect(site.dsn, None)
    async with conn:
        assert await broken_links(conn) == []
        await conn.execute("alter table access_log disable trigger access_log_append_only")
        await conn.execute("update access_log set action = 'nothing' where entry_id = 2")
        assert await broken_links(conn) == [2]
        await conn.execute("delete from access_log where entry_id = 2")
        assert await broken_links(conn) == [3]


async def test_when_the_log_cannot_be_written_nothing_is_shown(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    await run_as_owner(site, "revoke insert on access_log from hemkurva_web")
    async with site.signed_in("nurse") as client:
        paths = ("/inbox", f"/cases/{cases['red']}", f"/patients/{world.MONIKA}", "/patients", "/api/cases")
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code == 503, path
            assert NAME not in answer.text
        answer = await client.post(f"/cases/{cases['red']}/acknowledge")
        assert answer.status_code == 503


@pytest.mark.parametrize("login", ["other", "operator", "coordinator", "physician", "monika", "kin"])
async def test_nobody_else_opens_the_nurses_pages(site: Site, login: str) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in(login) as client:
        for path in (f"/cases/{cases['red']}", f"/patients/{world.LARS}", "/patients", "/inbox?show=unit"):
            answer = await client.get(path)
            if login == "other":
                assert "Åström" not in answer.text
                assert NAME not in answer.text
                assert answer.status_code == (404 if path.count("/") == 2 else 200)
            else:
                assert answer.status_code == 403
        answer = await client.post(f"/cases/{cases['red']}/acknowledge")
        assert answer.status_code == (404 if login == "other" else 403)


async def test_another_units_nurse_sees_her_own_cases_only(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("other") as client:
        found = (await client.get("/api/cases?show=unit")).json()
        assert [case["case_id"] for case in found["cases"]] == [str(cases["other_unit"])]
        assert (await client.get(f"/api/cases/{cases['red']}")).status_code == 404
        assert (await client.get(f"/api/cases/{cases['technical']}")).status_code == 404


async def test_an_operator_sees_no_patient(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("operator") as client:
        for path in ("/operations", "/quarantine"):
            text = (await client.get(path)).text
            for name in ("Ekström", "Åström", "Lundmark", "191212121212", str(world.MONIKA)):
                assert name not in text
    assert await log_of(site) == []


async def test_a_physician_reads_a_case_of_her_own_patient_only(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("physician") as client:
        assert (await client.get(f"/api/cases/{cases['red']}")).status_code == 200
        assert (await client.get(f"/api/cases/{cases['yellow']}")).status_code == 404


@pytest.mark.parametrize("path", ["/api/cases", f"/api/cases/{UUID(int=1)}"])
async def test_without_a_session_the_api_says_so(site: Site, path: str) -> None:
    async with site.client() as client:
        answer = await client.get(path)
        assert answer.status_code == 401
        assert "/login" in answer.json()["detail"]


@pytest.mark.parametrize("login", ["monika", "kin", "operator"])
async def test_the_database_itself_lets_only_staff_change_a_case(site: Site, login: str) -> None:
    cases = await world.usual_cases(site.dsn)
    async with open_pool(site.dsn, "hemkurva_web") as pool:
        async with acting(pool, world.account_id(login), action="x", patient_ids=[world.MONIKA]) as conn:
            cursor = await conn.execute(
                "update alert_case set useful = false where case_id = %s", [cases["red"]]
            )
            assert cursor.rowcount == 0
        with pytest.raises(AccessRefused):
            async with acting(pool, world.account_id(login), action="x", patient_ids=[world.MONIKA]) as conn:
                await conn.execute(
                    "insert into case_event (case_id, at, kind, account_id)"
                    " values (%s, now(), 'contacted', %s)",
                    [cases["red"], world.account_id(login)],
                )


async def test_readings_are_reached_only_with_relation_and_log(site: Site) -> None:
    query = "select count(*) from readings_of(%s, '-infinity', 'infinity')"
    async with open_pool(site.dsn, "hemkurva_web") as pool:
        nurse = world.account_id("nurse")
        async with acting(pool, nurse, action="x", patient_ids=[world.MONIKA]) as conn:
            row = await (await conn.execute(query, [world.MONIKA])).fetchone()
            assert row is not None
            assert row[0] > 100
        with pytest.raises(AccessRefused):
            async with acting(pool, nurse, action="x", patient_ids=[world.LARS]) as conn:
                await conn.execute(query, [world.MONIKA])
        for login, patient in (("nurse", world.FREMLING), ("kin", world.MONIKA), ("operator", world.MONIKA)):
            with pytest.raises(AccessRefused):
                async with acting(pool, world.account_id(login), action="x", patient_ids=[patient]) as conn:
                    await conn.execute(query, [patient])


async def test_the_web_role_sees_no_binding_consent_or_relation_without_acting(site: Site) -> None:
    async with open_pool(site.dsn, "hemkurva_web") as pool, pool.connection() as conn:
        for table in ("patient", "plan", "alert_case", "named_contact", "care_relation", "kin_consent"):
            row = await (await conn.execute(f"select count(*) from {table}")).fetchone()  # noqa: S608  our names
            assert row == (0,), table


async def test_an_undone_view_leaves_no_line_and_a_refused_one_no_data(site: Site) -> None:
    async with open_pool(site.dsn, "hemkurva_web") as pool:
        with pytest.raises(RuntimeError):
            async with acting(pool, world.account_id("nurse"), action="x", patient_ids=[world.MONIKA]):
                raise RuntimeError
    assert await log_of(site) == []


async def test_a_malformed_address_is_a_page_that_does_not_exist(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        answer = await client.get("/cases/not-an-identity")
        assert answer.status_code == 404
        assert "Sidan finns inte" in answer.text
        answer = await client.get("/api/cases/not-an-identity")
        assert answer.status_code == 422
