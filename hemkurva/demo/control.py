"""The remote controls of the demo: what the panel and the scenes do to homes and gateways."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HOMES_SOCKET = "homes.sock"
GATEWAYS_SOCKET = "gateways.sock"


class ControlError(Exception):
    """A home or gateway did not do what it was told; the message says why."""


def _checked(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    detail = answer.json().get("detail", answer.text)
    raise ControlError(detail if isinstance(detail, str) else str(detail))


@dataclass(frozen=True)
class Controls:
    """Both remote controls, open."""

    homes: httpx.AsyncClient
    gateways: httpx.AsyncClient

    async def describe(self) -> list[dict[str, Any]]:
        """Return the homes with their devices, and whether each gateway has power."""
        homes = _checked(await self.homes.get("/homes"))
        powered = _checked(await self.gateways.get("/gateways"))
        return [home | {"power": powered.get(home["gateway_id"], False)} for home in homes]

    async def measure(self, home: str, device: str, **values: float | bool | None) -> dict[str, Any]:
        """Let a device measure now. Raises ControlError for values the device cannot have."""
        return _checked(await self.homes.post(f"/homes/{home}/devices/{device}/measure", json=values))

    async def send_frames(self, home: str, device: str, frames: list[bytes]) -> None:
        """Let a device send raw bytes, readable or not."""
        content = {"frames": [frame.hex() for frame in frames]}
        _checked(await self.homes.post(f"/homes/{home}/devices/{device}/frames", json=content))

    async def bring_unknown_scale(self, home: str) -> None:
        """Carry a scale that is bound to nobody into the home."""
        _checked(await self.homes.post(f"/homes/{home}/unknown-scale"))

    async def power(self, gateway_id: str, *, on: bool) -> None:
        """Plug a gateway in, or pull its plug (no good-bye is sent)."""
        _checked(await self.gateways.post(f"/gateways/{gateway_id}/power", json={"on": on}))


@asynccontextmanager
async def open_controls(directory: Path) -> AsyncGenerator[Controls]:
    """Yield the remote controls of a demo that runs in `directory`."""
    async with (
        _client(directory / HOMES_SOCKET) as homes,
        _client(directory / GATEWAYS_SOCKET) as gateways,
    ):
        yield Controls(homes, gateways)


def _client(socket: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://demo", timeout=10
    )
