"""The four messages: a batch of readings up, a receipt down, a status up, a configuration down."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from wire.reading import DeviceId, Reading, UtcTime

SCHEMA_VERSION = 1
MAX_BATCH = 50
MAX_PAYLOAD = 256 * 1024
"""Bytes of one message; a longer one is quarantined, not decoded. A full batch has about 40 kB."""

UNKNOWN_GATEWAY = "unknown_gateway"
"""Reason for refusing what comes from a gateway that nobody has enrolled, or not yet."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """1-50 readings. It carries no time of sending: a retry repeats identical bytes."""

    schema: Literal[1]
    readings: Annotated[list[Reading], Meta(min_length=1, max_length=MAX_BATCH)]


class Quarantined(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A reading that the server kept aside for a person to look at."""

    reading_id: UUID
    reason: str
    detail: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A whole message that was not taken. Its bytes are in quarantine; sending it again is no use.

    Unless the reason is unknown_gateway: then somebody has yet to enrol it, and it keeps what it has and asks
    again.
    """

    reason: str
    detail: str = ""

    @property
    def final(self) -> bool:
        """Whether sending the same again can make no difference."""
        return self.reason != UNKNOWN_GATEWAY


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Sent after COMMIT, so that what it names is in PostgreSQL.

    `batch` is the SHA-256 of the message's bytes in hex. `accepted` holds readings that are stored, were
    stored before, or wait in the unassigned tray. The gateway removes from its outbox only what is named.
    """

    schema: Literal[1]
    batch: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    accepted: list[UUID] = []
    quarantined: list[Quarantined] = []
    refused: Refusal | None = None


class DeviceStatus(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the gateway knows of one device. `battery` in percent."""

    device_id: DeviceId
    name: Annotated[str, Meta(max_length=64)] | None = None
    battery: Annotated[int, Meta(ge=0, le=100)] | None = None
    last_seen: UtcTime | None = None
    last_error: Annotated[str, Meta(max_length=200)] | None = None


class Status(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The gateway's sign of life, every minute and at each change; `online=False` is its MQTT will.

    `uptime` in seconds; `outbox` counts readings not yet receipted and `outbox_oldest` is the receive time
    of the oldest of them.
    """

    schema: Literal[1]
    online: bool
    boot_id: Annotated[str, Meta(max_length=64)]
    version: Annotated[str, Meta(max_length=32)]
    sent_at: UtcTime | None = None
    uptime: Annotated[float, Meta(ge=0)] = 0
    outbox: Annotated[int, Meta(ge=0)] = 0
    outbox_oldest: UtcTime | None = None
    radio: Literal["ok", "off", "failing"] = "ok"
    devices: Annotated[list[DeviceStatus], Meta(max_length=64)] = []


class Config(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the server tells a gateway: which devices it may read, and how often it reports.

    `status_interval` in seconds. `devices` empty means: read every device that is in range.
    """

    schema: Literal[1]
    status_interval: Annotated[float, Meta(ge=1, le=3600)] = 60
    devices: list[DeviceId] = []
