"""Where the demo's notifications go: an SMTP server that keeps each message as a file."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

KEEP = 50


class Mailbox:
    """Keeps the newest messages in a directory, as .eml files named by their order."""

    def __init__(self, directory: Path) -> None:
        """Create the directory if need be."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep one message; the oldest beyond 50 go."""
        files = sorted(self._directory.glob("*.eml"))
        number = int(files[-1].stem) + 1 if files else 1
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        (self._directory / f"{number:06d}.eml").write_bytes(raw)
        for old in files[: max(0, len(files) + 1 - KEEP)]:
            old.unlink()
        return "250 Kept"


async def serve_mailbox(directory: Path, port: int, host: str = "127.0.0.1") -> asyncio.Server:
    """Listen on the loopback interface, or on that of `host`."""
    mailbox = Mailbox(directory)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: SMTP(mailbox, loop=loop), host, port)


def newest(directory: Path, count: int) -> list[dict[str, str]]:
    """Return the newest messages, newest first: to, subject, text."""
    found: list[dict[str, str]] = []
    for path in sorted(directory.glob("*.eml"), reverse=True)[:count]:
        message = message_from_bytes(path.read_bytes(), policy=default)
        body = message.get_body(("plain",))
        found.append(
            {
                "to": str(message["To"]),
                "subject": str(message["Subject"]),
                "text": body.get_content() if body else "",
            }
        )
    return found
