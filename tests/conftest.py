"""Fixtures shared by all tests: a real PostgreSQL, a real Mosquitto, a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.supervisor import free_port


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server without durability, one per test process."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    """Name of a database with all migrations applied, to clone. Nobody connects to it."""
    from tests.support.databases import make_template

    return make_template(postgres_server)


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """Connection string of a fresh database with all migrations applied, this test's own."""
    from tests.support.databases import clone, drop

    name = clone(postgres_server, migrated_template)
    yield postgres_server.dsn(name)
    drop(postgres_server, name)


@pytest.fixture
def empty_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Connection string of a database without any table, this test's own."""
    from tests.support.databases import clone, drop

    name = clone(postgres_server, "template0")
    yield postgres_server.dsn(name)
    drop(postgres_server, name)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMosquitto]:
    """A running broker without accounts; call `add_gateway(id)` and `add_server()`, which return passwords.

    The broker takes an account's name for the client id, so that each connection needs its own account.
    """
    with EmbeddedMosquitto(tmp_path_factory.mktemp("mosquitto"), free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Chromium of the distribution."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    pytest.fail("Chromium is not installed; run `make test`, or install the package `chromium`")
