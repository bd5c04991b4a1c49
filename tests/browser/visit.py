"""A visit with a real browser to the household of tests.integration.trends, served by the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from clinician_api.app import create_app
from clinician_api.service import serve
from clinician_api.settings import Settings
from hemkurva.supervisor import free_port
from storage.database import Pool, open_pool
from tests.integration.trends import household
from tests.integration.trends.household import Household

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PHONE = (390, 844)
LAPTOP = (1366, 768)
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")


@dataclass
class Visit:
    """The household, its address and a browser."""

    home: Household
    pool: Pool
    address: str
    browser: Browser
    problems: list[str]
    moved: timedelta = timedelta()

    async def open(
        self, login: str, path: str, size: tuple[int, int] = PHONE, *, lang: str = "sv", dark: bool = False
    ) -> Page:
        """Sign in and open a page; what the console complains of goes to `problems`."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="sv-SE",
            timezone_id="America/New_York",  # the pages must show the patient's time, not the browser's
            reduced_motion="reduce",
        )
        page = await context.new_page()
        page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        await page.goto(f"{self.address}/login?lang={lang}")
        await page.fill("#login", login)
        await page.fill("#password", household.PASSWORD)
        await page.click("button[type=submit]:not(.hk-quiet)")
        await page.goto(f"{self.address}{path}")
        return page


@asynccontextmanager
async def visiting(dsn: str, chromium: Path) -> AsyncGenerator[Visit]:
    """Yield a visit to a freshly furnished household."""
    home = await household.furnish(dsn, datetime.now(UTC))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = Settings(dsn=dsn, port=port, public_url=address, demo=True)
    stop = asyncio.Event()
    async with open_pool(dsn, "hemkurva_web", size=6) as pool, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        visit = Visit(home, pool, address, browser, [])
        app = create_app(settings, pool, clock=lambda: home.now + visit.moved)
        serving = asyncio.create_task(serve(app, settings, stop=stop))
        try:
            await _answers(port)
            yield visit
        finally:
            await browser.close()
            stop.set()
            await serving


async def _answers(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError("the server did not start within 10 s")


async def chart_drawn(page: Page) -> None:
    """Wait until each chart of the page has its data."""
    await page.locator(".hk-chart").first.wait_for()
    await page.locator(".hk-chart:not([data-ready])").first.wait_for(state="detached")


async def violations(page: Page) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA and its best practices."""
    await page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = await page.evaluate("axe.run().then((r) => r.violations)")
    return [f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:150]})" for v in found]
