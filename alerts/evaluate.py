"""The evaluator: readings that have come in, to findings and cases, in one transaction a round."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from alerts.calendar import patient_team, unit_team
from alerts.cases import Known, NewId, decide, unseen
from alerts.routing import Team
from alerts.rules.evaluate import affected, evaluate, look_again, lookback
from alerts.rules.finding import Finding
from alerts.rules.plan import Family, Level, Plan
from alerts.rules.series import build
from storage import cases as case_storage
from storage import evaluation as queue
from storage.cases import Case, Changes, StoredFinding, Subject
from storage.database import Connection
from storage.evaluation import Due, PlanVersion, ReadingRow

PATIENTS_A_ROUND = 500
"""Each takes one lock of PostgreSQL's shared table for the length of a round."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Plans:
    """Plans that have been read, by patient; a signed version never changes."""

    _read: dict[UUID, tuple[int, Plan | None]] = field(default_factory=dict[UUID, tuple[int, Plan | None]])

    async def load(
        self, conn: Connection, patient_ids: Sequence[UUID]
    ) -> list[tuple[PlanVersion, Plan | None]]:
        """Return the newest plan of each patient that has one; None for a document that cannot be read."""
        newest = await queue.newest_plans(conn, patient_ids)
        unread = [
            (plan.patient_id, plan.version)
            for plan in newest
            if self._read.get(plan.patient_id, (None,))[0] != plan.version
        ]
        if unread:
            for (patient_id, version), document in (await queue.plan_documents(conn, unread)).items():
                self._read[patient_id] = version, _read_plan(document, patient_id, version)
        return [(plan, self._read[plan.patient_id][1]) for plan in newest]


def _read_plan(document: object, patient_id: UUID, version: int) -> Plan | None:
    try:
        return Plan.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_input=False)  # the input is about a patient and stays out of the log
        log.error("plan version %d of %s cannot be read: %s", version, patient_id, faults)
        return None


class RoundFailed(Exception):
    """A round was undone, though the database is there. `patient_ids` were in it."""

    def __init__(self, patient_ids: Sequence[UUID]) -> None:
        """Say how many patients were in the round; who they are is no matter for a log."""
        super().__init__(f"evaluating {len(patient_ids)} patients failed; nothing of it is lost")
        self.patient_ids = tuple(patient_ids)


async def evaluate_once(
    conn: Connection,
    plans: Plans,
    now: Callable[[], datetime],
    *,
    patients: int = PATIENTS_A_ROUND,
    passing_over: Iterable[UUID] = (),
    new_id: NewId = uuid4,
) -> int:
    """Evaluate the patients that are due, at most `patients` of them, and return how many they were.

    Claim, findings, cases and notifications are one transaction: whatever stops it, the work is due again.
    Raises RoundFailed when the round itself is at fault, and what the connection raises when that is.
    """
    due: dict[UUID, list[Due]] = {}
    try:
        # In a pipeline what needs no answer yet travels with what comes next: half the round trips.
        async with conn.pipeline(), conn.transaction():
            due = await queue.claim(conn, patients=patients, passing_over=passing_over)
            if due:
                await queue.lock_patients(conn, list(due))
                # The clock is read after the claim: what is due now has been measured by now.
                await _evaluate(conn, plans, due, now(), new_id)
    except Exception as error:
        if conn.closed or not due:
            raise
        raise RoundFailed(list(due)) from error
    return len(due)


async def _evaluate(
    conn: Connection, plans: Plans, due: dict[UUID, list[Due]], now: datetime, new_id: NewId
) -> None:
    loaded = await plans.load(conn, list(due))
    within = {
        patient_id: max(affected(since, arrived, now) for since, arrived in rows)
        for patient_id, rows in due.items()
    }
    rows = await queue.windows(
        conn, {version.patient_id: _since(plan, within[version.patient_id], now) for version, plan in loaded}
    )
    found: dict[Subject, list[Finding]] = {}
    for version, plan in loaded:
        patient_id = version.patient_id
        findings, again = judge(version, plan, rows[patient_id], now, within[patient_id])
        if findings:
            found[Subject(patient_id=patient_id)] = findings
        if again is not None:
            await queue.look_again(conn, patient_id, now, again)
    await record(conn, found, now=now, new_id=new_id)


def _since(plan: Plan | None, within: timedelta, now: datetime) -> tuple[datetime, datetime]:
    if plan is None:
        return now, now  # nothing is loaded that cannot be judged
    weights, others = lookback(plan, within)
    return now - weights, now - others


