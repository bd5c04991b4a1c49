"""Starts and stops all of the demo: PostgreSQL, Mosquitto, ingest, alerts, homes, gateways, pages.

One directory holds everything that lasts, so that a second start goes on where the first one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from hemkurva.demo.control import open_controls
from hemkurva.demo.gateways import PASSWORDS
from hemkurva.demo.mail import serve_mailbox
from hemkurva.demo.people import HOMES
from hemkurva.demo.scenes import SCENES, Stage
from hemkurva.demo.seed import seed
from hemkurva.embedded.daemon import Daemon
from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.embedded.process import ChildSpec
from hemkurva.errors import CannotStart, DataUnusable
from hemkurva.supervisor import Supervisor, ensure_disk, ensure_port_free, free_port
from storage.migrate import migrate

MARKER = "hemkurva-demo"
"""A file that says that a directory is a demo's own: only such a one is ever emptied."""
ROOM_NEEDED = 500 * 1024 * 1024
READY_WITHIN = 60.0
HOST = "127.0.0.1"
SECRETS = "secrets.json"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the demo listens and keeps its data. `fresh` starts over."""

    port: int
    data: Path
    fresh: bool = False

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return f"http://{HOST}:{self.port}"


@dataclass
class Demo:
    """A running demo."""

    settings: Settings
    dsn: str
    supervisor: Supervisor
    first_start: bool

    async def play(self, scene: str) -> None:
        """Play a scene. Raises KeyError for an unknown one."""
        async with (
            open_controls(self.settings.data / "homes") as controls,
            httpx.AsyncClient(base_url=self.settings.url, headers={"origin": self.settings.url}) as web,
        ):
            await SCENES[scene].play(Stage(controls, web))


@asynccontextmanager
async def running(settings: Settings, report: Callable[[str], None]) -> AsyncGenerator[Demo]:
    """Yield once every service answers; stop every process on the way out.

    Raises UserError with one sentence for a port in use, a missing tool, a full disk, unusable data.
    `report` is told what is happening.
    """
    ensure_port_free(settings.port)
    with own(settings):
        supervisor = Supervisor(
            settings.data / "log", on_restart=lambda state: report(f"{state.name} restarted")
        )
        smtp_port = free_port()
        mailbox = await serve_mailbox(settings.data / "mail", smtp_port)
        try:
            yield await _start(settings, supervisor, smtp_port, report)
        finally:
            await supervisor.stop()
            mailbox.close()


async def _start(
    settings: Settings, supervisor: Supervisor, smtp_port: int, report: Callable[[str], None]
) -> Demo:
    postgres = EmbeddedPostgres(settings.data / "postgres")
    broker = EmbeddedMosquitto(settings.data / "mosquitto", free_port())
    keys = _secrets(settings.data, broker)
    report("Starting PostgreSQL and Mosquitto ...")
    await asyncio.gather(_start_daemon(supervisor, postgres), _start_daemon(supervisor, broker))
    dsn = await asyncio.to_thread(postgres.ensure_database, "hemkurva")
    await asyncio.to_thread(migrate, dsn)
    first = await seed(dsn, datetime.now(UTC))
    environment = _environment(settings, dsn, broker.port, keys["ingest"], smtp_port)
    report("Starting ingest, alerts, pages, homes and gateways ...")
    await asyncio.gather(
        *(
            supervisor.start(ChildSpec(name=name, argv=(sys.executable, *argv), env=environment))
            for name, argv in services(settings.data).items()
        )
    )
    await _wait_healthy(settings)
    return Demo(settings, dsn, supervisor, first)


def services(data: Path) -> dict[str, list[str]]:
    """Return the services by name, each as Python's arguments. docker-compose.yml starts the same."""
    homes = str(data / "homes")
    return {
        "ingest": ["-m", "hemkurva", "ingest"],
        "alerts": ["-m", "hemkurva", "alerts"],
        "web": ["-m", "hemkurva.demo.web"],
        "homes": ["-m", "hemkurva.demo.homes", homes],
        "gateways": ["-m", "hemkurva.demo.gateways", homes],
    }


