"""The migrations make the schema that storage/schema.sql shows, and can be run at any time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from storage.migrate import MigrationError, available, migrate
from tests.integration.storage.dump_schema import SCHEMA, dump, normalise


def test_schema_file_is_what_the_migrations_make(empty_database: str) -> None:
    migrate(empty_database)
    assert dump(empty_database) == SCHEMA.read_text(), "run: python -m tests.integration.storage.dump_schema"


def test_normalise_keeps_function_bodies() -> None:
    function = "CREATE FUNCTION f() AS $$\n-- why\n\nselect 1\n$$;\n"
    noisy = f"SET a = 1;\n\\restrict x\n{function}\n\n-- c\nCREATE TABLE t;\n"
    assert normalise(noisy) == f"{function}\nCREATE TABLE t;\n"


def test_a_second_run_does_nothing(empty_database: str) -> None:
    assert migrate(empty_database) == [number for number, _, _ in available()]
    assert migrate(empty_database) == []


def test_several_at_the_same_time(empty_database: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        applied = list(threads.map(migrate, [empty_database] * 3))
    assert sorted(applied)[-1] == [number for number, _, _ in available()]
    assert sorted(applied)[:2] == [[], []]


def test_a_newer_database_is_refused(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as conn:
        conn.execute("insert into schema_migration (number, name) values (9999, 'from the future')")
    with pytest.raises(MigrationError, match="install the newer program"):
        migrate(empty_database)


def test_without_timescale_reading_is_a_plain_table(empty_database: str) -> None:
    migrate(empty_database)
    with psycopg.connect(empty_database) as conn:
        row = conn.execute(
            "select relkind, (select count(*) from pg_extension where extname = 'timescaledb')"
            " from pg_class where oid = 'reading'::regclass"
        ).fetchone()
    assert row == ("r", 0)
