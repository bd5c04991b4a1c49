"""The physician's pages and the charts in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.visit import LAPTOP, PHONE, Visit, chart_drawn, violations, visiting
from tests.integration.trends import household

pytestmark = pytest.mark.browser

TREND = f"/physician/patients/{household.MONIKA}"
INK = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3]) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  }
  return colours.size;
}
"""

# How much of the dots' colour stands in the first and the last columns of a plotting area, and in all of it.
AT_THE_EDGES = """
(panel) => {
  const canvas = panel.querySelector("canvas");
  const [whole, area] = [canvas, panel.querySelector(".u-over")].map((e) => e.getBoundingClientRect());
  const ratio = canvas.width / whole.width;
  const [x, y] = [(area.left - whole.left) * ratio, (area.top - whole.top) * ratio].map(Math.round);
  const [width, height] = [area.width * ratio, area.height * ratio].map(Math.round);
  const { data } = canvas.getContext("2d").getImageData(x, y, width, height);
  const colour = getComputedStyle(panel.closest(".hk-chart")).getPropertyValue("--hk-chart-first").trim();
  const wanted = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const inked = (from, to) => {
    let found = 0;
    for (let row = 0; row < height; row += 1) {
      for (let column = from; column < to; column += 1) {
        const i = (row * width + column) * 4;
        if (wanted.every((value, n) => Math.abs(data[i + n] - value) < 40)) found += 1;
      }
    }
    return found;
  };
  return [inked(0, 2), inked(width - 2, width), inked(0, width) > 50];
}
"""


@pytest.fixture
async def visit(database: str, chromium_path: Path) -> AsyncGenerator[Visit]:
    async with visiting(database, chromium_path) as visiting_now:
        await household.contacted_some_time_ago(visiting_now.home, 12)
        yield visiting_now
        assert visiting_now.problems == []


async def trend(
    visit: Visit, size: tuple[int, int] = LAPTOP, *, dark: bool = False, lang: str = "sv"
) -> Page:
    page = await visit.open("physician", TREND, size, dark=dark, lang=lang)
    await chart_drawn(page)
    return page


async def test_the_list_leads_to_the_trend_page(visit: Visit) -> None:
    await household.open_case(visit.home)
    page = await visit.open("physician", "/physician", LAPTOP)
    await expect(page.locator("tbody tr")).to_contain_text("Vikten har ökat 2,4 kg på 3 dagar")
    assert await violations(page) == []
    await page.get_by_role("link", name="Monika Ekström").click()
    await chart_drawn(page)
    await expect(page.locator("h1")).to_contain_text("Monika Ekström")


@pytest.mark.parametrize(("size", "dark", "lang"), [(LAPTOP, False, "sv"), (PHONE, True, "en")])
async def test_four_panels_are_drawn_and_everybody_can_read_them(
    visit: Visit, size: tuple[int, int], dark: bool, lang: str
) -> None:
    page = await trend(visit, size, dark=dark, lang=lang)
    canvases = page.locator(".hk-chart canvas")
    await expect(canvases).to_have_count(4)
    for number in range(4):
        assert await canvases.nth(number).evaluate(INK) > 3
    assert await violations(page) == []
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wider) <= 0


@pytest.mark.parametrize(("days", "size"), [(7, LAPTOP), (90, LAPTOP), (365, PHONE)])
async def test_no_reading_is_cut_off_at_an_edge(visit: Visit, days: int, size: tuple[int, int]) -> None:
    now = visit.home.now
    household.store(visit.home, [household.weight(now - timedelta(minutes=1), 81.0)])
    household.store(visit.home, [household.weight(visit.home.at(days, "00:01"), 81.0)])
    page = await trend(visit, size)
    ready = page.expect_response(f"**/series?days={days}")
    async with ready:
        await page.locator(f"[data-days='{days}']").last.click()
    await expect(page.locator(f"button[data-days='{days}']")).to_have_attribute("aria-pressed", "true")
    panel = page.locator(".hk-chart-weight")
    await expect(panel.locator("canvas")).to_have_count(1)
    assert await panel.evaluate(AT_THE_EDGES) == [0, 0, True]


async def test_a_limit_is_named_in_the_legend_where_the_scale_reaches_it(visit: Visit) -> None:
    page = await trend(visit)
    said = page.locator(".hk-chart-bp .hk-chart-key-limit")
    await expect(page.locator(".hk-chart-weight .hk-chart-key-limit")).to_be_hidden()
    await expect(page.locator(".hk-chart-pulse .hk-chart-key-limit")).to_be_hidden()
    await expect(said).to_have_text("gräns: övre under 80")
    household.store(visit.home, [household.pressure(visit.home.at(0, "09:20"), 172, 96, 70, [])])
    await page.reload()
    await chart_drawn(page)
    await expect(said).to_have_text("gräns: övre under 80 eller över 170")


