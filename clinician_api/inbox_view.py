"""The inbox as its template wants it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from clinician_api.glance import DAYS, age
from clinician_api.i18n import N_, Language
from clinician_api.sparkline import Sparkline, daily_means, sparkline
from clinician_api.wording import LEVELS
from storage.inbox import CaseRow, Inbox, Measured

LEAST_SPAN = {"weight": 3.0, "systolic": 40.0, "pulse": 30.0}
"""kg, mm[Hg], /min: below this a picture is not stretched (our choice: about two day-to-day SDs each way)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A sparkline with its name, its latest value as text, and its unit."""

    name: str
    line: Sparkline
    digits: int
    latest: str
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case in the list."""

    case: CaseRow
    title: str
    text: str
    pictures: list[Picture]


def text_of(text_sv: str | None, text_en: str | None, language: Language) -> str:
    """Return a finding's words in the reader's language."""
    return (text_sv if language.code == "sv" else text_en) or ""


def title_of(case: CaseRow, today: datetime, language: Language) -> str:
    """Return "given family, age", or the gateway's label for a technical case."""
    if case.born is None:
        return language.gettext("Gateway %(label)s", label=case.gateway_label)
    return f"{case.given_name} {case.family_name}, {age(case.born, today.date())}"


def rows(inbox: Inbox, language: Language, now: datetime, zone: str) -> list[Row]:
    """Return the rows of an inbox, in its order."""
    today = now.astimezone(ZoneInfo(zone))
    return [
        Row(
            case=case,
            title=title_of(case, today, language),
            text=text_of(case.text_sv, case.text_en, language),
            pictures=_pictures(inbox.readings.get(case.patient_id, []), language, now)
            if case.patient_id
            else [],
        )
        for case in inbox.cases
    ]


def newest(rows: Sequence[Row], language: Language) -> str:
    """Return what a screen reader says when the list has changed: the newest open case, in words."""
    waiting = [row for row in rows if row.case.state == "open"]
    if not waiting:
        return ""
    row = max(waiting, key=lambda r: r.case.opened_at)
    level = language.gettext(LEVELS[row.case.level])
    return language.gettext(
        "Newest case: %(level)s. %(title)s. %(text)s", level=level, title=row.title, text=row.text
    )


def _pictures(readings: Sequence[Measured], language: Language, now: datetime) -> list[Picture]:
    usable = [r for r in readings if not set(r.flags) - {"irregular_pulse"}]
    pressures = [r for r in usable if r.systolic is not None and r.diastolic is not None]
    latest = f"{pressures[-1].systolic:.0f}/{pressures[-1].diastolic:.0f}" if pressures else ""
    weights = [(r.measured_at, r.weight) for r in usable]
    systolic = [(r.measured_at, r.systolic) for r in pressures]
    pulses = [(r.measured_at, r.pulse) for r in usable]
    made = [
        _picture(N_("Weight"), "weight", weights, 1, "kg", now, language),
        _picture(N_("BP"), "systolic", systolic, 0, "mmHg", now, language, latest),
        _picture(N_("Pulse"), "pulse", pulses, 0, "/min", now, language),
    ]
    return [picture for picture in made if picture]


def _picture(
    name: str,
    quantity: str,
    points: Sequence[tuple[datetime, float | None]],
    digits: int,
    unit: str,
    now: datetime,
    language: Language,
    latest: str = "",
) -> Picture | None:
    known = [(at, value) for at, value in points if value is not None]
    line = sparkline(daily_means(known), now - timedelta(days=DAYS), now, least_span=LEAST_SPAN[quantity])
    if line is None:
        return None
    return Picture(name, line, digits, latest or language.number(known[-1][1], digits), unit)
