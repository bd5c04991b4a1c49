"""What becomes of a message, decided without a broker and without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_service.sort import LONGEST_DETAIL, Gateways, Message, refuse, sender, sort
from storage.ingest import LONGEST_TOPIC
from wire.codec import digest, encode, encode_reading, join_batch
from wire.messages import Status
from wire.reading import ClockQuality, Kind, Reading, Values

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
KNOWN: Gateways = {"gw-0001": None, "gw-0002": NOW, "gw-0003": NOW + timedelta(seconds=1)}
HOME = "hemkurva/v1/gw-0001"
READINGS = f"{HOME}/readings"
TOPICS = st.sampled_from([READINGS, f"{HOME}/status"]) | st.text()
ID = "019ca9ee-0000-8000-8000-000000000001"


def weighing(**changes: object) -> Reading:
    reading = Reading(
        reading_id=UUID(ID),
        device_id="scale",
        kind=Kind.WEIGHT,
        values=Values(weight=80),
        received_at=NOW,
        measured_at=NOW,
        clock=ClockQuality.GATEWAY,
    )
    return msgspec.structs.replace(reading, **changes)


def message(*readings: Reading, topic: str = READINGS) -> Message:
    return Message(topic, join_batch([encode_reading(reading) for reading in readings]))


def reasons(*messages: Message) -> list[str]:
    return [entry.reason for entry in sort(messages, KNOWN, NOW).intake.quarantine]


def test_a_good_reading_is_stored_and_accepted() -> None:
    good = message(weighing())
    result = sort([good], KNOWN, NOW)
    assert result.intake.readings == [("gw-0001", weighing())]
    [answer] = result.answers
    assert answer.gateway_id == "gw-0001"
    assert answer.receipt.batch == digest(good.payload)
    assert answer.receipt.accepted == [weighing().reading_id]


@pytest.mark.parametrize(
    ("measured_at", "expected"),
    [
        (NOW + timedelta(minutes=10), []),
        (NOW + timedelta(minutes=10, microseconds=1), ["measured_in_future"]),
        (NOW - timedelta(days=5 * 366), []),
        (NOW - timedelta(days=5 * 366, microseconds=1), ["measured_too_long_ago"]),
        (datetime(1970, 1, 1, tzinfo=UTC), ["measured_too_long_ago"]),
        (datetime(2094, 1, 1, tzinfo=UTC), ["measured_in_future"]),
    ],
)
def test_plausible_times_on_both_sides_of_the_limit(measured_at: datetime, expected: list[str]) -> None:
    assert reasons(message(weighing(measured_at=measured_at))) == expected


@pytest.mark.parametrize(
    ("gateway_id", "expected"),
    [
        ("gw-0001", []),
        ("gw-0002", ["revoked_gateway"]),  # from this very moment
        ("gw-0003", []),  # in a second
        ("gw-0004", ["unknown_gateway"]),
    ],
)
def test_enrolment(gateway_id: str, expected: list[str]) -> None:
    assert reasons(message(weighing(), topic=f"hemkurva/v1/{gateway_id}/readings")) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "hemkurva/v1/gw-0001/receipts",
        "hemkurva/v1/gw-0001/config",
        "hemkurva/v1/GW/readings",
        "a/b/c/d",
        "x\0y",
    ],
)
def test_a_topic_that_is_not_ours(topic: str) -> None:
    """It is kept. Only a sender that can be named gets an answer, and only to readings."""
    result = sort([Message(topic, b"1")], KNOWN, NOW)
    assert [entry.reason for entry in result.intake.quarantine] == ["bad_topic"]
    assert "\0" not in result.intake.quarantine[0].topic
    assert result.answers == []


def test_a_bad_message_does_not_touch_the_others() -> None:
    result = sort([Message(READINGS, b"x"), message(weighing()), Message(READINGS, b"y")], KNOWN, NOW)
    assert len(result.intake.readings) == 1
    refusals = [answer.receipt.refused for answer in result.answers]
    assert [refusal and refusal.reason for refusal in refusals] == ["not_json", None, "not_json"]


def test_answers_come_in_order_of_arrival() -> None:
    messages = [Message(READINGS, b"%d" % n) if n % 2 else message(weighing(user_slot=n)) for n in range(9)]
    result = sort(messages, KNOWN, NOW)
    assert [answer.receipt.batch for answer in result.answers] == [digest(one.payload) for one in messages]


def test_the_last_status_is_the_last_heard() -> None:
    statuses = [Status(schema=1, online=online, boot_id="b", version="1") for online in (True, False)]
    messages = [Message("hemkurva/v1/gw-0001/status", encode(status)) for status in statuses]
    result = sort(messages, KNOWN, NOW)
    assert [heard.online for heard in result.intake.heard] == [True, False]
    assert result.answers == []


def test_what_postgresql_refused_is_kept_whole() -> None:
    result = refuse(message(weighing()), "storage_error")
    assert result.intake.readings == []
    assert [entry.raw for entry in result.intake.quarantine] == [message(weighing()).payload]
    assert result.answers[0].receipt.refused is not None


def test_sender() -> None:
    assert sender(Message(READINGS, b"")) == "gw-0001"
    assert sender(Message("hemkurva/v1/#/readings", b"")) is None


@given(st.lists(st.builds(Message, TOPICS, st.binary())))
def test_nothing_is_lost_and_nothing_raises(messages: list[Message]) -> None:
    """Whatever bytes come: each message ends in quarantine, and all that PostgreSQL gets is text it takes."""
    result = sort(messages, KNOWN, NOW)
    assert len(result.intake.quarantine) == len(messages)
    for entry in result.intake.quarantine:
        entry.topic[:LONGEST_TOPIC].encode()
        entry.detail.encode()
        assert "\0" not in entry.topic + entry.detail
        assert len(entry.detail) <= LONGEST_DETAIL


@given(
    st.text(max_size=300).filter(
        lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text
    )
)
def test_any_error_text_of_a_gateway(error: str) -> None:
    reading = weighing(
        kind=Kind.UNREADABLE, values=Values(), measured_at=None, clock=ClockQuality.UNVERIFIED, error=error
    )
    [entry] = sort([message(reading)], KNOWN, NOW).intake.quarantine
    assert entry.reason == "unreadable"
    assert "\0" not in entry.detail
