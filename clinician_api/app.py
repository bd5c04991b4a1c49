"""The web application. `create_app` gives a FastAPI application that others may add routes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from clinician_api import errors
from clinician_api.assets import STATIC_URL, Assets
from clinician_api.language import ChooseLanguage
from clinician_api.live import Hub
from clinician_api.pages import ROUTERS
from clinician_api.security import Guard
from clinician_api.settings import Settings
from clinician_api.templating import environment
from storage.database import Pool


def utc_now() -> datetime:
    """Return the time, UTC. Tests give the application another clock."""
    return datetime.now(UTC)


def create_app(settings: Settings, pool: Pool, *, clock: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the application on an open pool in the role hemkurva_web.

    While it runs (its lifespan) it listens for changes in the database and feeds open pages. The caller may
    add routes and mounts; they get the same headers, language and origin check.
    Raises clinician_api.assets.AssetsMissing when the web assets are not built.
    """
    app = FastAPI(title="Hemkurva", docs_url=None, redoc_url=None, lifespan=_lifespan)
    app.state.settings = settings
    app.state.pool = pool
    app.state.clock = clock
    app.state.hub = Hub()
    app.state.templates = environment(Assets.load(settings.assets))
    for router in ROUTERS:
        app.include_router(router)
    app.mount(STATIC_URL, StaticFiles(directory=settings.assets), name="static")
    errors.install(app)
    app.add_middleware(Guard, settings.public_url, secure=settings.secure_cookie)
    app.add_middleware(ChooseLanguage)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    listener = asyncio.create_task(app.state.hub.run(app.state.settings.dsn))
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
