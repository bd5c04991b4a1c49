"""`hemkurva api` as a process: it starts, says what is wrong, and stops at once though pages are open."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest

from hemkurva.supervisor import free_port
from tests.integration.api import world

WITHIN = 30.0


@asynccontextmanager
async def process(dsn: str, port: int, **environ: str) -> AsyncGenerator[Process]:
    """Run `hemkurva api`; it is gone when the block ends."""
    address = f"http://127.0.0.1:{port}"
    settings = {"HEMKURVA_DSN": dsn, "HEMKURVA_HTTP_PORT": str(port), "HEMKURVA_PUBLIC_URL": address}
    command = (sys.executable, "-m", "hemkurva", "api")
    everything = os.environ | settings | environ
    running = await asyncio.create_subprocess_exec(*command, env=everything, stdout=DEVNULL, stderr=PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def sign_in_when_up(client: httpx.AsyncClient) -> httpx.Response:
    """Sign in as the nurse as soon as the server answers."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                return await client.post("/login", data={"login": "nurse", "password": world.PASSWORD})
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_it_serves_and_stops_within_two_seconds_though_a_stream_is_open(database: str) -> None:
    await world.build(database)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    async with (
        process(database, port, HEMKURVA_DEMO="1") as running,
        httpx.AsyncClient(base_url=address, headers={"origin": address}) as client,
    ):
        assert (await sign_in_when_up(client)).headers["location"] == "/inbox"
        async with client.stream("GET", "/events") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            services = (await client.get("/healthz")).json()["services"]
            assert services["api"] == "ok"
            running.terminate()
            async with asyncio.timeout(2):
                assert await running.wait() in (0, -15)


async def test_a_production_start_on_demo_logins_is_refused_in_one_sentence(database: str) -> None:
    await world.build(database)
    async with process(database, free_port(), HEMKURVA_DEMO="0") as running:
        async with asyncio.timeout(WITHIN):
            _, said = await running.communicate()
        assert running.returncode == 2
        assert said.decode().count("\n") == 1
        assert "8 demo logins" in said.decode()


@pytest.mark.parametrize(
    "environ", [{"HEMKURVA_HTTP_PORT": "x"}, {"HEMKURVA_PUBLIC_URL": "http://x.example"}]
)
async def test_a_wrong_setting_is_one_sentence(environ: dict[str, str]) -> None:
    async with process("host=/nowhere", free_port(), HEMKURVA_DEMO="0", **environ) as running:
        async with asyncio.timeout(WITHIN):
            _, said = await running.communicate()
        assert running.returncode == 2
        assert said.decode().startswith("hemkurva: HEMKURVA_")
        assert said.decode().count("\n") == 1
