"""The web service as a process: wait for the database, refuse an unsafe start, serve, beat, stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from clinician_api.app import create_app, utc_now
from clinician_api.settings import Settings
from storage import sessions
from storage.database import Pool, instance_name, open_pool, wait_until_up
from storage.heartbeat import beat

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
WAIT_FOR_DATABASE_SECONDS = 60.0


class StartRefused(Exception):
    """Starting like this would not be safe. The message says what to change."""


async def refuse_demo_logins(pool: Pool, settings: Settings) -> None:
    """Raise StartRefused when demo accounts exist and this is not a demo."""
    if settings.demo:
        return
    async with pool.connection() as conn:
        count = await sessions.demo_logins(conn)
    if count:
        raise StartRefused(
            f"this database has {count} demo logins with known passwords: use another database,"
            " or set HEMKURVA_DEMO=1 if this is a demonstration"
        )


async def run(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Serve until `stop` is set, or until SIGTERM or SIGINT when no `stop` is given.

    Raises StartRefused, storage.database.DatabaseUnavailable, clinician_api.assets.AssetsMissing.
    """
    await asyncio.to_thread(wait_until_up, settings.dsn, seconds=WAIT_FOR_DATABASE_SECONDS)
    async with open_pool(settings.dsn, "hemkurva_web", size=8) as pool:
        await refuse_demo_logins(pool, settings)
        app = create_app(settings, pool)
        async with beating(pool):
            await serve(app, settings, stop=stop)


async def serve(app: FastAPI, settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Serve an application of `create_app`; open event streams end at once when it stops."""
    server = Server(app, settings, handle_signals=stop is None)
    if stop is None:
        await server.serve()
        return
    stopping = asyncio.create_task(stop.wait())
    stopping.add_done_callback(lambda _: server.stop())
    try:
        await server.serve()
    finally:
        stopping.cancel()


class Server(uvicorn.Server):
    """Uvicorn that closes event streams when told to stop, instead of waiting for their readers."""

    def __init__(self, app: FastAPI, settings: Settings, *, handle_signals: bool) -> None:
        """Prepare to serve `app` at the settings' host and port."""
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_level="warning",
                access_log=False,  # addresses and paths are not for logs
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._hub = app.state.hub
        self._handle_signals = handle_signals

    def stop(self) -> None:
        """Stop serving soon."""
        self.should_exit = True
        self._hub.close()

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop on a signal."""
        self._hub.close()
        super().handle_exit(sig, frame)  # pyright: ignore[reportArgumentType]  a frame, which we only pass on

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone when somebody else stops us."""
        if not self._handle_signals:
            yield
            return
        with super().capture_signals():
            yield


@asynccontextmanager
async def beating(pool: Pool) -> AsyncGenerator[None]:
    """Show in service_heartbeat that the web service is alive, for as long as the block lasts."""
    task = asyncio.create_task(_beat_for_ever(pool))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat_for_ever(pool: Pool) -> None:
    while True:
        try:
            async with pool.connection() as conn:
                await beat(conn, "api", instance_name(), utc_now(), {})
        except Exception as error:
            log.warning("no heartbeat: %s", type(error).__name__)
        await asyncio.sleep(BEAT_SECONDS)
