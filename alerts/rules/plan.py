"""The plan: what one patient measures, which limits hold for her, who has set them and why.

It is stored as JSON in the table `plan`, one row per signed version: `Plan.model_validate(document)` reads it
and `plan.model_dump(mode="json")` writes it. Rules are data; what they do stands in the modules beside.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class Condition(StrEnum):
    """Why the patient measures. A plan may have several."""

    HEART_FAILURE = "heart_failure"
    HYPERTENSION = "hypertension"
    DIABETES = "diabetes"
    COPD = "copd"
    ATRIAL_FIBRILLATION = "atrial_fibrillation"


class Level(StrEnum):
    """How soon somebody must look (domain, "Alert workflow")."""

    RED = "red"
    YELLOW = "yellow"
    GREY = "grey"

    @property
    def rank(self) -> int:
        """Return 3 for red, 2 for yellow, 1 for grey."""
        return {"red": 3, "yellow": 2, "grey": 1}[self.value]

    @classmethod
    def worst(cls, *levels: Level) -> Level:
        """Return the one that is most urgent."""
        return max(levels, key=lambda level: level.rank)

    @classmethod
    def mildest(cls, *levels: Level) -> Level:
        """Return the one that is least urgent."""
        return min(levels, key=lambda level: level.rank)


class Family(StrEnum):
    """What findings are about; findings of one family share one open case."""

    WEIGHT = "weight"
    BLOOD_PRESSURE = "blood_pressure"
    PULSE = "pulse"
    MISSING = "missing"
    GATEWAY_SILENT = "gateway_silent"
    TECHNICAL = "technical"


class Symptom(StrEnum):
    """What the patient is asked about, graded 0 (as usual) to 3 (much more)."""

    BREATHLESSNESS = "breathlessness"
    ORTHOPNOEA = "orthopnoea"
    SWELLING = "swelling"
    DIZZINESS = "dizziness"


MeasuredKind = Literal["blood_pressure", "weight", "heart_rate", "symptoms"]
"""The kinds of wire.Kind that a patient can be asked for."""
Quantity = Literal["systolic", "diastolic", "pulse", "weight"]
"""mm[Hg], mm[Hg], /min, kg. Pulse is that of the cuff and, where it is ordered, of a heart-rate sensor."""
Text = Annotated[str, Field(min_length=1, max_length=500)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 -]{1,19}$")]
Days = Annotated[int, Field(ge=1, le=28)]


class Part(BaseModel):
    """A frozen part of a plan that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ordered(Part):
    """Somebody has decided this, for a reason, from a day on (in the patient's zone)."""

    author: Text
    reason: Text
    valid_from: date


class ScheduleItem(Part):
    """How often one kind is measured. `readings_each_time` 2 means duplicates, 1-2 minutes apart."""

    kind: MeasuredKind
    days_per_week: Annotated[int, Field(ge=1, le=7)] = 7
    times_of_day: Annotated[tuple[Literal["morning", "evening"], ...], Field(min_length=1)] = ("morning",)
    readings_each_time: Annotated[int, Field(ge=1, le=3)] = 1


class Limit(Ordered):
    """A value that must not be passed. The limit itself is still inside.

    `with_symptoms` true: it holds only while the patient reports a symptom; false: it holds always.
    """

    quantity: Quantity
    direction: Literal["above", "below"]
    value: Annotated[float, Field(gt=0, le=500)]
    with_symptoms: bool = False
    level: Level = Level.RED


class Target(Ordered):
    """Where patient and staff want a quantity to be. A target never alerts."""

    quantity: Quantity
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a target needs low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("a target's low must be under its high")
        return self


class WeightChange(Ordered):
    """More than `kg` up or down within `days` days (domain: W1 is up 2.0 in 3).

    `symptoms_level` is the level while breathlessness or orthopnoea has worsened.
    """

    rule: Literal["weight_change"] = "weight_change"
    direction: Literal["up", "down"] = "up"
    days: Days = 3
    kg: Annotated[float, Field(gt=0, le=20)] = 2.0
    level: Level = Level.YELLOW
    symptoms_level: Level = Level.RED

    @property
    def rule_id(self) -> str:
        """Return the name that findings carry."""
        return f"weight_{self.direction}_{self.days}d"


