"""Urgent blood pressure and pulse (BEAT-HF), and how a repeated measurement changes what is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.rules.evaluate import evaluate, look_again
from alerts.rules.finding import Finding
from alerts.rules.plan import Level, Limit, Plan, ScheduleItem
from alerts.rules.series import Row
from alerts.rules.templates import FIRST_DAY, heart_failure, hypertension
from tests.unit.alerts.build import STOCKHOLM, at, pressure, row, series, symptoms

PLAN = heart_failure()
NOW = "2025-11-06 08:00"
DIZZY = symptoms("2025-11-06 07:00", dizziness=1)


def findings(*rows: Row, now: str = NOW, plan: Plan = PLAN) -> list[Finding]:
    return evaluate(series(*rows), plan, zone=STOCKHOLM, now=at(now))


@pytest.mark.parametrize(
    ("systolic", "with_symptoms", "without"),
    [
        (79, True, True),
        (80, True, False),
        (89, True, False),
        (90, False, False),
        (160, False, False),
        (161, True, False),
        (170, True, False),
        (171, True, True),
    ],
)
def test_systolic_limits(systolic: float, with_symptoms: bool, without: bool) -> None:
    reading = pressure("2025-11-06 07:10", systolic)
    assert bool(findings(reading)) is without
    assert bool(findings(reading, DIZZY)) is with_symptoms


@pytest.mark.parametrize(
    ("pulse", "with_symptoms", "without"),
    [
        (39, True, True),
        (40, True, False),
        (49, True, False),
        (50, False, False),
        (100, False, False),
        (101, True, False),
        (110, True, False),
        (111, True, True),
    ],
)
def test_pulse_limits(pulse: float, with_symptoms: bool, without: bool) -> None:
    reading = pressure("2025-11-06 07:10", 120, pulse=pulse)
    assert [found.family for found in findings(reading)] == ["pulse"] * without
    assert [found.family for found in findings(reading, DIZZY)] == ["pulse"] * with_symptoms


def test_at_once_unconfirmed_and_red() -> None:
    reading = pressure("2025-11-06 07:10", 178, 95)
    [found] = findings(reading, now="2025-11-06 07:10")
    assert (found.level, found.confirmed, found.rule) == (Level.RED, False, "urgent_blood_pressure")
    assert found.text_sv == "Blodtryck 178/95 mmHg (övre trycket över gränsen 170). Obekräftad: inte mätt om."
    assert found.text_en == (
        "Blood pressure 178/95 mmHg (upper pressure above the limit 170). Unconfirmed: not measured again."
    )
    assert found.reading_ids == (reading[0],)


def test_symptoms_are_named_with_the_limit_they_bring() -> None:
    [found] = findings(pressure("2025-11-06 07:10", 165), DIZZY)
    assert "(övre trycket över gränsen 160 vid symtom), mer yr." in found.text_sv
    assert DIZZY[0] in found.reading_ids


@pytest.mark.parametrize(
    ("repeats", "level", "confirmed", "said"),
    [
        ([("07:15", 176)], Level.RED, True, "Bekräftad: 176/80 mmHg vid upprepad mätning."),
        ([("07:15", 165), ("07:17", 181)], Level.RED, True, "Bekräftad: 173/80"),  # the mean decides
        ([("07:15", 132)], Level.YELLOW, False, "Upprepad mätning normal: 132/80 mmHg."),
        ([("07:15", 175), ("07:17", 150)], Level.YELLOW, False, "Upprepad mätning normal"),
        ([("07:15", 132), ("07:17", 200)], Level.RED, False, "den sista utanför gränsen"),
        ([("07:40", 132)], Level.YELLOW, False, "normal"),  # 30 minutes are still a repeat
        ([("07:41", 132)], Level.RED, False, "Obekräftad"),  # 31 are not
    ],
)
def test_a_repeat_confirms_or_calms_and_never_removes(
    repeats: list[tuple[str, float]], level: Level, confirmed: bool, said: str
) -> None:
    rows = [pressure(f"2025-11-06 {time}", systolic) for time, systolic in repeats]
    [found] = findings(pressure("2025-11-06 07:10", 178), *rows)
    assert (found.level, found.confirmed) == (level, confirmed)
    assert said in found.text_sv
    assert found.measured_at == at("2025-11-06 07:10")


def test_a_repeat_is_no_episode_of_its_own_and_the_next_one_is() -> None:
    rows = [pressure(f"2025-11-06 {time}", 178) for time in ("07:00", "07:20", "07:45")]
    assert [found.measured_at for found in findings(*rows)] == [rows[0][2], rows[2][2]]


def test_symptoms_told_afterwards_change_the_finding_and_not_which_one_it_is() -> None:
    soft, hard = pressure("2025-11-06 07:00", 165), pressure("2025-11-06 07:05", 178)
    [before] = findings(soft, hard)
    [after] = findings(soft, hard, symptoms("2025-11-06 07:10", dizziness=1))
    assert (before.rule, before.measured_at) == (after.rule, after.measured_at)
    assert before.text_sv.startswith("Blodtryck 178/80")
    assert (before.confirmed, after.confirmed) == (False, True)


def test_where_an_episode_begins_does_not_depend_on_now() -> None:
    rows = [pressure(f"2025-11-03 {time}", 178) for time in ("07:50", "08:05")]
    assert not findings(*rows, now="2025-11-06 08:00")  # the second repeats the first, which is history


def test_the_graver_limit_is_the_one_that_is_named() -> None:
    who = {"author": "läkare", "reason": "njursvikt", "valid_from": FIRST_DAY}
    own = Limit(quantity="diastolic", direction="above", value=100, level=Level.YELLOW, **who)
    plan = PLAN.model_copy(update={"limits": (own, *PLAN.limits)})
    [both] = findings(pressure("2025-11-06 07:10", 178, 104), plan=plan)
    assert (both.level, both.numbers["quantity"]) == (Level.RED, "systolic")
    [one] = findings(pressure("2025-11-06 07:10", 150, 104), plan=plan)
    assert (one.level, one.numbers["limit"]) == (Level.YELLOW, 100)
    [calm] = findings(
        pressure("2025-11-06 07:10", 150, 104), pressure("2025-11-06 07:12", 150, 90), plan=plan
    )
    assert calm.level is Level.YELLOW


def test_a_limit_holds_from_its_day_on() -> None:
    later = [
        limit.model_copy(update={"valid_from": at(NOW).date() + timedelta(days=1)}) for limit in PLAN.limits
    ]
    assert not findings(
        pressure("2025-11-06 07:10", 230), plan=PLAN.model_copy(update={"limits": tuple(later)})
    )


def test_bad_technique_does_not_alert() -> None:
    assert not findings(pressure("2025-11-06 07:10", 230, pulse=150, flags=["cuff_too_loose"]))
    assert findings(pressure("2025-11-06 07:10", 230, flags=["irregular_pulse"]))


def test_a_heart_rate_counts_only_where_it_is_ordered() -> None:
    reading = row("heart_rate", "2025-11-06 07:10", heart_rate=140)
    assert not findings(reading)
    ordered = PLAN.model_copy(update={"schedule": (*PLAN.schedule, ScheduleItem(kind="heart_rate"))})
    [found] = findings(reading, plan=ordered)
    assert found.text_sv.startswith("Puls 140/min (över gränsen 110).")


class TestConfirmedHighPressure:
    PLAN = hypertension()

    def test_once_and_normal_when_repeated_is_no_finding(self) -> None:
        assert not findings(
            pressure("2025-11-06 07:10", 185), pressure("2025-11-06 07:12", 150), plan=self.PLAN
        )

    @pytest.mark.parametrize(("systolic", "diastolic"), [(180, 90), (150, 110)])
    def test_the_limit_counts_when_confirmed(self, systolic: float, diastolic: float) -> None:
        rows = [pressure(f"2025-11-06 {time}", systolic, diastolic) for time in ("07:10", "07:15")]
        [found] = findings(*rows, plan=self.PLAN)
        assert (found.level, found.confirmed) == (Level.RED, True)
        assert "Bekräftad" in found.text_sv

    def test_just_under_is_no_finding(self) -> None:
        rows = [pressure(f"2025-11-06 {time}", 179, 109) for time in ("07:10", "07:15")]
        assert not findings(*rows, plan=self.PLAN)

    def test_not_repeated_within_half_an_hour_alerts_unconfirmed(self) -> None:
        reading = pressure("2025-11-06 07:10", 185)
        assert not findings(reading, now="2025-11-06 07:39", plan=self.PLAN)
        [found] = findings(reading, now="2025-11-06 07:40", plan=self.PLAN)
        assert (found.level, found.confirmed) == (Level.YELLOW, False)
        assert "Obekräftad" in found.text_sv

    def test_it_says_when_to_look_again(self) -> None:
        reading = pressure("2025-11-06 07:10", 185)
        ask = {"plan": self.PLAN, "zone": STOCKHOLM}
        due = at("2025-11-06 07:40")
        assert look_again(series(reading), now=at("2025-11-06 07:11"), **ask) == due
        assert look_again(series(reading), now=due, **ask) is None
        repeated = series(reading, pressure("2025-11-06 07:15", 150))
        assert look_again(repeated, now=at("2025-11-06 07:16"), **ask) is None
