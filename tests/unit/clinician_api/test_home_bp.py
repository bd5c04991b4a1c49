"""The home blood-pressure protocol, on plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinician_api.home_bp import Part, Pressure, is_high, part_of_day, protocol

STOCKHOLM = ZoneInfo("Europe/Stockholm")
FIRST = date(2026, 11, 2)


def at(day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    local = datetime(2026, 11, 2, hour, minute, tzinfo=STOCKHOLM) + timedelta(days=day)
    return local.astimezone(UTC)


def week(days: int, systolic: float = 130, diastolic: float = 80) -> list[Pressure]:
    clocks = ("07:10", "07:12", "20:30", "20:32")
    return [Pressure(at(day, clock), systolic, diastolic, 70) for day in range(days) for clock in clocks]


def test_a_full_week_drops_day_one_and_counts_24() -> None:
    result = protocol(week(7), STOCKHOLM, FIRST + timedelta(days=6))
    assert result is not None
    assert result.mean is not None
    assert (result.mean.n, result.counted_days, result.complete, result.left_out) == (24, 6, True, 0)
    assert [row.counts for row in result.days] == [False] + [True] * 6
    assert (result.first, result.last) == (FIRST, FIRST + timedelta(days=6))


def test_the_first_day_does_not_pull_the_mean() -> None:
    readings = week(1, 200, 120) + [r for r in week(7) if r.at >= at(1, "00:00")]
    result = protocol(readings, STOCKHOLM, FIRST + timedelta(days=6))
    assert result is not None
    assert result.mean is not None
    assert (result.mean.systolic, result.mean.diastolic, result.high) == (130, 80, False)


@pytest.mark.parametrize(("days", "complete", "n"), [(3, False, 8), (4, True, 12)])
def test_incomplete_under_12_readings_or_3_days(days: int, complete: bool, n: int) -> None:
    result = protocol(week(days), STOCKHOLM, FIRST + timedelta(days=6))
    assert result is not None
    assert result.mean is not None
    assert (result.complete, result.mean.n) == (complete, n)


def test_one_day_alone_has_no_mean() -> None:
    result = protocol(week(1), STOCKHOLM, FIRST)
    assert result is not None
    assert (result.mean, result.high_share, result.complete, result.high) == (None, None, False, False)


def test_nothing_measured_is_no_protocol() -> None:
    assert protocol([], STOCKHOLM, FIRST) is None
    assert protocol(week(1), STOCKHOLM, FIRST - timedelta(days=1)) is None


def test_the_week_ends_with_the_last_day_measured() -> None:
    result = protocol(week(10), STOCKHOLM, FIRST + timedelta(days=40))
    assert result is not None
    assert (result.first, result.last) == (FIRST + timedelta(days=3), FIRST + timedelta(days=9))


def test_a_third_reading_and_one_at_noon_are_left_out() -> None:
    extra = [Pressure(at(2, "07:15"), 180, 100), Pressure(at(2, "13:00"), 180, 100)]
    result = protocol(week(7) + extra, STOCKHOLM, FIRST + timedelta(days=6))
    assert result is not None
    assert result.mean is not None
    assert (result.mean.n, result.mean.systolic, result.left_out) == (24, 130, 2)


def test_a_duplicate_is_the_first_pair_within_ten_minutes() -> None:
    readings = [*week(1), Pressure(at(1, "06:00"), 180, 80), *week(2)[4:]]
    result = protocol(readings, STOCKHOLM, FIRST + timedelta(days=1))
    assert result is not None
    assert [r.systolic for r in result.days[1].morning] == [130, 130]


def test_a_lone_reading_counts_as_one() -> None:
    result = protocol([*week(1), Pressure(at(1, "07:00"), 150, 80)], STOCKHOLM, FIRST + timedelta(days=1))
    assert result is not None
    assert result.mean is not None
    assert (result.mean.n, result.mean.systolic_sd, result.mean.pulse) == (1, None, None)


def test_movement_leaves_out_and_an_irregular_pulse_does_not() -> None:
    readings = [
        *week(1),
        Pressure(at(1, "07:00"), 150, 80, flags=("body_movement",)),
        Pressure(at(1, "07:02"), 140, 80, flags=("irregular_pulse",)),
    ]
    result = protocol(readings, STOCKHOLM, FIRST + timedelta(days=1))
    assert result is not None
    assert result.mean is not None
    assert (result.mean.systolic, result.left_out) == (140, 1)


def test_morning_and_evening_apart_with_deviation_and_share() -> None:
    readings = [
        *week(1),
        Pressure(at(1, "07:10"), 140, 80),
        Pressure(at(1, "07:12"), 144, 80),
        Pressure(at(1, "20:30"), 120, 84),
        Pressure(at(1, "20:31"), 124, 85),
    ]
    result = protocol(readings, STOCKHOLM, FIRST + timedelta(days=1))
    assert result is not None
    assert result.morning is not None
    assert result.evening is not None
    assert (result.morning.systolic, result.evening.systolic, result.high_share) == (142, 122, 0.75)
    assert result.morning.systolic_sd == pytest.approx(2.8284, abs=1e-4)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "high"), [(134.9, 84.9, False), (135, 70, True), (120, 85, True)]
)
def test_both_sides_of_the_threshold(systolic: float, diastolic: float, high: bool) -> None:
    assert is_high(systolic, diastolic) is high


@pytest.mark.parametrize(
    ("clock", "part"),
    [
        ("03:59", Part.OTHER),
        ("04:00", Part.MORNING),
        ("11:59", Part.MORNING),
        ("12:00", Part.OTHER),
        ("15:59", Part.OTHER),
        ("16:00", Part.EVENING),
        ("23:59", Part.EVENING),
    ],
)
def test_parts_of_the_day(clock: str, part: Part) -> None:
    assert part_of_day(at(0, clock), STOCKHOLM) is part


def test_the_part_of_day_is_the_patients_on_both_sides_of_a_clock_change() -> None:
    summer = datetime(2026, 10, 24, 2, 30, tzinfo=UTC)  # 04:30 in Stockholm
    winter = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)  # 03:30
    assert (part_of_day(summer, STOCKHOLM), part_of_day(winter, STOCKHOLM)) == (Part.MORNING, Part.OTHER)
