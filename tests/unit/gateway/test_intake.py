"""The way into the outbox, also when the disk is full."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devices.reading import Clock
from gateway.intake import Intake
from gateway.outbox import Outbox
from gateway.resolve import ClockHistory

from .make import JUST_NOW, NOW, frame, scale_frame

KNOWN = ClockHistory(found=Clock())


class Woken:
    """Counts calls."""

    times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite", now=NOW)
    yield opened
    opened.close()


def test_before_the_clock_is_known_the_raw_frame_is_on_disk(outbox: Outbox) -> None:
    woken = Woken()
    intake = Intake(outbox, wake=woken)
    assert intake.take(frame(), None) == 0
    assert (outbox.counts().frames, outbox.counts().pending, woken.times) == (1, 0, 0)
    assert intake.resolve(KNOWN, frame().device_id) == 1
    assert (outbox.counts().frames, outbox.counts().pending, woken.times) == (0, 1, 1)


def test_a_repeated_record_wakes_nobody(outbox: Outbox) -> None:
    woken = Woken()
    intake = Intake(outbox, wake=woken)
    assert [intake.take(frame(), KNOWN) for _ in range(3)] == [1, 0, 0]
    assert woken.times == 1


def test_young_frames_are_left_to_their_session(outbox: Outbox) -> None:
    intake = Intake(outbox, wake=Woken())
    intake.take(frame(received_at=NOW - timedelta(minutes=5)), None)
    intake.take(frame(), None)
    assert intake.resolve(KNOWN, before=NOW - timedelta(minutes=1)) == 1
    assert outbox.counts().frames == 1


def test_what_a_full_disk_refuses_is_written_later(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake(outbox, wake=Woken())
    outbox._db.execute("PRAGMA max_page_count = 1")  # SQLite's own full disk: not one page more
    minutes = range(300)
    for minute in minutes:
        intake.take(frame(scale_frame(taken_at=JUST_NOW - timedelta(minutes=minute))), KNOWN)
    assert 0 < intake.held < 300
    assert "free some space" in caplog.text
    outbox._db.execute("PRAGMA max_page_count = 100000")
    intake.retry()
    assert (intake.held, outbox.counts().pending) == (0, 300)
