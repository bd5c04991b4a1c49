"""From a care unit as it is stored to its staffed calendar."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.routing import Address, Team
from alerts.rules.calendar import StaffedCalendar
from storage.cases import TeamRow, Unit


def calendar_of(unit: Unit) -> StaffedCalendar:
    """Return a unit's staffed calendar."""
    return StaffedCalendar(ZoneInfo(unit.zone), unit.hours, unit.closed)


def unit_team(unit: Unit) -> Team:
    """Return a unit as the only one to answer, as for a gateway."""
    return Team(unit.care_unit_id, calendar_of(unit), _addresses(unit))


def patient_team(row: TeamRow, unit: Unit) -> Team:
    """Return who answers for a patient."""
    return Team(
        unit.care_unit_id,
        calendar_of(unit),
        _addresses(unit),
        named_contact=Address(row.staff_id, row.staff_email) if row.staff_id and row.staff_email else None,
        deputy=Address(row.deputy_id, row.deputy_email) if row.deputy_id and row.deputy_email else None,
    )


def _addresses(unit: Unit) -> tuple[Address, ...]:
    """Return the shared mailbox, or each nurse of a unit that has none."""
    if unit.email:
        return (Address(None, unit.email),)
    return tuple(Address(staff_id, email) for staff_id, email in unit.nurses)
