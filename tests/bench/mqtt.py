"""Many gateways in one thread: MQTT 5 by hand, for a client library would cost more than what is measured."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable

_RECEIVED = 0x30


def _packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def connect_packet(name: str, password: str) -> bytes:
    """Clean start, user name and password, 300 s of keep-alive."""
    head = _text("MQTT") + bytes([5, 0b1100_0010]) + struct.pack("!H", 300) + b"\0"
    return _packet(0x10, head + _text(name) + _text(name) + _text(password))


def subscribe_packet(topic: str) -> bytes:
    """QoS 1."""
    return _packet(0x82, b"\0\1\0" + _text(topic) + b"\1")


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack("!H", packet_id) + b"\0" + payload)


class Line:
    """One gateway's connection."""

    def __init__(self, port: int, name: str, password: str) -> None:
        """Connect and subscribe to receipts; wait for both answers."""
        self.name = name
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.outgoing = bytearray()
        self._incoming = bytearray()
        self._packet_id = 0
        self.socket.sendall(connect_packet(name, password) + subscribe_packet(f"hemkurva/v1/{name}/receipts"))
        kinds: list[int] = []
        while len(kinds) < 2:
            kinds += [kind for kind, _ in self._packets(self.socket.recv(4096))]
        assert kinds == [0x20, 0x90], f"{name} was not let in"
        self.socket.setblocking(False)

    def queue(self, payload: bytes) -> None:
        """Put a batch of readings in line."""
        self._packet_id = self._packet_id % 65535 + 1
        self.outgoing += publish_packet(f"hemkurva/v1/{self.name}/readings", payload, self._packet_id)

    def write(self) -> None:
        """Send what the socket takes."""
        try:
            sent = self.socket.send(self.outgoing)
        except BlockingIOError:
            return
        del self.outgoing[:sent]

    def read(self) -> list[bytes]:
        """Return the receipts that have come, and acknowledge them."""
        receipts: list[bytes] = []
        for kind, body in self._packets(self.socket.recv(262144)):
            if kind & 0xF0 != _RECEIVED:
                continue
            (length,) = struct.unpack_from("!H", body)
            at = 2 + length
            if kind & 0x06:
                self.outgoing += b"\x40\x02" + body[at : at + 2]
                at += 2
            receipts.append(body[at + 1 + body[at] :])
        return receipts

    def _packets(self, data: bytes) -> list[tuple[int, bytes]]:
        assert data, "the broker closed the connection"
        self._incoming += data
        found: list[tuple[int, bytes]] = []
        start = 0
        while (end := self._end(start)) is not None:
            body, end = end
            found.append((self._incoming[start], bytes(self._incoming[body:end])))
            start = end
        del self._incoming[:start]
        return found

    def _end(self, start: int) -> tuple[int, int] | None:
        """Return where the body of the packet begins and ends, or None if it is not here yet."""
        length = 0
        for place in range(4):
            at = start + 1 + place
            if at >= len(self._incoming):
                return None
            length |= (self._incoming[at] & 0x7F) << (7 * place)
            if self._incoming[at] < 0x80:
                return (at + 1, at + 1 + length) if at + 1 + length <= len(self._incoming) else None
        raise AssertionError("not MQTT")


class Fleet:
    """All gateways together."""

    def __init__(self, lines: list[Line]) -> None:
        """Watch all of them."""
        self.lines = lines
        self._poll = select.epoll()
        self._by_number = {line.socket.fileno(): line for line in lines}
        for number in self._by_number:
            self._poll.register(number, select.EPOLLIN)

    def run(self, done: Callable[[], bool], on_receipt: Callable[[bytes, float], None], until: float) -> None:
        """Send and receive until `done`, or until that moment of time.monotonic()."""
        while not done() and (left := until - time.monotonic()) > 0:
            for line in self.lines:
                if line.outgoing:
                    line.write()
            for number, _ in self._poll.poll(min(left, 0.002)):
                now = time.time()
                for receipt in self._by_number[number].read():
                    on_receipt(receipt, now)

    def close(self) -> None:
        """Hang up."""
        for line in self.lines:
            line.socket.close()
        self._poll.close()
