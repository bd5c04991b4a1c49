"""The live wire from the database to open pages: one LISTEN connection, many server-sent event streams.

An event says only that something of a topic has changed, never what or whose: the page asks again, through
the same sign-in and access log as ever. Topics: "case" (a case was opened or changed), "reading" (readings
have arrived).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager

from storage.wakes import wakes

TOPICS = {"case_changed": "case", "evaluation_due": "reading"}
"""Database channel to topic."""
KEEP_ALIVE_SECONDS = 15.0
COALESCE_SECONDS = 0.05
"""A burst of changes becomes one event: under what an eye notices, above what a burst takes."""


class Subscription:
    """What has changed since a stream last looked."""

    def __init__(self) -> None:
        """Start with nothing changed."""
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self.closed = False

    def add(self, topics: set[str]) -> None:
        """Note changes and wake the stream."""
        self._changed |= topics
        self._wake.set()

    def close(self) -> None:
        """End the stream."""
        self.closed = True
        self._wake.set()

    async def take(self, seconds: float) -> set[str]:
        """Return what changed, at the latest after `seconds`, then perhaps nothing."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
            if not self.closed:
                await asyncio.sleep(COALESCE_SECONDS)
        except TimeoutError:
            pass
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return changed


class Hub:
    """Fans the wake-ups of one connection out to all streams of this process."""

    def __init__(self) -> None:
        """Start without streams."""
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @contextmanager
    def subscribe(self) -> Generator[Subscription]:
        """Yield a subscription for as long as the block lasts."""
        subscription = Subscription()
        subscription.closed = self._closed
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def publish(self, topics: set[str]) -> None:
        """Tell every stream that these topics have changed."""
        for subscription in self._subscriptions:
            subscription.add(topics)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    async def run(self, dsn: str) -> None:
        """Listen until cancelled. After a lost connection everything counts as changed."""
        async for channel in wakes(dsn, "hemkurva_web", tuple(TOPICS)):
            self.publish({TOPICS[channel]} if channel else set(TOPICS.values()))


async def event_stream(
    hub: Hub, still_signed_in: Callable[[], Awaitable[bool]], *, keep_alive: float = KEEP_ALIVE_SECONDS
) -> AsyncGenerator[str]:
    """Yield server-sent events until the hub closes, the client goes or the session is over.

    Every `keep_alive` seconds without a change it looks whether the session still holds. When it does not,
    the stream ends, the page asks for a new one, is refused, and shows the sign-in page.
    """
    with hub.subscribe() as subscription:
        yield "retry: 2000\n\n"
        while not subscription.closed:
            changed = await subscription.take(keep_alive)
            if changed:
                yield "".join(f"event: {topic}\ndata: changed\n\n" for topic in sorted(changed))
            elif await still_signed_in():
                yield ": still here\n\n"
            else:
                return
