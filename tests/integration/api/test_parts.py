"""The pure parts: translations, times and numbers in words, small pictures, the glance, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import clinician_api
from alerts.rules.templates import heart_failure
from clinician_api.glance import age, glance
from clinician_api.i18n import LOCALE_DIR, Language, choose, language
from clinician_api.live import Hub, event_stream
from clinician_api.plan_words import limit_lines
from clinician_api.sparkline import HEIGHT, MARGIN, WIDTH, daily_means, sparkline
from storage.trends import ReadingRow

ROOM = Path(clinician_api.__file__).parent
NOW = datetime(2025, 11, 4, 8, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Stockholm")


def used_messages() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield (where, message) of each text in code and templates."""
    methods = [("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    keywords = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
    options = {"templates/**.html": {"silent": "false"}}
    for file, line, message, _, _ in extract_from_dir(ROOM, methods, keywords=keywords, options_map=options):
        yield f"{file}:{line}", message


def test_every_text_has_a_swedish_translation() -> None:
    with (LOCALE_DIR / "sv" / "LC_MESSAGES" / "hemkurva.po").open("rb") as file:
        catalog = read_po(file, locale="sv", abort_invalid=True)
    translated = {
        message.id
        for message in catalog
        if message.string and (all(message.string) if isinstance(message.string, tuple) else True)
    }
    used = {message: where for where, message in used_messages()}
    assert len(used) > 100, "the extractor finds the texts"
    lacking = [f"{where}: {message!r}" for message, where in used.items() if message not in translated]
    assert not lacking, "write their Swedish into locale/sv/LC_MESSAGES/hemkurva.po"


def test_translations_keep_their_variables() -> None:
    with (LOCALE_DIR / "sv" / "LC_MESSAGES" / "hemkurva.po").open("rb") as file:
        catalog = read_po(file, locale="sv")
    for message in catalog:
        for text, translation in zip(_forms(message.id), _forms(message.string), strict=True):
            assert _variables(translation) <= _variables(text), message.id


def _forms(text: object) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (str(text),)


def _variables(text: str) -> set[str]:
    return {part.split(")")[0] for part in text.split("%(")[1:]}


@pytest.mark.parametrize(
    ("at", "sv", "en"),
    [
        (datetime(2025, 11, 4, 6, 5, tzinfo=UTC), "07:05", "07:05"),
        (datetime(2025, 11, 3, 22, 59, tzinfo=UTC), "i går 23:59", "yesterday 23:59"),
        (datetime(2025, 11, 3, 23, 0, tzinfo=UTC), "00:00", "00:00"),
        (datetime(2025, 11, 5, 7, 0, tzinfo=UTC), "i morgon 08:00", "tomorrow 08:00"),
        (datetime(2025, 10, 26, 0, 30, tzinfo=UTC), "26 okt 02:30", "26 Oct 02:30"),
        (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), "26 okt 02:30", "26 Oct 02:30"),
        (datetime(2024, 3, 1, 12, 0, tzinfo=UTC), "1 mars 2024 13:00", "1 Mar 2024 13:00"),
    ],
)
def test_moments_as_people_say_them(at: datetime, sv: str, en: str) -> None:
    assert language("sv").when(at, "Europe/Stockholm", now=NOW) == sv
    assert language("en").when(at, "Europe/Stockholm", now=NOW) == en


def test_numbers_in_each_language() -> None:
    assert [language("sv").number(v, 1) for v in (83.06, -2.0, 0)] == ["83,1", "-2,0", "0,0"]
    assert language("en").number(83.06, 1) == "83.1"
    assert language("sv").number(147.5) == "148"


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "code"),
    [
        ("en", "sv", "sv", "en"),
        ("xx", "en", "sv", "en"),
        (None, "zz", "en;q=0.1", "en"),
        (None, None, None, "sv"),
    ],
)
def test_what_was_asked_for_last_wins(
    query: str | None, cookie: str | None, accept: str | None, code: str
) -> None:
    assert choose(query, cookie, accept) == code


def test_a_picture_leaves_gaps_open() -> None:
    start = NOW - timedelta(days=14)
    points = [(start + timedelta(days=n), 80.0) for n in (1, 2, 5, 9, 10)]
    line = sparkline(points, start, NOW, least_span=3)
    assert line is not None
    assert line.path.count("M") == 3
    assert line.path.count("L") == 2


