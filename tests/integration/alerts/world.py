"""A small world for the alerts service: a unit with office hours, its nurses, patients with plans, gateways.

Readings enter as ingest writes them. People act as the pages let them act.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from alerts.evaluate import Plans, evaluate_once
from alerts.rules.plan import Plan
from alerts.rules.templates import heart_failure
from storage import registry
from storage.database import connect
from storage.evaluation import session
from storage.heartbeat import beat
from storage.ingest import Heard, IngestStore, Intake
from wire.reading import ClockQuality, Kind, Reading, Values

NOW = datetime(2025, 11, 6, 9, 0, tzinfo=UTC)
"""A Thursday, 10:00 in Stockholm."""
EVER = datetime(2100, 1, 1, tzinfo=UTC)
UNIT = "SE2120002627-HSV1"
CONTACT, DEPUTY, THIRD = (UUID(int=number) for number in (1, 2, 3))
ACCOUNT = UUID(int=1001)
EMAIL = {CONTACT: "contact@example.org", DEPUTY: "deputy@example.org", THIRD: "third@example.org"}
WEEKDAYS = tuple((day, time(8), time(16)) for day in range(1, 6))
ALWAYS = tuple((day, time(0), time(23, 59, 59)) for day in range(1, 8))
SCALE = "C0:FF:EE:00:00:01"


def patient(number: int = 0) -> UUID:
    """A patient's id."""
    return UUID(int=100 + number)


def gateway(number: int = 0) -> str:
    """The gateway at a patient's home."""
    return f"gw-{number:04d}"


