"""Urgent limits of blood pressure and pulse (BEAT-HF), with and without symptoms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.rules import words
from alerts.rules.finding import Finding, Numbers
from alerts.rules.plan import Family, Level, Limit, Plan, Symptom, UrgentLimit
from alerts.rules.repeats import Outcome, Repeated, episodes, repeated
from alerts.rules.series import Series, Vital

QUANTITIES = {"blood_pressure": ("systolic", "diastolic"), "pulse": ("pulse",)}
"""What the values of a Vital are."""
_NAME_SV = {"systolic": "övre trycket ", "diastolic": "undre trycket ", "pulse": ""}
_NAME_EN = {"systolic": "upper pressure ", "diastolic": "lower pressure ", "pulse": ""}


@dataclass(frozen=True, slots=True)
class Breach:
    """The limit that a point is outside of, and what the patient says has become worse."""

    limit: Limit
    worse: list[Symptom]
    reports: list[UUID]


def urgent(series: Series, plan: Plan, rule: UrgentLimit, zone: ZoneInfo, after: datetime) -> list[Finding]:
    """Return a finding for each episode outside the plan's limits that began later than `after`.

    It is raised at once, unconfirmed. When the mean of the repeats is outside as well it is confirmed; when
    that mean is normal, and the last of them, it stays, says so, and is yellow. An episode begins with the
    first value outside any limit, be it one that counts only with symptoms: symptoms reported afterwards must
    change what a finding says and not which finding it is.
    """
    quantities = QUANTITIES[rule.family]
    limits = [
        (quantities.index(limit.quantity), limit) for limit in plan.limits if limit.quantity in quantities
    ]

    def broken(point: Vital) -> list[Limit]:
        return [limit for index, limit in limits if _outside(point.values[index], limit)]

    def breach(point: Vital) -> Breach | None:
        return _worst(broken(point), series, point.at, zone)

    found: list[Finding] = []
    points = _points(series, plan, rule)
    if not any(_outside(point.values[index], limit) for index, limit in limits for point in points):
        return found  # most patients on most days
    for episode in episodes(points, lambda point: bool(broken(point)), after):
        anchor = next((index for index in episode if breach(points[index])), None)
        if anchor is not None:
            pair = repeated(points, anchor)
            outcome = pair.outcome(lambda point: breach(point) is not None)
            found.append(_finding(rule, points[episode.start].at, pair, breach(pair.anchor), outcome))
    return found


def _points(series: Series, plan: Plan, rule: UrgentLimit) -> list[Vital]:
    if rule.family == "blood_pressure":
        return series.pressures
    if plan.ordered("heart_rate"):  # what nobody has ordered (sport, sleep) never alerts
        return sorted([*series.pulses, *series.heart_rates])
    return series.pulses


def _outside(value: float, limit: Limit) -> bool:
    return value > limit.value if limit.direction == "above" else value < limit.value


def _worst(broken: list[Limit], series: Series, at: datetime, zone: ZoneInfo) -> Breach | None:
    """Return the gravest of the broken limits that hold; one that needs no symptoms goes first."""
    worse, reports = series.worse_around(at)
    today = at.astimezone(zone).date()
    holding = [limit for limit in broken if limit.valid_from <= today and (worse or not limit.with_symptoms)]
    if not holding:
        return None
    return Breach(max(holding, key=lambda limit: (limit.level.rank, not limit.with_symptoms)), worse, reports)


def _finding(
    rule: UrgentLimit, began: datetime, pair: Repeated, breach: Breach | None, outcome: Outcome
) -> Finding:
    assert breach is not None  # the anchor was chosen for having one
    level = breach.limit.level
    if outcome is Outcome.NORMAL:
        level = Level.mildest(level, Level.YELLOW)
    return Finding(
        rule=rule.rule_id,
        family=Family(rule.family),
        level=level,
        measured_at=began,
        text_sv=_text_sv(rule, pair, breach, outcome),
        text_en=_text_en(rule, pair, breach, outcome),
        numbers=_numbers(rule, pair, breach),
        confirmed=outcome is Outcome.CONFIRMED,
        reading_ids=(*pair.reading_ids, *breach.reports),
    )


def _numbers(rule: UrgentLimit, pair: Repeated, breach: Breach) -> Numbers:
    numbers: Numbers = dict(zip(QUANTITIES[rule.family], pair.anchor.values, strict=True))
    if pair.mean:
        again = zip(QUANTITIES[rule.family], pair.mean.values, strict=True)
        numbers |= {f"repeat_{quantity}": value for quantity, value in again}
        numbers["repeats"] = len(pair.repeats)
    return numbers | {
        "quantity": breach.limit.quantity,
        "limit": breach.limit.value,
        "direction": breach.limit.direction,
        "with_symptoms": breach.limit.with_symptoms,
        "symptoms": [symptom.value for symptom in breach.worse],
    }


def _text_sv(rule: UrgentLimit, pair: Repeated, breach: Breach, outcome: Outcome) -> str:
    limit = breach.limit
    side = "över" if limit.direction == "above" else "under"
    when = " vid symtom" if limit.with_symptoms else ""
    worse = f", {words.worse_sv(breach.worse)}" if breach.worse else ""
    name = "Blodtryck" if rule.family == "blood_pressure" else "Puls"
    return (
        f"{name} {words.vital(pair.anchor.values)} ({_NAME_SV[limit.quantity]}{side} gränsen"
        f" {limit.value:g}{when}){worse}. {words.repeated_sv(outcome, pair.mean)}"
    )


def _text_en(rule: UrgentLimit, pair: Repeated, breach: Breach, outcome: Outcome) -> str:
    limit = breach.limit
    side = "above" if limit.direction == "above" else "below"
    when = " with symptoms" if limit.with_symptoms else ""
    worse = f", {words.worse_en(breach.worse)}" if breach.worse else ""
    name = "Blood pressure" if rule.family == "blood_pressure" else "Pulse"
    return (
        f"{name} {words.vital(pair.anchor.values)} ({_NAME_EN[limit.quantity]}{side} the limit"
        f" {limit.value:g}{when}){worse}. {words.repeated_en(outcome, pair.mean)}"
    )
