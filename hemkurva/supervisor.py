"""Runs processes: starts them in order, starts a crashed one again, stops all in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from hemkurva.embedded.daemon import last_line
from hemkurva.embedded.process import ChildSpec, command_line, environment, open_log
from hemkurva.errors import CannotStart, DiskFull, PortInUse

Ready = Callable[[], Awaitable[bool]]
LOG_BYTES = 20 * 1024 * 1024
"""A log longer than this is put aside (one generation) when its process starts."""
READY_POLL = 0.05
OWN_PORTS = range(18_000, 32_000)


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Seconds to wait before a crashed child is started again: doubled each time, forgotten when it has been
    up for `stable` seconds."""

    first: float = 0.2
    most: float = 10.0
    stable: float = 30.0

    def delay(self, crashes_in_a_row: int) -> float:
        """Return the wait after the n-th crash in a row, n from 1."""
        return min(self.most, self.first * 2.0 ** min(crashes_in_a_row - 1, 30))


@dataclass(frozen=True, kw_only=True)
class ChildState:
    """What an operator sees of a child. `last_exit` is the exit status, negative for a signal."""

    name: str
    pid: int | None
    restarts: int
    last_exit: int | None


@dataclass
class _Child:
    spec: ChildSpec
    log: Path
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    last_exit: int | None = None
    keeper: asyncio.Task[None] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Parent of named children. All methods belong to one event loop, in a thread that outlives the children.

    Each child is in a session of its own (Ctrl-C at the terminal reaches only us), logs to
    `log_dir`/NAME.log, and is killed by the kernel if we die.
    """

    def __init__(
        self,
        log_dir: Path,
        *,
        backoff: Backoff | None = None,
        on_restart: Callable[[ChildState], None] | None = None,
    ) -> None:
        """Keep logs in `log_dir`, which is created. `on_restart` is called after each restart."""
        log_dir.mkdir(parents=True, exist_ok=True)
        self._log_dir = log_dir
        self._backoff = backoff or Backoff()
        self._on_restart = on_restart
        self._children: dict[str, _Child] = {}
        self._stopped = False

    async def start(self, spec: ChildSpec, *, ready: Ready | None = None, within: float = 30.0) -> None:
        """Start a child; return when it runs and `ready` says so. From then on it is kept running.

        Raises CannotStart if it ends before that or is not ready `within` seconds (it is stopped then),
        ValueError if a child of that name exists.
        """
        if spec.name in self._children:
            raise ValueError(f"there is a child named {spec.name} already")
        child = _Child(spec, self._log_dir / f"{spec.name}.log")
        self._children[spec.name] = child
        try:
            await _spawn(child)
            # `stop` may have come while the process was being made; it has not seen the process then.
            if self._stopped or child.stopping.is_set():
                raise CannotStart(f"{spec.name} was not started: everything is being stopped")
            await _wait_ready(child, ready, within)
        except BaseException:
            self._children.pop(spec.name, None)
            await _end(child)
            raise
        child.keeper = asyncio.create_task(self._keep(child), name=f"keep {spec.name}")

    async def stop(self) -> None:
        """Stop all children, last started first; return when every process is gone. Nothing starts after."""
        self._stopped = True
        while self._children:
            _, child = self._children.popitem()
            await _end(child)

    async def stop_child(self, name: str) -> None:
        """Stop one child for good and forget it. Raises KeyError if there is none."""
        await _end(self._children.pop(name))

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a child. Raises KeyError if there is none, ProcessLookupError if it is down."""
        process = self._children[name].process
        if process is None or process.returncode is not None:
            raise ProcessLookupError(f"{name} is not running")
        process.send_signal(number)

    def states(self) -> list[ChildState]:
        """Return the children's states in the order of their start."""
        return [_state(child) for child in self._children.values()]

    async def _keep(self, child: _Child) -> None:
        crashes = 0
        while not child.stopping.is_set():
            started = time.monotonic()
            child.last_exit = await child.process.wait() if child.process is not None else child.last_exit
            child.process = None
            crashes = 1 if time.monotonic() - started > self._backoff.stable else crashes + 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), self._backoff.delay(crashes))
                return
            await self._restart(child)

    async def _restart(self, child: _Child) -> None:
        child.restarts += 1
        # A program or a log that cannot be opened at the moment (an upgrade is under way) is one more crash.
        with contextlib.suppress(CannotStart):
            await _spawn(child)
        if child.stopping.is_set() and child.process is not None:
            await _stop(child.process, child.spec)
        elif self._on_restart is not None:
            self._on_restart(_state(child))


