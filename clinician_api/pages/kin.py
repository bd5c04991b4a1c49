"""The next of kin's page: the patient's frame with what her consent allows, and a clear no without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.rules.calendar import when_read
from clinician_api import today
from clinician_api.pages.patient import load_calendar, opening_hours
from clinician_api.session import NextOfKin, now, pool
from clinician_api.templating import render
from clinician_api.today import Done
from storage import patient_view
from storage.access import acting
from storage.database import Connection
from storage.patient_view import Consent, Measured
from storage.sessions import Person

router = APIRouter(prefix="/kin", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What a next of kin is told about one patient."""

    consent: Consent
    context: dict[str, Any]


@router.get("")
async def page(request: Request, person: NextOfKin) -> HTMLResponse:
    """Show each patient who has given consent; say so where it is withdrawn."""
    return await _page(request, person, "kin/page.html")


@router.get("/part")
async def part(request: Request, person: NextOfKin) -> HTMLResponse:
    """Answer the part of the page that changes while it is open."""
    return await _page(request, person, "kin/_page.html")


async def _page(request: Request, person: Person, template: str) -> HTMLResponse:
    at = now(request)
    assert person.next_of_kin_id is not None  # the role says so
    kin_id = person.next_of_kin_id

    async def shown(conn: Connection) -> list[UUID]:
        return [c.patient_id for c in await patient_view.consents(conn, kin_id) if c.revoked_at is None]

    async with acting(pool(request), person.account_id, action="kin_page", patient_ids=shown) as conn:
        consents = await patient_view.consents(conn, kin_id)
        told = [await _told(conn, consent, at) for consent in consents if consent.revoked_at is None]
    known = [each for each in told if each is not None]
    return render(
        request, template, {"told": known, "withdrawn": len(consents) > len(told), "relation": "kin"}
    )


async def _told(conn: Connection, consent: Consent, at: datetime) -> Told | None:
    profile = await patient_view.profile(conn, consent.patient_id)
    if profile is None:
        return None
    zone = ZoneInfo(profile.zone)
    midnight = today.day_starts(at, zone)
    soon = at + timedelta(minutes=5)
    measured = await patient_view.measured(conn, consent.patient_id, midnight, soon)
    week = await patient_view.measured(conn, consent.patient_id, midnight - timedelta(days=7), soon)
    cases = await patient_view.cases(conn, consent.patient_id, midnight)
    pending = await patient_view.evaluation_pending(conn, consent.patient_id)
    calendar = await load_calendar(conn, profile.care_unit_id)
    read_at = when_read(calendar, at)
    context: dict[str, Any] = {
        "profile": profile,
        "measured": measured,
        "verdict": today.verdict(
            cases, _done(week), pending=pending, remind=False, read_at=read_at, now=at, zone=zone
        ),
        "read_at": read_at,
        "hours": opening_hours(calendar),
        "patient_zone": profile.zone,
        "spoken": today.spoken,
    }
    return Told(consent, context)


def _done(measured: Sequence[Measured]) -> list[Done]:
    return [Done(each.kind, each.last_at) for each in measured]
