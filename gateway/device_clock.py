"""A device's clock, read and set over Bluetooth: Current Time (2A2B, CTS 1.1) or Date Time (2A08)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakGATTProtocolError

from devices import current_time, date_time
from devices.errors import DecodeError
from devices.reading import Clock, ClockState
from devices.registry import canonical
from gateway.profiles import CURRENT_TIME, DATE_TIME

TOLERANCE = timedelta(seconds=60)
"""A clock that is nearer than this to the gateway's is right: many devices show minutes only."""


def judge(device_local: datetime | None, now: datetime, zone: str) -> Clock:
    """Return what a device's wall clock (naive; None if not set), read at `now` (aware), is worth."""
    if device_local is None:
        return Clock(ClockState.UNKNOWN, zone=zone)
    offset = device_local - local(now, zone)
    if abs(offset) < TOLERANCE:
        return Clock(ClockState.VERIFIED, zone=zone)
    return Clock(ClockState.OFFSET, offset, zone)


def local(now: datetime, zone: str) -> datetime:
    """Return the wall clock of a zone, naive."""
    return now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


class DeviceClock:
    """The clock characteristic of a connected device, if it has one."""

    def __init__(self, client: BleakClient, *, zone: str, now: Callable[[], datetime]) -> None:
        """Look for it among the services of `client`, which is connected."""
        self._client = client
        self._zone = zone
        self._now = now
        self._characteristic = _find(client)

    async def read(self) -> Clock:
        """Return what the clock is worth now; UNKNOWN where there is none or it cannot be read.

        Raises BleakError if the link fails.
        """
        found = self._characteristic
        if found is None or "read" not in found.properties:
            return Clock(ClockState.UNKNOWN, zone=self._zone)
        try:
            frame = bytes(await self._client.read_gatt_char(found))
            return judge(_decode(found, frame), self._now(), self._zone)
        except (BleakGATTProtocolError, DecodeError):
            return Clock(ClockState.UNKNOWN, zone=self._zone)

    async def set(self) -> Clock:
        """Set the clock and return what reading it back shows, so that nobody takes "written" for "right".

        Raises BleakError if the link fails.
        """
        found = self._characteristic
        if found is None or not {"write", "write-without-response"} & set(found.properties):
            return await self.read()
        frame = _encode(found, local(self._now(), self._zone))
        # A device may refuse (CTS 1.1: "data field ignored"); reading back shows what counts.
        with suppress(BleakGATTProtocolError):
            await self._client.write_gatt_char(found, frame, response="write" in found.properties)
        return await self.read()


def _find(client: BleakClient) -> BleakGATTCharacteristic | None:
    by_name = {canonical(found.uuid): found for found in client.services.characteristics.values()}
    return by_name.get(CURRENT_TIME) or by_name.get(DATE_TIME)


def _decode(found: BleakGATTCharacteristic, frame: bytes) -> datetime | None:
    if canonical(found.uuid) == CURRENT_TIME:
        return current_time.decode(frame).datetime
    return date_time.decode(frame).datetime


def _encode(found: BleakGATTCharacteristic, wall: datetime) -> bytes:
    if canonical(found.uuid) == CURRENT_TIME:
        return current_time.encode(current_time.at(wall))
    return date_time.encode(date_time.DateTime(wall.replace(microsecond=0)))


def utc_now() -> datetime:
    """Return the gateway's clock."""
    return datetime.now(UTC)
