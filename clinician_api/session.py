"""Who is signed in: the cookie, the dependency for routes, and the errors when nobody is or may.

    @router.get("/inbox")
    async def inbox(request: Request, person: Nurse) -> HTMLResponse: ...

`person` is a storage.sessions.Person. Without a session a page leads to the sign-in page and the JSON API
answers 401; with the wrong role both answer 403.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from clinician_api.settings import Settings
from storage import sessions
from storage.database import Pool
from storage.sessions import Person

COOKIE = "hemkurva_session"


class NotSignedIn(Exception):
    """Nobody is signed in, or the session is over: sign in again."""


class WrongRole(Exception):
    """The person's role has no such page."""


def now(request: Request) -> datetime:
    """Return the time, UTC, by the application's clock."""
    return request.app.state.clock()


def pool(request: Request) -> Pool:
    """Return the application's connection pool, in the role hemkurva_web."""
    return request.app.state.pool


def new_token() -> str:
    """Return 256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


def set_cookie(response: Response, token: str, settings: Settings) -> None:
    """Give the browser its session. Lax, so that a link in a notification e-mail opens while signed in."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(settings.absolute.total_seconds()),
        httponly=True,
        secure=settings.secure_cookie,
        samesite="lax",
    )


async def current_person(request: Request) -> Person | None:
    """Return who is signed in, if anybody, and remember it in request.state.person."""
    person = await resumed(request, by_hand=_by_hand(request))
    request.state.person = person
    return person


async def resumed(request: Request, *, by_hand: bool) -> Person | None:
    """Return whose session the request's cookie is; asked for by hand, the session goes on."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    settings: Settings = request.app.state.settings
    async with pool(request).connection() as conn:
        person = await sessions.resume(
            conn,
            token_hash(token),
            now=now(request),
            idle=settings.idle if by_hand else None,
            absolute=settings.absolute,
        )
    return None if person and person.demo and not settings.demo else person


def _by_hand(request: Request) -> bool:
    """Say whether a person asked. What a page fetches by itself must not keep a session alive."""
    by_page = "hx-request" in request.headers or "text/event-stream" in request.headers.get("accept", "")
    return not (request.method == "GET" and by_page)


async def signed_in(request: Request) -> Person:
    """Return who is signed in. Raises NotSignedIn."""
    person = await current_person(request)
    if person is None:
        raise NotSignedIn
    return person


def role(*roles: str) -> Callable[[Request], Awaitable[Person]]:
    """Return a dependency that gives the signed-in person of one of these roles. Raises WrongRole."""

    async def person_in_role(request: Request) -> Person:
        person = await signed_in(request)
        if person.role not in roles:
            raise WrongRole
        return person

    return person_in_role


Anyone = Annotated[Person, Depends(signed_in)]
Nurse = Annotated[Person, Depends(role("nurse"))]
Physician = Annotated[Person, Depends(role("physician"))]
CareStaff = Annotated[Person, Depends(role("nurse", "physician"))]
Operations = Annotated[Person, Depends(role("operator", "coordinator"))]
Operator = Annotated[Person, Depends(role("operator"))]
PatientPerson = Annotated[Person, Depends(role("patient"))]
NextOfKin = Annotated[Person, Depends(role("next_of_kin"))]
