"""What conftest promises to all other tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_database_of_its_own_with_all_migrations(database: str, turn: int) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT to_regclass('reading') IS NOT NULL").fetchone() == (True,)
        connection.execute("CREATE TABLE only_once (turn int)")


def test_a_connection_left_open_is_no_hindrance(database: str) -> None:
    connection = psycopg.connect(database)
    connection.execute("SELECT 1")
    connection.pgconn.finish()


def test_an_empty_database_has_no_tables(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert found == (0,)


def test_chromium_is_there(chromium_path: Path) -> None:
    done = subprocess.run([chromium_path, "--version"], capture_output=True, text=True, check=True)
    assert "Chromium" in done.stdout or "Chrome" in done.stdout
