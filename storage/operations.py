"""What the operator sees: services, gateways, devices, quarantine. No patient, no measured value."""

from __future__ import annotations

from datetime import datetime, timedelta

from storage.database import Connection

FRESH = timedelta(seconds=10)
"""A service that has not beaten for longer is missing (heartbeats come every 2 s)."""
EXPECTED = ("ingest", "alerts", "api")


async def health(conn: Connection, *, now: datetime) -> dict[str, str]:
    """Return "ok" or "missing" per service, and for gateways if there are any."""
    cursor = await conn.execute(
        "select service, max(at) > %s from service_heartbeat group by service", [now - FRESH]
    )
    beating = {service for service, fresh in await cursor.fetchall() if fresh}
    state = {"postgresql": "ok"}
    state |= {name: "ok" if name in beating else "missing" for name in EXPECTED}
    cursor = await conn.execute("select count(*), count(*) filter (where online) from gateway_status")
    row = await cursor.fetchone()
    enrolled, online = row or (0, 0)
    if enrolled:
        state["gateway"] = "ok" if online else "missing"
    return state
