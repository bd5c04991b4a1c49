"""Waiting notifications: taken with a lease, sent, marked. Delivery is at least once, with a stable id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from storage.database import Connection


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification that is to be sent now. `attempts` counts this one."""

    notification_id: UUID
    case_id: UUID
    channel: str
    address: str
    reason: str
    attempts: int


async def lease(conn: Connection, *, now: datetime, until: datetime, limit: int) -> list[Waiting]:
    """Return notifications that are due and keep others from them until `until`.

    Who dies before marking them leaves them to be taken again then.
    """
    cursor = await conn.execute(
        "update notification n set attempts = attempts + 1, next_attempt_at = %s"
        " from (select notification_id from notification where sent_at is null and next_attempt_at <= %s"
        "  order by next_attempt_at limit %s for update skip locked) due"
        " where n.notification_id = due.notification_id"
        " returning n.notification_id, n.case_id, n.channel, n.address, n.reason, n.attempts",
        [until, now, limit],
    )
    return [Waiting(*row) for row in await cursor.fetchall()]


async def mark_sent(conn: Connection, waiting: Waiting, now: datetime) -> None:
    """Note the delivery, in the notification and in the case's history."""
    async with conn.transaction():
        cursor = await conn.execute(
            "update notification set sent_at = %s, last_error = null"
            " where notification_id = %s and sent_at is null returning staff_id",
            [now, waiting.notification_id],
        )
        row = await cursor.fetchone()
        if row is None:
            return  # somebody else has sent it too
        detail = {
            "notification_id": str(waiting.notification_id),
            "channel": waiting.channel,
            "reason": waiting.reason,
            "staff_id": None if row[0] is None else str(row[0]),
        }
        await conn.execute(
            "insert into case_event (case_id, at, kind, detail) values (%s, %s, 'notified', %s)",
            [waiting.case_id, now, Jsonb(detail)],
        )


async def mark_failed(conn: Connection, waiting: Waiting, error: str, next_attempt_at: datetime) -> None:
    """Note why it could not be sent and when it is tried again."""
    await conn.execute(
        "update notification set last_error = %s, next_attempt_at = %s"
        " where notification_id = %s and sent_at is null",
        [error[:500], next_attempt_at, waiting.notification_id],
    )
