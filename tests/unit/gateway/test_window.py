"""What is on its way, and when it is sent again."""

from __future__ import annotations

import random

import pytest

from gateway.backoff import full_jitter
from gateway.outbox import Pending
from gateway.window import Retry, Window
from wire.codec import decode_batch, digest, encode_reading

from .make import reading


def pending(*numbers: int) -> list[Pending]:
    return [Pending(n, reading(n).reading_id, encode_reading(reading(n))) for n in numbers]


@pytest.fixture
def window() -> Window:
    return Window(2, Retry(), random.Random(1))


def test_a_batch_is_named_by_its_bytes(window: Window) -> None:
    batch = window.add(pending(1, 2))
    assert batch.name == digest(batch.payload)
    good, bad = decode_batch(batch.payload)
    assert [one.reading_id for one in good] == list(batch.reading_ids)
    assert not bad


def test_the_window_has_a_size(window: Window) -> None:
    window.add(pending(1))
    assert not window.full
    window.add(pending(2))
    assert window.full
    assert window.seqs() == {1, 2}


def test_a_batch_without_receipt_is_due_again_later_and_later(window: Window) -> None:
    batch = window.add(pending(1))
    now, waits = 0.0, []
    for _ in range(12):
        assert window.due(now) == [batch]
        waits.append(window.sent(batch, now))
        assert not window.due(now + waits[-1] - 0.01)
        now += waits[-1]
    assert all(10 <= wait <= 10 + min(300, 2 * 2**n) for n, wait in enumerate(waits))
    assert max(waits[6:]) > 60


def test_a_receipt_that_names_all_takes_the_batch_out(window: Window) -> None:
    batch = window.add(pending(1, 2))
    window.sent(batch, 0)
    window.receipted(batch, batch.reading_ids, 1)
    assert window.empty
    assert window.find(batch.name) is None


def test_a_receipt_that_forgets_one_leaves_the_batch_to_be_sent_again(window: Window) -> None:
    batch = window.add(pending(1, 2))
    wait = window.sent(batch, 0)
    window.receipted(batch, batch.reading_ids[:1], 1)
    assert window.due(wait) == [batch]


def test_the_first_receipt_after_a_silence_brings_the_waiting_forward(window: Window) -> None:
    waiting, fresh = window.add(pending(1)), window.add(pending(2))
    now = 0.0
    for _ in range(9):
        now += window.sent(waiting, now)
    window.sent(waiting, now)
    window.sent(fresh, now)
    window.receipted(fresh, fresh.reading_ids, now + 0.1)
    assert waiting.due <= now + 0.1 + 2


def test_a_receipt_does_not_repeat_what_was_sent_just_now(window: Window) -> None:
    first, second = window.add(pending(1)), window.add(pending(2))
    window.sent(first, 0)
    window.sent(second, 0)
    window.receipted(first, first.reading_ids, 0.1)
    assert second.due >= 10


def test_a_new_connection_brings_everything_forward(window: Window) -> None:
    batch = window.add(pending(1))
    window.sent(batch, 0)
    window.reconnected(1)
    assert batch.due <= 3


def test_full_jitter_is_spread_and_capped() -> None:
    rng = random.Random(3)
    draws = [full_jitter(20, rng, base=2, cap=300) for _ in range(500)]
    assert 0 <= min(draws) < 30
    assert 270 < max(draws) <= 300
    assert full_jitter(10_000, rng, base=2, cap=300) <= 300
