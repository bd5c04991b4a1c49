"""Plain values to rows, for tests of rules."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.rules.series import Row, Series, build

STOCKHOLM = ZoneInfo("Europe/Stockholm")
_ids = count(1)


def at(text: str) -> datetime:
    """A local time in Stockholm, "2025-11-03 07:10", as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM).astimezone(UTC)


def row(kind: str, when: str, **values: Any) -> Row:
    """A stored reading."""
    names = ("systolic", "diastolic", "pulse", "heart_rate", "weight")
    symptoms = ("breathlessness", "orthopnoea", "swelling", "dizziness")
    cells = [values.get(name) for name in (*names, *symptoms)]
    identity = values.get("reading_id", UUID(int=next(_ids)))
    return (identity, kind, at(when), *cells, values.get("flags", []), values.get("corrects"), 1)


def weight(when: str, kg: float, **more: Any) -> Row:
    """A weight."""
    return row("weight", when, weight=kg, **more)


def pressure(
    when: str, systolic: float, diastolic: float = 80, pulse: float | None = None, **more: Any
) -> Row:
    """A blood pressure, with a pulse or not."""
    return row("blood_pressure", when, systolic=systolic, diastolic=diastolic, pulse=pulse, **more)


def symptoms(when: str, **grades: int) -> Row:
    """Answers to the symptom questions."""
    return row("symptoms", when, **grades)


def series(*rows: Row) -> Series:
    """A series, put in order."""
    return build(sorted(rows, key=lambda item: (item[2], item[0])))
