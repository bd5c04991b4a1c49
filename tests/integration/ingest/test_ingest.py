"""Ingest as a process: what goes in at the broker, what stands in PostgreSQL, what comes back."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from tests.integration.ingest.conftest import Rig
from tests.integration.ingest.gateway import batch, eventually
from tests.integration.storage.world import SCALE, gateway, patient, weighing
from wire.codec import encode, encode_reading
from wire.messages import Status
from wire.reading import ClockQuality, Kind, Reading, Values


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def bind(dsn: str, *, gateway_number: int = 0, patient_number: int = 0) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "select bind_device(%s, %s, 1::smallint, %s, %s, null)",
            [gateway(gateway_number), SCALE, patient(patient_number), now() - timedelta(days=365)],
        )


def altered(reading: Reading, **changes: object) -> bytes:
    """Return a batch with one reading whose JSON has been changed by hand; None removes a field."""
    document = json.loads(encode_reading(reading)) | changes
    kept = {key: value for key, value in document.items() if value is not None}
    return json.dumps({"schema": 1, "readings": [kept]}).encode()


async def test_a_reading_is_stored_receipted_and_due(rig: Rig) -> None:
    bind(rig.dsn)
    rig.start()
    reading = weighing(81.2, at=now())
    with rig.gateway(gateway(0)) as home:
        receipt = home.ask(batch(reading))
    assert receipt.accepted == [reading.reading_id]
    assert receipt.quarantined == []
    assert receipt.refused is None
    assert rig.query("select patient_id, weight from reading") == [(patient(0), 81.2)]
    assert rig.query("select patient_id, since from evaluation_due") == [(patient(0), reading.measured_at)]


async def test_what_came_while_ingest_was_away(rig: Rig) -> None:
    """The broker keeps it in ingest's session; a repeat has the same answer and changes nothing."""
    rig.start()
    reading = weighing(at=now())
    with rig.gateway(gateway(0)) as home:
        home.ask(batch(reading))
        assert rig.stop() == 0
        later = batch(reading, weighing(82, at=now()))
        name = home.send(later)
        home.send(batch(reading))
        rig.start()
        assert len(home.receipt(name).accepted) == 2
        eventually(lambda: sum(map(len, home.receipts.values())) == 3, 10, lambda: "no second receipt")
    assert rig.count("unassigned_reading") == 2


GOOD = "a good reading is stored"
AT = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = {
    "truncated": (batch(weighing())[:-9], "not_json"),
    "not JSON": (b"hello", "not_json"),
    "empty": (b"", "not_json"),
    "NUL bytes": (b"\0" * 64, "not_json"),
    "NaN": (b'{"schema":1,"readings":[{"values":{"weight":NaN}}]}', "not_json"),
    "lone surrogate": (altered(weighing(), device_id="\ud800"), "not_json"),
    "1 MB": (b"x" * 1_000_000, "too_large"),
    "a valid message of 1 MB": (batch(weighing()) + b" " * 1_000_000, "too_large"),
    "unknown schema": (b'{"schema":2,"readings":[]}', "unknown_schema"),
    "no readings": (b'{"schema":1,"readings":[]}', "invalid_message"),
    "51 readings": (
        b'{"schema":1,"readings":[%b]}' % b",".join([encode_reading(weighing())] * 51),
        "invalid_message",
    ),
    "another shape": (b'[{"schema":1}]', "invalid_message"),
    "deep": (b'{"schema":1,"readings":' + b"[" * 200_000, "not_json"),
}


@pytest.mark.parametrize(("payload", "reason"), WHOLE.values(), ids=WHOLE.keys())
async def test_unusable_messages(rig: Rig, payload: bytes, reason: str) -> None:
    rig.start()
    with rig.gateway(gateway(0)) as home:
        bad, good = home.send(payload), home.send(batch(weighing(at=now())))
        assert home.receipt(good).accepted != []
        refused = home.receipt(bad).refused
    assert refused is not None
    assert refused.reason == reason
    assert rig.query("select reason, gateway_id, raw, seen from quarantine") == [
        (reason, gateway(0), payload, 1)
    ]
    assert rig.count("unassigned_reading") == 1


PARTS = {
    "future": ({"measured_at": "2100-01-01T00:00:00Z"}, "measured_in_future"),
    "1970": ({"measured_at": "1970-01-01T00:00:00Z"}, "measured_too_long_ago"),
    "year 1": ({"measured_at": "0001-01-01T00:00:00+23:59"}, "measured_too_long_ago"),
    "no clock": ({"measured_at": None, "clock": "unverified"}, "clock_unverified"),
    "no zone": ({"measured_at": "2026-01-01T00:00:00"}, "invalid_reading"),
    "500 kg": ({"values": {"weight": 500.1}}, "invalid_reading"),
    "no weight": ({"values": {}}, "invalid_reading"),
    "unknown kind": ({"kind": "mood"}, "invalid_reading"),
    "impossible device time": ({"device_time": "2026-02-30T25:61:00"}, "invalid_reading"),
    "line break after the device's name": ({"device_id": "scale\n"}, "invalid_reading"),
    "NUL in the device's name": ({"device_id": "a\0b"}, "invalid_reading"),
    "foreign frame": (
        {"kind": "unreadable", "values": {}, "error": "not a weight: \0 ff", "raw": "ff00"},
        "unreadable",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), PARTS.values(), ids=PARTS.keys())
