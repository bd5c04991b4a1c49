"""From a frame and what is known of its device's clock to a reading. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.errors import DecodeError
from devices.measurement import Measurement
from devices.reading import Clock, ClockState, to_reading, to_utc, unreadable
from devices.registry import decode
from gateway.outbox import Frame
from wire.reading import Reading

LIVE = timedelta(minutes=2)
"""A record whose own time is this near to its receiving was measured just now, not read from memory."""


@dataclass(frozen=True, kw_only=True)
class ClockHistory:
    """A device's clock in one connection: as it was found, and as it is after the gateway has set it.

    A record in the device's memory bears the time of the clock as found, also if it arrives after the clock
    was set; only one that is made after that bears the new time.
    """

    found: Clock
    set_to: Clock | None = None


def resolve(frame: Frame, history: ClockHistory) -> Reading:
    """Return the reading of a frame; one that cannot be decoded becomes a reading of kind UNREADABLE."""
    try:
        measurement = decode(frame.characteristic, frame.raw, frame.device_name)
    except DecodeError as error:
        return unreadable(
            error,
            frame=frame.raw,
            characteristic=frame.characteristic,
            device_id=frame.device_id,
            received_at=frame.received_at,
            live=True,
        )
    clock = _clock_of(measurement, frame.received_at, history)
    return to_reading(
        measurement,
        frame=frame.raw,
        characteristic=frame.characteristic,
        device_id=frame.device_id,
        received_at=frame.received_at,
        clock=clock,
        live=is_live(measurement, frame.received_at, clock),
    )


def is_live(measurement: Measurement, received_at: datetime, clock: Clock) -> bool:
    """Tell whether it was measured just now: its own time says so, or it has none."""
    content = measurement.content()
    if content is None or content.taken_at is None:
        return True
    offset = clock.offset if clock.state is ClockState.OFFSET else timedelta(0)
    try:
        taken_at = to_utc(content.taken_at - offset, clock.zone)
    except OverflowError:
        return False
    return abs(received_at - taken_at) <= LIVE


def _clock_of(measurement: Measurement, received_at: datetime, history: ClockHistory) -> Clock:
    if history.set_to is not None and is_live(measurement, received_at, history.set_to):
        return history.set_to
    return history.found
