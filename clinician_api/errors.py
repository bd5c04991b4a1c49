"""Errors that people meet, in words: as a page for a browser, as JSON for a program."""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from clinician_api.i18n import N_
from clinician_api.session import NotSignedIn, WrongRole
from clinician_api.templating import render
from storage.access import AccessLogUnavailable, AccessRefused
from storage.database import DatabaseUnavailable

log = logging.getLogger(__name__)

WORDS = {
    400: (
        N_("That did not work"),
        N_("Something is missing or wrong. Go back and try again."),
    ),
    403: (N_("This page is not for you"), N_("Your role or care relation does not open it.")),
    404: (
        N_("There is no such page"),
        N_("It may have moved, or you have no care relation to the patient."),
    ),
    405: (N_("That did not work"), N_("Go back and try again.")),
    500: (N_("Something went wrong with us"), N_("It has been noted. Try again in a moment.")),
    503: (
        N_("The service has a stop"),
        N_("Nothing can be shown or saved just now. Try again in a minute."),
    ),
}


class NotFound(HTTPException):
    """There is no such thing, or the person may not know that there is: both look alike."""

    def __init__(self) -> None:
        """Answer 404."""
        super().__init__(404)


def install(app: FastAPI) -> None:
    """Answer the application's errors in words."""
    app.add_exception_handler(NotSignedIn, _to_sign_in)
    app.add_exception_handler(WrongRole, _forbidden)
    app.add_exception_handler(AccessRefused, _forbidden)
    app.add_exception_handler(AccessLogUnavailable, _unavailable)
    app.add_exception_handler(DatabaseUnavailable, _unavailable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


def answer(request: Request, status: int, detail: object = None) -> Response:
    """Return the error as a page, or as JSON below /api."""
    title, text = WORDS.get(status, WORDS[500] if status >= 500 else WORDS[400])
    if _is_api(request):
        return JSONResponse({"detail": detail or text}, status_code=status)
    return render(request, "error.html", {"title": title, "text": text, "status": status}, status=status)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _to_sign_in(request: Request, _: Exception) -> Response:
    if _is_api(request):
        return JSONResponse({"detail": "sign in first: POST /login"}, status_code=401)
    target = f"/login?next={quote(request.url.path)}" if request.method == "GET" else "/login"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(target, status_code=303)


async def _forbidden(request: Request, _: Exception) -> Response:
    return answer(request, 403)


async def _unavailable(request: Request, error: Exception) -> Response:
    log.error("not served: %s", type(error).__name__)
    return answer(request, 503)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = error.detail if error.status_code not in (403, 404, 405) else None
    return answer(request, error.status_code, known)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _is_api(request):
        detail = [{"where": item["loc"], "what": item["msg"]} for item in error.errors()]
        return answer(request, 422, detail)
    # An address with a malformed identity names nothing that exists.
    at_path = any(item["loc"][0] == "path" for item in error.errors())
    return answer(request, 404 if at_path else 400)


async def _failed(request: Request, _: Exception) -> Response:
    return answer(request, 500)
