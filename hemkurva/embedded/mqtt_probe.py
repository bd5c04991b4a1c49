"""The smallest MQTT client: may this account come in? MQTT 3.1.1, sections 3.1 and 3.2."""

from __future__ import annotations

import socket

_CLEAN_SESSION_USER_PASSWORD = 0b1100_0010


def accepted(host: str, port: int, username: str, password: str, timeout: float = 2.0) -> bool:
    """Connect, leave at once, and say whether the broker accepted the account. Times in seconds.

    It starts a clean session, which discards one that the account may have: use an account made for this.
    """
    try:
        with socket.create_connection((host, port), timeout=timeout) as link:
            link.sendall(connect_packet(username, password))
            answer = link.recv(4)
            link.sendall(b"\xe0\x00")
    except OSError:
        return False
    return len(answer) == 4 and answer[0] == 0x20 and answer[3] == 0


def connect_packet(username: str, password: str) -> bytes:
    """Return the CONNECT packet, with the user name as client id and 10 s of keep-alive."""
    head = _text("MQTT") + bytes([4, _CLEAN_SESSION_USER_PASSWORD, 0, 10])
    body = head + _text(username) + _text(username) + _text(password)
    if len(body) > 127:
        raise ValueError("the account's name and password must fit one length byte")
    return bytes([0x10, len(body)]) + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded
