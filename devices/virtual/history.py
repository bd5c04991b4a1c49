"""Plausible histories of a person at home, as a device's memory would hold them. Pure and seeded.

Synthetic data, not clinical evidence. Noise after the published figures that the project's cohort uses:
weight AR(1) with rho 0.3, drift 0.03 kg/sqrt(day), scale error SD 0.1 kg; day SD of systolic 8.6 and
diastolic 5.8 mm[Hg], within a session 4; pulse SD 5 /min, times 1.6 in atrial fibrillation. The noise is cut
off so that only a profile's own story crosses a limit: a demonstration must not alert by chance.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from devices.blood_pressure import BloodPressure
from devices.measurement import Measurement
from devices.weight import Weight

WEIGHT_RHO = 0.3
WEIGHT_DRIFT_SD = 0.03
SCALE_ERROR_SD = 0.1
SYSTOLIC_DAY_SD = 8.6
DIASTOLIC_DAY_SD = 5.8
SESSION_SD = 4.0
PULSE_SD = 5.0
FIBRILLATION_FACTOR = 1.6

MORNING = time(7, 10)
JITTER = timedelta(minutes=15)
LONGEST_SESSION = timedelta(minutes=15)
_CUT_OFF = 2.2
_ADHERENCE = 0.9
_MEASURED_FOR_SURE = 7
_SILENT_DAYS = 4

DECOMPENSATION_GAIN = (0.0, 0.1, 0.2, 1.0, 2.4)
"""kg above baseline on the last five measured days: within the limit of 2.0 kg in 3 days until the last."""


class Profile(StrEnum):
    """Whose history it is."""

    STABLE_HEART_FAILURE = "stable_heart_failure"
    DECOMPENSATING = "decompensating"
    HYPERTENSION = "hypertension"
    MISSING_LATELY = "missing_lately"
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Person:
    """Baselines: weight in kg (None: has no scale) with its day SD, pressures in mm[Hg], pulse in /min."""

    systolic: float
    diastolic: float
    pulse: float
    weight: float | None = None
    weight_sd: float = 0.35  # below the published median of 0.55, whose 3-day differences often pass 2 kg
    height: float = 1.66
    fibrillation: bool = False


PERSONS: dict[Profile, Person] = {
    Profile.STABLE_HEART_FAILURE: Person(systolic=121, diastolic=73, pulse=66, weight=78.4),
    Profile.DECOMPENSATING: Person(systolic=124, diastolic=76, pulse=72, weight=71.6, height=1.62),
    Profile.HYPERTENSION: Person(systolic=142, diastolic=89, pulse=74),
    Profile.MISSING_LATELY: Person(systolic=128, diastolic=78, pulse=70, weight=84.2, height=1.74),
    Profile.IRREGULAR: Person(systolic=131, diastolic=80, pulse=80, fibrillation=True),
}


def history(
    profile: Profile | str,
    *,
    days: int,
    now: datetime,
    seed: int,
    zone: str = "Europe/Stockholm",
    final_reading: bool = True,
    person: Person | None = None,
) -> list[tuple[datetime, Measurement]]:
    """Return (device's wall-clock time, measurement), oldest first, none later than `now`.

    One session each measured morning about 07:10: the weight, then two blood pressures 1-2 minutes apart.
    `now` is local if naive; if aware it is brought to `zone`. The last of the `days` is today when this
    morning's session is over, else yesterday. `final_reading=False` leaves out the last day, which lets a
    demonstration measure it live. `person` takes the place of the profile's own baselines. The same arguments
    give the same history. Raises ValueError for an unknown profile.
    """
    profile = Profile(profile)
    rng = random.Random(f"{profile}:{seed}")
    person = person or PERSONS[profile]
    offsets = _measured_days(rng, days, silent=_SILENT_DAYS if profile is Profile.MISSING_LATELY else 0)
    weights = _weights(rng, person, days, decompensating=profile is Profile.DECOMPENSATING)
    last = _last_morning(now, zone)
    readings: list[tuple[datetime, Measurement]] = []
    for day in range(days):
        session = _session(rng, person, last - timedelta(days=days - 1 - day), weights[day])
        if day in offsets and (final_reading or day != days - 1):
            readings += session
    return readings


def _last_morning(now: datetime, zone: str) -> datetime:
    local = now.replace(tzinfo=None) if now.tzinfo is None else now.astimezone(ZoneInfo(zone))
    local = local.replace(tzinfo=None)
    morning = datetime.combine(local.date(), MORNING)
    return morning if local >= morning + JITTER + LONGEST_SESSION else morning - timedelta(days=1)


def _measured_days(rng: random.Random, days: int, *, silent: int) -> set[int]:
    """Return the days with a session: no gap is longer than a day, and the last week has none."""
    measured: set[int] = set()
    for day in range(days):
        forgets = rng.random() >= _ADHERENCE and day - 1 in measured
        if not forgets or day >= days - silent - _MEASURED_FOR_SURE:
            measured.add(day)
    return {day for day in measured if day < days - silent}


def _weights(rng: random.Random, person: Person, days: int, *, decompensating: bool) -> list[float | None]:
    if person.weight is None:
        return [None] * days
    noise = drift = 0.0
    innovation = person.weight_sd * (1 - WEIGHT_RHO**2) ** 0.5
    weights: list[float | None] = []
    for _ in range(days):
        noise = WEIGHT_RHO * noise + _gauss(rng, innovation)
        drift += _gauss(rng, WEIGHT_DRIFT_SD)
        weights.append(person.weight + drift + noise + _gauss(rng, SCALE_ERROR_SD))
    if decompensating:
        base = person.weight + drift
        tail = DECOMPENSATION_GAIN[-days:] if days < len(DECOMPENSATION_GAIN) else DECOMPENSATION_GAIN
        weights[-len(tail) :] = [base + gain for gain in tail]
    return weights


def _session(
    rng: random.Random, person: Person, morning: datetime, weight: float | None
) -> list[tuple[datetime, Measurement]]:
    """Return one morning. It draws the same numbers whether or not it is used, so that days stay in place."""
    jitter = JITTER.total_seconds()
    moment = morning + timedelta(seconds=round(rng.uniform(-jitter, jitter)))
    day = (_gauss(rng, SYSTOLIC_DAY_SD), _gauss(rng, DIASTOLIC_DAY_SD), _gauss(rng, _pulse_sd(person)))
    readings: list[tuple[datetime, Measurement]] = []
    if weight is not None:
        readings.append((moment, _weigh(person, weight, moment)))
    for pause in (rng.randint(180, 420), rng.randint(60, 120)):
        moment += timedelta(seconds=pause)
        readings.append((moment, _measure_pressure(rng, person, day, moment)))
    return readings


def _weigh(person: Person, weight: float, moment: datetime) -> Weight:
    shown = round(weight, 1)
    return Weight(
        weight=shown,
        bmi=round(shown / person.height**2, 1),
        height=person.height,
        taken_at=moment,
        user_id=1,
    )


def _measure_pressure(
    rng: random.Random, person: Person, day: tuple[float, float, float], moment: datetime
) -> BloodPressure:
    systolic = round(person.systolic + day[0] + _gauss(rng, SESSION_SD))
    diastolic = round(person.diastolic + day[1] + _gauss(rng, SESSION_SD))
    return BloodPressure(
        systolic=float(systolic),
        diastolic=float(diastolic),
        mean_arterial_pressure=float(round(diastolic + (systolic - diastolic) / 3)),
        pulse_rate=float(round(person.pulse + day[2] + _gauss(rng, 1.5))),
        taken_at=moment,
        user_id=1,
        body_movement=False,
        cuff_too_loose=False,
        irregular_pulse=person.fibrillation and rng.random() < 0.8,
        pulse_rate_range="within",
        improper_position=False,
    )


def _pulse_sd(person: Person) -> float:
    return PULSE_SD * FIBRILLATION_FACTOR if person.fibrillation else PULSE_SD


def _gauss(rng: random.Random, sd: float) -> float:
    """Return a normal deviate, cut off at 2.2 SD."""
    return sd * max(-_CUT_OFF, min(_CUT_OFF, rng.gauss(0, 1)))
