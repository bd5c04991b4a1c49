"""What every answer carries and every change must prove: security headers and the same origin."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # the design system's icons are SVG in the style sheet
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Adds the headers to each answer and refuses a change that comes from another site.

    A cookie alone proves nothing, so that each unsafe request must also come from our own origin: the
    browser's Origin header, or Sec-Fetch-Site where a browser leaves Origin out. A program names the address
    that it calls in Origin.
    """

    def __init__(self, app: ASGIApp, public_url: str, *, secure: bool) -> None:
        """Guard `app`, which people reach at `public_url`; `secure` adds strict transport security."""
        self._app = app
        self._public = urlsplit(public_url)
        self._headers = dict(HEADERS)
        if secure:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = self._with_headers(send, scope["path"])
        if scope["method"] not in SAFE_METHODS and not self.same_origin(Headers(scope=scope)):
            refusal = PlainTextResponse(
                "This request did not come from Hemkurva's own pages: reload the page and try again.", 403
            )
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def same_origin(self, headers: Headers) -> bool:
        """Say whether a request's headers show that one of our own pages sent it."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "same-origin"
        parts = urlsplit(origin)
        return parts.scheme == self._public.scheme and parts.netloc in (
            self._public.netloc,
            headers.get("host"),
        )

    def _with_headers(self, send: Send, path: str) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                cached = path.startswith("/static/") and message["status"] == 200
                headers.setdefault(
                    "cache-control", "public, max-age=31536000, immutable" if cached else "no-store"
                )
            await send(message)

        return send_with_headers
