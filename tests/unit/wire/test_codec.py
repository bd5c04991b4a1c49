"""The codec: what a batch may be, what it may not be, and that nobody takes a neighbour along."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import codec
from wire.messages import MAX_BATCH, MAX_PAYLOAD, Quarantined, Receipt, Status
from wire.reading import ClockQuality, Flag, Kind, Reading, Values

GOLDEN = Path(__file__).parents[2] / "data" / "wire"
AT = datetime(2026, 11, 22, 6, 12, 30, tzinfo=UTC)
ID = UUID("019b76da-a800-846f-b95f-99a007d73fd6")


def weight_reading(**changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "reading_id": ID,
        "device_id": "F0:48:4B:00:00:02",
        "kind": Kind.WEIGHT,
        "values": Values(weight=80.6),
        "received_at": AT,
        "measured_at": AT,
        "clock": ClockQuality.VERIFIED,
    }
    return Reading(**(fields | changes))


def raw_reading(**changes: Any) -> dict[str, Any]:
    return json.loads(codec.encode_reading(weight_reading())) | changes


def batch_of(*readings: dict[str, Any], schema: int = 1) -> bytes:
    return json.dumps({"schema": schema, "readings": readings}).encode()


def test_a_batch_of_encoded_readings_decodes_to_the_same_readings():
    readings = [
        weight_reading(),
        weight_reading(
            kind=Kind.BLOOD_PRESSURE,
            values=Values(systolic=168, diastolic=96, pulse=88),
            flags=[Flag.BODY_MOVEMENT],
            user_slot=1,
            raw="00ff",
            characteristic="2A35",
            device_time="2026-11-22T07:12:30",
        ),
    ]
    payload = codec.join_batch([codec.encode_reading(reading) for reading in readings])
    assert codec.decode_batch(payload) == (readings, [])


def test_the_same_readings_give_identical_bytes():
    encoded = [codec.encode_reading(weight_reading())] * 3
    assert codec.join_batch(encoded) == codec.join_batch(list(encoded))


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_1_to_50_readings(count: int):
    with pytest.raises(ValueError, match="1 to 50"):
        codec.join_batch([b"{}"] * count)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\x00\x01\x02", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"schema":1,"readings":' + b"[" * 100_000, "not_json"),
        (b"[" * 100_000, "invalid_message"),
        (b'"hello"', "invalid_message"),
        (b"{}", "invalid_message"),
        (b'{"schema":1}', "invalid_message"),
        (b'{"schema":1,"readings":[]}', "invalid_message"),
        (b'{"schema":1,"readings":{}}', "invalid_message"),
        (b'{"schema":2,"readings":[{}]}', "unknown_schema"),
        (b'{"schema":0,"readings":[{}]}', "unknown_schema"),
        (b" " * (MAX_PAYLOAD + 1), "too_large"),
        (b'{"schema":1,"readings":[' + b",".join([b"{}"] * 51) + b"]}", "invalid_message"),
    ],
)
def test_an_unreadable_message_says_why(payload: bytes, reason: str):
    with pytest.raises(codec.CodecError) as caught:
        codec.decode_batch(payload)
    assert caught.value.reason == reason
    assert caught.value.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"values": {"weight": 2047}},
        {"values": {"weight": "80"}},
        {"values": {}},
        {"reading_id": "not-a-uuid"},
        {"device_id": "a\x00b"},
        {"device_id": "x" * 65},
        {"kind": "temperament"},
        {"measured_at": "2026-11-22T07:12:30"},  # no zone
        {"measured_at": "yesterday"},
        {"clock": "unverified"},  # contradicts measured_at
        {"raw": "0"},
        {"raw": "00\n"},
        {"device_id": "scale\n"},
        {"device_time": "2026-11-22T07:12:30\n"},
        {"user_slot": 255},
        {"flags": ["nice"]},
        {"error": "no frame"},  # of a readable kind
        {"kind": "unreadable"},  # without an error
    ],
)
def test_a_bad_reading_is_told_apart_from_its_neighbours(changes: dict[str, Any]):
    good = raw_reading()
    readings, bad = codec.decode_batch(batch_of(good, raw_reading(**changes), good))
    assert readings == [weight_reading(), weight_reading()]
    assert [item.reason for item in bad] == ["invalid_reading"]
    assert bad[0].detail
    assert bad[0].reading_id == (None if changes.get("reading_id") else ID)


def test_a_lone_surrogate_makes_the_message_unreadable_and_nothing_worse():
    with pytest.raises(codec.CodecError):
        codec.decode_batch(b'{"schema":1,"readings":["\\ud800"]}')


def test_a_receipt_names_the_message_and_round_trips():
    receipt = Receipt(
        schema=1,
        batch=codec.digest(b"payload"),
        accepted=[ID],
        quarantined=[Quarantined(reading_id=ID, reason="measured_in_future", detail="2094-01-01")],
    )
    assert codec.decode(codec.encode(receipt), Receipt) == receipt


@given(st.binary(max_size=200))
def test_any_bytes_give_readings_or_a_codec_error(payload: bytes):
    try:
        readings, bad = codec.decode_batch(payload)
    except codec.CodecError:
        return
    assert readings or bad


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_messages_of_every_schema_version_stay_readable(path: Path):
    """The golden corpus: files are added when the contract grows, and never changed."""
    kind = path.name.split("-")[0]
    if kind == "batch":
        readings, bad = codec.decode_batch(path.read_bytes())
        assert readings
        assert not bad
    else:
        codec.decode(path.read_bytes(), {"receipt": Receipt, "status": Status}[kind])


def test_the_golden_corpus_is_there():
    assert {path.name.split("-")[0] for path in GOLDEN.glob("*.json")} == {"batch", "receipt", "status"}
