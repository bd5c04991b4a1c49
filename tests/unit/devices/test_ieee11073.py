import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.ieee11073 import (
    Number,
    decode_float32,
    decode_sfloat,
    encode_float32,
    encode_sfloat,
    float32,
    sfloat,
    to_float32,
    to_sfloat,
)

SPECIAL_16 = (0x07FE, 0x07FF, 0x0800, 0x0801, 0x0802)
SPECIAL_32 = (0x007FFFFE, 0x007FFFFF, 0x00800000, 0x00800001, 0x00800002)


@pytest.mark.parametrize("raw", SPECIAL_16)
def test_the_five_special_sfloats_are_no_numbers(raw: int):
    assert sfloat(raw) is None


@pytest.mark.parametrize("raw", SPECIAL_32)
def test_the_five_special_floats_are_no_numbers(raw: int):
    assert float32(raw) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0x0072, 114.0), (0xF4F2, 126.6), (0xFFFF, -0.1), (0x7001, 1e7), (0x8001, 1e-8), (0xF3A0, 92.8)],
)
def test_sfloat_golden_values(raw: int, value: float):
    assert sfloat(raw) == value


def test_all_sfloats_survive_a_round_trip():
    for raw in range(0x10000):
        value = sfloat(raw)
        if value is None or abs(_mantissa(raw)) > 0x07FD:  # these mantissas are special with exponent 0
            continue
        assert sfloat(to_sfloat(value)) == value, hex(raw)


@given(st.integers(-0x7FFFFD, 0x7FFFFD), st.integers(-128, 127))
def test_floats_survive_a_round_trip(mantissa: int, exponent: int):
    raw = (exponent & 0xFF) << 24 | (mantissa & 0xFFFFFF)
    value = float32(raw)
    assert value is not None or raw in SPECIAL_32
    assert float32(to_float32(value)) == value


@given(st.floats(-2e10, 2e10))
def test_sfloat_is_within_its_resolution(value: float):
    back = sfloat(to_sfloat(value))
    assert back == pytest.approx(value, rel=1 / 400, abs=1e-8)


def test_unknown_is_written_as_nan():
    assert encode_sfloat(Number(None)) == struct.pack("<H", 0x07FF)
    assert encode_float32(Number(None)) == struct.pack("<I", 0x007FFFFF)


def test_whole_numbers_keep_exponent_zero_as_cuffs_write_them():
    assert encode_sfloat(Number(120.0)).hex() == "7800"
    assert encode_sfloat(Number(92.8)).hex() == "a0f3"
    assert encode_float32(Number(36.4)).hex() == "6c0100ff"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e11, -1e11])
def test_what_does_not_fit_an_sfloat_is_refused(value: float):
    with pytest.raises(ValueError, match=r"too large|finite"):
        to_sfloat(value)


def test_what_does_not_fit_a_float_is_refused():
    with pytest.raises(ValueError, match="too large"):
        to_float32(1e135)


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x00\x00\x00", bytes(5)])
def test_other_lengths_are_refused(frame: bytes):
    with pytest.raises(ValueError, match="exactly"):
        decode_sfloat(frame)
    with pytest.raises(ValueError, match="exactly"):
        decode_float32(frame)


def _mantissa(raw: int) -> int:
    mantissa = raw & 0x0FFF
    return mantissa - 0x1000 if mantissa & 0x800 else mantissa
