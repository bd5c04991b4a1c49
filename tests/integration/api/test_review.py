"""The physician's look through the trends: who may say so, where it shows, and what else her page says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from storage import reviews
from storage.access import AccessRefused, acting
from storage.database import connect, open_pool
from tests.integration.api import world
from tests.integration.api.conftest import Site

TREND = f"/physician/patients/{world.MONIKA}"
SAID = "Granskad av Anna Sundström 09:12"
INSERT = "insert into trend_review (patient_id, account_id, at) values (%s, %s, now())"


async def attempt(site: Site, login: str, statement: Any, values: list[Any]) -> None:
    """Execute a statement in the name of a login, as the web service could."""
    async with (
        open_pool(site.dsn, "hemkurva_web") as pool,
        acting(pool, world.account_id(login), action="test", patient_ids=[world.MONIKA]) as conn,
    ):
        await conn.execute(statement, values)


async def seen_by(site: Site, login: str, patient_id: UUID = world.MONIKA) -> reviews.Review | None:
    """Return the latest review as a login sees it."""
    async with (
        open_pool(site.dsn, "hemkurva_web") as pool,
        acting(pool, world.account_id(login), action="test", patient_ids=[patient_id]) as conn,
    ):
        return await reviews.latest(conn, patient_id)


async def test_a_review_shows_on_the_trend_page_and_to_the_nurse_and_is_logged(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("physician") as client:
        assert "Inte granskat än" in (await client.get(TREND)).text
        answer = await client.post(f"{TREND}/review")
        assert (answer.status_code, answer.headers["location"]) == (303, TREND)
        assert SAID in (await client.get(TREND)).text
    async with site.signed_in("nurse") as client:
        for page in (f"/cases/{cases['red']}", f"/patients/{world.MONIKA}"):
            assert SAID in (await client.get(page)).text
        assert "inte granskade av läkare än" in (await client.get(f"/patients/{world.LARS}")).text
    conn = await connect(site.dsn, None)
    async with conn:
        cursor = await conn.execute(
            "select patient_ids from access_log where action = 'review' and account_id = %s",
            [world.account_id("physician")],
        )
        assert await cursor.fetchall() == [([world.MONIKA],)]


async def test_the_latest_review_counts(site: Site) -> None:
    async with site.signed_in("physician") as client:
        await client.post(f"{TREND}/review")
        site.clock.move(timedelta(minutes=8))
        await client.post(f"{TREND}/review")
        assert "Granskad av Anna Sundström 09:20" in (await client.get(TREND)).text


async def test_only_a_physician_with_a_care_relation_reviews(site: Site) -> None:
    for login in ("nurse", "operator", "coordinator", "monika", "kin"):
        async with site.signed_in(login) as client:
            assert (await client.post(f"{TREND}/review")).status_code == 403, login
    async with site.signed_in("physician") as client:
        assert (await client.post(f"/physician/patients/{world.LARS}/review")).status_code == 404
    async with site.client() as client:
        assert (await client.post(f"{TREND}/review")).status_code in (303, 401)
    assert await seen_by(site, "physician") is None


@pytest.mark.parametrize("login", ["nurse", "coordinator", "operator", "monika", "kin"])
async def test_the_database_itself_takes_a_review_from_a_physician_only(site: Site, login: str) -> None:
    with pytest.raises(AccessRefused):
        await attempt(site, login, INSERT, [world.MONIKA, world.account_id(login)])


async def test_nobody_reviews_in_another_ones_name_or_unseen_patients(site: Site) -> None:
    with pytest.raises(AccessRefused):
        await attempt(site, "physician", INSERT, [world.MONIKA, world.account_id("nurse")])
    with pytest.raises(AccessRefused):
        await attempt(site, "physician", INSERT, [world.LARS, world.account_id("physician")])


async def test_a_review_is_never_changed_or_taken_back(site: Site) -> None:
    await attempt(site, "physician", INSERT, [world.MONIKA, world.account_id("physician")])
    for statement in ("update trend_review set at = now()", "delete from trend_review"):
        with pytest.raises(AccessRefused):
            await attempt(site, "physician", statement, [])
        conn = await connect(site.dsn, None)  # not even the owner
        async with conn:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                await conn.execute(statement)  # pyright: ignore[reportArgumentType]  one of the two above
    assert await seen_by(site, "monika") is not None, "the patient may know"
    assert await seen_by(site, "kin") is None


async def test_the_trend_page_says_what_is_open_and_how_it_stands(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("physician") as client:
        text = (await client.get(TREND)).text
        assert "Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0) och patienten är mer andfådd." in text
        assert "Inte kvitterat än, ska ske före 09:33" in text
        assert "Ansvarig: Karin Lindgren" in text
        assert f"/cases/{cases['red']}" not in text, "the nurse's page is hers"
        async with site.signed_in("nurse") as nurse:
            await nurse.post(f"/cases/{cases['red']}/acknowledge")
        assert "Kvitterat av Karin Lindgren 09:12" in (await client.get(TREND)).text


async def test_the_plan_speaks_plainly_on_the_trend_page(site: Site) -> None:
    async with site.signed_in("physician") as client:
        text = (await client.get(TREND)).text
    assert "Hemkurvas förval: efter BEAT-HF-studien" in text
    assert "domain" not in text


async def test_a_case_page_names_the_patients_other_open_cases(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    other = await world.open_case(
        site.dsn,
        world.MONIKA,
        "yellow",
        "Pulsen 112 är över gränsen 110. Obekräftad: inte mätt om.",
        "-",
        family="pulse",
        confirmed=False,
    )
    async with site.signed_in("nurse") as client:
        text = (await client.get(f"/cases/{cases['red']}")).text
        also = text.split('id="also"')[1].split("</div>")[0]
        assert "Också öppet:" in also
        assert "Gul" in also
        assert f'<a href="/cases/{other}">Pulsen 112 är över gränsen 110</a>' in also
        text = (await client.get(f"/cases/{other}")).text
        assert f'href="/cases/{cases["red"]}"' in text.split('id="also"')[1]
        assert text.count("bekräftad") == 1, "the sentence already says so"
        assert 'id="also"' not in (await client.get(f"/cases/{cases['yellow']}")).text
        await client.post(f"/cases/{other}/acknowledge")
        closing = {"cause": "technique", "useful": "false"}
        await client.post(f"/cases/{other}/close", data=closing)
        assert 'id="also"' not in (await client.get(f"/cases/{cases['red']}")).text
