"""The rules of time, quality and refusal when a measurement becomes a reading."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import blood_pressure, weight
from devices.blood_pressure import BloodPressure
from devices.current_time import CurrentTime
from devices.date_time import DateTime
from devices.errors import DecodeError
from devices.heart_rate import HeartRate
from devices.ieee11073 import Number
from devices.reading import Clock, ClockState, to_reading, to_utc, unreadable
from devices.registry import characteristics, decode
from devices.weight import Weight
from wire import codec
from wire.reading import ClockQuality, Flag, Kind, Origin, Reading

RECEIVED = datetime(2026, 3, 10, 6, 31, 7, tzinfo=UTC)
MORNING = datetime(2026, 3, 10, 7, 30, 0)  # noqa: DTZ001 - the device's wall clock, one hour ahead of UTC
VERIFIED = Clock(ClockState.VERIFIED)
UNKNOWN = Clock()


def reading_of(measurement: Any, **changes: Any) -> Reading:
    arguments: dict[str, Any] = {
        "frame": b"\x01\x02",
        "characteristic": "2A35",
        "device_id": "F0:F1:F2:F3:F4:01",
        "received_at": RECEIVED,
        "clock": VERIFIED,
        "live": True,
    }
    reading = to_reading(measurement, **(arguments | changes))
    assert codec.decode_reading(codec.encode_reading(reading)) == reading, "the wire must take every reading"
    return reading


def pressure(**changes: Any) -> BloodPressure:
    return BloodPressure(**({"systolic": 120.0, "diastolic": 80.0, "taken_at": MORNING} | changes))


def test_a_verified_clock_gives_the_measured_time():
    reading = reading_of(pressure(), live=False)
    assert reading.measured_at == datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
    assert reading.clock is ClockQuality.VERIFIED
    assert reading.device_time == "2026-03-10T07:30:00"
    assert reading.origin is Origin.DEVICE_MEMORY


def test_a_known_offset_corrects_the_device_time_but_not_what_the_device_said():
    ahead = Clock(ClockState.OFFSET, offset=timedelta(minutes=7))
    reading = reading_of(pressure(), clock=ahead, live=False)
    assert reading.measured_at == datetime(2026, 3, 10, 6, 23, tzinfo=UTC)
    assert reading.clock is ClockQuality.OFFSET
    assert reading.device_time == "2026-03-10T07:30:00"


def test_an_unknown_clock_leaves_the_receive_time_to_a_live_measurement():
    reading = reading_of(pressure(), clock=UNKNOWN)
    assert (reading.measured_at, reading.clock) == (RECEIVED, ClockQuality.GATEWAY)
    assert reading.device_time == "2026-03-10T07:30:00"


def test_an_unknown_clock_leaves_no_time_to_a_stored_measurement():
    reading = reading_of(pressure(), clock=UNKNOWN, live=False)
    assert (reading.measured_at, reading.clock) == (None, ClockQuality.UNVERIFIED)


def test_a_record_without_a_time_is_as_one_with_an_unknown_clock():
    assert reading_of(pressure(taken_at=None)).clock is ClockQuality.GATEWAY
    assert reading_of(pressure(taken_at=None), live=False).clock is ClockQuality.UNVERIFIED


@pytest.mark.parametrize(
    "taken_at",
    [
        datetime(1970, 1, 1, 0, 3),  # noqa: DTZ001 - a device's clock has no zone
        datetime(2094, 3, 10, 7, 30),  # noqa: DTZ001 - a device's clock has no zone
        datetime(1582, 1, 1),  # noqa: DTZ001 - a device's clock has no zone
        datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001 - a device's clock has no zone
        MORNING + timedelta(minutes=12),
        MORNING - timedelta(days=5 * 366),
    ],
)
@pytest.mark.parametrize(
    "clock",
    [VERIFIED, Clock(ClockState.OFFSET, timedelta(0)), Clock(ClockState.OFFSET, timedelta(days=-1))],
)
def test_an_implausible_device_time_is_not_believed(taken_at: datetime, clock: Clock):
    live = reading_of(pressure(taken_at=taken_at), clock=clock)
    assert (live.measured_at, live.clock) == (RECEIVED, ClockQuality.GATEWAY)
    stored = reading_of(pressure(taken_at=taken_at), clock=clock, live=False)
    assert (stored.measured_at, stored.clock) == (None, ClockQuality.UNVERIFIED)


@pytest.mark.parametrize(
    ("late", "quality"),
    [
        (timedelta(minutes=10), ClockQuality.VERIFIED),
        (timedelta(minutes=10, seconds=1), ClockQuality.GATEWAY),
    ],
)
def test_the_window_ends_ten_minutes_ahead(late: timedelta, quality: ClockQuality):
    received = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
    assert reading_of(pressure(taken_at=MORNING + late), received_at=received).clock is quality


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59+00:00"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00+00:00"),  # does not exist; reads as 03:30 summer time
        ("2026-03-29T03:00:00", "2026-03-29T01:00:00+00:00"),
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00+00:00"),  # happens twice; the first one
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_daylight_saving(local: str, utc: str):
    assert to_utc(datetime.fromisoformat(local), "Europe/Stockholm").isoformat() == utc


def test_a_reading_in_the_hour_that_happens_twice():
    reading = reading_of(
        pressure(taken_at=datetime(2026, 10, 25, 2, 30)),  # noqa: DTZ001 - a device's clock has no zone
        received_at=datetime(2026, 10, 25, 5, 0, tzinfo=UTC),
    )
    assert reading.measured_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_another_zone():
    reading = reading_of(pressure(), clock=Clock(ClockState.VERIFIED, zone="Europe/Helsinki"))
    assert reading.measured_at == datetime(2026, 3, 10, 5, 30, tzinfo=UTC)


def test_an_unknown_zone_is_refused_when_the_clock_is_made():
    with pytest.raises(ZoneInfoNotFoundError):
        Clock(zone="Europe/Atlantis")


def test_a_receive_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        reading_of(pressure(), received_at=MORNING)


def test_all_values_of_a_cuff_travel():
    full = pressure(mean_arterial_pressure=93.3333, pulse_rate=61.0, user_id=2)
    reading = reading_of(full, frame=b"\xab\xcd", characteristic="00002a35-0000-1000-8000-00805f9b34fb")
    assert msgspec.to_builtins(reading.values) == {
        "systolic": 120.0,
        "diastolic": 80.0,
        "mean_arterial": 93.333,
        "pulse": 61.0,
    }
    assert (reading.kind, reading.user_slot) == (Kind.BLOOD_PRESSURE, 2)
    assert (reading.characteristic, reading.raw) == ("2A35", "abcd")


def test_height_travels_in_centimetres():
    reading = reading_of(Weight(weight=70.0, bmi=24.5, height=1.75), characteristic="2A9D")
    assert msgspec.to_builtins(reading.values) == {"weight": 70.0, "bmi": 24.5, "height": 175.0}


def test_zero_in_an_optional_field_was_not_measured():
    reading = reading_of(pressure(mean_arterial_pressure=0.0, pulse_rate=0.0))
    assert msgspec.to_builtins(reading.values) == {"systolic": 120.0, "diastolic": 80.0}


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        ({"body_movement": True}, [Flag.BODY_MOVEMENT]),
        ({"cuff_too_loose": True, "irregular_pulse": True}, [Flag.CUFF_TOO_LOOSE, Flag.IRREGULAR_PULSE]),
        ({"pulse_rate_range": "below"}, [Flag.PULSE_BELOW_RANGE]),
        ({"pulse_rate_range": "above"}, [Flag.PULSE_ABOVE_RANGE]),
        ({"improper_position": True, "pulse_rate_range": "within"}, [Flag.IMPROPER_POSITION]),
        ({}, []),
    ],
)
def test_the_status_of_a_cuff_becomes_flags(status: dict[str, Any], flags: list[Flag]):
    assert reading_of(pressure(**status)).flags == flags


@pytest.mark.parametrize(("contact", "flags"), [(False, [Flag.NO_SENSOR_CONTACT]), (True, []), (None, [])])
def test_the_contact_of_a_strap_becomes_a_flag(contact: bool | None, flags: list[Flag]):
    reading = reading_of(HeartRate(heart_rate=64, sensor_contact=contact), characteristic="2A37")
    assert (reading.kind, reading.flags) == (Kind.HEART_RATE, flags)


def test_a_failed_measurement_is_unreadable_and_says_why():
    frame = bytes.fromhex("16ff07ff07ff07e80706170e230aff070100")
    reading = reading_of(
        blood_pressure.decode(frame),
        frame=frame,
        received_at=datetime(2024, 6, 23, 12, 36, tzinfo=UTC),
        live=False,
    )
    assert reading.kind is Kind.UNREADABLE
    assert reading.error == "the device gave no systolic and no diastolic; the device reports body_movement"
    assert reading.values == type(reading.values)()
    assert reading.measured_at == datetime(2024, 6, 23, 12, 35, 10, tzinfo=UTC)
    assert reading.raw == frame.hex()


def test_an_unsuccessful_weighing_is_unreadable():
    reading = reading_of(weight.decode(bytes.fromhex("00ffff")), characteristic="2A9D")
    assert (reading.kind, reading.error) == (Kind.UNREADABLE, "the device gave no weight")


@pytest.mark.parametrize(
    ("measurement", "error"),
    [
        (pressure(systolic=907.57), "systolic 907.57 is outside 30-300 mm[Hg]"),
        (pressure(pulse_rate=301.0), "pulse 301 is outside 15-300 /min"),
        (Weight(weight=0.1), "weight 0.1 is outside 1-500 kg"),
        (Weight(weight=0.0), "weight 0 is outside 1-500 kg"),
        (HeartRate(heart_rate=0), "heart_rate 0 is outside 15-300 /min"),
    ],
)
def test_what_no_person_can_have_is_unreadable(measurement: Any, error: str):
    reading = reading_of(measurement)
    assert (reading.kind, reading.error) == (Kind.UNREADABLE, error)


@pytest.mark.parametrize("measurement", [Number(3.0), DateTime(MORNING), CurrentTime(datetime=MORNING)])
def test_a_clock_or_a_number_is_no_measurement_of_a_person(measurement: Any):
    reading = reading_of(measurement)
    assert reading.kind is Kind.UNREADABLE
    assert "not a measurement of a person" in (reading.error or "")


@pytest.mark.parametrize(
    ("characteristic", "frame", "reason"),
    [
        ("2A1C", "00720100ff", "a Temperature is no reading yet"),
        ("2A5E", "0061004800", "a SpotCheck is no reading yet"),
        ("2A9C", "0000c800", "a BodyComposition is no reading yet"),
        ("2A18", "020700ea0701010c00005ab011", "a Glucose is no reading yet"),
        ("ADV-181B", "0224e607020e10293a00009a38", "a ScaleAdvertisement is no reading yet"),
        ("OMRON-EEPROM-14LE", "6457431a7316161c000046001900", "an OmronRecord is no reading yet"),
        ("2A36", "045000ff07ff074800", "not a result"),
        ("2A49", "0000", "not a measurement of a person"),
        ("2A9F", "0201a80e", "not a measurement of a person"),
    ],
)
def test_what_no_reading_carries_yet_says_so_and_gives_no_values(
    characteristic: str, frame: str, reason: str
):
    measurement = decode(characteristic, bytes.fromhex(frame))
    assert measurement.content() is None
    reading = reading_of(measurement, characteristic=characteristic)
    assert reading.kind is Kind.UNREADABLE
    assert reason in (reading.error or "")


def test_the_weight_of_ands_own_characteristic_is_a_weight():
    own = "23434101-1FE4-1EFF-80CB-00FF78297D8B"
    reading = reading_of(decode(own, bytes.fromhex("00d402")), characteristic=own)
    assert (reading.kind, reading.values.weight) == (Kind.WEIGHT, 72.4)


def test_the_same_record_is_the_same_reading_whenever_it_is_read():
    first = reading_of(pressure(), clock=UNKNOWN)
    again = reading_of(pressure(), received_at=RECEIVED + timedelta(days=3), live=False)
    assert first.reading_id == again.reading_id


def test_the_same_values_on_another_day_are_another_reading():
    other = pressure(taken_at=MORNING - timedelta(days=1))
    assert reading_of(pressure()).reading_id != reading_of(other).reading_id


def test_a_record_of_another_user_is_another_reading():
    assert reading_of(pressure(user_id=1)).reading_id != reading_of(pressure(user_id=2)).reading_id


@given(
    characteristic=st.sampled_from([*characteristics(), "2A99", "ÅÄÖ", "", "a" * 99]),
    frame=st.binary(max_size=40),
    clock=st.builds(
        Clock, st.sampled_from(ClockState), st.timedeltas(timedelta(days=-40000), timedelta(days=40000))
    ),
    live=st.booleans(),
)
def test_any_frame_becomes_a_reading_that_the_wire_takes(
    characteristic: str, frame: bytes, clock: Clock, live: bool
):
    common: dict[str, Any] = {
        "frame": frame,
        "characteristic": characteristic,
        "device_id": "cuff",
        "received_at": RECEIVED,
        "live": live,
    }
    try:
        reading = to_reading(decode(characteristic, frame), clock=clock, **common)
    except DecodeError as error:
        reading = unreadable(error, **common)
        assert reading.kind is Kind.UNREADABLE
    assert codec.decode_reading(codec.encode_reading(reading)) == reading


def test_a_monstrous_frame_is_cut_and_told_apart_from_another():
    def monster(last: bytes) -> Reading:
        reading = unreadable(
            DecodeError("x" * 999),
            frame=bytes(5000) + last,
            characteristic="2A35",
            device_id="cuff",
            received_at=RECEIVED,
            live=True,
        )
        assert codec.decode_reading(codec.encode_reading(reading)) == reading
        return reading

    assert monster(b"\x01").reading_id != monster(b"\x02").reading_id


@pytest.mark.parametrize(
    ("measured", "received", "offset"),
    [
        # Still on winter time, read the day after the change of 29 March 2026; measured before and after it.
        ((2026, 3, 27, 8), datetime(2026, 3, 30, 7, tzinfo=UTC), -1),
        ((2026, 3, 30, 7), datetime(2026, 3, 30, 7, tzinfo=UTC), -1),
        # Still on summer time, read the day after the change of 25 October 2026.
        ((2026, 10, 23, 8), datetime(2026, 10, 26, 7, tzinfo=UTC), 1),
        ((2026, 10, 26, 8), datetime(2026, 10, 26, 7, tzinfo=UTC), 1),
    ],
)
def test_a_clock_that_did_not_follow_daylight_saving_is_right_on_both_sides_of_the_change(
    measured: tuple[int, int, int, int], received: datetime, offset: int
) -> None:
    shown = datetime(*measured)  # noqa: DTZ001 - a device's clock has no zone
    kept = timezone(timedelta(hours=1 if offset < 0 else 2))  # what the device's clock runs on, all year
    reading = reading_of(
        Weight(weight=80.0, taken_at=shown),
        received_at=received,
        clock=Clock(ClockState.OFFSET, timedelta(hours=offset)),
        live=False,
    )
    assert reading.measured_at == shown.replace(tzinfo=kept)
