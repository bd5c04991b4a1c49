"""Sending what waits: at least once, with backoff, each failure noted beside the notification."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import cast

from alerts.notify import Send
from alerts.notify.message import Message, NotSent, Reason
from storage import notifications as store
from storage.database import Connection
from storage.notifications import Waiting

AT_ONCE = 5
LEASE = timedelta(seconds=60)
"""Longer than any notifier takes to give up; who dies holding it delays a notification by this."""
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=5)

log = logging.getLogger(__name__)


def retry_after(attempts: int) -> timedelta:
    """Return how long to wait after the attempt number `attempts`: 2 s, 4 s, 8 s ... at most 5 minutes."""
    return min(FIRST_RETRY * 2 ** min(attempts - 1, 20), LONGEST_RETRY)


async def send_waiting(
    conn: Connection, senders: Mapping[str, Send], url: str, now: Callable[[], datetime]
) -> int:
    """Send some of the notifications that are due; return how many were taken up."""
    started = now()
    taken = await store.lease(conn, now=started, until=started + LEASE, limit=AT_ONCE)
    outcomes = await asyncio.gather(*(_try(waiting, senders, url, started) for waiting in taken))
    for waiting, error in zip(taken, outcomes, strict=True):
        if error is None:
            await store.mark_sent(conn, waiting, now())
        else:
            log.warning("notification %s is not sent: %s", waiting.notification_id, error)
            await store.mark_failed(conn, waiting, error, now() + retry_after(waiting.attempts))
    return len(taken)


async def _try(waiting: Waiting, senders: Mapping[str, Send], url: str, now: datetime) -> str | None:
    """Return why a notification could not be sent; None when it was."""
    send = senders.get(waiting.channel)
    if send is None:
        return f"there is no notifier for {waiting.channel}"
    reason = cast(Reason, waiting.reason)  # the table's check holds it
    try:
        await send(Message(waiting.notification_id, waiting.address, reason, url, now))
    except NotSent as error:
        return str(error)
    except Exception as error:  # one notifier's fault must not stop the others
        log.exception("the notifier for %s failed", waiting.channel)
        return type(error).__name__
    return None
