"""Databases of a test server: one template with all migrations, one clone for each test."""

from __future__ import annotations

import itertools

import psycopg
from psycopg import sql

from hemkurva.embedded.postgres import EmbeddedPostgres
from storage.migrate import migrate

TEMPLATE = "template_migrated"
_numbers = itertools.count(1)


def make_template(server: EmbeddedPostgres) -> str:
    """Create the template database with all migrations applied; return its name."""
    migrate(server.ensure_database(TEMPLATE))
    return TEMPLATE


def clone(server: EmbeddedPostgres, template: str) -> str:
    """Create a database like the template; return its name."""
    name = f"test_{next(_numbers)}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    _execute(server, statement.format(sql.Identifier(name), sql.Identifier(template)))
    return name


def drop(server: EmbeddedPostgres, name: str) -> None:
    """Remove a database, even if a test left connections open."""
    _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(statement)
