"""The gateway's settings, read once at the start and checked there."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wire.topics import Channel, TopicError, topic

DEFAULT_DATA_DIR = Path("/var/lib/hemkurva-gateway")
OUTBOX_FILE = "outbox.sqlite"


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files in PEM: the authority that signed the broker, and this gateway's own certificate and key."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return a context that verifies the broker's name. Raises SettingsError for unusable files."""
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"HEMKURVA_MQTT_CA, HEMKURVA_MQTT_CERT or HEMKURVA_MQTT_KEY is unusable ({error});"
                " each must be a readable PEM file"
            ) from error
        return context


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Who this gateway is, where it keeps its outbox, and how it reaches the broker.

    `zone` is the one that the devices' wall clocks show. `status_interval` in seconds, until the server's
    configuration says otherwise.
    """

    gateway_id: str
    data_dir: Path
    mqtt_host: str = "localhost"
    mqtt_port: int = 1883
    mqtt_password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    zone: str = "Europe/Stockholm"
    status_interval: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what cannot work. Raises SettingsError."""
        try:
            topic(self.gateway_id, Channel.READINGS)
        except TopicError as error:
            raise SettingsError(f"HEMKURVA_GATEWAY_ID: {error}") from error
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingsError(
                f"HEMKURVA_ZONE: {self.zone!r} is not a known time zone, write one like Europe/Stockholm"
            ) from error

    @property
    def outbox_path(self) -> Path:
        """Where the outbox is."""
        return self.data_dir / OUTBOX_FILE

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables. Raises SettingsError, one sentence for one fault."""
        return cls(
            gateway_id=_required(environ, "HEMKURVA_GATEWAY_ID", "this gateway's id, such as gw-0001"),
            data_dir=data_dir(environ),
            mqtt_host=_required(environ, "HEMKURVA_MQTT_HOST", "the broker's host name"),
            mqtt_port=_port(environ),
            mqtt_password=_password(environ),
            tls=_tls(environ),
            zone=environ.get("HEMKURVA_ZONE") or "Europe/Stockholm",
        )


def data_dir(environ: Mapping[str, str]) -> Path:
    """Return the folder that HEMKURVA_GATEWAY_DATA names, or the default."""
    return Path(environ.get("HEMKURVA_GATEWAY_DATA") or DEFAULT_DATA_DIR)


def _required(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set; write {what} into it")
    return value


def _port(environ: Mapping[str, str]) -> int:
    default = "8883" if environ.get("HEMKURVA_MQTT_CA") else "1883"
    text = environ.get("HEMKURVA_MQTT_PORT") or default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingsError(f"HEMKURVA_MQTT_PORT is {text!r}; it must be a number from 1 to 65535")
    return int(text)


def _password(environ: Mapping[str, str]) -> str | None:
    path = environ.get("HEMKURVA_MQTT_PASSWORD_FILE")
    if not path:
        return environ.get("HEMKURVA_MQTT_PASSWORD") or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"HEMKURVA_MQTT_PASSWORD_FILE: {error}; name a text file that the gateway's user can read"
        ) from error


def _tls(environ: Mapping[str, str]) -> Tls | None:
    files = {
        name: _file(environ, variable)
        for name, variable in (
            ("ca", "HEMKURVA_MQTT_CA"),
            ("cert", "HEMKURVA_MQTT_CERT"),
            ("key", "HEMKURVA_MQTT_KEY"),
        )
    }
    if (files["cert"] is None) != (files["key"] is None):
        raise SettingsError("HEMKURVA_MQTT_CERT and HEMKURVA_MQTT_KEY belong together; set both or neither")
    ca = files["ca"]
    if ca is None:
        if files["cert"] is not None:
            raise SettingsError("HEMKURVA_MQTT_CA is not set; name the broker's authority in it")
        return None
    tls = Tls(ca=ca, cert=files["cert"], key=files["key"])
    tls.context()
    return tls


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    if not value:
        return None
    path = Path(value)
    if not path.is_file():
        raise SettingsError(f"{name} names {value}, which is no file; write the path of a PEM file")
    return path
