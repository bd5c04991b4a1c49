"""The staffed calendar: properties that hold for any unit, and the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.routing import deadlines, may_escalate
from alerts.rules.calendar import (
    StaffedCalendar,
    add_staffed,
    end_of_later_working_day,
    end_of_working_day,
    is_staffed,
    next_open,
    when_read,
)
from alerts.rules.plan import Level
from tests.unit.alerts.build import STOCKHOLM, at

OFFICE = StaffedCalendar(
    STOCKHOLM,
    tuple((day, time(8), time(16)) for day in range(1, 6)),
    frozenset({date(2025, 12, 25), date(2025, 12, 26)}),
)
NEVER = StaffedCalendar(STOCKHOLM, ())
ALL_NIGHT = StaffedCalendar(STOCKHOLM, tuple((day, time(0), time(23, 59)) for day in range(1, 8)))


@pytest.mark.parametrize(
    ("now", "read"),
    [
        ("2025-11-03 08:00", "2025-11-03 08:00"),  # Monday
        ("2025-11-03 15:59", "2025-11-03 15:59"),
        ("2025-11-03 16:00", "2025-11-04 08:00"),
        ("2025-11-03 06:00", "2025-11-03 08:00"),
        ("2025-11-07 18:00", "2025-11-10 08:00"),  # Friday evening
        ("2025-12-24 16:30", "2025-12-29 08:00"),  # over Christmas and a weekend
        ("2025-03-29 12:00", "2025-03-31 08:00"),  # over the change to summer time
    ],
)
def test_when_somebody_reads(now: str, read: str) -> None:
    assert when_read(OFFICE, at(now)) == at(read)


def test_where_nobody_ever_is() -> None:
    now = at("2025-11-03 08:00")
    assert when_read(NEVER, now) is None
    assert add_staffed(NEVER, now, 30) == now + timedelta(minutes=30)
    assert may_escalate(NEVER, now)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2025-11-03 08:00", 30, "2025-11-03 08:30"),
        ("2025-11-03 15:45", 30, "2025-11-04 08:15"),
        ("2025-11-03 15:30", 30, "2025-11-03 16:00"),
        ("2025-11-07 20:00", 30, "2025-11-10 08:30"),
        ("2025-11-03 08:00", 481, "2025-11-04 08:01"),
        ("2025-12-24 15:50", 30, "2025-12-29 08:20"),
    ],
)
def test_staffed_minutes(start: str, minutes: int, end: str) -> None:
    assert add_staffed(OFFICE, at(start), minutes) == at(end)


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 22), ("2025-10-26", 24), ("2025-10-25", 23)])
def test_a_day_of_changing_clocks_has_as_many_minutes_as_pass(day: str, hours: int) -> None:
    opens = at(f"{day} 00:00")
    assert add_staffed(ALL_NIGHT, opens, hours * 60 + 59) == at(f"{day} 23:59")


def test_a_local_time_that_does_not_exist_still_opens() -> None:
    gap = StaffedCalendar(STOCKHOLM, ((7, time(2, 30), time(5)),))
    opening = next_open(gap, at("2025-03-30 01:00"))
    assert opening == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)
    assert end_of_working_day(gap, opening) == at("2025-03-30 05:00")


@pytest.mark.parametrize(
    ("raised", "acknowledge"),
    [
        ("2025-11-03 10:00", "2025-11-03 16:00"),
        ("2025-11-03 06:00", "2025-11-03 16:00"),
        ("2025-11-03 16:00", "2025-11-04 16:00"),
        ("2025-11-08 10:00", "2025-11-10 16:00"),
    ],
)
def test_yellow_is_due_the_same_or_the_next_working_day(raised: str, acknowledge: str) -> None:
    assert deadlines(Level.YELLOW, OFFICE, at(raised)).acknowledge == at(acknowledge)


@pytest.mark.parametrize(
    ("raised", "acknowledge"),
    [
        ("2025-11-03 10:00", "2025-11-05 16:00"),
        ("2025-11-03 20:00", "2025-11-05 16:00"),
        ("2025-11-06 10:00", "2025-11-10 16:00"),
        ("2025-11-08 10:00", "2025-11-11 16:00"),  # Saturday
        ("2025-12-23 10:00", "2025-12-29 16:00"),
    ],
)
def test_grey_is_due_in_two_working_days(raised: str, acknowledge: str) -> None:
    assert deadlines(Level.GREY, OFFICE, at(raised)).acknowledge == at(acknowledge)


def test_red_is_due_in_half_an_hour_and_contacted_in_two() -> None:
    promise = deadlines(Level.RED, OFFICE, at("2025-11-03 15:45"))
    assert promise.acknowledge == at("2025-11-04 08:15")
    assert promise.contact == at("2025-11-04 09:45")


def test_nobody_is_escalated_to_at_night() -> None:
    assert may_escalate(OFFICE, at("2025-11-04 08:00"))
    assert not may_escalate(OFFICE, at("2025-11-03 16:00"))


def test_openings_that_touch_are_one() -> None:
    halves = StaffedCalendar(
        STOCKHOLM, ((1, time(12), time(16)), (1, time(8), time(12)), (1, time(9), time(13)))
    )
    assert add_staffed(halves, at("2025-11-03 08:00"), 480) == at("2025-11-03 16:00")


TIMES = st.integers(0, 23 * 60 + 58).map(lambda minute: time(minute // 60, minute % 60))
HOURS = st.tuples(st.integers(1, 7), TIMES, TIMES).filter(lambda hours: hours[1].hour + 2 < hours[2].hour)
CALENDARS = st.builds(
    lambda hours, closed: StaffedCalendar(STOCKHOLM, tuple(hours), frozenset(closed)),
    st.lists(HOURS, min_size=1, max_size=6),
    st.sets(st.dates(date(2025, 3, 1), date(2025, 12, 31)), max_size=5),
)
MOMENTS = st.integers(0, 270 * 24 * 60).map(
    lambda minute: datetime(2025, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@settings(deadline=None)  # a shared machine may stall
@given(CALENDARS, MOMENTS)
def test_the_next_opening_is_staffed_and_nothing_before_it_is(
    calendar: StaffedCalendar, now: datetime
) -> None:
    opening = next_open(calendar, now)
    if opening is None:
        return
    assert opening >= now
    assert is_staffed(calendar, opening)
    assert is_staffed(calendar, now) is (opening == now)
    if opening > now:
        assert not is_staffed(calendar, now + (opening - now) / 2)


@settings(deadline=None)  # a shared machine may stall
@given(CALENDARS, MOMENTS, st.integers(0, 200), st.integers(1, 200))
def test_staffed_time_adds_up(calendar: StaffedCalendar, now: datetime, first: int, second: int) -> None:
    if next_open(calendar, now) is None:
        return
    middle = add_staffed(calendar, now, first)
    end = add_staffed(calendar, now, first + second)
    assert now <= middle < end
    assert end - middle >= timedelta(minutes=second)
    if end - now < timedelta(days=50):  # within the horizon of both
        assert add_staffed(calendar, middle, second) == end


@settings(deadline=None)  # a shared machine may stall
@given(CALENDARS, MOMENTS)
def test_a_working_day_ends_after_its_opening(calendar: StaffedCalendar, now: datetime) -> None:
    opening = next_open(calendar, now)
    end = end_of_working_day(calendar, now)
    assert end > now
    if opening is not None:
        assert end > opening
        assert end.astimezone(STOCKHOLM).date() == opening.astimezone(STOCKHOLM).date()
    assert end_of_later_working_day(calendar, now, 1) > now
