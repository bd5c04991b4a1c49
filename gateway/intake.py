"""The way from the radio into the outbox. A full disk stops neither the radio nor the process."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

from gateway.outbox import Frame, Outbox, OutboxError
from gateway.resolve import ClockHistory, resolve

log = logging.getLogger(__name__)

_HELD = 10_000
"""Frames kept in memory while the disk refuses; a device's whole memory is a few hundred."""


_Held = tuple[Frame, ClockHistory | None]


class Intake:
    """Commits frames and readings; what the disk refuses is held in memory and tried again."""

    def __init__(self, outbox: Outbox, *, wake: Callable[[], None]) -> None:
        """`wake` is called after a new reading has been committed."""
        self._outbox = outbox
        self._wake = wake
        self._held: deque[_Held] = deque(maxlen=_HELD)

    @property
    def held(self) -> int:
        """How many frames wait in memory because the disk refused them."""
        return len(self._held)

    def take(self, frame: Frame, history: ClockHistory | None) -> int:
        """Commit a frame and return how many new readings that gave.

        It is committed as a reading if its device's clock is known, else raw. What the disk refused before is
        committed first.
        """
        self._held.append((frame, history))
        return self.retry()

    def resolve(
        self, history: ClockHistory, device_id: str | None = None, *, before: datetime | None = None
    ) -> int:
        """Turn the raw frames of one device, or of all, into readings; return how many were new.

        `before` leaves frames alone that were received then or later.

        When the disk refuses, the frames stay as they are, for the next attempt or the next start.
        """
        try:
            stored = [
                item
                for item in self._outbox.frames(device_id)
                if before is None or item.frame.received_at < before
            ]
            if not stored:
                return 0
            new = self._outbox.resolve([(item.frame_id, resolve(item.frame, history)) for item in stored])
        except OutboxError as error:
            log.error("%s", error)
            return 0
        self._wake()
        return new

    def retry(self) -> int:
        """Commit what waits in memory, oldest first, as far as the disk takes it; return new readings."""
        new = 0
        try:
            while self._held:
                new += self._commit(*self._held[0])
                self._held.popleft()
        except OutboxError as error:
            log.error("%d records wait in memory: %s", len(self._held), error)
        if new:
            self._wake()
        return new

    def _commit(self, frame: Frame, history: ClockHistory | None) -> int:
        if history is None:
            self._outbox.put_frame(frame)
            return 0
        return self._outbox.put_reading(resolve(frame, history))
