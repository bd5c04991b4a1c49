"""Listening to the database's wake-ups (the triggers at the end of migration 0001)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import psycopg
from psycopg import sql

from storage.database import DatabaseUnavailable, connect

RECONNECT_SECONDS = 1.0


async def wakes(dsn: str, role: str, channels: Sequence[str]) -> AsyncGenerator[str | None]:
    """Yield the name of each channel that was notified; None after each new connection.

    None means that notifications may have been missed. Reconnects for ever, once a second.
    """
    while True:
        try:
            async with await connect(dsn, role) as conn:
                for channel in channels:
                    await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                yield None
                async for notification in conn.notifies():
                    yield notification.channel
        except (psycopg.Error, DatabaseUnavailable):
            await asyncio.sleep(RECONNECT_SECONDS)
