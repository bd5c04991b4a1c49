"""Migrations: numbered plain-SQL files, forward only, one at a time under a lock."""

from __future__ import annotations

import re
from importlib import resources

import psycopg
from psycopg import sql

LOCK = 8_000_471  # any number that nothing else in this database locks
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationError(Exception):
    """The database is newer than this program, or a migration failed. Nothing of the failed one is kept."""


def available() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL text) of each migration, in order. Raises MigrationError on a gap."""
    found: list[tuple[int, str, str]] = []
    for entry in resources.files("storage").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append((int(match.group(1)), entry.name, entry.read_text("utf-8")))
    found.sort()
    numbers = [number for number, _, _ in found]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3 ... without gaps; found {numbers}")
    return found


def migrate(dsn: str) -> list[int]:
    """Bring the database up to date and return the numbers that were applied.

    Raises MigrationError; psycopg.OperationalError when the database cannot be reached.
    """
    known = available()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        connection.execute(
            "create table if not exists schema_migration"
            " (number integer primary key, name text not null, applied_at timestamptz not null default now())"
        )
        applied = {row[0] for row in connection.execute("select number from schema_migration")}
        if applied and max(applied) > len(known):
            raise MigrationError(
                f"the database has migration {max(applied)}, this program knows {len(known)}:"
                " install the newer program"
            )
        waiting = [migration for migration in known if migration[0] not in applied]
        for number, name, text in waiting:
            _apply(connection, number, name, text)
        return [number for number, _, _ in waiting]


def _apply(connection: psycopg.Connection, number: int, name: str, text: str) -> None:
    try:
        with connection.transaction():
            connection.execute(sql.SQL(text))  # pyright: ignore[reportArgumentType]  our own files, no input
            connection.execute("insert into schema_migration (number, name) values (%s, %s)", [number, name])
    except psycopg.Error as error:
        raise MigrationError(f"migration {name} failed and was undone: {error}") from error
