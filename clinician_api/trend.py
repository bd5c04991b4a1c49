"""What the eye needs beside the raw dots: a moving mean and the band of the patient's usual level. Pure.

A day without a value has no mean: a gap is shown as a gap and never filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, median
from zoneinfo import ZoneInfo

MEAN_DAYS = 7
MEAN_MIN = 3
BASELINE_FROM = 28
BASELINE_TO = 6
BASELINE_MIN = 10
BAND_FLOOR = 0.5
_MAD_TO_SD = 1.4826  # median absolute deviation of a normal distribution to its standard deviation


@dataclass(frozen=True, slots=True)
class BandDay:
    """Mean of the last week and the usual level on one day, in the unit of the values."""

    day: date
    mean: float | None
    low: float | None
    high: float | None
    usual: float | None


def daily(values: Iterable[tuple[datetime, float]], zone: ZoneInfo) -> dict[date, float]:
    """Return one value for each of the patient's days that has any: the mean of that day's values."""
    by_day: dict[date, list[float]] = {}
    for at, value in values:
        by_day.setdefault(at.astimezone(zone).date(), []).append(value)
    return {day: fmean(of_day) for day, of_day in by_day.items()}


def bands(by_day: Mapping[date, float], first: date, last: date) -> list[BandDay]:
    """Return each day from `first` to `last` with its 7-day mean and the band of the usual level.

    The mean covers the day and the six before it, and wants a value on the day itself and three in all. The
    usual level is the median of days 28 to 6 before (at least 10 of them), as in the slow weight rule W2:
    leaving out the last days keeps a gain that is under way from moving its own yardstick. The band is two
    robust standard deviations (1.4826 times the median absolute deviation) to each side, since a mean and its
    SD would be widened by the very decompensation that the band should show; half of it is at least 0.5,
    because a bathroom scale in kilograms does not tell less apart (our choice).
    """
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [_band(by_day, day) for day in days]


def _band(by_day: Mapping[date, float], day: date) -> BandDay:
    usual = _window(by_day, day, BASELINE_FROM, BASELINE_TO)
    if len(usual) < BASELINE_MIN:
        return BandDay(day, _moving_mean(by_day, day), None, None, None)
    centre = median(usual)
    spread = median(abs(value - centre) for value in usual)
    half = max(2 * _MAD_TO_SD * spread, BAND_FLOOR)
    return BandDay(day, _moving_mean(by_day, day), centre - half, centre + half, centre)


def _moving_mean(by_day: Mapping[date, float], day: date) -> float | None:
    if day not in by_day:
        return None
    week = _window(by_day, day, MEAN_DAYS - 1, 0)
    return fmean(week) if len(week) >= MEAN_MIN else None


def _window(by_day: Mapping[date, float], day: date, oldest: int, newest: int) -> list[float]:
    days = (day - timedelta(days=n) for n in range(newest, oldest + 1))
    return [by_day[d] for d in days if d in by_day]
