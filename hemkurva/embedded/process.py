"""How a child process is described, and the command line that ties its life to ours."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

StopSteps = tuple[tuple[signal.Signals, float], ...]

# Run after setpriv has set the death signal: a parent that died before that moment would go unnoticed.
_EXEC_IF_PARENT_LIVES = '[ "$PPID" = "$0" ] && exec "$@"'


@dataclass(frozen=True)
class RunAs:
    """The unprivileged user of a child that root starts, and the one capability it keeps, if any.

    The capability lets it walk through directories that are closed to everybody but root (a checkout in
    /root); see capabilities(7).
    """

    uid: int
    gid: int
    capability: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """One child process. Times in seconds.

    `stop_steps` are signals in order, each with the time the child has to obey; SIGKILL to its process group
    comes last in any case. `death_signal` is what the kernel sends it if we die without stopping it.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    run_as: RunAs | None = None
    stop_steps: StopSteps = ((signal.SIGTERM, 10.0),)
    death_signal: signal.Signals = signal.SIGKILL


def command_line(spec: ChildSpec, parent: int) -> list[str]:
    """Return what to execute: the child's argv behind setpriv(1), which drops rights and ties it to `parent`.

    `parent` is the process that will start it. The kernel ties the child to the *thread* that starts it
    (prctl(2), PR_SET_PDEATHSIG), so start children from a thread that lives as long as they shall. Without
    setpriv (not Linux) the argv is returned as it is.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(spec.argv)
    death = ["--pdeathsig", spec.death_signal.name.removeprefix("SIG")]
    tie = ["/bin/sh", "-c", _EXEC_IF_PARENT_LIVES, str(parent)]
    return [setpriv, *death, *_drop_rights(spec.run_as), "--", *tie, *spec.argv]


def environment(spec: ChildSpec) -> dict[str, str]:
    """Return the child's environment: its own, or ours."""
    return dict(os.environ if spec.env is None else spec.env)


def open_log(path: Path) -> BinaryIO:
    """Open a log to append to, refusing a link: its directory may belong to a less trusted user than us."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "ab")


def _drop_rights(run_as: RunAs | None) -> list[str]:
    if run_as is None:
        return []
    options = [f"--reuid={run_as.uid}", f"--regid={run_as.gid}", "--clear-groups"]
    if run_as.capability is None:
        return [*options, "--inh-caps=-all", "--bounding-set=-all"]
    kept = f"-all,+{run_as.capability}"
    # access(2) ignores the capabilities of a process that is not root unless no_setuid_fixup is set, and
    # PostgreSQL looks for its own binary with access(2).
    return [
        *options,
        f"--inh-caps={kept}",
        f"--ambient-caps=+{run_as.capability}",
        f"--bounding-set={kept}",
        "--securebits=+no_setuid_fixup",
    ]
