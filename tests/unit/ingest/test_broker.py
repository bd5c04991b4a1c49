"""What ingest's connection agrees on with the broker, without a network."""

from __future__ import annotations

from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest_service.broker import RECEIVE_MAXIMUM, Connection, properties
from ingest_service.settings import Settings


class _Recorder(Client):
    """A client that only notes what it was asked to publish."""

    def __init__(self) -> None:
        """Note nothing yet."""
        self.qos: list[int] = []

    def subscribe(self, *_: Any, **__: Any) -> Any:
        return None

    def publish(self, *_: Any, qos: int = 0, **__: Any) -> Any:
        self.qos.append(qos)

    def __del__(self) -> None:
        """There is no socket to close."""


@pytest.mark.parametrize(
    ("agreed", "qos"),
    [({}, 1), ({"ReceiveMaximum": 20}, 0), ({"ReceiveMaximum": 2 * RECEIVE_MAXIMUM}, 1)],
)
def test_receipts_are_at_qos_1_only_if_the_broker_takes_all_of_them(
    agreed: dict[str, int], qos: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _Recorder()
    monkeypatch.setattr(Connection, "_make_client", lambda _self: client)
    monkeypatch.setattr(Connection, "_open", lambda _self: None)
    connection = Connection(Settings(dsn=""))
    fine = ReasonCode(PacketTypes.CONNACK, "Success")
    connection._on_connect(client, None, None, fine, properties(PacketTypes.CONNACK, **agreed))
    connection.answer("hemkurva/v1/gw-0001/receipts", b"{}")
    assert client.qos == [qos]
