"""The nurse's inbox: who needs me now, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from clinician_api import inbox_view
from clinician_api.glance import DAYS
from clinician_api.session import Nurse, now, pool
from clinician_api.templating import render
from storage import inbox
from storage.sessions import Person

router = APIRouter(include_in_schema=False)

Show = Literal["mine", "unit"]


@router.get("/inbox")
async def inbox_page(request: Request, person: Nurse, show: Show = "mine") -> HTMLResponse:
    """Show the open cases, mine or the unit's."""
    return render(request, "nurse/inbox.html", await _context(request, person, show))


@router.get("/inbox/list")
async def inbox_list(request: Request, person: Nurse, show: Show = "mine") -> HTMLResponse:
    """Give the live part of the inbox again."""
    return render(request, "nurse/inbox_list.html", await _context(request, person, show))


async def _context(request: Request, person: Person, show: Show) -> dict[str, Any]:
    at = now(request)
    shown = await inbox.inbox(
        pool(request),
        person,
        show,
        today_from=midnight(at, person.zone),
        readings_from=at - timedelta(days=DAYS),
        now=at,
    )
    language = request.state.language
    rows = inbox_view.rows(shown, language, at, person.zone)
    return {
        "inbox": shown,
        "show": show,
        "rows": rows,
        "more": (shown.mine if show == "mine" else shown.unit) - len(rows),
        "announce": inbox_view.newest(rows, language),
    }


def midnight(at: datetime, zone: str) -> datetime:
    """Return when the day began in a zone."""
    return at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
