"""The whole service: a reading in, an e-mail out, through faults of database and mail server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from alerts.service import Service
from alerts.settings import Settings
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.supervisor import free_port
from storage.migrate import migrate
from tests.integration.alerts.world import ALWAYS, World, build, gain, patient, pressure, weight

MONIKA = ("Monika", "Efternamnsson", "191200000000", "vikt", "weight", "kg", "82,4")


@dataclass
class Mailbox:
    """An SMTP server that keeps what it gets, or refuses it."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)
    refusing: bool = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.refusing:
            return "451 try again later"
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()


def environ(dsn: str, smtp_port: int) -> dict[str, str]:
    """Settings for a quick service."""
    return {
        "HEMKURVA_DSN": dsn,
        "HEMKURVA_SMTP_HOST": "127.0.0.1",
        "HEMKURVA_SMTP_PORT": str(smtp_port),
        "HEMKURVA_SMTP_FROM": "hemkurva@demo.example",
        "HEMKURVA_PUBLIC_URL": "https://hemkurva.example",
        "HEMKURVA_SWEEP_SECONDS": "0.2",
        "HEMKURVA_GATEWAY_SILENT_SECONDS": "60",
        "HEMKURVA_SETTLE_SECONDS": "0.5",
    }


@asynccontextmanager
async def running(dsn: str, smtp_port: int) -> AsyncIterator[Service]:
    """Run the service in this loop; it must end within two seconds."""
    stop = asyncio.Event()
    service = Service(Settings.from_env(environ(dsn, smtp_port)), stop)
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        stop.set()
        await asyncio.wait_for(task, 2)


async def until(true: Callable[[], Any], seconds: float = 15) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


def now() -> datetime:
    """The time: this test runs the real clock."""
    return datetime.now(UTC)


async def settle(dsn: str, patients: int = 1) -> World:
    """A world where somebody is always there and nothing can be missing yet."""
    return await build(dsn, patients=patients, hours=ALWAYS, started=now() - timedelta(hours=1))


async def test_a_reading_in_and_a_mail_out_without_name_or_value(database: str) -> None:
    world = await settle(database)
    box = Mailbox()
    async with box.open(), running(database, box.port):
        await until(lambda: world.rows("select 1 from service_heartbeat where service = 'alerts'"))
        world.take_in(*gain(2.4, now()), now=now())
        await until(lambda: box.mails and "notified" in world.events())
    [mail] = box.mails
    [notification] = world.rows("select * from notification")
    assert mail["Message-ID"] == f"<{notification['notification_id']}@demo.example>"
    assert mail["To"] == "contact@example.org"
    text = mail.as_string() + mail.get_content().replace("\r", "") + mail["Subject"]
    assert "Du har ett ärende att kvittera i Hemkurva." in text
    assert "You have a case to acknowledge in Hemkurva." in text
    assert "https://hemkurva.example\n" in text
    for word in (*MONIKA, str(patient()), str(notification["case_id"])):
        assert word not in text
    assert notification["sent_at"] is not None
    assert world.events() == ["opened", "notified"]


async def test_a_mail_server_that_is_away_delays_and_loses_nothing(database: str) -> None:
    world = await settle(database)
    box = Mailbox(refusing=True)
    async with running(database, box.port):
        world.take_in(*gain(2.4, now()), now=now())
        await until(
            lambda: world.rows("select 1 from notification where attempts = 1 and last_error is not null")
        )
        [waiting] = world.rows("select * from notification")
        assert "ConnectionRefusedError" in waiting["last_error"]
        async with box.open():
            await until(lambda: world.rows("select 1 from notification where attempts = 2"))
            box.refusing = False
            await until(lambda: world.rows("select 1 from notification where sent_at is not null"))
    assert len(box.mails) == 1
    assert world.rows("select last_error from notification") == [{"last_error": None}]


