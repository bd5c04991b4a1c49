"""The moving mean and the usual band, on plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clinician_api.trend import bands, daily

STOCKHOLM = ZoneInfo("Europe/Stockholm")
TODAY = date(2026, 11, 20)


def days_back(values: dict[int, float]) -> dict[date, float]:
    return {TODAY - timedelta(days=n): value for n, value in values.items()}


def test_a_day_is_the_patients_day() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # half past midnight on the 20th in Stockholm
    assert daily([(late, 80.0), (late + timedelta(hours=6), 81.0)], STOCKHOLM) == {TODAY: 80.5}


def test_the_mean_covers_seven_days_and_wants_three_values() -> None:
    by_day = days_back({0: 80, 6: 82, 7: 200})
    assert bands(by_day, TODAY, TODAY)[0].mean is None
    assert bands(by_day | days_back({3: 84}), TODAY, TODAY)[0].mean == 82


def test_a_gap_stays_a_gap() -> None:
    by_day = days_back(dict.fromkeys(range(1, 7), 80))
    before, on = bands(by_day, TODAY - timedelta(days=1), TODAY)
    assert (before.mean, on.mean) == (80, None)


@pytest.mark.parametrize(("count", "known"), [(9, False), (10, True)])
def test_the_band_wants_ten_values(count: int, known: bool) -> None:
    by_day = days_back(dict.fromkeys(range(6, 6 + count), 80))
    assert (bands(by_day, TODAY, TODAY)[0].low is not None) is known


def test_the_band_looks_at_days_6_to_28_only() -> None:
    by_day = days_back(dict.fromkeys(range(6, 29), 80.0) | dict.fromkeys((*range(6), 29, 30), 90.0))
    band = bands(by_day, TODAY, TODAY)[0]
    assert (band.low, band.usual, band.high) == (79.5, 80, 80.5)


def test_the_band_is_two_robust_deviations_wide() -> None:
    by_day = days_back({n: 80.0 + (n % 3 - 1) for n in range(6, 27)})  # 79, 80, 81 alike: MAD 1
    band = bands(by_day, TODAY, TODAY)[0]
    assert band.high == pytest.approx(80 + 2 * 1.4826)
    one_artefact = bands(by_day | days_back({10: 120}), TODAY, TODAY)[0]
    assert one_artefact.high == pytest.approx(band.high)


def test_a_gain_under_way_does_not_move_its_yardstick() -> None:
    flat = days_back(dict.fromkeys(range(29), 80.0))
    rising = flat | days_back({n: 83.0 - n / 2 for n in range(6)})
    assert bands(flat, TODAY, TODAY)[0].high == bands(rising, TODAY, TODAY)[0].high
