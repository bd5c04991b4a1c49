"""The publisher against a real Mosquitto: nothing lost, nothing changed, nothing sent in vain."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from uuid import UUID

import pytest

from gateway.device_clock import utc_now
from gateway.outbox import Outbox
from gateway.publisher import WINDOW
from gateway.settings import Settings
from gateway.window import Retry
from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from tests.unit.gateway.make import reading
from wire.codec import decode_batch, digest, encode_reading
from wire.messages import MAX_BATCH, Config, Quarantined, Receipt, Refusal

from .conftest import QUICK, sending
from .server import Server, accept, ignore, until


def ids(count: int) -> list[UUID]:
    return [reading(number).reading_id for number in range(count)]


def fill(outbox: Outbox, count: int) -> None:
    for number in range(count):
        assert outbox.put_reading(reading(number))


async def test_what_waits_is_sent_in_full_batches_and_settled(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    fill(outbox, 120)
    async with sending(settings, outbox):
        await until(lambda: outbox.counts().pending == 0)
    assert [len(decode_batch(payload)[0]) for payload in server.batches] == [MAX_BATCH, MAX_BATCH, 20]
    assert server.reading_ids == ids(120)
    assert outbox.counts().settled == 120


async def test_readings_travel_byte_for_byte(settings: Settings, outbox: Outbox, server: Server) -> None:
    fill(outbox, 1)
    async with sending(settings, outbox):
        await until(lambda: outbox.counts().pending == 0)
    assert encode_reading(reading(0)) in server.batches[0]


async def test_a_new_reading_leaves_at_once(settings: Settings, outbox: Outbox, server: Server) -> None:
    async with sending(settings, outbox) as running:
        await until(lambda: running.publisher.connected)
        took: list[float] = []
        for number in range(20):
            outbox.put_reading(reading(number))
            committed = time.monotonic()
            running.publisher.wake()
            await until(lambda count=number + 1: len(server.arrived) == count)
            took.append(server.arrived[-1] - committed)
            await until(lambda: outbox.counts().pending == 0)
    assert sorted(took)[10] < 0.05


async def test_a_lost_receipt_brings_identical_bytes_again(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = ignore
    fill(outbox, 3)
    async with sending(settings, outbox):
        await until(lambda: len(server.batches) >= 3)
        assert outbox.counts().pending == 3, "a PUBACK settles nothing"
        server.answer = accept
        await until(lambda: outbox.counts().pending == 0)
    assert len(set(server.batches)) == 1


async def test_the_window_bounds_what_is_on_its_way(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = ignore
    fill(outbox, (WINDOW + 3) * MAX_BATCH)
    async with sending(settings, outbox, Retry(receipt_timeout=60)):
        await until(lambda: len(server.batches) == WINDOW)
        await asyncio.sleep(0.2)
        assert len(server.batches) == WINDOW


async def test_a_gateway_that_is_enrolled_late_keeps_its_readings_until_then(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = lambda payload: Receipt(
        schema=1, batch=digest(payload), refused=Refusal(reason="unknown_gateway", detail="")
    )
    fill(outbox, 3)
    async with sending(settings, outbox):
        await until(lambda: len(server.batches) >= 2)
        assert outbox.counts().pending == 3
        server.answer = accept
        await until(lambda: outbox.counts().pending == 0)
    assert outbox.kept() == []
    assert len(set(server.batches)) == 1, "a retry repeats identical bytes"


async def test_a_refused_batch_is_kept_and_not_sent_again(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = lambda payload: Receipt(
        schema=1, batch=digest(payload), refused=Refusal(reason="unknown_schema", detail="schema 1")
    )
    fill(outbox, 2)
    async with sending(settings, outbox):
        await until(lambda: outbox.counts().kept == 2)
        await asyncio.sleep(0.5)
    assert len(server.batches) == 1
    assert outbox.counts().pending == 0
    assert {(reason, detail) for _, reason, detail in outbox.kept()} == {("unknown_schema", "schema 1")}


async def test_a_quarantined_reading_is_kept_and_its_neighbours_settled(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    def answer(payload: bytes) -> Receipt:
        first, *rest = (one.reading_id for one in decode_batch(payload)[0])
        odd = Quarantined(reading_id=first, reason="unverified_clock")
        return Receipt(schema=1, batch=digest(payload), accepted=rest, quarantined=[odd])

    server.answer = answer
    fill(outbox, 3)
    async with sending(settings, outbox):
        await until(lambda: outbox.counts().pending == 0)
    assert outbox.kept() == [(ids(1)[0], "unverified_clock", "")]


async def test_a_receipt_that_forgets_a_reading_leaves_it(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = lambda payload: Receipt(schema=1, batch=digest(payload), accepted=ids(2))
    fill(outbox, 3)
    async with sending(settings, outbox):
        await until(lambda: len(server.batches) >= 2)
        assert outbox.counts().pending == 1
        server.answer = accept
        await until(lambda: outbox.counts().pending == 0)
    assert len(set(server.batches)) == 1, "the same batch is asked about again"


async def test_a_receipt_from_before_a_restart_still_counts(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    """The broker keeps receipts while the gateway is away; its window is empty when it comes back."""
    server.answer = ignore
    fill(outbox, 2)
    async with sending(settings, outbox, Retry(receipt_timeout=60)):
        await until(lambda: len(server.batches) == 1)
    server.publish_receipt(settings.gateway_id, accept(server.batches[0]))
    async with sending(settings, outbox, Retry(receipt_timeout=60)):
        await until(lambda: outbox.counts().pending == 0)


async def test_nonsense_on_its_topics_stops_nothing(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    async with sending(settings, outbox) as running:
        await until(lambda: running.publisher.connected)
        for payload in (b"", b"\x00", b"{}", b'{"schema":9,"batch":"x"}', b"[" * 5000, b"\xed\xa0\x80"):
            server.publish_raw(settings.gateway_id, "receipts", payload)
            server.publish_raw(settings.gateway_id, "config", payload)
        fill(outbox, 1)
        running.publisher.wake()
        await until(lambda: outbox.counts().pending == 0)
    assert running.configs == []


async def test_the_status_tells_of_the_start_the_change_and_the_end(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    async with sending(settings, outbox) as running:
        await until(lambda: server.statuses)
        assert server.statuses[0].online
        running.board.seen("F0:F1:F2:F3:F4:02", utc_now())
        await until(lambda: server.statuses[-1].devices)
    await until(lambda: not server.statuses[-1].online)
    assert server.statuses[-1].sent_at is not None, "a clean farewell, not the will"


async def test_the_configuration_is_taken_and_remembered(
    settings: Settings, outbox: Outbox, server: Server
) -> None:
    config = Config(schema=1, status_interval=1, devices=["F0:F1:F2:F3:F4:02"])
    async with sending(settings, outbox) as running:
        await until(lambda: running.publisher.connected)
        server.configure(settings.gateway_id, config)
        await until(lambda: running.configs == [config])
        await until(lambda: len(server.statuses) >= 2)
    offline = replace(settings, mqtt_port=1)
    async with sending(offline, outbox) as running:
        assert running.configs == [config], "known at once, before the line is up"


@pytest.mark.faults
async def test_a_killed_broker_delays_and_loses_nothing(
    broker: EmbeddedMosquitto, settings: Settings, outbox: Outbox, server: Server
) -> None:
    server.answer = ignore
    fill(outbox, 30)
    async with sending(settings, outbox, QUICK) as running:
        await until(lambda: server.batches)
        broker.kill()
        await until(lambda: not running.publisher.connected)
        outbox.put_reading(reading(1000))
        running.publisher.wake()
        server.answer = accept
        broker.start()
        await until(lambda: outbox.counts().pending == 0, within=15)
    assert set(server.reading_ids) == {*ids(30), reading(1000).reading_id}


@pytest.mark.faults
async def test_without_a_broker_it_waits_and_stops_quickly(settings: Settings, outbox: Outbox) -> None:
    fill(outbox, 1)
    async with sending(replace(settings, mqtt_port=1), outbox):
        await asyncio.sleep(0.3)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 1
    assert outbox.counts().pending == 1


async def test_a_wrong_password_is_said(
    settings: Settings, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with sending(replace(settings, mqtt_password="wrong"), outbox):
        await until(lambda: "check HEMKURVA_GATEWAY_ID" in caplog.text)
