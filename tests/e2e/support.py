"""A whole demo on free ports in a directory of the test, and a browser in front of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from hemkurva.demo import run
from hemkurva.demo.people import PASSWORD
from hemkurva.supervisor import free_port

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses its sandbox when root starts it; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def running_demo(directory: Path) -> AsyncGenerator[run.Demo]:
    """Run a demo; it has answered /healthz when this yields, and every process is gone afterwards."""
    settings = run.Settings(port=free_port(), data=directory / "demo")
    async with run.running(settings, lambda _: None) as demo:
        yield demo


@asynccontextmanager
async def browser(executable: Path) -> AsyncGenerator[Browser]:
    """A headless Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        try:
            yield chromium
        finally:
            await chromium.close()


async def sign_in(chromium: Browser, url: str, login: str) -> Page:
    """Sign in on the login page and return the page that follows, in Swedish."""
    context = await chromium.new_context(locale="sv-SE", viewport={"width": 1366, "height": 768})
    page = await context.new_page()
    await page.goto(f"{url}/login")
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]:not(.hk-quiet)")
    await page.wait_for_url(lambda address: "/login" not in address)
    return page


async def until(holds: Callable[[], Awaitable[bool]], *, within: float, what: str) -> None:
    """Return once `holds()`; fail with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Say whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
