"""What every profile decodes to, and what of it goes into a reading."""

from __future__ import annotations

from datetime import datetime

import msgspec

from wire.reading import Flag, Kind


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a measurement that a reading carries.

    `values` has the names and units of `wire.reading.Values`; None means that the device did not measure it.
    `taken_at` is the device's own clock, without a zone. `user_id` is the device's user number (0-254).
    """

    kind: Kind
    values: dict[str, float | None]
    flags: list[Flag] = []
    taken_at: datetime | None = None
    user_id: int | None = None


class Measurement(msgspec.Struct, frozen=True):
    """A decoded characteristic. Subclasses hold the fields; None is absent, unknown or not a number."""

    def content(self) -> Content | None:
        """Return what goes into a reading; None if this says nothing about a person (a clock, a number)."""
        return None

    def why_no_reading(self) -> str:
        """Return the reason in words, for the operator, when `content` is None."""
        return f"a {type(self).__name__} is not a measurement of a person"


class NotYetCarried(Measurement, frozen=True):
    """A measurement of a person that no reading carries yet: decoded and shown, never sent as values.

    It becomes a reading when `wire.Kind` has a kind for it and the gateway knows what to make of its quality
    flags; then it gets a `content` and derives from Measurement.
    """

    def why_no_reading(self) -> str:
        """Return the reason in words, for the operator."""
        name = type(self).__name__
        article = "an" if name[0] in "AEIOU" else "a"
        return f"{article} {name} is no reading yet: this version does not carry it"
