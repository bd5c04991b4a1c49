"""When somebody reads: a unit's staffed hours, its closed days, and deadlines in staffed time.

Hours are local times of the unit's zone; answers are in UTC. A minute of staffed time is a minute that
passes, so that an opening over a change of daylight saving has an hour more or less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HORIZON_DAYS = 62
"""How far ahead an opening is looked for; a unit that is closed for longer has no staffed hours."""


@dataclass(frozen=True, slots=True)
class StaffedCalendar:
    """Weekly hours (ISO weekday, opens, closes) in a zone, and the days on which none of them holds."""

    zone: ZoneInfo
    hours: tuple[tuple[int, time, time], ...]
    closed: frozenset[date] = frozenset()


def when_read(calendar: StaffedCalendar, now: datetime) -> datetime | None:
    """Return the next moment at which somebody reads: `now` itself in staffed hours.

    None says that nobody reads within two months, which a page must say as plainly.
    """
    return next_open(calendar, now)


def is_staffed(calendar: StaffedCalendar, at: datetime) -> bool:
    """Return whether somebody is there. A closing time itself is outside."""
    return next_open(calendar, at) == at


def next_open(calendar: StaffedCalendar, at: datetime) -> datetime | None:
    """Return `at` if it is staffed, else the next opening, else None."""
    opening = next(_openings(calendar, at), None)
    return None if opening is None else max(at, opening[0])


def add_staffed(calendar: StaffedCalendar, start: datetime, minutes: float) -> datetime:
    """Return when `minutes` of staffed time have passed since `start`.

    Where nobody is ever there, time passes as it does: a deadline must come.
    """
    left = timedelta(minutes=minutes)
    for opens, closes in _openings(calendar, start):
        begin = max(start, opens)
        if closes - begin >= left:
            return begin + left
        left -= closes - begin
    return start + timedelta(minutes=minutes)


def end_of_working_day(calendar: StaffedCalendar, at: datetime) -> datetime:
    """Return the closing time of the working day that `at` falls on, or of the next one.

    Without any staffed hours it is 24 hours later.
    """
    opening = next_open(calendar, at)
    if opening is None:
        return at + timedelta(hours=24)
    return _last_closing(calendar, opening.astimezone(calendar.zone).date())


def end_of_later_working_day(calendar: StaffedCalendar, at: datetime, days: int) -> datetime:
    """Return the closing time of the working day number `days` after the day of `at`.

    Two working days from a Monday, whatever the hour, end on Wednesday; from a Saturday on Tuesday.
    """
    today = at.astimezone(calendar.zone).date()
    passed: list[date] = []
    for opens, _ in _openings(calendar, at):
        day = opens.astimezone(calendar.zone).date()
        if day > today and day not in passed:
            passed.append(day)
        if len(passed) == days:
            return _last_closing(calendar, day)
    return at + timedelta(days=days)


def _last_closing(calendar: StaffedCalendar, day: date) -> datetime:
    return max(closes for _, closes in _openings_on(calendar, day))


def _openings(calendar: StaffedCalendar, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield (opens, closes) in UTC of each opening that closes later than `after`, in order."""
    first = after.astimezone(calendar.zone).date()
    for ahead in range(HORIZON_DAYS):
        for opens, closes in _openings_on(calendar, first + timedelta(days=ahead)):
            if closes > after:
                yield opens, closes


def _openings_on(calendar: StaffedCalendar, day: date) -> list[tuple[datetime, datetime]]:
    """Return a day's openings in UTC, in order, those that touch or overlap made one."""
    if day in calendar.closed:
        return []
    merged: list[tuple[datetime, datetime]] = []
    for _, opens, closes in sorted(hours for hours in calendar.hours if hours[0] == day.isoweekday()):
        begin, end = _instant(calendar, day, opens), _instant(calendar, day, closes)
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif begin < end:
            merged.append((begin, end))
    return merged


def _instant(calendar: StaffedCalendar, day: date, at: time) -> datetime:
    # A local time that daylight saving skips or repeats is taken with the offset before the change.
    return datetime.combine(day, at, calendar.zone).astimezone(UTC)
