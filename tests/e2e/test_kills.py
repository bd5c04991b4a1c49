"""Every process is killed once, mid-way, and every reading is stored once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from hemkurva.demo import run
from hemkurva.demo.control import Controls, open_controls
from hemkurva.demo.people import HOMES, identify
from tests.e2e.support import alive, running_demo, until

VICTIMS = ("gateways", "ingest", "alerts", "mosquitto", "postgres", "web")
PER_VICTIM = 20
DRAINED_WITHIN = 90.0


def pid_of(demo: run.Demo, name: str) -> int:
    return next(state.pid for state in demo.supervisor.states() if state.name == name) or 0


async def weigh(controls: Controls, number: int) -> tuple[str, str]:
    """Step on one of the scales; each weighing has a weight of its own, so that no two frames are equal."""
    home = HOMES[number % len(HOMES)].key
    made = await controls.measure(home, "scale", weight=round(110 + number * 0.1, 1))
    return home, made["frame"]


async def stored(dsn: str) -> Counter[str]:
    """Return how often each weight frame is stored; nothing while the database is down."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=5) as conn:
            rows = await conn.execute("select encode(raw, 'hex') from reading where kind = 'weight'")
            return Counter([row[0] for row in await rows.fetchall()])
    except psycopg.OperationalError:
        return Counter()


@pytest.mark.faults
async def test_every_process_dies_once_and_every_reading_is_stored_once(tmp_path: Path):
    async with running_demo(tmp_path) as demo, open_controls(demo.settings.data / "homes") as controls:
        frames: list[str] = []
        killed: list[int] = []
        for turn, victim in enumerate(VICTIMS):
            for number in range(PER_VICTIM):
                _, frame = await weigh(controls, turn * PER_VICTIM + number)
                frames.append(frame)
                if number == PER_VICTIM // 2:
                    killed.append(pid_of(demo, victim))
                    os.kill(killed[-1], signal.SIGKILL)
                await asyncio.sleep(0.1)

        async def all_there() -> bool:
            return set(frames) <= set(await stored(demo.dsn))

        await until(all_there, within=DRAINED_WITHIN, what="all weighings stored")
        counts = await stored(demo.dsn)
        assert [frame for frame in frames if counts[frame] != 1] == []
        assert len(set(frames)) == len(VICTIMS) * PER_VICTIM
        restarts = {state.name: state.restarts for state in demo.supervisor.states()}
        assert all(restarts[victim] >= 1 for victim in VICTIMS), restarts
        assert not any(alive(pid) for pid in killed)
        await until(lambda: evaluated(demo.dsn), within=30, what="evaluation of all readings")
        await one_open_case_each(demo.dsn)


async def evaluated(dsn: str) -> bool:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        row = await (await conn.execute("select count(*) from evaluation_due")).fetchone()
        return row == (0,)


async def one_open_case_each(dsn: str) -> None:
    """Whose plan watches the weight, and who had one in the days before, has exactly one open case for it."""
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        rows = await conn.execute(
            "select patient_id, count(*), count(owner_unit_id) from alert_case"
            " where family = 'weight' and state <> 'closed' group by patient_id"
        )
        found = {row[0]: row[1:] for row in await rows.fetchall()}
    assert found == {identify(home): (1, 1) for home in ("monika", "gunnar", "stina")}
