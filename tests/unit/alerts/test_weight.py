"""W1: more than 2.0 kg over 3 days, both sides of each limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.rules.evaluate import evaluate, lookback
from alerts.rules.finding import Finding
from alerts.rules.plan import Level, Plan, WeightChange
from alerts.rules.series import Row
from alerts.rules.templates import AUTHOR, FIRST_DAY, heart_failure
from tests.unit.alerts.build import STOCKHOLM, at, series, symptoms, weight

PLAN = heart_failure()


def findings(*rows: Row, now: str = "2025-11-06 08:00", plan: Plan = PLAN) -> list[Finding]:
    return evaluate(series(*rows), plan, zone=STOCKHOLM, now=at(now))


@pytest.mark.parametrize(
    ("kg", "raised"),
    [(82.0, False), (82.1, True), (82.05, True), (82.005, True), (80.0, False), (75.0, False)],
)
def test_the_limit_itself_is_inside(kg: float, raised: bool) -> None:
    found = findings(weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", kg))
    assert bool(found) is raised


@pytest.mark.parametrize("base", [80.1, 80.3, 79.7, 66.35, 101.55])
def test_binary_fractions_do_not_move_the_limit(base: float) -> None:
    earlier = weight("2025-11-03 07:10", base)
    assert not findings(earlier, weight("2025-11-06 07:10", base + 2.0))
    assert findings(earlier, weight("2025-11-06 07:10", base + 2.05))


@pytest.mark.parametrize(
    ("earlier", "raised"),
    [
        ("2025-11-03 23:50", True),
        ("2025-11-03 00:05", True),  # three calendar days, whatever the hour
        ("2025-11-02 23:50", False),  # four
        ("2025-11-05 07:10", True),  # one day: faster is not safer
        ("2025-11-06 06:00", False),  # the same day
    ],
)
def test_it_is_compared_with_the_three_days_before_its_own(earlier: str, raised: bool) -> None:
    assert bool(findings(weight(earlier, 80.0), weight("2025-11-06 07:10", 82.4))) is raised


def test_it_is_compared_with_the_lowest_and_says_with_which() -> None:
    lowest = weight("2025-11-04 07:10", 80.1)
    current = weight("2025-11-06 07:10", 82.4)
    [found] = findings(weight("2025-11-03 07:10", 81.0), lowest, weight("2025-11-05 07:10", 81.5), current)
    assert found.text_sv == (
        "Vikten har ökat 2,3 kg på 2 dagar (gräns 2,0 på 3 dagar). 82,4 kg, jämfört med 80,1 kg den 4 nov."
    )
    assert found.text_en == (
        "Weight has risen 2.3 kg in 2 days (limit 2.0 in 3 days). 82.4 kg, compared with 80.1 kg on 4 Nov."
    )
    assert found.reading_ids == (current[0], lowest[0])
    assert found.measured_at == current[2]
    assert (found.rule, found.family, found.confirmed) == ("weight_up_3d", "weight", None)
    assert found.numbers["change_kg"] == 2.3


def test_of_equal_weights_the_oldest_is_named() -> None:
    equals = [weight(f"2025-11-0{day} 07:10", 80.1) for day in (3, 4, 5)]
    [found] = findings(*equals, weight("2025-11-06 07:10", 82.5))
    assert found.reading_ids[1] == equals[0][0]
    assert found.text_sv.startswith("Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0).")


def test_a_change_just_over_the_limit_does_not_read_like_the_limit() -> None:
    [found] = findings(weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.04))
    assert "ökat 2,04 kg på 3 dagar (gräns 2,0)." in found.text_sv


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (symptoms("2025-11-06 07:15", breathlessness=1), Level.RED),
        (symptoms("2025-11-05 07:15", orthopnoea=2), Level.RED),
        (symptoms("2025-11-06 07:15", breathlessness=0, swelling=3), Level.YELLOW),
        (symptoms("2025-11-05 07:09", breathlessness=3), Level.YELLOW),  # more than a day ago
        (symptoms("2025-11-06 07:15"), Level.YELLOW),
    ],
)
def test_breathlessness_or_orthopnoea_makes_it_red(report: Row, level: Level) -> None:
    [found] = findings(weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.4), report)
    assert found.level is level
    assert (report[0] in found.reading_ids) is (level is Level.RED)


def test_the_symptoms_are_in_the_sentence_without_gender() -> None:
    report = symptoms("2025-11-06 07:15", breathlessness=1, orthopnoea=1)
    [found] = findings(weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.4), report)
    assert "(gräns 2,0), mer andfådd, svårare att ligga plant." in found.text_sv
    assert "(limit 2.0), more breathless, harder to lie flat." in found.text_en


def test_a_later_as_usual_does_not_take_back_a_worse() -> None:
    worse = symptoms("2025-11-06 07:15", breathlessness=2)
    usual = symptoms("2025-11-06 18:00", breathlessness=0)
    rows = weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.4), worse, usual
    assert findings(*rows, now="2025-11-06 18:05")[0].level is Level.RED


def test_nothing_is_interpolated_over_a_gap() -> None:
    assert not findings(weight("2025-10-30 07:10", 80.0), weight("2025-11-06 07:10", 90.0))
    assert not findings(weight("2025-11-06 07:10", 90.0))


def test_quality_flags_exclude_and_the_irregular_pulse_does_not() -> None:
    first = weight("2025-11-03 07:10", 80.0)
    assert not findings(first, weight("2025-11-06 07:10", 82.4, flags=["body_movement"]))
    assert findings(first, weight("2025-11-06 07:10", 82.4, flags=["irregular_pulse"]))


def test_a_corrected_reading_does_not_count() -> None:
    wrong = weight("2025-11-06 07:10", 92.4)
    right = weight("2025-11-06 07:12", 80.3, corrects=wrong[0])
    assert not findings(weight("2025-11-03 07:10", 80.0), wrong, right)


def test_history_raises_nothing() -> None:
    rows = weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.4)
    assert findings(*rows, now="2025-11-09 07:09")
    assert not findings(*rows, now="2025-11-09 07:10")  # 72 hours later


@pytest.mark.parametrize(
    ("first", "second"), [("2025-03-27 07:10", "2025-03-30 07:10"), ("2025-10-24 07:10", "2025-10-27 07:10")]
)
def test_a_change_of_daylight_saving_within_the_three_days(first: str, second: str) -> None:
    assert findings(weight(first, 80.0), weight(second, 82.1), now=second)


def test_weight_down_counts_from_the_highest() -> None:
    down = WeightChange(direction="down", author=AUTHOR, reason="test", valid_from=FIRST_DAY)
    plan = PLAN.model_copy(update={"rules": (down,)})
    rows = (
        weight("2025-11-03 07:10", 80.0),
        weight("2025-11-04 07:10", 81.0),
        weight("2025-11-06 07:10", 78.9),
    )
    [found] = findings(*rows, symptoms("2025-11-06 07:11", breathlessness=3), plan=plan)
    assert found.level is Level.YELLOW
    assert found.numbers["change_kg"] == -2.1
    assert found.text_sv.startswith("Vikten har minskat 2,1 kg på 2 dagar")
    assert not findings(*rows[1:2], weight("2025-11-06 07:10", 79.0), plan=plan)


def test_a_rule_holds_from_its_day_on() -> None:
    later = PLAN.rules[0].model_copy(update={"valid_from": at("2025-11-07 00:00").date() + timedelta(days=1)})
    plan = PLAN.model_copy(update={"rules": (later,)})
    rows = weight("2025-11-03 07:10", 80.0), weight("2025-11-06 07:10", 82.4)
    assert not findings(*rows, plan=plan)


def test_two_weights_of_one_second_are_one_finding() -> None:
    rows = [weight("2025-11-03 07:10", 80.0), *(weight("2025-11-06 07:10", kg) for kg in (82.4, 82.5))]
    assert len(findings(*rows)) == 1


def test_the_window_that_is_loaded_holds_all_that_is_compared() -> None:
    now = at("2025-11-09 07:00")
    rows = [weight("2025-11-03 00:01", 80.0), weight("2025-11-06 23:59", 82.4)]
    loaded = [item for item in rows if item[2] > now - lookback(PLAN)[0]]
    assert evaluate(series(*loaded), PLAN, zone=STOCKHOLM, now=now)
