"""High blood pressure that counts only when repeated (hypertension: at or over 180/110)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.rules import words
from alerts.rules.finding import Finding
from alerts.rules.plan import ConfirmedPressure, Family, Level
from alerts.rules.repeats import REPEAT_WITHIN, Outcome, Repeated, episodes, repeated
from alerts.rules.series import Series, Vital


def confirmed_pressure(
    series: Series, rule: ConfirmedPressure, zone: ZoneInfo, after: datetime, now: datetime
) -> list[Finding]:
    """Return a finding for each episode later than `after` that the mean of its repeats confirms.

    What nobody has repeated after 30 minutes alerts as well, unconfirmed and yellow; so does a last repeat
    that is high though the mean is not. Normal repeats are no finding: measuring again is what the patient
    was asked to do.
    """
    found: list[Finding] = []
    for pair in _high(series, rule, zone, after):
        outcome = pair.outcome(lambda point: _is_high(point, rule))
        if outcome is Outcome.CONFIRMED:
            found.append(_finding(rule, pair, rule.level, outcome))
        elif outcome is Outcome.UNCLEAR or (
            outcome is Outcome.NOT_REPEATED and now >= pair.anchor.at + REPEAT_WITHIN
        ):
            found.append(_finding(rule, pair, Level.mildest(rule.level, Level.YELLOW), outcome))
    return found


def waiting_until(series: Series, rule: ConfirmedPressure, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when a high pressure that nobody has repeated yet must be looked at again."""
    recent = _high(series, rule, zone, now - REPEAT_WITHIN)
    return next((pair.anchor.at + REPEAT_WITHIN for pair in recent if not pair.repeats), None)


def _high(series: Series, rule: ConfirmedPressure, zone: ZoneInfo, after: datetime) -> list[Repeated]:
    def outside(point: Vital) -> bool:
        return _is_high(point, rule) and point.at.astimezone(zone).date() >= rule.valid_from

    points = series.pressures
    return [repeated(points, episode.start) for episode in episodes(points, outside, after)]


def _is_high(point: Vital, rule: ConfirmedPressure) -> bool:
    systolic, diastolic = point.values
    return systolic >= rule.systolic or diastolic >= rule.diastolic


def _finding(rule: ConfirmedPressure, pair: Repeated, level: Level, outcome: Outcome) -> Finding:
    systolic, diastolic = pair.anchor.values
    shown, limit = words.vital(pair.anchor.values), f"{rule.systolic:g}/{rule.diastolic:g}"
    names = ("repeat_systolic", "repeat_diastolic")
    again = dict(zip(names, pair.mean.values, strict=True)) if pair.mean else {}
    return Finding(
        rule=rule.rule_id,
        family=Family.BLOOD_PRESSURE,
        level=level,
        measured_at=pair.anchor.at,
        text_sv=f"Blodtryck {shown} (gräns {limit}). {words.repeated_sv(outcome, pair.mean)}",
        text_en=f"Blood pressure {shown} (limit {limit}). {words.repeated_en(outcome, pair.mean)}",
        numbers={
            "systolic": systolic,
            "diastolic": diastolic,
            "limit_systolic": rule.systolic,
            "limit_diastolic": rule.diastolic,
            "repeats": len(pair.repeats),
            **again,
        },
        confirmed=outcome is Outcome.CONFIRMED,
        reading_ids=pair.reading_ids,
    )
