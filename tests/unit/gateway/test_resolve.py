"""From a frame and a clock to a reading (design: three clocks are kept)."""

from __future__ import annotations

from datetime import datetime, timedelta

from devices.reading import Clock, ClockState
from gateway.device_clock import judge, local
from gateway.resolve import ClockHistory, resolve
from wire.reading import ClockQuality, Kind, Origin

from .make import JUST_NOW, NOW, frame, scale_frame

UNKNOWN = ClockHistory(found=Clock())
VERIFIED = Clock(ClockState.VERIFIED)


def slow(by: timedelta) -> Clock:
    return Clock(ClockState.OFFSET, -by)


def test_a_verified_clock_is_believed() -> None:
    found = resolve(frame(), ClockHistory(found=VERIFIED))
    assert found.measured_at == NOW - timedelta(minutes=1)
    assert (found.clock, found.origin) == (ClockQuality.VERIFIED, Origin.LIVE)


def test_a_record_from_memory_is_not_live() -> None:
    old = frame(scale_frame(taken_at=JUST_NOW - timedelta(days=3)))
    found = resolve(old, ClockHistory(found=VERIFIED))
    assert found.measured_at == NOW - timedelta(days=3, minutes=1)
    assert found.origin is Origin.DEVICE_MEMORY


def test_a_known_offset_is_corrected_and_the_raw_time_kept() -> None:
    wrong = JUST_NOW - timedelta(days=40)
    found = resolve(frame(scale_frame(taken_at=wrong)), ClockHistory(found=slow(timedelta(days=40))))
    assert found.measured_at == NOW - timedelta(minutes=1)
    assert (found.clock, found.origin) == (ClockQuality.OFFSET, Origin.LIVE)
    assert found.device_time == wrong.isoformat()


def test_an_unknown_clock_gives_the_receive_time_only_to_what_is_live() -> None:
    live = resolve(frame(), UNKNOWN)
    assert (live.measured_at, live.clock) == (NOW, ClockQuality.GATEWAY)
    stored = resolve(frame(scale_frame(taken_at=JUST_NOW - timedelta(days=1))), UNKNOWN)
    assert (stored.measured_at, stored.clock) == (None, ClockQuality.UNVERIFIED)


def test_a_record_without_a_time_is_live() -> None:
    found = resolve(frame(scale_frame(taken_at=None)), UNKNOWN)
    assert (found.measured_at, found.origin) == (NOW, Origin.LIVE)


def test_after_setting_the_clock_an_old_record_still_bears_the_old_time() -> None:
    history = ClockHistory(found=slow(timedelta(days=40)), set_to=VERIFIED)
    from_memory = frame(scale_frame(taken_at=JUST_NOW - timedelta(days=43)))
    assert resolve(from_memory, history).measured_at == NOW - timedelta(days=3, minutes=1)
    assert resolve(from_memory, history).clock is ClockQuality.OFFSET


def test_after_setting_the_clock_a_new_record_bears_the_new_time() -> None:
    found = resolve(frame(), ClockHistory(found=slow(timedelta(days=40)), set_to=VERIFIED))
    assert found.measured_at == NOW - timedelta(minutes=1)
    assert found.clock is ClockQuality.VERIFIED


def test_the_same_record_is_the_same_reading_whatever_is_known_of_the_clock() -> None:
    assert resolve(frame(), UNKNOWN).reading_id == resolve(frame(), ClockHistory(found=VERIFIED)).reading_id


def test_bytes_that_cannot_be_read_travel_as_unreadable() -> None:
    found = resolve(frame(b"\x02"), UNKNOWN)
    assert found.kind is Kind.UNREADABLE
    assert found.raw == "02"
    assert found.error


def test_a_clock_at_the_edge_of_the_calendar() -> None:
    history = ClockHistory(found=slow(timedelta(days=400)))
    last = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - a device's clock has no zone
    edge = frame(scale_frame(taken_at=last))
    assert resolve(edge, history).clock is ClockQuality.UNVERIFIED


def test_a_device_clock_is_judged_by_the_wall() -> None:
    wall = local(NOW, "Europe/Stockholm")
    assert judge(None, NOW, "Europe/Stockholm").state is ClockState.UNKNOWN
    assert judge(wall + timedelta(seconds=59), NOW, "Europe/Stockholm").state is ClockState.VERIFIED
    ahead = judge(wall + timedelta(hours=1), NOW, "Europe/Stockholm")
    assert (ahead.state, ahead.offset) == (ClockState.OFFSET, timedelta(hours=1))
