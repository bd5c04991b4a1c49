"""A small world for tests: one unit, staff of each title, patients, gateways; and readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from storage import registry
from storage.database import connect
from wire.identity import reading_id
from wire.reading import ClockQuality, Kind, Origin, Reading, Values

UNIT = "SE2321000016-A001"
OTHER_UNIT = "SE2321000016-B001"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SCALE = "C0:FF:EE:00:00:01"
CUFF = "C0:FF:EE:00:00:02"
_SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def person(name: str) -> UUID:
    """Return the id of somebody or something, by name."""
    return uuid5(_SPACE, name)


def patient(number: int) -> UUID:
    """Return a patient's id."""
    return person(f"patient {number}")


def gateway(number: int) -> str:
    """Return a gateway's id."""
    return f"gw-{number:04d}"


async def build(dsn: str, *, patients: int = 2, gateways: int = 2) -> None:
    """Register everything. No device is bound yet."""
    conn = await connect(dsn, None)
    try:
        async with conn.transaction():
            for unit in (UNIT, OTHER_UNIT):
                await registry.add_care_unit(
                    conn,
                    registry.CareUnit(
                        care_unit_id=unit, name="Hemsjukvården", principal="municipality", phone="0"
                    ),
                )
            for title in ("nurse", "physician", "coordinator", "operator"):
                await _add_staff(conn, title)
            for number in range(patients):
                await _add_patient(conn, number)
            for number in range(gateways):
                await registry.enrol_gateway(
                    conn, gateway_id=gateway(number), care_unit_id=UNIT, label=f"kit {number}", at=NOW
                )
    finally:
        await conn.close()


async def _add_staff(conn: registry.Connection, title: str) -> None:
    staff_id = person(title)
    digits = f"{staff_id.int % 10**8:08d}"
    await registry.add_staff(
        conn,
        registry.Staff(
            staff_id=staff_id,
            hsa_id=f"SE2321000016-{digits}",
            given_name="Test",
            family_name=title,
            title=title,  # type: ignore[arg-type]  one of the four
            care_unit_id=UNIT,
            email=f"{title}@example.org",
            phone="0",
        ),
    )
    await registry.add_account(
        conn,
        registry.Account(
            account_id=person(f"account {title}"),
            login=title,
            password_hash="-",
            role=title,  # type: ignore[arg-type]  one of them
            staff_id=staff_id,
        ),
    )


async def _add_patient(conn: registry.Connection, number: int) -> None:
    await registry.add_patient(
        conn,
        registry.Patient(
            patient_id=patient(number),
            personnummer=f"1912{number:08d}",
            given_name="Test",
            family_name=str(number),
            born=date(1912, 12, 12),
            sex="female",
            municipality="Umeå",
            phone="0",
        ),
    )
    await registry.add_care_relation(
        conn, patient_id=patient(number), care_unit_id=UNIT, basis="test", at=NOW - timedelta(days=400)
    )


def weighing(
    kg: float = 80.0,
    *,
    at: datetime = NOW,
    device: str = SCALE,
    slot: int | None = 1,
    salt: str = "",
    received_at: datetime | None = None,
) -> Reading:
    """Return a weight reading, whose identity is made as a gateway makes it."""
    raw = f"{round(kg * 200):04x}{salt.encode().hex()}"
    identity = reading_id(
        device_id=device,
        user_slot=slot,
        characteristic="2A9D",
        raw=bytes.fromhex(raw),
        device_time=at.replace(tzinfo=None, microsecond=0),
        received_at=at,
    )
    return Reading(
        reading_id=identity,
        device_id=device,
        kind=Kind.WEIGHT,
        values=Values(weight=kg),
        received_at=received_at or at,
        measured_at=at,
        device_time=f"{at:%Y-%m-%dT%H:%M:%S}",
        clock=ClockQuality.VERIFIED,
        user_slot=slot,
        origin=Origin.LIVE,
        characteristic="2A9D",
        raw=raw,
    )
