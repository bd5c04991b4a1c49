"""What the patient's page says today: what is left to measure, and the verdict in plain words. Pure.

The verdict never promises more than is known: a reading that the rules have not looked at is not "as usual",
and a case that nobody has opened is not "in good hands".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from alerts.rules.plan import Plan, ScheduleItem
from clinician_api.i18n import N_, Language
from storage.patient_view import CaseView

_AFTERNOON = time(14)  # what is measured before counts as the morning's
_REPEAT_WITHIN = timedelta(minutes=30)
_REPEATABLE = frozenset({"blood_pressure", "pulse"})
JUST_ARRIVED = timedelta(seconds=20)
"""The rules look at a reading within seconds. So long the page asks again; later it waits to be told."""


@dataclass(frozen=True, slots=True)
class Done:
    """One measurement that was made; `flags` say what was wrong with it."""

    kind: str
    at: datetime
    flags: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Say whether it counts. An irregular pulse is not a fault of the measurement."""
        return all(flag == "irregular_pulse" for flag in self.flags)


@dataclass(frozen=True, slots=True)
class Task:
    """One line of "to measure today". `part` is morning or evening where the plan asks for both."""

    kind: str
    part: str | None
    wanted: int
    done: int
    last_at: datetime | None
    repeat: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """Say whether as much was measured as was asked for."""
        return self.done >= self.wanted


class Situation(StrEnum):
    """What the verdict is about, the most pressing first."""

    CONTACTED = "contacted"
    ACKNOWLEDGED = "acknowledged"
    SEEN_SOON = "seen_soon"
    UNREAD = "unread"
    PENDING = "pending"
    MISSING = "missing"
    NOTHING_YET = "nothing_yet"
    NOT_TODAY = "not_today"
    AS_USUAL = "as_usual"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The situation, the case it is about, and when somebody reads next (None: nobody within two months)."""

    situation: Situation
    case: CaseView | None
    read_at: datetime | None
    repeat_until: datetime | None = None

    @property
    def deviates(self) -> bool:
        """Say whether a value was outside the plan, as opposed to missing."""
        return self.case is not None and self.case.family != "missing"


def greeting(now: datetime, zone: ZoneInfo) -> str:
    """Return the greeting's message id for the time of day in the zone."""
    hour = now.astimezone(zone).hour
    if 5 <= hour < 10:
        return N_("Good morning, %(name)s")
    return N_("Good evening, %(name)s") if hour >= 18 else N_("Hello, %(name)s")


def day_starts(now: datetime, zone: ZoneInfo, *, days_ago: int = 0) -> datetime:
    """Return when the patient's day began, some days ago."""
    day = now.astimezone(zone).date() - timedelta(days=days_ago)
    return datetime.combine(day, time(0), zone)


def tasks(plan: Plan, measured: Sequence[Done], now: datetime, zone: ZoneInfo) -> list[Task]:
    """Return what the plan asks for today and how much of it is done; nothing in a planned pause."""
    if plan.paused(now):
        return []
    found: list[Task] = []
    for item in plan.schedule:
        of_kind = [done for done in measured if done.kind == item.kind]
        if _asked_today(item, of_kind, now, zone):
            today = [done for done in of_kind if done.at >= day_starts(now, zone)]
            found.extend(_task(item, part, today, zone) for part in item.times_of_day)
    return found


