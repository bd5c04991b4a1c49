"""From text in a form to a reading of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinician_api import manual_entry
from clinician_api.manual_entry import RANGES, Range, Refused, known_token, new_token
from wire.codec import decode_reading, encode_reading
from wire.reading import Reading

ZONE = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 11, 4, 8, 30, tzinfo=UTC)
TOKEN = UUID("019a4c2f-5c40-8a1b-9c3d-000000000001")


def weigh(text: str, *, token: UUID = TOKEN, last: float | None = None) -> Reading:
    return manual_entry.weight(
        {"weight": text}, last=last, confirmed=False, measured=NOW, now=NOW, token=token
    )


def test_the_ranges_are_the_contracts_own() -> None:
    assert RANGES["weight"] == Range(1, 500)
    assert RANGES["systolic"] == Range(30, 300)
    assert RANGES["diastolic"] == Range(10, 250)
    assert RANGES["pulse"] == Range(15, 300)


@pytest.mark.parametrize(
    ("text", "value"), [("81,2", 81.2), ("81.2", 81.2), (" 81 ", 81), ("1", 1), ("500", 500)]
)
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert weigh(text).values.weight == value


@pytest.mark.parametrize(
    "text", ["", " ", "0,9", "500,1", "1e2", "-81", "nan", "8 1.2.3", "٨١", "81kg", "9" * 400]
)
def test_what_is_no_weight(text: str) -> None:
    with pytest.raises(Refused) as refused:
        weigh(text)
    assert [problem.field for problem in refused.value.problems] == ["weight"]


@given(st.text(max_size=30))
def test_no_text_does_harm(text: str) -> None:
    try:
        reading = weigh(text)
    except Refused:
        return
    assert decode_reading(encode_reading(reading)) == reading


def test_what_is_accepted_passes_the_contract() -> None:
    form = {"systolic": "128", "diastolic": "76", "pulse": "64"}
    reading = manual_entry.pressure(form, measured=NOW, now=NOW, token=TOKEN)
    assert decode_reading(encode_reading(reading)) == reading


def test_the_same_form_is_the_same_reading() -> None:
    assert weigh("81,2").reading_id == weigh("81.20").reading_id
    assert weigh("81,2").reading_id != weigh("81,3").reading_id
    assert weigh("81,2").reading_id != weigh("81,2", token=new_token(NOW)).reading_id


@pytest.mark.parametrize(("last", "refused"), [(86.3, True), (86.1, False), (76.0, True), (None, False)])
def test_more_than_five_kilos_are_asked_about(last: float | None, refused: bool) -> None:
    if not refused:
        assert weigh("81,2", last=last).values.weight == 81.2
        return
    with pytest.raises(Refused):
        weigh("81,2", last=last)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"systolic": "80", "diastolic": "80"}, "systolic"),
        ({"systolic": "120"}, "diastolic"),
        ({"systolic": "120", "diastolic": "80", "pulse": "14"}, "pulse"),
        ({"systolic": "29", "diastolic": "20"}, "systolic"),
    ],
)
def test_pressures_that_cannot_be(form: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        manual_entry.pressure(form, measured=NOW, now=NOW, token=TOKEN)
    assert field in [problem.field for problem in refused.value.problems]


def test_times_are_the_patients() -> None:
    at = manual_entry.measured_time({"day": "2026-11-04", "clock": "07:12"}, NOW, ZONE)
    assert at == datetime(2026, 11, 4, 6, 12, tzinfo=UTC)
    assert manual_entry.measured_time({}, NOW, ZONE) == NOW


@pytest.mark.parametrize(
    "form",
    [
        {"day": "2026-11-04"},
        {"clock": "07:12"},
        {"day": "2026-11-05", "clock": "07:12"},
        {"day": "2026-10-01", "clock": "07:12"},
        {"day": "0001-01-01", "clock": "00:00"},
        {"day": "9999-12-31", "clock": "23:59"},
        {"day": "2026-11-04", "clock": "07:12+14:00"},
        {"day": "x", "clock": "\x00"},
    ],
)
def test_times_that_cannot_be(form: dict[str, str]) -> None:
    with pytest.raises(Refused):
        manual_entry.measured_time(form, NOW, ZONE)


@pytest.mark.parametrize("text", ["", "no", str(UUID(int=0)), str(UUID(int=2**128 - 1))])
def test_a_strange_token_is_replaced(text: str) -> None:
    assert str(known_token(text, NOW)) != text


def test_a_token_lives_for_a_day() -> None:
    token = new_token(NOW)
    assert known_token(str(token), NOW + timedelta(hours=23)) == token
    assert known_token(str(token), NOW + timedelta(hours=25)) != token
