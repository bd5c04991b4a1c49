"""A server's side of the wire, which does with batches what a test tells it to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self
from uuid import UUID

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from wire.codec import decode, decode_batch, digest, encode
from wire.messages import Config, Receipt, Status
from wire.topics import Channel, any_gateway, parse, topic

Answer = Callable[[bytes], Receipt | None]


def accept(payload: bytes) -> Receipt:
    """Accept all readings."""
    readings, _ = decode_batch(payload)
    return Receipt(schema=1, batch=digest(payload), accepted=[one.reading_id for one in readings])


def ignore(payload: bytes) -> None:
    """Lose the message, or the receipt: the gateway cannot tell."""


class Server:
    """Subscribes to all gateways, keeps what comes, and answers."""

    def __init__(self, broker: EmbeddedMosquitto, password: str, answer: Answer = accept) -> None:
        """Prepare; `start` connects."""
        self.answer = answer
        self.batches: list[bytes] = []
        self.statuses: list[Status] = []
        self.arrived: list[float] = []
        self._broker = broker
        self._subscribed = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="ingest", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.username_pw_set("ingest", password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)

    def __enter__(self) -> Self:
        """Connect and subscribe."""
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        deadline = time.monotonic() + 5
        while not self._subscribed:
            assert time.monotonic() < deadline, "the server could not subscribe"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def reading_ids(self) -> list[UUID]:
        """All readings in order of arrival, repeated ones too."""
        return [one.reading_id for one in self.readings]

    @property
    def readings(self) -> list[Any]:
        """All readings in order of arrival, repeated ones too."""
        return [one for payload in list(self.batches) for one in decode_batch(payload)[0]]

    def configure(self, gateway_id: str, config: Config) -> None:
        """Send a configuration."""
        self.publish_raw(gateway_id, Channel.CONFIG, encode(config))

    def publish_receipt(self, gateway_id: str, receipt: Receipt) -> None:
        """Send a receipt out of turn, and wait until the broker has it."""
        self.publish_raw(gateway_id, Channel.RECEIPTS, encode(receipt))

    def publish_raw(self, gateway_id: str, channel: str, payload: bytes) -> None:
        """Send any bytes, and wait until the broker has them."""
        self._client.publish(topic(gateway_id, Channel(channel)), payload, qos=1).wait_for_publish(5)

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(any_gateway(Channel.READINGS), 1), (any_gateway(Channel.STATUS), 1)])

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed = True

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        gateway_id, channel = parse(message.topic)
        if channel is Channel.STATUS:
            self.statuses.append(decode(message.payload, Status))
            return
        self.arrived.append(time.monotonic())
        self.batches.append(message.payload)
        receipt = self.answer(message.payload)
        if receipt is not None:
            client.publish(topic(gateway_id, Channel.RECEIPTS), encode(receipt), qos=1)


async def until(condition: Callable[[], object], within: float = 5.0) -> None:
    """Wait for a condition, looking often. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - it is SQLite or another thread that changes it
            await asyncio.sleep(0.005)