async def test_unusable_readings(rig: Rig, changes: dict[str, object], reason: str) -> None:
    """The bad one is named in the receipt and kept; its neighbour in the same message is stored."""
    rig.start()
    bad, good = weighing(70, at=now()), weighing(80, at=now())
    payload = json.loads(altered(bad, **changes))
    payload["readings"].append(json.loads(encode_reading(good)))
    with rig.gateway(gateway(0)) as home:
        receipt = home.ask(json.dumps(payload).encode())
        assert good.reading_id in receipt.accepted
        assert home.ask(batch(weighing(90, at=now()))).accepted != []
    assert [(part.reading_id, part.reason) for part in receipt.quarantined] == [(bad.reading_id, reason)]
    [(found, reading_id, raw)] = rig.query("select reason, reading_id, raw from quarantine")
    assert (found, reading_id) == (reason, bad.reading_id)
    assert json.loads(raw)["reading_id"] == str(bad.reading_id)  # type: ignore[arg-type]  bytes
    assert rig.count("unassigned_reading") == 2


async def test_a_reading_without_a_legible_id(rig: Rig) -> None:
    """Nothing in the receipt can name it, so the message counts as refused; its good neighbour is stored."""
    rig.start()
    good = weighing(at=now())
    payload = b'{"schema":1,"readings":[{"reading_id":"?"},%b]}' % encode_reading(good)
    with rig.gateway(gateway(0)) as home:
        receipt = home.ask(payload)
    assert receipt.accepted == [good.reading_id]
    assert receipt.refused is not None
    assert receipt.refused.reason == "invalid_reading"
    assert rig.query("select reason, raw from quarantine") == [("invalid_reading", b'{"reading_id":"?"}')]


async def test_an_unreadable_frame_keeps_its_bytes(rig: Rig) -> None:
    rig.start()
    reading = Reading(
        reading_id=weighing().reading_id,
        device_id=SCALE,
        kind=Kind.UNREADABLE,
        values=Values(),
        received_at=now(),
        clock=ClockQuality.UNVERIFIED,
        characteristic="2A9D",
        raw="02",
        error="truncated: 1 of 3 bytes",
    )
    with rig.gateway(gateway(0)) as home:
        receipt = home.ask(batch(reading))
    assert [part.detail for part in receipt.quarantined] == ["truncated: 1 of 3 bytes"]
    [(raw,)] = rig.query("select raw from quarantine")
    assert msgspec.json.decode(raw, type=Reading) == reading  # type: ignore[arg-type]  bytes


@pytest.mark.parametrize("revoked", [False, True])
async def test_strangers_are_kept_apart(rig: Rig, revoked: bool) -> None:
    name = gateway(1) if revoked else "gw-stranger"
    with psycopg.connect(rig.dsn) as conn:
        conn.execute("update gateway set revoked_at = now() where gateway_id = %s", [name])
    rig.start()
    payload = batch(weighing(at=now()))
    status = Status(schema=1, online=True, boot_id="b", version="1")
    reason = "revoked_gateway" if revoked else "unknown_gateway"
    with rig.gateway(name) as stranger, rig.gateway(gateway(0)) as home:
        refused = stranger.ask(payload).refused
        for uptime in range(3):
            stranger.send(encode(msgspec.structs.replace(status, uptime=uptime)), "status")
        assert home.ask(batch(weighing(81, at=now()))).accepted != []
        eventually(
            lambda: rig.query("select sum(seen) from quarantine") == [(4,)], 5, lambda: "statuses missing"
        )
    assert refused is not None
    assert refused.reason == reason
    found = rig.query("select reason, gateway_id, raw, seen from quarantine order by seen")
    assert found == [(reason, name, payload, 1), (reason, name, b"", 3)]
    assert rig.count("unassigned_reading") == 1


async def test_status_is_kept(rig: Rig) -> None:
    rig.start()
    status = Status(schema=1, online=True, boot_id="b1", version="0.1.0", uptime=5, outbox=3)
    with rig.gateway(gateway(0)) as home:
        home.send(encode(status), "status")
        home.send(b"{}", "status")
        home.send(encode(msgspec.structs.replace(status, version="\0")), "status")
        rig.wait_count("gateway_status", 1)
        rig.wait_count("quarantine", 2)
    [(gateway_id, online, kept)] = rig.query("select gateway_id, online, status from gateway_status")
    assert (gateway_id, online, kept["outbox"]) == (gateway(0), True, 3)  # type: ignore[index]  JSON


async def test_it_beats_when_idle_and_stops_at_once(rig: Rig) -> None:
    rig.start()
    rig.wait_count("service_heartbeat", 1)
    [(first,)] = rig.query("select at from service_heartbeat")
    eventually(
        lambda: rig.query("select at from service_heartbeat") != [(first,)],
        4,
        lambda: "no second beat in 4 s",
    )
    [(service, broker)] = rig.query("select service, detail ->> 'broker' from service_heartbeat")
    assert (service, broker) == ("ingest", "true")
    begun = time.monotonic()
    assert rig.stop() == 0
    assert time.monotonic() - begun < 2


async def test_nothing_of_a_person_in_the_log(rig: Rig) -> None:
    bind(rig.dsn)
    rig.start()
    with rig.gateway(gateway(0)) as home:
        home.ask(batch(weighing(123.4, at=now())))
        home.ask(altered(weighing(234.5, at=now()), measured_at="1970-01-01T00:00:00Z"))
        home.ask(b"monika")
    rig.stop()
    log = rig.log.read_text()
    assert "measured_too_long_ago" in log
    for secret in ("123.4", "234.5", "monika", str(patient(0)), SCALE):
        assert secret not in log
