"""An MQTT 5 client for tests that watches what the broker says, step by step, without threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hemkurva.embedded.mosquitto import EmbeddedMosquitto


def until(condition: Callable[[], bool], step: Callable[[], object], seconds: float = 5.0) -> None:
    """Call `step` until the condition holds. Raises TimeoutError after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        step()


class Peer:
    """One connection with one account. `reasons` names the broker's answers by what was asked."""

    def __init__(
        self,
        broker: EmbeddedMosquitto,
        name: str,
        password: str | None,
        *,
        client_id: str | None = None,
        clean_start: bool = True,
        expiry: int = 0,
    ) -> None:
        """Connect, with a session that expires after `expiry` seconds.

        Raises ConnectionRefusedError with the broker's reason.
        """
        self.messages: list[tuple[str, bytes]] = []
        self.published: dict[int, str] = {}
        self.disconnected: str | None = None
        self._connected: str | None = None
        self._subscribed: list[str] | None = None
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or name or "nameless",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if password is not None:
            self._client.username_pw_set(name, password)
        self._set_callbacks()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = expiry
        self._client.connect(broker.host, broker.port, clean_start=clean_start, properties=properties)
        until(lambda: self._connected is not None, self.step)
        if self._connected != "Success":
            self.close()
            raise ConnectionRefusedError(self._connected)

    def _set_callbacks(self) -> None:
        def on_connect(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
            self._connected = str(reason)

        def on_disconnect(client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
            self.disconnected = str(reason)

        def on_message(client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
            self.messages.append((message.topic, message.payload))

        def on_publish(client: Any, data: Any, mid: int, reason: Any, properties: Any) -> None:
            self.published[mid] = str(reason)

        def on_subscribe(client: Any, data: Any, mid: int, reasons: list[Any], properties: Any) -> None:
            self._subscribed = [str(reason) for reason in reasons]

        self._client.on_connect = on_connect
        self._client.on_disconnect = on_disconnect
        self._client.on_message = on_message
        self._client.on_publish = on_publish
        self._client.on_subscribe = on_subscribe

    def step(self, seconds: float = 0.02) -> None:
        """Exchange what there is to exchange, waiting at most that long."""
        self._client.loop(seconds)

    def subscribe(self, *filters: str, qos: int = 1) -> list[str]:
        """Subscribe and return the broker's answers."""
        self._subscribed = None
        self._client.subscribe([(one, qos) for one in filters])
        until(lambda: self._subscribed is not None, self.step)
        return self._subscribed or []

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """Publish with QoS 1; return the reason of the acknowledgement, or of the disconnection."""
        mid = self._client.publish(topic, payload, qos=1, retain=retain).mid
        until(lambda: mid in self.published or self.disconnected is not None, self.step)
        return self.published.get(mid) or self.disconnected or ""

    def burst(self, topic: str, payloads: Iterable[bytes], seconds: float = 20.0) -> None:
        """Publish all with QoS 1 and return when the broker has acknowledged all."""
        mids = [self._client.publish(topic, payload, qos=1).mid for payload in payloads]
        until(lambda: all(mid in self.published for mid in mids), self.step, seconds)

    def receive(self, count: int, seconds: float = 5.0) -> list[tuple[str, bytes]]:
        """Return the messages so far, once there are `count` of them."""
        until(lambda: len(self.messages) >= count, self.step, seconds)
        return self.messages

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop(0.01)

    def __enter__(self) -> Self:
        """Return the connected peer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self.close()
