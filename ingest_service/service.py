"""The loop: receive -> sort -> store -> COMMIT -> receipts -> acknowledge. One thread does it all."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from ingest_service.broker import BrokerUnavailable, Connection, Delivery
from ingest_service.settings import Settings
from ingest_service.sort import Answer, Message, Sorted, refuse, sender, sort
from storage.database import DatabaseUnavailable, instance_name
from storage.ingest import IngestStore, Intake, IntakeRefused, Stored
from wire.codec import encode
from wire.topics import Channel, topic

log = logging.getLogger(__name__)

MOST_MESSAGES = 1000
DRAIN = 0.005
"""Seconds to read what is here before it is stored."""
IDLE = 0.2
"""Seconds to wait for a message before looking at the clock and at `stop`."""
LONGEST_RETRY = 1.0
"""Seconds between attempts at PostgreSQL or the broker; they start at a twentieth of it."""


class Store(Protocol):
    """What the loop needs of storage.ingest.IngestStore."""

    def gateways(self, gateway_ids: Sequence[str]) -> dict[str, datetime | None]: ...
    def write(self, intake: Intake, now: datetime) -> Stored: ...
    def beat(self, instance: str, now: datetime, detail: dict[str, int | bool]) -> None: ...
    def close(self) -> None: ...


def utc_now() -> datetime:
    """Return the server's clock."""
    return datetime.now(UTC)


class Ingest:
    """One ingest worker."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store | None = None,
        clock: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
    ) -> None:
        """Prepare; nothing is opened before `run`. The clock judges plausibility and stamps quarantine."""
        self._settings = settings
        self._store = store or IngestStore(settings.dsn)
        self._clock = clock
        self._rng = rng or random.Random()
        self._instance = instance_name()
        self._next_beat = 0.0
        self._counts: Counter[str] = Counter()
        self._connected = False

    def run(self, stop: Callable[[], bool]) -> None:
        """Work until `stop` answers True; it is asked several times a second.

        Neither server need be there: the loop tries again until it is.
        """
        attempt = 0
        try:
            while not stop():
                try:
                    self._serve(Connection(self._settings), stop)
                except BrokerUnavailable as error:
                    log.warning("broker: %s", error)
                    attempt = 0 if self._connected else attempt + 1
                self._connected = False
                self._beat_when_due()
                self._wait(self._pause(attempt), stop)
        finally:
            self._store.close()

    def _serve(self, connection: Connection, stop: Callable[[], bool]) -> None:
        self._connected = True
        log.info("connected to the broker as %s", self._settings.client_id)
        try:
            while not stop():
                deliveries = connection.receive(MOST_MESSAGES, wait=IDLE, drain=DRAIN)
                if deliveries:
                    self._handle(connection, deliveries, stop)
                self._beat_when_due()
        finally:
            connection.close()

    def _handle(self, connection: Connection, deliveries: list[Delivery], stop: Callable[[], bool]) -> None:
        """Store, answer, acknowledge. Until PostgreSQL has it, nothing is acknowledged."""
        messages = [delivery.message for delivery in deliveries]
        attempt = 0
        while True:
            try:
                answers = self.store(messages)
                break
            except DatabaseUnavailable as error:
                log.warning("database: %s", error)
                connection.stay_alive(self._pause(attempt))
                attempt += 1
            if stop():
                return
        for answer in answers:
            connection.answer(topic(answer.gateway_id, Channel.RECEIPTS), encode(answer.receipt))
        connection.acknowledge(deliveries)
        connection.flush()

    def store(self, messages: Sequence[Message]) -> list[Answer]:
        """Store the messages and return the receipts that may be sent now.

        If PostgreSQL refuses the content, halve it until the one message is found that is to blame; that one
        goes to quarantine as a whole. Raises DatabaseUnavailable; what was stored by then is stored again
        without effect.
        """
        now = self._clock()
        senders = {gateway_id for message in messages if (gateway_id := sender(message)) is not None}
        decided = sort(messages, self._store.gateways(sorted(senders)), now)
        try:
            return self._commit(decided, now)
        except IntakeRefused as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                return self.store(messages[:middle]) + self.store(messages[middle:])
            log.error("PostgreSQL refused the content of a message (%s); it is in quarantine", error)
            return self._commit(refuse(messages[0], "storage_error"), now)

    def _commit(self, decided: Sorted, now: datetime) -> list[Answer]:
        stored = self._store.write(decided.intake, now)
        self._counts["assigned"] += stored.assigned
        self._counts["unassigned"] += stored.unassigned
        self._counts["quarantined"] += len(decided.intake.quarantine)
        for reason, count in Counter(entry.reason for entry in decided.intake.quarantine).items():
            log.warning("quarantined %d: %s", count, reason)
        return decided.answers

    def _beat_when_due(self) -> None:
        now = time.monotonic()
        if now < self._next_beat:
            return
        self._next_beat = now + self._settings.beat_seconds
        try:
            self._store.beat(self._instance, self._clock(), {"broker": self._connected, **self._counts})
        except DatabaseUnavailable as error:
            log.warning("database: %s", error)

    def _pause(self, attempt: int) -> float:
        """Return seconds to wait before the next attempt: doubled each time, with jitter."""
        longest = min(LONGEST_RETRY, LONGEST_RETRY / 20 * 2.0 ** min(attempt, 10))
        return longest * self._rng.uniform(0.5, 1.0)

    def _wait(self, seconds: float, stop: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while not stop() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