async def _spawn(child: _Child) -> None:
    spec = child.spec
    if shutil.which(spec.argv[0]) is None:
        raise CannotStart(f"{spec.name} cannot be started: there is no program {spec.argv[0]}")
    try:
        _put_aside(child.log)
        with open_log(child.log) as output:
            child.process = await asyncio.create_subprocess_exec(
                *command_line(spec, os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(spec),
                cwd=spec.cwd,
                start_new_session=True,
            )
    except OSError as error:
        raise CannotStart(f"{spec.name} cannot be started: {error}") from error


async def _end(child: _Child) -> None:
    child.stopping.set()
    if child.process is not None:
        await _stop(child.process, child.spec)
    if child.keeper is not None:
        await child.keeper


async def _wait_ready(child: _Child, ready: Ready | None, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while child.process is not None and child.process.returncode is None:
                if ready is None or await ready():
                    return
                await asyncio.sleep(READY_POLL)
    except TimeoutError:
        raise CannotStart(f"{child.spec.name} was not ready in time; look into its log {child.log}") from None
    if child.stopping.is_set():
        raise CannotStart(f"{child.spec.name} was stopped before it was ready")
    raise CannotStart(f"{child.spec.name} ended at its start: {last_line(child.log)} (log: {child.log})")


async def _stop(process: asyncio.subprocess.Process, spec: ChildSpec) -> None:
    for number, seconds in spec.stop_steps:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
            return
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _state(child: _Child) -> ChildState:
    running = child.process is not None and child.process.returncode is None
    pid = child.process.pid if running and child.process is not None else None
    return ChildState(name=child.spec.name, pid=pid, restarts=child.restarts, last_exit=child.last_exit)


def _put_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def free_port(host: str = "127.0.0.1", rng: random.Random | None = None) -> int:
    """Return a TCP port of `host` that nobody listens on now. Somebody else may take it before you do.

    It lies below the range from which systems lend ports to outgoing connections (Linux: 32768 and up), so
    that a server that is started again finds its port free. Raises PortInUse if a hundred are taken.
    """
    source = rng or random.SystemRandom()
    for port in source.sample(OWN_PORTS, 100):
        with contextlib.suppress(OSError):
            socket.create_server((host, port)).close()
            return port
    raise PortInUse(f"No free port was found on {host}; end some programs that listen there and try again")


def ensure_port_free(port: int, host: str = "127.0.0.1", option: str = "--port") -> None:
    """Raise PortInUse, naming the command-line `option` that chooses another, if nobody can listen there."""
    if not 0 < port < 65536:
        raise PortInUse(f"{port} is not a port; choose one from 1 to 65535 with {option} N")
    try:
        # create_server sets SO_REUSEADDR, so that connections of a former run that linger do not count.
        socket.create_server((host, port)).close()
    except PermissionError as error:
        raise PortInUse(f"Port {port} is for root alone; choose one above 1023 with {option} N") from error
    except OSError as error:
        raise PortInUse(f"Port {port} is in use; choose another with {option} N") from error


def ensure_disk(path: Path, need_bytes: int) -> None:
    """Raise DiskFull unless the disk that holds `path`, or its nearest existing parent, has room."""
    place = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < need_bytes:
        raise DiskFull(
            f"The disk of {place} has {free >> 20} MB free and {need_bytes >> 20} MB are needed; make room, "
            "or choose another directory with --data DIR"
        )
