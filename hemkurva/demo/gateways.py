"""The process of the demo's gateways: one real gateway per home, on that home's virtual adapter.

`python -m hemkurva.demo.gateways DIRECTORY`. The broker and each gateway's password come from the environment
and from DIRECTORY/gateways.json; a control on a Unix socket pulls and plugs in.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from gateway.backends.bumble import bumble_backend
from gateway.outbox import OutboxError
from gateway.service import run
from gateway.settings import Settings
from hemkurva.demo.control import GATEWAYS_SOCKET
from hemkurva.demo.dongle import open_adapter
from hemkurva.demo.people import HOMES

PASSWORDS = "gateways.json"
STATUS_INTERVAL = 3.0
"""Seconds; a minute in a real home, but here somebody waits to see it go silent."""
log = logging.getLogger(__name__)


class Power(BaseModel):
    """Plugged in or not."""

    on: bool


class Gateway:
    """One gateway that can lose its power. Its outbox stays on disk, as on an SD card."""

    def __init__(self, settings: Settings, adapter: Path) -> None:
        """Keep what the gateway is; it does not run before `power`."""
        self._settings = settings
        self._adapter = adapter
        self._task: asyncio.Task[None] | None = None

    @property
    def is_on(self) -> bool:
        """True while plugged in."""
        return self._task is not None

    async def power(self, *, on: bool) -> None:
        """Plug in, or pull the plug."""
        if on and self._task is None:
            self._task = asyncio.create_task(self._keep_running())
        elif not on and self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep_running(self) -> None:
        """Run; begin anew when the adapter went away (the homes' process was restarted)."""
        while True:
            try:
                await self._run_once()
            except (OSError, EOFError, TimeoutError) as error:
                log.warning("gateway %s: no adapter yet (%s)", self._settings.gateway_id, error)
            except OutboxError as error:
                log.error("gateway %s: %s", self._settings.gateway_id, error)
            await asyncio.sleep(1)

    async def _run_once(self) -> None:
        central, transport = await open_adapter(self._adapter)
        stop = asyncio.Event()
        service = asyncio.create_task(run(self._settings, bumble_backend(central), stop=stop))
        gone = asyncio.ensure_future(transport.source.terminated)
        try:
            await asyncio.wait({service, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            try:
                await service
            finally:
                await transport.close()


def control(gateways: dict[str, Gateway]) -> FastAPI:
    """Return the HTTP control over the gateways' power, for a Unix socket only."""
    app = FastAPI(title="Virtual gateways", openapi_url=None)

    @app.get("/gateways")
    async def list_gateways() -> dict[str, bool]:
        return {gateway_id: gateway.is_on for gateway_id, gateway in gateways.items()}

    @app.post("/gateways/{gateway_id}/power", status_code=204)
    async def power(gateway_id: str, wanted: Power) -> None:
        if gateway_id not in gateways:
            raise HTTPException(404, f"no gateway {gateway_id!r}")
        await gateways[gateway_id].power(on=wanted.on)

    return app


def load(directory: Path) -> dict[str, Gateway]:
    """Return the gateways of all homes, not yet running."""
    passwords: dict[str, str] = json.loads((directory / PASSWORDS).read_text())
    gateways: dict[str, Gateway] = {}
    for home in HOMES:
        environ = os.environ | {
            "HEMKURVA_GATEWAY_ID": home.gateway_id,
            "HEMKURVA_GATEWAY_DATA": str(directory / home.gateway_id),
            "HEMKURVA_MQTT_PASSWORD": passwords[home.gateway_id],
        }
        settings = replace(Settings.from_env(environ), status_interval=STATUS_INTERVAL)
        gateways[home.gateway_id] = Gateway(settings, directory / f"{home.key}.hci")
    return gateways


async def main(directory: Path) -> None:
    """Run until a signal."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    gateways = load(directory)
    for gateway in gateways.values():
        await gateway.power(on=True)
    config = uvicorn.Config(control(gateways), uds=str(directory / GATEWAYS_SOCKET), log_level="warning")
    await uvicorn.Server(config).serve()
    for gateway in gateways.values():
        await gateway.power(on=False)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
