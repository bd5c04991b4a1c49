"""The table of what can be decoded. A new device is one file, one line here, one test."""

from __future__ import annotations

import re
from collections.abc import Callable

from devices import (
    and_weight,
    blood_pressure,
    blood_pressure_feature,
    body_composition,
    current_time,
    date_time,
    glucose,
    heart_rate,
    ieee11073,
    intermediate_cuff_pressure,
    omron,
    pulse_oximeter,
    temperature,
    user_control,
    weight,
    weight_feature,
    xiaomi,
)
from devices.errors import DecodeError
from devices.measurement import Measurement

Decoder = Callable[[bytes, str | None], Measurement]
"""(frame, device name) -> measurement; the name lets a profile know the quirks of a model."""

_DECODERS: dict[str, Decoder] = {
    "2A08": date_time.decode,
    "2A18": glucose.decode,
    "2A1C": temperature.decode,
    "2A1E": temperature.decode,
    "2A2B": current_time.decode,
    "2A35": blood_pressure.decode,
    "2A36": intermediate_cuff_pressure.decode,
    "2A37": heart_rate.decode,
    "2A49": blood_pressure_feature.decode,
    "2A5E": pulse_oximeter.decode_spot_check,
    "2A5F": pulse_oximeter.decode_continuous,
    "2A60": pulse_oximeter.decode_features,
    "2A9C": body_composition.decode,
    "2A9D": weight.decode,
    "2A9E": weight_feature.decode,
    "2A9F": user_control.decode,
    and_weight.UUID: and_weight.decode,
    "ADV-181B": xiaomi.decode_scale_2,
    "ADV-181D": xiaomi.decode_scale_1,
    "OMRON-EEPROM-14LE": omron.decode,
    "FLOAT32": ieee11073.decode_float32,
    "SFLOAT": ieee11073.decode_sfloat,
}

_SIG_UUID = re.compile(r"0000([0-9A-F]{4})-0000-1000-8000-00805F9B34FB")


def canonical(characteristic: str) -> str:
    """Return the short upper-case name: 2A35 for '2a35' and '00002a35-0000-1000-8000-00805f9b34fb'."""
    name = characteristic.upper()
    match = _SIG_UUID.fullmatch(name)
    return match.group(1) if match else name


def characteristics() -> tuple[str, ...]:
    """Return the names of everything that `decode` knows, in order."""
    return tuple(_DECODERS)


def decode(characteristic: str, frame: bytes, device_name: str | None = None) -> Measurement:
    """Return what a frame of a characteristic (16-bit or full SIG UUID, any case) says.

    Raises DecodeError for an unknown characteristic and for a frame that its profile refuses; never anything
    else, whatever the bytes.
    """
    decoder = _DECODERS.get(characteristic) or _DECODERS.get(canonical(characteristic))
    if decoder is None:
        known = ", ".join(_DECODERS)
        raise DecodeError(f"unknown characteristic {characteristic[:64]!r}; known are {known}")
    return decoder(frame, device_name)
