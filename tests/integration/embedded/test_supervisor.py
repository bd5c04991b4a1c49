"""The supervisor with real processes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hemkurva.embedded.process import ChildSpec
from hemkurva.errors import CannotStart, DiskFull, PortInUse
from hemkurva.supervisor import Backoff, ChildState, Supervisor, ensure_disk, ensure_port_free, free_port

SLEEP = ("/bin/sleep", "60")


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    running = Supervisor(tmp_path / "log", backoff=Backoff(first=0.01, most=0.05))
    yield running
    await running.stop()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is watched are other processes
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    """Say whether the process runs; a zombie does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def state(supervisor: Supervisor, name: str) -> ChildState:
    return next(child for child in supervisor.states() if child.name == name)


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


async def test_a_child_gets_its_environment_and_logs_under_its_name(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    log = tmp_path / "log" / "talker.log"

    async def said() -> bool:
        return "ready å" in log.read_text()

    spec = ChildSpec(
        name="talker",
        argv=shell('echo "$WORD å"; pwd >&2; exec sleep 60'),
        env={"WORD": "ready"},
        cwd=tmp_path,
    )
    await supervisor.start(spec, ready=said)
    await until(lambda: str(tmp_path) in log.read_text())


async def test_a_crashed_child_is_started_again_and_counted(tmp_path: Path) -> None:
    seen: list[ChildState] = []
    supervisor = Supervisor(tmp_path, backoff=Backoff(first=0.01), on_restart=seen.append)
    await supervisor.start(ChildSpec(name="sleeper", argv=SLEEP))
    first = state(supervisor, "sleeper").pid
    assert first is not None
    supervisor.send_signal("sleeper", signal.SIGKILL)
    await until(lambda: bool(seen))
    assert (seen[0].restarts, seen[0].last_exit) == (1, -signal.SIGKILL)
    assert seen[0].pid not in (None, first)
    await supervisor.stop()
    assert supervisor.states() == []


async def test_a_log_that_cannot_be_written_is_one_more_crash(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start(ChildSpec(name="child", argv=SLEEP))
    log_dir = tmp_path / "log"
    log_dir.rename(tmp_path / "moved")
    supervisor.send_signal("child", signal.SIGKILL)
    await until(lambda: state(supervisor, "child").restarts >= 2)
    log_dir.mkdir()
    await until(lambda: state(supervisor, "child").pid is not None)


async def test_a_child_that_keeps_crashing_is_tried_again_with_longer_and_longer_pauses() -> None:
    backoff = Backoff(first=0.2, most=10)
    assert [backoff.delay(n) for n in (1, 2, 3, 7, 1000)] == [0.2, 0.4, 0.8, 10, 10]


async def test_a_crashing_child_can_be_stopped_in_its_pause(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, backoff=Backoff(first=30))
    await supervisor.start(ChildSpec(name="brief", argv=shell("exit 3")))
    await until(lambda: state(supervisor, "brief").last_exit == 3)
    began = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - began < 5


async def test_children_stop_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("first", "second", "third"):
        script = f"trap 'echo {name} >> {order}; exit' TERM; echo up; while :; do sleep 0.02; done"
        log = tmp_path / "log" / f"{name}.log"

        async def up(log: Path = log) -> bool:
            return "up" in log.read_text()  # noqa: ASYNC240  a few bytes

        await supervisor.start(ChildSpec(name=name, argv=shell(script)), ready=up)
    await supervisor.stop()
    assert order.read_text().split() == ["third", "second", "first"]


async def test_a_child_that_ignores_the_signal_is_killed_with_its_own_children(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    log = tmp_path / "log" / "stubborn.log"

    async def up() -> bool:
        return log.read_text().endswith("\n")

    spec = ChildSpec(
        name="stubborn",
        argv=shell("trap '' TERM; sleep 60 & echo $!; wait; wait"),
        stop_steps=((signal.SIGTERM, 0.1),),
    )
    await supervisor.start(spec, ready=up)
    pids = [state(supervisor, "stubborn").pid, int(log.read_text())]
    await supervisor.stop()
    await until(lambda: not any(alive(pid) for pid in pids if pid))


async def test_a_child_that_ends_at_once_is_told_with_its_last_words(supervisor: Supervisor) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(CannotStart, match=r"broken ended at its start: no such table .*broken\.log"):
        await supervisor.start(
            ChildSpec(name="broken", argv=shell("echo no such table; exit 1")), ready=never
        )
    assert supervisor.states() == []


async def test_a_child_that_is_never_ready_is_stopped(supervisor: Supervisor) -> None:
    pids: list[int | None] = []

    async def never() -> bool:
        pids.extend(child.pid for child in supervisor.states())
        return False

    with pytest.raises(CannotStart, match="slow was not ready in time; look into its log"):
        await supervisor.start(ChildSpec(name="slow", argv=SLEEP), ready=never, within=0.2)
    assert pids[0] is not None
    assert not alive(pids[0])


async def test_a_missing_program_is_told(supervisor: Supervisor) -> None:
    with pytest.raises(CannotStart, match="there is no program /no/such/program"):
        await supervisor.start(ChildSpec(name="nothing", argv=("/no/such/program",)))


async def test_two_children_of_one_name_are_refused(supervisor: Supervisor) -> None:
    await supervisor.start(ChildSpec(name="twin", argv=SLEEP))
    with pytest.raises(ValueError, match="named twin already"):
        await supervisor.start(ChildSpec(name="twin", argv=SLEEP))


async def test_what_is_about_to_start_when_all_is_stopped_does_not_stay(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"

    async def never() -> bool:
        return False

    script = shell(f"echo $$ >> {pids}; exec sleep 60")
    starts = [
        asyncio.create_task(supervisor.start(ChildSpec(name=str(number), argv=script), ready=never))
        for number in range(3)
    ]
    await asyncio.sleep(0)
    await supervisor.stop()
    assert all(isinstance(one, CannotStart) for one in await asyncio.gather(*starts, return_exceptions=True))
    started = [int(word) for word in pids.read_text().split()] if pids.exists() else []
    assert not any(alive(pid) for pid in started)
    assert supervisor.states() == []
    with pytest.raises(CannotStart, match="everything is being stopped"):
        await supervisor.start(ChildSpec(name="late", argv=SLEEP))


async def test_a_long_log_is_put_aside(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemkurva.supervisor.LOG_BYTES", 10)
    log = tmp_path / "log" / "sleeper.log"
    log.write_text("more than ten bytes")
    await supervisor.start(ChildSpec(name="sleeper", argv=SLEEP))
    assert log.read_text() == ""
    assert log.with_suffix(".log.1").read_text() == "more than ten bytes"


KILLED = """
import asyncio, sys
from pathlib import Path
from hemkurva.embedded.mosquitto import EmbeddedMosquitto
from hemkurva.embedded.postgres import EmbeddedPostgres
from hemkurva.embedded.process import ChildSpec
from hemkurva.supervisor import Supervisor, free_port

async def main(base):
    supervisor = Supervisor(base / "log")
    daemons = [
        EmbeddedPostgres(base / "postgres", fast=True),
        EmbeddedMosquitto(base / "mosquitto", free_port()),
    ]
    for daemon in daemons:
        async def ready(daemon=daemon):
            return daemon.is_ready()
        await supervisor.start(daemon.prepare(), ready=ready)
    deaf = ("/bin/sh", "-c", "trap '' TERM INT; while :; do sleep 1; done")
    await supervisor.start(ChildSpec(name="deaf", argv=deaf))
    print(*(child.pid for child in supervisor.states()), flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_killing_the_supervisor_leaves_no_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        try:
            assert supervisor.stdout is not None
            children = [int(word) for word in supervisor.stdout.readline().split()]
            everybody = descendants(supervisor.pid)
        finally:
            supervisor.kill()
    assert set(children) < set(everybody)  # PostgreSQL's own children are among them
    deadline = time.monotonic() + 10
    while left := [pid for pid in everybody if alive(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """Return the processes below that one (Linux: /proc)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"^Port {port} is in use; choose another with --port N$"):
            ensure_port_free(port)


def test_a_free_port_is_free_also_just_after_use() -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        server.accept()[0].close()
        client.recv(1)
    ensure_port_free(port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_told(port: int) -> None:
    with pytest.raises(PortInUse, match="--port N"):
        ensure_port_free(port)


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path) -> None:
    ensure_disk(tmp_path / "not" / "yet", 1)
    with pytest.raises(DiskFull, match=r"make room, or choose another directory with --data DIR"):
        ensure_disk(tmp_path / "not" / "yet", 1 << 60)
    assert not (tmp_path / "not").exists()


def test_a_free_port_is_none_that_an_outgoing_connection_could_be_given() -> None:
    """A server that is started again must find its port free, whatever has connected to where meanwhile."""
    lent_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 < free_port() < lent_from for _ in range(20))


def test_a_port_in_use_is_not_free() -> None:
    first = free_port(rng=random.Random(1))
    with socket.create_server(("127.0.0.1", first)):
        assert free_port(rng=random.Random(1)) != first
