"""`hemkurva migrate`: bring the database up to date."""

from __future__ import annotations

import os

import click

from hemkurva.errors import UserError
from ingest_service.settings import SettingsError, database_from_env
from storage.database import DatabaseUnavailable, wait_until_up
from storage.migrate import MigrationError
from storage.migrate import migrate as apply_migrations


@click.command()
@click.option("--wait", default=30.0, show_default=True, help="Seconds to wait for PostgreSQL.")
def migrate(wait: float) -> None:
    """Bring the database that HEMKURVA_DSN names up to date. Safe to run again and at the same time."""
    try:
        dsn = database_from_env(os.environ)
        wait_until_up(dsn, seconds=wait)
        applied = apply_migrations(dsn)
    except (SettingsError, DatabaseUnavailable, MigrationError) as error:
        raise UserError(str(error)) from error
    click.echo(f"{len(applied)} migrations applied" if applied else "the database is up to date")