def judge(
    version: PlanVersion, plan: Plan | None, rows: Sequence[ReadingRow], now: datetime, within: timedelta
) -> tuple[list[Finding], datetime | None]:
    """Return one patient's findings about the time `within` before `now`, and when to look again.

    What cannot be evaluated (an unreadable plan, a fault in a rule) is a finding itself: it must neither be
    silent nor hold up the other patients.
    """
    if plan is None:
        return [_technical(version, "plan_unreadable", _UNREADABLE)], None
    try:
        zone, series = ZoneInfo(version.zone), build(rows)
        return (
            evaluate(series, plan, zone=zone, now=now, within=within),
            look_again(series, plan, zone=zone, now=now),
        )
    except Exception:  # any fault in any rule: it is told to a person, and the next patient is evaluated
        log.exception("the readings of %s cannot be evaluated", version.patient_id)
        return [_technical(version, "evaluation_failed", _FAILED)], None


_UNREADABLE = (
    "Planen kan inte läsas, så mätvärdena granskas inte automatiskt. Signera en ny plan.",
    "The plan cannot be read, so that readings are not checked automatically. Sign a new plan.",
)
_FAILED = (
    "Mätvärdena kunde inte granskas automatiskt. Titta på dem själv och säg till driften.",
    "The readings could not be checked automatically. Look at them yourself and tell operations.",
)


def _technical(version: PlanVersion, rule: str, texts: tuple[str, str]) -> Finding:
    return Finding(
        rule=rule,
        family=Family.TECHNICAL,
        level=Level.YELLOW,
        measured_at=version.signed_at,
        text_sv=texts[0],
        text_en=texts[1],
        numbers={"plan_version": version.version},
    )


async def record(
    conn: Connection, found: dict[Subject, list[Finding]], *, now: datetime, new_id: NewId
) -> Changes:
    """Write what follows from findings about patients or gateways that the caller has locked; return it."""
    changes = Changes()
    stored = await _stored(conn, found)
    found = {subject: findings for subject, findings in found.items() if unseen(findings, stored[subject])}
    if not found:
        return changes
    cases = await lock_cases(conn, found)
    await _add_findings_of(conn, cases, stored)
    teams = await teams_of(conn, found, now)
    for subject, findings in found.items():
        mine = {case.family: case for case in cases if case.subject == subject}
        known = Known(stored[subject], mine, teams[subject])
        merge(changes, decide(subject, findings, known, now=now, new_id=new_id))
    await case_storage.write(conn, changes)
    return changes


Stored = dict[Subject, dict[tuple[str, datetime], StoredFinding]]


async def _stored(conn: Connection, found: dict[Subject, list[Finding]]) -> Stored:
    asked = [(subject, finding) for subject, findings in found.items() for finding in findings]
    stored: Stored = {subject: {} for subject in found}
    if asked:
        rows = await case_storage.findings_at(
            conn,
            [subject for subject, _ in asked],
            [finding.rule for _, finding in asked],
            [finding.measured_at for _, finding in asked],
        )
        _file(rows, stored)
    return stored


async def _add_findings_of(conn: Connection, cases: Sequence[Case], stored: Stored) -> None:
    if cases:
        _file(await case_storage.findings_of(conn, [case.case_id for case in cases]), stored)


def _file(rows: Iterable[StoredFinding], stored: Stored) -> None:
    for row in rows:
        stored[row.subject][row.rule, row.measured_at] = row


async def lock_cases(conn: Connection, subjects: Iterable[Subject]) -> list[Case]:
    """Return the cases of patients and gateways that are not closed, locked."""
    patients, gateways = split(subjects)
    cases: list[Case] = []
    if patients:
        cases += await case_storage.lock_open_of_patients(conn, patients)
    if gateways:
        cases += await case_storage.lock_open_of_gateways(conn, gateways)
    return cases


async def teams_of(conn: Connection, subjects: Iterable[Subject], now: datetime) -> dict[Subject, Team]:
    """Return who answers for each patient or gateway, with the calendar of the unit."""
    patients, gateways = split(subjects)
    rows = await case_storage.teams(conn, patients, now) if patients else []
    owners = await case_storage.gateway_units(conn, gateways) if gateways else {}
    wanted = {row.care_unit_id for row in rows} | set(owners.values())
    units = {unit.care_unit_id: unit for unit in await case_storage.units(conn, wanted)}
    teams = {Subject(patient_id=row.patient_id): patient_team(row, units[row.care_unit_id]) for row in rows}
    return teams | {Subject(gateway_id=key): unit_team(units[unit]) for key, unit in owners.items()}


def split(subjects: Iterable[Subject]) -> tuple[list[UUID], list[str]]:
    """Return the patients and the gateways among subjects."""
    subjects = list(subjects)
    patients = [subject.patient_id for subject in subjects if subject.patient_id is not None]
    return patients, [subject.gateway_id for subject in subjects if subject.gateway_id is not None]


def merge(into: Changes, more: Changes) -> None:
    """Add changes to changes."""
    into.opened += more.opened
    into.changed += more.changed
    into.findings += more.findings
    into.events += more.events
    into.notifications += more.notifications
