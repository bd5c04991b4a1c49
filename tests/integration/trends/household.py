"""One patient with 90 days of history, her staff and her daughter. Synthetic.

Readings go in the way ingest writes them. The clock stands at half past nine on a morning that has been, so
that "today" is the same whenever the tests run.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from alerts.rules.plan import Medication, Plan, Target
from alerts.rules.templates import heart_failure
from storage import registry
from storage.bindings import Binding, bind
from storage.database import Connection, connect
from storage.ingest import IngestStore, Intake
from wire.identity import reading_id
from wire.reading import ClockQuality, Flag, Kind, Origin, Reading, Values

ZONE = ZoneInfo("Europe/Stockholm")
PASSWORD = "synthetic-password"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

HOME_CARE = "SE2120002627-HSV1"
HEALTH_CENTRE = "SE2321000222-HC1"
ELSEWHERE = "SE2321000222-HC2"
NURSE, DEPUTY, PHYSICIAN, STRANGER = (UUID(int=n) for n in range(1, 5))
MONIKA = UUID(int=101)
DAUGHTER = UUID(int=7)
GATEWAY = "gw-kit-014"
SCALE, CUFF = "scale-1", "cuff-1"
ACCOUNTS = {
    name: UUID(int=1000 + n) for n, name in enumerate(("nurse", "physician", "stranger", "monika", "kin"))
}
EVERY_DAY = tuple((day, time(8), time(16)) for day in range(1, 8))
GAP = range(40, 45)
"""Days ago on which nothing was measured."""


def morning(real: datetime) -> datetime:
    """Return the latest 09:30 in Stockholm that has been, UTC."""
    local = real.astimezone(ZONE)
    half_past = datetime.combine(local.date(), time(9, 30), ZONE)
    return (half_past if half_past <= local else half_past - timedelta(days=1)).astimezone(UTC)


@dataclass(frozen=True)
class Household:
    """Where it is and what time it is there."""

    dsn: str
    now: datetime

    def at(self, days_ago: int, clock: str) -> datetime:
        """Return a wall-clock time some days ago, UTC."""
        day = self.now.astimezone(ZONE).date() - timedelta(days=days_ago)
        return datetime.combine(day, time.fromisoformat(clock), ZONE).astimezone(UTC)


async def furnish(dsn: str, real: datetime) -> Household:
    """Write everything but open cases."""
    home = Household(dsn, morning(real))
    async with await connect(dsn, None) as conn:
        await _people(conn, home.now - timedelta(days=100))
        await _plans(conn, home)
        for device in (SCALE, CUFF):
            start = home.now - timedelta(days=100)
            await bind(
                conn,
                Binding(
                    gateway_id=GATEWAY, device_id=device, user_slot=None, patient_id=MONIKA, valid_from=start
                ),
            )
    store(home, history(home))
    async with await connect(dsn, None) as conn:
        await conn.execute("delete from evaluation_due")  # the rules have looked at it
    return home


def store(home: Household, readings: list[Reading]) -> None:
    """Store readings as ingest does."""
    ingest = IngestStore(home.dsn)
    try:
        ingest.write(Intake(readings=[(GATEWAY, reading) for reading in readings]), home.now)
    finally:
        ingest.close()


def history(home: Household) -> list[Reading]:
    """Return 90 days: weight and pressure each morning, the last week's evenings too, and symptoms."""
    dice = random.Random(7)
    found: list[Reading] = []
    for ago in range(90, -1, -1):
        if ago in GAP:
            continue
        if dice.random() < 0.95 or ago < 14:
            found.append(weight(home.at(ago, "07:12"), round(80.6 + dice.gauss(0, 0.35), 1)))
        found += _pressures(home, dice, ago)
        if ago % 3 == 0:
            worse = dice.random() < 0.2
            found.append(symptoms(home.at(ago, "07:30"), int(worse), 0, int(ago in (6, 3)) * 2, 0))
    return found


def _pressures(home: Household, dice: random.Random, ago: int) -> list[Reading]:
    clocks = ["07:15", "07:17"] if ago > 7 else ["07:15", "07:17", "20:30", "20:32"]
    if ago == 0:
        clocks = ["07:15", "07:17"]
    base = 131 + dice.gauss(0, 6)
    return [
        pressure(
            home.at(ago, clock),
            round(base + dice.gauss(0, 4)),
            round(78 + dice.gauss(0, 4)),
            round(66 + dice.gauss(0, 4)),
            [Flag.BODY_MOVEMENT] if ago in (12, 25) else [],
        )
        for clock in clocks
    ]


