"""The gateway as a whole: radio -> intake -> outbox -> publisher -> broker."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from uuid import uuid4

from devices.reading import Clock
from gateway.backends import Backend
from gateway.collector import Collector
from gateway.device_clock import utc_now
from gateway.intake import Intake
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.resolve import ClockHistory
from gateway.session import Pace
from gateway.settings import Settings
from gateway.status import Boot, StatusBoard
from gateway.window import Retry

log = logging.getLogger(__name__)

_HOUSEKEEPING = 5.0
_STOPPING = (1.0, 0.3, 0.2)
"""Seconds; the outbox is safe whatever happens, so a stop need not be waited for."""
_ABANDONED = timedelta(seconds=60)


async def run(
    settings: Settings,
    backend: Backend,
    *,
    stop: asyncio.Event,
    now: Callable[[], datetime] = utc_now,
    rng: random.Random | None = None,
    retry: Retry | None = None,
    pace: Pace | None = None,
) -> None:
    """Run the gateway until `stop` is set. Raises OutboxError if the outbox cannot be opened.

    `now` is the gateway's clock (aware), `rng` draws jitter, `retry` and `pace` are the timings of sending
    and of reading.
    """
    random_source = rng or random.Random()
    with closing(Outbox(settings.outbox_path, now=now())) as outbox:
        board = StatusBoard(outbox, Boot(boot_id=uuid4().hex, at=now()))
        gateway = _Gateway(settings, backend, outbox, board, now, random_source, retry, pace)
        await gateway.run(stop)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


class _Gateway:
    def __init__(
        self,
        settings: Settings,
        backend: Backend,
        outbox: Outbox,
        board: StatusBoard,
        now: Callable[[], datetime],
        rng: random.Random,
        retry: Retry | None,
        pace: Pace | None,
    ) -> None:
        self._zone = settings.zone
        self._now = now
        self._outbox = outbox
        self._board = board
        self._intake = Intake(outbox, wake=self._wake)
        self._collector = Collector(
            backend, self._intake, board, zone=settings.zone, now=now, rng=rng, pace=pace
        )
        self._publisher = Publisher(
            settings,
            outbox,
            board,
            now=now,
            rng=rng,
            retry=retry,
            on_config=lambda config: self._collector.allow(config.devices),
        )

    async def run(self, stop: asyncio.Event) -> None:
        self._resolve_leftovers()
        tasks = [
            asyncio.create_task(self._collector.run(), name="collector"),
            asyncio.create_task(self._publisher.run(), name="publisher"),
            asyncio.create_task(self._keep_house(), name="housekeeping"),
            asyncio.create_task(_until(stop), name="stop"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(tasks)
        for task in done:
            task.result()  # a part that ended by itself has failed: say so, and let the supervisor restart us

    def _wake(self) -> None:
        self._publisher.wake()
        self._board.outbox_grew()

    def _resolve_leftovers(self) -> None:
        """Frames of a run that was killed before it knew the device's clock: nobody knows it now."""
        left = self._intake.resolve(ClockHistory(found=Clock(zone=self._zone)))
        if left:
            log.warning("%d records were left from a run that ended suddenly; their clock is not known", left)

    def _resolve_abandoned(self) -> None:
        """Frames whose device broke off before telling its time, and has not come back since."""
        self._intake.resolve(ClockHistory(found=Clock(zone=self._zone)), before=self._now() - _ABANDONED)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            self._intake.retry()
            self._resolve_abandoned()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel; and again those that still wait for a radio which does not answer any more."""
    for patience in _STOPPING:
        for task in tasks:
            task.cancel()
        _, pending = await asyncio.wait(tasks, timeout=patience)
        if not pending:
            return
    log.warning("stopped without an answer from the radio")


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
