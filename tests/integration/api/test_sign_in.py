"""Signing in and out: who gets in, for how long, and what every answer carries."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from clinician_api.service import StartRefused, refuse_demo_logins
from clinician_api.settings import Settings, SettingsError
from storage.database import connect, open_pool
from tests.integration.api import world
from tests.integration.api.conftest import ORIGIN, Site, site_on

HOMES = {
    "nurse": "/inbox",
    "operator": "/operations",
    "coordinator": "/operations",
    "physician": "/physician",
    "monika": "/me",
    "kin": "/kin",
}


@pytest.mark.parametrize(("login", "home"), HOMES.items())
async def test_each_role_lands_on_its_own_first_page(site: Site, login: str, home: str) -> None:
    async with site.client() as client:
        answer = await client.post("/login", data={"login": login, "password": world.PASSWORD})
        assert answer.headers["location"] == home
        assert (await client.get(home)).status_code == 200


@pytest.mark.parametrize(
    ("login", "password"), [("nurse", "wrong"), ("nobody", "wrong"), ("", ""), ("\x00", "\ud83d")]
)
async def test_a_wrong_login_is_refused_in_words(site: Site, login: str, password: str) -> None:
    async with site.client() as client:
        data = {"login": login, "password": password.encode("utf-8", "replace").decode()}
        answer = await client.post("/login", data=data)
        assert answer.status_code == 401
        assert "Användarnamnet eller lösenordet är fel" in answer.text
        assert "hemkurva_session" not in answer.cookies


async def test_sign_out_ends_the_session_on_the_server(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        cookie = client.cookies["hemkurva_session"]
        await client.post("/logout")
        client.cookies.set("hemkurva_session", cookie, domain="hemkurva.test")
        answer = await client.get("/inbox")
        assert answer.headers["location"] == "/login?next=/inbox"


async def test_a_session_ends_when_idle_and_use_keeps_it(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        for _ in range(3):
            site.clock.move(site.settings.idle - timedelta(minutes=1))
            assert (await client.get("/inbox")).status_code == 200
        site.clock.move(site.settings.idle + timedelta(seconds=1))
        assert (await client.get("/inbox")).status_code == 303


async def test_what_a_page_fetches_by_itself_does_not_keep_a_session(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        site.clock.move(site.settings.idle - timedelta(minutes=1))
        answer = await client.get("/inbox/list", headers={"hx-request": "true"})
        assert answer.status_code == 200
        site.clock.move(timedelta(minutes=2))
        assert (await client.get("/inbox")).status_code == 303


async def test_a_session_never_outlives_its_absolute_end(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        step = site.settings.idle - timedelta(minutes=5)
        passed = timedelta()
        while passed + step < site.settings.absolute:
            site.clock.move(step)
            passed += step
            assert (await client.get("/inbox")).status_code == 200
        site.clock.move(step)
        assert (await client.get("/inbox")).status_code == 303


async def test_too_many_failures_stop_even_the_right_password_for_a_while(site: Site) -> None:
    async with site.client() as client:

        async def attempt(password: str) -> int:
            data = {"login": "nurse", "password": password}
            return (await client.post("/login", data=data)).status_code

        answers = await asyncio.gather(*(attempt("wrong") for _ in range(14)))
        assert sorted(answers) == [401] * 10 + [429] * 4
        assert await attempt(world.PASSWORD) == 429
        other = await client.post("/login", data={"login": "deputy", "password": world.PASSWORD})
        assert other.status_code == 303
        site.clock.move(timedelta(minutes=16))
        assert await attempt(world.PASSWORD) == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb"])
async def test_signing_in_never_leads_to_another_site(site: Site, target: str) -> None:
    async with site.client() as client:
        data = {"login": "nurse", "password": world.PASSWORD, "next": target}
        assert (await client.post("/login", data=data)).headers["location"] == "/inbox"


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(site: Site) -> None:
    async with site.client() as client:
        data = {"login": "nurse", "password": world.PASSWORD, "next": "/patients"}
        assert (await client.post("/login", data=data)).headers["location"] == "/patients"


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {}],
)
async def test_a_change_from_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        del client.headers["origin"]
        path = f"/cases/{cases['red']}/acknowledge"
        assert (await client.post(path, headers=headers)).status_code == 403
        assert (await client.post(path, headers={"sec-fetch-site": "same-origin"})).status_code == 303


async def test_every_answer_carries_the_security_headers(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        for path in ("/login", "/inbox", "/nowhere", "/healthz", "/api/cases"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"


async def test_no_page_has_an_inline_script_or_style(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        for path in (
            "/inbox",
            f"/cases/{cases['red']}",
            "/patients",
            f"/patients/{world.MONIKA}",
            "/unassigned",
        ):
            text = (await client.get(path)).text
            assert " style=" not in text
            assert "<style" not in text
            assert " onclick=" not in text
            assert text.count("<script") == text.count('<script type="module" src="/static/dist/')


async def test_the_cookie_is_not_for_scripts_nor_for_other_sites(site: Site) -> None:
    async with site.client() as client:
        answer = await client.post("/login", data={"login": "nurse", "password": world.PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie


async def test_the_database_keeps_no_cookie(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        conn = await connect(site.dsn, None)
        async with conn:
            row = await (await conn.execute("select token_hash from web_session")).fetchone()
        assert row is not None
        assert client.cookies["hemkurva_session"].encode() not in bytes(row[0])


async def test_a_production_refuses_to_start_with_demo_logins(site: Site) -> None:
    async with open_pool(site.dsn, "hemkurva_web") as pool:
        await refuse_demo_logins(pool, site.settings)
        with pytest.raises(StartRefused, match="8 demo logins"):
            await refuse_demo_logins(pool, Settings(dsn=site.dsn, public_url=ORIGIN, demo=False))


async def test_a_production_refuses_demo_logins_and_their_old_sessions(site: Site) -> None:
    async with (
        site.signed_in("nurse") as client,
        site_on(site.dsn, demo=False) as production,
        production.client() as stranger,
    ):
        answer = await stranger.post("/login", data={"login": "nurse", "password": world.PASSWORD})
        assert answer.status_code == 401
        cookie = client.cookies["hemkurva_session"]
        stranger.cookies.set("hemkurva_session", cookie, domain="hemkurva.test")
        assert (await stranger.get("/inbox")).status_code == 303


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "HEMKURVA_DSN"),
        ({"HEMKURVA_DSN": "x", "HEMKURVA_HTTP_PORT": "many"}, "HEMKURVA_HTTP_PORT"),
        ({"HEMKURVA_DSN": "x", "HEMKURVA_HTTP_PORT": "70000"}, "0-65535"),
        ({"HEMKURVA_DSN": "x", "HEMKURVA_PUBLIC_URL": "hemkurva.example"}, "https://host"),
        ({"HEMKURVA_DSN": "x", "HEMKURVA_PUBLIC_URL": "http://hemkurva.example"}, "https address"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.from_env(environ)


def test_cookies_need_tls_where_the_address_has_it() -> None:
    production = {"HEMKURVA_DSN": "x", "HEMKURVA_PUBLIC_URL": "https://hemkurva.example"}
    assert Settings.from_env(production).secure_cookie
    assert not Settings.from_env({"HEMKURVA_DSN": "x", "HEMKURVA_DEMO": "1"}).secure_cookie
