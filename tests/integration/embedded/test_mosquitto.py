"""The embedded Mosquitto, and what a gateway gone bad can do to it: nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hemkurva.embedded import mosquitto
from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from hemkurva.errors import CannotStart, MissingTool
from hemkurva.supervisor import free_port
from tests.support.broker import Peer
from wire.topics import Channel, any_gateway, topic

GOOD, EVIL = "gw-good", "gw-evil"
READINGS = topic(GOOD, Channel.READINGS)
RECEIPTS = topic(GOOD, Channel.RECEIPTS)


@pytest.fixture
def ingest(broker: EmbeddedMosquitto) -> Iterator[Peer]:
    with Peer(broker, "ingest", broker.add_server()) as peer:
        assert peer.subscribe(any_gateway(Channel.READINGS)) == ["Granted QoS 1"]
        yield peer


@pytest.fixture
def good(broker: EmbeddedMosquitto) -> Iterator[Peer]:
    with Peer(broker, GOOD, broker.add_gateway(GOOD)) as peer:
        yield peer


@pytest.fixture
def evil(broker: EmbeddedMosquitto) -> Iterator[Peer]:
    with Peer(broker, EVIL, broker.add_gateway(EVIL)) as peer:
        yield peer


def test_readings_go_up_and_receipts_come_down(ingest: Peer, good: Peer) -> None:
    good.subscribe(RECEIPTS)
    good.publish(READINGS, b"reading")
    assert ingest.receive(1) == [(READINGS, b"reading")]
    ingest.publish(RECEIPTS, b"receipt")
    assert good.receive(1) == [(RECEIPTS, b"receipt")]


def test_a_gateway_reads_nothing_but_its_own_receipts_and_configuration(
    ingest: Peer, good: Peer, evil: Peer
) -> None:
    own = topic(EVIL, Channel.CONFIG)
    evil.subscribe("#", "$SYS/#", "hemkurva/v1/+/readings", RECEIPTS, READINGS, "$share/g/#", own)
    good.publish(READINGS, b"private")
    ingest.publish(RECEIPTS, b"private")
    ingest.publish(own, b"last")
    evil.receive(1)
    for _ in range(20):
        evil.step()
    assert set(evil.messages) == {(own, b"last")}


@pytest.mark.parametrize(
    "name",
    [
        READINGS,
        topic(GOOD, Channel.STATUS),
        RECEIPTS,
        topic(EVIL, Channel.RECEIPTS),
        topic(EVIL, Channel.CONFIG),
        "hemkurva/v1/gw-evil/readings/more",
        "hemkurva/v2/gw-evil/readings",
        "$SYS/broker/version",
        "anything",
    ],
)
def test_a_gateway_publishes_nowhere_but_on_its_own_branch(
    ingest: Peer, good: Peer, evil: Peer, name: str
) -> None:
    assert evil.publish(name, b"forged") == "Not authorized"
    good.publish(READINGS, b"honest")
    assert ingest.receive(1) == [(READINGS, b"honest")]


def test_ingest_cannot_forge_a_reading(ingest: Peer) -> None:
    assert ingest.publish(READINGS, b"forged") == "Not authorized"


def test_nobody_comes_in_without_the_right_password(broker: EmbeddedMosquitto) -> None:
    broker.add_gateway(GOOD)
    for name, password in [("", None), (GOOD, None), (GOOD, "wrong"), ("stranger", "x"), ("probe", "x")]:
        with pytest.raises(ConnectionRefusedError, match="Not authorized"):
            Peer(broker, name, password)


def test_a_gateway_with_the_client_id_of_ingest_does_not_take_its_session(
    broker: EmbeddedMosquitto, ingest: Peer, good: Peer
) -> None:
    with Peer(broker, EVIL, broker.add_gateway(EVIL), client_id="ingest"):
        good.publish(READINGS, b"still here")
        assert ingest.receive(1) == [(READINGS, b"still here")]
        assert ingest.disconnected is None


def test_a_retained_message_is_refused(good: Peer) -> None:
    assert good.publish(READINGS, retain=True) in ("Retain not supported", "Protocol error")


def test_ingest_sees_an_oversized_message_and_stays_when_one_is_far_too_large(
    broker: EmbeddedMosquitto, ingest: Peer, good: Peer
) -> None:
    good.publish(READINGS, bytes(1024 * 1024))
    assert len(ingest.receive(1)[0][1]) == 1024 * 1024
    with Peer(broker, EVIL, broker.add_gateway(EVIL)) as evil:
        assert evil.publish(topic(EVIL, Channel.READINGS), bytes(3 * 1024 * 1024)) != "Success"
    good.publish(READINGS, b"next")
    assert ingest.receive(2)[1] == (READINGS, b"next")


def test_a_burst_waits_for_an_absent_ingest_without_loss(broker: EmbeddedMosquitto, good: Peer) -> None:
    password = broker.add_server("ingest-burst")
    session = {"clean_start": False, "expiry": 3600}
    with Peer(broker, "ingest-burst", password, **session) as first:
        first.subscribe(READINGS)
    sent = [b"%d" % number for number in range(3000)]
    good.burst(READINGS, sent)
    with Peer(broker, "ingest-burst", password, **session) as second:
        assert [payload for _, payload in second.receive(len(sent), 20)] == sent


def test_an_account_that_was_removed_is_shut_out(broker: EmbeddedMosquitto) -> None:
    password = broker.add_gateway("gw-gone")
    Peer(broker, "gw-gone", password).close()
    broker.remove("gw-gone")
    with pytest.raises(ConnectionRefusedError, match="Not authorized"):
        Peer(broker, "gw-gone", password)


def test_a_second_start_keeps_accounts_sessions_and_queued_messages(tmp_path: Path) -> None:
    first = EmbeddedMosquitto(tmp_path / "a b", free_port())
    passwords = {"ingest": first.add_server(), GOOD: first.add_gateway(GOOD)}
    session = {"clean_start": False, "expiry": 3600}
    with first:
        with Peer(first, "ingest", passwords["ingest"], **session) as peer:
            peer.subscribe(READINGS)
        with Peer(first, GOOD, passwords[GOOD]) as gateway:
            gateway.publish(READINGS, b"queued")
    with (
        EmbeddedMosquitto(tmp_path / "a b", free_port()) as second,
        Peer(second, "ingest", passwords["ingest"], **session) as peer,
    ):
        assert peer.receive(1) == [(READINGS, b"queued")]


def test_secrets_are_readable_to_the_broker_alone(broker: EmbeddedMosquitto) -> None:
    for name in ("passwords", "access", "mosquitto.conf"):
        assert (broker.directory / name).stat().st_mode & 0o777 == 0o600
    assert Path(f"/proc/{broker.pid}").stat().st_uid != 0
    assert broker.directory.stat().st_mode & 0o077 == 0


def test_a_missing_broker_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mosquitto, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="install the package `mosquitto`"):
        mosquitto.find_binary()


def test_a_port_that_is_taken_is_told(broker: EmbeddedMosquitto, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="mosquitto ended at its start"):
        EmbeddedMosquitto(tmp_path, broker.port).start()
