"""What the operator sees: quarantine and signs of life."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import quarantine
from storage.database import connect
from storage.heartbeat import beat, services
from storage.ingest import IngestStore, Intake, QuarantineEntry
from tests.integration.storage.world import NOW


def fill(dsn: str) -> None:
    store = IngestStore(dsn)
    entries = [
        QuarantineEntry("t", reason, "why", raw) for reason, raw in (("a", b"1"), ("b", b"22"), ("a", b"333"))
    ]
    for minutes, entry in enumerate(entries):
        store.write(Intake(quarantine=[entry]), NOW + timedelta(minutes=minutes))
    store.close()


async def test_list_show_count_discard(database: str) -> None:
    fill(database)
    conn = await connect(database, "hemkurva_web")
    listed = await quarantine.entries(conn)
    assert [(entry.reason, entry.size, entry.seen) for entry in listed] == [
        ("a", 3, 1),
        ("b", 2, 1),
        ("a", 1, 1),
    ]
    assert await quarantine.counts(conn) == {"a": 2, "b": 1}
    entry, raw = await quarantine.show(conn, listed[0].quarantine_id)
    assert (entry, raw) == (listed[0], b"333")
    await quarantine.discard(conn, listed[0].quarantine_id)
    assert await quarantine.counts(conn) == {"a": 1, "b": 1}
    assert [entry.size for entry in await quarantine.entries(conn, state="discarded")] == [3]
    await conn.close()


async def test_what_is_not_there(database: str) -> None:
    fill(database)
    conn = await connect(database, "hemkurva_web")
    [number, *_] = [entry.quarantine_id for entry in await quarantine.entries(conn)]
    await quarantine.discard(conn, number)
    with pytest.raises(quarantine.NoSuchEntry):
        await quarantine.discard(conn, number)
    with pytest.raises(quarantine.NoSuchEntry):
        await quarantine.show(conn, 0)
    await conn.close()


async def test_the_newest_beat_of_each_service(database: str) -> None:
    ingest = IngestStore(database)
    ingest.beat("host:1", NOW, {"assigned": 1})
    ingest.beat("host:1", NOW + timedelta(seconds=2), {"assigned": 2})
    ingest.close()
    conn = await connect(database, "hemkurva_alerts")
    await beat(conn, "alerts", "host:2", NOW)
    await beat(conn, "alerts", "host:3", NOW + timedelta(seconds=1), {"evaluated": 3})
    found = [(line.service, line.instance, line.detail) for line in await services(conn)]
    assert found == [("alerts", "host:3", {"evaluated": 3}), ("ingest", "host:1", {"assigned": 2})]
    await conn.close()
