"""Golden bytes from captures, public test suites and the specifications (tests/data/gatt_vectors.json).

A null in `expect` is absent, unknown or not a number; `error` means that decoding must refuse.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.errors import DecodeError
from devices.measurement import Measurement
from devices.registry import characteristics, decode

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "gatt_vectors.json").read_text())
TOLERANCES = {
    "systolic": 0.05,
    "diastolic": 0.05,
    "mean_arterial_pressure": 0.05,
    "cuff_pressure": 0.05,
    "temperature": 0.05,
    "glucose": 0.05,
    "weight": 0.01,
    "height": 0.005,
    "rr_intervals_ms": 1.0,
}


def expected(field: str, value: Any) -> Any:
    if isinstance(value, list):
        return [expected(field, item) for item in value]
    if isinstance(value, float):
        return pytest.approx(value, abs=TOLERANCES.get(field, 0.01), rel=1e-9)
    return value


def read(vector: dict[str, Any]) -> Measurement:
    name = vector.get("context", {}).get("device_name")
    return decode(vector["characteristic"], bytes.fromhex(vector["hex"]), name)


def test_every_known_characteristic_has_vectors():
    assert {vector["characteristic"] for vector in VECTORS} == set(characteristics())


@pytest.mark.parametrize("vector", [v for v in VECTORS if "expect" in v], ids=lambda v: v["id"])
def test_decodes_to_the_expected_values(vector: dict[str, Any]):
    got = json.loads(msgspec.json.encode(read(vector)))
    assert set(got) == set(vector["expect"])
    for field, value in vector["expect"].items():
        assert got[field] == expected(field, value), field


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.get("error")], ids=lambda v: v["id"])
def test_refuses_what_is_no_measurement(vector: dict[str, Any]):
    with pytest.raises(DecodeError):
        read(vector)
