"""The outbox: what the gateway has read and the server has not yet confirmed, on disk.

A record is on the disk before anybody hears of it (SQLite, synchronous=FULL), and leaves only when a receipt
names it. One thread uses an outbox.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from gateway.salvage import move_aside, salvage_into, unsound
from wire.codec import encode_reading
from wire.messages import Receipt
from wire.reading import Reading

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=30)
"""How long a receipted reading is remembered, so that a device that repeats its memory is not sent again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS frame (
    frame_id       INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id      TEXT NOT NULL,
    device_name    TEXT,
    characteristic TEXT NOT NULL,
    raw            BLOB NOT NULL,
    received_at    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS reading (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    reading_id  BLOB NOT NULL UNIQUE,
    encoded     BLOB NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS settled (
    reading_id BLOB PRIMARY KEY,
    settled_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS settled_by_time ON settled (settled_at);
CREATE TABLE IF NOT EXISTS kept (
    reading_id BLOB PRIMARY KEY,
    encoded    BLOB NOT NULL,
    reason     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    kept_at    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS note (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
CLOCK_UNVERIFIED = "clock_unverified"
"""The server's reason for putting aside a record of which nobody knows when it was measured."""
LAST_RECEIPT = "last_receipt"
"""Note: when the server last confirmed something (ISO 8601)."""


class OutboxError(RuntimeError):
    """The outbox could not be written or read; nothing of the call was done. The text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Bytes as a device sent them; `received_at` is the gateway's clock, aware."""

    device_id: str
    device_name: str | None
    characteristic: str
    raw: bytes
    received_at: datetime


@dataclass(frozen=True)
class StoredFrame:
    """A frame that waits for its device's clock to be known."""

    frame_id: int
    frame: Frame


@dataclass(frozen=True)
class Pending:
    """A reading not yet receipted: its place in line, its identity, and the bytes that travel."""

    seq: int
    reading_id: UUID
    encoded: bytes


@dataclass(frozen=True)
class Counts:
    """Rows: raw frames not yet resolved, readings not yet receipted, kept aside, remembered as receipted."""

    frames: int
    pending: int
    kept: int
    settled: int


class Outbox:
    """The gateway's durable queue in one SQLite file."""

    def __init__(self, path: Path, *, now: datetime) -> None:
        """Open or create the file. A corrupt one is moved aside and its readable rows are taken over.

        `now` (aware) names the file moved aside. Raises OutboxError if the folder cannot be written.
        """
        self.path = path
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _open(path, now)
        self._forget(now)

    def close(self) -> None:
        """Close the file. What was put is safe without this, too."""
        self._db.close()

    def put_frame(self, frame: Frame) -> int:
        """Commit a raw frame and return its number. It is on the disk when this returns."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO frame (device_id, device_name, characteristic, raw, received_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    frame.device_id,
                    frame.device_name,
                    frame.characteristic,
                    frame.raw,
                    _text(frame.received_at),
                ),
            )
        return cursor.lastrowid or 0

    def frames(self, device_id: str | None = None) -> list[StoredFrame]:
        """Return the unresolved frames, of one device or of all, oldest first."""
        rows = self._db.execute(
            "SELECT frame_id, device_id, device_name, characteristic, raw, received_at FROM frame"
            " WHERE device_id = coalesce(?, device_id) ORDER BY frame_id",
            (device_id,),
        )
        return [
            StoredFrame(
                row[0],
                Frame(
                    device_id=row[1],
                    device_name=row[2],
                    characteristic=row[3],
                    raw=row[4],
                    received_at=datetime.fromisoformat(row[5]),
                ),
            )
            for row in rows
        ]

    def put_reading(self, reading: Reading) -> bool:
        """Commit a reading; return False if it is known already (in line, receipted or kept)."""
        with self._transaction():
            return self._insert(reading)

    def resolve(self, resolved: Sequence[tuple[int, Reading]]) -> int:
        """Replace frames by the readings made of them, in one transaction; return how many were new."""
        with self._transaction():
            new = sum(self._insert(reading) for _, reading in resolved)
            numbers = [(number,) for number, _ in resolved]
            self._db.executemany("DELETE FROM frame WHERE frame_id = ?", numbers)
        return new

    def pending(self, limit: int, exclude: Collection[int] = ()) -> list[Pending]:
        """Return up to `limit` readings in order of arrival, without those whose seq is in `exclude`."""
        rows = self._db.execute(
            "SELECT seq, reading_id, encoded FROM reading ORDER BY seq LIMIT ?", (limit + len(exclude),)
        )
        found = [Pending(row[0], UUID(bytes=row[1]), row[2]) for row in rows if row[0] not in exclude]
        return found[:limit]

    def settle(self, receipt: Receipt, sent: Sequence[UUID], *, now: datetime) -> int:
        """Do what a receipt says; return how many readings left the line.

        Accepted ids leave; quarantined ids are kept aside with the server's reason; if the message as a whole
        was refused for good, so are all that were `sent` in it. What the receipt does not name stays.
        """
        with self._transaction():
            gone = sum(self._remove(reading_id, now) for reading_id in receipt.accepted)
            for item in receipt.quarantined:
                gone += self._keep(item.reading_id, item.reason, item.detail, now)
            if receipt.refused is not None and receipt.refused.final:
                for reading_id in sent:
                    gone += self._keep(reading_id, receipt.refused.reason, receipt.refused.detail, now)
            self._write_note(LAST_RECEIPT, _text(now).encode())
        return gone

    def counts(self) -> Counts:
        """Return how many rows there are of each sort."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM frame), (SELECT count(*) FROM reading),"
            " (SELECT count(*) FROM kept), (SELECT count(*) FROM settled)"
        ).fetchone()
        return Counts(*row)

    def waiting(self) -> int:
        """Return how many records the server has not confirmed: readings in line and unresolved frames."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM frame) + (SELECT count(*) FROM reading)"
        ).fetchone()
        return int(row[0])

    def oldest(self) -> datetime | None:
        """Return the receive time of the oldest record that the server has not confirmed."""
        row = self._db.execute(
            "SELECT min(received_at) FROM"
            " (SELECT received_at FROM frame UNION ALL SELECT received_at FROM reading)"
        ).fetchone()
        return None if row[0] is None else datetime.fromisoformat(row[0])

    def kept(self) -> list[tuple[UUID, str, str]]:
        """Return (reading id, reason, detail) of what the server would not take, oldest first."""
        rows = self._db.execute("SELECT reading_id, reason, detail FROM kept ORDER BY kept_at, reading_id")
        return [(UUID(bytes=row[0]), row[1], row[2]) for row in rows]

    def note(self, name: str) -> bytes | None:
        """Return a small value kept beside the queue (the last configuration, the last receipt)."""
        row = self._db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def write_note(self, name: str, value: bytes) -> None:
        """Commit a small value kept beside the queue."""
        with self._transaction():
            self._write_note(name, value)

    def _write_note(self, name: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value))

    def _insert(self, reading: Reading) -> bool:
        key = reading.reading_id.bytes
        if reading.measured_at is not None:
            self._take_back(key)
        cursor = self._db.execute(
            "INSERT INTO reading (reading_id, encoded, received_at) SELECT ?, ?, ?"
            " WHERE NOT EXISTS (SELECT 1 FROM settled WHERE reading_id = ?)"
            " ON CONFLICT (reading_id) DO NOTHING",
            (key, encode_reading(reading), _text(reading.received_at), key),
        )
        return cursor.rowcount == 1

    def _take_back(self, key: bytes) -> None:
        """Forget that a record was put aside for its unknown time: now the time is known."""
        known = "DELETE FROM kept WHERE reading_id = ? AND reason = ?"
        if self._db.execute(known, (key, CLOCK_UNVERIFIED)).rowcount:
            self._db.execute("DELETE FROM settled WHERE reading_id = ?", (key,))

    def _remove(self, reading_id: UUID, now: datetime) -> int:
        gone = self._db.execute("DELETE FROM reading WHERE reading_id = ?", (reading_id.bytes,)).rowcount
        if gone:
            self._db.execute(
                "INSERT OR REPLACE INTO settled (reading_id, settled_at) VALUES (?, ?)",
                (reading_id.bytes, _text(now)),
            )
        return gone

    def _keep(self, reading_id: UUID, reason: str, detail: str, now: datetime) -> int:
        self._db.execute(
            "INSERT OR REPLACE INTO kept (reading_id, encoded, reason, detail, kept_at)"
            " SELECT reading_id, encoded, ?, ?, ? FROM reading WHERE reading_id = ?",
            (reason, detail, _text(now), reading_id.bytes),
        )
        return self._remove(reading_id, now)

    def _forget(self, now: datetime) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM settled WHERE settled_at < ?", (_text(now - REMEMBERED),))

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with _explained(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the cause.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _open(path: Path, now: datetime) -> sqlite3.Connection:
    trouble = unsound(path)
    if trouble is None:
        return _connect(path)
    aside = move_aside(path, now)
    db = _connect(path)
    taken = salvage_into(db, aside)
    log.error("outbox was damaged (%s): moved to %s, %d rows taken over to a new file", trouble, aside, taken)
    return db


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(_SCHEMA)
    return db


def _text(moment: datetime) -> str:
    """Return UTC in a fixed width, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise OutboxError(f"outbox {path}: {error}; {_advice(error)}") from error


def _advice(error: Exception) -> str:
    words = str(error)
    if "full" in words or "No space" in words:
        return "free some space on the disk, the gateway tries again by itself"
    if "malformed" in words or "not a database" in words:
        return "restart the gateway, it moves a damaged file aside and takes over what is readable"
    if "locked" in words:
        return "another process uses the file, run one gateway per data folder"
    return "check that the folder exists, is writable by the gateway's user and that the disk is sound"
