"""`hemkurva api`: serve the pages and the JSON API."""

from __future__ import annotations

import asyncio
import os

import click

from clinician_api.assets import AssetsMissing
from clinician_api.service import StartRefused, run
from clinician_api.settings import Settings, SettingsError
from hemkurva.errors import UserError
from storage.database import DatabaseUnavailable


@click.command()
def api() -> None:
    """Serve the pages and the JSON API until SIGTERM or Ctrl-C. Settings come from HEMKURVA_* variables."""
    try:
        asyncio.run(run(Settings.from_env(os.environ)))
    except (SettingsError, StartRefused, AssetsMissing, DatabaseUnavailable) as error:
        raise UserError(str(error)) from error
