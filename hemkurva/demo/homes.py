"""The process of the virtual homes: the devices, each home's air, and a control on a Unix socket.

`python -m hemkurva.demo.homes DIRECTORY`. The control is for the demo's panel and scenes; see `control`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import uvicorn
from bumble.link import LocalLink
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from devices.blood_pressure import BloodPressure
from devices.heart_rate import HeartRate
from devices.virtual.history import history
from devices.virtual.models import BloodPressureMonitor, HeartRateSensor, WeightScale
from devices.weight import Weight
from hemkurva.demo.control import HOMES_SOCKET
from hemkurva.demo.dongle import serve_adapter
from hemkurva.demo.people import HOMES, Home

SEED = 20261122
ZONE = ZoneInfo("Europe/Stockholm")
FILLED = "memories-read"
"""Exists once all of the past has left the devices; only then is it not filled in again."""


def wall_clock() -> datetime:
    """Return the time that the devices show: the homes' local time, without a zone, as real ones keep it."""
    return datetime.now(ZONE).replace(tzinfo=None)


class Measure(BaseModel):
    """What a device is to measure now. Weight in kg, pressures in mm[Hg], pulse and heart rate in /min.

    `gain_3_days` sets the weight to that many kg above the one of three days ago. `body_movement` sets the
    cuff's status flag; `user_id` the user slot.
    """

    weight: float | None = Field(None, ge=1, le=300)
    gain_3_days: float | None = Field(None, ge=-20, le=20)
    systolic: int | None = Field(None, ge=40, le=280)
    diastolic: int | None = Field(None, ge=20, le=200)
    pulse: int | None = Field(None, ge=20, le=250)
    heart_rate: int | None = Field(None, ge=20, le=250)
    body_movement: bool = False
    user_id: int | None = Field(1, ge=0, le=254)


class Frames(BaseModel):
    """Raw frames for a device to send, as hex, whatever bytes they are."""

    frames: list[str] = Field(min_length=1, max_length=100)


class VirtualHome:
    """The devices of one home on one link."""

    def __init__(self, home: Home) -> None:
        """Build the devices; nothing advertises before `start`."""
        self.home = home
        self.link = LocalLink()
        name = home.patient.given_name
        self.devices: dict[str, BloodPressureMonitor | WeightScale | HeartRateSensor] = {
            "scale": self._scale("scale", f"Virtual Scale {name}", battery=82),
            "cuff": BloodPressureMonitor(
                self.link, home.device_id("cuff"), name=f"Virtual Cuff {name}", now=wall_clock, battery=67
            ),
        }
        if home.strap:
            self.devices["strap"] = HeartRateSensor(
                self.link, home.device_id("strap"), name=f"Virtual Strap {name}", now=wall_clock, battery=95
            )
        self.weights: list[tuple[datetime, float]] = []

    def _scale(self, key: str, name: str, battery: int) -> WeightScale:
        return WeightScale(self.link, self.home.device_id(key), name=name, now=wall_clock, battery=battery)

    async def start(self) -> None:
        """Switch all devices on."""
        for device in self.devices.values():
            await device.start()

    async def stop(self) -> None:
        """Switch all devices off."""
        for device in self.devices.values():
            await device.stop()

    def remember(self, now: datetime, *, fill: bool) -> None:
        """Recall the past weeks; with `fill`, put them as records into the devices' memories."""
        home = self.home
        past = history(home.profile, person=home.person, days=home.days, now=now, seed=SEED)
        weights = [m for _, m in past if isinstance(m, Weight)]
        pressures = [m for _, m in past if isinstance(m, BloodPressure)]
        self.weights = [(m.taken_at, m.weight) for m in weights if m.taken_at and m.weight]
        if fill:
            scale, cuff = self.devices["scale"], self.devices["cuff"]
            assert isinstance(scale, WeightScale)
            assert isinstance(cuff, BloodPressureMonitor)
            scale.load([scale.encode(m) for m in weights])
            cuff.load([cuff.encode(m) for m in pressures])

    def weight_after(self, gain: float, now: datetime) -> float:
        """Return the weight that is `gain` kg above the lowest of the three days before today."""
        first = now.date() - timedelta(days=3)
        recent = [kg for at, kg in self.weights if first <= at.date() < now.date()]
        last = [kg for _, kg in self.weights[-1:]] or [self.home.person.weight or 75.0]
        return round(min(recent or last) + gain, 1)

    def bring_unknown_scale(self) -> WeightScale:
        """Carry a scale into the home that is bound to nobody, and return it (switched off)."""
        scale = self._scale("unknown", "Guest Scale", battery=50)
        self.devices["unknown"] = scale
        return scale


