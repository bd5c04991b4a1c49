"""Whose a device's user slot is, and the tray of readings that are nobody's yet.

The tray never guesses: a reading leaves it only by a binding that a person made.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import errors

from storage.database import Connection


class BindingRefused(Exception):
    """The binding contradicts what is there; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A device's user slot at a gateway is a patient's from `valid_from` until `valid_to`, if that is set.

    `valid_from` is also the cut-off: what the device measured before stays in the tray.
    """

    gateway_id: str
    device_id: str
    user_slot: int | None
    patient_id: UUID
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True)
class Waiting:
    """Readings in the tray, without their values: an operator may see this."""

    gateway_id: str
    device_id: str
    user_slot: int | None
    kind: str
    count: int
    first_measured: datetime
    last_measured: datetime


async def bind(conn: Connection, binding: Binding) -> UUID:
    """Store a binding, hand its waiting readings to the patient, and return its id. For the owner's tools.

    Raises BindingRefused.
    """
    return await _bind(
        conn, "select bind_device(%s, %s, %s::smallint, %s, %s::timestamptz, %s::timestamptz)", binding
    )


async def bind_as_staff(conn: Connection, binding: Binding) -> UUID:
    """Do the same for the acting account (storage.access.acting), with a line in the access log.

    Raises BindingRefused; psycopg's InsufficientPrivilege, which `acting` turns into AccessRefused, unless
    the account is a nurse or coordinator who may see the patient, and the gateway is of their own unit.
    """
    return await _bind(
        conn,
        "select bind_device_as_staff(%s, %s, %s::smallint, %s, %s::timestamptz, %s::timestamptz)",
        binding,
    )


async def unassigned(conn: Connection) -> list[Waiting]:
    """Return what waits in the tray, one line per device, user slot and kind, longest waiting first."""
    cursor = await conn.execute(
        "select gateway_id, device_id, user_slot, kind, count(*), min(measured_at), max(measured_at)"
        " from unassigned_reading group by gateway_id, device_id, user_slot, kind"
        " order by min(received_at), gateway_id, device_id, user_slot, kind"
    )
    return [Waiting(*row) for row in await cursor.fetchall()]


async def _bind(conn: Connection, query: LiteralString, binding: Binding) -> UUID:
    with _explained():
        cursor = await conn.execute(
            query,
            [
                binding.gateway_id,
                binding.device_id,
                binding.user_slot,
                binding.patient_id,
                binding.valid_from,
                binding.valid_to,
            ],
        )
        row = await cursor.fetchone()
    assert row is not None  # a function call always gives a row
    return row[0]


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except errors.ExclusionViolation as error:
        raise BindingRefused(
            "this device and user slot is bound to a patient in that time already; end that binding first"
        ) from error
    except errors.ForeignKeyViolation as error:
        raise BindingRefused(
            "no such gateway or patient; enrol the gateway, register the patient first"
        ) from error
    except errors.CheckViolation as error:
        raise BindingRefused("a binding must end after it begins") from error
