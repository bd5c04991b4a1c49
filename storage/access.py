"""Reading and writing for a person: one transaction, in her name, logged before anything is read.

The access log is PDL 4 kap. 3 § (2008:355) and HSLF-FS 2016:40: action, unit, time, user and patient.
What the person may see is decided by the policies of the schema, not here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import psycopg

from storage.database import Connection, Pool

FindPatients: TypeAlias = Callable[[Connection], Awaitable[Sequence[UUID]]]
"""Says whose data will be shown, before they are: a list does not know its patients in advance."""


class AccessRefused(Exception):
    """The person has no care relation or consent for what she asked for."""


class AccessLogUnavailable(Exception):
    """The access log cannot be written, so nothing is shown. Look at PostgreSQL's log for the reason."""


@asynccontextmanager
async def acting(
    pool: Pool, account_id: UUID, *, action: str, patient_ids: Sequence[UUID] | FindPatients
) -> AsyncGenerator[Connection]:
    """Yield a connection in a transaction that acts for the account and has logged the access.

    `action` is a short English word for what is done, e.g. "inbox" or "acknowledge". A view that concerns no
    patient (the operator's, or an empty list) writes no line. The transaction commits when the block ends and
    is undone when it raises; if the log cannot be written the block is not entered.
    Raises AccessRefused for what the schema's policies refuse, and AccessLogUnavailable.
    """
    try:
        async with pool.connection() as conn, conn.transaction():
            await conn.execute("select set_config('hemkurva.account_id', %s, true)", [str(account_id)])
            shown = await patient_ids(conn) if callable(patient_ids) else patient_ids
            if shown:
                await _log(conn, account_id, action, sorted(set(shown)))
            yield conn
    except psycopg.errors.InsufficientPrivilege as error:
        raise AccessRefused(str(error)) from error


async def _log(conn: Connection, account_id: UUID, action: str, patient_ids: list[UUID]) -> None:
    try:
        # now() is the transaction's start: readings_of() looks for a line with exactly this time.
        cursor = await conn.execute(
            "insert into access_log (at, account_id, care_unit_id, action, patient_ids)"
            " select now(), a.account_id, s.care_unit_id, %s, %s"
            " from account a left join staff s using (staff_id) where a.account_id = %s",
            [action, patient_ids, account_id],
        )
    except psycopg.Error as error:
        raise AccessLogUnavailable(str(error)) from error
    if cursor.rowcount != 1:
        raise AccessLogUnavailable("the account is unknown")


async def broken_links(conn: Connection) -> list[int]:
    """Return the numbers of access-log lines whose hash does not follow from themselves and the line before.

    An empty list is a chain that holds. Needs a connection that sees the whole log.
    """
    cursor = await conn.execute(
        "select entry_id from ("
        "  select l.entry_id, l.hash, l.previous, access_log_hash(l) as made,"
        "    coalesce(lag(l.hash) over (order by l.entry_id), '\\x'::bytea) as before,"
        "    l.entry_id - coalesce(lag(l.entry_id) over (order by l.entry_id), 0) as step"
        "  from access_log l) chain"
        " where hash <> made or previous <> before or step <> 1 order by entry_id"
    )
    return [row[0] for row in await cursor.fetchall()]
