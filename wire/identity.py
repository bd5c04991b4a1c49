"""The identity of a reading: made once, from the record itself, so that the same record is one reading."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from uuid import UUID


def reading_id(
    *,
    device_id: str,
    user_slot: int | None,
    characteristic: str,
    raw: bytes,
    device_time: datetime | None,
    received_at: datetime,
) -> UUID:
    """Return the identity of a device record: a UUID version 8 (RFC 9562, section 5.8).

    The first 48 bits are milliseconds since 1970 of the record's own time, so that indexes stay local; the
    rest is a SHA-256 over device, slot, characteristic and raw bytes. A record that carries the device's
    time (`device_time`, naive) has the same identity whenever and by whichever gateway it is read. A record
    without one is told apart by the gateway's receive time (`received_at`, aware), for lack of anything else.
    """
    moment = received_at if device_time is None else device_time.replace(tzinfo=UTC)
    millis = int(moment.timestamp() * 1000) & ((1 << 48) - 1)
    material = "\x1f".join(
        (device_id, "" if user_slot is None else str(user_slot), characteristic, raw.hex(), str(millis))
    )
    digest = int.from_bytes(hashlib.sha256(material.encode()).digest()[:10], "big")
    value = millis << 80 | digest
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
