"""That a physician has looked through a patient's trends: who, and when. Append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from storage.access import acting
from storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Review:
    """The latest look through a patient's trends."""

    at: datetime
    by: str


async def latest(conn: Connection, patient_id: UUID) -> Review | None:
    """Return the latest review, None before the first one or where the acting person may not know."""
    async with conn.cursor(row_factory=class_row(Review)) as cursor:
        await cursor.execute(
            "select r.at, s.given_name || ' ' || s.family_name as by from trend_review r"
            " join account a using (account_id) join staff s using (staff_id)"
            " where r.patient_id = %s order by r.at desc limit 1",
            [patient_id],
        )
        return await cursor.fetchone()


async def add(pool: Pool, account_id: UUID, patient_id: UUID, *, now: datetime) -> None:
    """Note that the acting physician has looked through the trends now.

    Raises storage.access.AccessRefused for anybody but a physician with a care relation.
    """
    async with acting(pool, account_id, action="review", patient_ids=[patient_id]) as conn:
        await conn.execute(
            "insert into trend_review (patient_id, account_id, at) values (%s, %s, %s)",
            [patient_id, account_id, now],
        )
