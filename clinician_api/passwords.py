"""Checking passwords: argon2id, the same time for a known and an unknown login, a limit on attempts."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage import sessions
from storage.database import Pool
from storage.sessions import Credentials

ATTEMPTS = 10
WINDOW = timedelta(minutes=15)
"""At most so many failed sign-ins per login in that time, over all processes."""
LONGEST = 1024
"""Characters of a password that are looked at: hashing a megabyte helps only an attacker."""


class TooManyAttempts(Exception):
    """Too many failed sign-ins for this login: wait a quarter of an hour."""


@lru_cache
def hasher() -> PasswordHasher:
    """Return the hasher, argon2id with RFC 9106's low-memory parameters."""
    return PasswordHasher()


@lru_cache
def _nobodys_hash() -> str:
    return hasher().hash("nobody has this password")


async def check(pool: Pool, login: str, password: str, *, demo: bool, now: datetime) -> Credentials | None:
    """Return the account when login and password fit, else None. Raises TooManyAttempts.

    Demo accounts fit only when `demo` is true. The work is the same for a login that does not exist.
    """
    login_hash = hashlib.sha256(login.strip().lower().encode(errors="replace")).digest()
    async with pool.connection() as conn:
        if await sessions.record_attempt(conn, login_hash, now=now, since=now - WINDOW) > ATTEMPTS:
            raise TooManyAttempts
        found = await sessions.credentials(conn, login.strip().lower().replace("\x00", ""))
    stored = found.password_hash if found else _nobodys_hash()
    fits = await asyncio.to_thread(_verify, stored, password)
    if not (found and fits) or (found.demo and not demo):
        return None
    async with pool.connection() as conn:
        await sessions.clear_attempts(conn, login_hash)
    return found


def _verify(stored: str, password: str) -> bool:
    try:
        return len(password) <= LONGEST and hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
