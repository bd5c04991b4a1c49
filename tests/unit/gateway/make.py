"""Frames, readings and receipts for the gateway's tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from devices import weight
from devices.weight import Weight
from gateway.outbox import Frame
from wire.identity import reading_id
from wire.messages import Quarantined, Receipt, Refusal
from wire.reading import ClockQuality, Kind, Reading, Values

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
SCALE = "F0:F1:F2:F3:F4:02"


JUST_NOW = datetime(2026, 11, 22, 8, 29)  # noqa: DTZ001 - a device's clock has no zone; NOW in Stockholm


def scale_frame(kg: float = 72.4, taken_at: datetime | None = JUST_NOW) -> bytes:
    return weight.encode(Weight(weight=kg, taken_at=taken_at))


def frame(raw: bytes | None = None, *, device_id: str = SCALE, received_at: datetime = NOW) -> Frame:
    return Frame(
        device_id=device_id,
        device_name="Virtual Scale",
        characteristic="2A9D",
        raw=scale_frame() if raw is None else raw,
        received_at=received_at,
    )


def reading(number: int = 0) -> Reading:
    moment = NOW + timedelta(seconds=number)
    return Reading(
        reading_id=reading_id(
            device_id=SCALE,
            user_slot=None,
            characteristic="2A9D",
            raw=number.to_bytes(4, "little"),
            device_time=None,
            received_at=moment,
        ),
        device_id=SCALE,
        kind=Kind.WEIGHT,
        values=Values(weight=70 + number % 100 / 100),
        received_at=moment,
        measured_at=moment,
        clock=ClockQuality.GATEWAY,
    )


def receipt(
    accepted: Iterable[UUID] = (),
    *,
    quarantined: Iterable[UUID] = (),
    reason: str = "unknown_device",
    refused: str | None = None,
    batch: str = "0" * 64,
) -> Receipt:
    return Receipt(
        schema=1,
        batch=batch,
        accepted=list(accepted),
        quarantined=[Quarantined(reading_id=one, reason=reason, detail="x") for one in quarantined],
        refused=None if refused is None else Refusal(reason=refused),
    )
