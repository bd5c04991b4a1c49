"""`hemkurva demo`: the whole service on this machine, with virtual devices."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import click

from hemkurva.demo import run
from hemkurva.demo.people import PASSWORD
from hemkurva.demo.scenes import SCENES

PAUSE = 20.0
"""Seconds between "ready" and the first scene: time to sign in."""
LOGINS = (
    ("nurse", "Anna Sandström, named contact (kommunsjuksköterska)"),
    ("deputy", "Erik Holmgren, her deputy"),
    ("physician", "Maria Lindfors, physician at the health centre"),
    ("patient", "Monika Bergdahl, patient with heart failure"),
    ("kin", "Karin Bergdahl, Monika's daughter (next of kin)"),
    ("operator", "Olle Teknik, runs the system"),
)


@click.command()
@click.option(
    "--port", default=8600, show_default=True, type=click.IntRange(1, 65535), help="Port of the pages."
)
@click.option(
    "--data",
    default=".demo",
    show_default=True,
    type=click.Path(path_type=Path, resolve_path=True),
    help="Directory that keeps everything.",
)
@click.option("--fresh", is_flag=True, help="Start over: forget all that the directory keeps.")
@click.option(
    "--scene",
    type=click.Choice([*SCENES, "none"]),
    help="What happens once all is up. A first start plays weight-gain, later ones nothing.",
)
def demo(port: int, data: Path, fresh: bool, scene: str | None) -> None:
    """Run the whole service on this machine, with virtual people and devices. Synthetic data only."""
    asyncio.run(_demo(run.Settings(port=port, data=data, fresh=fresh), scene))


async def _demo(settings: run.Settings, scene: str | None) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.create_task(_run(settings, scene, stop, ready))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set() and not ready.is_set():
        running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def _run(settings: run.Settings, scene: str | None, stop: asyncio.Event, ready: asyncio.Event) -> None:
    async with run.running(settings, click.echo) as demo:
        ready.set()
        _welcome(settings)
        chosen = scene or ("weight-gain" if demo.first_start else "none")
        playing = asyncio.create_task(_play(demo, chosen, stop))
        await stop.wait()
        click.echo("Stopping ...")
        playing.cancel()
        await asyncio.wait({playing})
    click.echo("Stopped. The data are kept: start again to go on, or with FRESH=1 (--fresh) to start over.")


def _welcome(settings: run.Settings) -> None:
    click.echo(f"\nHemkurva is running: {settings.url}    (synthetic data only; not for acute care)\n")
    for login, who in LOGINS:
        click.echo(f"  {login:<10} {who}")
    click.echo(f"\n  Password of each: {PASSWORD}")
    click.echo(f"  Devices to measure with, scenes, mail: {settings.url}/demo")
    click.echo(f"  Logs: {settings.data / 'log'}\n  Stop with Ctrl-C.\n")


async def _play(demo: run.Demo, name: str, stop: asyncio.Event) -> None:
    if name == "none":
        return
    scene = SCENES[name]
    click.echo(f"In {PAUSE:.0f} s: {scene.title_en}. {scene.watch_en}")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), PAUSE)
        return
    await demo.play(name)
    click.echo(f"Now: {scene.title_en}.")
