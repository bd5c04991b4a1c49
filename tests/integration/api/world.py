"""A small world to look at: two units, their staff, patients in different states, a gateway. Synthetic.

Everything is written with storage.registry, or as the services would write it, by a connection without role.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from alerts.rules.plan import Condition, Medication, Plan
from alerts.rules.templates import heart_failure, hypertension
from storage import registry
from storage.database import Connection, connect

NOW = datetime(2025, 11, 4, 8, 12, tzinfo=UTC)
"""A Tuesday, 09:12 in Stockholm."""
PASSWORD = "synthetic-password"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

HOME_CARE = "SE2120002627-HSV1"
OTHER_UNIT = "SE2120002627-HSV2"
HEALTH_CENTRE = "SE2321000222-HC1"

NURSE = UUID(int=1)
DEPUTY = UUID(int=2)
OTHER_NURSE = UUID(int=3)
PHYSICIAN = UUID(int=4)
OPERATOR = UUID(int=5)
COORDINATOR = UUID(int=6)
OTHER_DEPUTY = UUID(int=8)
KIN = UUID(int=7)

MONIKA = UUID(int=101)
LARS = UUID(int=102)
INGRID = UUID(int=103)
ERIK = UUID(int=104)
SVEA = UUID(int=105)
FREMLING = UUID(int=201)
"""A patient of the other unit."""

GATEWAY = "gw-kit-014"
WEEKDAYS = tuple((day, time(8), time(16, 30)) for day in range(1, 6))

LOGINS = {
    "nurse": (NURSE, "nurse"),
    "deputy": (DEPUTY, "nurse"),
    "other": (OTHER_NURSE, "nurse"),
    "physician": (PHYSICIAN, "physician"),
    "operator": (OPERATOR, "operator"),
    "coordinator": (COORDINATOR, "coordinator"),
}


def account_id(login: str) -> UUID:
    """Return the account of a login of this world."""
    return UUID(int=1000 + [*LOGINS, "monika", "kin"].index(login))


async def build(dsn: str) -> None:
    """Write the world."""
    conn = await connect(dsn, None)
    async with conn:
        await _units(conn)
        await _staff(conn)
        await _patients(conn)
        await _accounts(conn)
        await _history(conn)


async def _units(conn: Connection) -> None:
    units = [
        (HOME_CARE, "Hemsjukvården Nordmaling", "municipality", "0930-140 00"),
        (OTHER_UNIT, "Hemsjukvården Bjurholm", "municipality", "0932-140 00"),
        (HEALTH_CENTRE, "Nordmalings hälsocentral", "region", "0930-130 00"),
    ]
    for unit_id, name, principal, phone in units:
        await registry.add_care_unit(
            conn,
            registry.CareUnit(
                care_unit_id=unit_id,
                name=name,
                principal=principal,  # pyright: ignore[reportArgumentType]  one of the two literals
                phone=phone,
                staffed=WEEKDAYS,
            ),
        )
    await registry.enrol_gateway(
        conn, gateway_id=GATEWAY, care_unit_id=HOME_CARE, label="Väska 14", at=NOW - timedelta(days=90)
    )


async def _staff(conn: Connection) -> None:
    people = [
        (NURSE, "Karin", "Lindgren", "nurse", HOME_CARE),
        (DEPUTY, "Johan", "Öberg", "nurse", HOME_CARE),
        (OTHER_NURSE, "Britta", "Norén", "nurse", OTHER_UNIT),
        (PHYSICIAN, "Anna", "Sundström", "physician", HEALTH_CENTRE),
        (OTHER_DEPUTY, "Sven", "Hägg", "nurse", OTHER_UNIT),
        (OPERATOR, "Mikael", "Hedman", "operator", HOME_CARE),
        (COORDINATOR, "Eva", "Wallin", "coordinator", HOME_CARE),
    ]
    for number, (staff_id, given, family, title, unit) in enumerate(people):
        await registry.add_staff(
            conn,
            registry.Staff(
                staff_id=staff_id,
                hsa_id=f"SE2120002627-P{number}",
                given_name=given,
                family_name=family,
                title=title,  # pyright: ignore[reportArgumentType]  one of the literals
                care_unit_id=unit,
                email=f"{given.lower()}@example.org",
                phone="070-000 00 00",
            ),
        )


def plan_of(patient_id: UUID) -> Plan:
    """Return the plan of a patient of this world."""
    plan = hypertension() if patient_id == ERIK else heart_failure(daytime_phone="0930-140 00")
    medication = Medication(
        name="Furosemid", dose="40 mg x 1", author="Anna Sundström", since=date(2025, 10, 12)
    )
    conditions = (Condition.HEART_FAILURE, Condition.DIABETES) if patient_id == LARS else plan.conditions
    return plan.model_copy(
        update={
            "medications": (medication,),
            "goal": "Fiska med barnbarnen i sommar",
            "conditions": conditions,
        }
    )


async def _patients(conn: Connection) -> None:
    people = [
        (MONIKA, "191212121212", "Monika", "Ekström", date(1947, 3, 2), "female", HOME_CARE),
        (LARS, "194603159812", "Lars", "Åström", date(1946, 3, 15), "male", HOME_CARE),
        (INGRID, "193901212345", "Ingrid", "Vikström", date(1939, 1, 21), "female", HOME_CARE),
        (ERIK, "195506301119", "Erik", "Lundmark", date(1955, 6, 30), "male", HOME_CARE),
        (SVEA, "194112050044", "Svea", "Bergdahl", date(1941, 12, 5), "female", HOME_CARE),
        (FREMLING, "195002020022", "Greta", "Fremling", date(1950, 2, 2), "female", OTHER_UNIT),
    ]
    start = NOW - timedelta(days=90)
    for patient_id, number, given, family, born, sex, unit in people:
        await registry.add_patient(
            conn,
            registry.Patient(
                patient_id=patient_id,
                personnummer=number,
                given_name=given,
                family_name=family,
                born=born,
                sex=sex,  # pyright: ignore[reportArgumentType]  one of the two literals
                municipality="Nordmaling",
                phone="070-123 45 67",
            ),
        )
        nurse, deputy = (OTHER_NURSE, OTHER_DEPUTY) if unit == OTHER_UNIT else (NURSE, DEPUTY)
        await registry.appoint_contact(
            conn, patient_id=patient_id, staff_id=nurse, deputy_id=deputy, care_unit_id=unit, at=start
        )
        await registry.add_care_relation(
            conn, patient_id=patient_id, care_unit_id=unit, basis="home care", at=start
        )
        await registry.sign_plan(
            conn,
            patient_id=patient_id,
            document=plan_of(patient_id).model_dump(mode="json"),
            signed_by=PHYSICIAN,
            at=datetime(2025, 10, 12, 9, tzinfo=UTC),
        )
    await registry.add_care_relation(
        conn, patient_id=MONIKA, care_unit_id=HEALTH_CENTRE, basis="listed", at=start
    )
    await registry.add_next_of_kin(
        conn, next_of_kin_id=KIN, given_name="Per", family_name="Ekström", phone="070-1"
    )
    await registry.give_consent(conn, patient_id=MONIKA, next_of_kin_id=KIN, scope="status", at=start)


async def _accounts(conn: Connection) -> None:
    for login, (staff_id, role) in LOGINS.items():
        await registry.add_account(
            conn,
            registry.Account(
                account_id=account_id(login),
                login=login,
                password_hash=_HASH,
                role=role,  # pyright: ignore[reportArgumentType]  one of the literals
                staff_id=staff_id,
                demo=True,
            ),
        )
    await registry.add_account(
        conn,
        registry.Account(
            account_id=account_id("monika"),
            login="monika",
            password_hash=_HASH,
            role="patient",
            patient_id=MONIKA,
            demo=True,
        ),
    )
    await registry.add_account(
        conn,
        registry.Account(
            account_id=account_id("kin"),
            login="kin",
            password_hash=_HASH,
            role="next_of_kin",
            next_of_kin_id=KIN,
            demo=True,
        ),
    )


async def _history(conn: Connection) -> None:
    """Write 60 days of mornings; Monika gains 2.4 kg at the end, Lars has stopped four days ago."""
    dice = random.Random(14)
    starts = {MONIKA: 80.6, LARS: 91.2, INGRID: 62.4, ERIK: 84.0, SVEA: 70.3, FREMLING: 66.0}
    rows: list[dict[str, object]] = []
    for patient_id, weight in starts.items():
        for days_ago in range(60, -1, -1):
            if (patient_id == LARS and days_ago < 4) or dice.random() < 0.06:
                continue
            at = NOW.replace(hour=6, minute=dice.randrange(0, 50)) - timedelta(days=days_ago)
            gain = max(0, 3 - days_ago) * 0.8 if patient_id == MONIKA else 0.0
            kg = round(weight + dice.gauss(0, 0.3) + gain, 1)
            rows.append(_row(patient_id, at, "weight", weight=kg))
            rows.extend(
                _row(
                    patient_id,
                    at + timedelta(minutes=minutes),
                    "blood_pressure",
                    systolic=round(dice.gauss(138, 7)),
                    diastolic=round(dice.gauss(81, 5)),
                    pulse=round(dice.gauss(72, 4)),
                    flags=["body_movement"] if dice.random() < 0.03 else [],
                )
                for minutes in (3, 5)
            )
    symptoms = {"breathlessness": 2, "orthopnoea": 0, "swelling": 1, "dizziness": 0}
    rows.append(_row(MONIKA, NOW - timedelta(hours=20), "symptoms", **symptoms))
    await _store(conn, rows)


def _row(patient_id: UUID, at: datetime, kind: str, **values: object) -> dict[str, object]:
    return {
        "patient_id": str(patient_id),
        "measured_at": at.isoformat(),
        "reading_id": str(uuid4()),
        "kind": kind,
        "gateway_id": GATEWAY,
        "device_id": "D0:11:22:33:44:55",
        "flags": [],
        "origin": "live",
        "clock": "verified",
        "received_at": at.isoformat(),
        "stored_at": at.isoformat(),
        **values,
    }


async def _store(conn: Connection, rows: list[dict[str, object]]) -> None:
    await conn.execute(
        "insert into reading select * from jsonb_populate_recordset(null::reading, %s)", [Jsonb(rows)]
    )


async def add_reading(dsn: str, patient_id: UUID, at: datetime, kind: str, **values: object) -> None:
    """Store one reading, as ingest does."""
    conn = await connect(dsn, None)
    async with conn:
        await _store(conn, [_row(patient_id, at, kind, **values)])


async def open_case(
    dsn: str,
    patient_id: UUID | None,
    level: str,
    text_sv: str,
    text_en: str,
    *,
    family: str = "weight",
    owner: UUID | None = NURSE,
    unit: str = HOME_CARE,
    minutes: int = 30,
    confirmed: bool | None = None,
    at: datetime = NOW,
) -> UUID:
    """Open a case as the alerts service does: case, finding, event, in one transaction. Returns its id."""
    case_id = uuid4()
    gateway = None if patient_id else GATEWAY
    conn = await connect(dsn, None)
    async with conn, conn.transaction():
        await conn.execute(
            "insert into alert_case (case_id, patient_id, gateway_id, family, level, state, opened_at,"
            " owner_kind, owner_staff_id, owner_unit_id, deadline, contact_deadline)"
            " values (%s, %s, %s, %s, %s, 'open', %s, %s, %s, %s, %s, %s)",
            [
                case_id, patient_id, gateway, family, level, at, "named_contact" if owner else "unit",
                owner, unit, at + timedelta(minutes=minutes), at + timedelta(minutes=minutes * 4),
            ],
        )  # fmt: skip
        await conn.execute(
            "insert into finding (finding_id, case_id, patient_id, gateway_id, rule, level, measured_at,"
            " evaluated_at, numbers, text_sv, text_en, confirmed, reading_ids)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, '{}', %s, %s, %s, '{}')",
            [
                uuid4(),
                case_id,
                patient_id,
                gateway,
                f"test_{family}",
                level,
                at,
                at,
                text_sv,
                text_en,
                confirmed,
            ],
        )
        await conn.execute(
            "insert into case_event (case_id, at, kind) values (%s, %s, 'opened'), (%s, %s, 'notified')",
            [case_id, at, case_id, at],
        )
    return case_id


async def usual_cases(dsn: str) -> dict[str, UUID]:
    """Open one case of each level, one technical, and one in the other unit."""
    return {
        "red": await open_case(
            dsn, MONIKA, "red",
            "Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0) och patienten är mer andfådd.",
            "Weight is up 2.4 kg in 3 days (limit 2.0) and the patient is more breathless.",
            confirmed=True, at=NOW - timedelta(minutes=9),
        ),
        "yellow": await open_case(
            dsn, ERIK, "yellow", "Blodtrycket 172/98 är över gränsen 170.",
            "Blood pressure 172/98 is over the limit 170.",
            family="blood_pressure", minutes=360, confirmed=False, at=NOW - timedelta(hours=1),
        ),
        "grey": await open_case(
            dsn, LARS, "grey", "Ingen vikt på 4 dagar.", "No weight for 4 days.",
            family="missing", minutes=2880, owner=DEPUTY, at=NOW - timedelta(days=1),
        ),
        "technical": await open_case(
            dsn, None, "grey", "Porten Väska 14 hörs inte sedan 07:55.",
            "Gateway Väska 14 has been silent since 07:55.",
            family="gateway_silent", minutes=2880, owner=None, at=NOW - timedelta(minutes=12),
        ),
        "other_unit": await open_case(
            dsn, FREMLING, "red", "Pulsen 122 är över gränsen 110.", "Pulse 122 is over the limit 110.",
            family="pulse", owner=OTHER_NURSE, unit=OTHER_UNIT,
        ),
    }  # fmt: skip
