"""The virtual devices: a cuff and a scale that store records, and a heart-rate sensor that streams."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from bumble.device import Connection
from bumble.gatt import Characteristic
from bumble.link import LocalLink

from devices import blood_pressure, heart_rate, weight
from devices.blood_pressure import BloodPressure
from devices.heart_rate import HeartRate
from devices.virtual.peripheral import Properties, VirtualDevice, happens
from devices.weight import Weight

Timed = TypeVar("Timed", BloodPressure, Weight)


class RecordingDevice(VirtualDevice, Generic[Timed]):
    """A device that stores each measurement and indicates them all, oldest first, to a client.

    A record is forgotten only after the client's ATT confirmation, so a lost connection repeats it. `settle`
    is the pause between subscription and first record, `linger` how long the device waits for a new
    measurement before it hangs up, both in seconds.
    """

    def __init__(
        self,
        link: LocalLink,
        address: str,
        *,
        name: str,
        now: Callable[[], datetime],
        battery: int = 90,
        clock_offset: timedelta = timedelta(0),
        keeps_its_clock: bool = False,
        advertising_interval: float = 0.1,
        patience: float = 30.0,
        settle: float = 0.05,
        linger: float = 0.5,
    ) -> None:
        """Build the device with an empty memory."""
        super().__init__(
            link,
            address,
            name=name,
            now=now,
            battery=battery,
            clock_offset=clock_offset,
            keeps_its_clock=keeps_its_clock,
            advertising_interval=advertising_interval,
            patience=patience,
        )
        self._records: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._settle = settle
        self._linger = linger

    @property
    def pending(self) -> int:
        """How many records no client has confirmed yet."""
        return len(self._records)

    @property
    def has_something_to_say(self) -> bool:
        """True while there are records."""
        return bool(self._records)

    @abstractmethod
    def encode(self, measurement: Timed) -> bytes:
        """Return the frame of a measurement."""

    def measure(self, measurement: Timed) -> bytes:
        """Store a measurement made now, stamped by the device's own clock unless it has a time; return it."""
        if measurement.taken_at is None:
            measurement = msgspec.structs.replace(measurement, taken_at=self.clock)
        frame = self.encode(measurement)
        self.load([frame])
        return frame

    def load(self, frames: Sequence[bytes]) -> None:
        """Store recorded frames, oldest first, whatever bytes they are."""
        self._records.extend(frames)
        self._news.set()
        self.changed()

    async def serve(self, connection: Connection) -> None:
        """Indicate all records and those that are measured meanwhile."""
        await asyncio.sleep(self._settle)
        while True:
            self._news.clear()
            await self._indicate_all(connection)
            if not await happens(self._news, self._linger):
                return

    async def _indicate_all(self, connection: Connection) -> None:
        while self._records and self._subscribed.is_set():
            frame = self._records[0]
            await self._device.indicate_subscriber(connection, self._characteristic, frame)
            if not self.serves(connection):
                return  # bumble says nothing when there was nobody to confirm
            self._records.popleft()


class BloodPressureMonitor(RecordingDevice[BloodPressure]):
    """An upper-arm cuff (Blood Pressure Service 1810)."""

    service = "1810"
    measurement = "2A35"

    def encode(self, measurement: BloodPressure) -> bytes:
        """Return the 2A35 frame."""
        return blood_pressure.encode(measurement)

    def extra_characteristics(self) -> Sequence[Characteristic[bytes]]:
        """Return the feature characteristic: the cuff detects all five status conditions."""
        return [_feature("2A49", bytes((0x1F, 0x00)))]


class WeightScale(RecordingDevice[Weight]):
    """A bathroom scale (Weight Scale Service 181D)."""

    service = "181D"
    measurement = "2A9D"

    def encode(self, measurement: Weight) -> bytes:
        """Return the 2A9D frame."""
        return weight.encode(measurement)

    def extra_characteristics(self) -> Sequence[Characteristic[bytes]]:
        """Return the feature characteristic: time stamp, users, BMI; resolution 0.005 kg and 0.001 m."""
        return [_feature("2A9E", (0b111 | 7 << 3 | 3 << 7).to_bytes(4, "little"))]


class HeartRateSensor(VirtualDevice):
    """A chest strap (Heart Rate Service 180D): notifies each period while worn, and stores nothing.

    `period` in seconds. `wear` is how long, in seconds, the sensor stays on after the last `measure`.
    """

    service = "180D"
    measurement = "2A37"
    notifies = True
    pending = 0

    def __init__(
        self,
        link: LocalLink,
        address: str,
        *,
        name: str,
        now: Callable[[], datetime],
        battery: int = 90,
        advertising_interval: float = 0.1,
        patience: float = 30.0,
        period: float = 1.0,
        wear: float = 20.0,
    ) -> None:
        """Build the sensor; nobody wears it yet."""
        super().__init__(
            link,
            address,
            name=name,
            now=now,
            battery=battery,
            advertising_interval=advertising_interval,
            patience=patience,
        )
        self._period = period
        self._wear = wear
        self._frame: bytes | None = None
        self._taking_off: asyncio.TimerHandle | None = None

    @property
    def has_something_to_say(self) -> bool:
        """True while somebody wears the sensor."""
        return self._frame is not None

    def measure(self, measurement: HeartRate) -> bytes:
        """Put the sensor on, or change what it measures; return the frame that it sends from now on."""
        self._frame = heart_rate.encode(measurement)
        self._keep_off_timer(self._wear)
        self.changed()
        return self._frame

    def load(self, frames: Sequence[bytes]) -> None:
        """Send the last of some raw frames from now on; the sensor has no memory for the others."""
        self._frame = frames[-1]
        self._keep_off_timer(self._wear)
        self.changed()

    def take_off(self) -> None:
        """Stop measuring: no more notifications, and the sensor hangs up."""
        self._frame = None
        self._keep_off_timer(None)
        self.changed()

    async def stop(self) -> None:
        """Take the sensor off and switch it off."""
        self.take_off()
        await super().stop()

    async def serve(self, connection: Connection) -> None:
        """Notify once a period until the sensor is taken off."""
        while self._frame is not None and self._subscribed.is_set():
            await self._device.notify_subscriber(connection, self._characteristic, self._frame)
            await asyncio.sleep(self._period)

    def extra_characteristics(self) -> Sequence[Characteristic[bytes]]:
        """Return the body sensor location: chest."""
        return [_feature("2A38", bytes((1,)))]

    def _keep_off_timer(self, seconds: float | None) -> None:
        if self._taking_off is not None:
            self._taking_off.cancel()
            self._taking_off = None
        if seconds is not None:
            self._taking_off = asyncio.get_running_loop().call_later(seconds, self.take_off)


def _feature(uuid: str, value: bytes) -> Characteristic[bytes]:
    return Characteristic[bytes](uuid, Properties.READ, Characteristic.READABLE, value)
