"""Connections: one pool per service, each connection in the service's own role."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

Connection: TypeAlias = psycopg.AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

_PATIENCE: dict[str, int] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Seconds (`tcp_user_timeout` in ms) after which a server that has silently gone counts as lost. The system's
own limits are a quarter of an hour and two hours: no alert would be raised, no page be fresh so long."""
ROLES = ("hemkurva_ingest", "hemkurva_alerts", "hemkurva_web")


class DatabaseUnavailable(Exception):
    """PostgreSQL cannot be reached. Look whether it runs and whether HEMKURVA_DSN names it."""


def dsn_as(dsn: str, role: str | None) -> str:
    """Return the connection string with the role, UTC, and a name for pg_stat_activity.

    A lost server is noticed soon, unless the string says how long to wait for it.
    Raises ValueError for a role that the schema does not know.
    """
    if role is not None and role not in ROLES:
        raise ValueError(f"unknown database role {role!r}; there are {', '.join(ROLES)}")
    options = "-c timezone=UTC" + (f" -c role={role}" if role else "")
    patience = {name: value for name, value in _PATIENCE.items() if name not in conninfo_to_dict(dsn)}
    return make_conninfo(dsn, options=options, application_name=role or "hemkurva", **patience)


@asynccontextmanager
async def open_pool(dsn: str, role: str | None, *, size: int = 4) -> AsyncGenerator[Pool]:
    """Yield an open pool of at most `size` connections in the given role; it reconnects by itself."""
    pool: Pool = AsyncConnectionPool(
        dsn_as(dsn, role), min_size=1, max_size=size, open=False, check=AsyncConnectionPool.check_connection
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def connect(dsn: str, role: str | None) -> Connection:
    """Return one autocommit connection in the role, for LISTEN or for a loop with its own transactions."""
    try:
        return await psycopg.AsyncConnection.connect(dsn_as(dsn, role), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error)) from error


def wait_until_up(
    dsn: str,
    *,
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Return once PostgreSQL answers. Raises DatabaseUnavailable after `seconds`."""
    end = clock() + seconds
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
            return
        except psycopg.OperationalError as error:
            if clock() >= end:
                raise DatabaseUnavailable(
                    f"PostgreSQL did not answer within {seconds:.0f} s: {error};"
                    " start it or correct HEMKURVA_DSN"
                ) from error
            sleep(0.2)


def instance_name() -> str:
    """Return what tells this process from another of the same service."""
    return f"{os.uname().nodename}:{os.getpid()}"
