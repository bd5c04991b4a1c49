"""Patients, unassigned readings, operations, health, languages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
from psycopg.types.json import Jsonb

from alerts.rules.templates import hypertension
from storage import operations, registry
from storage.access import acting
from storage.database import connect, open_pool
from storage.heartbeat import beat
from tests.integration.api import world
from tests.integration.api.conftest import Site

SCALE = "D0:99:88:77:66:55"


async def add_waiting(
    site: Site, *, slot: int | None, count: int = 2, at: datetime = world.NOW - timedelta(days=1)
) -> None:
    """Let readings of an unbound device wait in the tray, as ingest stores them."""
    conn = await connect(site.dsn, None)
    async with conn:
        for number in range(count):
            measured = at - timedelta(hours=number)
            reading_id = uuid4()
            row = {
                "reading_id": str(reading_id), "gateway_id": world.GATEWAY, "device_id": SCALE,
                "user_slot": slot, "measured_at": measured.isoformat(), "kind": "weight", "weight": 71.2,
                "flags": [], "origin": "live", "clock": "verified", "received_at": measured.isoformat(),
            }  # fmt: skip
            await conn.execute(
                "insert into unassigned_reading (reading_id, gateway_id, device_id, user_slot, measured_at,"
                " received_at, kind, reading) values (%s, %s, %s, %s, %s, %s, 'weight', %s)",
                [reading_id, world.GATEWAY, SCALE, slot, measured, measured, Jsonb(row)],
            )


def binding(patient_id: UUID | str, **changes: str) -> dict[str, str]:
    """Return the form that binds the scale's second user."""
    form = {
        "gateway_id": world.GATEWAY, "device_id": SCALE, "user_slot": "2", "patient_id": str(patient_id),
        "from_day": "2025-11-01",
    }  # fmt: skip
    return form | changes


async def weights_of(site: Site, patient_id: UUID) -> int:
    """Return how many readings of the scale a patient has."""
    conn = await connect(site.dsn, None)
    async with conn:
        cursor = await conn.execute(
            "select count(*) from reading where patient_id = %s and device_id = %s", [patient_id, SCALE]
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_nurse_binds_a_device_and_its_waiting_readings_follow(site: Site) -> None:
    await add_waiting(site, slot=2)
    await add_waiting(site, slot=None, count=1)
    async with site.signed_in("nurse") as client:
        text = (await client.get("/unassigned")).text
        assert "Vikt, 2 mätvärden" in text
        assert "71,2" not in text, "nobody's values are shown to nobody"
        answer = await client.post("/unassigned", data=binding(world.SVEA))
        assert answer.status_code == 303
        text = (await client.get("/unassigned")).text
        assert "Vikt, 1 mätvärde" in text, "the other user slot still waits"
    assert await weights_of(site, world.SVEA) == 2


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (binding(""), 422),
        (binding(world.SVEA, from_day=""), 422),
        (binding(world.SVEA, user_slot="two"), 422),
        (binding(world.SVEA, device_id="nul\x00"), 422),
        (binding(world.SVEA, from_day="2025-11-05"), 422),
        (binding(world.FREMLING), 403),
        (binding(world.SVEA, gateway_id="gw-unknown"), 403),
    ],
)
async def test_a_wrong_binding_is_refused(site: Site, form: dict[str, str], status: int) -> None:
    await add_waiting(site, slot=2)
    async with site.signed_in("nurse") as client:
        answer = await client.post("/unassigned", data=form)
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
    assert await weights_of(site, world.SVEA) == 0


