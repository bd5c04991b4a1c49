"""Numbers, times and symptoms in words, Swedish and English."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.rules.plan import MeasuredKind, Symptom

_MONTHS_SV = ("jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

WORSE_SV = {
    Symptom.BREATHLESSNESS: "mer andfådd",
    Symptom.ORTHOPNOEA: "svårare att ligga plant",
    Symptom.SWELLING: "mer svullen",
    Symptom.DIZZINESS: "mer yr",
}
WORSE_EN = {
    Symptom.BREATHLESSNESS: "more breathless",
    Symptom.ORTHOPNOEA: "harder to lie flat",
    Symptom.SWELLING: "more swollen",
    Symptom.DIZZINESS: "dizzier",
}
KIND_SV: dict[MeasuredKind, str] = {
    "weight": "Ingen vikt",
    "blood_pressure": "Inget blodtryck",
    "heart_rate": "Ingen puls",
    "symptoms": "Inga svar på symtomfrågorna",
}
KIND_EN: dict[MeasuredKind, str] = {
    "weight": "No weight",
    "blood_pressure": "No blood pressure",
    "heart_rate": "No pulse",
    "symptoms": "No answers to the symptom questions",
}


def decimal_sv(value: float, places: int = 1) -> str:
    """Return a number with the Swedish decimal comma."""
    return decimal_en(value, places).replace(".", ",")


def decimal_en(value: float, places: int = 1) -> str:
    """Return a number with a fixed count of decimals."""
    return f"{value:.{places}f}"


def limit_figure(value: float) -> str:
    """Return a limit as it was written: 170 rather than 170.0."""
    return f"{value:g}"


def days_sv(days: int) -> str:
    """Return a count of days."""
    return "1 dag" if days == 1 else f"{days} dagar"


def days_en(days: int) -> str:
    """Return a count of days."""
    return "1 day" if days == 1 else f"{days} days"


def day_sv(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day, e.g. "5 nov"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS_SV[local.month - 1]}"


def day_en(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day, e.g. "5 Nov"."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS_EN[local.month - 1]}"


def moment_sv(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day and time, e.g. "5 nov 07:12"."""
    return f"{day_sv(at, zone)} {at.astimezone(zone):%H:%M}"


def moment_en(at: datetime, zone: ZoneInfo) -> str:
    """Return the local day and time, e.g. "5 Nov 07:12"."""
    return f"{day_en(at, zone)} {at.astimezone(zone):%H:%M}"


def worse_sv(symptoms: Iterable[Symptom]) -> str:
    """Return what has become worse, in the order of the questions."""
    return ", ".join(WORSE_SV[symptom] for symptom in symptoms)


def worse_en(symptoms: Iterable[Symptom]) -> str:
    """Return what has become worse, in the order of the questions."""
    return ", ".join(WORSE_EN[symptom] for symptom in symptoms)


def vital(values: tuple[float, ...]) -> str:
    """Return a pressure as "178/95 mmHg", a pulse as "38/min"."""
    unit = " mmHg" if len(values) == 2 else "/min"
    return "/".join(f"{value:.0f}" for value in values) + unit


def repeated_sv(mean: tuple[float, ...] | None, outside: bool) -> str:
    """Return whether a repeated measurement has confirmed a value, by the mean of the repeats."""
    if mean is None:
        return "Obekräftad: inte mätt om."
    if outside:
        return f"Bekräftad: {vital(mean)} vid upprepad mätning."
    return f"Upprepad mätning normal: {vital(mean)}."


def repeated_en(mean: tuple[float, ...] | None, outside: bool) -> str:
    """Return whether a repeated measurement has confirmed a value, by the mean of the repeats."""
    if mean is None:
        return "Unconfirmed: not measured again."
    if outside:
        return f"Confirmed: {vital(mean)} when measured again."
    return f"Normal when measured again: {vital(mean)}."
