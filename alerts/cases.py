"""From findings to cases: opened, joined, worsened, taken back. Pure; storage.cases reads and writes.

One open case per subject and family. Repeats join it; only a new episode or a worsening tells anybody anew:
a worsening is a higher level of the case, a new episode a red finding that was measured on a later day than
the acknowledgement, or more than twelve hours after it. Both need a new acknowledgement and a new contact.
A case's level is the worst of its findings. A promise that has not been kept no finding ever loosens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.routing import Owner, OwnerKind, Promise, Team, addresses, deadlines, first_owner, next_contact
from alerts.rules.finding import Finding
from alerts.rules.plan import Level
from storage.cases import Case, Changes, Event, NewNotification, StoredFinding, Subject

NewId = Callable[[], UUID]
RESOLVED = "resolved"
CHANNEL = "email"
NEW_EPISODE = timedelta(hours=12)
"""A red finding later than this after the acknowledgement is a new episode, as is one of a later day."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored about a subject: findings by (rule, measured time), open cases, who answers."""

    findings: dict[tuple[str, datetime], StoredFinding]
    cases: dict[str, Case]
    team: Team


def unseen(findings: Iterable[Finding], stored: dict[tuple[str, datetime], StoredFinding]) -> list[Finding]:
    """Return the findings that are new, or say something else than what is stored of them."""
    return [
        finding
        for finding in findings
        if (known := stored.get((finding.rule, finding.measured_at))) is None
        or known.level != finding.level
        or known.confirmed != finding.confirmed
        or known.text_sv != finding.text_sv
    ]


def decide(
    subject: Subject, findings: Sequence[Finding], known: Known, *, now: datetime, new_id: NewId
) -> Changes:
    """Return what follows from a subject's findings.

    A finding whose case a person has closed stays closed with it, unless it has become worse since.
    """
    changes = Changes()
    open_ids = {case.case_id for case in known.cases.values()}
    by_family: dict[str, list[Finding]] = {}
    for finding in unseen(findings, known.findings):
        stored = known.findings.get((finding.rule, finding.measured_at))
        if stored and stored.case_id not in open_ids and not _worse(finding.level, stored.level):
            changes.findings.append(_stored(finding, stored.finding_id, stored.case_id, subject, now))
        else:
            by_family.setdefault(finding.family.value, []).append(finding)
    for family, group in by_family.items():
        _raise(subject, family, group, known, changes, now, new_id)
    return changes


def take_back(case: Case, *, now: datetime) -> Changes:
    """Return the end of a case of silence: what was missing has come."""
    closed = replace(case, state="closed", closed_at=now, cause=RESOLVED)
    return Changes(changed=[closed], events=[Event(case.case_id, now, "resolved", {})])


def hand_on(
    case: Case, owner: Owner, team: Team, missing: Promise, *, now: datetime, new_id: NewId
) -> Changes:
    """Return the escalation of a case of which a promise has not been kept.

    What has been acknowledged stays so, by whom it was: the next owner is told that contact is missing.
    """
    moved = replace(
        case,
        owner_kind=owner.kind.value,
        owner_staff_id=owner.staff_id,
        owner_unit_id=owner.care_unit_id,
    )
    if missing is Promise.CONTACT:
        passed, until = case.contact_deadline, next_contact(team.calendar, now)
        moved = replace(moved, contact_deadline=until)
    else:
        passed, until = case.deadline, deadlines(Level(case.level), team.calendar, now).acknowledge
        moved = replace(moved, deadline=until)
    detail = {
        "missing": missing.value,
        "from": case.owner_kind,
        "to": owner.kind.value,
        "staff_id": None if owner.staff_id is None else str(owner.staff_id),
        "passed": None if passed is None else passed.isoformat(),
        "deadline": until.isoformat(),
    }
    return Changes(
        changed=[moved],
        events=[Event(case.case_id, now, "escalated", detail)],
        notifications=_notify(moved, team, "escalated", now, new_id),
    )


def _raise(
    subject: Subject,
    family: str,
    findings: list[Finding],
    known: Known,
    changes: Changes,
    now: datetime,
    new_id: NewId,
) -> None:
    """Add the findings of one family to its open case, or open one."""
    case = known.cases.get(family)
    if case is None:
        worst = Level.worst(*(finding.level for finding in findings))
        case = _opened(subject, family, worst, known.team, now, new_id())
        changes.opened.append(case)
        if worst is not Level.GREY:  # a grey task waits in the inbox; only its escalation is sent
            changes.notifications += _notify(case, known.team, "opened", now, new_id)
    else:
        _join(case, findings, known, changes, now, new_id)
    kinds = iter(["opened"] if case in changes.opened else [])
    for finding in findings:
        stored = known.findings.get((finding.rule, finding.measured_at))
        finding_id = stored.finding_id if stored else new_id()
        changes.findings.append(_stored(finding, finding_id, case.case_id, subject, now))
        if stored is None or _worth_telling(finding, stored) or stored.case_id != case.case_id:
            detail = _detail(finding, finding_id, stored)
            changes.events.append(Event(case.case_id, now, next(kinds, "joined"), detail))


