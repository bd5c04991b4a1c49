"""The small pictures of the inbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from clinician_api.sparkline import daily_means, sparkline

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_repeats_of_a_day_are_one_point():
    points = [(NOON - DAY, 120.0), (NOON - DAY + timedelta(minutes=1), 130.0), (NOON, 125.0)]
    assert daily_means(points) == [(NOON - DAY + timedelta(minutes=1), 125.0), (NOON, 125.0)]


def test_the_latest_value_is_shown_whole_though_the_same_day_has_an_ordinary_one():
    points = [(NOON - DAY, 80.6), (NOON - timedelta(hours=3), 80.3), (NOON, 83.0)]
    assert daily_means(points) == [(NOON - DAY, 80.6), (NOON, 83.0)]
    line = sparkline(daily_means(points), NOON - 14 * DAY, NOON, least_span=1.0)
    assert line is not None
    assert line.latest == 83.0


def test_without_points_there_is_no_picture():
    assert daily_means([]) == []
    assert sparkline([], NOON - DAY, NOON, least_span=1.0) is None
