"""What to do with a damaged outbox file: keep it, and save the rows that can still be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

_SELECT_FORWARD = {
    "frame": "SELECT frame_id, device_id, device_name, characteristic, raw, received_at"
    " FROM frame ORDER BY frame_id",
    "reading": "SELECT seq, reading_id, encoded, received_at FROM reading ORDER BY seq",
    "settled": "SELECT reading_id, settled_at FROM settled ORDER BY reading_id",
    "kept": "SELECT reading_id, encoded, reason, detail, kept_at FROM kept ORDER BY reading_id",
    "note": "SELECT name, value FROM note ORDER BY name",
}
_INSERT = {
    "frame": "INSERT OR IGNORE INTO frame VALUES (?, ?, ?, ?, ?, ?)",
    "reading": "INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?)",
    "settled": "INSERT OR IGNORE INTO settled VALUES (?, ?)",
    "kept": "INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?)",
    "note": "INSERT OR IGNORE INTO note VALUES (?, ?)",
}


def unsound(path: Path) -> str | None:
    """Return in words what is wrong with the file, or None if it is sound or not there yet."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as db:
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked, or the disk: not the file's fault
        return str(error)
    return None if verdict == "ok" else verdict


def move_aside(path: Path, now: datetime) -> Path:
    """Rename the file with its write-ahead log and return the new name, which carries the time."""
    aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%S%f}")
    for suffix in ("", "-wal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def salvage_into(db: sqlite3.Connection, aside: Path) -> int:
    """Copy the readable rows of the damaged file into the new one; return how many."""
    with closing(sqlite3.connect(aside)) as damaged:
        damaged.execute("PRAGMA query_only = ON")
        db.execute("BEGIN IMMEDIATE")
        taken = sum(_copy(damaged, db, table) for table in _INSERT)
        db.execute("COMMIT")
    return taken


def _copy(damaged: sqlite3.Connection, db: sqlite3.Connection, table: str) -> int:
    """Read from both ends up to the damage, so that one bad page costs only the rows on it."""
    taken = 0
    for query in (_SELECT_FORWARD[table], _SELECT_FORWARD[table] + " DESC"):
        for row in _until_damage(damaged, query):
            try:
                taken += db.execute(_INSERT[table], row).rowcount
            except sqlite3.IntegrityError:
                continue  # a row whose columns are damaged breaks the new table's types
    return taken


def _until_damage(db: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    try:
        yield from db.execute(query)
    except sqlite3.DatabaseError:
        return
