"""What the operator hears, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devices.registry import characteristics
from gateway.outbox import Outbox
from gateway.profiles import MEASUREMENTS, is_measurement
from gateway.status import MAX_DEVICES, Boot, StatusBoard
from wire.codec import decode, encode
from wire.messages import Status

from .make import NOW, SCALE, reading


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite", now=NOW)
    yield opened
    opened.close()


@pytest.fixture
def board(outbox: Outbox) -> StatusBoard:
    return StatusBoard(outbox, Boot(boot_id="b", at=NOW))


def test_a_report_passes_the_contract(board: StatusBoard, outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    board.radio("ok")
    board.seen(SCALE, NOW)
    board.described(SCALE, name="x" * 200, battery=255)
    board.failed(SCALE, "y" * 500)
    found = decode(encode(board.report(NOW + timedelta(seconds=5))), Status)
    assert (found.online, found.uptime, found.outbox, found.radio) == (True, 5, 1, "ok")
    assert found.outbox_oldest == reading(1).received_at
    (device,) = found.devices
    assert (device.device_id, device.battery, device.last_seen) == (SCALE, 100, NOW)


def test_a_farewell_passes_the_contract(board: StatusBoard) -> None:
    assert decode(encode(board.farewell()), Status).online is False


def test_news_is_what_changed(board: StatusBoard) -> None:
    board.seen(SCALE, NOW)
    assert board.changed.is_set()
    board.report(NOW)
    board.seen(SCALE, NOW + timedelta(seconds=1))
    board.failed(SCALE, None)
    assert not board.changed.is_set()
    board.failed(SCALE, "gone")
    assert board.changed.is_set()


def test_a_growing_outbox_is_news_each_time_it_doubles(board: StatusBoard, outbox: Outbox) -> None:
    told = []
    for number in range(50):
        outbox.put_reading(reading(number))
        board.outbox_grew()
        if board.changed.is_set():
            told.append(board.report(NOW).outbox)
    assert told == [10, 20, 40]


def test_a_street_full_of_belts_does_not_burst_the_message(board: StatusBoard) -> None:
    for number in range(MAX_DEVICES + 30):
        board.seen(f"AA:{number}", NOW + timedelta(seconds=number))
    found = decode(encode(board.report(NOW)), Status)
    assert len(found.devices) == MAX_DEVICES
    assert found.devices[-1].device_id == f"AA:{MAX_DEVICES + 29}"


def test_what_is_scanned_for_can_be_decoded() -> None:
    assert set(MEASUREMENTS.values()) <= set(characteristics())
    assert is_measurement("00002a35-0000-1000-8000-00805f9b34fb")
    assert not is_measurement("00002a2b-0000-1000-8000-00805f9b34fb")
