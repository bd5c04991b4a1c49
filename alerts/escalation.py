"""Escalation: named contact, deputy, unit. Two promises are watched, and only people keep them.

An open case is handed on until somebody acknowledges it, an acknowledged one with a time to contact until
somebody has been reached.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from alerts.cases import NewId, hand_on
from alerts.evaluate import merge, teams_of
from alerts.routing import OwnerKind, Promise, contact_due, may_escalate, next_owner
from alerts.rules.calendar import StaffedCalendar
from storage import cases as case_storage
from storage.cases import Case, Changes
from storage.database import Connection

CASES_A_TRANSACTION = 100

log = logging.getLogger(__name__)


async def escalate(conn: Connection, *, now: datetime, new_id: NewId = uuid4) -> int:
    """Hand on every case with a promise that has passed; return how many they were.

    Off hours nobody would be reached: the case waits for the next opening. A case that cannot be handed on
    is told in the log, is tried again the next time, and stops none of the others.
    """
    overdue = await case_storage.overdue(conn, now)
    done = 0
    for start in range(0, len(overdue), CASES_A_TRANSACTION):
        done += await _hand_on_or_halve(conn, overdue[start : start + CASES_A_TRANSACTION], now, new_id)
    return done


def lapsed(case: Case, calendar: StaffedCalendar, *, contacted: bool, now: datetime) -> Promise | None:
    """Return which promise of a case that is not closed has passed, if any.

    `contacted`: somebody has been reached since the acknowledgement.
    """
    if case.state == "open":
        return Promise.ACKNOWLEDGE if case.deadline <= now else None
    if case.contact_deadline is None or case.acknowledged_at is None or contacted:
        return None
    due = contact_due(case.contact_deadline, case.acknowledged_at, calendar)
    return Promise.CONTACT if due <= now else None


async def _hand_on_or_halve(conn: Connection, case_ids: Sequence[UUID], now: datetime, new_id: NewId) -> int:
    """Hand on the cases in one transaction; where it fails, each half alone, down to the one at fault."""
    try:
        return await _hand_on(conn, case_ids, now, new_id)
    except Exception:  # whatever is wrong with one case or one unit, the others are handed on
        if conn.closed:
            raise
        if len(case_ids) == 1:
            log.exception("case %s cannot be handed on", case_ids[0])
            return 0
    half = len(case_ids) // 2
    first = await _hand_on_or_halve(conn, case_ids[:half], now, new_id)
    return first + await _hand_on_or_halve(conn, case_ids[half:], now, new_id)


async def _hand_on(conn: Connection, case_ids: Sequence[UUID], now: datetime, new_id: NewId) -> int:
    changes = Changes()
    async with conn.transaction():
        cases = await case_storage.lock_free(conn, case_ids)
        # Asked under the lock: whoever documents a contact holds it.
        contacted = await case_storage.contacted(conn, case_ids)
        teams = await teams_of(conn, {case.subject for case in cases}, now)
        for case in cases:
            team = teams[case.subject]
            promise = lapsed(case, team.calendar, contacted=case.case_id in contacted, now=now)
            if promise is not None and may_escalate(team.calendar, now):
                owner = next_owner(team, OwnerKind(case.owner_kind))
                merge(changes, hand_on(case, owner, team, promise, now=now, new_id=new_id))
        await case_storage.write(conn, changes)
    return len(changes.changed)
