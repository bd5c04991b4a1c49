"""Which user a server runs as when root starts it: PostgreSQL refuses root, Mosquitto does not need it."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hemkurva.embedded.process import ChildSpec, RunAs, command_line
from hemkurva.errors import DataUnusable

CAPABILITIES: tuple[str | None, ...] = (None, "dac_read_search", "dac_override")
"""Tried in order, least power first. Containers often have only the last; see capabilities(7)."""

_ENTER_AND_RUN = 'cd "$0" && exec "$@"'


def runner(directory: Path, probe: Sequence[str] = ("/bin/true",)) -> RunAs | None:
    """Return the user for a server that keeps its data in `directory`, or None to run it as ourselves.

    As root: the directory's owner if that is not root, else nobody; with a capability if it could not enter
    `directory` and run `probe` (a short command of the server's own binary) otherwise. Creates `directory`
    (mode 0700) and gives it to that user. Raises DataUnusable if the directory belongs to somebody else, or
    no way leads to it or to the binary.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = directory.stat()
    if os.geteuid() != 0:
        if owner.st_uid != os.geteuid():
            raise DataUnusable(
                f"{directory} belongs to another user; choose another directory with --data DIR"
            )
        return None
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _nobody()
    os.chown(directory, uid, gid)
    for capability in CAPABILITIES:
        candidate = RunAs(uid, gid, capability)
        if _can_run(candidate, directory, probe):
            return candidate
    raise DataUnusable(
        f"An unprivileged user cannot enter {directory}; choose a directory that everybody may pass through, "
        "for instance with --data /var/lib/hemkurva"
    )


def _can_run(run_as: RunAs, directory: Path, probe: Sequence[str]) -> bool:
    """Say whether a process with those rights can, by starting one that does."""
    argv = ("/bin/sh", "-c", _ENTER_AND_RUN, str(directory), *probe)
    line = command_line(ChildSpec(name="probe", argv=argv, run_as=run_as), os.getpid())
    done = subprocess.run(line, cwd="/", capture_output=True, check=False)
    return done.returncode == 0


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid
