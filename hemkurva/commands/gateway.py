"""`hemkurva gateway`: run the gateway at home, and look into its outbox."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import click

from gateway.report import report
from gateway.settings import OUTBOX_FILE, Settings, SettingsError, data_dir
from hemkurva.errors import UserError

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def gateway() -> None:
    """Read Bluetooth devices at home and publish their readings.

    Settings come from the environment: HEMKURVA_GATEWAY_ID, HEMKURVA_MQTT_HOST, HEMKURVA_MQTT_PORT,
    HEMKURVA_MQTT_PASSWORD or HEMKURVA_MQTT_PASSWORD_FILE, HEMKURVA_MQTT_CA, HEMKURVA_MQTT_CERT and
    HEMKURVA_MQTT_KEY, HEMKURVA_GATEWAY_DATA, HEMKURVA_ZONE.
    """


@gateway.command()
@click.option("--verbose", is_flag=True, help="Log each batch and each connection.")
def run(verbose: bool) -> None:
    """Run until stopped, with this machine's Bluetooth."""
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("bleak").setLevel(logging.WARNING)  # its debug log holds the frames themselves
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        raise UserError(str(error)) from error
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    # Here, not above: `gateway status` needs no radio, and bleak takes its time to load.
    from gateway.backends import SYSTEM
    from gateway.outbox import OutboxError
    from gateway.service import run as serve
    from gateway.service import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await serve(settings, SYSTEM, stop=stop)
    except OutboxError as error:
        raise UserError(str(error)) from error


@gateway.command()
@click.option("--data", type=_FOLDER, help="Folder of the outbox; default is HEMKURVA_GATEWAY_DATA.")
def status(data: Path | None) -> None:
    """Say what the outbox holds; the gateway may run meanwhile."""
    path = (data or data_dir(os.environ)) / OUTBOX_FILE
    if not path.is_file():
        raise UserError(f"there is no outbox at {path}; name the gateway's folder with --data")
    click.echo(report(path))
