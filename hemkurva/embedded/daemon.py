"""A server as a child of this process: for tests and tools that have no supervisor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from hemkurva.embedded.process import ChildSpec, StopSteps, command_line, environment, open_log
from hemkurva.errors import CannotStart

POLL = 0.02
"""Seconds between two looks at a server that is about to be ready."""


class Daemon(ABC):
    """Prepare, start, wait, stop. A supervisor uses `prepare` and `is_ready` and starts it by itself."""

    def __init__(self, directory: Path) -> None:
        """Keep data, configuration and log below `directory`, which belongs to this server alone."""
        self.directory = directory.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._stop_steps: StopSteps = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The server's name, also of its log file."""

    @abstractmethod
    def prepare(self) -> ChildSpec:
        """Write what the server needs on disk and return how to start it. May be called again."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Say whether the server answers a client now."""

    def cleanup(self) -> None:  # noqa: B027  most servers leave nothing behind
        """Remove what should not outlive a stopped server."""

    @property
    def log(self) -> Path:
        """Where the server's output goes when started by `start`."""
        return self.directory / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id of the started server. Raises RuntimeError if it was not started by `start`."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._process.pid

    def start(self, timeout: float = 30.0) -> None:
        """Start the server and return once it is ready. Raises CannotStart after `timeout` seconds.

        Call it from a thread that lives as long as the server shall (see `process.command_line`).
        """
        spec = self.prepare()
        self._stop_steps = spec.stop_steps
        with open_log(self.log) as output:
            self._process = subprocess.Popen(
                command_line(spec, os.getpid()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(spec),
                cwd=spec.cwd,
                start_new_session=True,
            )
        try:
            self._wait_ready(self._process, time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server; return when its process is gone. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is not None:
            _stop(process, self._stop_steps)
            self.cleanup()

    def kill(self) -> None:
        """Kill the server as a crash would (SIGKILL). For fault tests."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not self.is_ready():
            if process.poll() is not None:
                raise CannotStart(f"{self.name} ended at its start: {last_line(self.log)} (log: {self.log})")
            if time.monotonic() > deadline:
                raise CannotStart(f"{self.name} was not ready in time; look into its log {self.log}")
            time.sleep(POLL)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()


def last_line(log: Path) -> str:
    """Return the last line of a log that says something, for an error message; empty if there is none."""
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").splitlines()[-20:]
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""


def _stop(process: subprocess.Popen[bytes], steps: StopSteps) -> None:
    for number, seconds in steps:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
