"""Notifiers: one file and one line in the registry each. What they send names nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from alerts.notify import email
from alerts.notify.message import Message

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Returns when the message is on its way; raises message.NotSent when it has to be tried again."""

REGISTRY: dict[str, Callable[[Mapping[str, str]], Send]] = {
    "email": email.sender,
}
"""By channel: makes the send function from the environment's settings. Raises SettingsError."""


def senders(environ: Mapping[str, str]) -> dict[str, Send]:
    """Return the send function of every channel. Raises SettingsError for settings that cannot work."""
    return {channel: make(environ) for channel, make in REGISTRY.items()}
