"""A gateway's side of the wire: it sends bytes, good or bad, and collects receipts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from wire.codec import decode, digest, encode_reading, join_batch
from wire.messages import Receipt
from wire.reading import Reading
from wire.topics import ROOT, Channel, topic


def eventually(condition: Callable[[], bool], seconds: float, say: Callable[[], str]) -> None:
    """Return once the condition holds. Raises AssertionError with what `say` says after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, say()
        time.sleep(0.01)


def batch(*readings: Reading) -> bytes:
    """Return the message of these readings."""
    return join_batch([encode_reading(reading) for reading in readings])


class Gateway:
    """Use it in a `with` block."""

    def __init__(self, port: int, gateway_id: str, password: str) -> None:
        """Prepare; the block connects."""
        self.gateway_id = gateway_id
        self.receipts: dict[str, list[Receipt]] = {}
        self._port = port
        self._subscribed = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=gateway_id, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.max_inflight_messages_set(1000)
        self._client.username_pw_set(gateway_id, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connect and subscribe to receipts."""
        self._client.connect("127.0.0.1", self._port, clean_start=True)
        self._client.loop_start()
        eventually(lambda: self._subscribed, 5, lambda: "the gateway could not subscribe")
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, payload: bytes, channel: str = Channel.READINGS) -> str:
        """Publish and return the name by which a receipt refers to it."""
        self._client.publish(f"{ROOT}/{self.gateway_id}/{channel}", payload, qos=1)
        return digest(payload)

    def receipt(self, name: str, seconds: float = 10) -> Receipt:
        """Return the first receipt for a message."""
        eventually(lambda: name in self.receipts, seconds, lambda: "no receipt")
        return self.receipts[name][0]

    def ask(self, payload: bytes) -> Receipt:
        """Send a message and return its receipt."""
        return self.receipt(self.send(payload))

    def insist(self, payloads: Iterable[bytes], *, every: float, seconds: float) -> None:
        """Send each message again and again until it has a receipt, as a gateway's outbox does."""
        waiting = {digest(payload): payload for payload in payloads}
        end = time.monotonic() + seconds
        while waiting := {name: payload for name, payload in waiting.items() if name not in self.receipts}:
            assert time.monotonic() < end, f"{len(waiting)} messages without a receipt"
            for payload in waiting.values():
                self.send(payload)
            pause = time.monotonic() + every
            while time.monotonic() < pause and not all(name in self.receipts for name in waiting):
                time.sleep(0.01)

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(topic(self.gateway_id, Channel.RECEIPTS), 1)

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        receipt = decode(bytes(message.payload), Receipt)
        self.receipts.setdefault(receipt.batch, []).append(receipt)
