"""The stream of server-sent events that keeps open pages fresh."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from clinician_api.live import event_stream
from clinician_api.session import Anyone, resumed

router = APIRouter()


@router.get("/events", include_in_schema=False)
async def events(request: Request, person: Anyone) -> StreamingResponse:
    """Tell a signed-in page when it should ask again. Carries no data about anybody."""
    del person  # only that somebody is signed in matters

    async def still_signed_in() -> bool:
        return await resumed(request, by_hand=False) is not None

    return StreamingResponse(
        event_stream(request.app.state.hub, still_signed_in),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
