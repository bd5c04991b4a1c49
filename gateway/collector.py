"""Scans for measuring devices and reads each of them in a task of its own."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from gateway import profiles
from gateway.backends import Backend
from gateway.backoff import full_jitter
from gateway.intake import Intake
from gateway.session import Pace, Session
from gateway.status import StatusBoard

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 15.0
_RADIO_BASE = 1.0
_RADIO_CAP = 60.0
_SCAN_RENEWAL = 1800.0
"""A scan is started afresh this often: adapters are known to fall silent after days."""
_FAILED_BASE = 1.0
_FAILED_CAP = 60.0
_EMPTY_BASE = 2.0
_EMPTY_CAP = 30.0
_KNOWN = 256
_RETURNED = 30.0
"""A device not heard for this long has been switched on anew: it is read at once, whatever came before."""


@dataclass(kw_only=True)
class _Attempts:
    """What came of reading one device. Times are monotonic."""

    heard: float = float("-inf")
    not_before: float = float("-inf")
    failures: int = 0
    empties: int = 0
    task: asyncio.Task[None] | None = None


class Collector:
    """The listening half of the gateway."""

    def __init__(
        self,
        backend: Backend,
        intake: Intake,
        board: StatusBoard,
        *,
        zone: str,
        now: Callable[[], datetime],
        rng: random.Random,
        pace: Pace | None = None,
    ) -> None:
        """Prepare; the radio is untouched before `run`."""
        self._backend = backend
        self._intake = intake
        self._board = board
        self._zone = zone
        self._now = now
        self._rng = rng
        self._pace = pace or Pace()
        self._allowed: frozenset[str] = frozenset()
        self._devices: dict[str, _Attempts] = {}
        # BlueZ answers InProgress to a second connection attempt beside the first; sessions run side by side.
        self._connecting = asyncio.Lock()

    def allow(self, device_ids: Collection[str]) -> None:
        """Read only these devices from now on; none named means all."""
        self._allowed = frozenset(device_id.upper() for device_id in device_ids)

    async def run(self) -> None:
        """Scan and read until cancelled. A radio that is missing or fails is tried again."""
        attempt = 0
        try:
            while True:
                try:
                    async with BleakScanner(
                        self._on_advertisement,
                        service_uuids=profiles.service_uuids(),
                        backend=self._backend.scanner,
                    ):
                        attempt = 0
                        self._board.radio("ok")
                        await asyncio.sleep(_SCAN_RENEWAL)
                    continue
                except Exception as error:  # whatever the radio does, the outbox must go on being emptied
                    self._radio_failed(error)
                await asyncio.sleep(full_jitter(attempt, self._rng, base=_RADIO_BASE, cap=_RADIO_CAP))
                attempt += 1
        finally:
            await self._end_sessions()

    def _radio_failed(self, error: Exception) -> None:
        no_bus = isinstance(error, FileNotFoundError)
        off = no_bus or isinstance(error, BleakBluetoothNotAvailableError)
        self._board.radio("off" if off else "failing")
        words = "the system's D-Bus is not there" if no_bus else error
        log.error("Bluetooth does not work (%s); check that bluetoothd runs, it is tried again", words)

    def _on_advertisement(self, device: BLEDevice, _data: AdvertisementData) -> None:
        if self._allowed and device.address.upper() not in self._allowed:
            return
        now = asyncio.get_running_loop().time()
        state = self._devices.get(device.address) or self._meet(device.address)
        if now - state.heard > _RETURNED:
            state.not_before, state.failures, state.empties = now, 0, 0
        state.heard = now
        self._board.seen(device.address, self._now())
        if state.task is None and now >= state.not_before:
            state.task = asyncio.create_task(self._read(device, state))

    def _meet(self, address: str) -> _Attempts:
        """Make room for a device; watches change their address every few minutes, so old ones are dropped."""
        idle = [known for known, state in self._devices.items() if state.task is None]
        if len(idle) >= _KNOWN:
            del self._devices[min(idle, key=lambda known: self._devices[known].heard)]
        return self._devices.setdefault(address, _Attempts())

    async def _read(self, device: BLEDevice, state: _Attempts) -> None:
        """Read a device once and decide when it may be read again. Nothing it does reaches the others."""
        try:
            new = await self._session(device)
            state.failures = 0
            state.empties = 0 if new else state.empties + 1
            self._board.failed(device.address, None)
            wait = self._after_empty(state.empties)
        except (BleakError, TimeoutError, OSError, EOFError) as error:
            words = str(error) or type(error).__name__
            log.warning("device %s: %s", device.address, words)
            self._board.failed(device.address, words)
            wait = full_jitter(state.failures, self._rng, base=_FAILED_BASE, cap=_FAILED_CAP)
            state.failures += 1
        except Exception as error:  # one device's surprise must not stop the others
            log.exception("device %s: unexpected", device.address)
            self._board.failed(device.address, type(error).__name__)
            wait = _FAILED_CAP
        finally:
            state.task = None
        state.not_before = asyncio.get_running_loop().time() + wait

    def _after_empty(self, empties: int) -> float:
        """A device that advertises on and has nothing new is asked less and less often."""
        return 0.0 if empties == 0 else min(_EMPTY_CAP, _EMPTY_BASE * 2 ** min(empties - 1, 16))

    async def _session(self, device: BLEDevice) -> int:
        gone = asyncio.Event()
        client = BleakClient(
            device,
            disconnected_callback=lambda _: gone.set(),
            timeout=_CONNECT_TIMEOUT,
            backend=self._backend.client,
        )
        async with self._connecting:
            await client.connect()
        session = Session(client, self._intake, self._board, zone=self._zone, now=self._now, pace=self._pace)
        try:
            await session.run(gone)
        except BleakError:
            # The device may hang up at any moment once it has said everything; that is no fault.
            if not (gone.is_set() and session.new_readings):
                raise
        finally:
            await client.disconnect()
        return session.new_readings

    async def _end_sessions(self) -> None:
        running = [state.task for state in self._devices.values() if state.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
