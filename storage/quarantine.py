"""What could not be used, for the operator: listed without bytes, shown one by one, discarded, never lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database import Connection


@dataclass(frozen=True)
class Entry:
    """One entry without its bytes. `seen` says how often the same bytes came."""

    quarantine_id: int
    received_at: datetime
    topic: str
    gateway_id: str | None
    reading_id: UUID | None
    reason: str
    detail: str
    size: int
    seen: int
    state: str


class NoSuchEntry(LookupError):
    """There is no open quarantine entry with this number; list them again."""


async def entries(conn: Connection, *, state: str = "open", limit: int = 200) -> list[Entry]:
    """Return the entries in a state ("open", "redriven", "discarded"), newest first, at most `limit`."""
    cursor = await conn.execute(
        "select quarantine_id, received_at, topic, gateway_id, reading_id, reason, detail, length(raw), seen,"
        " state from quarantine where state = %s order by received_at desc, quarantine_id desc limit %s",
        [state, limit],
    )
    return [Entry(*row) for row in await cursor.fetchall()]


async def show(conn: Connection, quarantine_id: int) -> tuple[Entry, bytes]:
    """Return an entry and its bytes, which may hold measured values. Raises NoSuchEntry."""
    cursor = await conn.execute(
        "select quarantine_id, received_at, topic, gateway_id, reading_id, reason, detail, length(raw), seen,"
        " state, raw from quarantine where quarantine_id = %s",
        [quarantine_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NoSuchEntry(str(quarantine_id))
    return Entry(*row[:-1]), row[-1]


async def discard(conn: Connection, quarantine_id: int) -> None:
    """Take an open entry off the list; its bytes are kept. Raises NoSuchEntry."""
    cursor = await conn.execute(
        "update quarantine set state = 'discarded' where quarantine_id = %s and state = 'open'",
        [quarantine_id],
    )
    if cursor.rowcount == 0:
        raise NoSuchEntry(str(quarantine_id))


async def counts(conn: Connection) -> dict[str, int]:
    """Return the number of open entries by reason, most frequent first."""
    cursor = await conn.execute(
        "select reason, count(*) from quarantine where state = 'open' group by reason order by 2 desc, 1"
    )
    return dict(await cursor.fetchall())
