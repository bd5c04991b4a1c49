"""What a notification may say: that there is a case, and where to sign in. Nothing else (HSLF-FS 2016:40)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Reason = Literal["opened", "worsened", "escalated"]


class NotSent(Exception):
    """The message could not be handed over; the text says why and holds no address."""


@dataclass(frozen=True, slots=True)
class Message:
    """A notification to one address. `url` is the service's front page: it names no case and nobody."""

    notification_id: UUID
    address: str
    reason: Reason
    url: str
    created_at: datetime


SUBJECT: dict[Reason, str] = {
    "opened": "Hemkurva: du har ett ärende att kvittera / a case to acknowledge",
    "worsened": "Hemkurva: ett ärende har blivit mer brådskande / a case is more urgent",
    "escalated": "Hemkurva: ett ärende har gått över till dig / a case was passed on to you",
}
_FIRST_SV: dict[Reason, str] = {
    "opened": "Du har ett ärende att kvittera i Hemkurva.",
    "worsened": "Ett ärende i Hemkurva har blivit mer brådskande eller återkommit, och väntar på att du"
    " kvitterar.",
    "escalated": "Ett ärende i Hemkurva har inte kvitterats i tid, eller så har ingen kontakt tagits i tid."
    " Det har gått över till dig.",
}
_FIRST_EN: dict[Reason, str] = {
    "opened": "You have a case to acknowledge in Hemkurva.",
    "worsened": "A case in Hemkurva has become more urgent or has come back, and waits for you to acknowledge"
    " it.",
    "escalated": "A case in Hemkurva was not acknowledged in time, or nobody was contacted in time."
    " It was passed on to you.",
}


def body(message: Message) -> str:
    """Return the text, Swedish first."""
    return (
        f"{_FIRST_SV[message.reason]}\nLogga in: {message.url}\n\n"
        f"{_FIRST_EN[message.reason]}\nSign in: {message.url}\n"
    )
