"""Which radio bleak speaks to: the operating system's, or another one that is handed in."""

from __future__ import annotations

from dataclasses import dataclass

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner


@dataclass(frozen=True)
class Backend:
    """A pair for `BleakScanner(backend=...)` and `BleakClient(backend=...)`; None is bleak's own choice."""

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None


SYSTEM = Backend()
"""BlueZ on Linux."""
