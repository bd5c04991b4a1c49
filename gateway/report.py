"""What an outbox file holds, in words, for the person at the terminal. Reads only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_SUMMARY = """
SELECT (SELECT count(*) FROM reading),
       (SELECT count(*) FROM frame),
       (SELECT min(received_at) FROM
           (SELECT received_at FROM reading UNION ALL SELECT received_at FROM frame)),
       (SELECT count(*) FROM kept),
       (SELECT count(*) FROM settled),
       (SELECT value FROM note WHERE name = 'last_receipt')
"""
_REASONS = "SELECT reason, count(*) FROM kept GROUP BY reason ORDER BY count(*) DESC, reason"


def report(path: Path) -> str:
    """Return the lines of `hemkurva gateway status` for an outbox, which another process may be writing.

    A file that cannot be read is said so in a line, not raised.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            waiting, raw, oldest, kept, settled, receipt = db.execute(_SUMMARY).fetchone()
            reasons = db.execute(_REASONS).fetchall()
    except sqlite3.Error as error:
        return f"The outbox cannot be read: {error}. Restart the gateway; it takes over what is readable."
    lines = [
        f"Waiting for the server: {waiting} readings, {raw} raw records",
        f"Oldest of them:         {oldest or '-'}",
        f"Last receipt:           {receipt.decode() if receipt else 'never'}",
        f"Confirmed (30 days):    {settled - kept}",
        f"Kept aside:             {kept}",
    ]
    lines += [f"  {reason}: {count}" for reason, count in reasons]
    return "\n".join(lines)
