"""The collector reads virtual devices through bleak's own API, whatever they do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble.device import Connection
from bumble.gatt import Descriptor, Service

from devices import blood_pressure, weight
from devices.blood_pressure import BloodPressure
from devices.heart_rate import HeartRate
from devices.virtual.models import BloodPressureMonitor, HeartRateSensor, WeightScale
from devices.weight import Weight
from gateway.backends import Backend
from gateway.collector import Collector
from gateway.device_clock import utc_now
from gateway.intake import Intake
from gateway.outbox import Frame, Outbox
from gateway.session import Pace
from gateway.status import Boot, StatusBoard
from wire.codec import decode_reading
from wire.reading import ClockQuality, Kind, Origin, Reading

from .conftest import Home
from .server import until

STOCKHOLM = ZoneInfo("Europe/Stockholm")
CUFF = "F0:F1:F2:F3:F4:01"
SCALE = "F0:F1:F2:F3:F4:02"
BELT = "F0:F1:F2:F3:F4:03"


def wall() -> datetime:
    return datetime.now(STOCKHOLM).replace(tzinfo=None)


class Watching(Outbox):
    """An outbox that tells how often something was put, and how often before the clock was known."""

    total = 0
    early = 0
    _on_put: Callable[[int], None] | None = None

    def watch(self, on_put: Callable[[int], None]) -> None:
        """Call `on_put` with the number of records so far, each time."""
        self._on_put = on_put

    def put_frame(self, frame: Frame) -> int:
        number = super().put_frame(frame)
        self.early += 1
        self._count()
        return number

    def put_reading(self, reading: Reading) -> bool:
        new = super().put_reading(reading)
        self._count()
        return new

    def _count(self) -> None:
        self.total += 1
        if self._on_put is not None:
            self._on_put(self.total)


class Collecting:
    """A running collector and what it brought."""

    def __init__(self, outbox: Outbox, board: StatusBoard, collector: Collector) -> None:
        self.outbox = outbox
        self.board = board
        self.collector = collector

    @property
    def readings(self) -> list[Reading]:
        return [decode_reading(item.encoded) for item in self.outbox.pending(100_000)]

    async def wait_for(self, count: int, within: float = 10.0) -> list[Reading]:
        await until(lambda: self.outbox.counts().pending >= count, within)
        return self.readings


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Watching]:
    opened = Watching(tmp_path / "outbox.sqlite", now=utc_now())
    yield opened
    opened.close()


@asynccontextmanager
async def collecting(
    backend: Backend, outbox: Outbox, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Collecting]:
    board = StatusBoard(outbox, Boot(boot_id="test", at=now()))
    collector = Collector(
        backend,
        Intake(outbox, wake=lambda: None),
        board,
        zone="Europe/Stockholm",
        now=now,
        rng=random.Random(1),
        pace=Pace(quiet=0.15, silent=0.5),
    )
    task = asyncio.create_task(collector.run())
    try:
        yield Collecting(outbox, board, collector)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def switched_on(*devices: Any) -> AsyncIterator[None]:
    for device in devices:
        await device.start()
    try:
        yield
    finally:
        for device in devices:
            await device.stop()


def cuff(home: Home, **options: Any) -> BloodPressureMonitor:
    return BloodPressureMonitor(home.link, CUFF, **({"name": "Virtual BP", "now": wall} | options))


def scale(home: Home, **options: Any) -> WeightScale:
    return WeightScale(home.link, SCALE, **({"name": "Virtual Scale", "now": wall} | options))


def history(count: int, *, until_wall: datetime) -> list[bytes]:
    """Return records of so many mornings."""
    return [
        blood_pressure.encode(
            BloodPressure(
                systolic=120 + number % 20,
                diastolic=80,
                pulse_rate=60,
                taken_at=(until_wall - timedelta(hours=12 * (count - number))).replace(microsecond=0),
            )
        )
        for number in range(count)
    ]


async def test_a_measurement_becomes_a_reading_with_the_verified_time(home: Home, outbox: Outbox) -> None:
    device = scale(home, battery=77)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        device.measure(Weight(weight=72.4))
        (reading,) = await found.wait_for(1)
        await until(lambda: found.board.report(utc_now()).devices[0].battery == 77)
        name = found.board.report(utc_now()).devices[0].name
    assert (reading.kind, reading.values.weight, reading.device_id) == (Kind.WEIGHT, 72.4, SCALE)
    assert (reading.clock, reading.origin) == (ClockQuality.VERIFIED, Origin.LIVE)
    assert reading.measured_at is not None
    assert abs(utc_now() - reading.measured_at) < timedelta(seconds=10)
    assert name == "Hemkurva WeightScale"


async def test_a_burst_of_stored_records_arrives_once_each(home: Home, outbox: Outbox) -> None:
    device = cuff(home)
    frames = history(100, until_wall=wall())
    device.load(frames)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        readings = await found.wait_for(100)
        await until(lambda: not device.is_connected)
    assert [reading.raw for reading in readings] == [frame.hex() for frame in frames]
    assert {reading.origin for reading in readings} == {Origin.DEVICE_MEMORY}
    assert {reading.clock for reading in readings} == {ClockQuality.VERIFIED}
    assert outbox.counts().frames == 0


async def test_a_memory_that_is_sent_again_is_not_doubled(home: Home, outbox: Outbox) -> None:
    device = cuff(home)
    frames = history(20, until_wall=wall())
    async with switched_on(device), collecting(home.backend, outbox) as found:
        device.load(frames)
        await found.wait_for(20)
        await until(lambda: not device.is_connected)
        device.load([*frames, *history(1, until_wall=wall() - timedelta(hours=1))])
        await found.wait_for(21)
        await until(lambda: device.pending == 0)
    assert outbox.counts().pending == 21


async def test_a_link_lost_in_the_middle_loses_and_doubles_nothing(home: Home, outbox: Watching) -> None:
    device = cuff(home, clock_offset=timedelta(days=-3))
    frames = history(60, until_wall=device.clock)
    device.load(frames)
    leaving: list[asyncio.Task[None]] = []

    def on_put(so_far: int) -> None:
        if so_far in (5, 20, 40):
            leaving.append(asyncio.create_task(hang_up(home)))

    outbox.watch(on_put)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        await found.wait_for(60, within=20)
        await until(lambda: device.pending == 0)
    assert len(leaving) == 3
    assert_corrected(outbox, frames, timedelta(days=3))


@pytest.mark.parametrize("breaks_off", [False, True])
async def test_records_before_the_clock_is_known_get_the_right_time(
    home: Home, outbox: Watching, breaks_off: bool
) -> None:
    device = cuff(home, clock_offset=timedelta(days=-3), settle=0.0)
    frames = history(30, until_wall=device.clock)
    device.load(frames)
    leaving: list[asyncio.Task[None]] = []

    def on_put(so_far: int) -> None:
        if breaks_off and so_far == 1:
            leaving.append(asyncio.create_task(hang_up(home)))

    outbox.watch(on_put)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        await found.wait_for(30, within=20)
    assert outbox.early > 0
    assert len(leaving) == breaks_off
    assert_corrected(outbox, frames, timedelta(days=3))


def assert_corrected(outbox: Outbox, frames: list[bytes], behind: timedelta) -> None:
    """A clock that is off follows no daylight saving: what counts is the time that has passed on it."""
    readings = found_by_raw(outbox)
    shows, now = wall() - behind, datetime.now(UTC)
    assert sorted(readings) == sorted(frame.hex() for frame in frames)
    for frame in frames:
        taken_at = blood_pressure.decode(frame).taken_at
        assert taken_at is not None
        true = now - (shows - taken_at)
        reading = readings[frame.hex()]
        assert reading.clock is ClockQuality.OFFSET
        assert reading.measured_at is not None
        assert abs(reading.measured_at - true) < timedelta(seconds=5)


async def hang_up(home: Home) -> None:
    """Break the radio link, as walking away does."""
    for connection in list(home.central.connections.values()):
        await connection.disconnect()


def found_by_raw(outbox: Outbox) -> dict[str, Reading]:
    readings = [decode_reading(item.encoded) for item in outbox.pending(10_000)]
    assert len({reading.raw for reading in readings}) == len(readings), "doubled"
    return {reading.raw or "": reading for reading in readings}


async def test_frames_that_cannot_be_read_travel_too(home: Home, outbox: Outbox) -> None:
    device = cuff(home)
    whole = history(1, until_wall=wall())[0]
    no_number = b"\xff\x07"
    all_nan = whole[:1] + no_number * 3 + whole[7:]
    device.load([whole[:4], all_nan, b"\xff" * 20, b"", whole])
    async with switched_on(device), collecting(home.backend, outbox) as found:
        readings = await found.wait_for(5)
    kinds = [reading.kind for reading in readings]
    assert kinds == [Kind.UNREADABLE] * 4 + [Kind.BLOOD_PRESSURE]
    assert all(reading.error for reading in readings[:4])
    assert [reading.raw for reading in readings[:2]] == [whole[:4].hex(), all_nan.hex()]


async def test_a_wrong_clock_is_corrected_set_and_read_back(home: Home, outbox: Outbox) -> None:
    device = scale(home, clock_offset=timedelta(days=-400, hours=3))
    first = device.measure(Weight(weight=80))
    async with switched_on(device), collecting(home.backend, outbox) as found:
        await found.wait_for(1)
        await until(lambda: abs(device.clock_offset) < timedelta(seconds=2))
        second = device.measure(Weight(weight=81))
        await found.wait_for(2)
    by_raw = found_by_raw(outbox)
    assert by_raw[first.hex()].clock is ClockQuality.OFFSET
    assert by_raw[second.hex()].clock is ClockQuality.VERIFIED
    for reading in by_raw.values():
        assert reading.measured_at is not None
        assert abs(reading.measured_at - utc_now()) < timedelta(seconds=10)
    assert by_raw[first.hex()].origin is Origin.LIVE


class WeighsWhenSet(WeightScale):
    """A scale on which somebody steps in the very moment its clock is set."""

    def _write_clock(self, connection: Connection, value: bytes) -> None:
        super()._write_clock(connection, value)
        self.measure(Weight(weight=81))


async def test_a_record_between_setting_the_clock_and_reading_it_back(home: Home, outbox: Outbox) -> None:
    device = WeighsWhenSet(
        home.link, SCALE, name="Virtual Scale", now=wall, clock_offset=timedelta(days=-400), settle=0.0
    )
    device.measure(Weight(weight=80))
    async with switched_on(device), collecting(home.backend, outbox) as found:
        readings = await found.wait_for(2)
    assert [reading.clock for reading in readings] == [ClockQuality.OFFSET, ClockQuality.VERIFIED]


async def test_a_clock_that_only_pretends_to_be_set_stays_corrected(home: Home, outbox: Outbox) -> None:
    device = scale(home, clock_offset=timedelta(hours=5), keeps_its_clock=True)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        for number in range(2):
            device.measure(Weight(weight=80 + number))
            await found.wait_for(number + 1)
            await until(lambda: not device.is_connected)
    for reading in found.readings:
        assert reading.clock is ClockQuality.OFFSET
        assert reading.measured_at is not None
        assert abs(reading.measured_at - utc_now()) < timedelta(seconds=10)


async def test_two_devices_and_a_belt_at_once(home: Home, outbox: Outbox) -> None:
    pressure, weighing = cuff(home), scale(home)
    belt = HeartRateSensor(home.link, BELT, name="Virtual HR", now=wall, period=0.05)
    pressure.load(history(40, until_wall=wall()))
    weighing.load(
        [
            weight.encode(
                Weight(weight=70 + n / 10, taken_at=wall().replace(microsecond=0) - timedelta(days=n))
            )
            for n in range(40)
        ]
    )
    async with switched_on(pressure, weighing, belt), collecting(home.backend, outbox) as found:
        belt.measure(HeartRate(heart_rate=61))
        await until(lambda: pressure.pending == 0 and weighing.pending == 0, 15)
        await until(lambda: {r.device_id for r in found.readings} == {CUFF, SCALE, BELT})
    readings = found.readings
    assert sum(reading.device_id == CUFF for reading in readings) == 40
    assert sum(reading.device_id == SCALE for reading in readings) == 40
    rates = [reading for reading in readings if reading.device_id == BELT]
    assert {(one.kind, one.values.heart_rate, one.clock) for one in rates} == {
        (Kind.HEART_RATE, 61, ClockQuality.GATEWAY)
    }


class SecureScale(WeightScale):
    """A scale that takes a subscription only over an encrypted link, as most real ones do."""

    def _services(self) -> list[Service]:
        permissions = Descriptor.Permissions
        cccd = Descriptor(
            "2902",
            permissions.READABLE | permissions.WRITEABLE | permissions.WRITE_REQUIRES_ENCRYPTION,
            self._device.gatt_server.make_descriptor_value(self._characteristic),
        )
        self._characteristic.descriptors = (cccd,)
        return super()._services()


async def test_a_device_that_asks_for_it_is_paired(home: Home, outbox: Outbox) -> None:
    device = SecureScale(home.link, SCALE, name="Secure Scale", now=wall)
    async with switched_on(device), collecting(home.backend, outbox) as found:
        device.measure(Weight(weight=72.4))
        (reading,) = await found.wait_for(1)
    assert reading.values.weight == 72.4
    assert home.central.keystore is not None
    assert [name for name, _ in await home.central.keystore.get_all()] == [f"{SCALE}"]


async def test_only_allowed_devices_are_read(home: Home, outbox: Outbox) -> None:
    own, neighbours = scale(home), cuff(home)
    own.measure(Weight(weight=70))
    neighbours.load(history(3, until_wall=wall()))
    async with collecting(home.backend, outbox) as found:
        found.collector.allow([SCALE.lower()])
        async with switched_on(own, neighbours):
            await found.wait_for(1)
            await asyncio.sleep(0.5)
            assert neighbours.pending == 3
            assert [reading.device_id for reading in found.readings] == [SCALE]
            found.collector.allow([])
            await found.wait_for(4)


async def test_a_device_that_breaks_off_each_time_does_not_stop_another(home: Home, outbox: Outbox) -> None:
    broken, good = cuff(home), scale(home)
    broken.load(history(1, until_wall=wall()))

    leaving: list[asyncio.Future[None]] = []

    def at_once(connection: Any) -> None:
        leaving.append(asyncio.ensure_future(connection.disconnect()))

    broken._device.on("connection", at_once)
    async with switched_on(broken, good), collecting(home.backend, outbox) as found:
        await until(lambda: failure(found, CUFF) is not None)
        good.measure(Weight(weight=70))
        await until(lambda: any(reading.device_id == SCALE for reading in found.readings))
    assert broken.pending == 1


def failure(found: Collecting, device_id: str) -> str | None:
    devices = found.board.report(utc_now()).devices
    return next((one.last_error for one in devices if one.device_id == device_id), None)


class BrokenScanner(BaseBleakScanner):
    """A radio that is switched off."""

    starts = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(args[0], args[1])

    async def start(self) -> None:
        type(self).starts += 1
        reason = BleakBluetoothNotAvailableReason.POWERED_OFF
        raise BleakBluetoothNotAvailableError("No powered Bluetooth adapters found.", reason)

    async def stop(self) -> None:
        raise AssertionError("never started")


async def test_a_radio_that_is_off_is_reported_and_tried_again(outbox: Outbox) -> None:
    async with collecting(Backend(scanner=BrokenScanner), outbox) as found:
        await until(lambda: BrokenScanner.starts >= 2)
        assert found.board.report(utc_now()).radio == "off"
