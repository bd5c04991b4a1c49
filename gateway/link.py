"""One MQTT 5 connection at a time, made anew after each loss. The only module that touches paho.

paho's network thread only hands events over; everything else happens on the event loop. Each connection has
its own paho client, so that paho never sends a message again by itself: that is the publisher's decision.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.backoff import full_jitter
from gateway.settings import Settings, SettingsError
from wire.topics import Channel, topic

log = logging.getLogger(__name__)

_QOS = 1
_KEEPALIVE = 30
_SESSION = 24 * 3600
"""Seconds for which the broker keeps receipts for a gateway whose line is down."""
_CONNECT_TIMEOUT = 10.0
_PATIENCE = 15.0
_LEAVING = 0.5
_RECONNECT_BASE = 1.0
_RECONNECT_CAP = 60.0


class LinkError(ConnectionError):
    """The broker could not be reached, refused, or the connection was lost."""


def properties(packet: int, **values: object) -> Properties:
    """Return MQTT 5 properties of a packet."""
    made = Properties(packet)
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Link:
    """Keeps the gateway connected; `connected` is set while subscriptions stand and messages may be sent."""

    def __init__(
        self,
        settings: Settings,
        *,
        will: bytes,
        on_message: Callable[[Channel, bytes], None],
        on_change: Callable[[bool], None],
        rng: random.Random,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        `will` is the status that the broker publishes if this gateway is lost. `on_message` gets receipts
        and configurations, `on_change` hears of every connection made (True) and lost (False); both are
        called on the event loop.
        """
        self._settings = settings
        self._will = will
        self._on_message = on_message
        self._on_change = on_change
        self._rng = rng
        self._client: Client | None = None

    @property
    def connected(self) -> bool:
        """Whether messages may be sent now."""
        return self._client is not None

    def publish(self, channel: Channel, payload: bytes, *, expiry: float) -> bool:
        """Hand a message to the connection at QoS 1; return False if there is none.

        `expiry` in seconds: the broker drops the message if nobody took it by then. True says nothing about
        arrival; only a receipt does.
        """
        if self._client is None:
            return False
        info = self._client.publish(
            topic(self._settings.gateway_id, channel),
            payload,
            qos=_QOS,
            properties=properties(PacketTypes.PUBLISH, MessageExpiryInterval=max(1, int(expiry) + 1)),
        )
        return info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    async def run(self, farewell: Callable[[], bytes]) -> None:
        """Connect, and connect again whenever that is lost, until cancelled; then say `farewell`."""
        attempt = 0
        while True:
            connection = _Connection(self._settings, self._on_message)
            try:
                self._client = await connection.open(self._will)
                attempt = 0
                self._on_change(True)
                await connection.lost
            except (LinkError, SettingsError) as error:
                log.warning("broker: %s", error)
            except asyncio.CancelledError:
                if self.publish(Channel.STATUS, farewell(), expiry=_SESSION):
                    await connection.leave()
                raise
            finally:
                was_up, self._client = self._client is not None, None
                connection.close()
                if was_up:
                    self._on_change(False)
            await asyncio.sleep(full_jitter(attempt, self._rng, base=_RECONNECT_BASE, cap=_RECONNECT_CAP))
            attempt += 1


class _Client(Client):
    """paho's client, which tells why it could not connect."""

    failure: str | None = None

    def reconnect(self) -> MQTTErrorCode:
        """Connect. Raises OSError, and keeps it: paho's callback says only that there was one."""
        try:
            return super().reconnect()
        except OSError as error:
            self.failure = str(error)
            raise


class _Connection:
    """One paho client from connecting to the loss of its connection."""

    def __init__(self, settings: Settings, on_message: Callable[[Channel, bytes], None]) -> None:
        self._settings = settings
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._client: Client | None = None
        self._closed = False

    async def open(self, will: bytes) -> Client:
        """Connect and subscribe. Raises LinkError, or SettingsError for certificates that became unusable."""
        client = self._client = self._make_client(will)
        client.connect_async(
            self._settings.mqtt_host,
            self._settings.mqtt_port,
            keepalive=_KEEPALIVE,
            clean_start=False,
            properties=properties(PacketTypes.CONNECT, SessionExpiryInterval=_SESSION),
        )
        client.loop_start()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._ready
        except TimeoutError as error:
            raise LinkError(f"no answer within {_PATIENCE:g} s") from error
        return client

    async def leave(self) -> None:
        """Disconnect and wait, a moment only, until what was published before is on the line."""
        if self._client is not None:
            self._client.disconnect()
            await asyncio.wait([self.lost], timeout=_LEAVING)

    def close(self) -> None:
        """Disconnect without waiting for the network thread: it is a daemon and ends by itself."""
        self._closed = True
        for future in (self._ready, self.lost):
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                future.exception()  # seen; nobody else will look
        if self._client is not None:
            self._client.disconnect()

    def _make_client(self, will: bytes) -> Client:
        settings = self._settings
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.gateway_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.username_pw_set(settings.gateway_id, settings.mqtt_password)
        if settings.tls is not None:
            context = settings.tls.context()
            client.tls_set_context(context)  # pyright: ignore[reportUnknownMemberType] - untyped in paho
        client.will_set(topic(settings.gateway_id, Channel.STATUS), will, qos=_QOS, retain=False)
        client.connect_timeout = _CONNECT_TIMEOUT
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_paho_message
        return client

    def _on_connect(
        self,
        client: Client,
        _data: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._closed:
            client.disconnect()  # too late; a second session would push out the one that replaced this
            return
        if reason.is_failure:
            self._fail(f"refused: {reason}; check HEMKURVA_GATEWAY_ID, the password and the certificate")
            return
        own = self._settings.gateway_id
        client.subscribe([(topic(own, Channel.RECEIPTS), _QOS), (topic(own, Channel.CONFIG), _QOS)])

    def _on_subscribe(
        self,
        _client: Client,
        _data: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._fail("may not subscribe to receipts and config; check this gateway's role at the broker")
        else:
            self._call(_settle, self._ready)

    def _on_connect_fail(self, client: Client, _data: Any) -> None:
        client.disconnect()  # or paho's thread would try again beside us
        where = f"{self._settings.mqtt_host}:{self._settings.mqtt_port}"
        why = client.failure if isinstance(client, _Client) else None
        self._fail(f"cannot be reached at {where} ({why}); it is tried again")

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._fail(f"connection lost: {reason}")

    def _on_paho_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        channel = Channel(message.topic.rsplit("/", 1)[-1])
        self._call(self._on_message, channel, bytes(message.payload))

    def _fail(self, words: str) -> None:
        self._call(_break, self._ready, words)
        self._call(_break, self.lost, words)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the gateway has stopped
            self._loop.call_soon_threadsafe(function, *arguments)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _break(future: asyncio.Future[None], words: str) -> None:
    if not future.done():
        future.set_exception(LinkError(words))
