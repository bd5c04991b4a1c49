"""Round trips of every optional field, and any bytes: values or DecodeError, nothing else."""

import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import blood_pressure, current_time, date_time, heart_rate, weight
from devices.blood_pressure import BloodPressure
from devices.current_time import CurrentTime
from devices.date_time import DateTime
from devices.errors import DecodeError
from devices.heart_rate import HeartRate
from devices.registry import canonical, characteristics, decode
from devices.weight import Weight

tenths = st.integers(0, 20450).map(lambda n: round(n / 10, 1) if n <= 2045 else float(n // 10))
wall_clocks = st.datetimes(datetime(1582, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 - no zone
    lambda moment: moment.replace(microsecond=0)
)
users = st.none() | st.integers(0, 254)

statuses = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "body_movement": st.booleans(),
            "cuff_too_loose": st.booleans(),
            "irregular_pulse": st.booleans(),
            "pulse_rate_range": st.sampled_from(["within", "above", "below", None]),
            "improper_position": st.booleans(),
        }
    ),
)
blood_pressures = st.builds(
    lambda status, **fields: BloodPressure(**fields, **status),
    statuses,
    systolic=st.none() | tenths,
    diastolic=st.none() | tenths,
    mean_arterial_pressure=st.none() | tenths,
    pulse_rate=st.none() | tenths,
    taken_at=st.none() | wall_clocks,
    user_id=users,
)
bodies = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "bmi": st.integers(0, 0xFFFF).map(lambda n: n / 10),
            "height": st.integers(0, 0xFFFF).map(lambda n: n / 1000),
        }
    ),
)
weights = st.builds(
    lambda body, raw, **fields: Weight(
        weight=None if raw is None else raw / 200, measurement_unsuccessful=raw is None, **fields, **body
    ),
    bodies,
    st.none() | st.integers(0, 0xFFFE),
    taken_at=st.none() | wall_clocks,
    user_id=users,
)
heart_rates = st.builds(
    HeartRate,
    heart_rate=st.integers(0, 0xFFFF),
    sensor_contact=st.none() | st.booleans(),
    energy_kj=st.none() | st.integers(0, 0xFFFF),
    rr_intervals_ms=st.lists(st.integers(0, 0xFFFF).map(lambda n: n * 1000 / 1024), max_size=9).map(tuple),
)
current_times = st.builds(
    CurrentTime,
    datetime=st.none() | wall_clocks,
    day_of_week=st.none() | st.integers(1, 7),
    fractions256=st.integers(0, 255),
    adjust_manual=st.booleans(),
    adjust_external=st.booleans(),
    adjust_time_zone=st.booleans(),
    adjust_dst=st.booleans(),
)


@given(blood_pressures)
def test_blood_pressure_round_trip(measurement: BloodPressure):
    assert blood_pressure.decode(blood_pressure.encode(measurement)) == measurement


@given(blood_pressures)
def test_blood_pressure_in_kilopascal(measurement: BloodPressure):
    back = blood_pressure.decode(blood_pressure.encode(measurement, unit="kPa"))
    for field in ("systolic", "diastolic", "mean_arterial_pressure"):
        before, after = getattr(measurement, field), getattr(back, field)
        assert before is after is None or after == pytest.approx(before, rel=1 / 400, abs=1e-6)
    assert back.taken_at == measurement.taken_at
    assert back.user_id == measurement.user_id


@given(weights)
def test_weight_round_trip(measurement: Weight):
    assert weight.decode(weight.encode(measurement)) == measurement


@given(weights.filter(lambda w: (w.weight or 0) < 297 and (w.height or 0) < 166))
def test_weight_in_pounds(measurement: Weight):
    back = weight.decode(weight.encode(measurement, unit="lb"))
    assert back.measurement_unsuccessful == measurement.measurement_unsuccessful
    assert back.weight == pytest.approx(measurement.weight, abs=0.005)
    assert back.height == pytest.approx(measurement.height, abs=0.002)
    assert back.taken_at == measurement.taken_at


def test_weight_in_pounds_golden():
    # 154.32 lb and 68.9 in, put together by hand from the field table
    measured = weight.decode(bytes.fromhex("09483cf500b102"))
    assert measured.weight == pytest.approx(69.998, abs=0.001)
    assert measured.height == pytest.approx(1.750, abs=0.001)
    assert measured.bmi == 24.5


@given(heart_rates)
def test_heart_rate_round_trip(measurement: HeartRate):
    assert heart_rate.decode(heart_rate.encode(measurement)) == measurement


@given(current_times)
def test_current_time_round_trip(value: CurrentTime):
    assert current_time.decode(current_time.encode(value)) == value


@given(wall_clocks)
def test_date_time_round_trip(moment: datetime):
    assert date_time.decode(date_time.encode(DateTime(moment))).datetime == moment


@pytest.mark.parametrize("characteristic", characteristics())
@given(frame=st.binary(max_size=40))
def test_any_bytes_give_values_or_a_decode_error(characteristic: str, frame: bytes):
    try:
        measurement = decode(characteristic, frame)
    except DecodeError:
        return
    assert msgspec.json.decode(msgspec.json.encode(measurement), type=type(measurement)) == measurement


