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
HEARD = timedelta(minutes=5)
"""A gateway that has not reported for longer is silent (it reports every minute)."""
STUCK = timedelta(minutes=5)
"""A notification that has waited for longer reaches nobody in time: the notifier is to be looked at."""
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


@dataclass(frozen=True, slots=True)
class NotificationQueue:
    """Notifications that are not sent: how many, since when, why the last attempt failed. No address."""

    waiting: int
    oldest: datetime | None
    last_error: str | None

    def stuck(self, now: datetime) -> bool:
        """Say whether the oldest has waited for longer than STUCK."""
        return self.oldest is not None and now - self.oldest > STUCK


@dataclass(frozen=True, slots=True)
class UnitWithoutRecipient:
    """A unit that answers for open cases, and has no address to tell of them."""

    unit_name: str
    open_cases: int


async def health(conn: Connection, *, now: datetime) -> dict[str, str]:
    """Return "ok" or "missing" for PostgreSQL, the broker, each service, and the gateways together.

    The broker is as ingest sees it. The gateways are ok while one of them is heard, and left out while none
    is enrolled.
    """
    cursor = await conn.execute(
        "select service, bool_or(at > %(fresh)s),"
        " bool_or(at > %(fresh)s and coalesce((detail ->> 'broker')::boolean, false))"
        " from service_heartbeat group by service",
        {"fresh": now - FRESH},
    )
    beating = {service: (fresh, broker) for service, fresh, broker in await cursor.fetchall()}
    up = {name: beating.get(name, (False, False))[0] for name in EXPECTED}
    up |= {"postgresql": True, "broker": beating.get("ingest", (False, False))[1]}
    cursor = await conn.execute(
        "select count(*), count(*) filter (where s.online and s.received_at > %s)"
        " from gateway g left join gateway_status s using (gateway_id) where g.revoked_at is null",
        [now - HEARD],
    )
    enrolled, heard = await cursor.fetchone() or (0, 0)
    if enrolled:
        up["gateway"] = heard > 0
    return {name: "ok" if fine else "missing" for name, fine in up.items()}


async def gateways(conn: Connection) -> list[GatewayRow]:
    """Return all gateways, the silent ones first, with how many readings wait for a binding."""
    async with conn.cursor(row_factory=class_row(GatewayRow)) as cursor:
        await cursor.execute(
            "select g.gateway_id, g.label, u.name as unit_name, g.enrolled_at, g.revoked_at,"
            " s.received_at, s.online, s.status,"
            " (select count(*) from unassigned_reading r where r.gateway_id = g.gateway_id) as waiting"
            " from gateway g join care_unit u using (care_unit_id)"
            " left join gateway_status s using (gateway_id)"
            " order by g.revoked_at is not null, s.online nulls first, s.received_at nulls first, g.label"
        )
        return await cursor.fetchall()


async def gateways_of_unit(conn: Connection, care_unit_id: str | None) -> dict[str, str]:
    """Return the labels of a unit's gateways by gateway id."""
    cursor = await conn.execute(
        "select gateway_id, label from gateway where care_unit_id = %s order by label", [care_unit_id]
    )
    return dict(await cursor.fetchall())


async def notifications(conn: Connection) -> NotificationQueue:
    """Return what waits to be sent; the acting account is an operator or coordinator, else it is empty."""
    async with conn.cursor(row_factory=class_row(NotificationQueue)) as cursor:
        await cursor.execute("select waiting, oldest, last_error from notifications_waiting()")
        row = await cursor.fetchone()
    assert row is not None  # an aggregate always gives a row
    return row


async def units_without_recipient(conn: Connection) -> list[UnitWithoutRecipient]:
    """Return units with open cases and nobody to notify; for an operator or coordinator, else empty."""
    async with conn.cursor(row_factory=class_row(UnitWithoutRecipient)) as cursor:
        await cursor.execute("select unit_name, open_cases from units_without_recipient()")
        return await cursor.fetchall()