async def test_the_range_buttons_change_what_is_shown(visit: Visit) -> None:
    page = await trend(visit)
    rows = page.locator(".hk-chart-table tbody tr")
    await page.locator(".hk-chart-table summary").click()
    await rows.first.wait_for()
    many = await rows.count()
    await page.get_by_role("button", name="14 dagar").click()
    await expect(page.get_by_role("button", name="14 dagar")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="90 dagar")).to_have_attribute("aria-pressed", "false")
    await expect(rows).not_to_have_count(many)
    assert 0 < await rows.count() < many
    assert await violations(page) == []
    await page.get_by_role("button", name="Allt").click()
    await expect(rows).not_to_have_count(await rows.count())
    assert await rows.count() >= many


async def test_the_keyboard_reaches_every_reading(visit: Visit) -> None:
    page = await trend(visit)
    tip = page.locator(".hk-chart-weight .hk-chart-tip")
    await page.locator(".hk-chart-weight .hk-chart-plot").focus()
    await page.keyboard.press("End")
    await expect(tip).to_contain_text("07:12")  # the patient's time, not the browser's
    await expect(tip).to_contain_text("Enhet: scale-1")
    await expect(tip).to_contain_text("Klocka: enhetens klocka, kontrollerad")
    newest = await tip.inner_text()
    await page.keyboard.press("ArrowLeft")
    assert await tip.inner_text() != newest
    await expect(page.locator(".hk-chart-live")).to_contain_text("kg. ")
    await page.keyboard.press("Escape")
    await expect(tip).to_be_hidden()


async def test_the_pointer_says_what_a_dot_is_with_its_flags(visit: Visit) -> None:
    page = await trend(visit)
    plot = page.locator(".hk-chart-bp .hk-chart-plot")
    await plot.focus()
    tip = page.locator(".hk-chart-bp .hk-chart-tip")
    await page.keyboard.press("End")
    for _ in range(60):
        if "rörelse" in await tip.inner_text():
            break
        await page.keyboard.press("ArrowLeft")
    await expect(tip).to_contain_text("Anmärkning: rörelse under mätningen")
    box = await page.locator(".hk-chart-weight .u-over").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 40)
    await expect(page.locator(".hk-chart-weight .hk-chart-tip")).to_contain_text("kg")


async def test_dragging_zooms_and_double_click_key_or_button_go_back(visit: Visit) -> None:
    page = await trend(visit)
    whole = page.get_by_role("button", name="Visa hela tiden")
    await expect(whole).to_be_hidden()
    box = await page.locator(".hk-chart-weight .u-over").bounding_box()
    assert box
    for back in ("double click", "button", "key"):
        await page.mouse.move(box["x"] + 100, box["y"] + 50)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 300, box["y"] + 50, steps=4)
        await page.mouse.up()
        await expect(whole).to_be_visible()
        box = await page.locator(".hk-chart-weight .u-over").bounding_box()
        assert box
        if back == "double click":
            await page.mouse.dblclick(box["x"] + 200, box["y"] + 50)
        elif back == "button":
            await whole.click()
        else:
            await page.locator(".hk-chart-pulse .hk-chart-plot").press("0")
        await expect(whole).to_be_hidden()
        box = await page.locator(".hk-chart-weight .u-over").bounding_box()
        assert box
    await page.locator(".hk-chart-pulse .hk-chart-plot").press("+")
    await expect(whole).to_be_visible()


async def test_a_new_reading_appears_without_a_reload(visit: Visit) -> None:
    page = await trend(visit)
    await page.locator("body[data-live-state=open]").wait_for()
    await page.locator(".hk-chart-table summary").click()
    household.store(visit.home, [household.weight(visit.home.at(0, "09:25"), 83.1)])
    await expect(page.locator(".hk-chart-table tbody tr").first).to_contain_text("83,1 kg")


async def test_open_cases_show_as_they_come_and_a_review_stays(visit: Visit) -> None:
    page = await trend(visit)
    await page.locator("body[data-live-state=open]").wait_for()
    cases = page.locator("#open-cases")
    await expect(cases).to_contain_text("inga")
    await household.open_case(visit.home)
    await expect(cases).to_contain_text("Vikten har ökat 2,4 kg på 3 dagar")
    await expect(cases).to_contain_text("Inte kvitterat än")
    await page.get_by_role("button", name="Granskat").click()
    await expect(page.get_by_text("Granskad av")).to_be_visible()
    assert await violations(page) == []


async def test_it_prints_on_one_page(visit: Visit, tmp_path: Path) -> None:
    await household.open_case(visit.home)
    page = await trend(visit)
    sheet = await page.pdf(path=tmp_path / "trend.pdf", format="A4")
    assert len(re.findall(rb"/Type\s*/Page[^s]", sheet)) == 1


async def test_a_chart_that_cannot_be_fetched_says_so(visit: Visit) -> None:
    page = await visit.open("physician", "/physician", LAPTOP)
    await page.route("**/series?*", lambda route: route.abort())
    await page.goto(f"{visit.address}{TREND}")
    await expect(page.locator(".hk-chart-status")).to_contain_text("gick inte att hämta")
    visit.problems.clear()  # the browser notes the request that was broken on purpose
