"""Puts the demo's people, plans, devices and logins into an empty database; never readings."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

from argon2 import PasswordHasher

from alerts.rules.plan import Medication, Ordered, Plan, Target
from alerts.rules.templates import heart_failure, hypertension
from hemkurva.demo.people import HOMES, KIN, MUNICIPALITY, PASSWORD, REGION, STAFF, UNITS, Home, identify
from storage import registry
from storage.bindings import Binding, bind
from storage.database import Connection, connect

OrderedT = TypeVar("OrderedT", bound=Ordered)
ENROLLED_BEFORE = timedelta(days=120)
REASONS = {
    "weight_change": "vätska har tidigare märkts först på vågen",
    "confirmed_pressure": "så högt tryck ska bedömas samma dag",
    "systolic": "lågt tryck har gett yrsel, högt tryck belastar hjärtat",
    "pulse": "en ny långsam eller snabb puls behöver ett EKG",
}
"""Why the physician has set a limit, by rule or quantity; the rest keeps the template's author and reason."""
SLOT = 1
"""The user slot of the patient on scale and cuff; the chest strap has none."""


async def seed(dsn: str, now: datetime) -> bool:
    """Fill the database in one transaction. Return False, changing nothing, if it has a care unit."""
    conn = await connect(dsn, None)
    async with conn, conn.transaction():
        cursor = await conn.execute("select exists (select from care_unit)")
        if await cursor.fetchone() == (True,):
            return False
        start = now - ENROLLED_BEFORE
        for unit in UNITS:
            await registry.add_care_unit(conn, unit)
        for staff in STAFF.values():
            await registry.add_staff(conn, staff)
        for home in HOMES:
            await _add_home(conn, home, start)
        await _add_kin(conn, start)
        await _add_accounts(conn)
    return True


def plan_of(home: Home) -> Plan:
    """Return the plan of a home's patient: the template of her condition made her own."""
    phone = STAFF["nurse"].phone
    physician = f"{STAFF['physician'].given_name} {STAFF['physician'].family_name}, läkare"
    since = date(2026, 6, 12)
    if home.conditions == "hypertension":
        tablets = (Medication(name="Enalapril", dose="10 mg x 1", author=physician, since=since),)
        plan = hypertension(daytime_phone=phone, goal=home.goal)
        return _set_by(plan, physician).model_copy(update={"medications": tablets})
    weight = home.person.weight or 75.0
    target = Target(
        quantity="weight",
        low=round(weight - 1.0, 1),
        high=round(weight + 1.0, 1),
        author=physician,
        reason="stabil utan svullnad",
        valid_from=since,
    )
    tablets = (
        Medication(name="Furosemid", dose="40 mg x 1", author=physician, since=since),
        Medication(name="Bisoprolol", dose="5 mg x 1", author=physician, since=since),
    )
    plan = heart_failure(daytime_phone=phone, goal=home.goal)
    return _set_by(plan, physician).model_copy(update={"medications": tablets, "targets": (target,)})


def _set_by(plan: Plan, physician: str) -> Plan:
    """Return the plan with the physician as the author of its limits, each with a reason in words."""

    def signed(part: OrderedT, about: str) -> OrderedT:
        reason = REASONS.get(about)
        return part.model_copy(update={"author": physician, "reason": reason}) if reason else part

    return plan.model_copy(
        update={
            "rules": tuple(signed(rule, rule.rule) for rule in plan.rules),
            "limits": tuple(signed(limit, limit.quantity) for limit in plan.limits),
        }
    )


async def _add_home(conn: Connection, home: Home, start: datetime) -> None:
    patient = home.patient.patient_id
    await registry.add_patient(conn, home.patient)
    await registry.appoint_contact(
        conn,
        patient_id=patient,
        staff_id=STAFF["nurse"].staff_id,
        deputy_id=STAFF["deputy"].staff_id,
        care_unit_id=MUNICIPALITY,
        at=start,
    )
    for unit, basis in ((MUNICIPALITY, "hemsjukvård"), (REGION, "listad på hälsocentralen")):
        await registry.add_care_relation(conn, patient_id=patient, care_unit_id=unit, basis=basis, at=start)
    await registry.sign_plan(
        conn,
        patient_id=patient,
        document=plan_of(home).model_dump(mode="json"),
        signed_by=STAFF["physician"].staff_id,
        at=start,
    )
    await registry.enrol_gateway(
        conn,
        gateway_id=home.gateway_id,
        care_unit_id=MUNICIPALITY,
        label=f"Utrustning {home.gateway_id}",
        at=start,
    )
    devices = [("cuff", SLOT), ("scale", SLOT), *([("strap", None)] if home.strap else [])]
    for device, slot in devices:
        await bind(
            conn,
            Binding(
                gateway_id=home.gateway_id,
                device_id=home.device_id(device),
                user_slot=slot,
                patient_id=patient,
                valid_from=start,
            ),
        )


async def _add_kin(conn: Connection, start: datetime) -> None:
    """Monika's daughter may see that she measured and that her contact knows, not the values."""
    await registry.add_next_of_kin(
        conn, next_of_kin_id=KIN, given_name="Karin", family_name="Bergdahl", phone="070-000 55 01"
    )
    await registry.give_consent(
        conn, patient_id=identify("monika"), next_of_kin_id=KIN, scope="status", at=start
    )


async def _add_accounts(conn: Connection) -> None:
    hashed = PasswordHasher().hash(PASSWORD)
    for login, staff in STAFF.items():
        await registry.add_account(
            conn,
            registry.Account(
                account_id=identify(f"account:{login}"),
                login=login,
                password_hash=hashed,
                role=staff.title,
                staff_id=staff.staff_id,
                demo=True,
            ),
        )
    for account in (
        registry.Account(
            account_id=identify("account:patient"),
            login="patient",
            password_hash=hashed,
            role="patient",
            patient_id=identify("monika"),
            demo=True,
        ),
        registry.Account(
            account_id=identify("account:kin"),
            login="kin",
            password_hash=hashed,
            role="next_of_kin",
            next_of_kin_id=KIN,
            demo=True,
        ),
    ):
        await registry.add_account(conn, account)
