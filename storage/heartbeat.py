"""Signs of life of the services, for the operator's page, /healthz and the watch over silence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from storage.database import Connection

BEAT = (
    "insert into service_heartbeat (service, instance, at, detail) values (%s, %s, %s, %s)"
    " on conflict (service, instance) do update set at = excluded.at, detail = excluded.detail"
)


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of life of one process. `detail` holds the service's own counters."""

    service: str
    instance: str
    at: datetime
    detail: dict[str, Any]


async def beat(
    conn: Connection, service: str, instance: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Say that this process is alive at `now`. No personal data in `detail`."""
    await conn.execute(BEAT, [service, instance, now, Jsonb(detail or {})])


async def services(conn: Connection) -> list[Heartbeat]:
    """Return the newest sign of life of each service, by name. Whoever reads it judges its age."""
    cursor = await conn.execute(
        "select distinct on (service) service, instance, at, detail from service_heartbeat"
        " order by service, at desc"
    )
    return [Heartbeat(*row) for row in await cursor.fetchall()]
