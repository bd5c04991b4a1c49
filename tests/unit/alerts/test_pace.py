"""The service's pace: how long it rests, when it is stalled, that it ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from alerts.service import CROWD, LONGEST_PACE, PACE, STALLED, Loop, cancel, pause


@pytest.mark.parametrize(
    ("patients", "took", "rest"),
    [
        (1, 0.2, PACE),
        (CROWD - 1, 0.2, PACE),
        (CROWD, 0.2, 0.2),
        (CROWD, 0.001, PACE),
        (500, 3.0, LONGEST_PACE),
    ],
)
def test_rest(patients: int, took: float, rest: float) -> None:
    assert pause(patients, took) == rest


def test_a_loop_is_stalled_after_half_a_minute_and_three_of_its_intervals() -> None:
    start = datetime(2025, 11, 6, tzinfo=UTC)
    quick, slow = Loop(1.0, start), Loop(60.0, start)
    assert not quick.stalled(start + STALLED)
    assert quick.stalled(start + STALLED + timedelta(seconds=1))
    assert not slow.stalled(start + timedelta(seconds=180))
    assert slow.stalled(start + timedelta(seconds=181))


async def test_a_task_that_misses_one_cancellation_is_ended_all_the_same() -> None:
    async def deaf_once() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as wait_for of Python 3.11 does when its future is done just then
            await asyncio.sleep(60)

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel([task]), 2)
    assert task.cancelled()
