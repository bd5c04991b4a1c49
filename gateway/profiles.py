"""Which Bluetooth services the gateway looks for, and what it asks of a device (SIG assigned numbers)."""

from __future__ import annotations

from bleak.uuids import normalize_uuid_str

from devices.registry import canonical

MEASUREMENTS = {
    "1810": "2A35",  # Blood Pressure -> Blood Pressure Measurement
    "181D": "2A9D",  # Weight Scale -> Weight Measurement
    "180D": "2A37",  # Heart Rate -> Heart Rate Measurement
}
"""Service -> the characteristic that carries its measurements. A new profile is one line here."""

CURRENT_TIME = "2A2B"
DATE_TIME = "2A08"
BATTERY_LEVEL = "2A19"
MANUFACTURER_NAME = "2A29"
MODEL_NUMBER = "2A24"

_MEASUREMENT_NAMES = frozenset(MEASUREMENTS.values())


def service_uuids() -> list[str]:
    """Return the full UUIDs by which a device is recognised in its advertisement."""
    return [normalize_uuid_str(service) for service in MEASUREMENTS]


def is_measurement(characteristic: str) -> bool:
    """Tell whether a characteristic (any spelling of its UUID) carries measurements."""
    return canonical(characteristic) in _MEASUREMENT_NAMES
