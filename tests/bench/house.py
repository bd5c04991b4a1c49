"""The house under measurement: PostgreSQL (durable), Mosquitto, ingest, alerts, and who lives in it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import psycopg

from alerts.rules.templates import heart_failure
from hemkurva.embedded.mosquitto import EmbeddedMosquitto, find_binary
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.embedded.process import ChildSpec, command_line
from hemkurva.supervisor import free_port
from storage import registry
from storage.bindings import Binding, bind
from storage.database import connect
from storage.migrate import migrate
from tests.bench.mqtt import Fleet, Line

UNIT = "SE2321000016-A001"
CUFF, SCALE = "cuff", "scale"
_SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
_TICKS = os.sysconf("SC_CLK_TCK")


def person(name: str) -> UUID:
    """Return somebody's id."""
    return uuid5(_SPACE, name)


def gateway(number: int) -> str:
    """Return a gateway's id."""
    return f"gw-{number:05d}"


@dataclass
class House:
    """What runs, and how to ask it."""

    dsn: str
    fleet: Fleet
    programs: dict[str, int]
    postgres_version: str
    broker_version: str

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds used so far by each program, its children included."""
        return {name: sum(_cpu_seconds(pid) for pid in _family(pid)) for name, pid in self.programs.items()}

    def memory(self) -> dict[str, float]:
        """Return proportional (PSS) memory of each program with its children, in MiB."""
        return {name: sum(_pss(pid) for pid in _family(pid)) for name, pid in self.programs.items()}


def build(directory: Path, patients: int, mail_port: int, stack: ExitStack) -> House:
    """Start everything below `directory`; `stack` ends it."""
    postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
    broker = EmbeddedMosquitto(directory / "mosquitto", free_port())
    passwords = {gateway(number): broker.add_gateway(gateway(number)) for number in range(patients)}
    ingest_password = broker.add_server("ingest")
    stack.enter_context(broker)
    dsn = postgres.ensure_database("bench")
    migrate(dsn)
    asyncio.run(_settle(dsn, patients))
    environment = os.environ | {
        "HEMKURVA_DSN": dsn,
        "HEMKURVA_MQTT_HOST": broker.host,
        "HEMKURVA_MQTT_PORT": str(broker.port),
        "HEMKURVA_MQTT_PASSWORD": ingest_password,
        "HEMKURVA_INGEST_ID": "ingest",
        "HEMKURVA_SWEEP_SECONDS": "30",
        "HEMKURVA_SMTP_HOST": "127.0.0.1",
        "HEMKURVA_SMTP_PORT": str(mail_port),
    }
    programs: dict[str, int] = {
        name: _start(name, directory, environment, stack) for name in ("ingest", "alerts")
    }
    programs |= {"postgres": postgres.pid, "mosquitto": broker.pid}
    _wait_listening(dsn)
    fleet = Fleet([Line(broker.port, name, password) for name, password in passwords.items()])
    stack.callback(fleet.close)
    return House(dsn, fleet, programs, _version(dsn), _broker_version())


def _start(name: str, directory: Path, environment: dict[str, str], stack: ExitStack) -> int:
    """Start a program that ends with us, even if we are killed."""
    log = stack.enter_context((directory / f"{name}.log").open("wb"))
    spec = ChildSpec(name=name, argv=(sys.executable, "-m", "hemkurva", name))
    process = subprocess.Popen(command_line(spec, os.getpid()), env=environment, stdout=log, stderr=log)

    def end() -> None:
        process.terminate()
        process.wait(10)

    stack.callback(end)
    return process.pid


def _version(dsn: str) -> str:
    with psycopg.connect(dsn) as conn:
        row = conn.execute("show server_version").fetchone()
    assert row is not None
    return str(row[0])


def _wait_listening(dsn: str) -> None:
    """Return when both programs say that they are up."""
    query = "select from service_heartbeat where service = 'alerts' or detail ->> 'broker' = 'true'"
    end = time.monotonic() + 30
    with psycopg.connect(dsn, autocommit=True) as conn:
        while len(conn.execute(query).fetchall()) < 2:
            assert time.monotonic() < end, "ingest or alerts did not start; run it by itself"
            time.sleep(0.05)


def _broker_version() -> str:
    done = subprocess.run([find_binary(), "-h"], capture_output=True, text=True, check=False)
    return next(iter(done.stdout.splitlines()), "Mosquitto")


async def _settle(dsn: str, patients: int) -> None:
    now = datetime.now(UTC)
    conn = await connect(dsn, None)
    try:
        async with conn.transaction():
            await registry.add_care_unit(
                conn,
                registry.CareUnit(
                    care_unit_id=UNIT, name="Hemsjukvården", principal="municipality", phone="0"
                ),
            )
            for number, title in enumerate(("nurse", "deputy", "physician")):
                await _add_staff(conn, number, title)
            for number in range(patients):
                await _move_in(conn, number, now)
        await conn.execute("analyze")
    finally:
        await conn.close()


async def _add_staff(conn: registry.Connection, number: int, name: str) -> None:
    await registry.add_staff(
        conn,
        registry.Staff(
            staff_id=person(name),
            hsa_id=f"SE2321000016-0{number}",
            given_name="Bench",
            family_name=name,
            title="physician" if name == "physician" else "nurse",
            care_unit_id=UNIT,
            email=f"{name}@example.org",
            phone="0",
        ),
    )


async def _move_in(conn: registry.Connection, number: int, now: datetime) -> None:
    """A patient with a contact, a plan, and a gateway with a cuff and a scale."""
    patient, long_ago = person(f"patient {number}"), now - timedelta(days=100)
    await registry.add_patient(
        conn,
        registry.Patient(
            patient_id=patient,
            personnummer=f"1912{number:08d}",
            given_name="Bench",
            family_name=str(number),
            born=date(1912, 12, 12),
            sex="female",
            municipality="Umeå",
            phone="0",
        ),
    )
    await registry.appoint_contact(
        conn,
        patient_id=patient,
        staff_id=person("nurse"),
        deputy_id=person("deputy"),
        care_unit_id=UNIT,
        at=long_ago,
    )
    document = heart_failure().model_dump(mode="json")
    await registry.sign_plan(
        conn, patient_id=patient, document=document, signed_by=person("physician"), at=long_ago
    )
    await registry.enrol_gateway(
        conn, gateway_id=gateway(number), care_unit_id=UNIT, label=str(number), at=long_ago
    )
    bound = Binding(
        gateway_id=gateway(number), device_id=CUFF, user_slot=1, patient_id=patient, valid_from=long_ago
    )
    await bind(conn, bound)
    await bind(conn, replace(bound, device_id=SCALE))


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [pid, *(int(child) for child in children.read_text().split())]
    except FileNotFoundError:
        return []


def _cpu_seconds(pid: int) -> float:
    """Own time, and that of children that have ended (proc(5), fields 14 to 17 of stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
