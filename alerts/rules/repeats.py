"""Confirmation: a value outside its limit is measured again, and the mean of the repeats decides.

Domain, "Confirmation": rest for 5 minutes and measure twice more; what is not repeated in 30 minutes alerts
all the same, marked unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from alerts.rules.series import Vital

REPEAT_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Episode:
    """A point outside its limits and the points of the next 30 minutes, which repeat it."""

    anchor: Vital
    repeats: Sequence[Vital]

    @property
    def repeat_mean(self) -> Vital | None:
        """Return the mean of the repeats, at the anchor's time; None before there are any."""
        if not self.repeats:
            return None
        columns = zip(*(repeat.values for repeat in self.repeats), strict=True)
        means = tuple(round(sum(column) / len(self.repeats), 1) for column in columns)
        return self.anchor._replace(values=means)

    @property
    def reading_ids(self) -> tuple[UUID, ...]:
        """Return the anchor's and the repeats' identities."""
        return (self.anchor.reading_id, *(repeat.reading_id for repeat in self.repeats))


def episodes(points: Sequence[Vital], outside: Callable[[Vital], bool], after: datetime) -> list[Episode]:
    """Return the episodes whose anchor is later than `after`.

    A point within 30 minutes of an anchor repeats it and is no anchor itself. Episodes are looked for from
    the series' beginning, so that `after` does not decide where one starts.
    """
    found: list[Episode] = []
    index = 0
    while index < len(points):
        anchor = points[index]
        index += 1
        if not outside(anchor):
            continue
        first = index
        while index < len(points) and points[index].at - anchor.at <= REPEAT_WITHIN:
            index += 1
        if anchor.at > after:
            found.append(Episode(anchor, points[first:index]))
    return found
