"""The patient's own pages: today, and the forms for values and symptoms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.rules import series
from alerts.rules.calendar import StaffedCalendar, when_read
from alerts.rules.evaluate import look_again
from alerts.rules.plan import Plan
from alerts.rules.silence import reminders
from clinician_api import manual_entry, today
from clinician_api.errors import NotFound
from clinician_api.i18n import N_
from clinician_api.manual_entry import Problem, Refused
from clinician_api.session import PatientPerson, now, pool
from clinician_api.templating import render
from clinician_api.today import Done
from storage import manual, patient_view, trends
from storage.access import acting
from storage.database import Connection
from storage.patient_view import CaseView, Profile
from storage.sessions import Person
from storage.trends import ReadingRow
from wire.reading import Reading

router = APIRouter(prefix="/me", include_in_schema=False)

SAVED = {
    "weight": N_("Your weight is saved."),
    "pressure": N_("Your blood pressure is saved."),
    "symptoms": N_("Your answers are saved."),
}


@dataclass(frozen=True, slots=True)
class Home:
    """What the database knows for the patient's page."""

    profile: Profile
    plan: Plan | None
    started: datetime | None
    readings: list[ReadingRow]
    cases: list[CaseView]
    pending: bool
    calendar: StaffedCalendar


async def load_calendar(conn: Connection, care_unit_id: str) -> StaffedCalendar:
    """Return when the unit is staffed, as the rules count it."""
    unit = await patient_view.unit_hours(conn, care_unit_id)
    return StaffedCalendar(ZoneInfo(unit.zone), unit.hours, frozenset(unit.closed))


async def _home(conn: Connection, person: Person, at: datetime) -> Home:
    patient_id = person.patient_id
    profile = await patient_view.profile(conn, patient_id) if patient_id else None
    if profile is None or patient_id is None:
        raise NotFound
    starts = today.day_starts(at, ZoneInfo(profile.zone), days_ago=7)
    plans = await trends.plans(conn, patient_id)
    return Home(
        profile=profile,
        plan=Plan.model_validate(plans[-1].document) if plans else None,
        started=plans[0].signed_at if plans else None,
        readings=await trends.readings(conn, patient_id, starts, at + timedelta(minutes=5)),
        cases=await patient_view.cases(conn, patient_id, today.day_starts(at, ZoneInfo(profile.zone))),
        pending=await patient_view.evaluation_pending(conn, patient_id),
        calendar=await load_calendar(conn, profile.care_unit_id),
    )


def context(home: Home, at: datetime) -> dict[str, Any]:
    """Return what the templates of the page need."""
    zone = ZoneInfo(home.profile.zone)
    done = [Done(row.kind, row.measured_at, tuple(row.flags)) for row in home.readings]
    read_at = when_read(home.calendar, at)
    return {
        "profile": home.profile,
        "plan": home.plan,
        "paused": home.plan.paused(at) if home.plan else None,
        "greeting": today.greeting(at, zone),
        "tasks": today.tasks(home.plan, done, at, zone) if home.plan else [],
        "verdict": today.verdict(
            home.cases,
            done,
            pending=home.pending,
            remind=_to_remind(home, done, at),
            read_at=read_at,
            now=at,
            zone=zone,
            repeat_until=_repeat_until(home, at, zone),
        ),
        # By the gateway's clock or by ours: the gateway may have been offline.
        "just_arrived": today.just_arrived(
            (time for row in home.readings for time in (row.received_at, row.stored_at)), at
        ),
        "read_at": read_at,
        "hours": opening_hours(home.calendar),
        "patient_zone": home.profile.zone,
        "spoken": today.spoken,
    }


def _to_remind(home: Home, done: list[Done], at: datetime) -> bool:
    """Say whether the plan wants the patient prompted. What was last measured a week ago counts as never."""
    if home.plan is None or home.started is None:
        return False
    last = {each.kind: each.at for each in done}
    return bool(reminders(home.plan, last, started=home.started, now=at))


