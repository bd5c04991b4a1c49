"""The command line that ties a child to us and drops root's rights."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from hemkurva.embedded import mqtt_probe
from hemkurva.embedded.process import ChildSpec, RunAs, command_line, open_log

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up root's rights")


def run(spec: ChildSpec, parent: int) -> subprocess.CompletedProcess[str]:
    line = command_line(spec, parent)
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd="/")


def test_the_program_gets_its_arguments_unchanged() -> None:
    spec = ChildSpec(name="x", argv=("/usr/bin/printf", "%s|", "a b", "$HOME", "'", ""))
    assert run(spec, os.getpid()).stdout == "a b|$HOME|'||"


def test_a_child_whose_parent_is_gone_already_does_not_start() -> None:
    done = run(ChildSpec(name="x", argv=("/bin/echo", "started")), parent=os.getpid() + 1)
    assert (done.returncode != 0, done.stdout) == (True, "")


@needs_root
def test_dropped_rights_leave_exactly_the_one_capability() -> None:
    spec = ChildSpec(
        name="x", argv=("/bin/cat", "/proc/self/status"), run_as=RunAs(65534, 65534, "dac_read_search")
    )
    status = dict(
        line.split(":\t", 1) for line in run(spec, os.getpid()).stdout.splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == ["65534"] * 4
    assert status["Groups"].strip() == ""
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0000000000000004"}


@needs_root
def test_without_need_no_capability_is_left() -> None:
    spec = ChildSpec(name="x", argv=("/bin/cat", "/proc/self/status"), run_as=RunAs(65534, 65534))
    lines = run(spec, os.getpid()).stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("Cap")} == {"0" * 16}


def test_a_log_that_is_a_link_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "important"
    target.write_text("keep")
    (tmp_path / "x.log").symlink_to(target)
    with pytest.raises(OSError, match=r"x\.log"):
        open_log(tmp_path / "x.log")
    assert target.read_text() == "keep"


def test_the_death_signal_is_named_as_setpriv_wants_it() -> None:
    spec = ChildSpec(name="x", argv=("/bin/true",), death_signal=signal.SIGQUIT)
    line = command_line(spec, 1)
    assert line[line.index("--pdeathsig") + 1] == "QUIT"


def test_the_connect_packet_is_that_of_the_specification() -> None:
    packet = mqtt_probe.connect_packet("probe", "pw")
    assert packet == b"\x10\x1c\x00\x04MQTT\x04\xc2\x00\x0a\x00\x05probe\x00\x05probe\x00\x02pw"


def test_an_account_too_long_for_the_probe_is_refused() -> None:
    with pytest.raises(ValueError, match="one length byte"):
        mqtt_probe.connect_packet("probe", "p" * 200)
