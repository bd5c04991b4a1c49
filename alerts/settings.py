"""The settings of the alerts service, read once at the start and checked there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the service reaches the database, and how often it looks for silence, in seconds.

    `settle_seconds` is how long nothing counts as missing after a start, or while readings still arrive.
    `environ` is handed to the notifiers, each of which reads its own settings from it.
    """

    dsn: str = field(repr=False)
    public_url: str = "http://localhost:8000"
    sweep_seconds: float = 30.0
    gateway_silent_seconds: float = 300.0
    settle_seconds: float = 120.0
    poll_seconds: float = 1.0
    beat_seconds: float = 2.0
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables. Raises SettingsError, one sentence for one fault."""
        dsn = environ.get("HEMKURVA_DSN", "").strip()
        if not dsn:
            raise SettingsError(
                "HEMKURVA_DSN is not set; write PostgreSQL's address into it, such as"
                " postgresql://hemkurva@localhost/hemkurva"
            )
        return cls(
            dsn=dsn,
            public_url=environ.get("HEMKURVA_PUBLIC_URL") or cls.public_url,
            sweep_seconds=seconds(environ, "HEMKURVA_SWEEP_SECONDS", cls.sweep_seconds),
            gateway_silent_seconds=seconds(
                environ, "HEMKURVA_GATEWAY_SILENT_SECONDS", cls.gateway_silent_seconds
            ),
            settle_seconds=seconds(environ, "HEMKURVA_SETTLE_SECONDS", cls.settle_seconds),
            environ=dict(environ),
        )


def seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    """Return a setting of 0.1 to 86,400 seconds. Raises SettingsError."""
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 86_400:
        raise SettingsError(f"{name} is {text!r}; it must be a number of seconds from 0.1 to 86400")
    return value
