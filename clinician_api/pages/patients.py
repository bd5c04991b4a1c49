"""The nurse's patients: the list with search, and one patient's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.rules.plan import Plan
from clinician_api.errors import NotFound
from clinician_api.glance import age, glance
from clinician_api.i18n import N_
from clinician_api.plan_words import limit_lines
from clinician_api.session import Nurse, now, pool
from clinician_api.templating import render
from storage import inbox
from storage.access import AccessRefused, acting
from storage.bindings import BindingRefused, end_binding_as_staff
from storage.sessions import Person

router = APIRouter(include_in_schema=False)

READ_DAYS = 30
TABLE_ROWS = 40


@router.get("/patients")
async def patient_list(request: Request, person: Nurse) -> HTMLResponse:
    """Show the patients whom the nurse may see."""
    return await _list(request, person, "")


@router.post("/patients")
async def patient_search(request: Request, person: Nurse, q: Annotated[str, Form()] = "") -> HTMLResponse:
    """Show those whose name has `q` in it. A form that is posted, because a name belongs in no URL."""
    return await _list(request, person, q.strip().replace("\x00", "")[:100])


async def _list(request: Request, person: Person, search: str) -> HTMLResponse:
    at = now(request)
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
    """Show one patient: plan, contact, devices, latest readings, cases."""
    return await _show(request, person, patient_id)


@router.post("/patients/{patient_id}/devices/{binding_id}/end")
async def take_back(
    request: Request,
    person: Nurse,
    patient_id: UUID,
    binding_id: UUID,
    ended_at: Annotated[str, Form()] = "",
) -> Response:
    """Take a device back: what it measures from then on is nobody's until it is bound again."""
    try:
        at = _local(ended_at, person.zone)
    except ValueError:
        return await _show(request, person, patient_id, N_("Say when the device was taken back."), 422)
    if at > now(request):
        return await _show(request, person, patient_id, N_("Choose a time that has been."), 422)
    try:
        async with acting(pool(request), person.account_id, action="end_binding", patient_ids=[]) as conn:
            await end_binding_as_staff(conn, binding_id, at)
    except AccessRefused:
        return await _show(request, person, patient_id, N_("Patient or gateway is not of your unit."), 403)
    except BindingRefused:
        text = N_("The device was not the patient's at that time. Choose another time.")
        return await _show(request, person, patient_id, text, 409)
    return RedirectResponse(f"/patients/{patient_id}?returned=1", status_code=303)


def _local(text: str, zone: str) -> datetime:
    """Return a typed wall-clock time of the zone. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


async def _show(
    request: Request, person: Person, patient_id: UUID, problem: str | None = None, status: int = 200
) -> HTMLResponse:
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
        "problem": problem,
        "returned": request.query_params.get("returned") == "1",
        "local_now": f"{at.astimezone(ZoneInfo(person.zone)):%Y-%m-%dT%H:%M}",
    }
    return render(request, "nurse/patient.html", context, status=status)
