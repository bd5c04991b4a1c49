"""The schema as one file. Rewrite it: `.venv/bin/python -m tests.integration.storage.dump_schema`."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from hemkurva.embedded.postgres import EmbeddedPostgres, find_binaries
from storage.migrate import migrate

SCHEMA = Path(__file__).resolve().parents[3] / "storage" / "schema.sql"
HEADER = """\
-- The schema as all migrations together make it, on plain PostgreSQL. Made by
-- `.venv/bin/python -m tests.integration.storage.dump_schema`; a test holds it against the migrations.
"""
# Comments, session settings, psql's own commands and blank lines say nothing about the schema.
_NOISE = re.compile(r"(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\.*|)")


def dump(dsn: str) -> str:
    """Return the schema of a database, normalised."""
    command = [find_binaries() / "pg_dump", "--schema-only", "--no-owner", "--no-comments", "--dbname", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEADER + normalise(done.stdout)


def normalise(text: str) -> str:
    """Drop what differs between versions of pg_dump; keep one blank line between statements.

    Inside a function's body everything stays as it is.
    """
    kept: list[str] = []
    inside = False
    for line in text.splitlines():
        if not inside and _NOISE.fullmatch(line):
            if kept and kept[-1]:
                kept.append("")
            continue
        inside ^= line.count("$$") % 2 == 1
        kept.append(line)
    return "\n".join(kept).strip() + "\n"


def main() -> None:
    """Write the file anew, from a server of its own."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder), fast=True) as server:
        dsn = server.ensure_database("schema")
        migrate(dsn)
        SCHEMA.write_text(dump(dsn))


if __name__ == "__main__":
    main()
