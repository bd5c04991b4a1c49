"""Hands the outbox to the server and takes out of it what the server has confirmed."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime

from gateway.link import Link
from gateway.outbox import Outbox, OutboxError
from gateway.settings import Settings
from gateway.status import StatusBoard
from gateway.window import InFlight, Retry, Window
from wire.codec import CodecError, decode, encode
from wire.messages import MAX_BATCH, Config, Receipt
from wire.topics import Channel

log = logging.getLogger(__name__)

WINDOW = 4
"""Batches in flight: enough to fill a slow line, few enough for the server to answer in order."""
_CONFIG_NOTE = "config"
_STATUS_PAUSE = 1.0
_AFTER_A_FAULT = 5.0


class Publisher:
    """The sending half of the gateway. Wake it when the outbox has grown; everything else it does itself."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        board: StatusBoard,
        *,
        now: Callable[[], datetime],
        rng: random.Random,
        on_config: Callable[[Config], None],
        retry: Retry | None = None,
    ) -> None:
        """Prepare. `on_config` hears of the last known configuration at once, then of each new one."""
        self._outbox = outbox
        self._board = board
        self._now = now
        self._on_config = on_config
        self._status_interval = settings.status_interval
        self._window = Window(WINDOW, retry or Retry(), rng)
        self._awake = asyncio.Event()
        self._link = Link(
            settings,
            will=encode(board.farewell()),
            on_message=self._on_message,
            on_change=self._on_link,
            rng=rng,
        )
        self._recall_config()

    @property
    def connected(self) -> bool:
        """Whether the broker is reached now."""
        return self._link.connected

    def wake(self) -> None:
        """Say that the outbox has grown."""
        self._awake.set()

    async def run(self) -> None:
        """Send, receive and report until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run(lambda: encode(self._board.farewell(self._now()))))
            tasks.create_task(self._send())
            tasks.create_task(self._report())

    async def _send(self) -> None:
        while True:
            self._awake.clear()
            pause = None
            if self._link.connected:
                pause = self._send_due()
            try:
                async with asyncio.timeout(pause):
                    await self._awake.wait()
            except TimeoutError:
                continue

    def _send_due(self) -> float | None:
        """Send what may be sent now; return after how many seconds there is more to do, if it is known."""
        now = asyncio.get_running_loop().time()
        try:
            self._fill()
        except OutboxError as error:
            log.error("%s", error)
            return _AFTER_A_FAULT
        for batch in self._window.due(now):
            self._transmit(batch, now)
        upcoming = self._window.next_due()
        return None if upcoming is None else max(0.0, upcoming - now)

    def _fill(self) -> None:
        while not self._window.full:
            pending = self._outbox.pending(MAX_BATCH, self._window.seqs())
            if not pending:
                return
            self._window.add(pending)

    def _transmit(self, batch: InFlight, now: float) -> None:
        # The broker may keep it until it is sent again, so that at most one copy waits for the server.
        wait = self._window.sent(batch, now)
        if batch.attempts > 1:
            log.info("no receipt yet for a batch of %d, attempt %d", len(batch.seqs), batch.attempts)
        self._link.publish(Channel.READINGS, batch.payload, expiry=wait)

    def _on_link(self, up: bool) -> None:
        if up:
            log.info("connected to the broker, %d records to hand over", self._outbox.waiting())
            self._window.reconnected(asyncio.get_running_loop().time())
            self._board.changed.set()
        self._awake.set()

    def _on_message(self, channel: Channel, payload: bytes) -> None:
        try:
            if channel is Channel.RECEIPTS:
                self._on_receipt(decode(payload, Receipt))
            elif channel is Channel.CONFIG:
                self._configure(decode(payload, Config))
                self._outbox.write_note(_CONFIG_NOTE, payload)
        except CodecError as error:
            log.error("cannot read a message on %s: %s", channel, error)
        except OutboxError as error:
            log.error("%s", error)  # the batch is sent again, and receipted again

    def _on_receipt(self, receipt: Receipt) -> None:
        batch = self._window.find(receipt.batch)
        sent = () if batch is None else batch.reading_ids
        self._outbox.settle(receipt, sent, now=self._now())
        if receipt.refused is not None:
            log.error("the server refused a batch of %d: %s", len(sent), receipt.refused.reason)
        for item in receipt.quarantined:
            log.warning("the server put reading %s aside: %s", item.reading_id, item.reason)
        if batch is not None:
            named = {*receipt.accepted, *(item.reading_id for item in receipt.quarantined)}
            if receipt.refused is not None and receipt.refused.final:
                named.update(sent)
            self._window.receipted(batch, named, asyncio.get_running_loop().time())
        self._awake.set()

    def _recall_config(self) -> None:
        """Take the configuration of the last run: a neighbour's devices stay out though the line is down."""
        kept = self._outbox.note(_CONFIG_NOTE)
        if kept is None:
            return
        try:
            self._configure(decode(kept, Config))
        except CodecError as error:
            log.error("the configuration kept from last time is unreadable and is ignored: %s", error)

    def _configure(self, config: Config) -> None:
        self._status_interval = config.status_interval
        self._on_config(config)
        self._board.changed.set()

    async def _report(self) -> None:
        """Send the status every interval and soon after each change, at most once a second."""
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._status_interval - _STATUS_PAUSE)):
                    await self._board.changed.wait()
            except TimeoutError:
                pass
            if self._link.connected:
                status = encode(self._board.report(self._now()))
                self._link.publish(Channel.STATUS, status, expiry=2 * self._status_interval)
            else:
                self._board.changed.clear()
            await asyncio.sleep(_STATUS_PAUSE)
