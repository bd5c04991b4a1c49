"""The pages, one router module per role or subject.

To add a page:
1. Write `clinician_api/pages/<subject>.py` with `router = APIRouter()` and routes that take the person as a
   typed dependency (`Nurse`, `Physician`, `CareStaff`, `PatientPerson`, `NextOfKin`, `Operator`, `Anyone`
   from clinician_api.session) and read through
   `storage.access.acting(pool(request), person.account_id, ...)`.
2. Add the module to ROUTERS below, and a link to NAVIGATION in clinician_api/navigation.py.
3. Put its template into `templates/<subject>/`, starting with `{% extends "base.html" %}`, and answer
   `render(request, "<subject>/page.html", {...})` from clinician_api.templating.
4. Write texts in English inside `_("...")` (templates) or `N_("...")` (Python constants) and their Swedish
   into locale/sv/LC_MESSAGES/hemkurva.po; a test fails for each one that lacks it.
No inline scripts, styles or event handlers: the content-security policy refuses them. Styles go to
assets/*.css, scripts to assets/*.js; a page loads its own bundle in `{% block head %}` with
`<script type="module" src="{{ asset('chart.js') }}"></script>`.
Live pages: `<section id="x" hx-get="/x/part" hx-trigger="hk:case from:body" hx-swap="outerMorph">` is fetched
again whenever a case changes (`hk:reading`: whenever readings arrive); `<body data-live="...">` is set by
`{% block live %}/events{% endblock %}`. Text inside an element with id "announce" in that part is read out to
screen readers when it changes.
"""

from __future__ import annotations

from fastapi import APIRouter

from clinician_api import api
from clinician_api.pages import (
    cases,
    events,
    health,
    kin,
    login,
    nurse,
    operations,
    patient,
    patients,
    physician,
    series,
    unassigned,
)

ROUTERS: list[APIRouter] = [
    login.router,
    health.router,
    events.router,
    nurse.router,
    cases.router,
    patients.router,
    unassigned.router,
    operations.router,
    api.router,
    series.router,
    physician.router,
    patient.router,
    kin.router,
]
