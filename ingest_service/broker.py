"""Ingest's MQTT 5 connection, driven by ingest's own loop. The only module of the room that touches paho.

A connection object lives from connecting to the loss of that connection and is never used again: what was not
acknowledged comes again on the next one, under packet ids that mean nothing here.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest_service.settings import SESSION_DAYS, Settings
from ingest_service.sort import Message

RECEIVE_MAXIMUM = 2000
"""Messages that the broker sends before it waits for acknowledgements: this bounds ingest's memory."""
MOST_BYTES = 64 * 1024 * 1024
"""Unprocessed bytes in memory at which reading stops."""
RECEIPT_EXPIRY = 24 * 3600
"""Seconds after which the broker drops a receipt that its gateway did not fetch; the gateway asks again."""
KEEPALIVE = 30
PATIENCE = 5.0
"""Seconds to wait for the broker's answer to CONNECT and SUBSCRIBE."""
_QOS = 1
_MOST_RECEIPTS = 2 * RECEIVE_MAXIMUM
"""Receipts under way at most: those of one batch, and of what the broker sends before it answers them."""


class BrokerUnavailable(Exception):
    """The broker cannot be reached, refuses us, or the connection was lost. Try again later."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message with the packet id by which it is acknowledged."""

    packet_id: int
    message: Message


class Connection:
    """One connection; every method raises BrokerUnavailable once it is lost."""

    def __init__(self, settings: Settings) -> None:
        """Connect and subscribe; return when the broker has confirmed both."""
        self._settings = settings
        self._inbox: list[Delivery] = []
        self._receipt_qos = _QOS
        self._subscribed = False
        self._lost: str | None = None
        self._client = self._make_client()
        self._poll = select.poll()
        self._open()

    def receive(self, most: int, *, wait: float, drain: float) -> list[Delivery]:
        """Return up to `most` messages: those that are here, or the first to come within `wait` seconds.

        Reading what is here takes no longer than `drain` seconds, about.
        """
        self._read_for(most, wait, drain)
        taken, self._inbox = self._inbox[:most], self._inbox[most:]
        return taken

    def stay_alive(self, seconds: float) -> None:
        """Do what keeps the connection for so long, without taking messages out of it."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read_for(RECEIVE_MAXIMUM, left, left)
            if len(self._inbox) >= RECEIVE_MAXIMUM or self._is_full():
                time.sleep(min(0.05, max(0.0, end - time.monotonic())))

    def answer(self, topic: str, payload: bytes) -> None:
        """Queue a receipt; `flush` sends it.

        At QoS 1, so that it waits for a gateway whose line is down; but at QoS 0 if the broker takes fewer
        at a time than we have, for then the gateway asking again is the better way.
        """
        self._client.publish(topic, payload, qos=self._receipt_qos, properties=_RECEIPT_PROPERTIES)

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Queue the acknowledgements, in order; `flush` sends them."""
        for delivery in deliveries:
            self._client.ack(delivery.packet_id, _QOS)

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it now; the rest follows while reading."""
        self._check(self._client.loop_write())

    def close(self) -> None:
        """Say goodbye, if the connection stands. The broker keeps the session."""
        if self._lost is None:
            self._client.disconnect()
            self._client.loop_write()
        self._client.on_disconnect = None
        socket = self._client.socket()
        if socket is not None:
            socket.close()

    def _make_client(self) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.username_pw_set(settings.mqtt_username, settings.mqtt_password)
        client.connect_timeout = PATIENCE
        client.max_inflight_messages_set(0)  # unlimited: paho's own queue is searched anew for each answer
        if settings.tls is not None:
            client.tls_set_context(settings.tls)  # pyright: ignore[reportUnknownMemberType]  paho has no type here
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_socket_register_write = _write_later
        return client

    def _open(self) -> None:
        settings = self._settings
        wishes = properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=SESSION_DAYS * 24 * 3600,
            ReceiveMaximum=RECEIVE_MAXIMUM,
        )
        try:
            self._client.connect(
                settings.mqtt_host, settings.mqtt_port, KEEPALIVE, clean_start=False, properties=wishes
            )
        except OSError as error:
            raise BrokerUnavailable(
                f"no connection to {settings.mqtt_host}:{settings.mqtt_port}: {error}"
            ) from error
        self._poll.register(self._client.socket(), select.POLLIN)  # pyright: ignore[reportArgumentType]  connected
        end = time.monotonic() + PATIENCE
        while not self._subscribed:
            if time.monotonic() > end:
                raise BrokerUnavailable(f"no answer from the broker within {PATIENCE:g} s")
            self._read_for(RECEIVE_MAXIMUM, 0.1, 0.1)

    def _read_for(self, most: int, wait: float, drain: float) -> None:
        self._check(self._client.loop_misc())
        if self._inbox:
            wait = 0
        if self._client.want_write():
            self.flush()
            wait = min(wait, 0.01)
        if not self._is_readable(wait):
            return
        end = time.monotonic() + drain
        while len(self._inbox) < most and not self._is_full():
            self._check(self._client.loop_read())
            if not self._is_readable(0) or time.monotonic() > end:
                break

    def _is_readable(self, wait: float) -> bool:
        pending = getattr(self._client.socket(), "pending", None)  # TLS keeps what it has decrypted
        return bool(pending and pending()) or bool(self._poll.poll(wait * 1000))

    def _is_full(self) -> bool:
        return sum(len(delivery.message.payload) for delivery in self._inbox) > MOST_BYTES

    def _check(self, code: MQTTErrorCode) -> None:
        if self._lost is not None:
            raise BrokerUnavailable(self._lost)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost = f"connection lost: {code.name}"
            raise BrokerUnavailable(self._lost)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, agreed: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost = f"the broker refused us: {reason}; check the account and password of ingest"
            return
        if getattr(agreed, "ReceiveMaximum", 65535) < _MOST_RECEIPTS:
            self._receipt_qos = 0
        client.subscribe([(name, _QOS) for name in self._settings.filters])

    def _on_subscribe(
        self,
        _client: Client,
        _data: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._lost = f"the broker refused a subscription: {', '.join(refused)}; check its access list"
        self._subscribed = True

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._lost = self._lost or f"connection lost: {reason}"

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # the standard forbids it, and brokers check
            topic = ""
        self._inbox.append(Delivery(message.mid, Message(topic, bytes(message.payload))))


def properties(packet: int, **values: object) -> Properties:
    """Return MQTT 5 properties of a packet."""
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class _ReceiptProperties(Properties):
    """The same for every receipt, and packed once: packing took a tenth of ingest's time for a message."""

    _packed: ClassVar[bytes] = bytes(
        properties(PacketTypes.PUBLISH, MessageExpiryInterval=RECEIPT_EXPIRY).pack()  # pyright: ignore[reportUnknownArgumentType]  paho has no type here
    )

    def pack(self) -> bytes:
        return self._packed


_RECEIPT_PROPERTIES = _ReceiptProperties(PacketTypes.PUBLISH)


def _write_later(_client: Client, _data: Any, _socket: Any) -> None:
    """Queue instead of sending each packet at once; see Connection.flush."""
