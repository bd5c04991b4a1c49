"""Models that break their specification, told by the name that they advertise."""

from __future__ import annotations

import re

_SWAPPED = re.compile(r"(?:BM ?(?:48|59|85)|ELITE ?900)(?!\d)", re.IGNORECASE)
_TENTHS = re.compile(r"SHAPE ?50(?!\d)", re.IGNORECASE)


def swaps_pulse(device_name: str | None) -> bool:
    """Tell whether a Beurer cuff may write pulse and status with the high byte first.

    Seen on the BM85; the maker's app treats BM48, BM59 and ELITE900 alike, and one BM59 is reported to follow
    the specification, so the caller must look at the frame as well.
    """
    return device_name is not None and _SWAPPED.search(device_name) is not None


def weighs_in_tenths(device_name: str | None) -> bool:
    """Tell whether a scale writes masses in 0.1 kg where Body Composition has 0.005 kg (Soehnle Shape50)."""
    return device_name is not None and _TENTHS.search(device_name) is not None
