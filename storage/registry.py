"""Registering who and what there is: care units, staff, patients, accounts, gateways.

For operators' tools and set-up, on a connection without a service role.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.evaluation import lock_patient

EVALUATED_ANEW = timedelta(hours=72)
"""How far back a new plan is held against what was measured: as far as a measurement opens a case at all."""


@dataclass(frozen=True, kw_only=True)
class CareUnit:
    """A care unit (vårdenhet) by its HSA-id, with the hours in which somebody reads, Monday = 1."""

    care_unit_id: str
    name: str
    principal: Literal["municipality", "region"]
    phone: str
    zone: str = "Europe/Stockholm"
    staffed: tuple[tuple[int, time, time], ...] = ()
    closed: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Staff:
    """A member of staff, by HSA-id."""

    staff_id: UUID
    hsa_id: str
    given_name: str
    family_name: str
    title: Literal["nurse", "physician", "coordinator", "operator"]
    care_unit_id: str
    email: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A patient; `personnummer` as 12 digits, also for a samordningsnummer."""

    patient_id: UUID
    personnummer: str
    given_name: str
    family_name: str
    born: date
    sex: Literal["female", "male"]
    municipality: str
    phone: str
    zone: str = "Europe/Stockholm"
    language: str = "sv"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A login of exactly one person. A production start refuses accounts with `demo`."""

    account_id: UUID
    login: str
    password_hash: str
    role: Literal["nurse", "physician", "coordinator", "operator", "patient", "next_of_kin"]
    staff_id: UUID | None = None
    patient_id: UUID | None = None
    next_of_kin_id: UUID | None = None
    demo: bool = False


async def add_care_unit(conn: Connection, unit: CareUnit) -> None:
    """Store a unit with its calendar."""
    await conn.execute(
        "insert into care_unit (care_unit_id, name, principal, phone, zone) values (%s, %s, %s, %s, %s)",
        [unit.care_unit_id, unit.name, unit.principal, unit.phone, unit.zone],
    )
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into staffed_hours (care_unit_id, weekday, opens, closes) values (%s, %s, %s, %s)",
            [(unit.care_unit_id, *hours) for hours in unit.staffed],
        )
        await cursor.executemany(
            "insert into closed_day (care_unit_id, day, reason) values (%s, %s, %s)",
            [(unit.care_unit_id, *day) for day in unit.closed],
        )


async def add_staff(conn: Connection, staff: Staff) -> None:
    """Store a member of staff."""
    await conn.execute(
        "insert into staff (staff_id, hsa_id, given_name, family_name, title, care_unit_id, email, phone)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            staff.staff_id,
            staff.hsa_id,
            staff.given_name,
            staff.family_name,
            staff.title,
            staff.care_unit_id,
            staff.email,
            staff.phone,
        ],
    )


async def add_patient(conn: Connection, patient: Patient) -> None:
    """Store a patient."""
    await conn.execute(
        "insert into patient (patient_id, personnummer, given_name, family_name, born, sex, municipality,"
        " phone, zone, language) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            patient.patient_id,
            patient.personnummer,
            patient.given_name,
            patient.family_name,
            patient.born,
            patient.sex,
            patient.municipality,
            patient.phone,
            patient.zone,
            patient.language,
        ],
    )


async def add_account(conn: Connection, account: Account) -> None:
    """Store a login. The password arrives hashed; it is never seen here."""
    await conn.execute(
        "insert into account (account_id, login, password_hash, role, staff_id, patient_id, next_of_kin_id,"
        " demo) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            account.account_id,
            account.login,
            account.password_hash,
            account.role,
            account.staff_id,
            account.patient_id,
            account.next_of_kin_id,
            account.demo,
        ],
    )


async def appoint_contact(
    conn: Connection, *, patient_id: UUID, staff_id: UUID, deputy_id: UUID, care_unit_id: str, at: datetime
) -> None:
    """Make somebody the patient's named contact from `at`; the earlier appointment ends then."""
    async with conn.transaction():
        await conn.execute(
            "update named_contact set valid_to = %s where patient_id = %s and valid_to is null",
            [at, patient_id],
        )
        await conn.execute(
            "insert into named_contact (patient_id, staff_id, deputy_id, care_unit_id, valid_from)"
            " values (%s, %s, %s, %s, %s)",
            [patient_id, staff_id, deputy_id, care_unit_id, at],
        )


async def add_care_relation(
    conn: Connection, *, patient_id: UUID, care_unit_id: str, basis: str, at: datetime
) -> None:
    """Let the staff of a unit open the patient's record from `at`; `basis` says why they may."""
    await conn.execute(
        "insert into care_relation (patient_id, care_unit_id, basis, valid_from) values (%s, %s, %s, %s)",
        [patient_id, care_unit_id, basis, at],
    )


async def add_next_of_kin(
    conn: Connection, *, next_of_kin_id: UUID, given_name: str, family_name: str, phone: str
) -> None:
    """Store a next of kin. What they may see is for the patient to say: see `give_consent`."""
    await conn.execute(
        "insert into next_of_kin (next_of_kin_id, given_name, family_name, phone) values (%s, %s, %s, %s)",
        [next_of_kin_id, given_name, family_name, phone],
    )


async def give_consent(
    conn: Connection,
    *,
    patient_id: UUID,
    next_of_kin_id: UUID,
    scope: Literal["status", "values"],
    at: datetime,
) -> None:
    """Store the patient's consent for a next of kin, from `at` until revoked."""
    await conn.execute(
        "insert into kin_consent (patient_id, next_of_kin_id, scope, given_at) values (%s, %s, %s, %s)",
        [patient_id, next_of_kin_id, scope, at],
    )


async def enrol_gateway(
    conn: Connection, *, gateway_id: str, care_unit_id: str, label: str, at: datetime
) -> None:
    """Let the server take readings from a gateway. `label` is a kit number, never a person."""
    await conn.execute(
        "insert into gateway (gateway_id, care_unit_id, label, enrolled_at) values (%s, %s, %s, %s)",
        [gateway_id, care_unit_id, label, at],
    )


async def sign_plan(
    conn: Connection, *, patient_id: UUID, document: dict[str, Any], signed_by: UUID, at: datetime
) -> int:
    """Store a new version of the patient's plan and return its number.

    The readings of the 72 hours before it are due again, in its light: none is passed over because it came
    before the plan, or while no plan could be read.
    """
    async with conn.transaction():
        # No evaluation of the patient runs meanwhile: a reading that is stored after the look at the table
        # is evaluated with this plan, one from before is found.
        await lock_patient(conn, patient_id)
        cursor = await conn.execute(
            "insert into plan (patient_id, version, document, signed_by, signed_at)"
            " select %(patient)s, coalesce(max(version), 0) + 1, %(document)s, %(staff)s, %(at)s"
            " from plan where patient_id = %(patient)s returning version",
            {"patient": patient_id, "document": Jsonb(document), "staff": signed_by, "at": at},
        )
        row = await cursor.fetchone()
        await conn.execute(
            "insert into evaluation_due (patient_id, since) select %(patient)s, %(since)s where exists"
            " (select from reading where patient_id = %(patient)s and measured_at > %(since)s)",
            {"patient": patient_id, "since": at - EVALUATED_ANEW},
        )
    assert row is not None  # an aggregate always gives a row
    return int(row[0])
