"""Templates per condition: where a plan begins before a physician makes it the patient's own.

The figures are those of docs/domain ("Deviation rules"): urgent limits after BEAT-HF, W1 for weight. They are
defaults that a clinic must sign off.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from alerts.rules.plan import (
    Condition,
    ConfirmedPressure,
    EscalationStep,
    Limit,
    Missing,
    Plan,
    Quantity,
    ScheduleItem,
    Symptom,
    Target,
    UrgentLimit,
    WeightChange,
)

AUTHOR = "Hemkurvas förval"
"""Patients, nurses and physicians read author and reasons: plain Swedish, no codes."""
RAPID_GAIN = "en snabb viktökning kan vara vätska i kroppen"
BEAT_HF = "efter BEAT-HF-studien"
CONFIRMED = "mycket högt tryck som står sig när man mäter om"
NO_READINGS = "utan mätvärden syns ingen försämring"
AT_HOME = "vanligt mål för blodtryck som mäts hemma"
FIRST_DAY = date(2024, 1, 1)
"""The defaults hold for every reading; an individual limit carries its own day."""

URGENT: tuple[tuple[Quantity, Literal["above", "below"], float, bool], ...] = (
    ("systolic", "below", 90, True),
    ("systolic", "above", 160, True),
    ("systolic", "below", 80, False),
    ("systolic", "above", 170, False),
    ("pulse", "below", 50, True),
    ("pulse", "above", 100, True),
    ("pulse", "below", 40, False),
    ("pulse", "above", 110, False),
)
"""(quantity, direction, mm[Hg] or /min, only with symptoms)."""


def heart_failure(*, daytime_phone: str | None = None, goal: str = "") -> Plan:
    """Return the default plan for heart failure: weight, pressure and symptoms every morning.

    `daytime_phone` is the named contact's; `goal` is in the patient's own words.
    """
    return Plan(
        conditions=(Condition.HEART_FAILURE,),
        schedule=(
            ScheduleItem(kind="weight"),
            ScheduleItem(kind="blood_pressure", readings_each_time=2),
            ScheduleItem(kind="symptoms"),
        ),
        rules=(
            WeightChange(author=AUTHOR, reason=RAPID_GAIN, valid_from=FIRST_DAY),
            *(_urgent(family) for family in ("blood_pressure", "pulse")),
            *(_missing(kind) for kind in ("weight", "blood_pressure")),
        ),
        limits=_urgent_limits(),
        symptom_questions=tuple(Symptom),
        goal=goal,
        escalation_plan=_where_to_turn(
            "Ring din vårdkontakt om du går upp mer än 2 kilo på 3 dagar, blir mer andfådd eller svullnar.",
            daytime_phone,
        ),
    )


def hypertension(*, daytime_phone: str | None = None, goal: str = "") -> Plan:
    """Return the default plan for hypertension: duplicates morning and evening, target under 135/85 at home.

    `daytime_phone` is the named contact's; `goal` is in the patient's own words.
    """
    return Plan(
        conditions=(Condition.HYPERTENSION,),
        schedule=(
            ScheduleItem(kind="blood_pressure", times_of_day=("morning", "evening"), readings_each_time=2),
        ),
        rules=(
            ConfirmedPressure(author=AUTHOR, reason=CONFIRMED, valid_from=FIRST_DAY),
            _urgent("pulse"),
            _missing("blood_pressure"),
        ),
        limits=tuple(limit for limit in _urgent_limits() if limit.quantity == "pulse"),
        targets=(
            _target("systolic", 135),
            _target("diastolic", 85),
        ),
        goal=goal,
        escalation_plan=_where_to_turn(
            "Ring din vårdkontakt om ditt övre blodtryck är över 180 också efter 5 minuters vila.",
            daytime_phone,
        ),
    )


def _urgent_limits() -> tuple[Limit, ...]:
    return tuple(
        Limit(
            quantity=quantity,
            direction=direction,
            value=value,
            with_symptoms=with_symptoms,
            author=AUTHOR,
            reason=BEAT_HF,
            valid_from=FIRST_DAY,
        )
        for quantity, direction, value, with_symptoms in URGENT
    )


def _urgent(family: Literal["blood_pressure", "pulse"]) -> UrgentLimit:
    return UrgentLimit(family=family, author=AUTHOR, reason=BEAT_HF, valid_from=FIRST_DAY)


def _missing(kind: Literal["blood_pressure", "weight"]) -> Missing:
    return Missing(kind=kind, author=AUTHOR, reason=NO_READINGS, valid_from=FIRST_DAY)


def _target(quantity: Literal["systolic", "diastolic"], high: float) -> Target:
    return Target(quantity=quantity, high=high, author=AUTHOR, reason=AT_HOME, valid_from=FIRST_DAY)


def _where_to_turn(daytime: str, phone: str | None) -> tuple[EscalationStep, ...]:
    return (
        EscalationStep(when="daytime", text=daytime, phone=phone),
        EscalationStep(when="evenings_weekends", text="Ring 1177 om du behöver råd.", phone="1177"),
        EscalationStep(
            when="emergency",
            text="Ring 112 om du får ont i bröstet, svimmar eller är andfådd när du sitter still.",
            phone="112",
        ),
    )