async def test_a_slot_has_one_patient_at_a_time(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        assert (await client.post("/unassigned", data=binding(world.SVEA))).status_code == 303
        answer = await client.post("/unassigned", data=binding(world.INGRID))
        assert answer.status_code == 409
        assert "har redan en patient" in answer.text


async def bind_svea(client: httpx.AsyncClient) -> str:
    """Bind the scale to Svea and return the address of the form that takes it back."""
    assert (await client.post("/unassigned", data=binding(world.SVEA))).status_code == 303
    text = (await client.get(f"/patients/{world.SVEA}")).text
    assert SCALE in text
    assert "Väska 14, sedan" in text
    return text.split('action="/patients/')[1].split('"')[0]


async def test_a_device_is_taken_back_and_goes_to_the_next_patient(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        action = await bind_svea(client)
        answer = await client.post(f"/patients/{action}", data={"ended_at": "2025-11-04T09:12"})
        assert answer.status_code == 303
        text = (await client.get(answer.headers["location"])).text
        assert "Apparaten är tillbakatagen" in text
        assert SCALE not in text
        await add_waiting(site, slot=2, count=1, at=world.NOW - timedelta(hours=1))
        await add_waiting(site, slot=2, count=1, at=world.NOW)
        assert (await client.post("/unassigned", data=binding(world.INGRID))).status_code == 409
        form = binding(world.INGRID, from_day="2025-11-04")
        assert (await client.post("/unassigned", data=form)).status_code == 303
    assert await weights_of(site, world.INGRID) == 1, "hers begins when it was taken back, not that midnight"


@pytest.mark.parametrize(
    ("ended_at", "status"),
    [("", 422), ("soon", 422), ("2025-11-04T09:13", 422), ("2025-10-01T08:00", 409)],
)
async def test_a_wrong_end_is_refused(site: Site, ended_at: str, status: int) -> None:
    async with site.signed_in("nurse") as client:
        action = await bind_svea(client)
        answer = await client.post(f"/patients/{action}", data={"ended_at": ended_at})
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
        assert SCALE in answer.text, "it is still hers"


async def test_another_unit_takes_no_device_back(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        action = await bind_svea(client)
    form = {"ended_at": "2025-11-04T09:12"}
    async with site.signed_in("other") as client:
        assert (await client.post(f"/patients/{action}", data=form)).status_code == 404
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute("update gateway set care_unit_id = %s", [world.OTHER_UNIT])
    async with site.signed_in("nurse") as client:
        assert (await client.post(f"/patients/{action}", data=form)).status_code == 403
        text = (await client.get(f"/patients/{world.SVEA}")).text
        assert SCALE in text
        assert "Ta tillbaka apparaten" not in text


async def test_another_unit_sees_nothing_of_the_tray(site: Site) -> None:
    await add_waiting(site, slot=2)
    async with site.signed_in("other") as client:
        assert SCALE not in (await client.get("/unassigned")).text
        assert (await client.post("/unassigned", data=binding(world.FREMLING))).status_code == 403


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("", ["Bergdahl", "Ekström", "Lundmark", "Vikström", "Åström"]),
        ("ström", ["Ekström", "Vikström", "Åström"]),
        ("monika ek", ["Ekström"]),
        ("Åström, L", ["Åström"]),
        ("%", []),
        ("Fremling", []),
    ],
)
async def test_search_by_name(site: Site, search: str, names: list[str]) -> None:
    async with site.signed_in("nurse") as client:
        answer = await client.post("/patients", data={"q": search})
    assert answer.status_code == 200, "a redirect would carry the name in its address"
    text = answer.text
    shown = [part.split(",")[0] for part in text.split('<a href="/patients/')[1:]]
    assert [name.split(">")[1] for name in shown] == names


async def test_no_address_carries_a_name(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        for path in ("/patients", "/inbox"):
            form = (await client.get(path)).text.split('role="search"')[0].rsplit("<form", 1)[1]
            assert 'method="post" action="/patients"' in form, path
        listed = (await client.get("/patients", params={"q": "Ekström"})).text
        assert "Bergdahl" in listed, "a name in an old bookmark's address is not looked at"
        found = (await client.post("/patients", data={"q": "Ekström"})).text
        addresses = re.findall(r'(?:href|action|hx-get)="([^"]*)"', found)
        assert addresses
        assert not [address for address in addresses if "kstr" in unquote(address)]


async def test_a_search_from_another_site_is_refused(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        headers = {"origin": "https://elsewhere.test"}
        assert (await client.post("/patients", data={"q": "Ekström"}, headers=headers)).status_code == 403


async def test_the_patients_page_shows_plan_contact_and_readings(site: Site) -> None:
    await world.usual_cases(site.dsn)
    async with site.signed_in("nurse") as client:
        text = (await client.get(f"/patients/{world.MONIKA}")).text
    for words in (
        "Monika Ekström", "78 år", "Karin Lindgren", "Johan Öberg", "83,1 kg", "mmHg, puls",
        "Fiska med barnbarnen", "Vikten har ökat", "7 dagar i veckan",
    ):  # fmt: skip
        assert words in text, words
    assert "191212121212" not in text


async def test_silent_gateways_come_first_and_the_others_keep_their_order(site: Site) -> None:
    conn = await connect(site.dsn, None)
    async with conn:
        for number, minutes in ((3, 1), (1, 2), (2, 60)):
            name = f"gw-extra-{number}"
            await registry.enrol_gateway(
                conn, gateway_id=name, care_unit_id=world.HOME_CARE, label=f"Extra {number}", at=world.NOW
            )
            await conn.execute(
                "insert into gateway_status values (%s, %s, true, '{}')",
                [name, world.NOW - timedelta(minutes=minutes)],
            )
    async with site.signed_in("operator") as client:
        text = (await client.get("/operations")).text
    places = [text.index(f"Extra {number}") for number in (2, 1, 3)]
    assert places == sorted(places)


async def test_operations_show_silence_battery_and_errors(site: Site) -> None:
    conn = await connect(site.dsn, None)
    status = {
        "schema": 1, "online": True, "boot_id": "a", "version": "0.1.0", "outbox": 3, "radio": "failing",
        "devices": [{"device_id": "D0:11", "name": "UC-352BLE", "battery": 12, "last_error": "stale bond"}],
    }  # fmt: skip
    async with conn:
        await beat(conn, "ingest", "h:1", world.NOW)
        await beat(conn, "alerts", "h:2", world.NOW - timedelta(minutes=3))
        await conn.execute(
            "insert into gateway_status values (%s, %s, true, %s)",
            [world.GATEWAY, world.NOW - timedelta(minutes=1), Jsonb(status)],
        )
    async with site.signed_in("operator") as client:
        text = (await client.get("/operations")).text
        for words in (
            "tyst sedan 09:09", "i drift", "Väska 14", "ansluten", "batteri 12 %, byt",
            "stale bond", "radion fungerar inte",
        ):  # fmt: skip
            assert words in text, words
        site.clock.move(timedelta(minutes=5))
        assert ">tyst<" in (await client.get("/operations")).text


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-4320, "dess klocka går 4 320 min efter"), (30, "dess klocka går 30 min före"), (1, None)],
)
async def test_operations_show_a_gateway_whose_clock_is_off(
    site: Site, minutes: int, words: str | None
) -> None:
    """A box without a battery for its clock files readings in the past, and nobody would know."""
    conn = await connect(site.dsn, None)
    sent = world.NOW + timedelta(minutes=minutes)
    status = {"schema": 1, "online": True, "boot_id": "a", "version": "0.1.0", "sent_at": sent.isoformat()}
    async with conn:
        await conn.execute(
            "insert into gateway_status values (%s, %s, true, %s)", [world.GATEWAY, world.NOW, Jsonb(status)]
        )
    async with site.signed_in("operator") as client:
        text = (await client.get("/operations")).text.replace("\xa0", " ")
    assert ("dess klocka" in text) is (words is not None)
    assert words is None or words in text


