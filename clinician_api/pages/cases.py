"""One case: what a nurse needs in ten seconds, and what she does about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.rules.plan import Plan
from clinician_api.errors import NotFound
from clinician_api.glance import age, glance
from clinician_api.i18n import N_
from clinician_api.inbox_view import title_of
from clinician_api.plan_words import limit_lines
from clinician_api.session import Nurse, now, pool
from clinician_api.templating import render
from clinician_api.wording import CAUSES, HOW, WITH_WHOM
from storage import case_actions, inbox
from storage.case_actions import NoSuchCase, NotPossible
from storage.sessions import Person

router = APIRouter(include_in_schema=False)

READ_DAYS = 30
"""The usual level needs four weeks before today."""
FIRST = {
    "acknowledged": N_("%(by)s acknowledged this case at %(at)s, before you."),
    "closed": N_("%(by)s closed this case at %(at)s, before you."),
    "open": N_("Acknowledge the case first."),
}
Note = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
"""What a person writes. PostgreSQL keeps no NUL in a text."""


class Contact(BaseModel):
    """What a nurse documents about a contact."""

    model_config = ConfigDict(str_strip_whitespace=True)

    how: Literal["telephone", "video", "home_visit", "at_unit", "not_reached"]
    with_whom: Literal["patient", "next_of_kin", "home_care", "other"] = "patient"
    made_at: datetime
    symptoms: Note = ""
    assessment: Note = ""
    advice: Note = ""
    patient_view: Note = ""

    def detail(self, zone: str) -> dict[str, Any]:
        """Return the event's detail; the time was typed in the reader's zone."""
        made = self.made_at if self.made_at.tzinfo else self.made_at.replace(tzinfo=ZoneInfo(zone))
        fields = self.model_dump(mode="json", exclude={"made_at"}, exclude_defaults=False)
        kept = {name: value for name, value in fields.items() if value}
        return {**kept, "made_at": made.isoformat(), "reached": self.how != "not_reached"}


class Closing(BaseModel):
    """Why a case ends, and whether it was worth the nurse's time."""

    model_config = ConfigDict(str_strip_whitespace=True)

    cause: Literal["deterioration", "technique", "medicine", "diet", "expected", "other"]
    useful: bool
    note: Note = ""


@router.get("/cases/{case_id}")
async def case_page(request: Request, person: Nurse, case_id: UUID) -> Response:
    """Show a case."""
    return await _show(request, person, case_id)


@router.post("/cases/{case_id}/acknowledge")
async def acknowledge(request: Request, person: Nurse, case_id: UUID) -> Response:
    """Take charge of a case; the second person is told who was first."""
    try:
        await case_actions.acknowledge(pool(request), person.account_id, case_id, now=now(request))
    except (NoSuchCase, NotPossible) as error:
        return await _refused(request, person, case_id, error)
    return _back(case_id)


@router.post("/cases/{case_id}/contact")
async def document_contact(request: Request, person: Nurse, case_id: UUID) -> Response:
    """Document a contact or an attempt."""
    at = now(request)
    try:
        contact = Contact.model_validate(dict(await request.form()))
    except ValidationError:
        return await _show(request, person, case_id, N_("Say when and how you made contact."), 422)
    detail = contact.detail(person.zone)
    if not at - timedelta(days=31) < datetime.fromisoformat(detail["made_at"]) <= at + timedelta(minutes=5):
        return await _show(request, person, case_id, N_("The contact's time is not in the last month."), 422)
    try:
        await case_actions.contact(pool(request), person.account_id, case_id, detail, now=at)
    except (NoSuchCase, NotPossible) as error:
        return await _refused(request, person, case_id, error)
    return _back(case_id)


@router.post("/cases/{case_id}/close")
async def close(
    request: Request,
    person: Nurse,
    case_id: UUID,
    cause: Annotated[str, Form()] = "",
    useful: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """Close a case."""
    try:
        closing = Closing.model_validate({"cause": cause, "useful": useful, "note": note})
    except ValidationError:
        problem = N_("Choose a cause and say whether the alert was useful.")
        return await _show(request, person, case_id, problem, 422)
    try:
        await case_actions.close(
            pool(request),
            person.account_id,
            case_id,
            cause=closing.cause,
            useful=closing.useful,
            note=closing.note,
            now=now(request),
        )
    except (NoSuchCase, NotPossible) as error:
        return await _refused(request, person, case_id, error)
    return RedirectResponse("/inbox", status_code=303)


def _back(case_id: UUID) -> Response:
    return RedirectResponse(f"/cases/{case_id}", status_code=303)


async def _refused(
    request: Request, person: Person, case_id: UUID, error: NoSuchCase | NotPossible
) -> Response:
    if isinstance(error, NoSuchCase):
        raise NotFound
    language = request.state.language
    at = language.when(error.at, person.zone, now=now(request)) if error.at else ""
    by = error.by or language.gettext("The service")
    text = language.gettext(FIRST[error.state])
    return await _show(request, person, case_id, text % {"by": by, "at": at}, 409)


async def _show(
    request: Request, person: Person, case_id: UUID, problem: str | None = None, status: int = 200
) -> Response:
    at = now(request)
    view = await inbox.case(
        pool(request), person, case_id, readings_from=at - timedelta(days=READ_DAYS), now=at
    )
    if view is None:
        raise NotFound
    zone = ZoneInfo(view.case.patient_zone or person.zone)
    plan = Plan.model_validate(view.plan.document) if view.plan else None
    local = at.astimezone(ZoneInfo(person.zone))
    context: dict[str, Any] = {
        "view": view,
        "case": view.case,
        "title": title_of(view.case, local, request.state.language),
        "age": age(view.case.born, local.date()) if view.case.born else None,
        "plan": plan,
        "limits": limit_lines(plan, request.state.language) if plan else [],
        "glance": glance(view.readings, plan, at, zone) if view.case.patient_id else None,
        "last": view.contacts[-1] if view.contacts else None,
        "problem": problem,
        "local_now": f"{local:%Y-%m-%dT%H:%M}",
        "how": HOW,
        "with_whom": WITH_WHOM,
        "causes": {code: text for code, text in CAUSES.items() if code != "resolved"},
    }
    return render(request, "nurse/case.html", context, status=status)
