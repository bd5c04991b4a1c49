"""A bleak 3.1 backend on google/bumble: the gateway's own code, with no radio and no operating system.

For the demo and the tests. The two classes speak for one bumble central `Device`, to which `bumble_backend`
binds them. Unlike BlueZ it does not pair by itself when a device asks for encryption, and a disconnect is
immediate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy, DescriptorProxy, ServiceProxy
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command, HCI_SyncCommand

from gateway.backends import Backend

_MTU = 247
_CANCEL_CONNECTING = cast(HCI_SyncCommand[Any], HCI_LE_Create_Connection_Cancel_Command())
_NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
_UUID_SIZES = {
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}

T = TypeVar("T")


def bumble_backend(central: Device) -> Backend:
    """Return the backend pair that scans and connects with this central, which must be powered on."""
    connecting = asyncio.Lock()

    class Scanner(BumbleScanner):
        _central = central

    class Client(BumbleClient):
        _central = central
        _connecting = connecting

    return Backend(scanner=Scanner, client=Client)


def _uuid_text(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())


def advertisement_data(data: AdvertisingData, rssi: int) -> AdvertisementData:
    """Return bleak's view of an advertisement's structures (Core Specification Supplement, part A)."""
    name: str | None = None
    manufacturer: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    services: list[str] = []
    for kind, value in data.ad_structures:
        if kind in _NAMES:
            name = value.decode(errors="replace")
        elif kind in _UUID_SIZES:
            services += _uuid_list(value, _UUID_SIZES[AdvertisingData.Type(kind)])
        elif kind == AdvertisingData.MANUFACTURER_SPECIFIC_DATA:
            manufacturer[int.from_bytes(value[:2], "little")] = bytes(value[2:])
        elif kind == AdvertisingData.SERVICE_DATA_16_BIT_UUID:
            service_data[_uuid_text(UUID.from_bytes(value[:2]))] = bytes(value[2:])
    return AdvertisementData(name, manufacturer, service_data, services, None, rssi, ())


def _uuid_list(value: bytes, size: int) -> list[str]:
    whole = len(value) - len(value) % size
    return [_uuid_text(UUID.from_bytes(value[at : at + size])) for at in range(0, whole, size)]


class BumbleScanner(BaseBleakScanner):
    """Scans with a bumble central. Bind it with `bumble_backend`."""

    _central: ClassVar[Device]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_options: Any,
    ) -> None:
        """Take what bleak hands to every scanner backend; options of other platforms are ignored."""
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"

    async def start(self) -> None:
        """Start scanning."""
        self.seen_devices = {}
        self._central.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        with _BleakErrors():
            await self._central.start_scanning(active=self._active, filter_duplicates=False)

    async def stop(self) -> None:
        """Stop scanning."""
        self._central.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)  # pyright: ignore[reportUnknownMemberType] - pyee leaves `f` untyped
        with _BleakErrors():
            await self._central.stop_scanning()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        data = advertisement_data(advertisement.data, advertisement.rssi)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = advertisement.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """One connection of a bumble central to a peripheral. Bind it with `bumble_backend`."""

    _central: ClassVar[Device]
    _connecting: ClassVar[asyncio.Lock]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_options: Any,
    ) -> None:
        """Take what bleak hands to every client backend; options of other platforms are ignored."""
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        if isinstance(address_or_ble_device, BLEDevice):
            self._peer_address = cast(Address, address_or_ble_device.details)
            self._name = address_or_ble_device.name
        else:
            self._peer_address = Address(address_or_ble_device)
            self._name = None
        self._connection: Connection | None = None
        self._mtu = 23
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The advertised name, or the address where there is none."""
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """Bytes of one ATT packet."""
        return self._mtu

    @property
    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._connection is not None

    async def connect(self, pair: bool, **_options: Any) -> None:
        """Connect and discover. Raises BleakDeviceNotFoundError if the peripheral does not answer in time."""
        try:
            async with self._connecting:  # bumble has one pending connection at a time
                connection = await self._establish()
        except (TimeoutError, BumbleTimeoutError) as error:
            raise BleakDeviceNotFoundError(self.address) from error
        except BaseBumbleError as error:
            raise BleakError(f"connecting failed: {error}") from error
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        try:
            if pair:
                await self.pair()
            self.services = await self._while_connected(lambda: self._discover(Peer(connection)))
        except BaseException:
            await self.disconnect()
            raise

    async def _establish(self) -> Connection:
        try:
            return await self._central.connect(self._peer_address, timeout=self._timeout)
        except asyncio.CancelledError:
            # Otherwise the controller goes on trying, and refuses every connection after this one.
            await self._central.send_sync_command(_CANCEL_CONNECTING)
            raise

    async def disconnect(self) -> None:
        """Close the link; nothing happens if it is closed already."""
        if self._connection is not None:
            with _BleakErrors():
                await self._connection.disconnect()

    async def pair(self, *_args: Any, **_options: Any) -> None:
        """Pair and encrypt. Raises BleakError if the peripheral refuses."""
        connection = self._require()
        if not connection.is_encrypted:
            await self._while_connected(lambda: self._central.pair(connection))

    async def unpair(self) -> None:
        """Forget the bond."""
        if self._central.keystore is not None:
            await self._central.keystore.delete(str(self._peer_address))

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_options: Any
    ) -> bytearray:
        """Read a characteristic. Raises BleakGATTProtocolError if the peripheral refuses."""
        proxy = cast(CharacteristicProxy[bytes], characteristic.obj)
        return bytearray(await self._while_connected(proxy.read_value))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_options: Any
    ) -> bytearray:
        """Read a descriptor. Raises BleakGATTProtocolError if the peripheral refuses."""
        proxy = cast(DescriptorProxy, descriptor.obj)
        return bytearray(await self._while_connected(proxy.read_value))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic. Raises BleakGATTProtocolError if the peripheral refuses."""
        proxy = cast(CharacteristicProxy[bytes], characteristic.obj)
        await self._while_connected(lambda: proxy.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor. Raises BleakGATTProtocolError if the peripheral refuses."""
        proxy = cast(DescriptorProxy, descriptor.obj)
        await self._while_connected(lambda: proxy.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_options: Any
    ) -> None:
        """Subscribe; notifications are preferred where the characteristic has both."""
        proxy = cast(CharacteristicProxy[bytes], characteristic.obj)

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = on_value
        await self._while_connected(lambda: proxy.subscribe(on_value, prefer_notify=True))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Cancel a subscription."""
        proxy = cast(CharacteristicProxy[bytes], characteristic.obj)
        on_value = self._subscribers.pop(characteristic.handle)
        unsubscribe = cast(Callable[[object], Awaitable[None]], proxy.unsubscribe)  # pyright: ignore[reportUnknownMemberType] - bumble leaves `subscriber` untyped
        await self._while_connected(lambda: unsubscribe(on_value))

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        self._mtu = await peer.request_mtu(_MTU)
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            await self._discover_service(service, found)
        return found

    async def _discover_service(self, service: ServiceProxy, found: BleakGATTServiceCollection) -> None:
        owner = BleakGATTService(service, service.handle, _uuid_text(service.uuid))
        found.add_service(owner)
        for proxy in await service.discover_characteristics():  # pyright: ignore[reportUnknownMemberType] - bumble leaves `uuids` untyped
            characteristic = BleakGATTCharacteristic(
                proxy,
                proxy.handle,
                _uuid_text(proxy.uuid),
                list(gatt_char_props_to_strs(int(proxy.properties))),
                lambda: self._mtu - 3,
                owner,
            )
            found.add_characteristic(characteristic)
            for descriptor in await proxy.discover_descriptors():
                kind = _uuid_text(descriptor.type)
                found.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, kind, characteristic))

    def _require(self) -> Connection:
        if self._connection is None:
            raise BleakError("not connected")
        return self._connection

    async def _while_connected(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run an operation; it ends with BleakError when the link is lost, instead of waiting for ATT."""
        connection = self._require()
        try:
            with _BleakErrors():
                return await connection.cancel_on_disconnection(operation())
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise BleakError("the device disconnected") from None

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


class _BleakErrors:
    """Translate bumble's errors into those that callers of bleak expect."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, ATT_Error):
            raise BleakGATTProtocolError(error.error_code) from error
        if isinstance(error, BaseBumbleError):
            raise BleakError(f"{type(error).__name__}: {error}") from error