async def add_notification(site: Site, case_id: UUID, minutes_ago: int, error: str | None = None) -> None:
    """Let a notification wait, as the alerts service writes it."""
    conn = await connect(site.dsn, None)
    async with conn:
        at = world.NOW - timedelta(minutes=minutes_ago)
        await conn.execute(
            "insert into notification (notification_id, case_id, channel, reason, address, created_at,"
            " next_attempt_at, last_error)"
            " values (%s, %s, 'email', 'opened', 'karin@example.org', %s, %s, %s)",
            [uuid4(), case_id, at, at, error],
        )


async def test_operations_show_that_notifications_do_not_get_out(site: Site) -> None:
    case_id = (await world.usual_cases(site.dsn))["red"]
    async with site.signed_in("operator") as client:
        assert "Alla är skickade." in (await client.get("/operations")).text
        await add_notification(site, case_id, 4, "550 no such user: <karin@example.org>")
        text = (await client.get("/operations")).text
        assert "1 avisering väntar, sedan 09:08." in text
        assert "550 no such user: &lt;(address)&gt;" in text
        assert "kommer inte ut" not in text
        await add_notification(site, case_id, 6)
        text = (await client.get("/operations")).text
        assert "2 aviseringar väntar, den äldsta sedan 09:06." in text
        assert '<p class="hk-late">Aviseringar kommer inte ut' in text
        assert "karin@" not in text
        assert str(case_id) not in text
        assert "notification" not in (await client.get("/healthz")).text
        conn = await connect(site.dsn, None)
        async with conn:
            await conn.execute("update notification set sent_at = now()")
        assert "Alla är skickade." in (await client.get("/operations")).text