@pytest.mark.parametrize("characteristic", characteristics())
def test_every_shorter_frame_of_a_full_one_is_refused_or_says_less(characteristic: str):
    """No prefix of a frame with all fields may be taken for the whole."""
    full = {
        "2A08": "e20704110f3300",
        "2A18": "1f0400e407050e0c311d4e0168b0f80000",
        "2A1C": "06680100ffe207030a15340002",
        "2A1E": "06680100ffe207030a15340002",
        "2A2B": "e10701040b262d030102",
        "2A35": "1e8a00580078000000041114293b3c00012700",
        "2A36": "1f510000000000e40705150a1e2d6400010600",
        "2A37": "1faa008d008d00",
        "2A49": "ff01",
        "2A5E": "0f62004000ea0703030c1e00000100000078e3",
        "2A5F": "1fdef3caf3caf35af5d4f3b2f220010000007ae3",
        "2A60": "ff00e00107040a",
        "2A9C": "ff0fc300ea0703030c1e00010f1a9101e803e803e803e803e803e803e803",
        "2A9D": "0e783eea07050c12353601ee002607",
        "2A9E": "bf010000",
        "2A9F": "0201a80e",
        "23434101-1FE4-1EFF-80CB-00FF78297D8B": "06d402ea0703030c1e0001",
        "ADV-181B": "0226ea070303070000ea019a38",
        "ADV-181D": "229e43e507040b101301",
        "OMRON-EEPROM-14LE": "6457431a7316161c000046001900",
        "SFLOAT": "6ce1",
        "FLOAT32": "6c0100ff",
    }[characteristic]
    frame = bytes.fromhex(full)
    decode(characteristic, frame)
    for length in range(len(frame)):
        if characteristic == "2A37" and length == 5:
            continue  # all RR intervals gone: a sensor may send none
        with pytest.raises(DecodeError, match=r"truncated|exactly"):
            decode(characteristic, frame[:length])


@pytest.mark.parametrize("frame", ["0078005000fd00ffff", "e0780050005d00aabbcc"])
def test_trailing_bytes_and_reserved_flags_are_ignored(frame: str):
    assert blood_pressure.decode(bytes.fromhex(frame)).systolic == 120


@pytest.mark.parametrize(
    "stamp",
    [
        "00000000000000",
        "e9070001000000",
        "e9070d01000000",
        "e907021e000000",
        "e9070101180000",
        "01000101000000",
    ],
)
def test_an_unusable_date_does_not_cost_the_blood_pressure(stamp: str):
    frame = bytes.fromhex("02780050005d00" + stamp)
    measured = blood_pressure.decode(frame)
    assert (measured.systolic, measured.taken_at) == (120, None)


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [("e9070d01000000", "month 13"), ("e9070101180000", "hour 24"), ("01000101000000", "year 1 ")],
)
def test_a_clock_with_parts_out_of_range_is_refused(stamp: str, reason: str):
    with pytest.raises(DecodeError, match=reason):
        date_time.decode(bytes.fromhex(stamp))


def test_a_day_that_does_not_exist_is_unknown():
    assert date_time.decode(bytes.fromhex("e907021e000000")).datetime is None


def test_a_time_with_a_zone_is_never_written_as_wall_clock():
    with pytest.raises(ValueError, match="zone"):
        date_time.pack(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("encode", "measurement"),
    [
        (weight.encode, Weight(weight=327.675)),
        (weight.encode, Weight(weight=-1.0)),
        (weight.encode, Weight(weight=70.0, bmi=7000.0)),
        (heart_rate.encode, HeartRate(heart_rate=70000)),
        (heart_rate.encode, HeartRate(heart_rate=70, rr_intervals_ms=(70000.0,))),
        (blood_pressure.encode, BloodPressure(systolic=1e12, diastolic=80.0)),
        (blood_pressure.encode, BloodPressure(systolic=120.0, diastolic=80.0, user_id=256)),
    ],
)
def test_what_does_not_fit_the_format_is_refused(encode, measurement):
    with pytest.raises(ValueError, match=r"fit|large|range"):
        encode(measurement)


@pytest.mark.parametrize("name", ["2A9D", "2a9d", "00002a9d-0000-1000-8000-00805f9b34fb"])
def test_a_characteristic_may_be_written_in_three_ways(name: str):
    assert canonical(name) == "2A9D"
    assert decode(name, bytes.fromhex("00b036")) == Weight(weight=70.0)


@pytest.mark.parametrize("name", ["", "2A99", "\x00", "9" * 10_000, "00002a9d-0000-1000-8000-00805f9b34fc"])
def test_an_unknown_characteristic_is_refused_with_what_is_known(name: str):
    with pytest.raises(DecodeError, match="known are 2A08, 2A18, 2A1C") as caught:
        decode(name, b"\x00")
    assert len(str(caught.value)) < 300


def test_decoding_is_fast_enough_for_a_burst():
    """Under 20 us a frame; the best of several runs, because the machine has other work."""
    frame = bytes.fromhex("1fb4f078f08cf0e8070614102d0a5400031c00")
    best = min(_seconds_for(1000, frame) for _ in range(10))
    assert best / 1000 < 20e-6


def _seconds_for(times: int, frame: bytes) -> float:
    started = time.perf_counter()
    for _ in range(times):
        decode("2A35", frame)
    return time.perf_counter() - started