def _join(
    case: Case, findings: list[Finding], known: Known, changes: Changes, now: datetime, new_id: NewId
) -> None:
    """Let the case follow its findings' levels.

    A worsening, or a new episode of a case that somebody has acknowledged, needs a new promise and a new
    acknowledgement.
    """
    fresh = {(finding.rule, finding.measured_at): finding.level for finding in findings}
    old = [f for key, f in known.findings.items() if f.case_id == case.case_id and key not in fresh]
    level = Level.worst(*fresh.values(), *(Level(finding.level) for finding in old))
    if _worse(level, case.level) or any(_new_episode(finding, case, known) for finding in findings):
        anew = _promised_anew(case, level, known.team, now)
        changes.changed.append(anew)
        changes.notifications += _notify(anew, known.team, "worsened", now, new_id)
    elif level != case.level:
        changes.changed.append(replace(case, level=level.value))


def _new_episode(finding: Finding, case: Case, known: Known) -> bool:
    """Return whether it is news to whoever has acknowledged the case: red, and not of the same episode."""
    if case.acknowledged_at is None or finding.level is not Level.RED:
        return False
    stored = known.findings.get((finding.rule, finding.measured_at))
    if stored and stored.case_id == case.case_id and stored.level == finding.level:
        return False
    zone = known.team.calendar.zone
    measured, acknowledged = finding.measured_at.astimezone(zone), case.acknowledged_at.astimezone(zone)
    # Between two times of one zone Python takes the difference of the clocks on the wall: not here.
    long_after = finding.measured_at - case.acknowledged_at > NEW_EPISODE
    return measured.date() > acknowledged.date() or long_after


def _promised_anew(case: Case, level: Level, team: Team, now: datetime) -> Case:
    """Return the case open again, with the earliest of its promises that are not kept yet.

    Of an acknowledged case the time to acknowledge is kept, and one to contact that has passed was kept or
    has been handed on.
    """
    promise = deadlines(level, team.calendar, now)
    waiting = case.state == "open"
    contact = case.contact_deadline
    if contact is not None and not waiting and contact <= now:
        contact = None
    return replace(
        case,
        level=level.value,
        state="open",
        deadline=min(promise.acknowledge, case.deadline) if waiting else promise.acknowledge,
        contact_deadline=min(filter(None, [promise.contact, contact]), default=None),
        acknowledged_at=None,
        acknowledged_by=None,
    )


def _worse(level: str, than: str) -> bool:
    return Level(level).rank > Level(than).rank


def _worth_telling(finding: Finding, stored: StoredFinding) -> bool:
    """Return whether the history should show it: not that silence has lasted another day."""
    return finding.level != stored.level or finding.confirmed != stored.confirmed


def _opened(subject: Subject, family: str, level: Level, team: Team, now: datetime, case_id: UUID) -> Case:
    owner = first_owner(team)
    promise = deadlines(level, team.calendar, now)
    return Case(
        case_id=case_id,
        subject=subject,
        family=family,
        level=level.value,
        state="open",
        opened_at=now,
        owner_kind=owner.kind.value,
        owner_staff_id=owner.staff_id,
        owner_unit_id=owner.care_unit_id,
        deadline=promise.acknowledge,
        contact_deadline=promise.contact,
    )


def _notify(case: Case, team: Team, reason: str, now: datetime, new_id: NewId) -> list[NewNotification]:
    owner = Owner(OwnerKind(case.owner_kind), case.owner_staff_id, case.owner_unit_id)
    return [
        NewNotification(
            notification_id=new_id(),
            case_id=case.case_id,
            channel=CHANNEL,
            reason=reason,
            staff_id=address.staff_id,
            address=address.email,
            created_at=now,
        )
        for address in addresses(team, owner)
    ]


def _stored(
    finding: Finding, finding_id: UUID, case_id: UUID, subject: Subject, now: datetime
) -> StoredFinding:
    return StoredFinding(
        finding_id=finding_id,
        case_id=case_id,
        subject=subject,
        rule=finding.rule,
        level=finding.level.value,
        measured_at=finding.measured_at,
        evaluated_at=now,
        numbers=dict(finding.numbers),
        text_sv=finding.text_sv,
        text_en=finding.text_en,
        confirmed=finding.confirmed,
        reading_ids=finding.reading_ids,
    )


def _detail(finding: Finding, finding_id: UUID, stored: StoredFinding | None) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "finding_id": str(finding_id),
        "rule": finding.rule,
        "level": finding.level.value,
        "text_sv": finding.text_sv,
        "text_en": finding.text_en,
    }
    if stored is not None:
        detail["before"] = {"level": stored.level, "confirmed": stored.confirmed}
    return detail
