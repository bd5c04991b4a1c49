"""Ingest, PostgreSQL and the broker die at bad moments; every reading is stored once all the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.supervisor import free_port
from storage.migrate import migrate
from tests.integration.ingest.conftest import Rig
from tests.integration.ingest.gateway import batch, eventually
from tests.integration.storage import world
from tests.integration.storage.world import SCALE, gateway, patient, weighing

pytestmark = pytest.mark.faults
DIES = str(Path(__file__).with_name("dies_after_commit.py"))


def messages(count: int, each: int = 1) -> list[bytes]:
    """Return messages with `each` different readings."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    readings = [weighing(60 + n % 40, at=begin + timedelta(seconds=n)) for n in range(count * each)]
    return [batch(*readings[n : n + each]) for n in range(0, len(readings), each)]


def stored_once(rig: Rig, expected: int) -> bool:
    """Say whether that many readings are stored, and none twice."""
    return rig.query("select count(*), count(distinct reading_id) from reading") == [(expected, expected)]


def bind(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        conn.execute(
            "select bind_device(%s, %s, 1::smallint, %s, '2020-01-01', null)", [gateway(0), SCALE, patient(0)]
        )


@pytest.mark.parametrize("commit", [1, 2])
def test_killed_between_commit_and_acknowledgement(rig: Rig, commit: int) -> None:
    bind(rig.dsn)
    doomed = rig.start(DIES, str(commit))
    payloads = messages(20, 5)
    with rig.gateway(gateway(0)) as home:
        first = home.send(payloads[0])
        eventually(
            lambda: doomed.poll() is not None or first in home.receipts, 10, lambda: "nothing happened"
        )
        names = [home.send(payload) for payload in payloads[1:]]
        doomed.wait(10)
        before = rig.count("reading")
        assert before > 0
        rig.start()
        for name in [first, *names]:
            assert len(home.receipt(name).accepted) == 5
    assert stored_once(rig, 100)


def test_killed_at_random_under_load(rig: Rig) -> None:
    bind(rig.dsn)
    rng = random.Random(7)
    rig.start()
    payloads = messages(2000, 2)
    with rig.gateway(gateway(0)) as home:
        sender = threading.Thread(target=lambda: [home.send(payload) for payload in payloads])
        sender.start()
        for _ in range(4):
            time.sleep(rng.uniform(0.05, 0.3))
            rig.kill()
            rig.start(ready=False)
        sender.join()
        eventually(lambda: len(home.receipts) == 2000, 30, lambda: f"{len(home.receipts)} receipts")
    assert stored_once(rig, 4000)


def test_refused_content_blocks_nothing(rig: Rig) -> None:
    """PostgreSQL refuses two readings among many that came at once; only their messages go to quarantine."""
    bind(rig.dsn)
    with psycopg.connect(rig.dsn) as conn:
        conn.execute("alter table reading add constraint no_such_weight check (weight <> 99)")
    rig.start()
    assert rig.stop() == 0
    payloads = messages(100)
    with rig.gateway(gateway(0)) as home:
        names = [home.send(payload) for payload in payloads]
        rig.start()
        for name in names:
            home.receipt(name)
        refusals = [receipts[0].refused for receipts in home.receipts.values() if receipts[0].refused]
    assert [refusal.reason for refusal in refusals] == ["storage_error"] * 2
    assert stored_once(rig, 98)
    kept = {raw for (raw,) in rig.query("select raw from quarantine where reason = 'storage_error'")}
    assert kept == {payloads[39], payloads[79]}


def test_a_flood_of_poison(rig: Rig) -> None:
    """More bad messages than the broker sends without an acknowledgement."""
    rig.start()
    with rig.gateway(gateway(0)) as home:
        for number in range(3000):
            home.send(b"poison %d" % number)
        good = home.send(messages(1)[0])
        assert len(home.receipt(good, 30).accepted) == 1
    assert rig.query("select count(*), min(reason) from quarantine") == [(3000, "not_json")]


@pytest.fixture
def postgres(tmp_path: Path) -> EmbeddedPostgres:
    """A server of this test's own, not started."""
    return EmbeddedPostgres(tmp_path / "own", fast=True)


@pytest.fixture
async def own_rig(postgres: EmbeddedPostgres, rig: Rig) -> Iterator[Rig]:
    """A rig on its own database server, which the test may kill."""
    postgres.start()
    dsn = postgres.ensure_database("own")
    migrate(dsn)
    await world.build(dsn)
    rig.dsn = rig.env["HEMKURVA_DSN"] = dsn
    bind(dsn)
    yield rig
    if rig.ingest is not None and rig.ingest.poll() is None:
        rig.stop()
    postgres.stop()


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_postgres_goes_and_returns(own_rig: Rig, postgres: EmbeddedPostgres, crash: bool) -> None:
    """Nothing is acknowledged or lost while it is away, and it works again within 5 s of its return."""
    own_rig.start()
    payloads = messages(600)
    with own_rig.gateway(gateway(0)) as home:
        home.ask(payloads[0])
        postgres.kill() if crash else postgres.stop()
        names = [home.send(payload) for payload in payloads[1:]]
        time.sleep(1.5)
        assert len(home.receipts) == 1
        postgres.start()
        begun = time.monotonic()
        home.receipt(names[0], 5)
        assert time.monotonic() - begun < 5
        for name in names:
            assert len(home.receipt(name).accepted) == 1
        assert all(len(receipts) == 1 for receipts in home.receipts.values())
    assert stored_once(own_rig, 600)


def test_it_stops_in_time_without_postgres(own_rig: Rig, postgres: EmbeddedPostgres) -> None:
    own_rig.start()
    with own_rig.gateway(gateway(0)) as home:
        postgres.stop()
        home.send(messages(1)[0])
        time.sleep(0.3)
        begun = time.monotonic()
        assert own_rig.stop() == 0
        assert time.monotonic() - begun < 2


def test_it_stops_in_time_though_postgres_hangs(own_rig: Rig) -> None:
    """A lock that is never given back stands for a server that does not answer."""
    own_rig.start()
    with own_rig.gateway(gateway(0)) as home, psycopg.connect(own_rig.dsn) as holder:
        holder.execute("lock table reading_identity in access exclusive mode")
        home.send(messages(1)[0])
        time.sleep(0.3)
        begun = time.monotonic()
        assert own_rig.stop() == 0
        assert time.monotonic() - begun < 2
        holder.rollback()
        assert own_rig.count("reading") == 0


def test_it_waits_for_both_servers_at_its_start(
    own_rig: Rig, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres.stop()
    late = EmbeddedMosquitto(tmp_path / "late", free_port())
    own_rig.broker = late
    own_rig.env["HEMKURVA_MQTT_PORT"] = str(late.port)
    name = own_rig.env["HEMKURVA_MQTT_USERNAME"]
    own_rig.env["HEMKURVA_MQTT_PASSWORD"] = late.add_server(name)
    process = own_rig.start(ready=False)
    time.sleep(1)
    assert process.poll() is None
    with late:
        postgres.start()
        eventually(own_rig._listens, 8, own_rig.log.read_text)
        with own_rig.gateway(gateway(0)) as home:
            assert len(home.ask(messages(1)[0]).accepted) == 1


def test_the_broker_is_killed_and_forgets(own_rig: Rig, tmp_path: Path) -> None:
    """A broker killed (-9) loses its queues and ingest's session: ingest subscribes anew, gateways insist."""
    own = EmbeddedMosquitto(tmp_path / "own-broker", free_port())
    own_rig.broker = own
    own_rig.env["HEMKURVA_MQTT_PORT"] = str(own.port)
    own_rig.env["HEMKURVA_MQTT_PASSWORD"] = own.add_server(own_rig.env["HEMKURVA_MQTT_USERNAME"])
    with own:
        own_rig.start()
        payloads = messages(300)
        with own_rig.gateway(gateway(0)) as home:
            for payload in payloads[:150]:
                home.send(payload)
            own.kill()
            own.start()
            home.insist(payloads, every=1.5, seconds=20)
        assert stored_once(own_rig, 300)
        own_rig.stop()


def test_a_second_worker_with_the_same_name_takes_over(rig: Rig) -> None:
    """The broker lets one of them be; the two must not lose anything between them."""
    bind(rig.dsn)
    first = rig.start()
    payloads = messages(200)
    with rig.gateway(gateway(0)) as home:
        for payload in payloads[:100]:
            home.send(payload)
        rig.start(ready=False)
        for payload in payloads[100:]:
            home.send(payload)
        time.sleep(0.5)
        first.kill()
        first.wait()
        eventually(lambda: len(home.receipts) == 200, 20, lambda: f"{len(home.receipts)} receipts")
    assert stored_once(rig, 200)
