"""The patient's and the next of kin's pages in a real browser: readable, reachable, live."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from storage import case_actions
from storage.database import connect
from tests.browser.visit import LAPTOP, Visit, chart_drawn, violations, visiting
from tests.integration.trends import household

pytestmark = pytest.mark.browser

SMALL_TEXT = """
() => {
  const small = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect();
    const hidden = element.closest(".ds-sr-only, .ds-skip-link, .hk-chart-live, script, [hidden]");
    if (!walker.currentNode.textContent.trim() || hidden || box.width === 0) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < 18) small.add(`${size}px: ${element.outerHTML.slice(0, 90)}`);
  }
  return [...small];
}
"""
SMALL_TARGETS = """
() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), label.hk-choice")]
  .filter((e) => !e.closest(".ds-skip-link, .hk-problems, label.hk-choice > *, [hidden]"))
  .filter((e) => e.offsetParent !== null && e.getBoundingClientRect().height < 48)
  .map((e) => `${e.getBoundingClientRect().height}px: ${e.outerHTML.slice(0, 90)}`)
"""
WIDER_THAN_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
async def visit(database: str, chromium_path: Path) -> AsyncGenerator[Visit]:
    async with visiting(database, chromium_path) as visiting_now:
        yield visiting_now
        assert visiting_now.problems == []


async def assert_fit_for_patients(page: Page) -> None:
    assert await violations(page) == []
    assert await page.evaluate(SMALL_TEXT) == []
    assert await page.evaluate(SMALL_TARGETS) == []
    assert await page.evaluate(WIDER_THAN_SCREEN) <= 0


async def test_every_page_is_readable_and_reachable(visit: Visit) -> None:
    await household.open_case(visit.home, level="red")
    page = await visit.open("monika", "/me")
    await chart_drawn(page)
    await assert_fit_for_patients(page)
    for path in ("/me/weight", "/me/pressure", "/me/symptoms", "/me/emergency"):
        await page.goto(f"{visit.address}{path}")
        await assert_fit_for_patients(page)


async def test_on_a_small_phone_a_laptop_in_the_dark_and_in_english(visit: Visit) -> None:
    for size, dark, lang in (((320, 640), False, "sv"), (LAPTOP, True, "en")):
        page = await visit.open("monika", "/me", size, dark=dark, lang=lang)
        await chart_drawn(page)
        await assert_fit_for_patients(page)


async def test_the_page_follows_a_case_without_a_reload_and_keeps_the_focus(visit: Visit) -> None:
    page = await visit.open("monika", "/me")
    await chart_drawn(page)
    verdict, said = page.locator(".hk-verdict"), page.locator("#live-region")
    await expect(verdict).to_contain_text("Dina värden ser ut som vanligt.")
    await page.locator("body[data-live-state=open]").wait_for()
    await page.evaluate("window.stillHere = true")
    await page.locator(".hk-worse a").focus()

    case_id = await household.open_case(visit.home)
    await expect(verdict).to_contain_text("Karin Lindgren har fått veta det.")
    await expect(said).to_contain_text("Vikten har ökat 2,4 kg på 3 dagar")

    await case_actions.acknowledge(
        visit.pool, household.ACCOUNTS["nurse"], case_id, now=visit.home.now + timedelta(minutes=1)
    )
    await expect(verdict).to_contain_text("Karin Lindgren har sett det (i dag 09:31).")
    await expect(said).to_contain_text("Karin Lindgren har sett det")
    assert await page.evaluate("window.stillHere")
    assert await page.evaluate("document.activeElement === document.querySelector('.hk-worse a')")
    assert await violations(page) == []


async def test_a_reading_that_arrives_shows_and_is_called_checked_only_when_it_is(visit: Visit) -> None:
    page = await visit.open("monika", "/me")
    await chart_drawn(page)
    await page.locator("body[data-live-state=open]").wait_for()
    household.store(visit.home, [household.weight(visit.home.at(0, "09:30"), 81.0)])
    await expect(page.locator(".hk-task", has_text="Vikt")).to_contain_text("klart 09:30")
    await expect(page.locator(".hk-verdict")).to_contain_text("Det kontrolleras.")
    async with await connect(visit.home.dsn, None) as conn:
        await conn.execute("delete from evaluation_due")  # the rules have looked at it
    await expect(page.locator(".hk-verdict")).to_contain_text("Dina värden ser ut som vanligt.")
    await page.locator(".hk-chart-table summary").click()
    await expect(page.locator(".hk-chart-table tbody tr").first).to_contain_text("81,0 kg")


async def test_a_red_flag_shows_112_before_anything_is_sent(visit: Visit) -> None:
    page = await visit.open("monika", "/me/symptoms")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    warning = page.locator(".hk-emergency-inside")
    await expect(warning).to_be_hidden()
    await page.check("#red-flag")
    await expect(warning).to_be_visible()
    await expect(warning.locator("a[href='tel:112']")).to_be_visible()
    assert sent == []
    await page.click(".hk-save")
    await expect(page.locator("h1")).to_have_text("Ring 112 nu")


async def test_a_weight_written_by_hand(visit: Visit) -> None:
    page = await visit.open("monika", "/me/weight")
    await page.fill("#weight", "åttio")
    await page.click(".hk-save")
    await expect(page.locator(".hk-problems")).to_contain_text("Skriv värdet med siffror, till exempel 83,1.")
    await assert_fit_for_patients(page)
    visit.problems.clear()  # the browser notes the 422 of the refused form
    await page.fill("#weight", "81,4")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hk-saved")).to_have_text("Din vikt är sparad.")
    await chart_drawn(page)
    await page.locator(".hk-chart-table summary").click()
    first = page.locator(".hk-chart-table tbody tr").first
    await expect(first).to_contain_text("81,4 kg")
    await expect(first).to_contain_text("inskrivet för hand")


async def test_a_next_of_kin_sees_what_consent_allows(visit: Visit) -> None:
    await household.consent(visit.home, "status")
    page = await visit.open("kin", "/kin")
    await assert_fit_for_patients(page)
    await expect(page.locator(".hk-chart")).to_have_count(0)
    await household.consent(visit.home, "values")
    await page.reload()
    await chart_drawn(page)
    await assert_fit_for_patients(page)
    await household.consent(visit.home, "values", revoked=True)
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Du har inte tillgång till något här")
    await assert_fit_for_patients(page)
