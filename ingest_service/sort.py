"""What becomes of each message: the pure core of ingest. Nothing is dropped and nothing stops the stream.

(messages, enrolled gateways, now) -> what to store, and the receipts to send once it is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from storage.ingest import Heard, Intake, QuarantineEntry
from wire import codec, topics
from wire.messages import SCHEMA_VERSION, UNKNOWN_GATEWAY, Quarantined, Receipt, Refusal, Status
from wire.reading import Kind, Reading
from wire.topics import Channel

FUTURE = timedelta(minutes=10)
"""How far ahead of the server's clock a measured time may be (our choice)."""
PAST = timedelta(days=5 * 366)
"""How old a measurement may be: no device's memory reaches further (our choice)."""
LONGEST_DETAIL = 300

Gateways = Mapping[str, datetime | None]
"""Enrolled gateways, each with the time of its revocation, if any."""


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message as it came."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt and the gateway it goes to."""

    gateway_id: str
    receipt: Receipt


@dataclass(slots=True)
class Sorted:
    """What to store, and what to answer after COMMIT, in order of arrival."""

    intake: Intake = field(default_factory=Intake)
    answers: list[Answer] = field(default_factory=lambda: [])


class _Unusable(Exception):
    """The message as a whole goes to quarantine."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def sender(message: Message) -> str | None:
    """Return the gateway id in the message's topic, or None if the topic is not one of ours."""
    try:
        return topics.parse(message.topic)[0]
    except topics.TopicError:
        return None


def sort(messages: Sequence[Message], gateways: Gateways, now: datetime) -> Sorted:
    """Decide about each message. Whatever is wrong with one does not touch the others."""
    result = Sorted()
    for message in messages:
        try:
            _sort_one(message, gateways, now, result)
        except _Unusable as problem:
            _refuse(message, problem.reason, problem.detail, result)
    return result


def refuse(message: Message, reason: str) -> Sorted:
    """Put a message aside as a whole: what is left when PostgreSQL refuses what was made of it."""
    result = Sorted()
    _refuse(message, reason, "the database refused its content", result)
    return result


def _sort_one(message: Message, gateways: Gateways, now: datetime, result: Sorted) -> None:
    try:
        gateway_id, channel = topics.parse(message.topic)
    except topics.TopicError as error:
        raise _Unusable("bad_topic", "not a topic of this service") from error
    _check_enrolled(gateway_id, gateways, now)
    take = _HANDLERS.get(channel)
    if take is None:
        raise _Unusable("bad_topic", f"nothing is to be sent up on {channel}")
    try:
        take(message, gateway_id, now, result)
    except codec.CodecError as error:
        raise _Unusable(error.reason, error.detail) from error


def _check_enrolled(gateway_id: str, gateways: Gateways, now: datetime) -> None:
    if gateway_id not in gateways:
        raise _Unusable(UNKNOWN_GATEWAY, "no gateway with this id is enrolled")
    revoked_at = gateways[gateway_id]
    if revoked_at is not None and revoked_at <= now:
        raise _Unusable("revoked_gateway", "this gateway's enrolment has ended")


def _take_readings(message: Message, gateway_id: str, now: datetime, result: Sorted) -> None:
    good, bad = codec.decode_batch(message.payload)
    accepted: list[UUID] = []
    aside: list[QuarantineEntry] = []
    for reading in good:
        problem = _problem(reading, now)
        if problem is None:
            accepted.append(reading.reading_id)
            result.intake.readings.append((gateway_id, reading))
        else:
            aside.append(
                _entry(message, gateway_id, codec.encode_reading(reading), reading.reading_id, *problem)
            )
    for item in bad:
        aside.append(_entry(message, gateway_id, item.raw, item.reading_id, item.reason, item.detail))
    result.intake.quarantine += aside
    result.answers.append(Answer(gateway_id, _receipt(message.payload, accepted, aside)))


def _receipt(payload: bytes, accepted: list[UUID], aside: list[QuarantineEntry]) -> Receipt:
    """Name everything that was taken charge of. A reading without a legible id can only be counted."""
    named = [
        Quarantined(reading_id=entry.reading_id, reason=entry.reason, detail=entry.detail)
        for entry in aside
        if entry.reading_id is not None
    ]
    nameless = len(aside) - len(named)
    refused = (
        Refusal(reason="invalid_reading", detail=f"{nameless} without a legible id") if nameless else None
    )
    return Receipt(
        schema=SCHEMA_VERSION,
        batch=codec.digest(payload),
        accepted=accepted,
        quarantined=named,
        refused=refused,
    )


def _problem(reading: Reading, now: datetime) -> tuple[str, str] | None:
    """Return why a well-formed reading cannot be used (reason, detail), or None."""
    if reading.kind is Kind.UNREADABLE:
        return "unreadable", reading.error or ""
    if reading.measured_at is None:
        return "clock_unverified", "the device's clock is unknown and the record is not live"
    if reading.measured_at > now + FUTURE:
        return "measured_in_future", "more than 10 minutes ahead of the server's clock"
    if reading.measured_at < now - PAST:
        return "measured_too_long_ago", "more than 5 years before the server's clock"
    if not _is_time(reading.device_time):
        return "invalid_reading", "device_time is not a time that exists"
    return None


def _is_time(text: str | None) -> bool:
    try:
        if text is not None:
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _take_status(message: Message, gateway_id: str, now: datetime, result: Sorted) -> None:
    del now  # the time of receipt is the transaction's
    status = codec.decode(message.payload, Status)
    text = codec.encode(status).decode()
    if "\\u0000" in text:
        raise _Unusable("invalid_message", "a text with a NUL character")
    result.intake.heard.append(Heard(gateway_id, status.online, text))


_HANDLERS: dict[Channel, Callable[[Message, str, datetime, Sorted], None]] = {
    Channel.READINGS: _take_readings,
    Channel.STATUS: _take_status,
}


def _refuse(message: Message, reason: str, detail: str, result: Sorted) -> None:
    gateway_id, channel = _origin(message)
    # Each status differs from the last by its time: without bytes, a stranger's are one entry, counted up.
    raw = b"" if channel is Channel.STATUS and reason.endswith("_gateway") else message.payload
    result.intake.quarantine.append(_entry(message, gateway_id, raw, None, reason, detail))
    if gateway_id is not None and channel is Channel.READINGS:
        refusal = Refusal(reason=reason, detail=_clean(detail))
        receipt = Receipt(schema=SCHEMA_VERSION, batch=codec.digest(message.payload), refused=refusal)
        result.answers.append(Answer(gateway_id, receipt))


def _origin(message: Message) -> tuple[str, Channel] | tuple[None, None]:
    try:
        return topics.parse(message.topic)
    except topics.TopicError:
        return None, None


def _entry(
    message: Message, gateway_id: str | None, raw: bytes, reading_id: UUID | None, reason: str, detail: str
) -> QuarantineEntry:
    return QuarantineEntry(_clean(message.topic), reason, _clean(detail), raw, gateway_id, reading_id)


def _clean(text: str) -> str:
    """Return a text that PostgreSQL and every encoding can hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:LONGEST_DETAIL]
