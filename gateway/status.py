"""What the gateway knows of itself and of its devices, for the operator."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import msgspec

from gateway.outbox import Outbox
from wire.messages import SCHEMA_VERSION, DeviceStatus, Status

MAX_DEVICES = 64
_LONGEST_NAME = 64
_LONGEST_ERROR = 200
_GROWING_FROM = 10


def software_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("hemkurva")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, kw_only=True)
class Boot:
    """This start of the gateway: `boot_id` tells starts apart, `at` is when."""

    boot_id: str
    at: datetime


class StatusBoard:
    """Collects what collector and publisher see; `changed` is set when the operator should hear of it now."""

    def __init__(self, outbox: Outbox, boot: Boot) -> None:
        """Start with no device seen and the radio off."""
        self.changed = asyncio.Event()
        self._outbox = outbox
        self._boot = boot
        self._devices: dict[str, DeviceStatus] = {}
        self._radio: Literal["ok", "off", "failing"] = "off"
        self._reported_waiting = 0

    def radio(self, state: Literal["ok", "off", "failing"]) -> None:
        """Note the state of the radio."""
        if state != self._radio:
            self._radio = state
            self.changed.set()

    def seen(self, device_id: str, now: datetime) -> None:
        """Note that a device was heard; news if it is the first time."""
        known = self._devices.get(device_id)
        if known is None:
            self._make_room()
            self._devices[device_id] = DeviceStatus(device_id=device_id, last_seen=now)
            self.changed.set()
        else:
            self._devices[device_id] = msgspec.structs.replace(known, last_seen=now)

    def described(self, device_id: str, *, name: str | None, battery: int | None) -> None:
        """Note what a device says of itself; absent parts keep their last value."""
        known = self._devices.get(device_id, DeviceStatus(device_id=device_id))
        self._update(
            known,
            msgspec.structs.replace(
                known,
                name=known.name if name is None else name[:_LONGEST_NAME],
                battery=known.battery if battery is None else min(battery, 100),
            ),
        )

    def failed(self, device_id: str, error: str | None) -> None:
        """Note why a device could not be read; None when it could."""
        known = self._devices.get(device_id, DeviceStatus(device_id=device_id))
        words = None if error is None else error[:_LONGEST_ERROR]
        self._update(known, msgspec.structs.replace(known, last_error=words))

    def outbox_grew(self) -> None:
        """Look at the outbox; news if it holds twice as much as was last reported."""
        if self._outbox.waiting() >= max(_GROWING_FROM, 2 * self._reported_waiting):
            self.changed.set()

    def report(self, now: datetime) -> Status:
        """Return the message for the server, and take the news as told."""
        self.changed.clear()
        self._reported_waiting = self._outbox.waiting()
        return Status(
            schema=SCHEMA_VERSION,
            online=True,
            boot_id=self._boot.boot_id,
            version=software_version(),
            sent_at=now,
            uptime=max(0.0, (now - self._boot.at).total_seconds()),
            outbox=self._reported_waiting,
            outbox_oldest=self._outbox.oldest(),
            radio=self._radio,
            devices=list(self._devices.values()),
        )

    def farewell(self, now: datetime | None = None) -> Status:
        """Return the message that says the gateway is gone: the MQTT will (no time), or a clean stop."""
        return Status(
            schema=SCHEMA_VERSION,
            online=False,
            boot_id=self._boot.boot_id,
            version=software_version(),
            sent_at=now,
        )

    def _update(self, known: DeviceStatus, new: DeviceStatus) -> None:
        if new.device_id not in self._devices:
            self._make_room()
        self._devices[new.device_id] = new
        if new != known:
            self.changed.set()

    def _make_room(self) -> None:
        """Forget the device not seen longest: a street full of belts must not burst the message."""
        while len(self._devices) >= MAX_DEVICES:
            stalest = min(self._devices.values(), key=lambda device: str(device.last_seen or ""))
            del self._devices[stalest.device_id]
