"""What the patients measure: quiet values, and one that breaks an urgent limit when asked for."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta

from tests.bench.house import CUFF, SCALE
from wire.codec import encode_reading, join_batch
from wire.identity import reading_id
from wire.reading import ClockQuality, Kind, Origin, Reading, Values

MEMORY = timedelta(days=25)
"""How far back the bursts reach, as if devices brought their memory: a rule's window is then full."""


class Cohort:
    """Makes messages for each patient's gateway. Every reading is different."""

    def __init__(self, patients: int, now: datetime, rng: random.Random) -> None:
        """Readings of bursts are measured before `now`."""
        self._patients = patients
        self._now = now
        self._rng = rng
        self._numbers = itertools.count()

    def memory(self, readings: int, each: int) -> list[tuple[int, bytes]]:
        """Return (patient, message) of `readings` stored readings, `each` per message, patients in turn."""
        rounds = max(each, -(-readings // self._patients))
        made: list[tuple[int, bytes]] = []
        for begin in range(0, rounds, each):
            for patient in range(self._patients):
                ages = [MEMORY * (1 - (begin + n + self._rng.random()) / rounds) for n in range(each)]
                made.append((patient, _message([self._quiet(self._now - age) for age in ages])))
        return made[: readings // each]

    def live(self, now: datetime, *, urgent: bool) -> bytes:
        """Return a message with one reading of this moment."""
        return _message([self._pressure(now, 190.0) if urgent else self._quiet(now)])

    def _quiet(self, at: datetime) -> Reading:
        if next(self._numbers) % 2:
            return self._pressure(at, self._rng.uniform(115, 130))
        return _reading(
            SCALE, Kind.WEIGHT, Values(weight=round(self._rng.uniform(79.8, 80.2), 2)), at, self._raw()
        )

    def _pressure(self, at: datetime, systolic: float) -> Reading:
        values = Values(
            systolic=round(systolic), diastolic=80, mean_arterial=95, pulse=self._rng.randint(60, 80)
        )
        return _reading(CUFF, Kind.BLOOD_PRESSURE, values, at, self._raw())

    def _raw(self) -> bytes:
        return self._rng.randbytes(17)


def _message(readings: list[Reading]) -> bytes:
    return join_batch([encode_reading(reading) for reading in readings])


def _reading(device: str, kind: Kind, values: Values, at: datetime, raw: bytes) -> Reading:
    characteristic = "2A9D" if kind is Kind.WEIGHT else "2A35"
    device_time = at.replace(microsecond=0, tzinfo=None)
    return Reading(
        reading_id=reading_id(
            device_id=device,
            user_slot=1,
            characteristic=characteristic,
            raw=raw,
            device_time=device_time,
            received_at=at,
        ),
        device_id=device,
        kind=kind,
        values=values,
        received_at=at,
        measured_at=at,
        device_time=device_time.isoformat(),
        clock=ClockQuality.VERIFIED,
        user_slot=1,
        origin=Origin.LIVE,
        characteristic=characteristic,
        raw=raw.hex(),
    )
