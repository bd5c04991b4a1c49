"""The nurse's and the operator's pages: a small world, the real server, a real Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from clinician_api.app import create_app
from clinician_api.service import serve
from clinician_api.settings import Settings
from hemkurva.supervisor import free_port
from storage.database import open_pool
from tests.browser.visit import AXE, LAPTOP, QUIET
from tests.integration.api import world

_ANSWERS_WITHIN = 10.0


@dataclass
class Ward:
    """The running pages, their database, and a browser."""

    dsn: str
    address: str
    browser: Browser
    problems: list[str]

    async def page(self, *, size: tuple[int, int] = LAPTOP, dark: bool = False) -> Page:
        """Return an empty page of a new visitor; what its console complains of goes to `problems`."""
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="sv-SE",
            timezone_id="America/New_York",  # the pages must show the unit's time, not the browser's
        )
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda m: self.problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    async def sign_in(
        self, login: str, path: str, *, size: tuple[int, int] = LAPTOP, dark: bool = False
    ) -> Page:
        """Return a page of a new visitor who has signed in by the form and opened `path`."""
        page = await self.page(size=size, dark=dark)
        await page.goto(f"{self.address}/login?next={path}")
        await page.fill("#login", login)
        await page.fill("#password", world.PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url(f"{self.address}{path}")
        return page


@pytest.fixture
async def ward(database: str, chromium_path: Path) -> AsyncGenerator[Ward]:
    """The pages at work; at the end no page may have complained."""
    await world.build(database)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = Settings(dsn=database, port=port, public_url=address, demo=True)
    stop = asyncio.Event()
    async with open_pool(database, "hemkurva_web", size=6) as pool, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=QUIET)
        app = create_app(settings, pool, clock=lambda: world.NOW)
        serving = asyncio.create_task(serve(app, settings, stop=stop))
        try:
            await _answers(port)
            made = Ward(database, address, browser, [])
            yield made
        finally:
            await browser.close()
            stop.set()
            await serving
    assert made.problems == []


async def _answers(port: int) -> None:
    async with asyncio.timeout(_ANSWERS_WITHIN):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def violations(page: Page) -> list[str]:
    """Return what axe-core finds on the whole page, against WCAG 2.2 AA and its best practices."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run().then((result) => result.violations)")
    return [f"{item['id']}: {item['help']} ({item['nodes'][0]['html'][:150]})" for item in found]
