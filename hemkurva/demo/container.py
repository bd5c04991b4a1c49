"""What the demo in containers needs besides the services themselves: set-up, waiting for it, a mailbox.

`python -m hemkurva.demo.container setup`, `... start DIRECTORY ARGUMENTS` and `... mail DIRECTORY PORT`; see
docker-compose.yml. `hemkurva demo` is one parent of all; here each service starts by itself, in any order.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from hemkurva.demo.gateways import PASSWORDS
from hemkurva.demo.mail import serve_mailbox
from hemkurva.demo.people import HOMES
from hemkurva.demo.seed import seed
from hemkurva.embedded import broker_files
from hemkurva.errors import CannotStart, DataUnusable, UserError
from storage.database import DatabaseUnavailable, wait_until_up
from storage.migrate import MigrationError, available, migrate

UID = 10001
"""The user and group of every process but PostgreSQL; the Dockerfile makes it, the yaml names it."""
MARK = ".set-up"
"""A file in each volume that says for which schema the set-up has been done."""
LISTENER = "1883"
DATABASE_WITHIN = 120.0
"""Seconds: a first start makes the cluster, on a Raspberry Pi's card too."""
POLL = 0.2


@dataclass(frozen=True)
class Volumes:
    """Where the volumes are mounted, in every container alike."""

    root: Path

    @property
    def secrets(self) -> Path:
        """Passwords of the database and of ingest."""
        return self.root / "secrets"

    @property
    def broker(self) -> Path:
        """Configuration, accounts and queues of Mosquitto."""
        return self.root / "broker"

    @property
    def homes(self) -> Path:
        """Adapters, remote controls and outboxes of the virtual homes, and their gateways' passwords."""
        return self.root / "homes"

    @property
    def mail(self) -> Path:
        """The mailbox."""
        return self.root / "mail"

    def all(self) -> tuple[Path, ...]:
        """Return every volume that the set-up prepares."""
        return self.secrets, self.broker, self.homes, self.mail


def prepare(volumes: Volumes, random_password: Callable[[], str], salt: Callable[[], bytes]) -> None:
    """Write passwords, and what Mosquitto reads. A password that a former run has made stays.

    `salt` returns 12 random bytes. Files are readable for their owner alone.
    """
    for directory in volumes.all():
        directory.mkdir(parents=True, exist_ok=True)
        _hand_over(directory, 0o700)
    database = _kept(volumes.secrets / "database", random_password)
    _write(volumes.secrets / "pgpass", f"*:*:*:*:{_escaped(database)}\n")
    accounts = {broker_files.INGEST: _kept(volumes.secrets / "ingest", random_password)}
    accounts |= _gateways(volumes.homes / PASSWORDS, random_password)
    _write_broker(volumes.broker, accounts, salt)


def _kept(path: Path, random_password: Callable[[], str]) -> str:
    """Return the password in a file that is made at the first time."""
    if not path.exists():
        _write(path, random_password())
    return path.read_text("utf-8").strip()


def _gateways(path: Path, random_password: Callable[[], str]) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    passwords = {home.gateway_id: known.get(home.gateway_id) or random_password() for home in HOMES}
    _write(path, json.dumps(passwords))
    return passwords


def _write_broker(directory: Path, accounts: dict[str, str], salt: Callable[[], bytes]) -> None:
    settings = {"listener": LISTENER, "directory": str(directory), "log": "stderr"}
    files = broker_files.files(accounts, settings, salt)
    # The configuration comes last: the broker's container waits for it.
    for name in sorted(files, key=lambda name: name.endswith(".conf")):
        _write(directory / name, files[name])


def _escaped(password: str) -> str:
    """Return a field of a password file (PostgreSQL's manual, "The Password File")."""
    return password.replace("\\", "\\\\").replace(":", "\\:")


def _write(path: Path, text: str) -> None:
    """Write a private file of the services' user, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    _hand_over(fresh, 0o600)
    fresh.replace(path)


def _hand_over(path: Path, mode: int) -> None:
    """Give a path to the services' user, if we are root, as the set-up is: a fresh volume is root's."""
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, UID, UID)


async def set_up(volumes: Volumes, dsn: str, now: datetime) -> None:
    """Prepare the volumes, bring the database up to date, put the demo's people in, and say so to the others.

    May be repeated at any time. Raises DatabaseUnavailable when PostgreSQL does not come up, MigrationError.
    """
    prepare(volumes, lambda: secrets.token_urlsafe(24), lambda: secrets.token_bytes(12))
    await asyncio.to_thread(wait_until_up, dsn, seconds=DATABASE_WITHIN)
    await asyncio.to_thread(migrate, dsn)
    await seed(dsn, now)
    for directory in volumes.all():
        _write(directory / MARK, _state())


def _state() -> str:
    return f"schema {len(available())}\n"


def is_set_up(volume: Path) -> bool:
    """Say whether a volume has been set up by a program that knows the same schema as this one."""
    try:
        return (volume / MARK).read_text("utf-8") == _state()
    except OSError:
        return False


@click.group()
def container() -> None:
    """Parts of the demo in containers; docker-compose.yml calls them."""


@container.command()
def setup() -> None:
    """Prepare volumes and database, then end."""
    try:
        root, dsn = os.environ["HEMKURVA_DEMO_DATA"], os.environ["HEMKURVA_DSN"]
    except KeyError as error:
        raise CannotStart(f"{error.args[0]} is not set; docker-compose.yml shows what to write") from error
    try:
        asyncio.run(set_up(Volumes(Path(root)), dsn, datetime.now(UTC)))
    except (DatabaseUnavailable, MigrationError) as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise DataUnusable(f"The volumes under {root} cannot be written ({error})") from error
    click.echo("Set up: passwords, broker files, schema, the demo's people")


@container.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("volume", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def start(volume: Path, arguments: tuple[str, ...]) -> None:
    """Wait until the set-up of VOLUME is done, then become Python with ARGUMENTS."""
    if not is_set_up(volume):
        click.echo(f"Waiting for the set-up of {volume}")
    while not is_set_up(volume):
        time.sleep(POLL)
    os.execv(sys.executable, [sys.executable, *arguments])


@container.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("port", type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def mail(directory: Path, port: int, host: str) -> None:
    """Keep what is sent by SMTP to PORT in DIRECTORY, until a signal."""
    asyncio.run(_serve_mail(directory, port, host))


async def _serve_mail(directory: Path, port: int, host: str) -> None:
    server = await serve_mailbox(directory, port, host)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run a part. A UserError becomes its one sentence and exit code 2."""
    try:
        container()
    except UserError as error:
        click.echo(f"hemkurva: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
