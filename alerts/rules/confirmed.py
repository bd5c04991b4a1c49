"""High blood pressure that counts only when repeated (hypertension: at or over 180/110)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.rules import words
from alerts.rules.finding import Finding
from alerts.rules.plan import ConfirmedPressure, Family, Level
from alerts.rules.repeats import REPEAT_WITHIN, Episode, episodes
from alerts.rules.series import Series, Vital


def confirmed_pressure(
    series: Series, rule: ConfirmedPressure, zone: ZoneInfo, after: datetime, now: datetime
) -> list[Finding]:
    """Return a finding for each episode later than `after` that the mean of its repeats confirms.

    What nobody has repeated after 30 minutes alerts as well, unconfirmed and yellow. A normal mean is no
    finding: measuring again is what the patient was asked to do.
    """
    found: list[Finding] = []
    for episode in _high(series, rule, zone, after):
        mean = episode.repeat_mean
        if mean is not None and _is_high(mean, rule):
            found.append(_finding(rule, episode, rule.level, mean))
        elif mean is None and now >= episode.anchor.at + REPEAT_WITHIN:
            found.append(_finding(rule, episode, Level.mildest(rule.level, Level.YELLOW), None))
    return found


def waiting_until(series: Series, rule: ConfirmedPressure, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when a high pressure that nobody has repeated yet must be looked at again."""
    recent = _high(series, rule, zone, now - REPEAT_WITHIN)
    return next((episode.anchor.at + REPEAT_WITHIN for episode in recent if not episode.repeats), None)


def _high(series: Series, rule: ConfirmedPressure, zone: ZoneInfo, after: datetime) -> list[Episode]:
    def outside(point: Vital) -> bool:
        return _is_high(point, rule) and point.at.astimezone(zone).date() >= rule.valid_from

    return episodes(series.pressures, outside, after)


def _is_high(point: Vital, rule: ConfirmedPressure) -> bool:
    systolic, diastolic = point.values
    return systolic >= rule.systolic or diastolic >= rule.diastolic


def _finding(rule: ConfirmedPressure, episode: Episode, level: Level, mean: Vital | None) -> Finding:
    systolic, diastolic = episode.anchor.values
    shown, limit = words.vital(episode.anchor.values), f"{rule.systolic:g}/{rule.diastolic:g}"
    repeated = dict(zip(("repeat_systolic", "repeat_diastolic"), mean.values, strict=True)) if mean else {}
    return Finding(
        rule=rule.rule_id,
        family=Family.BLOOD_PRESSURE,
        level=level,
        measured_at=episode.anchor.at,
        text_sv=f"Blodtryck {shown} (gräns {limit}). {words.repeated_sv(mean and mean.values, True)}",
        text_en=f"Blood pressure {shown} (limit {limit}). {words.repeated_en(mean and mean.values, True)}",
        numbers={
            "systolic": systolic,
            "diastolic": diastolic,
            "limit_systolic": rule.systolic,
            "limit_diastolic": rule.diastolic,
            "repeats": len(episode.repeats),
            **repeated,
        },
        confirmed=mean is not None,
        reading_ids=episode.reading_ids,
    )
