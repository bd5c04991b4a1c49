"""Who owns a case and until when: named contact, then deputy, then unit; deadlines in staffed time.

The promises are those of the domain ("Alert workflow"): red is acknowledged in 30 minutes and contacted in
2 hours of staffed time, yellow the same working day, grey within 2 working days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from alerts.rules.calendar import (
    StaffedCalendar,
    add_staffed,
    end_of_later_working_day,
    end_of_working_day,
    is_staffed,
    when_read,
)
from alerts.rules.plan import Level

RED_ACKNOWLEDGE_MINUTES = 30
RED_CONTACT_MINUTES = 120
GREY_WORKING_DAYS = 2


class Promise(StrEnum):
    """What is promised of a case, each with its own time."""

    ACKNOWLEDGE = "acknowledge"
    CONTACT = "contact"


class OwnerKind(StrEnum):
    """The steps of responsibility."""

    NAMED_CONTACT = "named_contact"
    DEPUTY = "deputy"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to reach somebody. `staff_id` None is a unit's shared mailbox."""

    staff_id: UUID | None
    email: str


@dataclass(frozen=True, slots=True)
class Owner:
    """Who answers for a case. A unit owns it when `staff_id` is None."""

    kind: OwnerKind
    staff_id: UUID | None
    care_unit_id: str


@dataclass(frozen=True, slots=True)
class Team:
    """Who can own a patient's or a gateway's cases. Without a named contact the unit answers."""

    care_unit_id: str
    calendar: StaffedCalendar
    unit_addresses: tuple[Address, ...]
    named_contact: Address | None = None
    deputy: Address | None = None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Until when a case is to be acknowledged and, for red, the patient contacted."""

    acknowledge: datetime
    contact: datetime | None


def first_owner(team: Team) -> Owner:
    """Return the named contact, or the unit where nobody is named."""
    if team.named_contact is None:
        return Owner(OwnerKind.UNIT, None, team.care_unit_id)
    return Owner(OwnerKind.NAMED_CONTACT, team.named_contact.staff_id, team.care_unit_id)


def next_owner(team: Team, kind: OwnerKind) -> Owner:
    """Return who answers after the one who did not. After the unit comes the unit, again and again."""
    if kind is OwnerKind.NAMED_CONTACT and team.deputy is not None:
        return Owner(OwnerKind.DEPUTY, team.deputy.staff_id, team.care_unit_id)
    return Owner(OwnerKind.UNIT, None, team.care_unit_id)


def addresses(team: Team, owner: Owner) -> tuple[Address, ...]:
    """Return where to notify an owner."""
    people = [person for person in (team.named_contact, team.deputy) if person is not None]
    own = tuple(person for person in people if person.staff_id == owner.staff_id)
    return own or team.unit_addresses


def deadlines(level: Level, calendar: StaffedCalendar, now: datetime) -> Deadlines:
    """Return the deadlines of a case that is raised, or handed on, now."""
    match level:
        case Level.RED:
            return Deadlines(
                add_staffed(calendar, now, RED_ACKNOWLEDGE_MINUTES),
                add_staffed(calendar, now, RED_CONTACT_MINUTES),
            )
        case Level.YELLOW:
            return Deadlines(end_of_working_day(calendar, now), None)
        case Level.GREY:
            return Deadlines(end_of_later_working_day(calendar, now, GREY_WORKING_DAYS), None)


def next_contact(calendar: StaffedCalendar, now: datetime) -> datetime:
    """Return until when the one to whom a case without contact is handed on now must reach somebody."""
    return add_staffed(calendar, now, RED_CONTACT_MINUTES)


def contact_due(promised: datetime, acknowledged_at: datetime, calendar: StaffedCalendar) -> datetime:
    """Return when a case without contact is handed on: at the time that was promised.

    Who acknowledges late, so that it is near or has passed, has half an hour of staffed time to call.
    """
    return max(promised, add_staffed(calendar, acknowledged_at, RED_ACKNOWLEDGE_MINUTES))


def may_escalate(calendar: StaffedCalendar, now: datetime) -> bool:
    """Return whether handing on would reach anybody: only in staffed hours, or where there are none at all.

    A yellow case that nobody acknowledged by closing time is handed on the next morning.
    """
    return is_staffed(calendar, now) or when_read(calendar, now) is None
