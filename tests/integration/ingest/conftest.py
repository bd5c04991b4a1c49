"""A running ingest process on a real broker and a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from tests.integration.ingest.gateway import Gateway, eventually
from tests.integration.storage import world


@dataclass
class Rig:
    """Database, broker, and the environment of an ingest process; `ingest` is the process, if it runs."""

    dsn: str
    broker: EmbeddedMosquitto
    log: Path
    env: dict[str, str]
    ingest: subprocess.Popen[bytes] | None = None

    def start(self, *argv: str, ready: bool = True) -> subprocess.Popen[bytes]:
        """Start ingest, or another program in its place; return when it listens, unless told otherwise."""
        command = [sys.executable, *(argv or ("-m", "hemkurva", "ingest"))]
        with self.log.open("ab") as out:
            self.ingest = subprocess.Popen(command, env=self.env, stdout=out, stderr=out)
        if ready:
            eventually(self._listens, 10, self.log.read_text)
        return self.ingest

    def _listens(self) -> bool:
        assert self.ingest is not None
        beats = self.query("select instance, detail ->> 'broker' from service_heartbeat")
        return (f"{os.uname().nodename}:{self.ingest.pid}", "true") in beats

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.ingest is not None
        self.ingest.send_signal(signal.SIGKILL)
        self.ingest.wait()

    def stop(self) -> int:
        """End it as an operator would; return its exit code."""
        assert self.ingest is not None
        self.ingest.send_signal(signal.SIGTERM)
        return self.ingest.wait(10)

    def gateway(self, gateway_id: str) -> Gateway:
        """Return a connected gateway with an account of that name."""
        return Gateway(self.broker.port, gateway_id, self.broker.add_gateway(gateway_id))

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Return rows."""
        with psycopg.connect(self.dsn) as conn:
            return conn.execute(statement).fetchall()

    def count(self, table: str) -> int:
        """Return the number of rows."""
        with psycopg.connect(self.dsn) as conn:
            query = psycopg.sql.SQL("select count(*) from {}").format(psycopg.sql.Identifier(table))
            row = conn.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def wait_count(self, table: str, expected: int, seconds: float = 20) -> None:
        """Return once the table has so many rows."""
        eventually(
            lambda: self.count(table) == expected, seconds, lambda: f"{table}: {self.count(table)} rows"
        )


@pytest.fixture
async def built(database: str) -> str:
    """A database with the small world in it."""
    await world.build(database, patients=3, gateways=4)
    return database


@pytest.fixture
def rig(built: str, broker: EmbeddedMosquitto, tmp_path: Path) -> Iterator[Rig]:
    """Everything but ingest, which the test starts."""
    name = f"ingest-{tmp_path.name.replace('_', '-').lower()}"[:60].rstrip("-")
    environment = os.environ | {
        "HEMKURVA_DSN": built,
        "HEMKURVA_MQTT_HOST": broker.host,
        "HEMKURVA_MQTT_PORT": str(broker.port),
        "HEMKURVA_MQTT_USERNAME": name,
        "HEMKURVA_MQTT_PASSWORD": broker.add_server(name),
        "HEMKURVA_INGEST_ID": name,
    }
    made = Rig(built, broker, tmp_path / "ingest.log", environment)
    yield made
    if made.ingest is not None and made.ingest.poll() is None:
        made.stop()
    broker.remove(name)
