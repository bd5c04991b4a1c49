"""Is everything up? For load balancers, for the demo's start, for people at a terminal."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from clinician_api.session import now, pool
from storage import operations

router = APIRouter()


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Answer 200 with one word per service, or 503 while one of them is missing."""
    try:
        async with pool(request).connection(timeout=2) as conn:
            services = await operations.health(conn, now=now(request))
    except Exception:
        services = {"postgresql": "missing"}
    missing = sorted(name for name, state in services.items() if state != "ok")
    body: dict[str, object] = {"status": "missing" if missing else "ok", "services": services}
    if missing:
        body["missing"] = missing
    return JSONResponse(body, status_code=503 if missing else 200)
