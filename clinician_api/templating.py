"""Pages: Jinja2 templates in templates/, always escaped.

Every template gets `request`, `language` (clinician_api.i18n.Language), `person` (storage.sessions.Person or
None), `now`, `zone` (the signed-in person's), `asset(name)`, `words` (clinician_api.wording), and the filters

    {{ at | when }}         "10:42", "i går 07:10"         {{ at | when(patient.zone) }} in another zone
    {{ day | day }}         "i dag", "3 nov"
    {{ 83.12 | number(1) }} "83,1"
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from clinician_api.assets import Assets
from clinician_api.i18n import Language
from clinician_api.navigation import NAVIGATION
from clinician_api.wording import TABLES

TEMPLATES = Path(__file__).parent / "templates"


def environment(assets: Assets) -> Environment:
    """Return the template environment. An undefined variable is an error, not an empty text."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  added by the i18n extension at run time
    cast("dict[str, Any]", env.globals).update(asset=assets.url, navigation=NAVIGATION, words=TABLES)
    cast("dict[str, Any]", env.filters).update(when=_when, day=_day, number=_number)
    return env


def render(
    request: Request, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Return a page in the language and zone of the person who asks."""
    state = request.state
    person = getattr(state, "person", None)
    env: Environment = request.app.state.templates
    text = env.get_template(template).render(
        {
            "request": request,
            "language": state.language,
            "person": person,
            "now": request.app.state.clock(),
            "zone": person.zone if person else "Europe/Stockholm",
            "demo": request.app.state.settings.demo,
            **(context or {}),
        }
    )
    return HTMLResponse(text, status_code=status)


def _language(context: Context) -> Language:
    return context["language"]


@pass_context
def _gettext(context: Context, message: str) -> str:
    return _language(context).translations.gettext(message)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, n: int) -> str:
    return _language(context).translations.ngettext(singular, plural, n)


@pass_context
def _when(context: Context, at: datetime, zone: str | None = None) -> str:
    return _language(context).when(at, zone or context["zone"], now=context["now"])


@pass_context
def _day(context: Context, day: date | datetime, zone: str | None = None) -> str:
    here = ZoneInfo(zone or context["zone"])
    local = day.astimezone(here).date() if isinstance(day, datetime) else day
    return _language(context).day(local, today=context["now"].astimezone(here).date())


@pass_context
def _number(context: Context, value: float, digits: int = 0) -> str:
    return _language(context).number(value, digits)
