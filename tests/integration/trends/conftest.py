"""A furnished household behind the real application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from clinician_api.app import create_app
from clinician_api.settings import Settings
from storage.database import Pool, open_pool
from tests.integration.trends import household
from tests.integration.trends.household import Household

ADDRESS = "http://hemkurva.test"
SignIn = Callable[[str], Coroutine[Any, Any, httpx.AsyncClient]]


@pytest.fixture
async def home(database: str) -> Household:
    return await household.furnish(database, datetime.now(UTC))


@pytest.fixture
async def pool(home: Household) -> AsyncGenerator[Pool]:
    async with open_pool(home.dsn, "hemkurva_web", size=4) as opened:
        yield opened


@pytest.fixture
def moved() -> list[timedelta]:
    """What a test adds to the application's clock."""
    return [timedelta()]


@pytest.fixture
async def sign_in(
    home: Household, pool: Pool, moved: list[timedelta], tmp_path: Path
) -> AsyncGenerator[SignIn]:
    """Signs a login in and returns its client."""
    names = ("app.css", "app.js", "chart.css", "chart.js", "patient.css", "physician.css")
    (tmp_path / "manifest.json").write_text("{" + ",".join(f'"{n}":"{n}"' for n in names) + "}")
    settings = Settings(dsn=home.dsn, public_url=ADDRESS, demo=True, assets=tmp_path)
    app = create_app(settings, pool, clock=lambda: home.now + moved[0])
    async with AsyncExitStack() as stack:

        async def signed_in(login: str) -> httpx.AsyncClient:
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url=ADDRESS, headers={"origin": ADDRESS}
            )
            await stack.enter_async_context(client)
            answer = await client.post("/login", data={"login": login, "password": household.PASSWORD})
            assert answer.status_code == 303, answer.text
            return client

        yield signed_in
