"""Escalation: named contact, deputy, unit. It stops only when a person acknowledges."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from alerts.cases import NewId, hand_on
from alerts.evaluate import merge, teams_of
from alerts.routing import OwnerKind, may_escalate, next_owner
from storage import cases as case_storage
from storage.cases import Changes
from storage.database import Connection

CASES_A_ROUND = 1000


async def escalate(conn: Connection, *, now: datetime, new_id: NewId = uuid4) -> int:
    """Hand on every open case whose deadline has passed, in one transaction; return how many they were.

    Off hours nobody would be reached: the case waits for the next opening.
    """
    changes = Changes()
    async with conn.transaction():
        overdue = await case_storage.lock_overdue(conn, now, limit=CASES_A_ROUND)
        teams = await teams_of(conn, {case.subject for case in overdue}, now)
        for case in overdue:
            team = teams[case.subject]
            if may_escalate(team.calendar, now):
                owner = next_owner(team, OwnerKind(case.owner_kind))
                merge(changes, hand_on(case, owner, team, now=now, new_id=new_id))
        await case_storage.write(conn, changes)
    return len(changes.changed)