def _repeat_until(home: Home, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when a high blood pressure waits for being measured again, as the rules count it."""
    if home.plan is None:
        return None
    return look_again(series.build(map(_as_the_rules_want, home.readings)), home.plan, zone=zone, now=at)


def _as_the_rules_want(row: ReadingRow) -> series.Row:
    values = (row.systolic, row.diastolic, row.pulse, row.heart_rate, row.weight)
    symptoms = (row.breathlessness, row.orthopnoea, row.swelling, row.dizziness)
    return (row.reading_id, row.kind, row.measured_at, *values, *symptoms, row.flags, row.corrects, 0)


def opening_hours(calendar: StaffedCalendar) -> list[tuple[int, int, str, str]]:
    """Return (first weekday, last weekday, opens, closes) of days with the same hours, Monday = 1."""
    runs: list[tuple[int, int, str, str]] = []
    for day, opens, closes in sorted(calendar.hours):
        start, end = f"{opens:%H:%M}", f"{closes:%H:%M}"
        if runs and runs[-1][1] == day - 1 and runs[-1][2:] == (start, end):
            runs[-1] = (runs[-1][0], day, start, end)
        else:
            runs.append((day, day, start, end))
    return runs


@router.get("")
async def page(request: Request, person: PatientPerson, saved: str = "") -> HTMLResponse:
    """Show today: what to measure, the verdict, the own curve, who reads and when, what to do if worse."""
    return await _today(request, person, "patient/today.html", saved)


@router.get("/today")
async def part(request: Request, person: PatientPerson) -> HTMLResponse:
    """Answer the part of the page that changes while it is open."""
    return await _today(request, person, "patient/_today.html", "")


async def _today(request: Request, person: Person, template: str, saved: str) -> HTMLResponse:
    at = now(request)
    async with acting(pool(request), person.account_id, action="my_page", patient_ids=_own(person)) as conn:
        home = await _home(conn, person, at)
    return render(request, template, {**context(home, at), "saved": SAVED.get(saved)})


def _own(person: Person) -> list[Any]:
    return [person.patient_id]


@router.get("/weight")
async def weight_form(request: Request, person: PatientPerson) -> HTMLResponse:
    """Show the form for a weight."""
    return await _form(request, person, "weight", {}, [])


@router.get("/pressure")
async def pressure_form(request: Request, person: PatientPerson) -> HTMLResponse:
    """Show the form for a blood pressure."""
    return await _form(request, person, "pressure", {}, [])


@router.get("/symptoms")
async def symptoms_form(request: Request, person: PatientPerson) -> HTMLResponse:
    """Show the questions about symptoms."""
    return await _form(request, person, "symptoms", {}, [])


@router.get("/emergency")
async def emergency(request: Request, person: PatientPerson) -> HTMLResponse:
    """Say to call 112, at once and whatever else was answered."""
    del person  # the page is the same for everybody
    return render(request, "patient/emergency.html")


@router.post("/weight")
async def save_weight(request: Request, person: PatientPerson) -> Response:
    """Store a weight that the patient typed in."""
    at, form = now(request), await _fields(request)
    try:
        reading = manual_entry.weight(
            form,
            last=await _last_weight(request, person, at),
            confirmed=form.get("confirmed") == "yes",
            measured=manual_entry.measured_time(form, at, ZoneInfo(person.zone)),
            now=at,
            token=manual_entry.known_token(form.get("token", ""), at),
        )
    except Refused as refused:
        return await _form(request, person, "weight", form, refused.problems)
    return await _store(request, person, reading, "weight")


@router.post("/pressure")
async def save_pressure(request: Request, person: PatientPerson) -> Response:
    """Store a blood pressure that the patient typed in."""
    at, form = now(request), await _fields(request)
    try:
        reading = manual_entry.pressure(
            form,
            measured=manual_entry.measured_time(form, at, ZoneInfo(person.zone)),
            now=at,
            token=manual_entry.known_token(form.get("token", ""), at),
        )
    except Refused as refused:
        return await _form(request, person, "pressure", form, refused.problems)
    return await _store(request, person, reading, "pressure")


@router.post("/symptoms")
async def save_symptoms(request: Request, person: PatientPerson) -> Response:
    """Store the answers. A red flag leads to 112 even when nothing else was answered."""
    at, form = now(request), await _fields(request)
    urgent = form.get("red_flag") == "yes"
    try:
        reading = manual_entry.symptoms(
            form, now=at, token=manual_entry.known_token(form.get("token", ""), at)
        )
    except Refused as refused:
        if urgent:
            return RedirectResponse("/me/emergency", status_code=303)
        return await _form(request, person, "symptoms", form, refused.problems)
    stored = await _store(request, person, reading, "symptoms")
    return RedirectResponse("/me/emergency", status_code=303) if urgent else stored


async def _fields(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def _last_weight(request: Request, person: Person, at: datetime) -> float | None:
    async with acting(pool(request), person.account_id, action="my_form", patient_ids=_own(person)) as conn:
        assert person.patient_id is not None  # the role says so
        since = at - manual_entry.OLDEST
        rows = await trends.readings(conn, person.patient_id, since, at + timedelta(minutes=5))
    return next((row.weight for row in reversed(rows) if row.weight is not None), None)


async def _store(request: Request, person: Person, reading: Reading, name: str) -> Response:
    async with acting(
        pool(request), person.account_id, action="enter_value", patient_ids=_own(person)
    ) as conn:
        assert person.patient_id is not None  # the role says so
        await manual.record(conn, person.patient_id, reading)
    return RedirectResponse(f"/me?saved={name}", status_code=303)


async def _form(
    request: Request, person: Person, name: str, form: Mapping[str, str], problems: list[Problem]
) -> HTMLResponse:
    at = now(request)
    token = manual_entry.known_token(form.get("token", ""), at)
    async with acting(pool(request), person.account_id, action="my_form", patient_ids=_own(person)) as conn:
        assert person.patient_id is not None  # the role says so
        plans = await trends.plans(conn, person.patient_id)
    plan = Plan.model_validate(plans[-1].document) if plans else None
    asked = [str(symptom) for symptom in plan.symptom_questions] if plan else []
    return render(
        request,
        f"patient/{name}.html",
        {
            "form": form,
            "problems": problems,
            "problem_of": {problem.field: problem for problem in problems},
            "token": token,
            "questions": asked or list(manual_entry.GRADES),
            "local_now": at.astimezone(ZoneInfo(person.zone)),
        },
        status=422 if problems else 200,
    )
