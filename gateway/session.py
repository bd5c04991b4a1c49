"""One connection to one device: subscribe, take everything, learn its clock, set it, leave."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError, BleakGATTProtocolError, BleakGATTProtocolErrorCode

from devices.reading import Clock, ClockState
from devices.registry import canonical
from gateway import profiles
from gateway.device_clock import DeviceClock
from gateway.intake import Intake
from gateway.outbox import Frame
from gateway.resolve import ClockHistory
from gateway.status import StatusBoard

log = logging.getLogger(__name__)

_NEEDS_PAIRING = frozenset(
    {
        BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHENTICATION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_ENCRYPTION,
        BleakGATTProtocolErrorCode.INSUFFICIENT_AUTHORIZATION,
    }
)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How patient a session is. Seconds.

    The clock must be known within `clock` of subscribing. The device's memory counts as read when nothing
    came for `quiet`, or for `silent` if nothing ever came. A link without a record for `idle` is closed.
    """

    clock: float = 3.0
    quiet: float = 0.3
    silent: float = 2.0
    idle: float = 30.0


class Session:
    """What happens between connecting and the end of a connection."""

    def __init__(
        self,
        client: BleakClient,
        intake: Intake,
        board: StatusBoard,
        *,
        zone: str,
        now: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        """Prepare for a client that is connected."""
        self.new_readings = 0
        self._client = client
        self._device_id = client.address
        self._device_name = client.name
        self._intake = intake
        self._board = board
        self._now = now
        self._pace = pace
        self._zone = zone
        self._history: ClockHistory | None = None
        self._news = asyncio.Event()
        self._any = False

    async def run(self, gone: asyncio.Event) -> None:
        """Serve the device until it hangs up (`gone`) or has nothing more to say.

        Raises BleakError. If that is before the device's clock was read, its frames stay raw in the outbox
        for the next connection, which finds the clock unchanged.
        """
        await self._subscribe()
        clock = DeviceClock(self._client, zone=self._zone, now=self._now)
        await self._learn_clock(clock)
        await self._describe()
        await self._until_quiet(gone)
        await self._set_clock(clock, gone)
        await self._until_idle(gone)

    async def _subscribe(self) -> None:
        found = [
            characteristic
            for characteristic in self._client.services.characteristics.values()
            if profiles.is_measurement(characteristic.uuid)
            and {"notify", "indicate"} & set(characteristic.properties)
        ]
        if not found:
            raise BleakError("the device has no measurement that this gateway can read")
        for characteristic in found:
            await self._start_notify(characteristic)

    async def _start_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        try:
            await self._client.start_notify(characteristic, self._on_frame)
        except BleakGATTProtocolError as error:
            if error.code not in _NEEDS_PAIRING:
                raise
            await self._client.pair()
            await self._client.start_notify(characteristic, self._on_frame)

    def _on_frame(self, characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        """Commit what came, before anything else: BlueZ has confirmed it to the device already."""
        frame = Frame(
            device_id=self._device_id,
            device_name=self._device_name,
            characteristic=canonical(characteristic.uuid),
            raw=bytes(data),
            received_at=self._now(),
        )
        self.new_readings += self._intake.take(frame, self._history)
        self._any = True
        self._news.set()

    async def _learn_clock(self, clock: DeviceClock) -> None:
        found = Clock(zone=self._zone)
        try:
            async with asyncio.timeout(self._pace.clock):
                found = await clock.read()
        except TimeoutError:
            log.warning("device %s does not tell its time", self._device_id)
        if found.state is ClockState.OFFSET:
            ahead = found.offset.total_seconds()
            log.warning("the clock of device %s is %+.0f s off; times are corrected", self._device_id, ahead)
        self._history = ClockHistory(found=found)
        self.new_readings += self._intake.resolve(self._history, self._device_id)

    async def _describe(self) -> None:
        battery = await self._read(profiles.BATTERY_LEVEL)
        maker = _text(await self._read(profiles.MANUFACTURER_NAME))
        model = _text(await self._read(profiles.MODEL_NUMBER))
        self._board.described(
            self._device_id,
            name=" ".join(part for part in (maker, model) if part) or None,
            battery=battery[0] if battery else None,
        )

    async def _read(self, name: str) -> bytes:
        """Return a characteristic's value, empty if the device has none or does not give it."""
        for found in self._client.services.characteristics.values():
            if canonical(found.uuid) == name and "read" in found.properties:
                try:
                    return bytes(await self._client.read_gatt_char(found))
                except BleakGATTProtocolError:
                    return b""
        return b""

    async def _until_quiet(self, gone: asyncio.Event) -> None:
        while not gone.is_set():
            self._news.clear()
            if not await _either(self._news, gone, self._pace.quiet if self._any else self._pace.silent):
                return

    async def _set_clock(self, clock: DeviceClock, gone: asyncio.Event) -> None:
        """Set a wrong clock once the memory is read: until then a lost link must find it as it was."""
        history = self._history
        if history is None or history.found.state is ClockState.VERIFIED or gone.is_set():
            return
        # From here on a record may bear the new time, also before the clock has been read back.
        self._history = ClockHistory(found=history.found, set_to=Clock(ClockState.VERIFIED, zone=self._zone))
        after = Clock(zone=self._zone)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.clock):
                after = await clock.set()
        if after.state is ClockState.VERIFIED:
            log.info("the clock of device %s is set", self._device_id)
            return
        self._history = history
        if history.found.state is ClockState.OFFSET:
            log.warning("device %s did not take the time it was given", self._device_id)

    async def _until_idle(self, gone: asyncio.Event) -> None:
        while not gone.is_set():
            self._news.clear()
            if not await _either(self._news, gone, self._pace.idle):
                return


async def _either(first: asyncio.Event, second: asyncio.Event, within: float) -> bool:
    """Wait for one of two events; return False if neither happens `within` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in (first, second)]
    try:
        done, _ = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


def _text(value: bytes) -> str:
    """Return a device's text: UTF-8, often padded with NUL or blanks, printable characters only."""
    decoded = value.decode(errors="replace").strip("\x00 \t\r\n")
    return "".join(character for character in decoded if character.isprintable())