async def test_operations_show_a_unit_with_open_cases_and_nobody_to_notify(site: Site) -> None:
    cases = await world.usual_cases(site.dsn)
    words = "Hemsjukvården Bjurholm har 1 öppet ärende och ingen att avisera"
    conn = await connect(site.dsn, None)
    async with site.signed_in("coordinator") as client, conn:
        assert "ingen att avisera" not in (await client.get("/operations")).text
        await conn.execute("update staff set email = '' where care_unit_id = %s", [world.OTHER_UNIT])
        await conn.commit()
        text = (await client.get("/operations")).text
        assert words in text
        assert text.count("ingen att avisera") == 1
        await conn.execute(
            "update care_unit set email = 'unit@example.org' where care_unit_id = %s", [world.OTHER_UNIT]
        )
        await conn.commit()
        assert "ingen att avisera" not in (await client.get("/operations")).text
        await conn.execute("update care_unit set email = null")
        await conn.execute(
            "update alert_case set state = 'closed', closed_at = now(), acknowledged_at = now(),"
            " acknowledged_by = %s where case_id = %s",
            [world.account_id("other"), cases["other_unit"]],
        )
        await conn.commit()
        assert "ingen att avisera" not in (await client.get("/operations")).text


@pytest.mark.parametrize("login", ["nurse", "monika"])
async def test_only_operations_learn_of_the_queue(site: Site, login: str) -> None:
    await add_notification(site, (await world.usual_cases(site.dsn))["red"], 6, "refused")
    async with (
        open_pool(site.dsn, "hemkurva_web") as pool,
        acting(pool, world.account_id(login), action="x", patient_ids=[]) as conn,
    ):
        assert await operations.notifications(conn) == operations.NotificationQueue(0, None, None)
        assert await operations.units_without_recipient(conn) == []


async def await_rules(site: Site, *, systolic: int, confirm: bool) -> None:
    """Let a pressure of Monika's arrive that the rules have not looked at, or that waits to be repeated."""
    plan = world.plan_of(world.MONIKA)
    if confirm:
        plan = plan.model_copy(update={"rules": hypertension().rules})
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute(
            "update plan set document = %s where patient_id = %s",
            [Jsonb(plan.model_dump(mode="json")), world.MONIKA],
        )
        await conn.execute(
            "insert into evaluation_due (patient_id, since) values (%s, now())", [world.MONIKA]
        )
    values = {"systolic": systolic, "diastolic": 95, "pulse": 70}
    await world.add_reading(site.dsn, world.MONIKA, world.NOW, "blood_pressure", **values)


ASKS_AGAIN = 'hx-trigger="load delay:2000ms"'
REST = "Vila 5 minuter och mät två gånger till. Gör det före 09:42."


async def test_a_pending_page_asks_again_quickly_only_while_the_verdict_is_near(site: Site) -> None:
    await await_rules(site, systolic=131, confirm=True)
    async with site.signed_in("monika") as client:
        text = (await client.get("/me/today")).text
        assert "Det kontrolleras." in text
        assert "Vila 5 minuter" not in text
        assert ASKS_AGAIN in text
        site.clock.move(timedelta(seconds=21))
        text = (await client.get("/me/today")).text
        assert "Det kontrolleras." in text
        assert "load delay" not in text, "from here on the stream of changes tells the page"
        assert "hk:case from:body" in text


async def test_what_a_gateway_brings_late_has_just_arrived_too(site: Site) -> None:
    await await_rules(site, systolic=131, confirm=True)
    site.clock.move(timedelta(minutes=40))
    async with site.signed_in("monika") as client:
        assert ASKS_AGAIN not in (await client.get("/me/today")).text
        conn = await connect(site.dsn, None)
        async with conn:
            await conn.execute(
                "update reading set stored_at = %s where patient_id = %s and measured_at = %s",
                [site.clock.now - timedelta(seconds=3), world.MONIKA, world.NOW],
            )
        assert ASKS_AGAIN in (await client.get("/me/today")).text