def weight(at: datetime, kg: float) -> Reading:
    """Return a weight as the gateway sends it."""
    return _reading(Kind.WEIGHT, SCALE, at, Values(weight=kg))


def pressure(at: datetime, systolic: float, diastolic: float, pulse: float, flags: list[Flag]) -> Reading:
    """Return a blood pressure as the gateway sends it."""
    values = Values(systolic=systolic, diastolic=diastolic, pulse=pulse)
    return _reading(Kind.BLOOD_PRESSURE, CUFF, at, values, flags)


def symptoms(at: datetime, *grades: int) -> Reading:
    """Return answers, as a home panel sends them."""
    names = ("breathlessness", "orthopnoea", "swelling", "dizziness")
    return _reading(Kind.SYMPTOMS, SCALE, at, Values(**dict(zip(names, grades, strict=True))))


def _reading(
    kind: Kind, device: str, at: datetime, values: Values, flags: list[Flag] | None = None
) -> Reading:
    raw = f"{kind}{at.isoformat()}".encode()
    return Reading(
        reading_id=reading_id(
            device_id=device, user_slot=None, characteristic="2A9D", raw=raw, device_time=None, received_at=at
        ),
        device_id=device,
        kind=kind,
        values=values,
        received_at=at,
        measured_at=at,
        clock=ClockQuality.VERIFIED,
        flags=flags or [],
        origin=Origin.DEVICE_MEMORY,
    )


async def _people(conn: Connection, at: datetime) -> None:
    for unit, name, principal, phone in (
        (HOME_CARE, "Hemsjukvården Nordmaling", "municipality", "0930-140 00"),
        (HEALTH_CENTRE, "Nordmalings hälsocentral", "region", "0930-130 00"),
        (ELSEWHERE, "Bjurholms hälsocentral", "region", "0932-130 00"),
    ):
        await registry.add_care_unit(
            conn,
            registry.CareUnit(
                care_unit_id=unit, name=name, principal=principal, phone=phone, staffed=EVERY_DAY
            ),
        )
    for number, (staff_id, given, family, title, unit) in enumerate(
        (
            (NURSE, "Karin", "Lindgren", "nurse", HOME_CARE),
            (DEPUTY, "Johan", "Öberg", "nurse", HOME_CARE),
            (PHYSICIAN, "Anna", "Sundström", "physician", HEALTH_CENTRE),
            (STRANGER, "Olle", "Norén", "physician", ELSEWHERE),
        )
    ):
        await registry.add_staff(
            conn,
            registry.Staff(
                staff_id=staff_id,
                hsa_id=f"SE2120002627-P{number}",
                given_name=given,
                family_name=family,
                title=title,
                care_unit_id=unit,
                email=f"{given.lower()}@example.org",
                phone="070-174 06 05",
            ),
        )
    await registry.add_patient(
        conn,
        registry.Patient(
            patient_id=MONIKA,
            personnummer="191212121212",
            given_name="Monika",
            family_name="Ekström",
            born=date(1947, 3, 2),
            sex="female",
            municipality="Nordmaling",
            phone="070-174 06 35",
        ),
    )
    await registry.appoint_contact(
        conn, patient_id=MONIKA, staff_id=NURSE, deputy_id=DEPUTY, care_unit_id=HOME_CARE, at=at
    )
    for unit in (HOME_CARE, HEALTH_CENTRE):
        await registry.add_care_relation(conn, patient_id=MONIKA, care_unit_id=unit, basis="vårdplan", at=at)
    await registry.add_next_of_kin(
        conn, next_of_kin_id=DAUGHTER, given_name="Lena", family_name="Ekström", phone="070-174 06 45"
    )
    await registry.enrol_gateway(conn, gateway_id=GATEWAY, care_unit_id=HOME_CARE, label="Väska 14", at=at)
    for login, role, owner in (
        ("nurse", "nurse", {"staff_id": NURSE}),
        ("physician", "physician", {"staff_id": PHYSICIAN}),
        ("stranger", "physician", {"staff_id": STRANGER}),
        ("monika", "patient", {"patient_id": MONIKA}),
        ("kin", "next_of_kin", {"next_of_kin_id": DAUGHTER}),
    ):
        await registry.add_account(
            conn,
            registry.Account(
                account_id=ACCOUNTS[login], login=login, password_hash=_HASH, role=role, demo=True, **owner
            ),
        )


