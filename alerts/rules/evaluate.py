"""All rules of a plan over one series. Live evaluation, late batches, preview and backtest call this one."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.rules.confirmed import confirmed_pressure, waiting_until
from alerts.rules.finding import Finding
from alerts.rules.limits import urgent
from alerts.rules.plan import ConfirmedPressure, Missing, Plan, UrgentLimit, WeightChange
from alerts.rules.repeats import REPEAT_WITHIN
from alerts.rules.series import SYMPTOMS_REACH, Series
from alerts.rules.weight import weight_change

ALERT_WITHIN = timedelta(hours=72)
"""A measurement older than this when it arrives opens no case: a device's memory or a healed connection
delivers history, and a burst of it must not call anybody (domain, "Late data"). It is stored and shown."""


def evaluate(
    series: Series, plan: Plan, *, zone: ZoneInfo, now: datetime, within: timedelta = ALERT_WITHIN
) -> list[Finding]:
    """Return the findings about measurements later than `now - within`, in the order of the plan's rules.

    A rule and a measured time give at most one. Every measurement is judged at its measured time, in the
    light of all that is known `now`. The series must reach back `lookback(plan)` for the answer to be
    complete. `zone` is the patient's.
    """
    after = now - within
    found: list[Finding] = []
    for rule in plan.rules:
        match rule:
            case WeightChange():
                found += weight_change(series, rule, zone, after)
            case UrgentLimit():
                found += urgent(series, plan, rule, zone, after)
            case ConfirmedPressure():
                found += confirmed_pressure(series, rule, zone, after, now)
            case Missing():
                pass  # silence is no property of a reading: see alerts.rules.silence
    return _one_each(found)


def _one_each(findings: list[Finding]) -> list[Finding]:
    """Keep the worst finding of each rule and time: two readings may carry the same second."""
    worst: dict[tuple[str, datetime], Finding] = {}
    for finding in findings:
        key = finding.rule, finding.measured_at
        if key not in worst or finding.level.rank > worst[key].level.rank:
            worst[key] = finding
    return list(worst.values())


def look_again(series: Series, plan: Plan, *, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when the same series will give another answer, because a time to repeat has run out."""
    times = [
        waiting_until(series, rule, zone, now) for rule in plan.rules if isinstance(rule, ConfirmedPressure)
    ]
    return min((time for time in times if time is not None), default=None)


def affected(since: datetime, arrived: datetime, now: datetime) -> timedelta:
    """Return how far back from `now` a reading measured at `since` can change what is found.

    It changes the measurements after it, and as a symptom report those of the day before it, the episodes of
    which may have begun half an hour earlier. What was too old when it arrived stays so; what was not does
    not become so while it waits for an evaluator that is away.
    """
    reach = now - since + SYMPTOMS_REACH + 2 * REPEAT_WITHIN
    return min(now - min(arrived, now) + ALERT_WITHIN, reach)


def lookback(plan: Plan, within: timedelta = ALERT_WITHIN) -> tuple[timedelta, timedelta]:
    """Return how far before `now` a series must begin for `evaluate` to see what its rules compare.

    The first is for weights, the second for everything else. A day before the first measurement that is
    judged settles which readings repeat which, and brings the symptoms that concern it.
    """
    days = max((rule.days for rule in plan.rules if isinstance(rule, WeightChange)), default=0)
    return within + timedelta(days=days + 1), within + SYMPTOMS_REACH