def _asked_today(item: ScheduleItem, measured: Iterable[Done], now: datetime, zone: ZoneInfo) -> bool:
    """Say whether this week's share is still open before today (weeks start on Monday)."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    days = {done.at.astimezone(zone).date() for done in measured if done.usable}
    return len([day for day in days if monday <= day < today]) < item.days_per_week


def _task(item: ScheduleItem, part: str, today: Sequence[Done], zone: ZoneInfo) -> Task:
    several = len(item.times_of_day) > 1
    mine = [done for done in today if not several or _part(done, zone) == part]
    good = [done for done in mine if done.usable]
    spoilt = mine[-1].flags if mine and not mine[-1].usable else ()
    return Task(
        kind=item.kind,
        part=part if several else None,
        wanted=item.readings_each_time,
        done=len(good),
        last_at=good[-1].at if good else None,
        repeat=spoilt if len(good) < item.readings_each_time else (),
    )


def _part(done: Done, zone: ZoneInfo) -> str:
    return "morning" if done.at.astimezone(zone).time() < _AFTERNOON else "evening"


def verdict(
    cases: Sequence[CaseView],
    measured: Sequence[Done],
    *,
    pending: bool,
    remind: bool,
    read_at: datetime | None,
    now: datetime,
    zone: ZoneInfo,
    repeat_until: datetime | None = None,
) -> Verdict:
    """Return the one thing to say now. `read_at` is when somebody reads next: `now` in staffed hours.

    `pending` says that readings wait for the rules, `remind` that something asked for has not been measured
    for so long that the patient is to be prompted. `repeat_until` is until when a high pressure waits for
    being measured again; None where none does.
    """
    case = _most_pressing(cases)
    if case is not None:
        return Verdict(_of_case(case, read_at, now), case, read_at, _repeat_until(case, now))
    if pending:
        return Verdict(Situation.PENDING, None, read_at, repeat_until)
    missing = next((case for case in cases if case.state != "closed" and case.family == "missing"), None)
    if missing is not None or (remind and measured):
        return Verdict(Situation.MISSING, missing, read_at)
    return Verdict(_without_case(measured, now, zone), None, read_at)


def just_arrived(arrivals: Iterable[datetime], now: datetime) -> bool:
    """Say whether one of the readings reached the server so lately that its verdict comes any moment."""
    return any(abs(now - at) < JUST_ARRIVED for at in arrivals)


def _most_pressing(cases: Iterable[CaseView]) -> CaseView | None:
    """Return the case to speak of: open before closed, red before yellow, not yet contacted first."""
    about_values = [case for case in cases if case.level != "grey"]
    ranked = sorted(
        about_values,
        key=lambda case: (
            case.state == "closed",
            case.level != "red",
            case.contacted_at is not None,
            -case.opened_at.timestamp(),
        ),
    )
    return next((case for case in ranked if case.state != "closed" or case.contacted_at), None)


def _of_case(case: CaseView, read_at: datetime | None, now: datetime) -> Situation:
    if case.contacted_at is not None:
        return Situation.CONTACTED
    if case.acknowledged_at is not None:
        return Situation.ACKNOWLEDGED
    return Situation.SEEN_SOON if read_at is not None and read_at <= now else Situation.UNREAD


def _repeat_until(case: CaseView, now: datetime) -> datetime | None:
    """Return until when repeated readings would still confirm or lift the case."""
    end = case.opened_at + _REPEAT_WITHIN
    unconfirmed = case.confirmed is False and case.family in _REPEATABLE and case.state == "open"
    return end if unconfirmed and now < end else None


def _without_case(measured: Sequence[Done], now: datetime, zone: ZoneInfo) -> Situation:
    if not measured:
        return Situation.NOTHING_YET
    # The rules leave out what was measured badly, so it says nothing about today.
    today = any(done.usable and done.at >= day_starts(now, zone) for done in measured)
    return Situation.AS_USUAL if today else Situation.NOT_TODAY


def spoken(at: datetime, language: Language, zone: str, now: datetime) -> str:
    """Return a moment as one says it to a patient: "i dag 15:00", "i morgon 08:00", "måndag 08:00"."""
    here = ZoneInfo(zone)
    ahead = (at.astimezone(here).date() - now.astimezone(here).date()).days
    if 1 < ahead < 7:
        return f"{language.weekday(at, zone)} {language.time(at, zone)}"
    today = now.astimezone(here).date()
    return f"{language.day(at.astimezone(here).date(), today=today)} {language.time(at, zone)}"
