"""The alerts service: evaluator, sweeper, escalator and notifier side by side, and a sign of life.

Each is a loop with its own connection. A loop that fails waits a little, connects anew and goes on; nothing
is kept in memory that the database does not hold. The sign of life stops when a loop no longer gets round.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.escalation import escalate
from alerts.evaluate import PATIENTS_A_ROUND, Plans, RoundFailed, evaluate_once
from alerts.notify import Send, senders
from alerts.outgoing import send_waiting
from alerts.settings import Settings
from alerts.sweep import ALWAYS, Patience, sweep
from storage.database import Connection, DatabaseUnavailable, instance_name
from storage.evaluation import ROLE, session
from storage.heartbeat import beat
from storage.wakes import wakes

FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 5.0
PACE = 0.005
LONGEST_PACE = 0.25
CROWD = 100
"""Seconds between two rounds of evaluation: what arrives in between shares one transaction. After a round of
at least CROWD patients the pause is as long as the round, so that under load half a processor is left to
ingest."""
PASSED_OVER = timedelta(seconds=60)
"""How long a patient whose round alone fails is left aside."""
STALLED = timedelta(seconds=30)
"""A loop that has not got round for this long, and for three of its own intervals, is stalled."""

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time: the one place where this service reads the clock."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Loop:
    """What is known of one loop: when it last got round, and what it has done since the start."""

    interval: float
    last: datetime
    done: int = 0
    failures: int = 0

    def stalled(self, now: datetime) -> bool:
        """Return whether it should have got round long ago."""
        return now - self.last > max(STALLED, timedelta(seconds=3 * self.interval))


@dataclass(slots=True)
class Service:
    """The running service. `stop` ends it; `clock` is injected for tests."""

    settings: Settings
    stop: asyncio.Event
    clock: Clock = utc_now
    _woken: dict[str, asyncio.Event] = field(
        default_factory=lambda: {"evaluation_due": asyncio.Event(), "notification": asyncio.Event()}
    )
    _loops: dict[str, Loop] = field(default_factory=dict[str, Loop])
    _started: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Remember when the service started: what arrives late must not be held against a patient."""
        self._started = self.clock()

    async def run(self) -> None:
        """Run until `stop` is set. Raises SettingsError before anything starts."""
        channels = senders(self.settings.environ)
        tasks = [
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._keep("evaluator", self.settings.poll_seconds, self._evaluate)),
            asyncio.create_task(self._keep("sweeper", self.settings.sweep_seconds, self._sweep)),
            asyncio.create_task(self._keep("escalator", self.settings.sweep_seconds, self._escalate)),
            asyncio.create_task(
                self._keep("notifier", self.settings.poll_seconds, lambda c: self._notify(c, channels))
            ),
            asyncio.create_task(self._keep("heartbeat", self.settings.beat_seconds, self._beat)),
        ]
        ended = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
            _raise_first(tasks)
        finally:
            await cancel([ended, *tasks])

    async def _keep(self, name: str, interval: float, work: Callable[[Connection], Awaitable[None]]) -> None:
        """Call `work`, which loops for ever, with a connection, and again after it failed."""
        loop = self._loops[name] = Loop(interval, self.clock())
        backoff = FIRST_BACKOFF
        while True:
            before = loop.done, loop.last
            try:
                async with session(self.settings.dsn) as conn:
                    await work(conn)
            except DatabaseUnavailable as error:
                log.warning("%s: the database is away (%s)", name, str(error).splitlines()[0])
            except Exception:  # a fault of one round must not end the service: it is told and tried again
                log.exception("%s failed and starts again", name)
            loop.failures += 1
            backoff = FIRST_BACKOFF if (loop.done, loop.last) != before else min(backoff * 2, LONGEST_BACKOFF)
            await asyncio.sleep(backoff)

    def _got_round(self, name: str, done: int) -> None:
        loop = self._loops[name]
        loop.last = self.clock()
        loop.done += done

    async def _listen(self) -> None:
        async for channel in wakes(self.settings.dsn, ROLE, list(self._woken)):
            for name, event in self._woken.items():
                if channel is None or channel == name:
                    event.set()

    async def _woken_or(self, channel: str, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for of Python 3.11 can swallow a cancellation
                await self._woken[channel].wait()
        self._woken[channel].clear()

    async def _evaluate(self, conn: Connection) -> None:
        plans, patients = Plans(), PATIENTS_A_ROUND
        passed_over: dict[UUID, datetime] = {}
        while True:
            passed_over = {key: until for key, until in passed_over.items() if until > self.clock()}
            began = time.monotonic()
            try:
                done = await evaluate_once(
                    conn, plans, self.clock, patients=patients, passing_over=passed_over
                )
            except RoundFailed as error:
                log.exception("a round of evaluation failed")
                if len(error.patient_ids) == 1:
                    passed_over[error.patient_ids[0]] = self.clock() + PASSED_OVER
                patients = max(1, len(error.patient_ids) // 4)  # closing in on the one at fault
                continue
            patients = min(PATIENTS_A_ROUND, patients * 2)
            self._got_round("evaluator", done)
            took = time.monotonic() - began
            await (
                asyncio.sleep(pause(done, took))
                if done
                else self._woken_or("evaluation_due", self.settings.poll_seconds)
            )

    async def _sweep(self, conn: Connection) -> None:
        plans, hearing = Plans(), ALWAYS
        patience = Patience(
            gateway_silent_after=timedelta(seconds=self.settings.gateway_silent_seconds),
            settle=timedelta(seconds=self.settings.settle_seconds),
            started=self._started,
        )
        while True:
            hearing = await sweep(conn, plans, hearing, now=self.clock(), patience=patience)
            self._got_round("sweeper", 1)
            await asyncio.sleep(self.settings.sweep_seconds)

    async def _escalate(self, conn: Connection) -> None:
        while True:
            self._got_round("escalator", await escalate(conn, now=self.clock()))
            await asyncio.sleep(self.settings.sweep_seconds)

    async def _notify(self, conn: Connection, channels: dict[str, Send]) -> None:
        while True:
            done = await send_waiting(conn, channels, self.settings.public_url, self.clock)
            self._got_round("notifier", done)
            if not done:
                await self._woken_or("notification", self.settings.poll_seconds)

    async def _beat(self, conn: Connection) -> None:
        while True:
            now = self.clock()
            stalled = [
                name for name, loop in self._loops.items() if name != "heartbeat" and loop.stalled(now)
            ]
            if stalled:
                log.error("no sign of life: %s do not get round", ", ".join(stalled))
            else:
                await beat(conn, "alerts", instance_name(), now, self._detail())
            self._got_round("heartbeat", 1)
            await asyncio.sleep(self.settings.beat_seconds)

    def _detail(self) -> dict[str, Any]:
        return {name: {"done": loop.done, "failures": loop.failures} for name, loop in self._loops.items()}


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run the service until `stop` is set. Raises SettingsError for settings that cannot work."""
    await Service(settings, stop).run()


def pause(patients: int, took: float) -> float:
    """Return how many seconds to leave between a round of `patients` that took so long and the next."""
    return min(max(PACE, took), LONGEST_PACE) if patients >= CROWD else PACE


def _raise_first(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error


async def cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """End all tasks. Asked again and again: a library that waits with wait_for may have missed it once."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)
