"""Accounts, sign-in sessions and failed attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from storage.database import Connection


@dataclass(frozen=True)
class Credentials:
    """What a sign-in is checked against."""

    account_id: UUID
    password_hash: str
    role: str
    demo: bool


@dataclass(frozen=True)
class Person:
    """Who is signed in: one of staff, patient or next of kin.

    `zone` is the time zone in which her pages show times: the unit's for staff, her own for a patient.
    """

    account_id: UUID
    role: str
    demo: bool
    given_name: str
    family_name: str
    staff_id: UUID | None
    patient_id: UUID | None
    next_of_kin_id: UUID | None
    care_unit_id: str | None
    unit_name: str | None
    zone: str

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given_name} {self.family_name}"


async def credentials(conn: Connection, login: str) -> Credentials | None:
    """Return the account of a login, or None."""
    async with conn.cursor(row_factory=class_row(Credentials)) as cursor:
        await cursor.execute(
            "select account_id, password_hash, role, demo from account where login = %s", [login]
        )
        return await cursor.fetchone()


async def demo_logins(conn: Connection) -> int:
    """Return how many accounts are for demonstration only."""
    cursor = await conn.execute("select count(*) from account where demo")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def start(
    conn: Connection, token_hash: bytes, account_id: UUID, *, now: datetime, idle: timedelta
) -> None:
    """Store a session and remove those that have ended."""
    await conn.execute("delete from web_session where expires_at <= %s", [now])
    await conn.execute(
        "insert into web_session (token_hash, account_id, created_at, expires_at) values (%s, %s, %s, %s)",
        [token_hash, account_id, now, now + idle],
    )


async def resume(
    conn: Connection, token_hash: bytes, *, now: datetime, idle: timedelta | None, absolute: timedelta
) -> Person | None:
    """Return whose session this is, or None when it is unknown or over. Needs a transaction.

    The end moves on to `idle` from now (None: it stays), at most once a minute, and never beyond `absolute`
    after sign-in.
    """
    # The patient's own name is under row-level security: ask for it in her name.
    cursor = await conn.execute(
        "select set_config('hemkurva.account_id', account_id::text, true) from web_session"
        " where token_hash = %s and expires_at > %s and created_at > %s",
        [token_hash, now, now - absolute],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if idle is not None:
        await conn.execute(
            "update web_session set expires_at = least(%(end)s, created_at + %(absolute)s)"
            " where token_hash = %(token)s and expires_at < %(end)s - interval '1 minute'",
            {"end": now + idle, "absolute": absolute, "token": token_hash},
        )
    return await person(conn, UUID(row[0]))


async def person(conn: Connection, account_id: UUID) -> Person | None:
    """Return who an account belongs to. Needs a transaction that acts for that account."""
    async with conn.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(
            "select a.account_id, a.role, a.demo,"
            " coalesce(s.given_name, k.given_name, p.given_name) as given_name,"
            " coalesce(s.family_name, k.family_name, p.family_name) as family_name,"
            " a.staff_id, a.patient_id, a.next_of_kin_id, s.care_unit_id, u.name as unit_name,"
            " coalesce(u.zone, p.zone, 'Europe/Stockholm') as zone"
            " from account a left join staff s using (staff_id) left join care_unit u using (care_unit_id)"
            " left join next_of_kin k using (next_of_kin_id)"
            " left join patient p on p.patient_id = a.patient_id"
            " where a.account_id = %s",
            [account_id],
        )
        return await cursor.fetchone()


async def end(conn: Connection, token_hash: bytes) -> None:
    """Remove a session; one that is not there is no error."""
    await conn.execute("delete from web_session where token_hash = %s", [token_hash])


async def record_attempt(conn: Connection, login_hash: bytes, *, now: datetime, since: datetime) -> int:
    """Count an attempt before its password is checked, and return how many failed or are under way.

    Counted first, so that many at once cannot all slip in below the limit; `clear_attempts` forgets them when
    one succeeds. Attempts before `since` are forgotten. Needs a transaction.
    """
    # One at a time per login: two open transactions would not see each other's attempt.
    await conn.execute("select pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex'), 1))", [login_hash])
    await conn.execute("delete from login_failure where at <= %s", [since])
    await conn.execute("insert into login_failure (login_hash, at) values (%s, %s)", [login_hash, now])
    cursor = await conn.execute("select count(*) from login_failure where login_hash = %s", [login_hash])
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def clear_attempts(conn: Connection, login_hash: bytes) -> None:
    """Forget the failed attempts of a login after a successful one."""
    await conn.execute("delete from login_failure where login_hash = %s", [login_hash])
