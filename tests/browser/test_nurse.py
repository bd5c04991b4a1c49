"""The nurse's and the operator's pages in a real browser: readable, live, usable by keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from storage.bindings import Binding, bind
from storage.database import connect
from tests.browser.conftest import Ward, violations
from tests.browser.visit import LAPTOP, PHONE
from tests.integration.api import world
from tests.integration.api.test_pages import SCALE

pytestmark = pytest.mark.browser

WIDER_THAN_SCREEN = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LIVE = "body[data-live-state=open]"


async def new_case(ward: Ward) -> str:
    """Open a red case of Ingrid's and return its element's id."""
    case_id = await world.open_case(
        ward.dsn,
        world.INGRID,
        "red",
        "Pulsen 128 är över gränsen 110.",
        "Pulse 128 is over the limit 110.",
        family="pulse",
        minutes=10,
        at=world.NOW + timedelta(seconds=1),
    )
    return f"case-{case_id}"


async def fill_trays(ward: Ward) -> None:
    """Put something into quarantine and the tray, and let a gateway and two services speak."""
    conn = await connect(ward.dsn, None)
    async with conn:
        await conn.execute(
            "insert into quarantine (received_at, topic, gateway_id, reason, detail, digest, raw)"
            " values (%s, 'hemkurva/v1/gw-kit-014/readings', %s, 'not_json', 'byte 3', 'd', '{\\000x')",
            [world.NOW, world.GATEWAY],
        )
        await conn.execute(
            "insert into unassigned_reading values (gen_random_uuid(), %s, %s, 2, %s, %s, 'weight', '{}')",
            [world.GATEWAY, SCALE, world.NOW, world.NOW],
        )
        await bind(
            conn,
            Binding(
                gateway_id=world.GATEWAY,
                device_id="D0:11:22:33:44:55",
                user_slot=None,
                patient_id=world.MONIKA,
                valid_from=world.NOW - timedelta(days=60),
            ),
        )
        await conn.execute("insert into service_heartbeat values ('ingest', 'h:1', %s)", [world.NOW])
        await conn.execute("insert into service_heartbeat values ('alerts', 'h:1', '2025-11-04')")
        await conn.execute(
            "insert into gateway_status values (%s, %s, true, %s)",
            [
                world.GATEWAY,
                world.NOW,
                '{"schema":1,"online":true,"boot_id":"a","version":"1","outbox":2,"radio":"failing",'
                '"devices":[{"device_id":"D0","name":"UC-352BLE","battery":9,"last_error":"stale bond"}]}',
            ],
        )


async def assert_fit(page: Page, where: str) -> None:
    assert await violations(page) == [], where
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0, where


@pytest.mark.parametrize(("size", "dark"), [(LAPTOP, False), (LAPTOP, True), (PHONE, False)])
async def test_every_page_is_accessible_and_fits(ward: Ward, size: tuple[int, int], dark: bool) -> None:
    cases = await world.usual_cases(ward.dsn)
    await fill_trays(ward)
    nurse = await ward.sign_in("nurse", "/inbox?show=unit", size=size, dark=dark)
    await assert_fit(nurse, "inbox")
    for path in (
        "/inbox",
        f"/cases/{cases['red']}",
        f"/cases/{cases['technical']}",
        "/patients",
        f"/patients/{world.MONIKA}",
        "/unassigned",
    ):
        await nurse.goto(ward.address + path)
        await assert_fit(nurse, path)
    await nurse.goto(f"{ward.address}/patients")
    await nurse.get_by_role("searchbox").fill("zzz")
    await nurse.keyboard.press("Enter")
    await expect(nurse.get_by_text("0 patienter")).to_be_visible()
    assert nurse.url == f"{ward.address}/patients", "no name in the address"
    await assert_fit(nurse, "a search without a hit")
    await nurse.goto(f"{ward.address}/cases/{cases['red']}")
    await nurse.get_by_role("button", name="Kvittera").click()
    await nurse.get_by_text("Avsluta ärendet").first.click()
    await assert_fit(nurse, "a case with both forms open")
    operator = await ward.sign_in("operator", "/operations", size=size, dark=dark)
    await assert_fit(operator, "operations")
    for path in ("/quarantine", "/quarantine/1"):
        await operator.goto(ward.address + path)
        await assert_fit(operator, path)


async def test_the_sign_in_page_and_the_error_page_are_accessible(ward: Ward) -> None:
    page = await ward.page(size=PHONE)
    await page.goto(f"{ward.address}/login")
    await assert_fit(page, "login")
    await page.fill("#login", "nurse")
    await page.fill("#password", "wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Kontrollera båda")
    await expect(page.locator("#login")).to_have_value("nurse")
    await assert_fit(page, "login refused")
    await page.goto(f"{ward.address}/nowhere")
    await expect(page.get_by_role("heading")).to_have_text("Sidan finns inte")
    await assert_fit(page, "error")
    # The browser itself reports the two refusals; nothing else may have complained.
    assert sorted("401" in problem or "404" in problem for problem in ward.problems) == [True, True]
    ward.problems.clear()


async def test_a_new_case_appears_without_reload_and_is_announced(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", "/inbox")
    await page.locator(LIVE).wait_for()
    await page.evaluate("window.notReloaded = true")
    await page.fill("#q", "Mon")
    await page.locator(f"#case-{cases['yellow']} a").focus()
    element = await new_case(ward)
    row = page.locator(f"#{element}")
    await expect(row).to_contain_text("Pulsen 128 är över gränsen 110.", timeout=2000)
    await expect(row).to_contain_text("Ingrid Vikström, 86")
    await expect(page.locator("#live-region")).to_have_text(
        "Nyaste ärendet: Röd. Ingrid Vikström, 86. Pulsen 128 är över gränsen 110."
    )
    await expect(page.locator("#inbox nav")).to_contain_text("Mina (3)")
    first = await page.locator(".hk-case").first.get_attribute("id")
    assert first == element, "red and due first"
    focused = await page.evaluate("document.activeElement.closest('.hk-case')?.id")
    assert focused == f"case-{cases['yellow']}", "the focus stays where it was"
    assert await page.input_value("#q") == "Mon"
    assert await page.evaluate("window.notReloaded") is True


async def test_a_colleagues_acknowledgement_shows_at_once_and_stops_a_second_one(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    karin = await ward.sign_in("nurse", "/inbox?show=unit")
    johan = await ward.sign_in("deputy", f"/cases/{cases['red']}")
    waiting = await ward.sign_in("nurse", f"/cases/{cases['red']}")
    for page in (karin, waiting):
        await page.locator(LIVE).wait_for()
    await johan.get_by_role("button", name="Kvittera").click()
    await expect(johan.locator("#step")).to_contain_text("Kvitterat av Johan Öberg")
    await expect(karin.locator(f"#case-{cases['red']}")).to_contain_text(
        "Kvitterat av Johan Öberg", timeout=2000
    )
    await expect(waiting.locator("#step")).to_contain_text("Kvitterat av Johan Öberg", timeout=2000)
    await expect(waiting.get_by_role("button", name="Kvittera")).to_have_count(0)


async def test_from_inbox_to_closed_by_keyboard(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", "/inbox")
    await page.locator(f"#case-{cases['red']} a").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Kvittera").press("Enter")
    await expect(page.locator("#step")).to_contain_text("Ta kontakt före")
    await page.get_by_label("Bedömning").fill("Sannolikt vätska")
    await page.get_by_label("Patientens egen syn").fill("Tungt i trappan")
    await page.get_by_role("button", name="Spara kontakten").press("Enter")
    await expect(page.locator("#step")).to_contain_text("Kontakt tagen 09:12")
    await expect(page.locator(".hk-events")).to_contain_text("Tungt i trappan")
    await page.locator("summary", has_text="Avsluta ärendet").press("Enter")
    await page.get_by_label("Patienten är sämre").check()
    await page.get_by_label("Ja").check()
    await page.get_by_role("button", name="Avsluta ärendet").press("Enter")
    await page.wait_for_url(f"{ward.address}/inbox")
    await expect(page.locator(f"#case-{cases['red']}")).to_have_count(0)


async def test_what_matters_is_on_the_first_screen(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", f"/cases/{cases['red']}")
    await page.locator(".hk-chart[data-ready]").wait_for()
    for words in ("Monika Ekström", "070-123 45 67", "Vikten har ökat", "Kvittera före 09:33", "Furosemid"):
        await expect(page.get_by_text(words).first).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Kvittera")).to_be_in_viewport(ratio=1)
    chart = await page.locator(".hk-chart canvas").first.bounding_box()
    assert chart is not None
    assert chart["y"] + chart["height"] < LAPTOP[1]


async def test_the_four_questions_stand_apart_and_a_panel_without_answers_is_a_line(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", f"/cases/{cases['red']}")
    await page.locator(".hk-chart[data-ready]").wait_for()
    area = await page.locator(".hk-chart-symptoms .u-over").bounding_box()
    assert area is not None
    assert area["height"] >= 4 * 13 * 1.2, "four lines of 13 px"
    await expect(page.locator(".hk-chart-without")).to_have_count(0)
    await page.goto(f"{ward.address}/cases/{cases['yellow']}")
    await page.locator(".hk-chart[data-ready]").wait_for()
    await expect(page.locator(".hk-chart-symptoms")).to_have_count(0)
    await expect(page.locator(".hk-chart-without")).to_have_text("Inga värden i den här tiden: besvär.")


async def test_what_matters_fits_with_another_open_case_too(ward: Ward) -> None:
    cases = await world.usual_cases(ward.dsn)
    await world.open_case(
        ward.dsn, world.MONIKA, "red", "Pulsen 128 är över gränsen 110.", "-", family="pulse"
    )
    page = await ward.sign_in("nurse", f"/cases/{cases['red']}")
    await page.locator(".hk-chart[data-ready]").wait_for()
    for words in ("Vikten har ökat", "Också öppet:", "Pulsen 128 är över gränsen 110", "Kvittera före 09:33"):
        await expect(page.get_by_text(words).first).to_be_in_viewport(ratio=1)
    await expect(page.locator(".hk-chart canvas").first).to_be_in_viewport(ratio=1)
    why = await page.locator(".hk-reason").bounding_box()
    also = await page.locator("#also").bounding_box()
    assert why is not None
    assert also is not None
    assert why["y"] < also["y"], "this case's sentence comes first"
    await page.get_by_role("link", name="Pulsen 128").click()
    await expect(page.locator(".hk-reason")).to_contain_text("Pulsen 128")
    await expect(page.locator("#also")).to_contain_text("Vikten har ökat 2,4 kg på 3 dagar")


async def test_twelve_cases_fit_on_a_laptop(ward: Ward) -> None:
    # One open case per patient and family: three patients by four families.
    for number in range(12):
        await world.open_case(
            ward.dsn,
            (world.MONIKA, world.LARS, world.ERIK)[number % 3],
            "yellow",
            "Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0) och patienten är mer andfådd.",
            "-",
            family=("weight", "pulse", "blood_pressure", "missing")[number // 3],
        )
    page = await ward.sign_in("nurse", "/inbox")
    await expect(page.locator(".hk-case")).to_have_count(12)
    await expect(page.locator(".hk-case").nth(11)).to_be_in_viewport(ratio=0.9)


async def test_the_live_wire_mends_itself(ward: Ward) -> None:
    await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", "/inbox")
    await page.locator(LIVE).wait_for()
    conn = await connect(ward.dsn, None)
    async with conn:
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %'"
        assert (await conn.execute(cut)).rowcount == 1
    element = await new_case(ward)
    await expect(page.locator(f"#{element}")).to_be_visible(timeout=5000)


async def test_a_page_of_a_session_that_is_over_leads_to_the_sign_in_page(ward: Ward) -> None:
    await world.usual_cases(ward.dsn)
    page = await ward.sign_in("nurse", "/inbox")
    await page.locator(LIVE).wait_for()
    conn = await connect(ward.dsn, None)
    async with conn:
        await conn.execute("delete from web_session")
    await new_case(ward)
    await page.wait_for_url("**/login*")
    ward.problems[:] = [problem for problem in ward.problems if "401" not in problem]


async def test_a_device_is_taken_back_by_keyboard(ward: Ward) -> None:
    await fill_trays(ward)
    nurse = await ward.sign_in("nurse", f"/patients/{world.MONIKA}")
    devices = nurse.get_by_role("region", name="Apparater")
    await expect(devices).to_contain_text("Väska 14, sedan 5 sep")
    await expect(devices.get_by_label("Tillbakatagen")).to_have_value("2025-11-04T09:12")
    await devices.get_by_role("button", name="Ta tillbaka apparaten").focus()
    await nurse.keyboard.press("Enter")
    await expect(nurse.get_by_role("status").first).to_contain_text("Apparaten är tillbakatagen")
    await expect(devices).to_contain_text("inga")
    await assert_fit(nurse, "a patient without devices")
    assert ward.problems == []
