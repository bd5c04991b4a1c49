"""Signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from clinician_api import passwords
from clinician_api.i18n import N_
from clinician_api.navigation import HOME
from clinician_api.session import COOKIE, current_person, new_token, now, pool, set_cookie, token_hash
from clinician_api.settings import Settings
from clinician_api.templating import render
from storage import sessions

router = APIRouter(include_in_schema=False)

WRONG = N_("The login or the password is wrong. Check both and try again.")
TOO_MANY = N_("Too many failed attempts with this login. Wait 15 minutes and try again.")


@router.get("/")
async def root(request: Request) -> Response:
    """Lead to the person's first page, or to the sign-in page."""
    person = await current_person(request)
    return RedirectResponse(HOME[person.role] if person else "/login", status_code=303)


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:
    """Show the sign-in form."""
    return render(request, "login.html", {"next": _own_path(next), "error": None, "login": ""})


@router.post("/login")
async def sign_in(
    request: Request,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Start a session and lead to the page that was asked for."""
    settings: Settings = request.app.state.settings
    at = now(request)
    try:
        account = await passwords.check(pool(request), login, password, demo=settings.demo, now=at)
    except passwords.TooManyAttempts:
        return _again(request, login, next, TOO_MANY, 429)
    if account is None:
        return _again(request, login, next, WRONG, 401)
    token = new_token()
    async with pool(request).connection() as conn:
        await sessions.start(conn, token_hash(token), account.account_id, now=at, idle=settings.idle)
    target = _own_path(next)
    response = RedirectResponse(HOME[account.role] if target == "/" else target, status_code=303)
    set_cookie(response, token, settings)
    return response


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """End the session here and in the browser."""
    token = request.cookies.get(COOKIE)
    if token:
        async with pool(request).connection() as conn:
            await sessions.end(conn, token_hash(token))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


def _again(request: Request, login: str, target: str, error: str, status: int) -> Response:
    context = {"next": _own_path(target), "error": error, "login": login}
    return render(request, "login.html", context, status=status)


def _own_path(target: str) -> str:
    """Return the target if it is a path of ours, else "/": a sign-in page must not lead elsewhere."""
    ours = target.startswith("/") and not target.startswith("//") and "\\" not in target
    return target if ours and target.isprintable() else "/"