def test_a_picture_stays_in_its_box_and_noise_stays_small() -> None:
    start = NOW - timedelta(days=14)
    wild = [(start + timedelta(days=n), value) for n, value in enumerate([80, 95, 60, 81])]
    calm = [(start + timedelta(days=n), value) for n, value in enumerate([80.0, 80.2, 79.9])]
    for points, inside in ((wild, HEIGHT / 2 - MARGIN), (calm, 2.0)):
        line = sparkline(points, start, NOW, least_span=3)
        assert line is not None
        numbers = line.path.replace("h0", "").replace("L", " ").replace("M", " ").split()
        xs, ys = [float(x) for x in numbers[::2]], [float(y) for y in numbers[1::2]]
        assert all(MARGIN <= x <= WIDTH - MARGIN for x in xs)
        assert all(abs(y - HEIGHT / 2) <= inside for y in ys)
    assert sparkline([], start, NOW, least_span=3) is None


def test_repeats_of_a_morning_are_one_point() -> None:
    points = [(NOW, 140.0), (NOW + timedelta(minutes=2), 130.0), (NOW + timedelta(days=1), 120.0)]
    assert [value for _, value in daily_means(points)] == [135.0, 120.0]


def reading(days_ago: float, kind: str, **values: object) -> ReadingRow:
    """Return a stored reading of some days ago."""
    fields: dict[str, object] = dict.fromkeys(ReadingRow.__slots__)
    at = NOW - timedelta(days=days_ago)
    fields |= {"measured_at": at, "received_at": at, "kind": kind, "flags": [], "origin": "live"}
    return ReadingRow(**(fields | values))  # pyright: ignore[reportArgumentType]  a test's short way


def test_the_glance_says_now_usual_gaps_and_quality() -> None:
    weights = [reading(n, "weight", weight=80.0) for n in range(28, 3, -1) if n not in (5, 6)]
    late = [
        reading(0.1, "weight", weight=83.0),
        reading(0.05, "weight", weight=20.0, flags=["improper_position"]),
    ]
    said = reading(0.5, "symptoms", breathlessness=2, orthopnoea=0, swelling=0, dizziness=0)
    seen = glance([*weights, said, *late], heart_failure(), NOW, ZONE)
    assert seen.weight is not None
    assert (seen.weight.value, seen.weight.usual) == (83.0, 80.0)
    assert seen.pressure is None
    assert seen.symptoms is not None
    assert seen.symptoms.worse == {"breathlessness": 2}
    assert [(gap.kind, gap.days, gap.of) for gap in seen.gaps] == [
        ("weight", 5, 14), ("blood_pressure", 14, 14), ("symptoms", 13, 14),
    ]  # fmt: skip
    assert (seen.flagged, seen.flags) == (1, ["improper_position"])


def test_the_glance_of_nobody_yet() -> None:
    seen = glance([], heart_failure(), NOW, ZONE)
    assert (seen.weight, seen.pressure, seen.symptoms, seen.gaps) == (None, None, None, [])


def test_an_irregular_pulse_still_counts() -> None:
    seen = glance(
        [reading(0.1, "blood_pressure", systolic=150.0, diastolic=90.0, flags=["irregular_pulse"])],
        None,
        NOW,
        ZONE,
    )
    assert seen.pressure is not None
    assert seen.flagged == 0


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        (date(1947, 11, 4), date(2025, 11, 4), 78),
        (date(1947, 11, 5), date(2025, 11, 4), 77),
        (date(1948, 2, 29), date(2025, 2, 28), 76),
        (date(1948, 2, 29), date(2025, 3, 1), 77),
    ],
)
def test_age_in_full_years(born: date, today: date, years: int) -> None:
    assert age(born, today) == years


def test_limits_of_one_author_and_reason_are_one_line() -> None:
    swedish: Language = language("sv")
    lines = [line.text for line in limit_lines(heart_failure(), swedish)]
    assert lines[0] == "viktökning över 2,0 kg på 3 dagar"
    assert lines[1] == "systoliskt under 80 eller över 170, med symtom under 90 eller över 160"
    assert lines[2] == "puls under 40 eller över 110, med symtom under 50 eller över 100"


async def test_an_event_stream_ends_with_the_session_and_with_the_server() -> None:
    signed_in = True

    async def still() -> bool:
        return signed_in

    hub = Hub()
    stream = event_stream(hub, still, keep_alive=0.01)
    assert await anext(stream) == "retry: 2000\n\n"
    assert await anext(stream) == ": still here\n\n"
    hub.publish({"case"})
    hub.publish({"case", "reading"})
    assert await anext(stream) == "event: case\ndata: changed\n\nevent: reading\ndata: changed\n\n"
    signed_in = False
    assert [part async for part in stream] == []
    signed_in = True
    other = event_stream(hub, still, keep_alive=60)
    await anext(other)
    hub.close()
    async with asyncio.timeout(5):
        assert [part async for part in other] == []
