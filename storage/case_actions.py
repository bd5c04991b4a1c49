"""What a person does about a case: acknowledge, contact, close. One transaction each, the case's row locked.

Legal steps: open -> acknowledged -> closed, and contact in either of the first two. A contact made before
anybody has acknowledged acknowledges too: somebody has acted, and no second person should be sent after it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from storage.access import acting
from storage.database import Connection, Pool
from storage.inbox import patient_of_case


class NoSuchCase(Exception):
    """There is no such case, or the person may not act on it."""


class NotPossible(Exception):
    """The case's state does not allow this step any more, because somebody was first."""

    def __init__(self, state: str, by: str | None, at: datetime | None) -> None:
        """Say in what state the case is, and who brought it there when."""
        super().__init__(f"the case is {state}")
        self.state = state
        self.by = by
        self.at = at


@dataclass(frozen=True)
class _Locked:
    conn: Connection
    account_id: UUID
    case_id: UUID
    state: str
    now: datetime

    async def event(self, kind: str, detail: Mapping[str, Any] | None = None) -> None:
        await self.conn.execute(
            "insert into case_event (case_id, at, kind, account_id, detail) values (%s, %s, %s, %s, %s)",
            [self.case_id, self.now, kind, self.account_id, Jsonb(dict(detail or {}))],
        )

    async def acknowledge(self) -> None:
        await self.conn.execute(
            "update alert_case set state = 'acknowledged', acknowledged_at = %s, acknowledged_by = %s"
            " where case_id = %s",
            [self.now, self.account_id, self.case_id],
        )
        await self.event("acknowledged")


async def acknowledge(pool: Pool, account_id: UUID, case_id: UUID, *, now: datetime) -> None:
    """Take charge of an open case. Raises NoSuchCase; NotPossible when somebody has taken it already."""
    async with _locked(pool, account_id, case_id, "acknowledge", now, allowed=("open",)) as case:
        await case.acknowledge()


async def contact(
    pool: Pool, account_id: UUID, case_id: UUID, detail: Mapping[str, Any], *, now: datetime
) -> None:
    """Document a contact, or the attempt at one (`detail["reached"]` false).

    `detail` holds when, how, with whom, and what was asked, assessed and advised. Raises NoSuchCase;
    NotPossible when the case is closed.
    """
    async with _locked(pool, account_id, case_id, "contact", now, allowed=("open", "acknowledged")) as case:
        if case.state == "open":
            await case.acknowledge()
        await case.event("contacted", detail)


async def close(
    pool: Pool, account_id: UUID, case_id: UUID, *, cause: str, useful: bool, note: str, now: datetime
) -> None:
    """Close an acknowledged case with its cause and whether the alert was useful.

    Raises NoSuchCase; NotPossible when it is not acknowledged, or closed already.
    """
    async with _locked(pool, account_id, case_id, "close", now, allowed=("acknowledged",)) as case:
        # The event first: who sees the patient only because of this case sees her no more once it is closed.
        await case.event("closed", {"cause": cause, "useful": useful, "note": note})
        await case.conn.execute(
            "update alert_case set state = 'closed', closed_at = %s, cause = %s, useful = %s"
            " where case_id = %s",
            [now, cause, useful, case_id],
        )


@asynccontextmanager
async def _locked(
    pool: Pool, account_id: UUID, case_id: UUID, action: str, now: datetime, *, allowed: tuple[str, ...]
) -> AsyncGenerator[_Locked]:
    """Yield the case with its row locked, if its state allows the step."""

    async def find(conn: Connection) -> list[UUID]:
        return await patient_of_case(conn, case_id)

    async with acting(pool, account_id, action=action, patient_ids=find) as conn:
        cursor = await conn.execute(
            "select c.state from alert_case c where c.case_id = %s for update", [case_id]
        )
        row = await cursor.fetchone()
        if row is None:
            raise NoSuchCase
        if row[0] not in allowed:
            raise await _not_possible(conn, case_id, row[0])
        yield _Locked(conn, account_id, case_id, row[0], now)


async def _not_possible(conn: Connection, case_id: UUID, state: str) -> NotPossible:
    cursor = await conn.execute(
        "select s.given_name || ' ' || s.family_name, e.at from case_event e"
        " left join account a on a.account_id = e.account_id left join staff s on s.staff_id = a.staff_id"
        " where e.case_id = %s and e.kind in ('acknowledged', 'closed', 'resolved')"
        " order by e.event_id desc limit 1",
        [case_id],
    )
    by, at = await cursor.fetchone() or (None, None)
    return NotPossible(state, by, at)
