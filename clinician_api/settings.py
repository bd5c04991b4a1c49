"""Settings of the web service, read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

ROOM = Path(__file__).parent


class SettingsError(Exception):
    """A setting is missing or cannot be used. The message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What differs between a demo on a laptop and a production.

    `public_url` is the address that people type; its scheme decides whether cookies need TLS. `demo` allows
    the demo logins. `idle` and `absolute` limit a session (SOSFS/HSLF-FS 2016:40 leave the figures to the
    care provider; ours are a working day and a break).
    """

    dsn: str
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    demo: bool = False
    secure_cookie: bool = False
    idle: timedelta = timedelta(minutes=60)
    absolute: timedelta = timedelta(hours=12)
    assets: Path = ROOM / "static" / "dist"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings that HEMKURVA_* variables give. Raises SettingsError."""
        dsn = environ.get("HEMKURVA_DSN")
        if not dsn:
            raise SettingsError("set HEMKURVA_DSN to the PostgreSQL connection string")
        port = _port(environ.get("HEMKURVA_HTTP_PORT", "8080"))
        host = environ.get("HEMKURVA_HTTP_HOST", "127.0.0.1")
        public_url = environ.get("HEMKURVA_PUBLIC_URL", f"http://{host}:{port}").rstrip("/")
        demo = environ.get("HEMKURVA_DEMO", "0") == "1"
        return cls(
            dsn=dsn,
            host=host,
            port=port,
            public_url=public_url,
            demo=demo,
            secure_cookie=_secure(public_url, demo=demo),
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise SettingsError(f"HEMKURVA_HTTP_PORT is {text!r}: give a port number, 0-65535")
    return int(text)


def _secure(public_url: str, *, demo: bool) -> bool:
    """Say whether cookies are for TLS only. Raises SettingsError for a production without TLS."""
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(f"HEMKURVA_PUBLIC_URL is {public_url!r}: give an address like https://host")
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme == "http" and not (demo or loopback):
        raise SettingsError(
            f"HEMKURVA_PUBLIC_URL is {public_url!r}: outside this machine sign-in needs an https address"
        )
    return parts.scheme == "https"
