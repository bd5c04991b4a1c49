"""Small pictures of two weeks, as SVG paths. Pure. A gap of more than a day and a half stays a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

WIDTH = 96.0
HEIGHT = 26.0
MARGIN = 3.0
GAP = timedelta(hours=36)

Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A path in a box of WIDTH by HEIGHT, its last point, and the values for those who cannot see it."""

    path: str
    last_x: float
    last_y: float
    first: float
    latest: float


def sparkline(
    points: Sequence[Point], start: datetime, end: datetime, *, least_span: float
) -> Sparkline | None:
    """Return the picture of points in order of time between `start` and `end`; None without any.

    The box spans at least `least_span` units, so that everyday noise does not look like a mountain.
    """
    if not points:
        return None
    values = [value for _, value in points]
    middle = (min(values) + max(values)) / 2
    span = max(max(values) - min(values), least_span)
    placed = [(at, _x(at, start, end), _y(value, middle, span)) for at, value in points]
    _, last_x, last_y = placed[-1]
    return Sparkline(_path(placed), last_x, last_y, values[0], values[-1])


def daily_means(points: Sequence[Point]) -> list[Point]:
    """Return one point for each UTC day: repeats of a morning would only make the small picture jagged.

    The last point is the latest value itself, the one that is printed beside the picture: a mean with an
    ordinary value of the same morning would hide half of what the case is about.
    """
    days: dict[date, list[Point]] = {}
    for at, value in points:
        days.setdefault(at.astimezone(UTC).date(), []).append((at, value))
    means = [(of_day[-1][0], fmean(value for _, value in of_day)) for of_day in days.values()]
    return [*means[:-1], *points[-1:]]


def _x(at: datetime, start: datetime, end: datetime) -> float:
    share = (at - start) / (end - start)
    return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)


def _y(value: float, middle: float, span: float) -> float:
    return round(HEIGHT / 2 - (value - middle) / span * (HEIGHT - 2 * MARGIN), 1)


def _path(placed: Sequence[tuple[datetime, float, float]]) -> str:
    parts: list[str] = []
    before: datetime | None = None
    for at, x, y in placed:
        draw = before is not None and at - before <= GAP
        # A point with no neighbour is drawn as a dot: a line of no length with round ends.
        parts.append(f"L{x} {y}" if draw else f"M{x} {y}h0")
        before = at
    return "".join(parts)
