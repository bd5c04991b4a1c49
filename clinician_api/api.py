"""The JSON side: cases for programs, under the same session cookie and the same access log as the pages.

A program signs in with POST /login (form fields login, password, and an Origin header that names this
address), keeps the cookie, and reads /openapi.json.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from clinician_api.errors import NotFound
from clinician_api.session import CareStaff, Nurse, now, pool
from storage import case_actions, inbox
from storage.case_actions import NoSuchCase, NotPossible
from storage.inbox import CaseRow, CaseView

router = APIRouter(prefix="/api", tags=["cases"])

Level = Literal["red", "yellow", "grey"]
State = Literal["open", "acknowledged", "closed"]


class PatientRef(BaseModel):
    """Whom a case concerns."""

    patient_id: UUID
    given_name: str
    family_name: str
    born: date
    phone: str


class CaseSummary(BaseModel):
    """A case as the inbox lists it. Times are UTC."""

    case_id: UUID
    family: Annotated[str, Field(description="weight, blood_pressure, pulse, missing, gateway_silent ...")]
    level: Level
    state: State
    opened_at: datetime
    deadline: Annotated[datetime, Field(description="to acknowledge, in staffed time")]
    contact_deadline: datetime | None
    owner_kind: Literal["named_contact", "deputy", "unit"]
    owner_name: Annotated[str | None, Field(description="null when the unit owns it")]
    unit_name: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    patient: Annotated[PatientRef | None, Field(description="null for a technical case")]
    gateway_id: str | None
    text_sv: Annotated[str | None, Field(description="the worst finding in words")]
    text_en: str | None
    confirmed: Annotated[bool | None, Field(description="null where the rule knows no confirmation")]
    last_contact: datetime | None


class FindingOut(BaseModel):
    """One rule's deviation, with its numbers."""

    rule: str
    level: Level
    measured_at: datetime
    text_sv: str
    text_en: str
    confirmed: bool | None
    numbers: dict[str, Any]


class EventOut(BaseModel):
    """Something that happened to a case; `by` is null for the service itself."""

    at: datetime
    kind: str
    by: str | None
    detail: dict[str, Any]


class CaseDetail(CaseSummary):
    """One case with its findings and its events, oldest event first."""

    findings: list[FindingOut]
    events: list[EventOut]


class CaseList(BaseModel):
    """Open and acknowledged cases, worst first, then by what is due first."""

    cases: list[CaseSummary]
    mine: Annotated[int, Field(description="how many are the caller's")]
    unit: Annotated[int, Field(description="how many the caller's unit has")]
    within_plan: Annotated[int, Field(description="patients who measured today and have no case")]


class Problem(BaseModel):
    """Why a request was not carried out."""

    detail: str


@router.get("/cases", responses={401: {"model": Problem}, 403: {"model": Problem}})
async def list_cases(
    request: Request, person: Nurse, show: Annotated[Literal["mine", "unit"], Query()] = "unit"
) -> CaseList:
    """List the cases of the caller or of her unit. The patients are written to the access log."""
    at = now(request)
    found = await inbox.inbox(
        pool(request), person, show, today_from=at - timedelta(hours=24), readings_from=at, now=at
    )
    return CaseList(
        cases=[_summary(row) for row in found.cases],
        mine=found.mine,
        unit=found.unit,
        within_plan=found.within_plan,
    )


@router.get("/cases/{case_id}", responses={403: {"model": Problem}, 404: {"model": Problem}})
async def read_case(request: Request, person: CareStaff, case_id: UUID) -> CaseDetail:
    """Return one case. 404 when there is none or the caller has no care relation: both look alike."""
    at = now(request)
    view = await inbox.case(pool(request), person, case_id, readings_from=at, now=at)
    if view is None:
        raise NotFound
    return _detail(view)


@router.post("/cases/{case_id}/acknowledge", responses={404: {"model": Problem}, 409: {"model": Problem}})
async def acknowledge_case(request: Request, person: Nurse, case_id: UUID) -> CaseDetail:
    """Take charge of an open case. 409 says who was first."""
    at = now(request)
    try:
        await case_actions.acknowledge(pool(request), person.account_id, case_id, now=at)
    except NoSuchCase:
        raise NotFound from None
    except NotPossible as error:
        since = f" by {error.by} at {error.at.isoformat()}" if error.by and error.at else ""
        raise HTTPException(409, f"the case is {error.state} already{since}") from None
    view = await inbox.case(pool(request), person, case_id, readings_from=at, now=at)
    if view is None:
        raise NotFound
    return _detail(view)


def _patient(row: CaseRow) -> PatientRef | None:
    if row.patient_id is None:
        return None
    return PatientRef.model_validate(row, from_attributes=True)


def _fields(row: CaseRow) -> dict[str, Any]:
    names = CaseSummary.model_fields.keys() - {"patient"}
    return {name: getattr(row, name) for name in names} | {"patient": _patient(row)}


def _summary(row: CaseRow) -> CaseSummary:
    return CaseSummary(**_fields(row))


def _detail(view: CaseView) -> CaseDetail:
    return CaseDetail(
        **_fields(view.case),
        findings=[FindingOut.model_validate(f, from_attributes=True) for f in view.findings],
        events=[EventOut.model_validate(e, from_attributes=True) for e in view.events],
    )
