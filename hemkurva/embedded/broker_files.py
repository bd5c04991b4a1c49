"""What Mosquitto reads: configuration, passwords, access list. Pure text, the same for demo and compose.

Directives are those of mosquitto.conf(5) that mean the same in 2.0 and 2.1.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template

from wire.topics import GATEWAY_ID, ROOT, Channel, any_gateway

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "mosquitto" / "mosquitto.conf.template"
INGEST = "ingest"
"""Name, and first part of the names, of the server's accounts: `ingest`, `ingest-2`."""
PROBE = "probe"
"""The account that asks whether the broker has read its files; it may do nothing else."""
UP = (Channel.READINGS, Channel.STATUS)
DOWN = (Channel.RECEIPTS, Channel.CONFIG)

_SERVER_NAME = re.compile(rf"{INGEST}(-[a-z0-9]+)*")
_ITERATIONS = 1000
"""Enough for passwords of 192 random bits, and short enough for many gateways that reconnect at once."""


def render_config(template: str, settings: Mapping[str, str]) -> str:
    """Return the configuration. Raises KeyError for a placeholder without a setting."""
    return Template(template).substitute(settings)


def password_line(name: str, password: str, salt: bytes) -> str:
    """Return a line of the password file in Mosquitto's format 7: PBKDF2 (RFC 8018) with HMAC-SHA-512.

    `salt` has 12 bytes: Mosquitto before 2.0.19 refuses any other length.
    """
    if len(salt) != 12:
        raise ValueError("Mosquitto wants a salt of 12 bytes")
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"{name}:$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def access_list(server_names: Iterable[str]) -> str:
    """Return the access list: a gateway on its own branch, the server on all, nobody else anywhere.

    What is not listed is denied. Mosquitto puts the authenticated user's name for %u.
    """
    lines = [f"pattern write {ROOT}/%u/{channel}" for channel in UP]
    lines += [f"pattern read {ROOT}/%u/{channel}" for channel in DOWN]
    for name in server_names:
        lines += ["", f"user {check_server_name(name)}"]
        lines += [f"topic read {any_gateway(channel)}" for channel in UP]
        lines += [f"topic write {any_gateway(channel)}" for channel in DOWN]
    return "\n".join(lines) + "\n"


def check_gateway_name(name: str) -> str:
    """Return the name of a gateway's account. Raises ValueError if it is no gateway id or is one of ours."""
    if not GATEWAY_ID.fullmatch(name) or name == PROBE or is_server(name):
        raise ValueError(
            f"{name!r} cannot be a gateway id: 3-63 of a-z, 0-9 and '-', and not one of the server's"
        )
    return name


def is_server(name: str) -> bool:
    """Say whether an account of that name is the server's: `ingest` or `ingest-...`."""
    return _SERVER_NAME.fullmatch(name) is not None


def check_server_name(name: str) -> str:
    """Return the name of a server's account. Raises ValueError unless it is `ingest` or `ingest-...`."""
    if not is_server(name):
        raise ValueError(
            f"{name!r} cannot be a server's account: it must be {INGEST} or start with {INGEST}-"
        )
    return name


def files(
    passwords: Mapping[str, str], settings: Mapping[str, str], salt: Callable[[], bytes]
) -> dict[str, str]:
    """Return everything a broker reads, text by file name: for a broker that somebody else starts.

    `passwords` by account; `settings` are the template's; `salt` returns 12 random bytes at each call.
    """
    for name in passwords:
        check_server_name(name) if is_server(name) else check_gateway_name(name)
    lines = [password_line(name, password, salt()) for name, password in passwords.items()]
    return {
        "mosquitto.conf": render_config(TEMPLATE.read_text(), settings),
        "access": access_list(name for name in passwords if is_server(name)),
        "passwords": "\n".join(lines) + "\n",
    }
