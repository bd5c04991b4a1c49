"""`hemkurva alerts`: evaluate, keep cases, notify, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import click

from alerts.service import run
from alerts.settings import Settings, SettingsError
from hemkurva.errors import UserError


@click.command()
def alerts() -> None:
    """Evaluate readings, keep cases, notify.

    Settings: HEMKURVA_DSN; HEMKURVA_SMTP_HOST, _PORT, _FROM, _STARTTLS, _USER, _PASSWORD;
    HEMKURVA_PUBLIC_URL, the address that notifications name; HEMKURVA_SWEEP_SECONDS, how often silence is
    looked for; HEMKURVA_GATEWAY_SILENT_SECONDS, how long a gateway may be silent.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_until_signal(Settings.from_env(os.environ)))
    except SettingsError as error:
        raise UserError(str(error)) from error


async def _until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)
