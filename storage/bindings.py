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
from psycopg.rows import class_row

from storage.database import Connection


class BindingRefused(Exception):
    """The binding, or its end, contradicts what is there; the message says what to change."""


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


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding in force, for the patient's page. `device_name` is None until the gateway has told it."""

    binding_id: UUID
    device_id: str
    device_name: str | None
    user_slot: int | None
    gateway_id: str
    gateway_label: str
    care_unit_id: str
    valid_from: datetime


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


async def free_from(conn: Connection, binding: Binding, before: datetime) -> datetime:
    """Return from when the binding can hold: its start, or when another ends after that and before `before`.

    A device that was taken back in the morning can so be the next patient's from the same day. Only bindings
    that the acting account may see are looked at; the others refuse the binding as before.
    """
    cursor = await conn.execute(
        "select max(valid_to) from device_binding where gateway_id = %s and device_id = %s"
        " and user_slot is not distinct from %s::smallint and valid_to > %s and valid_to < %s",
        [binding.gateway_id, binding.device_id, binding.user_slot, binding.valid_from, before],
    )
    row = await cursor.fetchone()
    return (row[0] if row else None) or binding.valid_from


async def end_binding(conn: Connection, binding_id: UUID, at: datetime) -> None:
    """End a binding: what the device measures from `at` on is nobody's. For the owner's tools.

    Readings that are stored already stay where they are. Raises BindingRefused.
    """
    with _end_explained():
        await conn.execute("select end_binding(%s, %s::timestamptz)", [binding_id, at])


async def end_binding_as_staff(conn: Connection, binding_id: UUID, at: datetime) -> None:
    """Do the same for the acting account (storage.access.acting), with a line in the access log.

    Raises BindingRefused; psycopg's InsufficientPrivilege, which `acting` turns into AccessRefused, unless
    the account is a nurse who may see the patient, and the gateway is of her own unit.
    """
    with _end_explained():
        await conn.execute("select end_binding_as_staff(%s, %s::timestamptz)", [binding_id, at])


async def bound_to(conn: Connection, patient_id: UUID, now: datetime) -> list[Bound]:
    """Return the patient's bindings that have not ended at `now` and may be seen, oldest first."""
    async with conn.cursor(row_factory=class_row(Bound)) as cursor:
        await cursor.execute(_BOUND, [patient_id, now])
        return await cursor.fetchall()


_BOUND = """
select b.binding_id, b.device_id, d.device_name, b.user_slot, b.gateway_id, g.label as gateway_label,
    g.care_unit_id, b.valid_from
from device_binding b
join gateway g using (gateway_id)
left join gateway_status s using (gateway_id)
left join lateral (
    select each ->> 'name' as device_name
    from jsonb_path_query(s.status, 'lax $.devices[*]') as each
    where each ->> 'device_id' = b.device_id limit 1
) d on true
where b.patient_id = %s and (b.valid_to is null or b.valid_to > %s)
order by b.valid_from, b.device_id, b.user_slot
"""


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


# The trigger that looks for overlaps makes a range of the two times, before the check is reached.
_BACKWARDS = (errors.CheckViolation, errors.DataException)


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
    except _BACKWARDS as error:
        raise BindingRefused("a binding must end after it begins") from error


@contextmanager
def _end_explained() -> Generator[None]:
    try:
        yield
    except errors.NoDataFound as error:
        raise BindingRefused("there is no such binding; look up the patient's bindings") from error
    except errors.ObjectNotInPrerequisiteState as error:
        raise BindingRefused("this binding has ended before that time already") from error
    except _BACKWARDS as error:
        raise BindingRefused("a binding ends after it began; choose a later time") from error
