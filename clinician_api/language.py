"""Which language a request gets: ?lang= (kept in a cookie), the cookie, or the browser's preference."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinician_api.i18n import LANGUAGES, choose, language

COOKIE = "hemkurva_lang"
YEAR = 365 * 24 * 3600


class ChooseLanguage:
    """Puts a clinician_api.i18n.Language into request.state.language."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        wanted = request.query_params.get("lang")
        code = choose(wanted, request.cookies.get(COOKIE), request.headers.get("accept-language"))
        request.state.language = language(code)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("content-language", code)
                if wanted in LANGUAGES:
                    cookie = f"{COOKIE}={code}; Path=/; Max-Age={YEAR}; SameSite=Lax"
                    headers.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)
