"""The sweep: what no reading can tell, because none has come. Missing measurements and silent gateways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from alerts.cases import NewId, take_back
from alerts.evaluate import Plans, lock_cases, merge, record
from alerts.rules.finding import Finding
from alerts.rules.plan import Family, Missing, Plan
from alerts.rules.silence import gateway_silent, missing
from storage import cases as case_storage
from storage import evaluation as store
from storage.cases import Changes, Subject
from storage.database import Connection
from storage.evaluation import GatewayHeard, PlanVersion

A_ROUND = 500
"""Patients or gateways that one transaction looks at."""
INGEST_SILENT = timedelta(seconds=15)
"""An ingest process beats every two seconds; with none of them alive nobody can hear a gateway."""


LONG_AGO = datetime.min.replace(tzinfo=ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Hearing:
    """Since when somebody has listened to the gateways without a break; None while nobody does.

    A gateway is not to blame for the time in which ingest was away.
    """

    since: datetime | None

    def after(self, ingest_heard: datetime | None, now: datetime) -> Hearing:
        """Return the state after a look at ingest's sign of life. Who has never beaten is not watched."""
        alive = ingest_heard is None or now - ingest_heard <= INGEST_SILENT
        if not alive:
            return Hearing(None)
        return self if self.since is not None else Hearing(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long silence may last before somebody is told.

    `settle`: after the service's own start, and after the last reading of a backlog or while some wait in the
    gateway's outbox, nothing counts as missing yet. A backlog that drains would else open cases that the next
    second takes back. A gateway that was never heard is given it after the start too.
    """

    gateway_silent_after: timedelta
    settle: timedelta = timedelta(0)
    started: datetime = LONG_AGO


ALWAYS = Hearing(LONG_AGO)
"""What is assumed at the start: that ingest has listened all the time."""


async def sweep(
    conn: Connection,
    plans: Plans,
    hearing: Hearing,
    *,
    now: datetime,
    patience: Patience,
    new_id: NewId = uuid4,
) -> Hearing:
    """Look at every patient with a plan and at every gateway once. Return the hearing for the next sweep."""
    hearing = hearing.after(await store.ingest_heard(conn), now)
    if hearing.since is not None:
        await sweep_gateways(conn, hearing.since, now, patience, new_id)
    if now - patience.started >= patience.settle:
        await sweep_patients(conn, plans, now, patience, new_id)
    return hearing


async def sweep_gateways(
    conn: Connection, hearing_since: datetime, now: datetime, patience: Patience, new_id: NewId = uuid4
) -> None:
    """Open a case for each gateway that is silent; take back those that are heard again."""
    with_case = await case_storage.open_subjects(conn, Family.GATEWAY_SILENT.value)
    silent_after = patience.gateway_silent_after

    def blamed(gateway: GatewayHeard) -> bool:
        # At a first start nothing has been heard yet, and gateways may be enrolled by a date in the past.
        listening = hearing_since if gateway.ever else max(hearing_since, patience.started + patience.settle)
        return now - listening > silent_after and _silent(gateway, now, silent_after) is not None

    candidates = [
        gateway.gateway_id
        for gateway in await store.gateways_heard(conn, now)
        if blamed(gateway) or Subject(None, gateway.gateway_id) in with_case
    ]
    for some in _slices(candidates):
        async with conn.transaction():
            await store.lock_gateways(conn, some)
            again = [item for item in await store.gateways_heard(conn, now) if item.gateway_id in some]
            await _judge_gateways(conn, again, blamed, now, silent_after, new_id)


async def _judge_gateways(
    conn: Connection,
    heard: Sequence[GatewayHeard],
    blamed: Callable[[GatewayHeard], bool],
    now: datetime,
    silent_after: timedelta,
    new_id: NewId,
) -> None:
    silent: dict[Subject, list[Finding]] = {}
    audible: list[Subject] = []
    for gateway in heard:
        finding = _silent(gateway, now, silent_after)
        if finding is None:
            audible.append(Subject(gateway_id=gateway.gateway_id))
        elif blamed(gateway):
            silent[Subject(gateway_id=gateway.gateway_id)] = [finding]
    await record(conn, silent, now=now, new_id=new_id)
    await _take_back(conn, audible, Family.GATEWAY_SILENT, now)


def _silent(gateway: GatewayHeard, now: datetime, silent_after: timedelta) -> Finding | None:
    return gateway_silent(
        gateway.received_at, now=now, after=silent_after, zone=ZoneInfo(gateway.zone), ever=gateway.ever
    )


async def sweep_patients(
    conn: Connection, plans: Plans, now: datetime, patience: Patience, new_id: NewId = uuid4
) -> None:
    """Open a grey case for each patient who has not measured; take back those who have."""
    with_case = await case_storage.open_subjects(conn, Family.MISSING.value)
    after: UUID | None = None
    while some := await store.patients_with_plan(conn, after=after, limit=A_ROUND):
        after = some[-1]
        found = await _missing_of(conn, plans, some, now, patience.gateway_silent_after)
        candidates = [subject for subject, findings in found.items() if findings or subject in with_case]
        if candidates:
            await _judge_patients(conn, plans, candidates, now, patience, new_id)


async def _judge_patients(
    conn: Connection,
    plans: Plans,
    candidates: Sequence[Subject],
    now: datetime,
    patience: Patience,
    new_id: NewId,
) -> None:
    patient_ids = [subject.patient_id for subject in candidates if subject.patient_id is not None]
    async with conn.transaction():
        await store.lock_patients(conn, patient_ids)
        # Looked at once more under the lock: the reading may have come in the meantime.
        found = await _missing_of(conn, plans, patient_ids, now, patience.gateway_silent_after)
        arriving = await store.readings_arriving(
            conn,
            patient_ids,
            stored_after=now - patience.settle,
            heard_after=now - patience.gateway_silent_after,
            now=now,
        )
        missed = {key: value for key, value in found.items() if value and key.patient_id not in arriving}
        await record(conn, missed, now=now, new_id=new_id)
        await _take_back(conn, [key for key, value in found.items() if not value], Family.MISSING, now)


async def _missing_of(
    conn: Connection, plans: Plans, patient_ids: Sequence[UUID], now: datetime, silent_after: timedelta
) -> dict[Subject, list[Finding]]:
    """Return what is missing of each patient whose plan can be read, nothing where nothing is."""
    loaded = [(version, plan) for version, plan in await plans.load(conn, patient_ids) if plan is not None]
    wanted = [
        (version.patient_id, rule.kind)
        for version, plan in loaded
        for rule in plan.rules
        if isinstance(rule, Missing)
    ]
    last = await store.last_measured(conn, wanted)
    heard = await store.patients_last_heard(conn, patient_ids, now)
    return {
        Subject(patient_id=version.patient_id): _missing(
            version, plan, last.get(version.patient_id, {}), now, heard.get(version.patient_id), silent_after
        )
        for version, plan in loaded
    }


def _missing(
    version: PlanVersion,
    plan: Plan,
    last: dict[str, datetime],
    now: datetime,
    heard: datetime | None,
    silent_after: timedelta,
) -> list[Finding]:
    silent = heard is not None and now - heard > silent_after
    return missing(
        plan,
        last,
        started=version.started,
        now=now,
        zone=ZoneInfo(version.zone),
        gateway_silent_since=heard if silent else None,
    )


async def _take_back(conn: Connection, subjects: Sequence[Subject], family: Family, now: datetime) -> None:
    changes = Changes()
    for case in await lock_cases(conn, subjects):
        if case.family == family:
            merge(changes, take_back(case, now=now))
    if changes:
        await case_storage.write(conn, changes)


def _slices(keys: list[str]) -> list[list[str]]:
    return [keys[start : start + A_ROUND] for start in range(0, len(keys), A_ROUND)]
