"""Values that a person types in, because there is no device, no gateway, or no signal."""

from __future__ import annotations

from uuid import UUID

import psycopg

from storage.database import Connection
from wire.reading import Kind, Origin, Reading

BY_HAND = frozenset({Kind.WEIGHT, Kind.BLOOD_PRESSURE, Kind.SYMPTOMS})


class NotByHand(ValueError):
    """This reading is not one that a person types in: its kind, origin or time says otherwise."""


async def record(conn: Connection, patient_id: UUID, reading: Reading) -> bool:
    """Store a manual reading and queue its evaluation; False if the same one is stored already.

    `conn` is one of `storage.access.acting` with the patient among its patients. The measured time is within
    the last 31 days. Values must have passed the ranges of wire.reading (decode checks them).
    Raises NotByHand, and storage.access.AccessRefused (by `acting`) for anybody but the patient herself and
    staff with a care relation.
    """
    if reading.kind not in BY_HAND or reading.origin is not Origin.MANUAL or reading.measured_at is None:
        raise NotByHand(f"a {reading.kind} of origin {reading.origin} is not entered by hand")
    values = reading.values
    try:
        cursor = await conn.execute(
            "select record_manual_reading(%s, %s, %s, %s, %s, %s, %s, %s,"
            " %s::smallint, %s::smallint, %s::smallint, %s::smallint)",
            [
                patient_id,
                reading.reading_id,
                str(reading.kind),
                reading.measured_at,
                values.systolic,
                values.diastolic,
                values.pulse,
                values.weight,
                values.breathlessness,
                values.orthopnoea,
                values.swelling,
                values.dizziness,
            ],
        )
    except psycopg.errors.CheckViolation as error:
        raise NotByHand(str(error)) from error
    row = await cursor.fetchone()
    return bool(row and row[0])
