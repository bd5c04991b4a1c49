"""Notification by e-mail over SMTP (RFC 5321, RFC 5322)."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from alerts.notify.message import SUBJECT, Message, NotSent, body
from alerts.settings import SettingsError

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class EmailSettings:
    """HEMKURVA_SMTP_HOST, _PORT, _FROM, and for a server that asks for them _STARTTLS=1, _USER, _PASSWORD.

    Without a host nothing can be sent: notifications wait and say so.
    """

    host: str | None
    port: int
    from_address: str
    starttls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> EmailSettings:
        """Read the settings. Raises SettingsError for a port or address that cannot be one."""
        port = environ.get("HEMKURVA_SMTP_PORT") or "25"
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise SettingsError(f"HEMKURVA_SMTP_PORT is {port!r}; it must be a number from 1 to 65535")
        sender = environ.get("HEMKURVA_SMTP_FROM") or "hemkurva@localhost"
        if "@" not in parseaddr(sender)[1]:
            raise SettingsError(
                f"HEMKURVA_SMTP_FROM is {sender!r}; it must be an address such as a@b.example"
            )
        return cls(
            host=environ.get("HEMKURVA_SMTP_HOST") or None,
            port=int(port),
            from_address=sender,
            starttls=environ.get("HEMKURVA_SMTP_STARTTLS") == "1",
            user=environ.get("HEMKURVA_SMTP_USER") or None,
            password=environ.get("HEMKURVA_SMTP_PASSWORD") or None,
        )


def sender(environ: Mapping[str, str]) -> Callable[[Message], Awaitable[None]]:
    """Return the send function. Raises SettingsError."""
    settings = EmailSettings.from_env(environ)

    async def send(message: Message) -> None:
        await _in_thread(lambda: deliver(settings, message))

    return send


def compose(settings: EmailSettings, message: Message) -> EmailMessage:
    """Return the mail. Its Message-ID is the notification's, so that a second delivery is seen to be one."""
    mail = EmailMessage()
    domain = parseaddr(settings.from_address)[1].rpartition("@")[2]
    mail["Message-ID"] = f"<{message.notification_id}@{domain}>"
    mail["Date"] = format_datetime(message.created_at)
    mail["From"] = settings.from_address
    mail["To"] = message.address
    mail["Subject"] = SUBJECT[message.reason]
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(body(message))
    return mail


def deliver(settings: EmailSettings, message: Message) -> None:
    """Hand the mail to the server. Raises NotSent."""
    if settings.host is None:
        raise NotSent("e-mail is not set up: write the SMTP server into HEMKURVA_SMTP_HOST")
    try:
        mail = compose(settings, message)
        with smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_SECONDS) as server:
            if settings.starttls:
                server.starttls(context=ssl.create_default_context())
            if settings.user and settings.password:
                server.login(settings.user, settings.password)
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent("the mail server refuses the recipient") from error
    except (smtplib.SMTPException, MessageError, OSError, ValueError) as error:
        raise NotSent(f"{type(error).__name__} from {settings.host}:{settings.port}") from error


async def _in_thread(work: Callable[[], None]) -> None:
    """Await work that blocks. The thread is a daemon: a hanging mail server does not hold up the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failure: Exception | None = None
        try:
            work()
        except Exception as error:  # whatever it is belongs to the one who awaits it
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=run, daemon=True, name="smtp").start()
    await done
