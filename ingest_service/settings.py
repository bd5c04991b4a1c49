"""Ingest's settings, read once at the start and checked there."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wire.topics import Channel, any_gateway

SESSION_DAYS = 30
"""How long the broker keeps what has come while ingest was away."""


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How ingest reaches database and broker, and which messages are its own.

    `client_id` names the broker's session: fixed, and of one running process only. `mqtt_username` is the
    broker's account. `filters` are the topics that this worker owns; several workers share the gateways by
    having different ones.
    """

    dsn: str = field(repr=False)
    mqtt_host: str = "localhost"
    mqtt_port: int = 1883
    mqtt_username: str = "ingest"
    mqtt_password: str | None = field(default=None, repr=False)
    client_id: str = "ingest-1"
    tls: ssl.SSLContext | None = None
    filters: tuple[str, ...] = (any_gateway(Channel.READINGS), any_gateway(Channel.STATUS))
    beat_seconds: float = 2.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables. Raises SettingsError, one sentence for one fault."""
        return cls(
            dsn=database_from_env(environ),
            mqtt_host=environ.get("HEMKURVA_MQTT_HOST") or "localhost",
            mqtt_port=_port(environ),
            mqtt_username=environ.get("HEMKURVA_MQTT_USERNAME") or "ingest",
            mqtt_password=_password(environ),
            client_id=environ.get("HEMKURVA_INGEST_ID") or "ingest-1",
            tls=_tls(environ),
        )


def database_from_env(environ: Mapping[str, str]) -> str:
    """Return HEMKURVA_DSN. Raises SettingsError if it is not set."""
    dsn = environ.get("HEMKURVA_DSN", "").strip()
    if not dsn:
        raise SettingsError(
            "HEMKURVA_DSN is not set; write PostgreSQL's address into it, such as"
            " postgresql://hemkurva@localhost/hemkurva"
        )
    return dsn


def _port(environ: Mapping[str, str]) -> int:
    text = environ.get("HEMKURVA_MQTT_PORT") or ("8883" if environ.get("HEMKURVA_MQTT_CA") else "1883")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingsError(f"HEMKURVA_MQTT_PORT is {text!r}; it must be a number from 1 to 65535")
    return int(text)


def _password(environ: Mapping[str, str]) -> str | None:
    path = environ.get("HEMKURVA_MQTT_PASSWORD_FILE")
    if not path:
        return environ.get("HEMKURVA_MQTT_PASSWORD") or None
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"HEMKURVA_MQTT_PASSWORD_FILE: {error}; name a text file that can be read"
        ) from error


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext | None:
    authority = environ.get("HEMKURVA_MQTT_CA")
    certificate, key = environ.get("HEMKURVA_MQTT_CERT"), environ.get("HEMKURVA_MQTT_KEY")
    if bool(certificate) != bool(key):
        raise SettingsError("HEMKURVA_MQTT_CERT and HEMKURVA_MQTT_KEY belong together; set both or neither")
    if not authority:
        if certificate:
            raise SettingsError("HEMKURVA_MQTT_CA is not set; name the broker's authority in it")
        return None
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"HEMKURVA_MQTT_CA, HEMKURVA_MQTT_CERT or HEMKURVA_MQTT_KEY is unusable ({error});"
            " each must be a readable PEM file"
        ) from error
    return context
