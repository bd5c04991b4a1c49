"""A gateway's surroundings: a broker, a server, a home with a virtual radio."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import Address
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink

from gateway.backends import Backend
from gateway.backends.bumble import bumble_backend
from gateway.device_clock import utc_now
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.settings import Settings
from gateway.status import Boot, StatusBoard
from gateway.window import Retry
from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from wire.messages import Config

from .server import Server

QUICK = Retry(receipt_timeout=0.2, base=0.1, cap=0.5)
_numbers = itertools.count(1)


@pytest.fixture
def settings(broker: EmbeddedMosquitto, tmp_path: Path) -> Settings:
    """A gateway of this test's own, with an account at the broker."""
    gateway_id = f"gw-{next(_numbers):04}"
    return Settings(
        gateway_id=gateway_id,
        data_dir=tmp_path / "gateway",
        mqtt_host=broker.host,
        mqtt_port=broker.port,
        mqtt_password=broker.add_gateway(gateway_id),
    )


@pytest.fixture
def server(broker: EmbeddedMosquitto) -> Iterator[Server]:
    """A server that accepts everything until told otherwise."""
    with Server(broker, broker.add_server()) as running:
        yield running


@pytest.fixture
def outbox(settings: Settings) -> Iterator[Outbox]:
    opened = Outbox(settings.outbox_path, now=utc_now())
    yield opened
    opened.close()


@dataclass
class Sending:
    """A running publisher and what it told."""

    publisher: Publisher
    board: StatusBoard
    configs: list[Config]


@asynccontextmanager
async def sending(settings: Settings, outbox: Outbox, retry: Retry = QUICK) -> AsyncIterator[Sending]:
    """Run a publisher for the length of a block."""
    board = StatusBoard(outbox, Boot(boot_id="test", at=utc_now()))
    configs: list[Config] = []
    publisher = Publisher(
        settings,
        outbox,
        board,
        now=utc_now,
        rng=random.Random(1),
        on_config=configs.append,
        retry=retry,
    )
    task = asyncio.create_task(publisher.run())
    try:
        yield Sending(publisher, board, configs)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@dataclass
class Home:
    """A virtual radio and the backend of a gateway that listens to it."""

    link: LocalLink
    central: Device
    backend: Backend


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    link = LocalLink()
    controller = Controller("gateway", link=link)
    central = Device.with_hci("gateway", Address("F0:00:00:00:00:01"), controller, controller)
    central.keystore = MemoryKeyStore()
    await central.power_on()
    yield Home(link, central, bumble_backend(central))
    await central.power_off()