def measurement(
    home: VirtualHome, device: str, wanted: Measure, now: datetime
) -> BloodPressure | Weight | HeartRate:
    """Return what the device measures. Raises ValueError that names the missing value."""
    if device in {"scale", "unknown"}:
        kg = wanted.weight
        if wanted.gain_3_days is not None:
            kg = home.weight_after(wanted.gain_3_days, now)
        if kg is None:
            raise ValueError("a scale needs weight (kg) or gain_3_days (kg)")
        return Weight(weight=kg, user_id=wanted.user_id)
    if device == "strap":
        if wanted.heart_rate is None:
            raise ValueError("a chest strap needs heart_rate (/min)")
        return HeartRate(heart_rate=wanted.heart_rate, sensor_contact=True)
    if wanted.systolic is None or wanted.diastolic is None:
        raise ValueError("a cuff needs systolic and diastolic (mm[Hg])")
    return BloodPressure(
        systolic=wanted.systolic,
        diastolic=wanted.diastolic,
        mean_arterial_pressure=round((wanted.systolic + 2 * wanted.diastolic) / 3),
        pulse_rate=wanted.pulse,
        user_id=wanted.user_id,
        body_movement=wanted.body_movement,
        cuff_too_loose=False,
        irregular_pulse=False,
        pulse_rate_range="within",
        improper_position=False,
    )


def control(homes: dict[str, VirtualHome]) -> FastAPI:
    """Return the HTTP control over the homes, for a Unix socket only."""
    app = FastAPI(title="Virtual homes", openapi_url=None)

    def find(home: str, device: str) -> VirtualHome:
        if home not in homes or device not in homes[home].devices:
            raise HTTPException(404, f"no device {device!r} in a home {home!r}")
        return homes[home]

    @app.get("/homes")
    async def list_homes() -> list[dict[str, Any]]:
        return [describe(home) for home in homes.values()]

    @app.post("/homes/{home}/devices/{device}/measure")
    async def measure(home: str, device: str, wanted: Measure) -> dict[str, Any]:
        there = find(home, device)
        try:
            made = measurement(there, device, wanted, wall_clock())
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        frame = there.devices[device].measure(made)  # pyright: ignore[reportArgumentType]  measurement() matches
        if isinstance(made, Weight) and device == "scale" and made.weight:
            there.weights.append((wall_clock(), made.weight))
        return {"frame": frame.hex(), "values": msgspec.to_builtins(made)}

    @app.post("/homes/{home}/devices/{device}/frames", status_code=204)
    async def frames(home: str, device: str, wanted: Frames) -> None:
        there = find(home, device)
        try:
            raw = [bytes.fromhex(text) for text in wanted.frames]
        except ValueError as error:
            raise HTTPException(422, f"frames are hex digits: {error}") from error
        there.devices[device].load(raw)

    @app.post("/homes/{home}/unknown-scale", status_code=204)
    async def unknown_scale(home: str) -> None:
        there = find(home, "scale")
        if "unknown" not in there.devices:
            await there.bring_unknown_scale().start()

    return app


def describe(home: VirtualHome) -> dict[str, Any]:
    """Return what the panel shows of a home."""
    person = home.home.person
    return {
        "home": home.home.key,
        "name": f"{home.home.patient.given_name} {home.home.patient.family_name}",
        "gateway_id": home.home.gateway_id,
        "usual": {
            "weight": home.weights[-1][1] if home.weights else person.weight,
            "systolic": person.systolic,
            "diastolic": person.diastolic,
            "pulse": person.pulse,
        },
        "devices": [
            {"device": key, "name": device.name, "pending": device.pending, "battery": device.battery}
            for key, device in home.devices.items()
        ],
    }


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncGenerator[dict[str, VirtualHome]]:
    """Run all homes; their adapters appear as DIRECTORY/KEY.hci.

    The devices' memories are filled until they have been read once: the kit has been in use for a while.
    """
    filled = directory / FILLED
    homes = {home.key: VirtualHome(home) for home in HOMES}
    servers = [await serve_adapter(home.link, directory / f"{key}.hci") for key, home in homes.items()]
    for home in homes.values():
        await home.start()
        home.remember(wall_clock(), fill=not filled.exists())
    note = asyncio.create_task(_note_when_read(homes, filled))
    try:
        yield homes
    finally:
        note.cancel()
        for server in servers:
            server.close()
        for home in homes.values():
            await home.stop()


async def _note_when_read(homes: dict[str, VirtualHome], filled: Path) -> None:
    devices = [device for home in homes.values() for device in home.devices.values()]
    while any(device.pending for device in devices):  # noqa: ASYNC110  devices tell nobody when they are empty
        await asyncio.sleep(0.5)
    await asyncio.to_thread(filled.touch)


async def main(directory: Path) -> None:
    """Run until a signal."""
    async with running(directory) as homes:
        config = uvicorn.Config(control(homes), uds=str(directory / HOMES_SOCKET), log_level="warning")
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