def plan(since: date) -> Plan:
    """Return Monika's plan."""
    order = {"author": "Anna Sundström", "reason": "Överenskommet med Monika", "valid_from": since}
    return heart_failure(goal="Fiska med barnbarnen i sommar").model_copy(
        update={
            "medications": (
                Medication(name="Furosemid", dose="40 mg x 1", author="Anna Sundström", since=since),
                Medication(name="Enalapril", dose="10 mg x 2", author="Anna Sundström", since=since),
            ),
            "targets": (
                Target(quantity="weight", low=79.0, high=82.0, **order),
                Target(quantity="systolic", high=135, **order),
            ),
        }
    )


async def _plans(conn: Connection, home: Household) -> None:
    for ago in (95, 30):
        at = home.at(ago, "10:00")
        document = plan(at.date()).model_dump(mode="json")
        await registry.sign_plan(conn, patient_id=MONIKA, document=document, signed_by=PHYSICIAN, at=at)


async def open_case(
    home: Household, *, level: str = "yellow", deadline: timedelta = timedelta(hours=5)
) -> UUID:
    """Open a weight case as the evaluator does, named contact first."""
    case_id = uuid4()
    contact = home.now + timedelta(hours=2, minutes=30) if level == "red" else None
    async with await connect(home.dsn, None) as conn, conn.transaction():
        await conn.execute(
            "insert into alert_case (case_id, patient_id, family, level, state, opened_at, owner_kind,"
            " owner_staff_id, owner_unit_id, deadline, contact_deadline)"
            " values (%s, %s, 'weight', %s, 'open', %s, 'named_contact', %s, %s, %s, %s)",
            [case_id, MONIKA, level, home.now, NURSE, HOME_CARE, home.now + deadline, contact],
        )
        await conn.execute(
            "insert into finding (finding_id, case_id, patient_id, rule, level, measured_at, evaluated_at,"
            " numbers, text_sv, text_en, reading_ids) values (%s, %s, %s, 'weight_up_3d', %s, %s, %s, %s,"
            " 'Vikten har ökat 2,4 kg på 3 dagar (gräns 2,0).',"
            " 'Weight is up 2.4 kg in 3 days (limit 2.0).', '{}')",
            [uuid4(), case_id, MONIKA, level, home.now, home.now, Jsonb({"kg": 2.4})],
        )
        await conn.execute(
            "insert into case_event (case_id, at, kind) values (%s, %s, 'opened')", [case_id, home.now]
        )
    return case_id


async def worsen(home: Household, case_id: UUID) -> None:
    """Let an acknowledged case turn red, as the evaluator does: it needs a new acknowledgement."""
    async with await connect(home.dsn, None) as conn:
        await conn.execute(
            "update alert_case set level = 'red', state = 'open', acknowledged_at = null,"
            " acknowledged_by = null where case_id = %s",
            [case_id],
        )


async def contacted_some_time_ago(home: Household, days_ago: int) -> None:
    """Store a closed case with a contact, as a marker on the time axis."""
    case_id, at = uuid4(), home.at(days_ago, "11:05")
    async with await connect(home.dsn, None) as conn, conn.transaction():
        await conn.execute(
            "insert into alert_case (case_id, patient_id, family, level, state, opened_at, owner_kind,"
            " owner_staff_id, owner_unit_id, deadline, acknowledged_at, acknowledged_by, closed_at, cause)"
            " values (%s, %s, 'weight', 'yellow', 'closed', %s, 'named_contact', %s, %s, %s, %s, %s, %s,"
            " 'diet')",
            [case_id, MONIKA, at, NURSE, HOME_CARE, at, at, ACCOUNTS["nurse"], at],
        )
        detail = Jsonb({"how": "telephone", "assessment": "mår bra, mindre salt"})
        await conn.execute(
            "insert into case_event (case_id, at, kind, account_id, detail)"
            " values (%s, %s, 'contacted', %s, %s)",
            [case_id, at, ACCOUNTS["nurse"], detail],
        )


async def consent(home: Household, scope: str, *, revoked: bool = False) -> None:
    """Give the daughter the mother's consent, or withdraw all."""
    async with await connect(home.dsn, None) as conn:
        at = home.now - timedelta(days=1)
        await conn.execute("update kin_consent set revoked_at = %s where revoked_at is null", [at])
        if not revoked:
            await registry.give_consent(
                conn,
                patient_id=MONIKA,
                next_of_kin_id=DAUGHTER,
                scope=scope,
                at=at + timedelta(seconds=1 + (scope == "values")),
            )
