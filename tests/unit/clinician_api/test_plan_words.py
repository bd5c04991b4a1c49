"""A plan in words: weights with a decimal, authors and reasons that everybody can read."""

from __future__ import annotations

from datetime import date

import pytest

from alerts.rules.plan import Limit, Plan, Target
from alerts.rules.templates import heart_failure, hypertension
from clinician_api.i18n import language
from clinician_api.plan_words import limit_lines, target_lines
from hemkurva.demo.people import HOMES
from hemkurva.demo.seed import plan_of

ORDERED = {"author": "Eva Ek, läkare", "reason": "stabil", "valid_from": date(2026, 1, 1)}
SV, EN = language("sv"), language("en")


def with_weight(**target: float) -> Plan:
    limit = Limit(quantity="weight", direction="above", value=84.5, **ORDERED)
    targets = (Target(quantity="weight", **target, **ORDERED),)
    return heart_failure().model_copy(update={"limits": (limit,), "targets": targets})


@pytest.mark.parametrize(
    ("target", "sv", "en"),
    [
        ({"low": 79.6, "high": 81.6}, "vikt 79,6–81,6 kg", "weight 79.6–81.6 kg"),
        ({"high": 81.0}, "vikt under 81,0 kg", "weight under 81.0 kg"),
        ({"low": 60.5}, "vikt över 60,5 kg", "weight over 60.5 kg"),
    ],
)
def test_a_target_weight_keeps_its_decimal(target: dict[str, float], sv: str, en: str) -> None:
    plan = with_weight(**target)
    assert [line.text for line in target_lines(plan, SV)] == [sv]
    assert [line.text for line in target_lines(plan, EN)] == [en]


def test_limits_have_the_decimals_of_their_quantity() -> None:
    assert [line.text for line in limit_lines(with_weight(low=80.0), SV)] == [
        "viktökning över 2,0 kg på 3 dagar",
        "vikt över 84,5",
    ]
    pressure, pulse = (line.text for line in limit_lines(hypertension(), SV))
    assert pressure == "blodtryck 180/110 eller högre, också vid ny mätning"
    assert pulse == "puls under 40 eller över 110, med symtom under 50 eller över 100"
    assert [line.text for line in target_lines(hypertension(), SV)] == [
        "systoliskt under 135",
        "diastoliskt under 85",
    ]


def test_in_the_demo_the_physician_is_the_author_of_the_limits_and_says_why() -> None:
    for home in HOMES:
        lines = limit_lines(plan_of(home), SV)
        assert lines
        for line in lines:
            assert line.author == "Maria Lindfors, läkare"
            assert "Hemkurva" not in line.reason
            assert len(line.reason.split()) >= 4
