"""Weight up or down within days (domain: W1 is more than 2.0 kg up over 3 days)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.rules import words
from alerts.rules.finding import Finding
from alerts.rules.plan import Family, Level, Symptom, WeightChange
from alerts.rules.series import Series, Weight

WORSENING = (Symptom.BREATHLESSNESS, Symptom.ORTHOPNOEA)
"""What together with a gain in weight makes a deterioration (domain)."""


def weight_change(series: Series, rule: WeightChange, zone: ZoneInfo, after: datetime) -> list[Finding]:
    """Return a finding for each weight later than `after` that differs too much from the days before it.

    A weight is compared with the lowest weight (for a loss: the highest) of the `days` local calendar days
    before its own day. So 2.4 kg in two days count as more than 2.0 kg in three, a change of an hour in the
    morning routine or of daylight saving moves nothing, and two weighings of one day are never compared
    with each other; of equal weights the oldest is named. Without a weight on any of those days there is no
    finding: nothing is interpolated.
    """
    weights = series.weights
    if not weights or round(max(map(_kg, weights)) - min(map(_kg, weights)), 3) <= rule.kg:
        return []  # most patients on most days
    days = [weight.at.astimezone(zone).date() for weight in weights]
    extremes = _extremes(weights, days, rule)
    found: list[Finding] = []
    for current, today in zip(weights, days, strict=True):
        if current.at <= after or today < rule.valid_from:
            continue
        reference = _reference(extremes, today, rule)
        if reference is not None and _change(reference, current, rule) > rule.kg:
            found.append(_finding(series, reference, current, rule, zone))
    return found


def _kg(weight: Weight) -> float:
    return weight.kg


def _extremes(weights: list[Weight], days: list[date], rule: WeightChange) -> dict[date, Weight]:
    """Return each day's lowest weight (for a loss: highest), the first of equals."""
    found: dict[date, Weight] = {}
    for weight, day in zip(weights, days, strict=True):
        if day not in found or _change(weight, found[day], rule) > 0:
            found[day] = weight
    return found


def _reference(extremes: dict[date, Weight], today: date, rule: WeightChange) -> Weight | None:
    best: Weight | None = None
    for ago in range(rule.days, 0, -1):
        candidate = extremes.get(today - timedelta(days=ago))
        if candidate is not None and (best is None or _change(candidate, best, rule) > 0):
            best = candidate
    return best


def _change(reference: Weight, current: Weight, rule: WeightChange) -> float:
    """Return kg in the rule's direction. Grams are rounded off: 82.1 - 80.1 is 2.0, not a bit more."""
    change = round(current.kg - reference.kg, 3)
    return change if rule.direction == "up" else -change


def _finding(
    series: Series, reference: Weight, current: Weight, rule: WeightChange, zone: ZoneInfo
) -> Finding:
    symptoms, reports = _worsening(series, current, rule)
    change = _change(reference, current, rule)
    days = (current.at.astimezone(zone).date() - reference.at.astimezone(zone).date()).days
    level = Level.worst(rule.level, rule.symptoms_level) if symptoms else rule.level
    return Finding(
        rule=rule.rule_id,
        family=Family.WEIGHT,
        level=level,
        measured_at=current.at,
        text_sv=_text_sv(reference, current, change, days, rule, zone, symptoms),
        text_en=_text_en(reference, current, change, days, rule, zone, symptoms),
        numbers={
            "weight_kg": current.kg,
            "reference_kg": reference.kg,
            "reference_at": reference.at.isoformat(),
            "change_kg": change if rule.direction == "up" else -change,
            "days": days,
            "limit_kg": rule.kg,
            "limit_days": rule.days,
            "symptoms": [symptom.value for symptom in symptoms],
        },
        reading_ids=(current.reading_id, reference.reading_id, *reports),
    )


def _worsening(series: Series, current: Weight, rule: WeightChange) -> tuple[list[Symptom], list[UUID]]:
    if rule.direction == "down":
        return [], []
    worse, reports = series.worse_around(current.at)
    counting = [symptom for symptom in worse if symptom in WORSENING]
    return counting, reports if counting else []


def _places(change: float, limit: float) -> int:
    """Return how many decimals show that the change is over its limit: "2,05 (gräns 2,0)"."""
    return next((n for n in (1, 2) if round(change, n) > round(limit, n)), 3)


def _text_sv(
    reference: Weight,
    current: Weight,
    change: float,
    days: int,
    rule: WeightChange,
    zone: ZoneInfo,
    symptoms: list[Symptom],
) -> str:
    verb = "ökat" if rule.direction == "up" else "minskat"
    figure = words.decimal_sv(change, _places(change, rule.kg))
    limit = words.decimal_sv(rule.kg) + (f" på {words.days_sv(rule.days)}" if days != rule.days else "")
    worse = f", {words.worse_sv(symptoms)}" if symptoms else ""
    return (
        f"Vikten har {verb} {figure} kg på {words.days_sv(days)} (gräns {limit}){worse}."
        f" {words.decimal_sv(current.kg)} kg, jämfört med {words.decimal_sv(reference.kg)} kg"
        f" den {words.day_sv(reference.at, zone)}."
    )


def _text_en(
    reference: Weight,
    current: Weight,
    change: float,
    days: int,
    rule: WeightChange,
    zone: ZoneInfo,
    symptoms: list[Symptom],
) -> str:
    verb = "risen" if rule.direction == "up" else "fallen"
    figure = words.decimal_en(change, _places(change, rule.kg))
    limit = words.decimal_en(rule.kg) + (f" in {words.days_en(rule.days)}" if days != rule.days else "")
    worse = f", {words.worse_en(symptoms)}" if symptoms else ""
    return (
        f"Weight has {verb} {figure} kg in {words.days_en(days)} (limit {limit}){worse}."
        f" {words.decimal_en(current.kg)} kg, compared with {words.decimal_en(reference.kg)} kg"
        f" on {words.day_en(reference.at, zone)}."
    )
