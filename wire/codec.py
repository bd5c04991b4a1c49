"""Messages to bytes and back. JSON, UTF-8, with a schema version that is looked at first."""

from __future__ import annotations

import hashlib
from typing import TypeVar
from uuid import UUID

import msgspec

from wire.messages import MAX_BATCH, MAX_PAYLOAD, SCHEMA_VERSION, Batch, Config, Receipt, Status
from wire.reading import Reading

Message = TypeVar("Message", Batch, Receipt, Status, Config)

_encoder = msgspec.json.Encoder()
_batch_decoder = msgspec.json.Decoder(Batch)
_reading_decoder = msgspec.json.Decoder(Reading)


class _Envelope(msgspec.Struct):
    schema: int
    readings: list[msgspec.Raw] = []


_envelope_decoder = msgspec.json.Decoder(_Envelope)


class _Identified(msgspec.Struct):
    reading_id: UUID


_identity_decoder = msgspec.json.Decoder(_Identified)


class CodecError(ValueError):
    """A message could not be read. `reason` is a stable code for receipts and the operator's list.

    Codes: too_large, not_json, unknown_schema, invalid_message, invalid_reading.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the code apart from the words."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BadReading(msgspec.Struct, frozen=True):
    """One reading of an otherwise good batch that cannot be used; `reading_id` if legible."""

    raw: bytes
    reason: str
    detail: str
    reading_id: UUID | None = None


def digest(payload: bytes) -> str:
    """Return the name by which a receipt refers to a message: the SHA-256 of its bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()


def encode(message: Batch | Receipt | Status | Config) -> bytes:
    """Return the message as JSON bytes."""
    return _encoder.encode(message)


def encode_reading(reading: Reading) -> bytes:
    """Return one reading as JSON bytes; the outbox keeps these, and a batch is made of them unchanged."""
    return _encoder.encode(reading)


def join_batch(encoded: list[bytes]) -> bytes:
    """Return the batch message of readings that are encoded already, byte for byte the same each time.

    Raises ValueError unless there are 1 to 50 of them.
    """
    if not 1 <= len(encoded) <= MAX_BATCH:
        raise ValueError(f"a batch holds 1 to {MAX_BATCH} readings, not {len(encoded)}")
    return b'{"schema":%d,"readings":[%b]}' % (SCHEMA_VERSION, b",".join(encoded))


def decode_reading(raw: bytes) -> Reading:
    """Return one reading. Raises CodecError with reason invalid_reading."""
    try:
        return _reading_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CodecError("invalid_reading", str(error)) from error


def decode(payload: bytes, cls: type[Message]) -> Message:
    """Return the message of the given class. Raises CodecError for anything else."""
    _refuse_oversize(payload)
    try:
        return msgspec.json.decode(payload, type=cls)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _explain(payload, error) from error


def decode_batch(payload: bytes) -> tuple[list[Reading], list[BadReading]]:
    """Return the good readings of a batch, in order, and the bad ones with their reasons.

    One bad reading does not take its neighbours along. Raises CodecError when the message as a whole cannot
    be read (not JSON, unknown schema version, no list of readings).
    """
    _refuse_oversize(payload)
    try:
        return _batch_decoder.decode(payload).readings, []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        whole = _explain(payload, error)
    if whole.reason != "invalid_message":
        raise whole
    return _decode_one_by_one(payload, whole)


def _decode_one_by_one(payload: bytes, whole: CodecError) -> tuple[list[Reading], list[BadReading]]:
    try:
        envelope = _envelope_decoder.decode(payload)
    except msgspec.MsgspecError:
        raise whole from None
    if not 1 <= len(envelope.readings) <= MAX_BATCH:
        raise whole
    good: list[Reading] = []
    bad: list[BadReading] = []
    for item in envelope.readings:
        raw = bytes(item)
        try:
            good.append(decode_reading(raw))
        except CodecError as error:
            bad.append(BadReading(raw, error.reason, error.detail, _legible_id(raw)))
    return good, bad


def _legible_id(raw: bytes) -> UUID | None:
    try:
        return _identity_decoder.decode(raw).reading_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _refuse_oversize(payload: bytes) -> None:
    if len(payload) > MAX_PAYLOAD:
        raise CodecError("too_large", f"{len(payload)} bytes; a message has at most {MAX_PAYLOAD}")


def _explain(payload: bytes, error: Exception) -> CodecError:
    """Say which of the ways to be unreadable this is."""
    try:
        envelope = _envelope_decoder.decode(payload)
    except msgspec.ValidationError as outer:
        return CodecError("invalid_message", str(outer))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as outer:
        return CodecError("not_json", str(outer))
    if envelope.schema != SCHEMA_VERSION:
        return CodecError("unknown_schema", f"schema {envelope.schema}; this server reads {SCHEMA_VERSION}")
    return CodecError("invalid_message", str(error))
