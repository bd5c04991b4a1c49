"""The outbox keeps what it has confirmed, forgets only what a receipt names, and survives its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from gateway.outbox import LAST_RECEIPT, REMEMBERED, Outbox, OutboxError
from wire.codec import decode_reading, encode_reading
from wire.reading import ClockQuality

from .make import NOW, frame, reading, receipt


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path, now=NOW)
    yield opened
    opened.close()


def test_a_frame_comes_back_as_it_was(outbox: Outbox) -> None:
    number = outbox.put_frame(frame(b"\x00\xff"))
    (stored,) = outbox.frames()
    assert stored.frame_id == number
    assert stored.frame == frame(b"\x00\xff")


def test_frames_of_one_device_only(outbox: Outbox) -> None:
    outbox.put_frame(frame(device_id="A"))
    outbox.put_frame(frame(device_id="B"))
    assert [stored.frame.device_id for stored in outbox.frames("B")] == ["B"]
    assert outbox.waiting() == 2


def test_resolving_replaces_frames_by_readings(outbox: Outbox) -> None:
    numbers = [outbox.put_frame(frame()) for _ in range(2)]
    assert outbox.resolve([(numbers[0], reading(1)), (numbers[1], reading(1))]) == 1
    assert outbox.frames() == []
    (pending,) = outbox.pending(10)
    assert pending.reading_id == reading(1).reading_id
    assert decode_reading(pending.encoded) == reading(1)


def test_pending_bytes_are_those_of_the_codec(outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    assert outbox.pending(1)[0].encoded == encode_reading(reading(1))


def test_pending_in_order_without_what_is_excluded(outbox: Outbox) -> None:
    for number in range(5):
        assert outbox.put_reading(reading(number))
    first = outbox.pending(2)
    rest = outbox.pending(2, exclude={item.seq for item in first})
    assert [item.reading_id for item in first + rest] == [reading(n).reading_id for n in range(4)]


def test_a_receipt_removes_exactly_what_it_names(outbox: Outbox) -> None:
    for number in range(4):
        outbox.put_reading(reading(number))
    ids = [reading(number).reading_id for number in range(4)]
    assert outbox.settle(receipt([ids[0]], quarantined=[ids[1]]), ids, now=NOW) == 2
    assert [item.reading_id for item in outbox.pending(9)] == ids[2:]
    assert outbox.kept() == [(ids[1], "unknown_device", "x")]
    assert outbox.note(LAST_RECEIPT) is not None


def test_a_receipt_for_strangers_changes_nothing(outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    assert outbox.settle(receipt([UUID(int=7)], quarantined=[UUID(int=8)]), [], now=NOW) == 0
    assert outbox.counts().pending == 1
    assert outbox.counts().kept == 0


def test_a_refused_batch_is_kept_with_its_reason(outbox: Outbox) -> None:
    for number in range(3):
        outbox.put_reading(reading(number))
    sent = [reading(number).reading_id for number in range(2)]
    assert outbox.settle(receipt(refused="too_large"), sent, now=NOW) == 2
    assert {one[1] for one in outbox.kept()} == {"too_large"}
    assert outbox.counts().pending == 1


def test_a_device_that_repeats_its_memory_is_not_sent_again(path: Path, outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    assert not outbox.put_reading(reading(1)), "while it waits"
    outbox.settle(receipt([reading(1).reading_id]), [], now=NOW)
    assert not outbox.put_reading(reading(1)), "after the receipt"
    outbox.close()
    again = Outbox(path, now=NOW + REMEMBERED - timedelta(hours=1))
    assert not again.put_reading(reading(1)), "after a restart"
    again.close()


def test_memory_of_receipts_ends(path: Path, outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    outbox.settle(receipt([reading(1).reading_id]), [], now=NOW)
    outbox.close()
    later = Outbox(path, now=NOW + REMEMBERED + timedelta(hours=1))
    assert later.counts().settled == 0
    later.close()


def test_oldest_looks_at_frames_and_readings(outbox: Outbox) -> None:
    assert outbox.oldest() is None
    outbox.put_reading(reading(30))
    outbox.put_frame(frame(received_at=NOW - timedelta(hours=1)))
    assert outbox.oldest() == NOW - timedelta(hours=1)


def put_many(outbox: Outbox, count: int) -> None:
    for number in range(count):
        outbox.put_reading(reading(number))


def test_a_full_disk_is_said_and_survived(outbox: Outbox) -> None:
    database = sqlite3.connect(outbox.path)
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.close()
    outbox._db.execute(f"PRAGMA max_page_count = {pages + 2}")  # SQLite's own full disk
    with pytest.raises(OutboxError, match=r"full; free some space"):
        put_many(outbox, 1000)
    stored = outbox.counts().pending
    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert outbox.put_reading(reading(5000))
    assert outbox.counts().pending == stored + 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutboxError, match="check that the folder exists"):
        Outbox(tmp_path / "file" / "outbox.sqlite", now=NOW)


def test_a_file_that_is_no_database_is_moved_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this was a card once" * 500)
    outbox = Outbox(path, now=NOW)
    assert outbox.put_reading(reading(1))
    outbox.close()
    (aside,) = path.parent.glob("outbox.sqlite.damaged-*")
    assert aside.read_bytes().startswith(b"this was a card once")
    assert "outbox was damaged" in caplog.text


def test_readable_rows_of_a_damaged_file_are_taken_over(path: Path, outbox: Outbox) -> None:
    for number in range(400):
        outbox.put_reading(reading(number))
    outbox.close()
    whole = set(range(400))
    damage_one_leaf_of_reading(path)
    again = Outbox(path, now=NOW)
    found = {number for number in whole if not again.put_reading(reading(number))}
    again.close()
    assert 300 < len(found) < 400, "all rows but those on the damaged page"


def damage_one_leaf_of_reading(path: Path) -> None:
    """Overwrite the cells of one leaf page in the middle of the table."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    content = bytearray(path.read_bytes())
    leaves = [
        at
        for at in range(size, len(content), size)
        if content[at] == 0x0D and b"weight" in content[at : at + size]
    ]
    at = leaves[len(leaves) // 2]
    content[at : at + size] = b"\xff" * size
    path.write_bytes(content)


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.outbox import Outbox
from tests.unit.gateway.make import frame, reading
outbox = Outbox(Path(sys.argv[1]), now=datetime.now(UTC))
for number in range(1_000_000):
    if number % 3:
        outbox.put_reading(reading(number))
    else:
        outbox.put_frame(frame(number.to_bytes(4, "little")))
    print(number, flush=True)
"""


@pytest.mark.faults
def test_killed_in_the_middle_nothing_confirmed_is_lost(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    confirmed = [int(next(writer.stdout)) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    confirmed += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.stdout.close()
    writer.wait()
    outbox = Outbox(path, now=NOW)
    ids = {item.reading_id for item in outbox.pending(10_000_000)}
    frames = {int.from_bytes(stored.frame.raw, "little") for stored in outbox.frames()}
    outbox.close()
    for number in confirmed:
        assert reading(number).reading_id in ids if number % 3 else number in frames
    assert not list(path.parent.glob("*damaged*"))


class OutboxMachine(RuleBasedStateMachine):
    """Whatever happens in whatever order: known = in line + remembered, each once."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox(Path(":memory:"), now=NOW)
        self.line: list[int] = []
        self.gone: set[int] = set()
        self.kept: set[int] = set()

    @rule(number=st.integers(0, 12))
    def put(self, number: int) -> None:
        new = self.box.put_reading(reading(number))
        assert new == (number not in self.line and number not in self.gone)
        if new:
            self.line.append(number)

    @rule(number=st.integers(0, 12))
    def put_through_a_frame(self, number: int) -> None:
        found = self.box.put_frame(frame(bytes([number])))
        new = self.box.resolve([(found, reading(number))])
        assert bool(new) == (number not in self.line and number not in self.gone)
        if new:
            self.line.append(number)

    @rule(accepted=st.sets(st.integers(0, 12)), quarantined=st.sets(st.integers(0, 12)))
    def settle(self, accepted: set[int], quarantined: set[int]) -> None:
        quarantined -= accepted
        self.box.settle(
            receipt(
                [reading(n).reading_id for n in accepted],
                quarantined=[reading(n).reading_id for n in quarantined],
            ),
            [],
            now=NOW,
        )
        self.kept |= quarantined & set(self.line)
        self.gone |= (accepted | quarantined) & set(self.line)
        self.line = [n for n in self.line if n not in accepted | quarantined]

    @invariant()
    def in_line_in_order(self) -> None:
        assert [item.reading_id for item in self.box.pending(99)] == [
            reading(n).reading_id for n in self.line
        ]
        counts = self.box.counts()
        assert (counts.frames, counts.kept, counts.settled) == (0, len(self.kept), len(self.gone))

    def teardown(self) -> None:
        self.box.close()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_record_put_aside_for_its_clock_is_welcome_once_the_clock_is_known(outbox: Outbox) -> None:
    known = reading(1)
    unknown = replace(known, measured_at=None, clock=ClockQuality.UNVERIFIED)
    outbox.put_reading(unknown)
    outbox.settle(receipt(quarantined=[known.reading_id], reason="clock_unverified"), [], now=NOW)
    assert not outbox.put_reading(unknown), "nothing more is known of it"
    assert outbox.put_reading(known), "the device has handed out its memory again, with a clock that is read"
    assert [decode_reading(item.encoded) for item in outbox.pending(9)] == [known]
    assert outbox.kept() == []
    outbox.settle(receipt([known.reading_id]), [], now=NOW)
    assert not outbox.put_reading(known), "now the server has it"


def test_a_record_that_the_server_has_no_use_for_is_not_sent_again(outbox: Outbox) -> None:
    outbox.put_reading(reading(1))
    outbox.settle(receipt(quarantined=[reading(1).reading_id], reason="measured_in_future"), [], now=NOW)
    assert not outbox.put_reading(reading(1))
