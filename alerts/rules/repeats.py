"""Confirmation: a value outside its limit is measured again, and the mean of the repeats decides.

Domain, "Confirmation": rest for 5 minutes and measure twice more; what is not repeated in 30 minutes alerts
all the same, marked unconfirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from alerts.rules.series import Vital

REPEAT_WITHIN = timedelta(minutes=30)


class Outcome(StrEnum):
    """What measuring again has shown."""

    NOT_REPEATED = "not_repeated"
    CONFIRMED = "confirmed"  # the mean of the repeats is outside too
    NORMAL = "normal"  # neither the mean nor the last of them is
    UNCLEAR = "unclear"  # the mean is normal and the last repeat is not


@dataclass(frozen=True, slots=True)
class Repeated:
    """A point outside its limits and the points of the next 30 minutes, which repeat it."""

    anchor: Vital
    repeats: Sequence[Vital]

    @property
    def mean(self) -> Vital | None:
        """Return the mean of the repeats, at the anchor's time; None before there are any."""
        if not self.repeats:
            return None
        columns = zip(*(repeat.values for repeat in self.repeats), strict=True)
        means = tuple(round(sum(column) / len(self.repeats), 1) for column in columns)
        return self.anchor._replace(values=means)

    def outcome(self, outside: Callable[[Vital], bool]) -> Outcome:
        """Return what the repeats show. A danger that comes back is never calmed by a mean."""
        if self.mean is None:
            return Outcome.NOT_REPEATED
        if outside(self.mean):
            return Outcome.CONFIRMED
        return Outcome.UNCLEAR if outside(self.repeats[-1]) else Outcome.NORMAL

    @property
    def reading_ids(self) -> tuple[UUID, ...]:
        """Return the anchor's and the repeats' identities."""
        return (self.anchor.reading_id, *(repeat.reading_id for repeat in self.repeats))


def episodes(points: Sequence[Vital], outside: Callable[[Vital], bool], after: datetime) -> list[range]:
    """Return the indices of each episode that begins later than `after`.

    An episode begins with a point that is outside and lasts 30 minutes; what is measured in it begins no
    other. Episodes are looked for from the series' beginning, so that `after` does not decide where one
    starts; nor may `outside` depend on anything that can be learnt later.
    """
    found: list[range] = []
    index = 0
    while index < len(points):
        first = index
        index += 1
        if not outside(points[first]):
            continue
        while index < len(points) and points[index].at - points[first].at <= REPEAT_WITHIN:
            index += 1
        if points[first].at > after:
            found.append(range(first, index))
    return found


def repeated(points: Sequence[Vital], index: int) -> Repeated:
    """Return a point with what was measured in the 30 minutes after it."""
    anchor, end = points[index], index + 1
    while end < len(points) and points[end].at - anchor.at <= REPEAT_WITHIN:
        end += 1
    return Repeated(anchor, points[index + 1 : end])