async def _start_daemon(supervisor: Supervisor, daemon: Daemon) -> None:
    spec = await asyncio.to_thread(daemon.prepare)
    await supervisor.start(spec, ready=lambda: asyncio.to_thread(daemon.is_ready))


async def _wait_healthy(settings: Settings) -> None:
    """Return once /healthz says that each service is up. Raises CannotStart naming what is not."""
    lacking = "the pages do not answer"
    async with httpx.AsyncClient(base_url=settings.url) as web:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                while True:
                    with contextlib.suppress(httpx.TransportError, ValueError):
                        answer = await web.get("/healthz")
                        lacking = json.dumps(answer.json().get("services"))
                        if answer.status_code == 200 and await _homes_answer(settings):
                            return
                    await asyncio.sleep(0.1)
    raise CannotStart(
        f"Not everything was up within {READY_WITHIN:.0f} s ({lacking}); look into {settings.data / 'log'}"
    )


async def _homes_answer(settings: Settings) -> bool:
    async with open_controls(settings.data / "homes") as controls:
        return all(home["power"] for home in await controls.describe())


def _secrets(data: Path, broker: EmbeddedMosquitto) -> dict[str, str]:
    """Return the passwords at the broker, made once per data directory, and write the gateways' own file."""
    path = data / SECRETS
    names = ["ingest", *(home.gateway_id for home in HOMES)]
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    known = {name: known.get(name) or secrets.token_urlsafe(24) for name in names}
    _write_private(path, known)
    broker.add_server("ingest", known["ingest"])
    for home in HOMES:
        broker.add_gateway(home.gateway_id, known[home.gateway_id])
    _write_private(data / "homes" / PASSWORDS, {home.gateway_id: known[home.gateway_id] for home in HOMES})
    return known


def _write_private(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(content, out)


def _environment(
    settings: Settings, dsn: str, broker_port: int, password: str, smtp_port: int
) -> dict[str, str]:
    return os.environ | {
        "HEMKURVA_DEMO": "1",
        "HEMKURVA_DEMO_DATA": str(settings.data),
        "HEMKURVA_DSN": dsn,
        "HEMKURVA_MQTT_HOST": HOST,
        "HEMKURVA_MQTT_PORT": str(broker_port),
        "HEMKURVA_MQTT_USERNAME": "ingest",
        "HEMKURVA_MQTT_PASSWORD": password,
        "HEMKURVA_HTTP_HOST": HOST,
        "HEMKURVA_HTTP_PORT": str(settings.port),
        "HEMKURVA_PUBLIC_URL": settings.url,
        "HEMKURVA_SMTP_HOST": HOST,
        "HEMKURVA_SMTP_PORT": str(smtp_port),
        "HEMKURVA_SMTP_FROM": "hemkurva@demo.example",
        # Minutes in a real service; somebody is watching here.
        "HEMKURVA_SWEEP_SECONDS": "2",
        "HEMKURVA_GATEWAY_SILENT_SECONDS": "15",
        "HEMKURVA_SETTLE_SECONDS": "12",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def own(settings: Settings) -> Generator[None]:
    """Hold the data directory for this demo alone, emptied first if it is to be fresh."""
    data = settings.data
    _refuse_foreign(data)
    try:
        data.mkdir(parents=True, exist_ok=True)
        ensure_disk(data, ROOM_NEEDED)
        lock = (data / MARKER).open("w")
    except OSError as error:
        raise DataUnusable(
            f"{data} cannot be written ({error.strerror}); choose another with --data DIR"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataUnusable(
                f"A demo already runs on {data}; stop it, or choose another with --data DIR"
            ) from None
        if settings.fresh:
            _empty(data)
        yield


def _refuse_foreign(data: Path) -> None:
    if data.exists() and not data.is_dir():
        raise DataUnusable(f"{data} is not a directory; choose another with --data DIR")
    if data.exists() and any(data.iterdir()) and not (data / MARKER).exists():
        raise DataUnusable(
            f"{data} holds something else than a demo; choose an empty directory with --data DIR"
        )


def _empty(data: Path) -> None:
    for path in data.iterdir():
        if path.name == MARKER:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
