"""What the operator sees: services and gateways. No patient, no measured value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from storage.database import Connection

FRESH = timedelta(seconds=10)
"""A service that has not beaten for longer is missing (heartbeats come every 2 s)."""
EXPECTED = ("ingest", "alerts", "api")


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """An enrolled gateway and its last word; `status` is what wire.messages.Status holds, None before it."""

    gateway_id: str
    label: str
    unit_name: str
    enrolled_at: datetime
    revoked_at: datetime | None
    received_at: datetime | None
    online: bool | None
    status: Mapping[str, Any] | None
    waiting: int


async def health(conn: Connection, *, now: datetime) -> dict[str, str]:
    """Return "ok" or "missing" per service, and for the gateways together where any has reported."""
    cursor = await conn.execute(
        "select service, max(at) > %s from service_heartbeat group by service", [now - FRESH]
    )
    beating = {service for service, fresh in await cursor.fetchall() if fresh}
    state = {"postgresql": "ok"}
    state |= {name: "ok" if name in beating else "missing" for name in EXPECTED}
    cursor = await conn.execute("select count(*), count(*) filter (where online) from gateway_status")
    row = await cursor.fetchone()
    reported, online = row or (0, 0)
    if reported:
        state["gateway"] = "ok" if online else "missing"
    return state


async def gateways(conn: Connection) -> list[GatewayRow]:
    """Return all gateways, the silent ones first, with how many readings wait for a binding."""
    async with conn.cursor(row_factory=class_row(GatewayRow)) as cursor:
        await cursor.execute(
            "select g.gateway_id, g.label, u.name as unit_name, g.enrolled_at, g.revoked_at,"
            " s.received_at, s.online, s.status,"
            " (select count(*) from unassigned_reading r where r.gateway_id = g.gateway_id) as waiting"
            " from gateway g join care_unit u using (care_unit_id) left join gateway_status s using (gateway_id)"
            " order by g.revoked_at is not null, s.online nulls first, s.received_at nulls first, g.label"
        )
        return await cursor.fetchall()


async def gateways_of_unit(conn: Connection, care_unit_id: str | None) -> dict[str, str]:
    """Return the labels of a unit's gateways by gateway id."""
    cursor = await conn.execute(
        "select gateway_id, label from gateway where care_unit_id = %s order by label", [care_unit_id]
    )
    return dict(await cursor.fetchall())
