"""Mosquitto with one account per gateway, default deny, on the loopback interface."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from pathlib import Path

from hemkurva.embedded import broker_files, mqtt_probe
from hemkurva.embedded.daemon import POLL, Daemon
from hemkurva.embedded.process import ChildSpec, RunAs
from hemkurva.embedded.unprivileged import runner
from hemkurva.errors import CannotStart, MissingTool

HOST = "127.0.0.1"
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where Mosquitto is when PATH does not say so; Debian keeps it out of a user's PATH."""


class EmbeddedMosquitto(Daemon):
    """A broker of our own: gateways by name, the server as `ingest`.

    Each connected process needs an account of its own, because the broker takes the account's name for the
    client id and lets a second connection replace the first. Further server processes use `ingest-2` etc.
    """

    def __init__(self, directory: Path, port: int) -> None:
        """Keep files in `directory` and listen on `port` of 127.0.0.1. Touches nothing before `prepare`."""
        super().__init__(directory)
        self.host = HOST
        self.port = port
        self._run_as: RunAs | None = None
        self._lines = self._read_accounts()
        self._probe_password = ""

    @property
    def name(self) -> str:
        """Return "mosquitto"."""
        return "mosquitto"

    def prepare(self) -> ChildSpec:
        """Write configuration, passwords and access list, and return how to start the broker.

        Raises MissingTool without Mosquitto, DataUnusable if the directory cannot be used.
        """
        binary = find_binary()
        self._run_as = runner(self.directory)
        settings = {"listener": f"{self.port} {HOST}", "directory": str(self.directory), "log": "stderr"}
        config = broker_files.render_config(broker_files.TEMPLATE.read_text(), settings)
        self._write("mosquitto.conf", config)
        self._write_accounts()
        argv = (str(binary), "-c", str(self.directory / "mosquitto.conf"))
        return ChildSpec(name=self.name, argv=argv, cwd=Path("/"), run_as=self._run_as)

    def is_ready(self) -> bool:
        """Say whether the broker listens and has read the accounts as they are now."""
        return mqtt_probe.accepted(HOST, self.port, broker_files.PROBE, self._probe_password)

    def add_gateway(self, gateway_id: str, password: str | None = None) -> str:
        """Let a gateway in, or change its password; return the password. Raises ValueError for a bad name.

        A broker that `start` started learns it before this returns; one that a supervisor started needs a
        SIGHUP and `wait_applied`.
        """
        return self._add(broker_files.check_gateway_name(gateway_id), password)

    def add_server(self, name: str = broker_files.INGEST, password: str | None = None) -> str:
        """Let a server process in, which reads all gateways and writes to all; return the password."""
        return self._add(broker_files.check_server_name(name), password)

    def remove(self, name: str) -> None:
        """Shut an account out. Raises KeyError if there is none."""
        del self._lines[name]
        self._apply()

    def wait_applied(self, timeout: float = 10.0) -> None:
        """Return once the broker has read the accounts as they are now.

        Raises CannotStart after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"Mosquitto did not read its accounts again; look into its log {self.log}")
            time.sleep(POLL)

    def _add(self, name: str, password: str | None) -> str:
        chosen = password or secrets.token_urlsafe(24)
        self._lines[name] = broker_files.password_line(name, chosen, secrets.token_bytes(12))
        self._apply()
        return chosen

    def _apply(self) -> None:
        if self._probe_password:
            self._write_accounts()
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
            self.wait_applied()

    def _write_accounts(self) -> None:
        """Write both files anew, with a new password of the probe, by which it knows that they were read."""
        self._probe_password = secrets.token_urlsafe(24)
        probe = broker_files.password_line(broker_files.PROBE, self._probe_password, secrets.token_bytes(12))
        servers = [name for name in self._lines if broker_files.is_server(name)]
        self._write("access", broker_files.access_list(servers))
        self._write("passwords", "\n".join([*self._lines.values(), probe]) + "\n")

    def _read_accounts(self) -> dict[str, str]:
        """Return the lines of the accounts that a former run has left, by name."""
        try:
            lines = (self.directory / "passwords").read_text().splitlines()
        except FileNotFoundError:
            return {}
        accounts = {line.partition(":")[0]: line for line in lines}
        accounts.pop(broker_files.PROBE, None)
        return accounts

    def _write(self, name: str, text: str) -> None:
        """Write a file that only the broker reads, whole or not at all: 2.1 quits over half a file."""
        fresh = self.directory / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
            if self._run_as is not None:
                os.fchown(out.fileno(), self._run_as.uid, self._run_as.gid)
        fresh.rename(self.directory / name)


def find_binary() -> Path:
    """Return the path of mosquitto. Raises MissingTool with what to install."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *PLACES))
    found = shutil.which("mosquitto", path=path)
    if found is None:
        raise MissingTool(
            "Mosquitto, the message broker, is not installed; run `make install`, or install the package "
            "`mosquitto` of your system"
        )
    return Path(found)