async def test_a_high_pressure_that_waits_for_its_repeat_says_what_to_do(site: Site) -> None:
    await await_rules(site, systolic=184, confirm=True)
    async with site.signed_in("monika") as client:
        text = " ".join((await client.get("/me/today")).text.split())
        assert f"Ditt blodtryck var högre än din gräns. {REST}" in text
        assert "Sitt och vila" not in text, "it is said once"
        english = " ".join((await client.get("/me/today?lang=en")).text.split())
        assert "Rest 5 minutes and measure twice more." in english
        values = {"systolic": 150, "diastolic": 90, "pulse": 70}
        at = world.NOW + timedelta(minutes=6)
        site.clock.move(timedelta(minutes=6))
        await world.add_reading(site.dsn, world.MONIKA, at, "blood_pressure", **values)
        assert "Rest 5 minutes" not in (await client.get("/me/today")).text


async def test_a_plan_without_that_rule_asks_for_no_repeat(site: Site) -> None:
    await await_rules(site, systolic=184, confirm=False)
    async with site.signed_in("monika") as client:
        assert "Vila 5 minuter" not in (await client.get("/me/today")).text


async def test_the_operator_looks_into_quarantine_and_takes_an_entry_off(site: Site) -> None:
    raw = b"{\x00<script>\xff\xc3\xa5" + b"x" * 5000
    conn = await connect(site.dsn, None)
    async with conn:
        await conn.execute(
            "insert into quarantine (received_at, topic, gateway_id, reason, detail, digest, raw) values"
            " (%s, 'hemkurva/v1/gw-kit-014/readings', %s, 'not_json', 'the message is not JSON', %s, %s)",
            [world.NOW, world.GATEWAY, b"digest", raw],
        )
    async with site.signed_in("operator") as client:
        listed = (await client.get("/quarantine")).text
        assert "Inte JSON" in listed
        number = listed.split('href="/quarantine/')[1].split('"')[0]
        text = (await client.get(f"/quarantine/{number}")).text
        assert "000000  7b 00 3c 73" in text
        assert "{�&lt;script&gt;�å" in text
        assert "De första 4096 byten" in text
        assert (await client.post(f"/quarantine/{number}/discard")).status_code == 303
        assert "Inte JSON" not in (await client.get("/quarantine")).text
        assert (await client.post(f"/quarantine/{number}/discard")).status_code == 404
        assert (await client.get("/quarantine/999")).status_code == 404


async def test_a_nurse_has_no_business_in_quarantine(site: Site) -> None:
    async with site.signed_in("nurse") as client:
        answer = await client.get("/quarantine")
        assert answer.status_code == 403
        assert "Du har inte behörighet" in answer.text


async def test_health_names_what_is_missing(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == ["alerts", "api", "broker", "gateway", "ingest"]
        conn = await connect(site.dsn, None)
        async with conn:
            for service in ("ingest", "alerts", "api"):
                await beat(conn, service, "h:1", world.NOW, {"broker": True})
            await conn.execute(
                "insert into gateway_status values (%s, %s, true, '{}')", [world.GATEWAY, world.NOW]
            )
        answer = await client.get("/healthz")
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "ok",
            "services": dict.fromkeys(["ingest", "alerts", "api", "postgresql", "broker", "gateway"], "ok"),
        }
        site.clock.move(timedelta(seconds=11))
        assert (await client.get("/healthz")).json()["missing"] == ["alerts", "api", "broker", "ingest"]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.5,sv;q=0.4", "en"),
        ("fi", "sv"),
        ("", "sv"),
        (";;q=x,,", "sv"),
    ],
)
async def test_the_browsers_language_is_followed(site: Site, accept: str, language: str) -> None:
    async with site.client(**{"accept-language": accept}) as client:
        answer = await client.get("/login")
        assert f'<html lang="{language}"' in answer.text
        assert answer.headers["content-language"] == language


async def test_an_error_page_speaks_to_people_and_the_api_to_programs(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/nowhere")
        assert page.status_code == 404
        assert "Sidan finns inte" in page.text
        api = await client.get("/api/nowhere")
        assert api.status_code == 404
        assert "detail" in api.json()
