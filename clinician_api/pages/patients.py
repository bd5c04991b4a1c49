"""The nurse's patients: the list with search, and one patient's page."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.rules.plan import Plan
from clinician_api.errors import NotFound
from clinician_api.glance import age, glance
from clinician_api.plan_words import limit_lines
from clinician_api.session import Nurse, now, pool
from clinician_api.templating import render
from storage import inbox

router = APIRouter(include_in_schema=False)

READ_DAYS = 30
TABLE_ROWS = 40


@router.get("/patients")
async def patient_list(request: Request, person: Nurse, q: str = "") -> HTMLResponse:
    """Show the patients of the unit, or those whose name has `q` in it."""
    at = now(request)
    search = q.strip().replace("\x00", "")[:100]
    rows = await inbox.patients(
        pool(request), person, search, readings_from=at - timedelta(days=READ_DAYS), now=at
    )
    today = at.astimezone(ZoneInfo(person.zone)).date()
    context = {
        "rows": rows,
        "ages": {row.patient_id: age(row.born, today) for row in rows},
        "q": search,
        "full": len(rows) >= inbox.MOST_ROWS,
    }
    return render(request, "nurse/patients.html", context)


@router.get("/patients/{patient_id}")
async def patient_page(request: Request, person: Nurse, patient_id: UUID) -> HTMLResponse:
    """Show one patient: plan, contact, latest readings, cases."""
    at = now(request)
    view = await inbox.patient(
        pool(request), person, patient_id, readings_from=at - timedelta(days=READ_DAYS), now=at
    )
    if view is None:
        raise NotFound
    zone = ZoneInfo(view.patient.zone)
    plan = Plan.model_validate(view.plan.document) if view.plan else None
    context = {
        "view": view,
        "patient": view.patient,
        "age": age(view.patient.born, at.astimezone(zone).date()),
        "plan": plan,
        "limits": limit_lines(plan, request.state.language) if plan else [],
        "glance": glance(view.readings, plan, at, zone),
        "latest": list(reversed(view.readings))[:TABLE_ROWS],
    }
    return render(request, "nurse/patient.html", context)
