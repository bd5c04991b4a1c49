"""What all virtual devices have in common: advertising, connections, clock, battery. On bumble.

A device behaves as the real ones do: it advertises only while it has something to say, serves one client at
a time, hangs up when it is done, and advertises again if something is left.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta

from bumble import hci
from bumble.att import ATT_Error, ErrorCode
from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService

from devices import current_time
from devices.errors import DecodeError

logger = logging.getLogger(__name__)

Properties = Characteristic.Properties

CURRENT_TIME_SERVICE = "1805"
CURRENT_TIME = "2A2B"


class VirtualDevice(ABC):
    """A Bluetooth LE peripheral on an in-process link. Give one asyncio loop to a link and its devices.

    `address` is a static random address such as "F0:F1:F2:F3:F4:01" and stays the device's identity. `now`
    returns the true local wall-clock time, naive; the device's own clock is `clock_offset` ahead of it until
    a client writes the Current Time. With `keeps_its_clock` it accepts such a write and changes nothing,
    which is why a gateway reads back. `advertising_interval` in seconds; `patience` is how long, in seconds,
    a client may stay without subscribing.
    """

    service: str
    measurement: str
    notifies = False

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
    ) -> None:
        """Build the device; it is silent until `start`."""
        self.address = address
        self.name = name
        self.battery = battery
        self.clock_offset = clock_offset
        self._now = now
        self._keeps_its_clock = keeps_its_clock
        self._patience = patience
        self._link = link
        self._controller = Controller(name, link=link)
        self._device = self._make_device(advertising_interval)
        self._characteristic = Characteristic[bytes](
            self.measurement,
            Properties.NOTIFY if self.notifies else Properties.INDICATE,
            Characteristic.Permissions(0),
            b"",
        )
        self._device.add_services(self._services())
        self._started = False
        self._connection: Connection | None = None
        self._session: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self._advertising = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._characteristic.on(Characteristic.EVENT_SUBSCRIPTION, self._on_subscription)
        self._device.on(Device.EVENT_CONNECTION, self._on_connection)

    @property
    def clock(self) -> datetime:
        """What the device's own clock shows, naive, in whole seconds."""
        return (self._now() + self.clock_offset).replace(microsecond=0)

    @property
    def is_advertising(self) -> bool:
        """True while a scanner can see the device."""
        return self._device.is_advertising

    @property
    def is_connected(self) -> bool:
        """True while a client is connected."""
        return self._connection is not None

    @property
    @abstractmethod
    def has_something_to_say(self) -> bool:
        """True while the device wants a client."""

    @abstractmethod
    async def serve(self, connection: Connection) -> None:
        """Send to a client that has subscribed what there is; return when there is no more to wait for."""

    @abstractmethod
    def extra_characteristics(self) -> Sequence[Characteristic[bytes]]:
        """Return what stands beside the measurement in its service: features, sensor location."""

    async def start(self) -> None:
        """Switch the device on."""
        await self._device.power_on()
        self._started = True
        await self._update_advertising()

    async def stop(self) -> None:
        """Switch the device off: hang up, stop advertising, leave the link. What it stored is kept."""
        self._started = False
        await self._update_advertising()
        if self._connection is not None:
            await self._hang_up(self._connection)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._device.power_off()
        if self._controller in self._link.controllers:
            self._link.remove_controller(self._controller)

    def changed(self) -> None:
        """Advertise, or stop, after something to say has come or gone. Does nothing before `start`."""
        if self._started:
            self.spawn(self._update_advertising())

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something until it ends or the device stops; a failure is logged, not lost."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _make_device(self, advertising_interval: float) -> Device:
        advertisement = AdvertisingData(
            [
                (AdvertisingData.FLAGS, bytes((0x06,))),  # general discoverable, LE only
                (
                    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
                    struct.pack("<H", int(self.service, 16)),
                ),
                (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
            ]
        )
        configuration = DeviceConfiguration(
            name=self.name,
            address=hci.Address(self.address),
            advertising_interval_min=advertising_interval * 1000,
            advertising_interval_max=advertising_interval * 1000,
            advertising_data=bytes(advertisement),
        )
        device = Device.from_config_with_hci(configuration, self._controller, self._controller)
        device.keystore = MemoryKeyStore()
        return device

    def _services(self) -> list[Service]:
        clock = Characteristic[bytes](
            CURRENT_TIME,
            Properties.READ | Properties.WRITE,
            Characteristic.READABLE | Characteristic.WRITEABLE,
            CharacteristicValue(read=self._read_clock, write=self._write_clock),
        )
        return [
            Service(self.service, [self._characteristic, *self.extra_characteristics()]),
            Service(CURRENT_TIME_SERVICE, [clock]),
            DeviceInformationService(
                manufacturer_name="Hemkurva", model_number=type(self).__name__, serial_number=self.address
            ),
            BatteryService(lambda _: self.battery),
        ]

    def _read_clock(self, _: Connection) -> bytes:
        return current_time.encode(current_time.at(self.clock))

    def _write_clock(self, _: Connection, value: bytes) -> None:
        try:
            wanted = current_time.decode(value).datetime
        except DecodeError as error:
            raise ATT_Error(ErrorCode.VALUE_NOT_ALLOWED, message=str(error)) from error
        if wanted is not None and not self._keeps_its_clock:
            self.clock_offset = wanted - self._now()

    def _on_subscription(self, _: Connection, notify: bool, indicate: bool) -> None:
        if notify if self.notifies else indicate:
            self._subscribed.set()
        else:
            self._subscribed.clear()

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._session = self.spawn(self._meet(connection))

    def _on_disconnection(self, _: int) -> None:
        self._connection = None
        self._subscribed.clear()
        if self._session is not None:
            self._session.cancel()
            self._session = None
        self.changed()

    async def _meet(self, connection: Connection) -> None:
        """Serve a client, again if it unsubscribes and comes back, and hang up after the last word."""
        try:
            # Python 3.11's wait_for can swallow the cancellation of a session whose link was lost; such a
            # session must not take the next connection's subscription for its own.
            while await happens(self._subscribed, self._patience) and self.serves(connection):
                await self.serve(connection)
                if self._subscribed.is_set():
                    break
        except TimeoutError:  # the client never confirmed an indication; the record is kept
            logger.warning("virtual device %s: the client does not answer", self.name)
        # A task of its own: the disconnection cancels this one.
        self.spawn(self._hang_up(connection))

    def serves(self, connection: Connection) -> bool:
        """Say whether this is the connection of now, and not one that was lost."""
        return self._connection is connection

    async def _hang_up(self, connection: Connection) -> None:
        if self.serves(connection):
            await connection.disconnect()

    async def _update_advertising(self) -> None:
        async with self._advertising:
            wanted = self._started and self.has_something_to_say and self._connection is None
            if wanted and not self._device.is_advertising:
                await self._device.start_advertising()
            elif not wanted and self._device.is_advertising:
                await self._device.stop_advertising()

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("virtual device %s: %s", self.name, error, exc_info=error)


async def happens(event: asyncio.Event, within: float) -> bool:
    """Return True once the event is set, False if `within` seconds pass first."""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