class UrgentLimit(Ordered):
    """The plan's limits of one family are watched, at once and unconfirmed (BEAT-HF)."""

    rule: Literal["urgent_limit"] = "urgent_limit"
    family: Literal["blood_pressure", "pulse"]

    @property
    def rule_id(self) -> str:
        """Return the name that findings carry."""
        return f"urgent_{self.family}"


class ConfirmedPressure(Ordered):
    """The mean of repeated readings is at or over a pressure in mm[Hg] (hypertension: 180/110)."""

    rule: Literal["confirmed_pressure"] = "confirmed_pressure"
    systolic: Annotated[float, Field(ge=100, le=260)] = 180
    diastolic: Annotated[float, Field(ge=60, le=160)] = 110
    level: Level = Level.RED

    @property
    def rule_id(self) -> str:
        """Return the name that findings carry."""
        return "confirmed_pressure"


class Missing(Ordered):
    """No reading of a kind: the patient is reminded first, then it becomes a grey task."""

    rule: Literal["missing"] = "missing"
    kind: MeasuredKind
    reminder_days: Days = 2
    task_days: Days = 3

    @property
    def rule_id(self) -> str:
        """Return the name that findings carry."""
        return f"missing_{self.kind}"

    @model_validator(mode="after")
    def _reminder_first(self) -> Self:
        if self.reminder_days > self.task_days:
            raise ValueError("reminder_days must not be more than task_days: the patient is prompted first")
        return self


Rule = Annotated[WeightChange | UrgentLimit | ConfirmedPressure | Missing, Field(discriminator="rule")]


class Medication(Part):
    """One line of the medication list, e.g. furosemide, "40 mg x 1". Shown, never computed with."""

    name: Text
    dose: Text
    author: Text
    since: date
    until: date | None = None


class EscalationStep(Part):
    """One thing to do when it gets worse, in words that the patient has agreed to."""

    when: Literal["daytime", "evenings_weekends", "emergency"]
    text: Text
    phone: Phone | None = None


class Pause(Part):
    """A planned pause (hospital, travel). Nothing counts as missing in it; somebody owns it, and it ends."""

    starts: AwareDatetime
    ends: AwareDatetime
    reason: Text
    owner: Text

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("a pause must end after it starts")
        return self


class Plan(Part):
    """One signed version of a patient's plan. Who signed it and when stands beside it in the table.

    Raises pydantic.ValidationError for a document it cannot read, saying which field and why.
    """

    document_version: Literal[1] = 1
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    schedule: Annotated[tuple[ScheduleItem, ...], Field(min_length=1)]
    rules: tuple[Rule, ...] = ()
    limits: tuple[Limit, ...] = ()
    targets: tuple[Target, ...] = ()
    symptom_questions: tuple[Symptom, ...] = ()
    medications: tuple[Medication, ...] = ()
    goal: Annotated[str, Field(max_length=500)] = ""  # in the patient's own words
    escalation_plan: tuple[EscalationStep, ...]
    known_atrial_fibrillation: bool = False
    pauses: tuple[Pause, ...] = ()

    @model_validator(mode="after")
    def _says_where_to_turn(self) -> Self:
        said = {step.when for step in self.escalation_plan}
        lacking = {"daytime", "evenings_weekends", "emergency"} - said
        if lacking:
            raise ValueError(
                f"escalation_plan lacks {', '.join(sorted(lacking))}: no patient starts without it"
            )
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _refuse_repeats("rules", [rule.rule_id for rule in self.rules])
        _refuse_repeats("schedule", [item.kind for item in self.schedule])
        return self

    def ordered(self, kind: str) -> ScheduleItem | None:
        """Return how often a kind is to be measured, or None where it is not asked for."""
        return next((item for item in self.schedule if item.kind == kind), None)

    def paused(self, at: datetime) -> Pause | None:
        """Return the planned pause that covers a time, if any."""
        return next((pause for pause in self.pauses if pause.starts <= at < pause.ends), None)


def _refuse_repeats(field: str, names: list[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{field} has {', '.join(twice)} more than once: keep one of each")
