"""The gateway as a whole: from a device's indication to the server, and its start and stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bleak.backends.scanner import BaseBleakScanner

from devices.virtual.models import WeightScale
from devices.weight import Weight
from gateway.backends import Backend
from gateway.device_clock import utc_now
from gateway.outbox import Outbox, OutboxError
from gateway.service import run, stop_on_signals
from gateway.session import Pace
from gateway.settings import Settings
from tests.unit.gateway.make import frame, reading
from wire.reading import ClockQuality

from .conftest import QUICK, Home
from .server import Server, until

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def wall() -> datetime:
    return datetime.now(STOCKHOLM).replace(tzinfo=None)


@asynccontextmanager
async def serving(settings: Settings, backend: Backend) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, backend, stop=stop, retry=QUICK, pace=Pace(quiet=0.15)))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_from_the_scale_to_the_server(settings: Settings, server: Server, home: Home) -> None:
    scale = WeightScale(home.link, "F0:F1:F2:F3:F4:02", name="Virtual Scale", now=wall)
    await scale.start()
    async with serving(settings, home.backend):
        frames = [scale.measure(Weight(weight=70 + number)) for number in range(3)]
        await until(lambda: len(server.reading_ids) == 3)
        await until(lambda: any(status.devices for status in server.statuses))
    await scale.stop()
    assert [one.raw for one in server.readings] == [raw.hex() for raw in frames]
    await until(lambda: not server.statuses[-1].online)


async def test_what_was_left_by_a_killed_run_is_sent(settings: Settings, server: Server, home: Home) -> None:
    outbox = Outbox(settings.outbox_path, now=utc_now())
    outbox.put_reading(reading(1))
    outbox.put_frame(frame())
    outbox.close()
    async with serving(settings, home.backend):
        await until(lambda: len(server.reading_ids) == 2)
    left = server.readings[1]
    assert left.received_at == frame().received_at
    assert left.clock is ClockQuality.GATEWAY, "it was live when it was received"


async def test_two_runs_after_each_other_on_one_radio(settings: Settings, server: Server, home: Home) -> None:
    for number in range(2):
        scale = WeightScale(home.link, "F0:F1:F2:F3:F4:02", name="Virtual Scale", now=wall)
        await scale.start()
        async with serving(settings, home.backend):
            scale.measure(Weight(weight=70 + number))
            await until(lambda count=number + 1: len(server.reading_ids) == count)
        await scale.stop()


async def test_it_stops_within_two_seconds(settings: Settings, home: Home) -> None:
    scale = WeightScale(home.link, "F0:F1:F2:F3:F4:02", name="Virtual Scale", now=wall, linger=30)
    await scale.start()
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, home.backend, stop=stop))
    scale.measure(Weight(weight=70))
    await until(lambda: scale.is_connected and scale.pending == 0)
    started = time.monotonic()
    stop.set()
    await task
    assert time.monotonic() - started < 2
    await scale.stop()


class DeadRadio(BaseBleakScanner):
    """A radio that starts and never answers again."""

    def __init__(self, *args: Any, **_options: Any) -> None:
        super().__init__(args[0], args[1])

    async def start(self) -> None:
        """Start."""

    async def stop(self) -> None:
        """Wait for an answer that does not come."""
        await asyncio.Event().wait()


async def test_a_dead_radio_does_not_hold_up_the_stop(settings: Settings) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, Backend(scanner=DeadRadio), stop=stop))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    stop.set()
    await task
    assert time.monotonic() - started < 2


async def test_a_signal_stops_it(settings: Settings, home: Home) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    task = asyncio.create_task(run(settings, home.backend, stop=stop))
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(2):
        await task
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


async def test_an_outbox_that_cannot_be_opened_ends_it_with_a_reason(
    settings: Settings, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "in-the-way").write_text("")
    with pytest.raises(OutboxError, match="check that the folder exists"):
        await run(replace(settings, data_dir=tmp_path / "in-the-way"), home.backend, stop=asyncio.Event())
