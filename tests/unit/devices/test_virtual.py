"""The virtual devices, driven by a plain bumble central over a local link: real GATT, no radio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from bumble.controller import Controller
from bumble.core import ProtocolError
from bumble.device import Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address
from bumble.keys import MemoryKeyStore
from bumble.link import LocalLink

from devices import blood_pressure, current_time, heart_rate, weight
from devices.blood_pressure import BloodPressure
from devices.current_time import CurrentTime
from devices.heart_rate import HeartRate
from devices.virtual.history import Profile, history
from devices.virtual.models import BloodPressureMonitor, HeartRateSensor, WeightScale
from devices.virtual.peripheral import VirtualDevice
from devices.weight import Weight

CUFF, SCALE, STRAP = "F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:02", "F0:F1:F2:F3:F4:03"
NOW = datetime(2026, 3, 10, 7, 30, 5)  # noqa: DTZ001 - a wall clock
PATIENCE = 5.0
QUICK: dict[str, Any] = {"advertising_interval": 0.01, "settle": 0.0, "linger": 0.02}


class Central:
    """A client that finds a device, subscribes, and keeps what comes."""

    def __init__(self, link: LocalLink) -> None:
        controller = Controller("central", link=link)
        self.device = Device.with_hci("central", Address("F0:00:00:00:00:01"), controller, controller)
        self.device.keystore = MemoryKeyStore()
        self.seen: dict[str, Any] = {}
        self.frames: list[bytes] = []
        self.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)

    async def start(self) -> None:
        await self.device.power_on()
        await self.device.start_scanning(filter_duplicates=False)

    def _on_advertisement(self, advertisement: Any) -> None:
        self.seen[advertisement.address.to_string(with_type_qualifier=False)] = advertisement.data

    async def connect(self, device: VirtualDevice) -> tuple[Connection, Peer]:
        connection = await self.device.connect(Address(device.address), timeout=PATIENCE)
        peer = Peer(connection)
        await peer.discover_all()
        return connection, peer

    async def subscribe(self, peer: Peer, characteristic: str) -> CharacteristicProxy[bytes]:
        proxy = find(peer, characteristic)
        await proxy.subscribe(self.frames.append, prefer_notify=False)
        return proxy


@pytest.fixture
async def link() -> LocalLink:
    return LocalLink()


@pytest.fixture
async def central(link: LocalLink) -> AsyncIterator[Central]:
    client = Central(link)
    await client.start()
    yield client
    await client.device.stop_scanning()
    await client.device.power_off()


@pytest.fixture
async def cuff(link: LocalLink) -> AsyncIterator[BloodPressureMonitor]:
    device = BloodPressureMonitor(link, CUFF, name="Virtual cuff", now=lambda: NOW, **QUICK)
    await device.start()
    yield device
    await device.stop()


@pytest.fixture
async def scale(link: LocalLink) -> AsyncIterator[WeightScale]:
    device = WeightScale(link, SCALE, name="Virtual scale", now=lambda: NOW, **QUICK)
    await device.start()
    yield device
    await device.stop()


@pytest.fixture
async def strap(link: LocalLink) -> AsyncIterator[HeartRateSensor]:
    device = HeartRateSensor(
        link, STRAP, name="Virtual strap", now=lambda: NOW, advertising_interval=0.01, period=0.02
    )
    await device.start()
    yield device
    await device.stop()


def find(peer: Peer, characteristic: str) -> CharacteristicProxy[bytes]:
    for service in peer.services:
        for proxy in service.characteristics:
            if proxy.uuid.to_hex_str().upper() == characteristic:
                return proxy
    raise AssertionError(f"no {characteristic}")


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"never happened: {what}")
        await asyncio.sleep(0.005)


def pressure(systolic: float) -> BloodPressure:
    return BloodPressure(systolic=systolic, diastolic=80.0, mean_arterial_pressure=93.0, pulse_rate=61.0)


async def test_a_device_with_nothing_to_say_is_silent(central: Central, cuff: BloodPressureMonitor):
    await asyncio.sleep(0.05)
    assert not cuff.is_advertising
    assert CUFF not in central.seen


async def test_a_measurement_is_announced_delivered_and_forgotten(
    central: Central, cuff: BloodPressureMonitor
):
    frame = cuff.measure(pressure(121.0))
    assert cuff.pending == 1
    await until(lambda: CUFF in central.seen, "advertisement")
    assert b"Virtual cuff" in bytes(central.seen[CUFF])
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "confirmation")
    assert central.frames == [frame]
    decoded = blood_pressure.decode(frame)
    assert (decoded.systolic, decoded.taken_at) == (121.0, NOW)
    await until(lambda: not cuff.is_connected, "the cuff hangs up")
    await asyncio.sleep(0.03)
    assert not cuff.is_advertising


async def test_ninety_days_of_memory_come_oldest_first(central: Central, cuff: BloodPressureMonitor):
    records = [m for _, m in history(Profile.HYPERTENSION, days=90, now=NOW, seed=3)]
    frames = [blood_pressure.encode(m) for m in records if isinstance(m, BloodPressure)]
    cuff.load(frames)
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "all delivered")
    assert len(frames) > 150
    assert central.frames == frames


async def test_garbage_is_sent_as_it_is(central: Central, scale: WeightScale):
    scale.load([b"", b"\xff", bytes(20)])
    _, peer = await central.connect(scale)
    await central.subscribe(peer, "2A9D")
    await until(lambda: scale.pending == 0, "all delivered")
    assert central.frames == [b"", b"\xff", bytes(20)]


async def test_what_was_not_confirmed_is_sent_again(central: Central, cuff: BloodPressureMonitor):
    """The client goes away in the middle: each record comes at least once, in order."""
    frames = [cuff.measure(pressure(float(systolic))) for systolic in range(100, 130)]
    connection, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: len(central.frames) >= 5, "some records")
    await connection.disconnect()
    await until(lambda: not cuff.is_connected, "disconnection")
    await until(lambda: cuff.is_advertising, "advertising again")
    left = cuff.pending
    assert 0 < left < len(frames)
    assert central.frames[: len(frames) - left] == frames[:-left], "what is gone was received"
    central.frames.clear()
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "the rest")
    assert central.frames == frames[-left:]


async def test_an_unconfirmed_record_stays(
    central: Central, cuff: BloodPressureMonitor, monkeypatch: pytest.MonkeyPatch
):
    cuff.measure(pressure(121.0))
    _, peer = await central.connect(cuff)
    proxy = find(peer, "2A35")
    proxy.on(proxy.EVENT_UPDATE, central.frames.append)
    monkeypatch.setattr(peer.gatt_client, "send_confirmation", lambda *_: None)
    await central.subscribe(peer, "2A35")
    await until(lambda: central.frames, "the indication")
    await asyncio.sleep(0.05)
    assert cuff.pending == 1


async def test_a_measurement_during_a_connection_is_sent_at_once(central: Central, link: LocalLink):
    cuff = BloodPressureMonitor(link, CUFF, name="c", now=lambda: NOW, **(QUICK | {"linger": PATIENCE}))
    await cuff.start()
    cuff.measure(pressure(121.0))
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "the first")
    second = cuff.measure(pressure(122.0))
    await until(lambda: cuff.pending == 0, "the second")
    assert central.frames[-1] == second
    assert cuff.is_connected
    await cuff.stop()


async def test_a_client_that_never_subscribes_is_sent_away(central: Central, link: LocalLink):
    cuff = BloodPressureMonitor(link, CUFF, name="c", now=lambda: NOW, **QUICK, patience=0.05)
    await cuff.start()
    cuff.measure(pressure(121.0))
    await central.connect(cuff)
    await until(lambda: not cuff.is_connected, "the cuff hangs up")
    await until(lambda: cuff.is_advertising, "and waits for a better client")
    assert cuff.pending == 1
    await cuff.stop()


async def test_unsubscribing_pauses_and_subscribing_resumes(central: Central, cuff: BloodPressureMonitor):
    frames = [cuff.measure(pressure(float(systolic))) for systolic in range(100, 140)]
    _, peer = await central.connect(cuff)
    proxy = await central.subscribe(peer, "2A35")
    await until(lambda: len(central.frames) >= 3, "some records")
    await proxy.unsubscribe(central.frames.append, force=True)
    await asyncio.sleep(0.05)  # the one that was on its way is confirmed by the client's stack all the same
    left = cuff.pending
    assert left > 0
    await asyncio.sleep(0.05)
    assert cuff.pending == left
    central.frames.clear()
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "the rest")
    assert central.frames == frames[-left:]


async def test_the_clock_is_set_and_read_back(central: Central, link: LocalLink):
    wrong = timedelta(days=-365, minutes=3)
    cuff = BloodPressureMonitor(link, CUFF, name="c", now=lambda: NOW, clock_offset=wrong, **QUICK)
    await cuff.start()
    cuff.measure(pressure(121.0))
    _, peer = await central.connect(cuff)
    clock = find(peer, "2A2B")
    assert current_time.decode(await clock.read_value()).datetime == NOW + wrong
    await clock.write_value(current_time.encode(CurrentTime(datetime=NOW)), with_response=True)
    assert current_time.decode(await clock.read_value()) == current_time.at(NOW)
    taken_at = blood_pressure.decode(cuff.measure(pressure(122.0))).taken_at
    assert taken_at == NOW
    await cuff.stop()


async def test_a_stubborn_clock_is_seen_by_reading_back(central: Central, link: LocalLink):
    wrong = timedelta(hours=5)
    cuff = BloodPressureMonitor(
        link, CUFF, name="c", now=lambda: NOW, clock_offset=wrong, keeps_its_clock=True, **QUICK
    )
    await cuff.start()
    cuff.measure(pressure(121.0))
    _, peer = await central.connect(cuff)
    clock = find(peer, "2A2B")
    await clock.write_value(current_time.encode(CurrentTime(datetime=NOW)), with_response=True)
    assert current_time.decode(await clock.read_value()).datetime == NOW + wrong
    await cuff.stop()


@pytest.mark.parametrize("garbage", [b"", b"\x00", bytes(9), bytes.fromhex("e9070101180000010000")])
async def test_a_clock_refuses_garbage(central: Central, cuff: BloodPressureMonitor, garbage: bytes):
    cuff.measure(pressure(121.0))
    _, peer = await central.connect(cuff)
    with pytest.raises(ProtocolError):
        await find(peer, "2A2B").write_value(garbage, with_response=True)
    assert cuff.clock == NOW


async def test_battery_features_and_device_information(central: Central, scale: WeightScale):
    scale.measure(Weight(weight=72.4, user_id=1))
    scale.battery = 17
    _, peer = await central.connect(scale)
    assert await find(peer, "2A19").read_value() == bytes((17,))
    assert await find(peer, "2A9E").read_value() == bytes.fromhex("bf010000")
    assert await find(peer, "2A24").read_value() == b"WeightScale"
    assert await find(peer, "2A25").read_value() == SCALE.encode()


async def test_several_devices_share_a_link(central: Central, cuff: BloodPressureMonitor, scale: WeightScale):
    cuff.measure(pressure(121.0))
    sent = scale.measure(Weight(weight=72.4))
    _, peer = await central.connect(scale)
    await central.subscribe(peer, "2A9D")
    await until(lambda: scale.pending == 0, "the weight")
    assert central.frames == [sent]
    assert weight.decode(sent) == Weight(weight=72.4, taken_at=NOW)
    assert cuff.pending == 1
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: cuff.pending == 0, "the pressure")


async def test_a_strap_streams_while_it_is_worn(central: Central, strap: HeartRateSensor):
    assert not strap.is_advertising
    strap.measure(HeartRate(heart_rate=64, sensor_contact=True))
    _, peer = await central.connect(strap)
    await central.subscribe(peer, "2A37")
    await until(lambda: len(central.frames) >= 3, "three notifications")
    strap.measure(HeartRate(heart_rate=88, sensor_contact=True))
    await until(lambda: heart_rate.decode(central.frames[-1]).heart_rate == 88, "the new rate")
    strap.take_off()
    await until(lambda: not strap.is_connected, "the strap hangs up")
    assert not strap.is_advertising
    assert strap.pending == 0


async def test_a_strap_goes_silent_when_nobody_measures_any_more(link: LocalLink):
    strap = HeartRateSensor(link, STRAP, name="s", now=lambda: NOW, wear=0.05)
    await strap.start()
    strap.measure(HeartRate(heart_rate=64))
    await until(lambda: strap.is_advertising, "advertising")
    await until(lambda: not strap.is_advertising, "silence")
    await strap.stop()


async def test_a_stopped_device_leaves_nothing_running(central: Central, link: LocalLink):
    before = len(asyncio.all_tasks())
    cuff = BloodPressureMonitor(link, CUFF, name="c", now=lambda: NOW, **QUICK)
    await cuff.start()
    cuff.load([b"\x00"] * 1000)
    _, peer = await central.connect(cuff)
    await central.subscribe(peer, "2A35")
    await until(lambda: central.frames, "a record")
    await cuff.stop()
    assert cuff.pending > 0
    assert not cuff.is_connected
    await until(lambda: len(asyncio.all_tasks()) <= before, "all tasks end")
    assert len(link.controllers) == 1


async def test_what_was_measured_before_the_start_is_kept(central: Central, link: LocalLink):
    cuff = BloodPressureMonitor(link, CUFF, name="c", now=lambda: NOW, **QUICK)
    cuff.measure(pressure(121.0))
    await cuff.start()
    await until(lambda: CUFF in central.seen, "advertisement")
    await cuff.stop()
    assert cuff.pending == 1
