"""`hemkurva ingest`: one ingest worker, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType

import click

from hemkurva.errors import UserError
from ingest_service.service import Ingest
from ingest_service.settings import Settings, SettingsError

GRACE = 1.5
"""Seconds to end what is under way. Then the process just ends: what is not acknowledged comes again."""


@click.command()
def ingest() -> None:
    """Store what gateways send.

    Settings: HEMKURVA_DSN; HEMKURVA_MQTT_HOST, _PORT, _USERNAME, _PASSWORD or _PASSWORD_FILE, _CA, _CERT,
    _KEY; HEMKURVA_INGEST_ID, the broker's name for this worker's session.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        raise UserError(str(error)) from error
    Ingest(settings).run(_stop_on_signals().is_set)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGALRM, lambda _number, _frame: os._exit(0))
    return stop
