"""The operator: services, gateways, devices, quarantine. No patient appears here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from clinician_api.errors import NotFound
from clinician_api.session import Operations, Operator, now, pool
from clinician_api.templating import render
from storage import heartbeat, operations, quarantine
from storage.access import acting
from storage.bindings import unassigned
from storage.operations import GatewayRow
from wire.messages import Status

router = APIRouter(include_in_schema=False)

CLOCK_TOLERANCE = timedelta(minutes=2)
LOW_BATTERY = 20
MOST_BYTES = 4096


@router.get("/operations")
async def operations_page(request: Request, person: Operations) -> Response:
    """Show services, gateways and what waits for somebody."""
    at = now(request)
    async with acting(pool(request), person.account_id, action="operations", patient_ids=[]) as conn:
        context: dict[str, Any] = {
            "services": [
                {"beat": beat, "fresh": at - beat.at < operations.FRESH}
                for beat in await heartbeat.services(conn)
            ],
            "gateways": sorted(
                (gateway_view(row, at) for row in await operations.gateways(conn)), key=by_need
            ),
            "notifications": await operations.notifications(conn),
            "unreachable": await operations.units_without_recipient(conn),
            "quarantine": await quarantine.counts(conn),
            "waiting": await unassigned(conn),
            "low": LOW_BATTERY,
        }
    return render(request, "operator/operations.html", context)


def gateway_view(row: GatewayRow, now: datetime) -> dict[str, Any]:
    """Return a gateway as the page shows it: its status decoded, and whether it is silent."""
    status: Status | None = None
    if row.status:
        try:
            status = msgspec.convert(row.status, Status, strict=False)
        except msgspec.ValidationError:
            status = None  # an older gateway's words; that it spoke is known all the same
    heard = row.received_at is not None and now - row.received_at < operations.HEARD
    return {
        "row": row,
        "status": status,
        "silent": not (heard and row.online),
        "clock_off": clock_off(row, status),
    }


def clock_off(row: GatewayRow, status: Status | None) -> int | None:
    """Return the seconds by which a gateway's clock is off, behind if negative; None within CLOCK_TOLERANCE.

    A box without a battery for its clock starts in the past until it has found a time server, and files
    readings there. A status is not kept by the gateway while it is offline, so that its age is the clock's.
    """
    if status is None or status.sent_at is None or row.received_at is None:
        return None
    off = status.sent_at - row.received_at
    return None if abs(off) <= CLOCK_TOLERANCE else round(off.total_seconds())


def by_need(view: dict[str, Any]) -> tuple[bool, bool, str]:
    """Return the key that puts silent gateways first and keeps the others in a steady order."""
    row: GatewayRow = view["row"]
    return row.revoked_at is not None, not view["silent"], row.label


@router.get("/quarantine")
async def quarantine_list(request: Request, person: Operator) -> Response:
    """List what could not be used, newest first, with its reason."""
    async with acting(pool(request), person.account_id, action="quarantine", patient_ids=[]) as conn:
        entries = await quarantine.entries(conn)
    return render(request, "operator/quarantine.html", {"entries": entries})


@router.get("/quarantine/{number}")
async def quarantine_entry(request: Request, person: Operator, number: int) -> Response:
    """Show one entry with its bytes, as text and in hexadecimal."""
    async with acting(pool(request), person.account_id, action="quarantine", patient_ids=[]) as conn:
        try:
            entry, raw = await quarantine.show(conn, number)
        except quarantine.NoSuchEntry:
            raise NotFound from None
    shown = raw[:MOST_BYTES]
    context = {
        "entry": entry,
        "text": readable(shown),
        "dump": hex_dump(shown),
        "cut": len(raw) > MOST_BYTES,
        "most": MOST_BYTES,
    }
    return render(request, "operator/quarantine_entry.html", context)


@router.post("/quarantine/{number}/discard")
async def discard(request: Request, person: Operator, number: int) -> Response:
    """Take an entry off the list; its bytes are kept."""
    async with acting(pool(request), person.account_id, action="quarantine", patient_ids=[]) as conn:
        try:
            await quarantine.discard(conn, number)
        except quarantine.NoSuchEntry:
            raise NotFound from None
    return RedirectResponse("/quarantine", status_code=303)


def readable(raw: bytes) -> str:
    """Return bytes as text, with a mark for what is no printable character."""
    text = raw.decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def hex_dump(raw: bytes) -> str:
    """Return bytes in lines of sixteen: offset, hexadecimal, printable ASCII."""
    lines: list[str] = []
    for start in range(0, len(raw), 16):
        part = raw[start : start + 16]
        ascii_text = "".join(chr(b) if 32 <= b < 127 else "." for b in part)
        lines.append(f"{start:06x}  {part.hex(' '):<47}  {ascii_text}")
    return "\n".join(lines)
