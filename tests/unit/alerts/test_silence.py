"""Missing measurements and silent gateways: reminder after 2 days, task after 3, and the cause said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.rules.plan import Level, Pause
from alerts.rules.silence import gateway_silent, missing, reminders
from alerts.rules.templates import heart_failure
from tests.unit.alerts.build import STOCKHOLM, at

PLAN = heart_failure()
LAST = {"weight": at("2025-11-03 07:10"), "blood_pressure": at("2025-11-06 07:00")}
LONG_AGO = at("2025-01-01 00:00")


@pytest.mark.parametrize(
    ("now", "reminded", "task"),
    [
        ("2025-11-05 07:09", False, False),
        ("2025-11-05 07:10", True, False),
        ("2025-11-06 07:09", True, False),
        ("2025-11-06 07:10", True, True),
    ],
)
def test_reminder_after_two_days_task_after_three(now: str, reminded: bool, task: bool) -> None:
    found = missing(PLAN, LAST, started=LONG_AGO, now=at(now), zone=STOCKHOLM)
    assert [finding.rule for finding in found] == ["missing_weight"] * task
    assert reminders(PLAN, LAST, started=LONG_AGO, now=at(now)) == ["weight"] * reminded


def test_one_finding_for_as_long_as_the_silence_lasts() -> None:
    first, later = (
        missing(PLAN, LAST, started=LONG_AGO, now=at(now), zone=STOCKHOLM)[0]
        for now in ("2025-11-06 08:00", "2025-11-08 08:00")
    )
    assert (first.rule, first.measured_at) == (later.rule, later.measured_at)
    assert first.level is Level.GREY
    assert first.text_sv == "Ingen vikt på 3 dagar."
    assert later.text_sv == "Ingen vikt på 5 dagar."
    assert later.text_en == "No weight for 5 days."


def test_silence_has_a_cause() -> None:
    heard = at("2025-11-03 09:05")
    now = at("2025-11-06 08:00")
    [found] = missing(PLAN, LAST, started=LONG_AGO, now=now, zone=STOCKHOLM, gateway_silent_since=heard)
    assert found.text_sv == "Ingen vikt på 3 dagar. Porten hörs inte sedan 3 nov 09:05."
    assert found.numbers["cause"] == "gateway_silent"


def test_nothing_was_missing_before_the_plan() -> None:
    started = at("2025-11-05 12:00")
    assert not missing(PLAN, {}, started=started, now=started + timedelta(hours=71), zone=STOCKHOLM)
    assert len(missing(PLAN, {}, started=started, now=started + timedelta(hours=72), zone=STOCKHOLM)) == 2


def test_a_planned_pause_stops_the_count_and_starts_it_anew() -> None:
    pause = Pause(
        starts=at("2025-11-04 00:00"), ends=at("2025-11-10 00:00"), reason="resa", owner="vårdkontakt"
    )
    plan = PLAN.model_copy(update={"pauses": (pause,)})
    ask = {"started": LONG_AGO, "zone": STOCKHOLM}
    assert not missing(plan, LAST, now=at("2025-11-09 23:00"), **ask)
    assert not reminders(plan, LAST, started=LONG_AGO, now=at("2025-11-09 23:00"))
    assert not missing(plan, LAST, now=at("2025-11-12 23:59"), **ask)
    assert len(missing(plan, LAST, now=at("2025-11-13 00:00"), **ask)) == 2


def test_a_gateway_is_silent_after_its_time_and_not_at_it() -> None:
    heard = at("2025-11-06 08:00")
    ask = {"after": timedelta(minutes=5), "zone": STOCKHOLM}
    assert gateway_silent(heard, now=heard + timedelta(minutes=5), **ask) is None
    found = gateway_silent(heard, now=heard + timedelta(minutes=5, seconds=1), **ask)
    assert found is not None
    assert (found.level, found.measured_at) == (Level.GREY, heard)
    assert found.text_sv == "Porten har inte hörts sedan 6 nov 08:00."
    never = gateway_silent(heard, now=heard + timedelta(hours=1), **ask, ever=False)
    assert never is not None
    assert never.measured_at == heard
    assert (never.text_sv, never.text_en) == ("Porten har aldrig hörts.", "The gateway has never been heard.")
