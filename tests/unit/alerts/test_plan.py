"""The plan is one document that pages and rules share: it round-trips, and refuses what would be unsafe."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.rules.plan import Level, Plan, Target, WeightChange
from alerts.rules.templates import heart_failure, hypertension


@pytest.mark.parametrize("plan", [heart_failure(daytime_phone="090-123 45 67", goal="Fiska"), hypertension()])
def test_what_is_stored_is_what_is_read(plan: Plan) -> None:
    stored = json.loads(json.dumps(plan.model_dump(mode="json")))
    assert Plan.model_validate(stored) == plan


def test_templates_say_who_and_why_for_every_limit_and_rule() -> None:
    for plan in (heart_failure(), hypertension()):
        for part in (*plan.limits, *plan.rules, *plan.targets):
            assert part.author
            assert part.reason


def test_heart_failure_has_the_limits_of_the_domain() -> None:
    plan = heart_failure()
    found = {(limit.quantity, limit.direction, limit.with_symptoms): limit.value for limit in plan.limits}
    assert found == {
        ("systolic", "below", True): 90,
        ("systolic", "above", True): 160,
        ("systolic", "below", False): 80,
        ("systolic", "above", False): 170,
        ("pulse", "below", True): 50,
        ("pulse", "above", True): 100,
        ("pulse", "below", False): 40,
        ("pulse", "above", False): 110,
    }
    assert all(limit.level is Level.RED for limit in plan.limits)
    [w1] = [rule for rule in plan.rules if isinstance(rule, WeightChange)]
    assert (w1.kg, w1.days, w1.level, w1.symptoms_level) == (2.0, 3, Level.YELLOW, Level.RED)


def changed(**fields: Any) -> dict[str, Any]:
    return heart_failure().model_dump(mode="json") | fields


WHO = {"author": "x", "reason": "y", "valid_from": "2025-01-01"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (changed(conditions=[]), "conditions"),
        (changed(unknown=1), "unknown"),
        (changed(escalation_plan=[{"when": "daytime", "text": "Ring"}]), "emergency, evenings_weekends"),
        (changed(rules=[{"rule": "eval", **WHO}]), "rule"),
        (changed(rules=[{"rule": "weight_change", **WHO}] * 2), "weight_up_3d more than once"),
        (changed(rules=[{"rule": "weight_change", "kg": 2}]), "author"),
        (changed(rules=[{"rule": "missing", "kind": "weight", "reminder_days": 4, **WHO}]), "prompted first"),
        (
            changed(limits=[{"quantity": "systolic", "direction": "above", "value": 0, **WHO}]),
            "greater than 0",
        ),
        (
            changed(
                pauses=[
                    {
                        "starts": "2025-01-02T00:00:00Z",
                        "ends": "2025-01-01T00:00:00Z",
                        "reason": "r",
                        "owner": "o",
                    }
                ]
            ),
            "end after it starts",
        ),
    ],
)
def test_an_unsafe_plan_is_refused_with_a_reason(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        Plan.model_validate(document)
    assert said in str(error.value)


def test_a_target_has_an_end() -> None:
    who: dict[str, Any] = {"author": "x", "reason": "y", "valid_from": date(2025, 1, 1)}
    with pytest.raises(ValidationError, match="low, high or both"):
        Target(quantity="weight", **who)
    with pytest.raises(ValidationError, match="under its high"):
        Target(quantity="weight", low=80, high=80, **who)


def test_a_pause_covers_its_start_and_not_its_end() -> None:
    pause = {
        "starts": "2025-01-01T00:00:00Z",
        "ends": "2025-01-03T00:00:00Z",
        "reason": "resa",
        "owner": "hon",
    }
    plan = Plan.model_validate(changed(pauses=[pause]))
    assert plan.paused(datetime(2025, 1, 1, tzinfo=UTC))
    assert not plan.paused(datetime(2025, 1, 3, tzinfo=UTC))
