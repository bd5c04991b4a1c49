"""The demo as a new user meets it: one sentence for each thing that is in the way, and data that stay."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from hemkurva.demo import run
from hemkurva.demo.control import open_controls
from hemkurva.errors import DataUnusable, DiskFull, MissingTool, PortInUse
from hemkurva.supervisor import free_port
from tests.e2e.support import alive, until


def nothing(_: str) -> None:
    """Say nothing."""


async def start(settings: run.Settings) -> None:
    async with run.running(settings, nothing):
        pytest.fail("the demo started")


async def test_a_port_in_use_says_which_option_to_give(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"{port}.*--port"):
            await start(run.Settings(port=port, data=tmp_path / "demo"))


async def test_a_full_disk_says_so_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "ROOM_NEEDED", 1 << 60)
    with pytest.raises(DiskFull, match="--data"):
        await start(run.Settings(port=free_port(), data=tmp_path / "demo"))
    assert [path.name for path in (tmp_path / "demo").iterdir()] == []


async def test_without_mosquitto_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("hemkurva.embedded.mosquitto.PLACES", ())
    with pytest.raises(MissingTool, match="make install"):
        await start(run.Settings(port=free_port(), data=tmp_path / "demo"))


async def test_a_directory_with_other_things_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataUnusable, match="--data"):
        await start(run.Settings(port=free_port(), data=tmp_path, fresh=True))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


async def test_two_demos_do_not_share_a_directory(tmp_path: Path):
    settings = run.Settings(port=free_port(), data=tmp_path / "demo")
    with run.own(settings), pytest.raises(DataUnusable, match="already runs"):
        await start(settings)


async def test_a_second_start_keeps_the_data_and_fresh_forgets_them(tmp_path: Path):
    settings = run.Settings(port=free_port(), data=tmp_path / "demo")
    async with run.running(settings, nothing) as demo, open_controls(settings.data / "homes") as controls:
        assert demo.first_start
        made = await controls.measure("lars", "scale", weight=77.7)
        await until(lambda: is_stored(demo.dsn, made["frame"]), within=30, what="the reading stored")
    async with run.running(settings, nothing) as demo:
        assert not demo.first_start
        assert await is_stored(demo.dsn, made["frame"])
        pids = [state.pid or 0 for state in demo.supervisor.states()]
    assert not [pid for pid in pids if alive(pid)]
    async with run.running(run.Settings(port=settings.port, data=settings.data, fresh=True), nothing) as demo:
        assert demo.first_start
        assert not await is_stored(demo.dsn, made["frame"])


async def is_stored(dsn: str, frame: str) -> bool:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        query = "select exists (select from reading where encode(raw, 'hex') = %s)"
        cursor = await conn.execute(query, [frame])
        return await cursor.fetchone() == (True,)


def test_ctrl_c_ends_every_process_and_healthz_names_each_service(tmp_path: Path):
    port = free_port()
    argv = [sys.executable, "-m", "hemkurva", "demo", "--port", str(port), "--data", str(tmp_path / "demo")]
    with subprocess.Popen([*argv, "--scene", "none"], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        lines: list[str] = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        answer = httpx.get(f"http://127.0.0.1:{port}/healthz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert {"postgresql", "ingest", "alerts", "api", "gateway"} <= set(answer.json()["services"])
        text = "".join(lines)
        for login in ("nurse", "physician", "patient", "kin", "operator", f"http://127.0.0.1:{port}"):
            assert login in text
        children = [
            int(pid) for pid in Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        ]
        assert len(children) >= 7
        os.kill(demo.pid, signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait(timeout=30) == 0
    assert "Stopped" in rest
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
