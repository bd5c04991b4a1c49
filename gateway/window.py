"""Batches on their way: sent, not yet receipted, and when each is to be sent again. Pure."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.backoff import full_jitter
from gateway.outbox import Pending
from wire.codec import digest, join_batch


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When a batch without a receipt is sent again. Seconds.

    After `receipt_timeout` plus full jitter of min(cap, base * 2**n): fixed retries caused a storm that never
    drained.
    """

    receipt_timeout: float = 10.0
    base: float = 2.0
    cap: float = 300.0
    silence: float = 30.0
    """A receipt after this long a silence says that the server is back: what waits is sent soon."""


@dataclass(kw_only=True)
class InFlight:
    """One batch: its bytes never change. `due` is a monotonic time."""

    name: str
    payload: bytes
    seqs: tuple[int, ...]
    reading_ids: tuple[UUID, ...]
    attempts: int = 0
    due: float = 0.0


class Window:
    """At most `size` batches in flight."""

    def __init__(self, size: int, retry: Retry, rng: random.Random) -> None:
        """Start empty. `rng` draws the jitter."""
        self._size = size
        self._retry = retry
        self._rng = rng
        self._batches: dict[str, InFlight] = {}
        self._last_receipt = float("-inf")

    @property
    def full(self) -> bool:
        """Whether no further batch may be added."""
        return len(self._batches) >= self._size

    @property
    def empty(self) -> bool:
        """Whether nothing is on its way."""
        return not self._batches

    def seqs(self) -> set[int]:
        """Return the outbox places of all readings in flight."""
        return {seq for batch in self._batches.values() for seq in batch.seqs}

    def add(self, pending: Sequence[Pending]) -> InFlight:
        """Make a batch of 1-50 readings and put it in flight, due at once."""
        payload = join_batch([item.encoded for item in pending])
        batch = InFlight(
            name=digest(payload),
            payload=payload,
            seqs=tuple(item.seq for item in pending),
            reading_ids=tuple(item.reading_id for item in pending),
        )
        self._batches[batch.name] = batch
        return batch

    def due(self, now: float) -> list[InFlight]:
        """Return the batches to be sent (again) now."""
        return [batch for batch in self._batches.values() if batch.due <= now]

    def next_due(self) -> float | None:
        """Return when the next batch falls due, or None when nothing is in flight."""
        return min((batch.due for batch in self._batches.values()), default=None)

    def sent(self, batch: InFlight, now: float) -> float:
        """Note that a batch went out; return after how many seconds it is due again."""
        jitter = full_jitter(batch.attempts, self._rng, base=self._retry.base, cap=self._retry.cap)
        wait = self._retry.receipt_timeout + jitter
        batch.attempts += 1
        batch.due = now + wait
        return wait

    def find(self, name: str) -> InFlight | None:
        """Return the batch of that name; None if it is not ours any more (a late or second receipt)."""
        return self._batches.get(name)

    def receipted(self, batch: InFlight, named: Collection[UUID], now: float) -> None:
        """Take a batch out if the receipt `named` all of its readings; otherwise it is sent again."""
        if now - self._last_receipt > self._retry.silence:
            self._hurry((other for other in self._batches.values() if other.attempts > 1), now)
        self._last_receipt = now
        if set(batch.reading_ids) <= set(named):
            self._batches.pop(batch.name, None)

    def reconnected(self, now: float) -> None:
        """The connection is new: what was in flight may be lost with the old one, so send it soon."""
        self._hurry(self._batches.values(), now)

    def _hurry(self, batches: Iterable[InFlight], now: float) -> None:
        for batch in batches:
            soon = full_jitter(0, self._rng, base=self._retry.base, cap=self._retry.cap)
            batch.due = min(batch.due, now + soon)
