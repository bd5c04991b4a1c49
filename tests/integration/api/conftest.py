"""The application on a real database with a small world in it, called without a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from clinician_api.app import create_app
from clinician_api.settings import Settings
from hemkurva.embedded.postgres import EmbeddedPostgres
from storage.database import open_pool
from tests.integration.api import world
from tests.support.databases import clone, drop

ORIGIN = "http://hemkurva.test"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = world.NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass
class Site:
    """The application, its database and its clock."""

    app: FastAPI
    dsn: str
    clock: Clock
    settings: Settings

    def client(self, **headers: str) -> httpx.AsyncClient:
        """Return a client of nobody, which says where it comes from."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN, **headers})

    @asynccontextmanager
    async def signed_in(self, login: str, **headers: str) -> AsyncGenerator[httpx.AsyncClient]:
        """Yield a client that is signed in."""
        async with self.client(**headers) as client:
            answer = await client.post("/login", data={"login": login, "password": world.PASSWORD})
            assert answer.status_code == 303, answer.text
            yield client


@asynccontextmanager
async def site_on(dsn: str, *, demo: bool = True) -> AsyncGenerator[Site]:
    """Yield the application on a database."""
    settings = Settings(dsn=dsn, public_url=ORIGIN, demo=demo)
    clock = Clock()
    async with open_pool(dsn, "hemkurva_web") as pool:
        yield Site(create_app(settings, pool, clock=clock), dsn, clock, settings)


@pytest.fixture(scope="session")
def world_template(postgres_server: EmbeddedPostgres, migrated_template: str) -> str:
    """Name of a database with the small world in it, to clone: writing it anew for each test takes longer."""
    name = clone(postgres_server, migrated_template)
    asyncio.run(world.build(postgres_server.dsn(name)))
    return name


@pytest.fixture
async def site(postgres_server: EmbeddedPostgres, world_template: str) -> AsyncGenerator[Site]:
    """The application with the small world, nobody signed in, no case yet."""
    name = clone(postgres_server, world_template)
    async with site_on(postgres_server.dsn(name)) as made:
        yield made
    drop(postgres_server, name)
