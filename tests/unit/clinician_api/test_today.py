"""What the patient is told today, on plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from alerts.rules.plan import Pause, Plan, ScheduleItem
from alerts.rules.templates import heart_failure, hypertension
from clinician_api.i18n import language
from clinician_api.today import Done, Situation, Task, Verdict, greeting, spoken, tasks, verdict
from storage.patient_view import CaseView

ZONE = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 11, 4, 8, 30, tzinfo=UTC)  # a Wednesday, 09:30 in Stockholm
CASE = CaseView(
    case_id=UUID(int=1),
    family="weight",
    level="yellow",
    state="open",
    opened_at=NOW - timedelta(minutes=5),
    deadline=NOW + timedelta(hours=5),
    contact_deadline=None,
    owner_kind="named_contact",
    owner_name="Karin Lindgren",
    acknowledged_at=None,
    acknowledged_by=None,
    contacted_at=None,
    contacted_by=None,
    closed_at=None,
    text_sv="Vikten har ökat.",
    text_en="Weight is up.",
    confirmed=None,
)
ACKNOWLEDGED = replace(CASE, state="acknowledged", acknowledged_at=NOW, acknowledged_by="Karin Lindgren")
CONTACTED = replace(ACKNOWLEDGED, contacted_at=NOW, contacted_by="Karin Lindgren")
MISSING = replace(CASE, level="grey", family="missing")


def done(kind: str, clock: str, *flags: str, days_ago: int = 0) -> Done:
    hour, minute = map(int, clock.split(":"))
    local = datetime(2026, 11, 4, hour, minute, tzinfo=ZONE) - timedelta(days=days_ago)
    return Done(kind, local.astimezone(UTC), flags)


def said(
    *cases: CaseView, measured: list[Done] | None = None, pending: bool = False, remind: bool = False
) -> Verdict:
    measured = [done("weight", "07:12")] if measured is None else measured
    return verdict(cases, measured, pending=pending, remind=remind, read_at=NOW, now=NOW, zone=ZONE)


@pytest.mark.parametrize(
    ("hour", "text"),
    [
        (3, "Hello"),
        (4, "Good morning"),
        (8, "Good morning"),
        (9, "Hello"),
        (16, "Hello"),
        (17, "Good evening"),
    ],
)
def test_greeting_by_the_patients_clock(hour: int, text: str) -> None:
    assert greeting(NOW.replace(hour=hour, minute=0), ZONE).startswith(text)


def test_tasks_count_what_is_done_today_in_her_zone() -> None:
    measured = [done("weight", "07:12", days_ago=1), done("weight", "00:10"), done("blood_pressure", "07:15")]
    weight, pressure, symptoms = tasks(heart_failure(), measured, NOW, ZONE)
    assert (weight.finished, weight.done, weight.wanted) == (True, 1, 1)
    assert (pressure.finished, pressure.done, pressure.wanted) == (False, 1, 2)
    assert (symptoms.finished, symptoms.last_at) == (False, None)


def test_morning_and_evening_are_two_tasks() -> None:
    measured = [
        done("blood_pressure", "07:15"),
        done("blood_pressure", "07:17"),
        done("blood_pressure", "14:00"),
    ]
    morning, evening = tasks(hypertension(), measured, NOW, ZONE)
    assert (morning.part, morning.finished, evening.part, evening.done) == ("morning", True, "evening", 1)


def test_a_spoilt_measurement_asks_for_another_until_it_comes() -> None:
    spoilt = [done("blood_pressure", "07:15"), done("blood_pressure", "07:17", "cuff_too_loose")]
    assert pressure_task(spoilt).repeat == ("cuff_too_loose",)
    assert pressure_task([*spoilt, done("blood_pressure", "07:19")]).repeat == ()


def test_an_irregular_pulse_spoils_nothing() -> None:
    task = pressure_task(
        [done("blood_pressure", "07:15", "irregular_pulse"), done("blood_pressure", "07:17")]
    )
    assert (task.finished, task.repeat) == (True, ())


def pressure_task(measured: list[Done]) -> Task:
    return tasks(heart_failure(), measured, NOW, ZONE)[1]


@pytest.mark.parametrize(("days", "asked"), [((1, 2), True), ((1, 2, 3), True), ((1, 2, 8, 9), True)])
def test_some_days_a_week(days: tuple[int, ...], asked: bool) -> None:
    plan = some_days(3)
    measured = [done("weight", "07:00", days_ago=ago) for ago in days]
    assert bool(tasks(plan, measured, NOW, ZONE)) is asked


def test_when_the_weeks_share_is_done_nothing_is_asked() -> None:
    measured = [done("weight", "07:00", days_ago=ago) for ago in (1, 2)]  # Tuesday and Monday
    assert tasks(some_days(2), measured, NOW, ZONE) == []


def some_days(count: int) -> Plan:
    return heart_failure().model_copy(
        update={"schedule": (ScheduleItem(kind="weight", days_per_week=count),)}
    )


def test_nothing_is_asked_in_a_planned_pause() -> None:
    pause = Pause(starts=NOW - timedelta(days=1), ends=NOW + timedelta(days=1), reason="resa", owner="K L")
    assert tasks(heart_failure().model_copy(update={"pauses": (pause,)}), [], NOW, ZONE) == []


def test_the_verdict_follows_the_case() -> None:
    assert said().situation is Situation.AS_USUAL
    assert said(CASE).situation is Situation.SEEN_SOON
    assert said(ACKNOWLEDGED).situation is Situation.ACKNOWLEDGED
    assert said(CONTACTED).situation is Situation.CONTACTED
    assert said(replace(CONTACTED, state="closed", closed_at=NOW)).situation is Situation.CONTACTED


def test_nobody_there_is_unread() -> None:
    for read_at in (NOW + timedelta(hours=1), None):
        told = verdict([CASE], [], pending=False, remind=False, read_at=read_at, now=NOW, zone=ZONE)
        assert (told.situation, told.read_at) == (Situation.UNREAD, read_at)


def test_the_most_pressing_case_speaks() -> None:
    red = replace(CASE, case_id=UUID(int=2), level="red", opened_at=NOW - timedelta(days=1))
    assert said(ACKNOWLEDGED, red).case == red
    assert said(replace(CONTACTED, state="closed"), CASE).case == CASE
    assert said(MISSING, CASE).case == CASE
    assert said(replace(red, contacted_at=NOW), red).case == red


def test_what_is_not_checked_is_not_as_usual() -> None:
    assert said(pending=True).situation is Situation.PENDING
    assert said(CASE, pending=True).situation is Situation.SEEN_SOON


def test_missing_values() -> None:
    assert said(MISSING).situation is Situation.MISSING
    assert said(remind=True).situation is Situation.MISSING
    assert not said(MISSING).deviates
    assert said(replace(MISSING, state="closed", closed_at=NOW)).situation is Situation.AS_USUAL


def test_without_values() -> None:
    assert said(measured=[]).situation is Situation.NOTHING_YET
    assert said(measured=[], remind=True).situation is Situation.NOTHING_YET
    assert said(measured=[done("weight", "07:00", days_ago=1)]).situation is Situation.NOT_TODAY


@pytest.mark.parametrize(
    ("family", "confirmed", "state", "minutes", "asked"),
    [
        ("blood_pressure", False, "open", 5, True),
        ("pulse", False, "open", 29, True),
        ("blood_pressure", False, "open", 30, False),
        ("blood_pressure", True, "open", 5, False),
        ("blood_pressure", None, "open", 5, False),
        ("weight", False, "open", 5, False),
    ],
)
def test_an_unconfirmed_pressure_asks_for_rest_and_two_more(
    family: str, confirmed: bool | None, state: str, minutes: int, asked: bool
) -> None:
    opened = NOW - timedelta(minutes=minutes)
    case = replace(CASE, family=family, confirmed=confirmed, state=state, opened_at=opened)
    assert (said(case).repeat_until is not None) is asked


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (timedelta(hours=2), "i dag 11:30"),
        (timedelta(days=1), "i morgon 09:30"),
        (timedelta(days=5), "måndag 09:30"),
        (timedelta(days=7), "11 nov 09:30"),
        (timedelta(days=-1), "i går 09:30"),
    ],
)
def test_moments_as_one_says_them(ahead: timedelta, text: str) -> None:
    assert spoken(NOW + ahead, language("sv"), "Europe/Stockholm", NOW) == text
