"""Silence: a patient who does not measure, a gateway that is not heard. Its cause belongs to the finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.rules import words
from alerts.rules.finding import Finding, Numbers
from alerts.rules.plan import Family, Level, MeasuredKind, Missing, Plan

GATEWAY_SILENT = "gateway_silent"


def missing(
    plan: Plan,
    last: Mapping[str, datetime],
    *,
    started: datetime,
    now: datetime,
    zone: ZoneInfo,
    gateway_silent_since: datetime | None = None,
) -> list[Finding]:
    """Return a grey finding for each kind that has not been measured for `task_days` times 24 hours.

    `last` holds the latest measured time of each kind, of whatever quality: who measured did measure.
    `started` is when the first plan was signed; nothing was missing before. A planned pause stops the count
    and starts it anew. The finding's measured time is when the task became due, so that it is one finding
    for as long as the silence lasts. `gateway_silent_since` says that the gateway is not heard either.
    """
    if plan.paused(now):
        return []
    found: list[Finding] = []
    for rule in _rules(plan):
        since = _silent_since(plan, rule, last, started, now)
        if now - since >= timedelta(days=rule.task_days):
            found.append(_missing_finding(rule, since, now, zone, gateway_silent_since))
    return found


def reminders(
    plan: Plan, last: Mapping[str, datetime], *, started: datetime, now: datetime
) -> list[MeasuredKind]:
    """Return the kinds that the patient should be reminded of: unmeasured for `reminder_days` or longer."""
    if plan.paused(now):
        return []
    return [
        rule.kind
        for rule in _rules(plan)
        if now - _silent_since(plan, rule, last, started, now) >= timedelta(days=rule.reminder_days)
    ]


def gateway_silent(
    last_heard: datetime, *, now: datetime, after: timedelta, zone: ZoneInfo, ever: bool = True
) -> Finding | None:
    """Return a grey finding when a gateway has not been heard for longer than `after`.

    `ever` false: it has never been heard, and `last_heard` is when it was enrolled.
    """
    if now - last_heard <= after:
        return None
    since_sv, since_en = words.moment_sv(last_heard, zone), words.moment_en(last_heard, zone)
    return Finding(
        rule=GATEWAY_SILENT,
        family=Family.GATEWAY_SILENT,
        level=Level.GREY,
        measured_at=last_heard,
        text_sv=f"Porten har inte hörts sedan {since_sv}." if ever else "Porten har aldrig hörts.",
        text_en=f"The gateway has not been heard since {since_en}."
        if ever
        else "The gateway has never been heard.",
    )


def _rules(plan: Plan) -> list[Missing]:
    return [rule for rule in plan.rules if isinstance(rule, Missing)]


def _silent_since(
    plan: Plan, rule: Missing, last: Mapping[str, datetime], started: datetime, now: datetime
) -> datetime:
    ended = [pause.ends for pause in plan.pauses if pause.ends <= now]
    return max([started, last.get(rule.kind, started), *ended])


def _missing_finding(
    rule: Missing, since: datetime, now: datetime, zone: ZoneInfo, gateway_silent_since: datetime | None
) -> Finding:
    days = (now - since).days
    numbers: Numbers = {"kind": rule.kind, "limit_days": rule.task_days, "since": since.isoformat()}
    cause_sv = cause_en = ""
    if gateway_silent_since is not None:
        numbers["cause"] = GATEWAY_SILENT
        cause_sv = f" Porten hörs inte sedan {words.moment_sv(gateway_silent_since, zone)}."
        cause_en = f" The gateway has not been heard since {words.moment_en(gateway_silent_since, zone)}."
    return Finding(
        rule=rule.rule_id,
        family=Family.MISSING,
        level=Level.GREY,
        measured_at=since + timedelta(days=rule.task_days),
        text_sv=f"{words.KIND_SV[rule.kind]} på {words.days_sv(days)}.{cause_sv}",
        text_en=f"{words.KIND_EN[rule.kind]} for {words.days_en(days)}.{cause_en}",
        numbers=numbers,
    )
