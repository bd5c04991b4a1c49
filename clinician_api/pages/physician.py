"""The physician's pages: own patients, and one patient's trends against the plan."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.rules.plan import Plan
from clinician_api import home_bp
from clinician_api.errors import NotFound
from clinician_api.glance import age
from clinician_api.home_bp import Pressure
from clinician_api.plan_words import limit_lines, target_lines
from clinician_api.session import Physician, now, pool
from clinician_api.templating import render
from storage import inbox, patient_view, reviews, trends
from storage.access import AccessRefused, acting
from storage.trends import ReadingRow

router = APIRouter(prefix="/physician", include_in_schema=False)

LIST_DAYS = 30
CONTACT_DAYS = 365


@router.get("")
async def patients(request: Request, person: Physician) -> HTMLResponse:
    """List the patients of the own unit, those with the worst open case first."""
    at = now(request)
    account = person.account_id
    async with acting(pool(request), account, action="list", patient_ids=trends.visible_patients) as conn:
        rows = await trends.listed(conn, at - timedelta(days=LIST_DAYS), at)
    here = at.astimezone(ZoneInfo(person.zone)).date()
    lines = [
        {
            "row": row,
            "age": age(row.born, here),
            "plan": Plan.model_validate(row.document) if row.document else None,
        }
        for row in rows
    ]
    return render(request, "physician/patients.html", {"lines": lines, "list_days": LIST_DAYS})


@router.get("/patients/{patient_id}")
async def trend_page(request: Request, person: Physician, patient_id: UUID) -> HTMLResponse:
    """Show one patient: open cases, trends, home blood pressure, limits, medication, contacts, review."""
    at = now(request)
    async with acting(pool(request), person.account_id, action="trend", patient_ids=[patient_id]) as conn:
        profile = await patient_view.profile(conn, patient_id)
        if profile is None:
            raise NotFound
        # The last protocol week may be some time ago: look back a month and take the last one there.
        rows = await trends.readings(conn, patient_id, at - timedelta(days=LIST_DAYS), at)
        plans = await trends.plans(conn, patient_id)
        contacts = await trends.contacts(conn, patient_id, at - timedelta(days=CONTACT_DAYS), at)
        cases = await inbox.open_cases(conn, patient_id)
        review = await reviews.latest(conn, patient_id)
    zone = ZoneInfo(profile.zone)
    plan = Plan.model_validate(plans[-1].document) if plans else None
    today = at.astimezone(zone).date()
    context = {
        "profile": profile,
        "age": age(profile.born, today),
        "plan": plan,
        "versions": plans,
        "limits": limit_lines(plan, request.state.language) if plan else [],
        "targets": target_lines(plan, request.state.language) if plan else [],
        "protocol": home_bp.protocol(pressures(rows), zone, today),
        "contacts": list(reversed(contacts)),
        "cases": cases,
        "review": review,
        "patient_zone": profile.zone,
    }
    return render(request, "physician/trend.html", context)


@router.post("/patients/{patient_id}/review")
async def review(request: Request, person: Physician, patient_id: UUID) -> Response:
    """Note that the physician has looked through the trends; the nurse sees it."""
    try:
        await reviews.add(pool(request), person.account_id, patient_id, now=now(request))
    except AccessRefused:
        raise NotFound from None
    return RedirectResponse(f"/physician/patients/{patient_id}", status_code=303)


def pressures(rows: list[ReadingRow]) -> list[Pressure]:
    """Return the blood-pressure readings among the rows."""
    return [
        Pressure(row.measured_at, row.systolic, row.diastolic, row.pulse, tuple(row.flags))
        for row in rows
        if row.systolic is not None and row.diastolic is not None
    ]
