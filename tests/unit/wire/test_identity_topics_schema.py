"""The identity of readings, the topics, and the exported JSON Schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest

from wire import schema, topics
from wire.identity import reading_id

DOCUMENT = Path(__file__).parents[3] / "wire" / "schema-v1.json"
GOLDEN = Path(__file__).parents[2] / "data" / "wire"
RECORD = {
    "device_id": "F0:48:4B:00:00:02",
    "user_slot": 1,
    "characteristic": "2A9D",
    "raw": bytes.fromhex("02d83eea070b16070c1e"),
    "device_time": datetime(2026, 11, 22, 7, 12, 30),  # noqa: DTZ001  a device's clock has no zone
    "received_at": datetime(2026, 11, 22, 6, 12, 31, tzinfo=UTC),
}


def schema_of(message: str) -> dict[str, object]:
    return schema.export() | {"$ref": f"#/$defs/{message}"}


def test_the_same_record_is_the_same_reading_whenever_it_is_read():
    again = RECORD | {"received_at": datetime(2027, 1, 1, tzinfo=UTC)}
    assert reading_id(**RECORD) == reading_id(**again)


@pytest.mark.parametrize(
    "change",
    [
        {"device_id": "F0:48:4B:00:00:03"},
        {"user_slot": 2},
        {"user_slot": None},
        {"raw": b"\x00"},
        {"characteristic": "2A35"},
    ],
)
def test_another_device_slot_or_record_is_another_reading(change: dict[str, object]):
    assert reading_id(**RECORD) != reading_id(**(RECORD | change))


def test_without_a_device_time_the_receive_time_tells_records_apart():
    timeless = RECORD | {"device_time": None}
    later = timeless | {"received_at": RECORD["received_at"] + timedelta(milliseconds=1)}
    assert reading_id(**timeless) != reading_id(**later)


def test_identities_are_version_8_and_ordered_by_time():
    later = RECORD | {"device_time": RECORD["device_time"] + timedelta(seconds=1)}
    assert reading_id(**RECORD).version == 8
    assert reading_id(**RECORD) < reading_id(**later)


def test_a_clock_of_1970_or_2094_still_has_an_identity():
    for year in (1970, 2094, 1582):
        moment = datetime(year, 1, 1)  # noqa: DTZ001  a device's clock has no zone
        assert reading_id(**(RECORD | {"device_time": moment})).version == 8


def test_a_topic_is_parsed_back():
    name = topics.topic("kit-1000", topics.Channel.READINGS)
    assert name == "hemkurva/v1/kit-1000/readings"
    assert topics.parse(name) == ("kit-1000", topics.Channel.READINGS)


@pytest.mark.parametrize(
    "gateway", ["", "a", "+", "#", "a/b", "KIT", "kit 1", "å-1", "kit\n", "-kit", "k" * 64]
)
def test_an_id_that_could_leave_its_branch_is_refused(gateway: str):
    with pytest.raises(topics.TopicError):
        topics.topic(gateway, topics.Channel.READINGS)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "hemkurva/v1",
        "hemkurva/v2/kit-1/readings",
        "hemkurva/v1/kit-1/readings/x",
        "hemkurva/v1/kit-1/other",
        "x",
    ],
)
def test_a_foreign_topic_is_refused(name: str):
    with pytest.raises(topics.TopicError):
        topics.parse(name)


def test_the_exported_schema_is_the_committed_one():
    """After a wanted change: python -m wire.schema > wire/schema-v1.json"""
    assert json.loads(DOCUMENT.read_text()) == schema.export()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_the_schema_accepts_the_golden_messages(path: Path):
    jsonschema.validate(json.loads(path.read_text()), schema_of(path.name.split("-")[0].capitalize()))


def test_the_schema_refuses_what_the_codec_refuses():
    message = json.loads((GOLDEN / "batch-v1-full.json").read_text())
    message["readings"][0]["values"]["systolic"] = 2047
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message, schema_of("Batch"))
