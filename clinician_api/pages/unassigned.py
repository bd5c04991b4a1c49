"""Readings that are nobody's yet: a nurse says whose device and user slot it is, and from when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from clinician_api.i18n import N_
from clinician_api.session import Nurse, now, pool
from clinician_api.templating import render
from storage import inbox, operations
from storage.access import AccessRefused, acting
from storage.bindings import Binding, BindingRefused, Waiting, bind_as_staff, free_from, unassigned
from storage.sessions import Person

router = APIRouter(include_in_schema=False)


@router.get("/unassigned")
async def unassigned_page(request: Request, person: Nurse) -> Response:
    """Show the devices of the unit's gateways whose readings wait for a patient."""
    return await _show(request, person)


@router.post("/unassigned")
async def bind(
    request: Request,
    person: Nurse,
    gateway_id: Annotated[str, Form()],
    device_id: Annotated[str, Form()],
    user_slot: Annotated[str, Form()] = "",
    patient_id: Annotated[str, Form()] = "",
    from_day: Annotated[str, Form()] = "",
) -> Response:
    """Bind a device and user slot to a patient from a day on."""
    try:
        if "\x00" in gateway_id + device_id:
            raise ValueError("no gateway or device has a NUL in its name")
        binding = Binding(
            gateway_id=gateway_id,
            device_id=device_id,
            user_slot=int(user_slot) if user_slot else None,
            patient_id=UUID(patient_id),
            valid_from=_start(from_day, person.zone),
        )
    except ValueError:
        return await _show(request, person, N_("Choose a patient and a day."), 422)
    if binding.valid_from > now(request):
        return await _show(request, person, N_("Choose a day that has begun."), 422)
    try:
        async with acting(
            pool(request), person.account_id, action="bind_device", patient_ids=[binding.patient_id]
        ) as conn:
            start = await free_from(conn, binding, binding.valid_from + timedelta(days=1))
            await bind_as_staff(conn, replace(binding, valid_from=start))
    except AccessRefused:
        return await _show(request, person, N_("Patient or gateway is not of your unit."), 403)
    except BindingRefused:
        text = N_("This device and user slot has a patient in that time already. Choose a later day.")
        return await _show(request, person, text, 409)
    return RedirectResponse("/unassigned?done=1", status_code=303)


def _start(text: str, zone: str) -> datetime:
    """Return midnight of a day in the zone. Raises ValueError."""
    return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone))


async def _show(request: Request, person: Person, problem: str | None = None, status: int = 200) -> Response:
    at = now(request)
    patients = await inbox.patients(pool(request), person, "", readings_from=at - timedelta(days=1), now=at)
    async with acting(pool(request), person.account_id, action="unassigned", patient_ids=[]) as conn:
        labels = await operations.gateways_of_unit(conn, person.care_unit_id)
        waiting = [line for line in await unassigned(conn) if line.gateway_id in labels]
    context: dict[str, Any] = {
        "groups": grouped(waiting, person.zone),
        "labels": labels,
        "patients": patients,
        "problem": problem,
        "done": request.query_params.get("done") == "1",
        "today": at.astimezone(ZoneInfo(person.zone)).date().isoformat(),
    }
    return render(request, "nurse/unassigned.html", context, status=status)


def grouped(waiting: list[Waiting], zone: str) -> list[dict[str, Any]]:
    """Return one entry per device and user slot, with all its kinds: they can only go to one patient."""
    groups: dict[tuple[str, str, int | None], list[Waiting]] = {}
    for line in waiting:
        groups.setdefault((line.gateway_id, line.device_id, line.user_slot), []).append(line)
    return [
        {
            "key": f"{number}",
            "gateway_id": gateway_id,
            "device_id": device_id,
            "user_slot": user_slot,
            "lines": lines,
            "count": sum(line.count for line in lines),
            "first": min(line.first_measured for line in lines),
            "last": max(line.last_measured for line in lines),
            "first_day": min(line.first_measured for line in lines)
            .astimezone(ZoneInfo(zone))
            .date()
            .isoformat(),
        }
        for number, ((gateway_id, device_id, user_slot), lines) in enumerate(groups.items())
    ]
