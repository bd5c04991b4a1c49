"""A virtual gateway whose disk cannot be used says so, and goes on once it can."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from bumble.link import LocalLink

from gateway.settings import Settings
from hemkurva.demo.dongle import serve_adapter
from hemkurva.demo.gateways import Gateway
from hemkurva.supervisor import free_port
from tests.e2e.support import until


async def test_a_gateway_without_a_usable_outbox_tries_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    data = tmp_path / "data"
    data.write_text("a file where the outbox's folder should be")
    settings = Settings(gateway_id="kit-1000", data_dir=data, mqtt_host="127.0.0.1", mqtt_port=free_port())
    adapter = await serve_adapter(LocalLink(), tmp_path / "home.hci")
    gateway = Gateway(settings, tmp_path / "home.hci")

    async def complained() -> bool:
        return any(
            record.levelno == logging.ERROR and "kit-1000" in record.message for record in caplog.records
        )

    async def opened() -> bool:
        return settings.outbox_path.exists()

    await gateway.power(on=True)
    try:
        await until(complained, within=10, what="a complaint about the outbox")
        data.unlink()
        await until(opened, within=10, what="the outbox opened")
    finally:
        await gateway.power(on=False)
        adapter.close()