@dataclass
class World:
    """The database and what tests do with it."""

    dsn: str

    def take_in(self, *readings: Reading, number: int = 0, now: datetime = NOW) -> None:
        """Store readings of a patient's gateway, as ingest does."""
        store = IngestStore(self.dsn)
        try:
            stored = store.write(Intake(readings=[(gateway(number), reading) for reading in readings]), now)
        finally:
            store.close()
        assert stored.unassigned == 0

    def hear(
        self, at: datetime, number: int = 0, *, online: bool = True, status: dict[str, int] | None = None
    ) -> None:
        """Store a gateway's sign of life."""
        store = IngestStore(self.dsn)
        try:
            store.write(Intake(heard=[Heard(gateway(number), online, json.dumps(status or {}))]), at)
        finally:
            store.close()

    async def ingest_beats(self, at: datetime, *, broker: bool = True) -> None:
        """Let ingest be alive."""
        async with await connect(self.dsn, "hemkurva_ingest") as conn:
            await beat(conn, "ingest", "test", at, {"broker": broker})

    async def evaluate(self, now: datetime = NOW) -> int:
        """Evaluate until nothing is due; return how many patients that took."""
        total = 0
        async with session(self.dsn) as conn:
            while done := await evaluate_once(conn, Plans(), lambda: now):
                total += done
        return total

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Look into the database."""
        with psycopg.connect(self.dsn, row_factory=dict_row, autocommit=True) as conn:
            return conn.execute(query.encode(), parameters).fetchall()

    def execute(self, statement: str, *parameters: Any, role: str | None = None) -> None:
        """Change the database, in a role or without one."""
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            if role:
                conn.execute(f"set role {role}".encode())
            conn.execute(statement.encode(), parameters)

    def cases(self) -> list[dict[str, Any]]:
        """All cases, in order of opening."""
        return self.rows("select * from alert_case order by opened_at, patient_id, family")

    def events(self) -> list[str]:
        """What has happened to cases, in order."""
        return [row["kind"] for row in self.rows("select kind from case_event order by event_id")]

    def notified(self) -> list[tuple[str, str]]:
        """Reason and address of each notification."""
        query = "select reason, address from notification order by created_at, address"
        return [(row["reason"], row["address"]) for row in self.rows(query)]

    def acknowledge(self, now: datetime = NOW) -> None:
        """A person acknowledges every open case."""
        self.execute(
            "with done as (update alert_case set state = 'acknowledged', acknowledged_by = %s,"
            " acknowledged_at = %s where state = 'open' returning case_id)"
            " insert into case_event (case_id, at, kind, account_id)"
            " select case_id, %s, 'acknowledged', %s from done",
            *(ACCOUNT, now, now, ACCOUNT),
        )

    def contact(self, now: datetime = NOW, *, reached: bool = True) -> None:
        """A person documents a contact, or the attempt at one, in every acknowledged case."""
        self.execute(
            "insert into case_event (case_id, at, kind, account_id, detail)"
            " select case_id, %s, 'contacted', %s, jsonb_build_object('reached', %s::boolean)"
            " from alert_case where state = 'acknowledged'",
            *(now, ACCOUNT, reached),
        )

    def close(self, now: datetime = NOW) -> None:
        """A person closes every acknowledged case."""
        self.execute(
            "update alert_case set state = 'closed', closed_at = %s, cause = 'other', useful = true"
            " where state = 'acknowledged'",
            now,
        )


async def build(
    dsn: str,
    *,
    patients: int = 1,
    plan: Plan | None = None,
    hours: tuple[tuple[int, time, time], ...] = WEEKDAYS,
    started: datetime = NOW - timedelta(days=90),
    heard: datetime | None = EVER,
) -> World:
    """Register everything, one gateway and one bound scale for each patient.

    The gateways were last heard at `heard`: all the time, if a test says nothing else.
    """
    async with await connect(dsn, None) as conn:
        await registry.add_care_unit(
            conn,
            registry.CareUnit(
                care_unit_id=UNIT, name="Hemsjukvården", principal="municipality", phone="0", staffed=hours
            ),
        )
        for staff_id, email in EMAIL.items():
            await registry.add_staff(conn, _nurse(staff_id, email))
        account = registry.Account(
            account_id=ACCOUNT, login="nurse", password_hash="-", role="nurse", staff_id=CONTACT
        )
        await registry.add_account(conn, account)
        for number in range(patients):
            await _add_patient(conn, number, plan or heart_failure(), started)
    world = World(dsn)
    if heard is not None:
        for number in range(patients):
            world.hear(heard, number)
    return world


def _nurse(staff_id: UUID, email: str) -> registry.Staff:
    return registry.Staff(
        staff_id=staff_id,
        hsa_id=f"SE2120002627-{staff_id.int}",
        given_name="Test",
        family_name="Nurse",
        title="nurse",
        care_unit_id=UNIT,
        email=email,
        phone="0",
    )


async def _add_patient(conn: registry.Connection, number: int, plan: Plan, started: datetime) -> None:
    who = registry.Patient(
        patient_id=patient(number),
        personnummer=f"1912{number:08d}",
        given_name="Monika",
        family_name="Efternamnsson",
        born=date(1947, 1, 1),
        sex="female",
        municipality="Umeå",
        phone="0",
    )
    await registry.add_patient(conn, who)
    await registry.appoint_contact(
        conn,
        patient_id=who.patient_id,
        staff_id=CONTACT,
        deputy_id=DEPUTY,
        care_unit_id=UNIT,
        at=started,
    )
    document = plan.model_dump(mode="json")
    await registry.sign_plan(
        conn, patient_id=who.patient_id, document=document, signed_by=CONTACT, at=started
    )
    await registry.enrol_gateway(
        conn, gateway_id=gateway(number), care_unit_id=UNIT, label=f"kit {number}", at=started
    )
    await conn.execute(
        "insert into device_binding (binding_id, gateway_id, device_id, patient_id, valid_from)"
        " values (%s, %s, %s, %s, %s)",
        [uuid4(), gateway(number), SCALE, who.patient_id, started - timedelta(days=400)],
    )


def reading(kind: Kind, at: datetime, **values: Any) -> Reading:
    """A reading with a new identity."""
    return Reading(
        reading_id=uuid4(),
        device_id=SCALE,
        kind=kind,
        values=Values(**values),
        received_at=at,
        measured_at=at,
        clock=ClockQuality.GATEWAY,
    )


def weight(kg: float, at: datetime = NOW) -> Reading:
    """A weight."""
    return reading(Kind.WEIGHT, at, weight=kg)


def pressure(systolic: float, at: datetime = NOW, pulse: float = 70) -> Reading:
    """A blood pressure."""
    return reading(Kind.BLOOD_PRESSURE, at, systolic=systolic, diastolic=80, pulse=pulse)


def symptoms(at: datetime = NOW, **grades: int) -> Reading:
    """Answers to the symptom questions."""
    return reading(Kind.SYMPTOMS, at, **grades)


def gain(kg: float, now: datetime = NOW) -> Sequence[Reading]:
    """80 kg three days ago and `kg` more now."""
    return weight(80.0, now - timedelta(days=3)), weight(80.0 + kg, now)