async def test_it_survives_the_loss_of_every_connection(database: str) -> None:
    world = await settle(database, patients=2)
    box = Mailbox()
    async with box.open(), running(database, box.port):
        world.take_in(*gain(2.4, now()), now=now())
        await until(lambda: box.mails)
        world.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        world.take_in(*gain(2.4, now()), number=1, now=now())
        await until(lambda: len(box.mails) == 2)
    assert len(world.cases()) == 2


@pytest.mark.faults
async def test_it_survives_a_restart_of_postgresql(tmp_path: Path) -> None:
    box = Mailbox()
    with EmbeddedPostgres(tmp_path / "postgres", fast=True) as server:
        dsn = server.ensure_database("restart")
        migrate(dsn)
        world = await settle(dsn)
        async with box.open(), running(dsn, box.port):
            await until(lambda: world.rows("select 1 from service_heartbeat where service = 'alerts'"))
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.5)  # long enough for every loop to notice
            await asyncio.to_thread(server.start)
            world.take_in(*gain(2.4, now()), now=now())
            await until(lambda: box.mails)
    assert box.mails[0]["To"] == "contact@example.org"


async def test_one_patient_at_fault_does_not_hold_up_the_others(database: str) -> None:
    world = await settle(database, patients=3)
    world.execute(
        "create function refuse() returns trigger language plpgsql as $$ begin"
        f" if new.patient_id = '{patient(0)}' then raise 'refused'; end if; return new; end $$"
    )
    world.execute("create trigger refuse before insert on alert_case for each row execute function refuse()")
    for number in range(3):
        world.take_in(*gain(2.4, now()), number=number, now=now())
    async with running(database, free_port()):
        await until(lambda: len(world.cases()) == 2)
    assert len(world.rows("select 1 from evaluation_due")) == 1


async def test_unacknowledged_it_reaches_the_deputy_by_mail(database: str) -> None:
    world = await settle(database)
    box = Mailbox()
    async with box.open(), running(database, box.port):
        world.take_in(pressure(178, now()), now=now())
        await until(lambda: box.mails)
        # In a thread: the service, in this loop, may hold the row's lock.
        await asyncio.to_thread(world.execute, "update alert_case set deadline = now()")
        await until(lambda: len(box.mails) == 2)
    assert box.mails[1]["To"] == "deputy@example.org"
    assert "har inte kvitterats i tid" in box.mails[1].get_content()


async def test_silence_is_found_and_taken_back(database: str) -> None:
    world = await build(database, hours=ALWAYS)
    world.take_in(weight(80.0, now() - timedelta(days=4)), pressure(120, now()), now=now())
    async with running(database, free_port()):
        await until(lambda: [case["family"] for case in world.cases()] == ["missing"])
        world.take_in(weight(80.0, now()), now=now())
        await until(lambda: [case["state"] for case in world.cases()] == ["closed"])


@pytest.mark.faults
async def test_killed_and_started_again_it_finishes_and_stops_quickly(database: str) -> None:
    world = await settle(database, patients=20)
    box = Mailbox()
    command = [sys.executable, "-m", "hemkurva", "alerts"]
    settings = {**os.environ, **environ(database, box.port)}
    async with box.open():
        first = await asyncio.create_subprocess_exec(*command, env=settings)
        try:
            await until(lambda: world.rows("select 1 from service_heartbeat where service = 'alerts'"), 30)
            for number in range(20):
                world.take_in(*gain(2.4, now()), number=number, now=now())
        finally:
            first.kill()
            await first.wait()
        world.execute("delete from service_heartbeat")
        second = await asyncio.create_subprocess_exec(*command, env=settings)
        try:
            await until(lambda: world.rows("select 1 from service_heartbeat where service = 'alerts'"), 30)
            await until(lambda: len(world.cases()) == 20, 30)
            await until(lambda: not world.rows("select 1 from evaluation_due"))
            second.send_signal(signal.SIGTERM)
            started = time.monotonic()
            assert await asyncio.wait_for(second.wait(), 5) == 0
            assert time.monotonic() - started < 2
        finally:
            if second.returncode is None:
                second.kill()
                await second.wait()
    assert world.events().count("opened") == 20
